#!/usr/bin/env perl
# The SMS runbooks on the embedded outbox and the real clock, with people from a file: who got what, each
# once, opt-outs that hold from one campaign to the next, a process that is killed in the middle.
use strict;
use warnings;
use lib 'tests/lib';
use Children;
use Messaging;
use Stepwise;
use Test::More;

my ($day, $night) = daytime();
my %yes = ('verify-segment' => 'yes', 'verify-consent' => 'leave_out', 'send-test-message' => 'yes', 'confirm-throttle' => 'yes',
  'approve launch-campaign' => { answer => 'approve', by => 'lead-1' });
my $dir = room();
mkdir "$dir/site" or die;
write_file("$dir/site.rb", qq{site "office" do\n  timezone "$day"\n  role :messaging_lead, members: ["lead-1"], typed: true\n  role :leadership, members: ["head-1"]\nend\n});
my ($said, $exit);
sub campaign { my ($segment) = @_; return { campaign => 'spring', segment => $segment, test_phone => '+447700900123', monitor => '3s', throttle => 200 } }
sub launch { my ($segment, $answers, @options) = @_; ($said, $exit) = run_in($dir, 'sms-campaign-launch', campaign($segment), $answers, '--site', "$dir/site.rb", @options) }
sub outbox { return join ' ', rows_in($dir, $_[0]) }

# --- 500 people: some without consent, some opted out, some without a number, some asleep, one twice ---
my @people = sample_people(500);
$people[$_]{consent} = 'no' for 0 .. 19;
$people[$_]{opted_out} = 'yes' for 20 .. 39;
$people[$_]{phone} = '' for 40 .. 49;
$people[$_]{zone} = $night for 50 .. 79;
$people[81]{phone} = $people[80]{phone};
$people[$_]{zone} = '' for 82 .. 93;
write_people($dir, 'market', @people);
launch('market', \%yes);
is($exit, 0, '500 people of a file') or diag $said;
my @may = map { $_->{phone} } @people[80, 82 .. 499];
is(outbox('SELECT phone FROM message WHERE batch IS NOT NULL ORDER BY phone'), join(' ', sort @may), 'who may be written to is, each once, and nobody else');
like($said, qr/without_consent\s+20\s+opted_out\s+20\s+no_phone\s+10\n/, 'who may not is counted');
like($said, qr/12 of 450 have no zone of their own: quiet hours \(21:00-08:00\) of 0 go by their area code, of 12 by the clock of \Q$day\E\n/, 'by whose clock it goes where nobody says it');
like($said, qr/30 refused: it is \d\d:\d\d there .*quiet hours are 21:00-08:00\n/, 'who is asleep is refused, with the reason');
like($said, qr/1 refused: it stands in the list before\n/, '  and who is there twice');
is(outbox("SELECT DISTINCT body FROM message"), 'The spring market opens on Saturday. Reply STOP to opt out.', 'with the text of the campaign');
my ($batch) = outbox('SELECT DISTINCT batch FROM message WHERE batch IS NOT NULL');
my ($batches) = data_of('batch.started', events_in($dir));
is("$batch $batches->{total}", "$batches->{batch} 450", 'the outbox and the journal have the same batch');

# --- STOP ---
write_file("$dir/state/sms-replies.txt", join '', map { "$people[$_]{phone} STOP\n" } 100 .. 119);
write_file("$dir/crm/campaigns/spring.sms.txt", "It opens on Sunday. Reply STOP to opt out.\n");
($said, $exit) = run_in($dir, 'sms-incident', { campaign => 'spring', batch => $batch, reason => 'complaints' },
  { 'review-inbound-replies' => 'yes', 'communicate-with-leadership' => 'page_leadership', decide => ['resume', 'a late text'],
    'approve resume-campaign' => { answer => 'approve', by => 'lead-1' } }, '--site', "$dir/site.rb");
is($exit, 0, 'an incident on the real outbox') or diag $said;
like($said, qr/stop\s+20\n/, '  20 replies say STOP');
is(join(' ', rows_in($dir, 'SELECT address FROM suppression ORDER BY address', 'messaging.db')), join(' ', map { $people[$_]{phone} } 100 .. 119), '  and are on the list');
launch('market', \%yes);
is($exit, 0, 'the next campaign') or diag $said;
my %stopped = map { $people[$_]{phone} => 1 } 100 .. 119;
is(outbox("SELECT phone FROM message WHERE body LIKE '%Sunday%' AND batch IS NOT NULL ORDER BY phone"), join(' ', sort grep { !$stopped{$_} } @may), 'who said STOP is not written to again, everybody else is');
like($said, qr/20 refused: suppressed since \d{4}-\d\d-\d\d: replied STOP\n/, '  and the launch says so');

# --- the same text a second time is a question, and no is an answer ---
my ($had) = outbox('SELECT count(*) FROM message');
my ($sunday) = outbox("SELECT DISTINCT batch FROM message WHERE body LIKE '%Sunday%' AND batch IS NOT NULL");
launch('market', { %yes, 'verify-segment' => ['no'] });
is($exit, 6, 'the same campaign once more, and somebody says no') or diag $said;
like($said, qr/The text of spring went out before, at .+ as batch $sunday: @{[@may - 20]} people have it\. Launch it again\? no/, '  to what was asked') or diag $said;
is(outbox('SELECT count(*) FROM message'), $had, '  nobody is written to');

# --- what is not right with the text or the number is told before anything is sent ---
my ($so_far) = outbox('SELECT count(*) FROM message');
for (['x' x 1580 . ' Reply STOP to end it', qr/the text of spring has 1601 characters, and a message takes 1600/, 'a text that is too long'],
  ["Caf\xe9. Reply STOP to opt out.", qr/spring\.sms\.txt is no text in UTF-8: byte 4 of line 1 is 0xE9/, 'one that is not UTF-8']) {
  write_file("$dir/crm/campaigns/spring.sms.txt", $_->[0]);
  launch('market', \%yes);
  is($exit, 6, $_->[2]) or diag $said;
  like($said, $_->[1], '  is told');
  like($said, qr/\[1\/6\] Verify segment\n.*FAILED/s, '  at the first step');
  unlike($said, qr/\[2\/6\]/, '  which is the last');
}
write_file("$dir/crm/campaigns/spring.sms.txt", "It opens on Sunday. Reply STOP to opt out.\n");
($said, $exit) = run_in($dir, 'sms-campaign-launch', { %{campaign('market')}, test_phone => '447700900123' }, \%yes, '--site', "$dir/site.rb");
is($exit, 3, 'a number without its country') or diag $said;
like($said, qr/test_phone must be a phone number with its country, not "447700900123"; write it like \+15005550006/, '  is no number, and no run begins');
is(outbox('SELECT count(*) FROM message'), $so_far, '  nobody is written to');

# --- everything is paused ---
($said, $exit) = run_in($dir, 'sms-incident', { campaign => 'spring' },
  { 'review-inbound-replies' => 'yes', 'communicate-with-leadership' => 'nobody', decide => ['stay_paused', 'a mistake'] }, '--site', "$dir/site.rb");
is($exit, 0, 'an incident that leaves all paused') or diag $said;
my ($before) = outbox('SELECT count(*) FROM message');
launch('market', \%yes);
is($exit, 6, 'while outbound is paused no campaign begins') or diag $said;
like($said, qr/outbound sending is not paused/, '  and says why');
is(outbox('SELECT count(*) FROM message'), $before, '  nobody is written to');

# --- killed in the middle ---
$dir = room();
write_file("$dir/site.rb", qq{site "office" do\n  timezone "$day"\n  role :messaging_lead, members: ["lead-1"], typed: true\n  role :leadership, members: ["head-1"]\nend\n});
@people = write_people($dir, 'market', sample_people(500));
my @command = ('run', runbook_of('sms-campaign-launch'), '--journal', "$dir/journal.db", '--site', "$dir/site.rb", answers_in($dir, { %yes, 'verify-consent' => 'stop' }));
my $set = { %{campaign('market')}, throttle => 60 };
chdir $dir;
my $pid = start_program("$dir/out", $stepwise, @command, map { ('--set', "$_=$set->{$_}") } sort keys %$set);
chdir $top;
my $sent = sub { -s "$dir/state/outbox.db" ? scalar run_quietly('sqlite3', "$dir/state/outbox.db", 'SELECT count(*) FROM message') =~ /^(\d+)$/ && $1 : 0 };
ok(wait_for(sub { $sent->() > 60 }, 60), 'a launch is under way') or diag read_file("$dir/out");
kill 'KILL', $pid;
end_program($pid);
my $there = $sent->();
cmp_ok($there, '<', 501, "  and is killed after $there messages");
my ($run) = map { $_->{run} } kinds_of('run.started', events_in($dir));
my @late = map { $_->{phone} } @people[490 .. 499];
write_file("$dir/state/sms-replies.txt", join '', map { "$_ STOP\n" } @late);
($said, $exit) = verb_in($dir, 'resume', $run, answers_in($dir, \%yes));
is($exit, 0, 'it is resumed') or diag $said;
is(outbox('SELECT count(*), count(DISTINCT phone), count(DISTINCT key) FROM message'), '491|491|491', 'and everybody has it, each once');
is(outbox("SELECT count(*) FROM message WHERE phone IN ('" . join("','", @late) . "')"), '0', '  but for those who said STOP while nothing ran');
like($said, qr/10 refused: suppressed since \d{4}-\d\d-\d\d: replied STOP\n/, '  who are told');
is(outbox('SELECT count(DISTINCT batch) FROM message'), '1', '  in one batch');
($said, $exit) = verb_in($dir, 'journal', 'verify', '--deep');
is($exit, 0, '  and the journal is whole') or diag $said;
done_testing;
