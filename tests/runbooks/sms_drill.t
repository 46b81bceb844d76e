#!/usr/bin/env perl
# The runbooks sms-campaign-launch and sms-incident, practised: the good day and bad ones.
use strict;
use warnings;
use lib 'tests/lib';
use Messaging;
use Stepwise;
use Test::More;

my %campaign = (campaign => 'spring', segment => 'market', test_phone => '+12025550100', monitor => '5m');
my %yes = ('verify-segment' => 'yes', 'send-test-message' => 'yes', 'confirm-throttle' => 'yes',
  'approve launch-campaign' => { answer => 'approve', by => 'ana' });
my %incident = ('review-inbound-replies' => 'yes', 'communicate-with-leadership' => 'page_leadership');
my %terminate = (%incident, decide => ['terminate', 'a list of last year'], 'terminate-campaign' => 'yes');
my %resume = (%incident, decide => ['resume', 'a carrier was down'], 'approve resume-campaign' => { answer => 'approve', by => 'ana' });
my ($dir, $said, $exit);
sub launch { my ($answers, @options) = @_; $dir = room(); ($said, $exit) = drill_in($dir, 'sms-campaign-launch', \%campaign, $answers, @options) }
sub incident { my ($set, $answers, @options) = @_; $dir = room(); ($said, $exit) = drill_in($dir, 'sms-incident', { campaign => 'spring', %$set }, $answers, @options) }
sub outbox { return join ' ', drill_rows($dir, $_[0]) }
sub list { return join ' ', drill_rows($dir, $_[0], 'messaging.db') }
sub ends { return join ' ', map { $_->{kind} } grep { $_->{kind} =~ /^run\.(?:succeeded|held|failed|cancelled|in_doubt)$/ } events_in($dir) }
sub writes { return join ' ', map { "$_->{binding}.$_->{action}" } grep { $_->{effect} eq 'write' && $_->{action} =~ /^(?:pause|terminate|resume)$/ } data_of('action.started', events_in($dir)) }

# --- text and plan ---
for my $name ('sms-campaign-launch', 'sms-incident') {
  ($said, $exit) = run_quietly($stepwise, 'lint', runbook_of($name));
  is("$exit $said", '0 ', "$name: nothing to say about it");
  ($said, $exit) = verb_in(room(), 'plan', runbook_of($name), '--drill', '--set', 'campaign=spring', $name eq 'sms-incident' ? () : map { ('--set', "$_=$campaign{$_}") } qw(segment test_phone));
  is($exit, 0, "$name: is planned") or diag $said;
}
for my $line ('Verify segment', 'Verify consent', 'Send test message', 'Confirm throttle', 'Launch campaign', 'Monitor delivery and replies') {
  like(read_file(runbook_of('sms-campaign-launch')), qr/^  step "\Q$line\E" do$/m, "a step: $line");
}
for my $line ('Pause campaign', 'Review inbound replies', 'Verify suppression rules', 'Communicate with leadership', 'Resume campaign', 'Terminate campaign') {
  like(read_file(runbook_of('sms-incident')), qr/^ +step "\Q$line\E" do$/m, "a step: $line");
}

# --- the good day ---
launch(\%yes);
is($exit, 0, 'a campaign goes out') or diag $said;
is(outbox('SELECT count(*), count(DISTINCT phone), count(DISTINCT batch) FROM message'), '201|201|1', '  to each of 200 people once, and one test message');
is(outbox("SELECT phone FROM message WHERE batch IS NULL"), '+12025550100', '  which went to the test phone');
is(outbox('SELECT DISTINCT body FROM message'), 'Sample message of spring. Reply STOP to opt out.', '  with the text of the campaign');
like($said, qr/200 of 200 delivered, 0 failed, 0 opted out$/m, '  and is watched until its end');
is(ends(), 'run.succeeded', '  one run, which succeeded');
is(join(' ', map { $_->{approver} } data_of('approval.given', events_in($dir))), 'ana', '  a lead approved');

# --- a surge of STOP replies ---
launch({ %yes, %terminate }, '--drill-set', 'sms.stop_every=25');
is($exit, 1, 'a surge of STOP replies: the campaign is held') or diag $said;
like($said, qr/FAILED: STOP replies at [34]\.\d% in batch [0-9a-f]{16}$/m, '  it says how many');
like($said, qr/PAGE SMS campaign spring failed: STOP replies at [34]\.\d%/, '  the lead is paged');
like($said, qr/started sms-incident: run (\S+), which/, '  the incident begins by itself');
like($said, qr/sms-incident \| DRILL  succeeded/, '  and is dealt with');
my ($batch) = $said =~ /in batch ([0-9a-f]{16})/;
my ($stops) = $said =~ /finding, blast_radius: .* (\d+) people of campaign spring asked to stop/;
is(list("SELECT count(*) FROM suppression WHERE reason = 'replied STOP'"), $stops, '  who replied STOP is on the list');
my @events = events_in($dir);
is(writes(), 'sms.pause sms.pause sms.terminate', '  the batch was paused, by the launch and the incident, then terminated');
is(join(' ', grep { /^(?:sms\.pause|paged|run\.started)$/ } map { $_->{kind} eq 'action.started' ? "$_->{data}{binding}.$_->{data}{action}" : $_->{kind} } @events), 'run.started sms.pause paged run.started sms.pause paged', '  first of all, before the lead is waited for');
is(scalar(grep { $_->{kind} eq 'root_cause' && $_->{text} eq 'a list of last year' } data_of('finding', @events)), 1, '  the cause is a finding');
is(scalar(grep { $_->{text} =~ /^Review campaign spring/ } data_of('follow_up', @events)), 1, '  and what is left to do is kept');
like(list("SELECT state FROM hold WHERE batch = '$batch'"), qr/terminated/, '  it sends no more');

# --- messages that carriers refuse ---
launch({ %yes, %resume }, '--drill-set', 'sms.fail_every=5');
is($exit, 1, 'messages that fail: the campaign is held') or diag $said;
like($said, qr/FAILED: [34]\d of 200 messages failed in batch/, '  it says how many') or diag $said;
like($said, qr/sms-incident \| DRILL  succeeded/, '  in the incident it is resumed');
is(writes(), 'sms.pause sms.pause sms.resume', '  paused and resumed');
($said, $exit) = verb_in($dir, 'resume', (map { $_->{run} } kinds_of('run.started', events_in($dir)))[0], answers_in($dir, \%yes));
is($exit, 0, '  and the launch, resumed, watches on: what was dealt with is no incident again') or diag $said;
is(writes() . list('SELECT count(*) FROM hold'), 'sms.pause sms.pause sms.resume0', '  nothing is paused once more');
launch({ %yes, %terminate }, '--drill-set', 'sms.stop_every=25');
my ($first) = map { $_->{run} } kinds_of('run.started', events_in($dir));
write_file("$dir/state/drill/$first/sms-replies.txt", join '', map { sprintf "+1555501%04d STOP\n", $_ } 1 .. 9);
($said, $exit) = verb_in($dir, 'resume', $first, answers_in($dir, \%yes));
like($said, qr/FAILED: STOP replies at \d\.\d% in batch/, '  but those who reply STOP since are') or diag $said;

# --- a provider that comes back ---
launch(\%yes, '--drill-fail', 'sms.send:transient:2', '--drill-fail', 'sms.send_batch:transient:3:40');
is($exit, 0, 'failures that pass are tried again') or diag $said;
like($said, qr/attempt 3 in/, '  the test message, by its step');
is(outbox('SELECT count(*), count(DISTINCT phone) FROM message'), '201|201', '  and nobody gets two, nobody none');

launch(\%yes, '--drill-fail', 'sms.replies:transient:2:2', '--drill-fail', 'sms.batch:transient:1:4');
is($exit, 0, 'looks that fail while it is watched do not end it') or diag $said;
is(scalar(() = $said =~ /this look failed, and another follows: sms\./g), 3, '  each is told') or diag $said;
like($said, qr/campaign spring: 200 of 200 delivered/, '  and it is watched to its end');
launch(\%yes, '--set', 'tolerate=1m', '--drill-fail', 'sms.replies:transient:9:2');
is($exit, 1, 'looks that keep failing do') or diag $said;
like($said, qr/SMS campaign spring failed: sms\.replies: no answer/, '  and the lead is paged');
unlike($said, qr/started sms-incident/, '  which is no incident of the campaign');

# --- a provider that does not ---
launch(\%yes, '--drill-fail', 'sms.send_batch:provider:1:120');
is($exit, 1, 'the provider fails in the middle: held') or diag $said;
like($said, qr/held/, '  it stands');
is(outbox('SELECT count(*) > 100 AND count(*) < 201, count(*) = count(DISTINCT phone) FROM message'), '1|1', '  some are sent');
my ($run) = map { $_->{run} } kinds_of('run.started', events_in($dir));
($said, $exit) = verb_in($dir, 'resume', $run, answers_in($dir, \%yes));
is($exit, 0, '  resumed, it goes on') or diag $said;
is(outbox('SELECT count(*), count(DISTINCT phone) FROM message'), '201|201', '  to the others, and to nobody twice');

# --- answers that are lost ---
launch(\%yes, '--drill-fail', 'sms.send:lost', '--drill-fail', 'sms.send_batch:lost:5:60');
is($exit, 0, 'answers that are lost: asked again with the same key') or diag $said;
is(outbox('SELECT count(*), count(DISTINCT phone) FROM message'), '201|201', '  and sent once all the same');

# --- people who say no ---
launch({ %yes, 'approve launch-campaign' => { answer => 'deny', by => 'ana', reason => 'not on a Sunday' } });
is($exit, 6, 'a lead who says no ends the launch') or diag $said;
like($said, qr/^DRILL  rolled_back.*: approval denied by ana: not on a Sunday$/m, '  with why');
is(scalar(data_of('paged', events_in($dir))), 0, '  who is not called for it');
is(outbox('SELECT count(*) FROM message'), '1', '  but for the test message nobody is written to');
launch({ %yes, 'send-test-message' => 'no' });
is($exit, 6, 'a test message that reads wrong');
is(outbox('SELECT count(*) FROM message'), '1', '  is the only one');

# --- people without consent ---
launch({ %yes, 'verify-consent' => 'leave_out' }, '--drill-set', 'crm.without_consent=7', '--drill-set', 'crm.opted_out=3');
is($exit, 0, 'some without consent, left out') or diag $said;
like($said, qr/without_consent\s+7\s+opted_out\s+3\s+no_phone\s+0/, '  they are counted');
is(outbox("SELECT count(*), min(phone), max(phone) FROM message WHERE batch IS NOT NULL"), '190|+15555010007|+15555010196', '  and not written to');
launch({ %yes, 'verify-consent' => 'stop' }, '--drill-set', 'crm.without_consent=7');
is($exit, 6, 'or the launch stops there');
is(scalar(data_of('paged', events_in($dir))), 0, '  which calls nobody');
like($said, qr/7 of 200 people cannot be written to; mend segment market/, '  and says what to do');
launch(\%yes, '--drill-set', 'crm.people=0');
ok($exit == 6 && $said =~ /segment market is empty/, 'an empty segment is no segment') or diag $said;

# --- quiet hours ---
launch(\%yes, '--drill-set', 'sms.quiet=00:00-23:59');
ok($exit == 6 && $said =~ /quiet hours/, 'at night not even the test message is sent') or diag $said;

# --- the incident by itself ---
incident({ reason => 'a reporter called' }, \%resume);
is($exit, 0, 'an incident without a batch') or diag $said;
like($said, qr/\[5\/6\] Decide\n.*\[6\/6\] Resume campaign\n/s, '  which is over; its steps are counted');
is(list('SELECT count(*) FROM hold'), '0', '  everything is sent again');
my %stay = (%incident, decide => ['stay_paused', 'a list of last year'], 'communicate-with-leadership' => 'post_to_chat');
incident({}, \%stay);
is($exit, 0, 'one that is not over') or diag $said;
like($said, qr/\[5\/6\] Decide\n.*\[6\/6\] Leave all messages paused\n/s, '  and leaves everything paused, as it says');
unlike($said, qr/[Tt]erminate campaign/, '  nobody is asked to terminate what is not terminated');
is(list('SELECT channel, batch, state FROM hold'), 'sms||paused', '  really');
is(scalar(grep { $_->{text} =~ /^All messages are paused/ } data_of('follow_up', events_in($dir))), 1, '  which is not forgotten');
incident({ batch => '0123456789abcdef' }, \%resume);
is($exit, 1, 'one with a batch that nobody knows') or diag $said;
like($said, qr/FAILED: nothing is known of a batch 0123456789abcdef, so pausing it stops nothing; its id stands in the launch/, '  is told at once');
incident({}, { %resume, 'approve resume-campaign' => { answer => 'deny', by => 'ana' } });
is($exit, 8, 'a lead who does not let it go on') or diag $said;
is(list('SELECT count(*) FROM hold'), '1', '  it stays paused');
incident({}, \%resume, '--drill-fail', 'sms.pause:permission');
is($exit, 1, 'a pause that fails is no pause: held at the first step') or diag $said;
like($said, qr/held/, '  for a person');
incident({}, \%stay, '--drill-fail', 'chat.post:lost');
is($exit, 0, 'a post whose answer is lost: the channel is looked at, and it goes on') or diag $said;
is(join(' ', map { "$_->{as}:$_->{by}" } data_of('action.settled', events_in($dir))), 'done:probe', '  which is in the journal');
my ($chat) = glob "$dir/state/drill/*/chat-outbox.log";
is(scalar(() = read_file($chat) =~ /^/mg), 1, '  and it is posted once');
done_testing;
