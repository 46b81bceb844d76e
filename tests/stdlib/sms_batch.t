#!/usr/bin/env perl
# Batches of the embedded outbox: each recipient once and nobody who refused, whatever is killed; and a
# pause from another terminal that stops one which is under way.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use Stepwise;
use Test::More;
use Time::HiRes 'sleep';

my $dir = tempdir(CLEANUP => 1);
my $journal = "$dir/journal.db";
write_file("$dir/t.site", qq{site "t" do\n  timezone "UTC"\n  connect :sms, driver: "outbox", quiet: "", per_second: 5000\nend\n});
sub runbook {
  my ($name, $body) = @_;
  write_file("$dir/$name.rb", qq{runbook "$name" do\n  use "sms"\n  step "Do" do\n    timeout 10.minutes\n$body\n    irreversible "it stays"\n  end\nend\n});
  return ("$dir/$name.rb", '--journal', $journal, '--site', "$dir/t.site");
}
sub sms { return run_quietly($stepwise, 'run', runbook(@_)) }
sub outbox { my $n = run_quietly('sqlite3', '-cmd', '.timeout 20000', "$dir/state/outbox.db", $_[0]); chomp $n; $n }
sub numbers { my ($n) = @_; return qq{(1..$n).map { |i| "+1212555" + "%04d" % i }} }

# Until there are so many messages, or a minute went by.
sub reached {
  my ($body, $count, $pid) = @_;
  for (1 .. 1200) {
    my $n = outbox("SELECT count(*) FROM message WHERE body = '$body'");
    return 1 if $n =~ /^\d+$/ && $n >= $count;
    return 0 if $pid && waitpid($pid, 1) == $pid;
    sleep 0.05;
  }
  return 0;
}

# --- who is refused is told, the others get theirs ---
my ($said, $exit) = sms('refused', <<'RUBY');
    sms.suppress to: "+12025550102", reason: "asked by phone"
    batch = sms.send_batch(to: ["+12025550101", "+12025550102", "+12025550103", "5550104", { phone: "+12025550105", zone: "America/Chicago" }, { phone: "+12025550101", zone: nil }], body: "hello", per_second: 1000)
    show batch.refused.map { |one| "#{one.to}: #{one.kind}: #{one.reason}" }.join("; "), as: "refused"
    show "#{batch.total} #{batch.sent} #{batch.unsure.size}", as: "counts"
    wait 3.seconds
    show sms.batch(id: batch.id), as: "batch"
RUBY
is($exit, 0, 'a batch goes on past who is refused') or diag $said;
like($said, qr/\+12025550102: refused: suppressed since \d{4}-\d\d-\d\d: asked by phone/, '  an opt-out is told with its reason');
like($said, qr/5550104: refused: it is no phone number/, '  and what is no number');
is(outbox("SELECT count(*) FROM message WHERE phone IN ('+12025550102', '5550104')"), '0', '  neither is in the outbox');
is(outbox("SELECT group_concat(phone, ' ') FROM (SELECT DISTINCT phone FROM message ORDER BY phone)"), '+12025550101 +12025550103 +12025550105', '  the others are');
like($said, qr/accepted\s+(\d+).*delivered\s+\1.*failed\s+0.*pending\s+0.*paused\s+false/s, '  and delivered');

# --- a bad day ---
($said, $exit) = run_quietly($stepwise, 'run', runbook('bad', <<"RUBY"), '--drill', '--drill-set', 'sms.stop_every=10', '--drill-set', 'sms.fail_every=7');
    batch = sms.send_batch(to: @{[numbers(100)]}, body: "hello", per_second: 50)
    wait 1.minute
    replies = sms.replies(batch: batch.id)
    stats = sms.batch(id: batch.id)
    show "\#{replies.size} \#{stats.stops} \#{stats.failed} \#{stats.stop_ratio == stats.stops / 100.0}", as: "bad"
    again = sms.send_batch(to: @{[numbers(100)]}, body: "once more", per_second: 50)
    show again.refused.size == stats.stops, as: "held"
RUBY
is($exit, 0, 'a drill shows a bad day') or diag $said;
like($said, qr/bad: (\d+) \1 14 true/, '  replies and failures come as they were asked for');
unlike($said, qr/bad: 0 /, '  some are there');
like($said, qr/held: true/, '  who said STOP gets nothing the next time');

# --- a pause from another terminal ---
my @paused = runbook('paused', <<"RUBY");
    batch = sms.send_batch(to: @{[numbers(400)]}, body: "pause", per_second: 100)
    show batch.sent, as: "sent"
RUBY
my $from;
my $pid = open($from, '-|') // die;
if (!$pid) { open STDERR, '>&', \*STDOUT; exec $stepwise, 'run', @paused or die }
ok(reached('pause', 20), 'a batch is under way');
($said, $exit) = sms('hold', '    sms.pause reason: "complaints"' . "\n" . '    verify { sms.paused? }');
is($exit, 0, 'sending is paused by another run') or diag $said;
sleep 1;    # what was under way is there
my $held = outbox("SELECT count(*) FROM message WHERE body = 'pause'");
cmp_ok($held, '<', 400, '  in the middle of the batch');
sleep 1.5;
is(outbox("SELECT count(*) FROM message WHERE body = 'pause'"), $held, '  and nothing more goes out');
($said, $exit) = sms('go', '    sms.resume');
is($exit, 0, 'it is resumed') or diag $said;
$said = do { local $/; <$from> };
close $from;
is($? >> 8, 0, '  and the batch goes on to its end') or diag $said;
like($said, qr/sent: 400/, '  everybody was written to');
is(outbox("SELECT count(*), count(DISTINCT phone) FROM message WHERE body = 'pause'"), '400|400', '  once');

# --- killed, and resumed ---
my @killed = runbook('killed', <<"RUBY");
    batch = sms.send_batch(to: @{[numbers(300)]}, body: "kill", per_second: 200)
    show batch.sent, as: "sent"
RUBY
my $first = fork // die;
if (!$first) { open STDOUT, '>', '/dev/null'; open STDERR, '>&', \*STDOUT; exec $stepwise, 'run', @killed or die }
my $kills = 0;
for my $goal (40, 120, 200) {
  reached('kill', $goal, $first);
  kill 'KILL', $first;
  waitpid $first, 0;
  $kills++;
  my $run = run_quietly('sqlite3', $journal, "SELECT run FROM run WHERE runbook = 'killed'");
  chomp $run;
  $first = fork // die;
  if (!$first) { open STDOUT, '>', "$dir/resumed.$kills"; open STDERR, '>&', \*STDOUT; exec $stepwise, 'resume', $run, '--journal', $journal or die }
}
waitpid $first, 0;
is($?, 0, 'a batch that was killed goes on each time') or diag read_file("$dir/resumed.$kills");
is(outbox("SELECT count(*), count(DISTINCT phone) FROM message WHERE body = 'kill'"), '300|300', '  and everybody was written to, once');

# --- terminated ---
($said, $exit) = sms('end', <<"RUBY");
    batch = sms.send_batch(to: ["+12025559901"], body: "end")
    sms.terminate batch: batch.id, reason: "wrong text"
    sms.resume batch: batch.id
    show sms.batch(id: batch.id).paused, as: "paused"
RUBY
is($exit, 0, 'a batch is terminated, and a resume changes nothing') or diag $said;
is(scalar run_quietly('sqlite3', "$dir/state/messaging.db", 'SELECT state, reason FROM hold'), "terminated|wrong text\n", '  that stays on record');
done_testing;
