#!/usr/bin/env perl
# The runbook email-campaign-launch, practised: the good day and bad ones.
use strict;
use warnings;
use lib 'tests/lib';
use Messaging;
use Stepwise;
use Test::More;

my %campaign = (campaign => 'spring', segment => 'market', test_address => 'staff@example.org', monitor => '30m',
  unsubscribe => 'https://example.org/u?who={{email}}');
my %yes = ('test-send' => 'yes', 'approve launch' => { answer => 'approve', by => 'ana' });
my %escalate = ('verify-provider-status' => 'refuses_us', 'inspect-logs' => 'a list of last year', decide => 'escalate');
my ($dir, $said, $exit);
sub launch { my ($answers, @options) = @_; $dir = room(); ($said, $exit) = drill_in($dir, 'email-campaign-launch', { %campaign, ref $options[0] ? %{shift @options} : () }, $answers, @options) }
sub sent { return join ' ', drill_rows($dir, $_[0], 'email.db') }
sub list { return join ' ', drill_rows($dir, $_[0], 'messaging.db') }
sub first_run { return (map { $_->{run} } kinds_of('run.started', events_in($dir)))[0] }

# --- text and plan ---
($said, $exit) = run_quietly($stepwise, 'lint', runbook_of('email-campaign-launch'));
is("$exit $said", '0 ', 'nothing to say about it');
($said, $exit) = verb_in(room(), 'plan', runbook_of('email-campaign-launch'), '--drill', map { ('--set', "$_=$campaign{$_}") } sort keys %campaign);
is($exit, 0, 'it is planned') or diag $said;
for my $line ('Verify template', 'Verify unsubscribe link', 'Test send', 'Launch', 'Monitor bounces and unsubscribes') {
  like(read_file(runbook_of('email-campaign-launch')), qr/^  step "\Q$line\E" do$/m, "a step: $line");
}

# --- the good day ---
launch(\%yes);
is($exit, 0, 'a campaign goes out') or diag $said;
is(sent('SELECT count(*), count(DISTINCT address), count(DISTINCT campaign) FROM mail'), '201|201|1', '  to each of 200 people once, and one test letter');
is(sent('SELECT address FROM mail WHERE campaign IS NULL'), 'staff@example.org', '  which went to staff');
is(sent("SELECT subject, body FROM mail WHERE address = 'person0001\@example.org'") =~ s/\s+/ /gr, 'Sample mail of spring|Hello Sam 2, this is the sample mail of spring. Unsubscribe: https://example.org/u?who=person0001%40example.org', '  each with a name and a link of their own');
is(sent(q{SELECT count(*) FROM mail WHERE instr(html, 'href="https://example.org/u?who=' || replace(address, '@', '%40')) > 0}), '201', '  in the HTML too');
like($said, qr/campaign spring: 200 sent, 0 bounced, 0 unsubscribed$/m, '  and is watched until its end');
is(join(' ', map { $_->{approver} } data_of('approval.given', events_in($dir))), 'ana', '  a lead approved');

# --- bounces ---
launch({ %yes, %escalate }, '--drill-set', 'email.bounce_every=10');
is($exit, 1, 'a surge of bounces: the campaign is held') or diag $said;
like($said, qr/FAILED: (\d+) of 200 letters bounced in campaign [0-9a-f]{16}$/m, '  it says how many');
like($said, qr/PAGE Email campaign spring failed: \d+ of 200 letters bounced/, '  the lead is paged');
is(join(' ', grep { /^(?:email\.pause|paged)$/ } map { $_->{kind} eq 'action.started' ? "$_->{data}{binding}.$_->{data}{action}" : $_->{kind} } events_in($dir)), 'email.pause paged email.pause paged', '  once the campaign is paused');
like($said, qr/messaging-failure \| DRILL  succeeded/, '  the runbook for failing messages is worked through') or diag $said;
is(list("SELECT count(*) FROM suppression WHERE channel = 'email' AND reason LIKE 'bounced: 550 5.1.1%'"), $said =~ /FAILED: (\d+) of 200/ ? $1 : '', '  mailboxes that are not there are suppressed');
is(list("SELECT state FROM hold WHERE channel = 'email' AND batch = ''"), 'paused', '  and mail stays paused, as it was escalated');
($said, $exit) = verb_in($dir, 'resume', first_run(), answers_in($dir, \%yes));
is($exit, 0, '  and the launch, resumed, watches on: what was dealt with is no incident again') or diag $said;
launch(\%yes, '--drill-set', 'email.bounce_every=40');
is($exit, 0, 'a few bounces are an ordinary day') or diag $said;
like($said, qr/5 bounced \(5 for good\)/, '  and told');

launch(\%yes, '--drill-fail', 'email.bounces:transient:2:2', '--drill-fail', 'email.campaign_status:transient:1:5');
is($exit, 0, 'looks that fail while it is watched do not end it') or diag $said;
is(scalar(() = $said =~ /this look failed, and another follows: email\./g), 3, '  each is told') or diag $said;
launch(\%yes, '--set', 'tolerate=6m', '--drill-fail', 'email.bounces:transient:9:2');
is($exit, 1, 'looks that keep failing do') or diag $said;
like($said, qr/PAGE Email campaign spring failed: email\.bounces: no answer/, '  and the lead is paged');

# --- people who leave ---
launch({ %yes, %escalate }, '--drill-set', 'email.unsubscribe_every=20');
is($exit, 1, 'many who unsubscribe end it too') or diag $said;
like($said, qr/FAILED: \d+ of 200 people unsubscribed/, '  with their number');

# --- a letter that is not right ---
launch(\%yes, { unsubscribe => 'https://example.org/u' });
ok($exit == 6 && $said =~ /people could not unsubscribe: link: it is the same for everybody/, 'one link for all is no unsubscribe link') or diag $said;
is(scalar(glob "$dir/state/drill/*/email.db") // '', '', '  nothing is sent');
is(scalar(data_of('paged', events_in($dir))), 0, '  nobody is called for that');

# --- the test letter ---
launch({ %yes, 'test-send' => 'no' });
is($exit, 8, 'a test letter that reads wrong');
is(sent('SELECT count(*) FROM mail'), '1', '  is the only one');
launch({ %yes, 'approve launch' => { answer => 'deny', by => 'ana', reason => 'not today' } });
is($exit, 6, 'a lead who says no ends the launch');
is(sent('SELECT count(*) FROM mail'), '1', '  nobody is written to');

# --- a server that comes back, and one that does not ---
launch(\%yes, '--drill-fail', 'email.send:transient', '--drill-fail', 'email.campaign:transient:3:40');
is($exit, 1, 'a test letter that the server does not take: held, for a letter is not repeated by itself') or diag $said;
($said, $exit) = verb_in($dir, 'resume', first_run(), answers_in($dir, \%yes));
is($exit, 0, '  resumed, it is sent; failures in the campaign that pass are tried again') or diag $said;
is(sent('SELECT count(*), count(DISTINCT address) FROM mail'), '201|201', '  and nobody gets two, nobody none');
launch(\%yes, '--drill-fail', 'email.campaign:permission:1:120');
is($exit, 1, 'the server does not let us any more: held') or diag $said;
is(sent('SELECT count(*) > 100 AND count(*) < 201 FROM mail'), '1', '  some are sent');
($said, $exit) = verb_in($dir, 'resume', first_run(), answers_in($dir, \%yes));
is($exit, 0, '  resumed, it goes on') or diag $said;
is(sent('SELECT count(*), count(DISTINCT address) FROM mail'), '201|201', '  to the others, and to nobody twice');

# --- answers that are lost: mail knows no key, so the log is asked, and nobody is written to twice ---
launch(\%yes, '--drill-fail', 'email.campaign:lost:5:60');
is($exit, 0, 'answers that are lost') or diag $said;
is(sent('SELECT count(*), count(DISTINCT address) FROM mail'), '201|201', '  are looked up: once each');

# --- people without consent ---
launch({ %yes, 'verify-template' => 'leave_out' }, '--drill-set', 'crm.without_consent=7', '--drill-set', 'crm.opted_out=3');
is($exit, 0, 'some without consent, left out') or diag $said;
is(sent('SELECT count(*), min(address), max(address) FROM mail WHERE campaign IS NOT NULL'), '190|person0007@example.org|person0196@example.org', '  they are not written to');
done_testing;
