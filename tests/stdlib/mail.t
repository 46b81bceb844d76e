#!/usr/bin/env perl
# The primitives of letters: places that are filled, what is wrong with a letter, and reports of what
# came back, in the forms that servers write.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use JSON::PP;
use Stepwise;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $number = 0;

# The value of an expression in a driver, as JSON; or what was said.
sub value_of {
  my ($expression) = @_;
  $number++;
  write_file("$dir/$number.rb", <<"RUBY");
runbook "letters" do
  step "Ask" do
    r = desk.ask
    show r
  end
end
binding :desk, "A desk" do
  action :ask, effect: :read do
    gives :any
  end
end
driver :plain, for: :desk, default: true do
  perform :ask do
    $expression
  end
end
RUBY
  my ($said, $exit) = run_quietly($stepwise, 'run', "$dir/$number.rb", '--journal', "$dir/$number.db");
  return $said if $exit;
  my ($events) = run_quietly($stepwise, 'journal', 'export', '--journal', "$dir/$number.db");
  my ($end) = grep { $_->{kind} eq 'action.finished' } map { decode_json($_) } grep { /^\{/ } split /\n/, $events;
  return $end->{data}{result};
}
sub plain { my ($v) = @_; return ref $v eq 'HASH' && $v->{'$record'} ? $v->{'$record'} : $v }

# --- places ---
is(value_of('mail.fill(text: "Dear {{first_name}}, {{ n }}", fields: { first_name: "Ana & Bo", n: 3 })'), 'Dear Ana & Bo, 3', 'places are filled');
is(value_of('mail.fill(text: "<p>{{x}}</p>", fields: { x: "<b>\"&\'" }, form: :html)'), '<p>&lt;b&gt;&quot;&amp;&#39;</p>', 'escaped for HTML');
is(value_of('mail.fill(text: "https://example.org/?u={{x}}", fields: { x: "a+b@c d&e=f\u00e9" }, form: :url)'), 'https://example.org/?u=a%2Bb%40c%20d%26e%3Df%C3%A9', 'encoded for a URL');
is(value_of('mail.fill(text: "{{a}}{{a}}", fields: { a: "{{b}}" })'), '{{b}}{{b}}', 'what is filled in is not filled again');
like(value_of('mail.fill(text: "Dear {{name}}", fields: {})'), qr/there is no value for \{\{name\}\}/, 'one without a value');
like(value_of('mail.fill(text: "Dear {{name}}", fields: { name: " " })'), qr/there is no value for \{\{name\}\}/, 'a blank is none');
like(value_of('mail.fill(text: "Dear {{#if}}", fields: {})'), qr/begins no place/, 'one that is none');

# --- what is wrong ---
sub problems_are {
  my ($name, $arguments, @want) = @_;
  is_deeply(plain(value_of("mail.problems($arguments)"))->{problems}, \@want, $name);
}
my $people = 'people: [{ email: "ana@example.org", name: "Ana" }, { email: "bo@example.org", name: "" }, { email: "cy@example.org" }]';
problems_are('a good letter', 'subject: "a", text: "b {{email}}", html: "c", ' . $people);
problems_are('one without its parts', 'subject: " ", text: "b"', 'subject: it is missing', 'html: it is missing');
problems_are('a subject of two lines', 'subject: "a\nb", text: "b", html: "c"', 'subject: it has more than one line');
problems_are('a place that some have nothing for', qq{subject: "a {{name}}", text: "b", html: "c", $people}, '{{name}}: 2 of 3 have nothing for it, bo@example.org first');
problems_are('a place that nobody has', qq{subject: "a", text: "b {{nmae}}", html: "c", $people}, '{{nmae}}: nobody has such a field');
problems_are('one that is given', qq{subject: "a", text: "b {{link}}", html: "c", $people, given: ["link"]});
problems_are('a part that is too large', 'subject: "a", text: "b" * 200, html: "c", max: 100', 'text: it has 200 bytes; from 100 on readers cut it off');
problems_are('what begins no place', 'subject: "a", text: "b {{ #x", html: "c"', 'text: "{{ #x" begins no place: write {{name}}');

# --- reports ---
sub report {
  my ($fields, %more) = @_;
  my $sent = $more{sent} // "Message-ID: <abc\@example.org>\nTo: gone\@example.net\nSubject: News\n";
  return "From: MAILER-DAEMON\@example.org\nTo: bounces\@example.org\nSubject: failed\nMIME-Version: 1.0\nContent-Type: multipart/report;\n report-type=delivery-status;\n boundary=\"x=_y\"\n\n"
    . "words\n--x=_y\nContent-Type: text/plain\n\nFinal-Recipient: rfc822; decoy\@example.org\nStatus: 5.1.1\n--x=_y\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.org\nArrival-Date: today\n\n$fields\n"
    . "--x=_y\nContent-Type: " . ($more{type} // 'message/rfc822') . "\n\n$sent\nbody\n--x=_y--\n";
}
mkdir "$dir/box";
mkdir "$dir/box/$_" for qw(new cur tmp);
my $gone = "Final-Recipient: rfc822; Gone\@Example.net\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <gone\@example.net>:\n  no such user\n";
write_file("$dir/box/new/1.a", report($gone));
write_file("$dir/box/cur/2.a:2,S", report($gone =~ s/gone/two/igr . "\nOriginal-Recipient: rfc822;alias\@example.net\nFinal-Recipient: rfc822;other\@example.net\nAction: Delayed\nStatus: 4.4.1 (no answer)\n", type => 'text/rfc822-headers') =~ s/\n/\r\n/gr);
write_file("$dir/box/new/3.a", report($gone =~ s/5\.1\.1\nD/5.0.0\nD/r));
write_file("$dir/box/new/4.a", report($gone =~ s/5\.1\.1/5.2.2/gr));
write_file("$dir/box/new/5.a", report($gone =~ s/5\.1\.1/5.7.1/gr));
write_file("$dir/box/new/6.a", "From: ana\@example.org\nSubject: Re: News\n\nThank you!\nFinal-Recipient: rfc822; decoy\@example.org\nAction: failed\nStatus: 5.1.1\n");
write_file("$dir/box/new/7.a", report($gone) =~ s{Reporting-MTA.*}{}sr);
write_file("$dir/box/new/8.a", '');
write_file("$dir/box/new/A.a", report("Final-Recipient: rfc822; gone\@example.net\nAction: failed\nStatus: 5.0.0\n") =~ s{multipart/report;\n}{multipart/mixed;}r =~ s/words/Hello,\ngone\@example.net: 550 5.1.1 no such mailbox/r);
my $silent = join "\n", map { "Final-Recipient: rfc822; $_\@example.net\nAction: failed\nStatus: 5.0.0\n" } qw(two one three one);
write_file("$dir/box/new/B.\xff", report($silent) =~ s/words/One\@example.net: 550 5.1.1 gone\none\@example.net: 550 no more\n three\@example.net: 550 a quote\0\ntwo\@example.net: 450 4.2.2 full/r);
my %plain = (C => 'User unknown', D => 'Requested action not taken: mailbox unavailable', E => 'Message rejected as SPAM by content filtering', F => 'Access denied: see our policy',
  G => 'Blocked, your host is on a list', H => 'Relaying denied', I => '<spam\@example.net>: user unknown in relay recipient table', J => '<content\@example.net>: mailbox unavailable');
write_file("$dir/box/new/$_.a", report($gone =~ s/5\.1\.1\nD/5.0.0\nD/r =~ s/550 5.*\n.*\n/550 $plain{$_}\n/r)) for keys %plain;
write_file("$dir/box/tmp/9.a", report($gone));
my %of;
push @{$of{$_->{id}}}, $_ for map { plain($_) } @{value_of(qq{mail.bounces(path: "$dir/box")})};
sub short { return join '; ', map { join ' ', $_->{to}, $_->{action}, $_->{status}, $_->{hard} ? 'hard' : 'soft', $_->{message_id} } @{$of{$_[0]} || []} }
is(short('1.a'), 'gone@example.net failed 5.1.1 hard <abc@example.org>', 'a mailbox that is not there');
is($of{'1.a'}[0]{reason}, '550 5.1.1 <gone@example.net>: no such user', 'and what the server said');
is(short('2.a'), 'two@example.net failed 5.1.1 hard <abc@example.org>; alias@example.net delayed 4.4.1 soft <abc@example.org>', 'two recipients, in lines that end in CR LF, of a message that was seen');
is(short('3.a'), 'gone@example.net failed 5.0.0 hard <abc@example.org>', 'a server that quotes another');
is(short('4.a'), 'gone@example.net failed 5.2.2 soft <abc@example.org>', 'a full mailbox');
is(short('5.a'), 'gone@example.net failed 5.7.1 soft <abc@example.org>', 'mail that was not wanted');
is(short('A.a'), 'gone@example.net failed 5.0.0 hard <abc@example.org>', 'a server that says why to people alone');
is(join(' ', map { short("$_.a") =~ /5\.0\.0 (hard|soft)/ && $of{"$_.a"}[0]{reason} eq "550 $plain{$_}" ? $1 : "$_?" } sort keys %plain), 'hard hard soft soft soft soft hard hard', 'a 550 without a code: the mailbox, unless it says that the letter was not wanted');
is($of{'A.a'}[0]{reason}, '550 5.1.1 no such mailbox', 'is read too');
my ($odd) = grep { /^B/ } keys %of;
is($odd, "B.\x{FFFD}", 'a file with a name that is no text');
is(join('; ', map { "$_->{to} $_->{reason}" } @{$of{$odd}}), 'two@example.net 450 4.2.2 full; one@example.net 550 5.1.1 gone; three@example.net ; one@example.net 550 5.1.1 gone', 'each of several has what stands behind its own address first, past a NUL too');
is(short('6.a'), '', 'a letter from somebody is no report');
is(join(' ', sort keys %of), "1.a 2.a 3.a 4.a 5.a A.a $odd C.a D.a E.a F.a G.a H.a I.a J.a", 'nor is an empty file, nor what has not arrived yet');
like(value_of(qq{mail.bounces(path: "$dir/none")}), qr/cannot read the mailbox \S+none: No such file/, 'a mailbox that is not there');
done_testing;
