#!/usr/bin/env perl
# The runbook messaging-failure after a campaign on the embedded outbox, some of whose messages failed: just
# those are sent again, and not to who opted out meanwhile.
use strict;
use warnings;
use lib 'tests/lib';
use Messaging;
use Stepwise;
use Test::More;

my ($day) = daytime();
my $dir = room();
my ($said, $exit);
sub site {
  my ($settings) = @_;
  write_file("$dir/site.rb", qq{site "office" do\n  timezone "$day"\n  role :messaging_lead, members: ["lead-1"], typed: true\n  role :leadership, members: ["head-1"]\n  connect :sms, driver: "outbox"$settings\nend\n});
  return ('--site', "$dir/site.rb");
}
sub outbox { return join ' ', rows_in($dir, $_[0]) }
my @people = write_people($dir, 'market', sample_people(100));
($said, $exit) = run_in($dir, 'sms-campaign-launch', { campaign => 'spring', segment => 'market', test_phone => '+447700900123', monitor => '4s', throttle => 200, fail_limit => 0.5 },
  { 'verify-segment' => 'yes', 'send-test-message' => 'yes', 'confirm-throttle' => 'yes', 'approve launch-campaign' => { answer => 'approve', by => 'lead-1' } }, site(', fail_every: 10'));
is($exit, 0, 'a campaign on a bad day') or diag $said;
my @failed = rows_in($dir, "SELECT phone FROM message WHERE outcome = 'failed' ORDER BY phone");
is(scalar @failed, 10, '  each tenth message fails');
my ($batch) = rows_in($dir, 'SELECT DISTINCT batch FROM message WHERE batch IS NOT NULL');

write_file("$dir/state/sms-replies.txt", "$failed[0] STOP\n");
($said, $exit) = run_in($dir, 'sms-incident', { campaign => 'spring', batch => $batch }, { 'review-inbound-replies' => 'yes', 'communicate-with-leadership' => 'nobody',
  decide => ['resume', 'one complaint'], 'approve resume-campaign' => { answer => 'approve', by => 'lead-1' } }, site(''));
is($exit, 0, 'one of them says STOP') or diag $said;

sub failure {
  my ($settings) = @_;
  ($said, $exit) = run_in($dir, 'messaging-failure', { channel => 'sms', batch => $batch, test_to => '+447700900123' },
    { 'verify-provider-status' => 'works', 'inspect-logs' => 'a carrier was down', decide => 'retry', 'approve let-sending-go-on' => { answer => 'approve', by => 'lead-1' },
      'let-sending-go-on' => 'yes', retry => 'yes' }, site($settings));
}
failure('');
is($exit, 0, 'the failure is dealt with') or diag $said;
like($said, qr/the carrier refused it\s+10\n/, '  its reasons are counted');
is(outbox("SELECT phone FROM message WHERE batch IS NOT NULL AND batch <> '$batch' ORDER BY phone"), join(' ', @failed[1 .. 9]), '  who has none gets it again, but for who said STOP');
is(outbox("SELECT count(DISTINCT body) FROM message WHERE batch IS NOT NULL"), '1', '  with the same text');
like($said, qr/1 refused: suppressed since /, '  and that is told');
is(outbox("SELECT count(*) FROM (SELECT phone FROM message WHERE batch IS NOT NULL AND outcome = 'delivered' GROUP BY phone HAVING count(*) > 1)"), '0', '  nobody has it twice');

# --- the same batch once more: who was written to since is not, unless that failed too ---
my ($all) = rows_in($dir, 'SELECT count(*) FROM message WHERE batch IS NOT NULL');
failure('');
is($exit, 0, 'the same batch once more') or diag $said;
like($said, qr/10 messages failed; 1 people could be written to again\n\s+9 people were written to again since/, '  only who has none is offered');
is(outbox('SELECT count(*) FROM message WHERE batch IS NOT NULL'), $all, '  and nobody is written to twice');
rows_in($dir, "UPDATE message SET outcome = 'failed', settled = due WHERE phone = '$failed[4]'");
failure('');
like($said, qr/2 people could be written to again\n\s+8 people were/, 'whose retry failed is offered again') or diag $said;
is(outbox("SELECT count(*) FROM message WHERE phone = '$failed[4]' AND outcome = 'delivered'"), '1', '  and has it then');
is(outbox('SELECT count(*) FROM message WHERE batch IS NOT NULL'), $all + 1, '  and nobody else');
done_testing;
