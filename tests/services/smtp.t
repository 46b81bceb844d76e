#!/usr/bin/env perl
# The primitive smtp.send against aiosmtpd: what arrives, byte for byte; what is refused, and how that is
# classed; TLS, logging in, and a connection that is lost at each point.
use strict;
use warnings;
use lib 'tests/lib';
use Encode ();
use File::Temp 'tempdir';
use JSON::PP;
use Services;
use Stepwise;
use Test::More;

need('aiosmtpd', 'openssl');
my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
my $number = 0;

sub server {
  my (@options) = @_;
  my $box = tempdir(DIR => $dir);
  my $server = start_service([$python, 'tests/services/smtpd.py', PORT, $box, @options]);
  return { %$server, box => $box };
}
sub url { my ($server, $scheme) = @_; return ($scheme // 'smtp') . "://127.0.0.1:$server->{port}" }

# Runs smtp.send with these arguments in a driver: what was said, the exit code, the events.
sub send_with {
  my ($arguments, %more) = @_;
  $number++;
  my $repeat = $more{repeat} ? ", repeat: $more{repeat}" : '';
  write_file("$dir/case$number.rb", <<"RUBY");
runbook "mail" do
  step "Send" do
    @{[$more{clauses} // '']}
    r = post.send
    show r, as: "result"
    irreversible "what was sent was sent"
  end
end
binding :post, "Mail" do
  action :send, effect: :write$repeat do
    gives :any
  end
end
driver :plain, for: :post, default: true do
  setting :password, :secret, optional: true
  perform :send do
    smtp.send($arguments)
  end
end
RUBY
  my ($said, $exit) = run_quietly($stepwise, 'run', "$dir/case$number.rb", '--journal', "$dir/$number.db", @{$more{args} || []});
  my ($events) = run_quietly($stepwise, 'journal', 'export', '--journal', "$dir/$number.db");
  return ($said, $exit, map { decode_json($_) } grep { /^\{/ } split /\n/, $events);
}
sub ended { my ($end) = grep { $_->{kind} eq 'action.finished' } @_; return $end ? $end->{data} : {} }
sub result_of { return ended(@_)->{result}{'$record'} // {} }
sub key_of { my ($start) = grep { $_->{kind} eq 'action.started' } @_; return $start->{data}{key} }

# What arrived last: python's own reading of it.
sub arrived {
  my ($server) = @_;
  my ($last) = sort { $b <=> $a } map { m{/(\d+)\.eml$} } glob "$server->{box}/*.eml";
  return undef if !$last;
  my $read = `$python tests/services/read_mail.py $server->{box}/$last.eml`;
  return { %{decode_json(read_file("$server->{box}/$last.json"))}, %{decode_json($read)}, raw => read_file("$server->{box}/$last.eml") };
}
sub count { my ($server) = @_; return scalar(my @all = glob "$server->{box}/*.eml") }

my $plain = server();
my $at = url($plain);
my $usual = qq{url: "$at", from: "Ops <ops\@example.org>", to: "ana\@example.org"};

# --- what arrives ---
{
  my ($said, $exit, @events) = send_with(qq{$usual, subject: "Hello", text: "One line\\n.\\n..two dots\\nlast", reply_to: "desk\@example.org", helo: "runner.example.org"});
  is($exit, 0, 'a plain message') or diag $said;
  my $mail = arrived($plain);
  is($mail->{headers}{From}, 'Ops <ops@example.org>', 'who it is from');
  is($mail->{headers}{To}, 'ana@example.org', 'who it is to');
  is($mail->{headers}{Subject}, 'Hello', 'its subject');
  is($mail->{headers}{'Reply-To'}, 'desk@example.org', 'where answers go');
  like($mail->{headers}{Date}, qr/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/, 'its date');
  is($mail->{headers}{'Message-ID'}, '<' . substr(key_of(@events), 0, 40) . '@example.org>', "its id is made of the action's key");
  is(result_of(@events)->{id}, $mail->{headers}{'Message-ID'}, '  and is given');
  is($mail->{text}, "One line\n.\n..two dots\nlast\n", 'lines of dots arrive as they are');
  is("$mail->{from} @{$mail->{to}} $mail->{helo}", 'ops@example.org ana@example.org runner.example.org', 'the envelope');
  is(join(' ', result_of(@events)->{code}, result_of(@events)->{reply}), '250 2.0.0 taken as 1', 'what the server said');
  unlike($mail->{raw}, qr/[^\r]\n/, 'every line ends in CR LF');
}
{
  my $name = "J\x{fc}rgen \x{2603}, \x{201c}Ops\x{201d}";
  my $subject = "Gr\x{fc}\x{df}e aus K\x{f6}ln: " . join(' ', ("\x{43f}\x{440}\x{438}\x{432}\x{435}\x{442}") x 20);
  my $text = "\x{e9}t\x{e9} \n" . ("\x{4e16}\x{754c}" x 200) . "\ntab\tand = sign \nFrom here on\n.\n" . ('x' x 2000) . "\n";
  my $html = "<p>caf\x{e9}</p>\n<a href=\"https://example.org/?a=b&amp;c=d\">x</a>";
  write_file("$dir/report \x{2713}.bin", my $bytes = join '', map { chr } (0 .. 255) x 40);
  rename "$dir/report \x{2713}.bin", my $path = "$dir/" . Encode::encode('UTF-8', "report \x{2713}.bin");
  my $arguments = qq{url: "$at", from: "\\"$name\\" <ops\@example.org>", to: ["ana\@example.org", "Bob B. <bob\@example.org>"], subject: "$subject",
    text: "@{[$text =~ s/\n/\\n/gr]}", html: "@{[$html =~ s/"/\\"/gr =~ s/\n/\\n/gr]}", headers: { "X-Campaign" => "spring \x{e9}", "List-Unsubscribe" => "<https://example.org/u/1>" },
    sender: "bounces\@example.org", attachments: [{ path: "$dir/report \x{2713}.bin", type: "application/x-report" }, { text: "a;b\\n", name: "rows.csv", type: "text/csv" }]};
  my ($said, $exit, @events) = send_with(Encode::encode('UTF-8', $arguments));
  is($exit, 0, 'one in other scripts, with two forms and two files') or diag $said;
  my $mail = arrived($plain);
  is($mail->{headers}{From}, qq{"$name" <ops\@example.org>}, 'a display name') or diag $mail->{raw} =~ s/\r\n\r\n.*//sr;
  is($mail->{headers}{To}, 'ana@example.org, "Bob B." <bob@example.org>', 'two recipients');
  is($mail->{headers}{Subject}, $subject, 'a long subject');
  is($mail->{headers}{'X-Campaign'}, "spring \x{e9}", 'a header of our own');
  is($mail->{headers}{'List-Unsubscribe'}, '<https://example.org/u/1>', 'one of ASCII');
  is($mail->{from}, 'bounces@example.org', 'what cannot be delivered comes back to another address');
  is($mail->{text}, $text, 'the text');
  is($mail->{html}, "$html\n" =~ s/\n\z//r, 'the HTML');
  is_deeply($mail->{types}, [qw(multipart/mixed multipart/alternative text/plain text/html application/x-report text/csv)], 'its parts');
  is($mail->{files}[0]{name}, "report \x{2713}.bin", 'a file by its name');
  is(pack('H*', $mail->{files}[0]{hex}), $bytes, '  byte for byte');
  is(join(' ', $mail->{files}[1]{name}, pack('H*', $mail->{files}[1]{hex})), "rows.csv a;b\n", 'a text as a file');
  is((sort { $b <=> $a } map { length } split /\r\n/, $mail->{raw})[0] <= 998, 1, 'no line is too long');
  unlike($mail->{raw}, qr/[^\x00-\x7f]/, 'all of it is ASCII');
}

# --- what is refused before anything is sent ---
sub refused_here {
  my ($name, $arguments, $pattern) = @_;
  my $before = count($plain);
  my ($said, $exit, @events) = send_with($arguments);
  is(join(' ', $exit, ended(@events)->{error}{kind} // 'none'), '1 validation', $name) or diag $said;
  like($said, $pattern, '  and says why');
  is(count($plain), $before, '  and nothing was sent');
}
refused_here('a subject of two lines', qq{$usual, text: "x", subject: "a\\r\\nBcc: eve\@example.org"}, qr/subject: is a text of one line/);
refused_here('a recipient of two lines', qq{url: "$at", from: "ops\@example.org", to: "ana\@example.org\\r\\nRCPT TO:<eve\@example.org>", text: "x", subject: "a"}, qr/not an address/);
refused_here('a recipient with a second one', qq{url: "$at", from: "ops\@example.org", to: "ana\@example.org>, <eve\@example.org", text: "x", subject: "a"}, qr/not an address/);
refused_here('a sender of two lines', qq{url: "$at", from: "Ops\\nBcc: eve\@example.org <ops\@example.org>", to: "ana\@example.org", text: "x", subject: "a"}, qr/not an address/);
refused_here('an address to answer to, of two lines', qq{$usual, text: "x", subject: "a", reply_to: "a\@example.org\\nX: y"}, qr/not an address/);
refused_here('a header of two lines', qq{$usual, text: "x", subject: "a", headers: { "X-A" => "b\\nBcc: eve\@example.org" }}, qr/headers: X-A is not a text of one line/);
refused_here("a header's name of two lines", qq{$usual, text: "x", subject: "a", headers: { "X-A: b\\r\\nBcc" => "eve\@example.org" }}, qr/is no header that can be added/);
refused_here('a header that the message has', qq{$usual, text: "x", subject: "a", headers: { "bcc" => "eve\@example.org" }}, qr/bcc is no header that can be added/);
refused_here('a name of a file with a line break', qq{$usual, text: "x", subject: "a", attachments: [{ text: "x", name: "a\\r\\nb" }]}, qr/attachments: name is/);
refused_here('a type of a file with a line break', qq{$usual, text: "x", subject: "a", attachments: [{ text: "x", name: "a", type: "text/plain\\r\\nX: y" }]}, qr/attachments: type is as/);
refused_here('a file that is not there', qq{$usual, text: "x", subject: "a", attachments: [{ path: "$dir/none" }]}, qr/cannot read the attachment \S+none: No such file/);
refused_here('a message id that is none', qq{$usual, text: "x", subject: "a", id: "<a\@b>\\r\\nX: y"}, qr/id: is as <word\@host>/);
refused_here('a greeting of two lines', qq{$usual, text: "x", subject: "a", helo: "x\\r\\nMAIL FROM:<a\@b>"}, qr/helo: is this machine's name/);
refused_here('a message that is too large', qq{$usual, text: "x" * 5000, subject: "a", max: 4000}, qr/the message is larger than 4000 bytes/);
refused_here('an address that is not ASCII', Encode::encode('UTF-8', qq{url: "$at", from: "ops\@example.org", to: "j\x{fc}rgen\@example.org", text: "x", subject: "a"}), qr/not an address.*help: an address is ASCII/s);
refused_here('nor its host', Encode::encode('UTF-8', qq{url: "$at", from: "ops\@example.org", to: "ana\@m\x{fc}ller.example", text: "x", subject: "a"}), qr/not an address.*help: an address is ASCII.*xn--/s);
refused_here('nobody', qq{url: "$at", from: "ops\@example.org", to: [], text: "x", subject: "a"}, qr/to: is from 1 to 100 addresses/);
refused_here('a URL of another kind', qq{url: "http://127.0.0.1/", from: "ops\@example.org", to: "ana\@example.org", text: "x", subject: "a"}, qr/not the URL of a mail server/);
refused_here('a URL with a password', qq{url: "smtp://me:hush-77\@127.0.0.1", from: "ops\@example.org", to: "ana\@example.org", text: "x", subject: "a"}, qr/not the URL of a mail server\n/);

# --- what the server refuses ---
sub refused_there {
  my ($name, $from, $to, $kind, $pattern, %more) = @_;
  my ($said, $exit, @events) = send_with(qq{url: "@{[$more{url} // $at]}", from: "$from\@example.org", to: $to, subject: "a", text: @{[$more{text} // '"x"']}}, %more);
  is(join(' ', $exit, ended(@events)->{error}{kind} // 'none'), join(' ', $more{exit} // 1, $kind), $name) or diag $said;
  like($said, $pattern, '  and says what was answered');
}
refused_there('a mailbox that is not there', 'ops', '"no-such@example.org"', 'refused', qr/refuses the recipient: 550 5\.1\.1 there is no such mailbox/);
refused_there('one that is full', 'ops', '"full@example.org"', 'transient', qr/refuses the recipient: 452 4\.2\.2 the mailbox is full/);
refused_there('one that we may not write to', 'ops', '"relay@example.org"', 'permission', qr/refuses the recipient: 550 5\.7\.1 relaying denied/);
refused_there('of several, what may pass weighs most', 'ops', '["no-such@example.org", "full@example.org"]', 'transient', qr/452/);
refused_there('a message that is refused', 'spam', '"ana@example.org"', 'permission', qr/refuses the message: 554 5\.7\.1 this looks like spam/);
refused_there('a server that is busy', 'busy', '"ana@example.org"', 'transient', qr/refuses the sender: 421 4\.3\.2 too many connections/);
refused_there('nobody listens', 'ops', '"ana@example.org"', 'transient', qr{smtp://127\.0\.0\.1:1: .*onnect}, url => 'smtp://127.0.0.1:1');
refused_there('no such host', 'ops', '"ana@example.org"', 'transient', qr/esolve/, url => 'smtp://no-such-host.invalid');
{
  my ($said, $exit, @events) = send_with(qq{url: "$at", from: "ops\@example.org", to: ["no-such\@example.org", "ana\@example.org", "full\@example.org"], subject: "some", text: "x"});
  my $result = result_of(@events);
  is($exit, 0, 'some of several are accepted') or diag $said;
  is("@{$result->{accepted}}", 'ana@example.org', '  who was');
  is(join(', ', map { my $r = $_->{'$record'}; "$r->{to} $r->{code} $r->{kind}{'$symbol'}" } @{$result->{refused}}), 'no-such@example.org 550 refused, full@example.org 452 transient', '  who was not, and why');
  is("@{arrived($plain)->{to}}", 'ana@example.org', '  and who got it');
}
{
  my ($said, $exit, @events) = send_with(qq{$usual, subject: "a", text: "x", to: "later-2-ana\@example.org"} =~ s/to: "ana\@example.org", //r, clauses => 'retries 3, backoff: 0.1.seconds, on: [:transient]', repeat => ':by_key');
  is($exit, 0, 'a server that says later, twice, has it at the third time') or diag $said;
  is(scalar(grep { $_->{kind} eq 'action.started' } @events), 3, '  after three attempts');
}
{
  my $small = server('size=3000');
  refused_there('a message that is too large for the server', 'ops', '"ana@example.org"', 'validation', qr/552/, url => url($small), text => '"x" * 4000');
}

# --- a connection that is lost ---
refused_there('lost when the message was on its way: in doubt', 'drop-after', '"ana@example.org"', 'none', qr/post\.send has no answer \(.*\): whether it happened is not known/, exit => 5);
{
  my ($said, $exit) = send_with(qq{url: "$at", from: "slow\@example.org", to: "ana\@example.org", subject: "a", text: "x"}, clauses => 'timeout 1.second');
  is($exit, 5, 'no answer to the message: in doubt when the step has no more time') or diag $said;
  my $before = count($plain);
  ($said, $exit) = send_with(qq{url: "$at", from: "slow\@example.org", to: "ana\@example.org", subject: "a", text: "x", timeout: 0.7.seconds});
  is($exit, 5, '  or the transfer') or diag $said;
}
{
  # It hangs up in the middle of the message, which cannot have arrived.
  my $cut = start_service([$python, 'tests/services/cut_smtp.py', PORT]);
  refused_there('lost in the middle of the message: not in doubt', 'ops', '"ana@example.org"', 'transient', qr{smtp://127\.0\.0\.1:\d+: }, url => url($cut), text => '"a line of some length, many times\n" * 200000');
}
for my $command (qw(EHLO MAIL)) {
  my $endless = start_service([$python, 'tests/services/cut_smtp.py', PORT, $command]);
  refused_there("a reply to $command without an end", 'ops', '"ana@example.org"', 'transient', qr{smtp://127\.0\.0\.1:\d+: }, url => url($endless));
}
# --- TLS and logging in ---
sub certificate {
  my ($name, $for) = @_;
  my ($made, $bad) = run_quietly('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', "/CN=$name", '-addext', "subjectAltName=$for", '-keyout', "$dir/$name.key", '-out', "$dir/$name.pem");
  die $made if $bad;
  return ("cert=$dir/$name.pem", "key=$dir/$name.key");
}
my @good = certificate('good', 'IP:127.0.0.1');
my @wrong = certificate('wrong', 'DNS:other.example.org');
my $trust = qq{ca_file: "$dir/good.pem"};
my @site = ('--site', "$dir/site.rb");
write_file("$dir/site.rb", qq{site "test" do\n  connect :post, driver: "plain", password: env("MAIL_PASSWORD")\nend\n});
$ENV{MAIL_PASSWORD} = 'sesame-4711';

my $secure = server(@good, 'user=ops', 'password=sesame-4711');
sub tls_case {
  my ($name, $server, $more, $exit, $kind, $pattern, %options) = @_;
  my ($said, $code, @events) = send_with(qq{url: "@{[url($server, $options{scheme})]}", from: "ops\@example.org", to: "ana\@example.org", subject: "a", text: "x", $more}, args => \@site);
  is(join(' ', $code, ended(@events)->{error}{kind} // 'none'), "$exit $kind", $name) or diag $said;
  like($said, $pattern, '  and says why') if $pattern;
  unlike("$said" . read_file("$dir/$number.db"), qr/sesame-4711|c2VzYW1lLTQ3MTE/, '  and not the password');
}
my $login = 'user: "ops", password: setting.password';
tls_case('STARTTLS and a password', $secure, "$trust, tls: :required, $login", 0, 'none');
is(join(' ', map { arrived($secure)->{$_} } qw(tls user)), '1 ops', '  both were used');
tls_case('with a password, optional is required', $secure, "$trust, $login", 0, 'none');
tls_case('a wrong password', $secure, qq{$trust, user: "eve", password: setting.password}, 1, 'permission', qr/refuses the login: 535/);
tls_case('no password where one is asked for', $secure, "$trust, tls: :required", 1, 'permission', qr/refuses the sender: 530/);
tls_case('a server that nobody vouches for', $secure, "tls: :required, $login", 1, 'permission', qr/certificate/);
tls_case('the same, where TLS is optional', $secure, 'tls: :optional', 1, 'permission', qr/certificate/);
my $other = server(@wrong);
tls_case('a certificate for another name', $other, qq{ca_file: "$dir/wrong.pem", tls: :required}, 1, 'permission', qr/certificate/);
is(count($other), 0, '  gets nothing');
tls_case('no TLS where it is required', $plain, "$trust, tls: :required", 1, 'permission', qr/TLS|SSL/);
tls_case('no TLS, and a password', $plain, "$trust, $login", 1, 'permission', qr/TLS|SSL/);
tls_case('no password is asked for, and one is given', $plain, "tls: :never, $login", 1, 'permission', qr/takes no password, and one is given/);
my $tls = server(@good, 'smtps=1');
tls_case('TLS at once', $tls, $trust, 0, 'none', undef, scheme => 'smtps');
is(arrived($tls)->{tls}, 1, '  is used');
my $wrong_tls = server(@wrong, 'smtps=1');
tls_case('TLS at once, and another name', $wrong_tls, qq{ca_file: "$dir/wrong.pem"}, 1, 'permission', qr/certificate/, scheme => 'smtps');

# --- somebody in between who wants the password, or the message ---
for my $case (['stripped', 'permission', qr/TLS|SSL/], ['refused', 'permission', qr/refuses TLS: 502/], ['injected', 'provider', qr/./],
  ['clear', 'permission', qr/./], ['gone', 'transient', qr/./]) {
  my ($how, $kind, $pattern) = @$case;
  for my $with (['a password', $login], ['TLS required', 'tls: :required']) {
    my ($name, $more) = @$with;
    write_file("$dir/sly.log", '');
    my $sly = start_service([$python, 'tests/services/sly_smtp.py', PORT, "$dir/sly.log", $how, "$dir/good.pem", "$dir/good.key"]);
    tls_case("STARTTLS is $how, $name", $sly, "$trust, timeout: 10.seconds, $more", 1, $kind, $pattern);
    my $said = read_file("$dir/sly.log");
    like($said, qr/^EHLO /m, '  it was spoken to');
    unlike($said, qr/AUTH|AG9wcwBzZXNhbWU|c2VzYW1l|sesame|MAIL FROM|ana\@/, '  and got no password, no address and no message');
    stop_service($sly);
  }
}
{
  write_file("$dir/sly.log", '');
  my $sly = start_service([$python, 'tests/services/sly_smtp.py', PORT, "$dir/sly.log", 'stripped']);
  tls_case('a server without TLS that takes passwords, where the site says tls: :never', $sly, "tls: :never, $login", 0, 'none');
  like(read_file("$dir/sly.log"), qr/AUTH PLAIN.*AG9wcwBzZXNhbWU/s, '  gets it: so the search would have found one');
}

# --- many messages: connections are used again ---
sub connections { my ($server) = @_; return scalar(my @all = read_file("$server->{box}/log") =~ /^CONNECT$/mg) }
{
  $number++;
  write_file("$dir/many.rb", read_file("$dir/case1.rb") =~ s/  step "Send" do.*?\n  end\n/  each_of [@{[join ', ', 1 .. 30]}], at_once: 4 do |i|\n    step "Send" do\n      r = post.send\n      show r.code\n      irreversible "sent"\n    end\n  end\n/sr);
  my ($before, $connected) = (count($plain), connections($plain));
  my ($said, $exit) = run_quietly($stepwise, 'run', "$dir/many.rb", '--journal', "$dir/many.db");
  is($exit, 0, 'thirty messages, four at once') or diag $said;
  is(count($plain) - $before, 30, '  all arrive');
  cmp_ok(connections($plain) - $connected, '<=', 5, '  over few connections'); # one of them says that the server answers
}
done_testing;
