#!/usr/bin/env perl
# The runbooks for mail against a mail server: what arrived there of a campaign, who bounced and who
# unsubscribed from then on, what is sent again after a failure, and a launch that is killed.
use strict;
use warnings;
use lib 'tests/lib';
use Children;
use JSON::PP;
use Messaging;
use Services;
use Stepwise;
use Test::More;

need('aiosmtpd');
my $dir = room();
chmod 0755, $dir;
mkdir "$dir/$_" for qw(box box2 bounces);
my $server = start_service([$python, 'tests/services/smtpd.py', PORT, "$dir/box"]);
write_file("$dir/log", '');
my ($web, $held) = start_server("$dir/log");
my %set = (campaign => 'spring', segment => 'market', test_address => 'staff@example.org', monitor => '1s', throttle => 100,
  unsubscribe => "http://127.0.0.1:$web/echo?who={{email}}");
my %yes = ('verify-template' => 'leave_out', 'verify-unsubscribe-link' => 'yes', 'test-send' => 'yes', 'approve launch' => { answer => 'approve', by => 'lead-1' });
sub site {
  my ($server) = @_;
  write_file("$dir/site.rb", qq{site "office" do\n  role :messaging_lead, members: ["lead-1"], typed: true\n  role :leadership, members: ["head-1"]\n}
    . qq{  connect :email, driver: "smtp", url: "smtp://127.0.0.1:$server->{port}", from: "Market <market\@example.org>", bounce_to: "bounces\@example.org", bounce_box: "$dir/bounces", unsubscribed: "$dir/gone.txt"\nend\n});
  return ('--site', "$dir/site.rb");
}
sub letters { my ($box) = @_; return map { decode_json(`$python tests/services/read_mail.py $_`) } sort glob "$dir/$box/*.eml" }
sub forget { unlink glob "$dir/box/*.eml $dir/box/*.json" }
my ($said, $exit);

# --- a campaign ---
my @people = sample_people(40);
$people[3]{consent} = 'no';
$people[4]{email} = 'no-such-4@example.org';
$people[5]{email} = 'later-1-5@example.org';
write_people($dir, 'market', @people);
($said, $exit) = run_in($dir, 'email-campaign-launch', \%set, \%yes, site($server));
is($exit, 0, 'a campaign to a mail server') or diag $said;
my @letters = letters('box');
my %to = map { $_->{headers}{To} => $_ } @letters;
is(join(' ', sort keys %to), join(' ', sort 'staff@example.org', map { $_->{email} } @people[0 .. 2, 5 .. 39]), 'each has it, and staff the test');
is(scalar @letters, scalar keys %to, '  once');
like($said, qr/1 refused: .*there is no such mailbox\n/, '  who is refused by the server is told, with its reason');
my $one = $to{'sample9@example.org'};
is($one->{headers}{Subject}, 'The spring market', 'a subject');
is($one->{headers}{From}, 'Market <market@example.org>', '  a sender');
like($one->{text}, qr/\AHello Sample 9,\n.*Unsubscribe: \Qhttp:\/\/127.0.0.1:$web\/echo?who=sample9%40example.org\E/s, '  a text with a name and a link of their own');
like($one->{html}, qr/Hello Sample 9,.*href="\Qhttp:\/\/127.0.0.1:$web\/echo?who=sample9%40example.org\E"/s, '  the HTML too');
is($one->{headers}{'List-Unsubscribe'}, "<http://127.0.0.1:$web/echo?who=sample9%40example.org>", '  which mail programs are offered');
like(read_file("$dir/log"), qr{^GET /echo\?who=sample1%40example\.org}m, 'the unsubscribe page was looked at before');
my ($campaign) = map { $_->{batch} } data_of('batch.started', events_in($dir));

# --- what comes back: a mailbox that is not there, one that is full, somebody who leaves ---
sub report {
  my ($who, $status, $why) = @_;
  write_file("$dir/bounces/$who.eml", "From: MAILER-DAEMON\@example.org\nTo: bounces\@example.org\nSubject: failed\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n"
    . "--b\nContent-Type: text/plain\n\nIt failed.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.org\n\nFinal-Recipient: rfc822; $who\@example.org\nAction: failed\nStatus: $status\nDiagnostic-Code: smtp; $why\n\n"
    . "--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: $to{qq{$who\@example.org}}{headers}{'Message-ID'}\nTo: $who\@example.org\n\n--b--\n");
}
report('sample10', '5.1.1', '550 5.1.1 there is no such mailbox');
report('sample11', '4.2.2', '452 4.2.2 the mailbox is full');
write_file("$dir/gone.txt", "sample12\@example.org\n");
sub failure {
  forget();
  ($said, $exit) = run_in($dir, 'messaging-failure', { channel => 'email', batch => $campaign, test_to => 'staff@example.org', status_page => "http://127.0.0.1:$web/status/503",
    map { ($_ => $set{$_}) } qw(campaign segment unsubscribe) },
    { 'verify-provider-status' => 'works', 'inspect-logs' => 'a full disk there', decide => 'retry', 'approve let-sending-go-on' => { answer => 'approve', by => 'lead-1' },
      'let-sending-go-on' => 'yes', retry => 'yes' }, site($server));
}
failure();
is($exit, 0, 'a failure is dealt with') or diag $said;
like($said, qr/healthy\s+false\n\s+status\s+503/, '  the status page was asked');
like($said, qr/4\.2\.2 .*mailbox is full\s+1\n/, '  the reasons are told') or diag $said;
is(join(' ', sort map { $_->{headers}{To} } letters('box')), 'sample11@example.org staff@example.org', '  whose mailbox was full gets it again, and nobody else');
is((grep { $_->{headers}{To} eq 'sample11@example.org' } letters('box'))[0]{headers}{Subject}, 'The spring market', '  the same letter');
failure();
is($exit, 0, 'the same batch once more') or diag $said;
like($said, qr/0 people could be written to again\n\s+1 people were written to again since/, '  who was written to since is not offered');
is(join(' ', map { $_->{headers}{To} } letters('box')), 'staff@example.org', '  nor written to');

# --- the next campaign ---
forget();
($said, $exit) = run_in($dir, 'email-campaign-launch', \%set, \%yes, site($server));
is($exit, 0, 'the next campaign') or diag $said;
like($said, qr/The letter of spring went out before, at .+ as campaign $campaign: 36 people have it\. Launch it again\? yes/, '  is asked about, for the letter is the same');
my %again = map { $_->{headers}{To} => 1 } letters('box');
is(join(' ', grep { $again{$_} } 'sample10@example.org', 'sample12@example.org', 'sample4@example.org'), '', 'who bounced, who left and who gave no consent is not written to');
is(scalar keys %again, 38 - 2 + 1, '  everybody else is') or diag join ' ', sort keys %again;
like($said, qr/1 refused: suppressed since \d{4}-\d\d-\d\d: unsubscribed\n/, '  and it is told');

# --- a page that does not answer ---
forget();
($said, $exit) = run_in($dir, 'email-campaign-launch', { %set, unsubscribe => "http://127.0.0.1:$web/status/404?who={{email}}" }, \%yes, site($server));
ok($exit == 6 && $said =~ /people could not unsubscribe: link: the page answers 404/, 'a link that leads nowhere ends it') or diag $said;
is(scalar(letters('box')), 0, '  before anybody is written to');

# --- killed in the middle: nobody twice, nobody forgotten, who is unsure is told ---
my $other = start_service([$python, 'tests/services/smtpd.py', PORT, "$dir/box2"]);
my @many = write_people($dir, 'many', map { { %$_, email => "many-$_->{email}" } } sample_people(80));
my %slow = (%set, segment => 'many', throttle => 40);
my @command = ('run', runbook_of('email-campaign-launch'), '--journal', "$dir/journal.db", site($other), answers_in($dir, \%yes), map { ('--set', "$_=$slow{$_}") } sort keys %slow);
chdir $dir;
my $pid = start_program("$dir/out", $stepwise, @command);
chdir $top;
ok(wait_for(sub { my @all = glob "$dir/box2/*.eml"; @all > 20 }, 60), 'a launch is under way') or diag read_file("$dir/out");
kill 'KILL', $pid;
end_program($pid);
my @runs = map { $_->{run} } kinds_of('run.started', events_in($dir));
($said, $exit) = verb_in($dir, 'resume', $runs[-1], answers_in($dir, \%yes));
is($exit, 0, 'it is killed, and resumed') or diag $said;
my %times;
$times{$_->{headers}{To}}++ for letters('box2');
is(join(' ', grep { $times{$_} > 1 } sort keys %times), '', 'nobody has it twice');
my ($unsure) = $said =~ /^\s+unsure\s+(\d+)$/m;
my @missing = grep { !$times{$_->{email}} } @many;
cmp_ok(scalar @missing, '<=', $unsure // 0, 'nobody is forgotten but who is told as unsure') or diag $said;
is(scalar(grep { $_->{text} =~ /^Find out whether $unsure people got spring/ } data_of('follow_up', events_in($dir, $runs[-1]))), $unsure ? 1 : 0, '  which is a follow-up');
done_testing;
