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

# --- who is refused takes nobody's place in the schedule ---
($said, $exit) = run_quietly($stepwise, 'run', runbook('asleep', <<'RUBY'), '--virtual-clock', '--drill', '--drill-set', 'sms.quiet=00:00-23:59');
    began = now
    batch = sms.send_batch(to: (1..40).map { |i| "+1212555%04d" % i }, body: "hello", per_second: 1)
    show batch.refused.size, as: "refused"
    expect now - began < 10.seconds, "it took #{now - began}"
RUBY
is($exit, 0, '40 who are asleep, at one a second, are refused at once') or diag $said;
like($said, qr/refused: 40$/m, '  all of them');

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

# --- replies are taken in while it goes out ---
($said, $exit) = run_quietly($stepwise, 'run', runbook('meanwhile', <<"RUBY"), '--drill', '--drill-set', 'sms.stop_every=10');
    batch = sms.send_batch(to: @{[numbers(300)]}, body: "hello", per_second: 2)
    show sms.suppressions.size, as: "who said STOP"
RUBY
is($exit, 0, 'a batch of two minutes and a half') or diag $said;
like($said, qr/who said STOP: (?:2[0-9]|1[5-9])$/m, '  took in what was replied in the first two');

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

# --- who says STOP while all is paused is not written to when it goes on ---
sms('hush', '    sms.pause reason: "a look"');
my @meanwhile = runbook('meanwhile', <<"RUBY");
    batch = sms.send_batch(to: @{[numbers(100)]}, body: "meanwhile", per_second: 1000)
    show "\#{batch.sent} sent, \#{batch.refused.map { |one| one.to }.join(" ")} refused", as: "end"
RUBY
open(my $meanwhile, '-|', $stepwise, 'run', @meanwhile) // die;
while (my $line = <$meanwhile>) { last if $line =~ /paused: a look/ }
write_file("$dir/state/sms-replies.txt", "+12125550001 STOP\n+12125550090 STOP\n");
sms('on', '    sms.resume');
$said = do { local $/; <$meanwhile> };
close $meanwhile;
like($said, qr/end: 98 sent, \+12125550001 \+12125550090 refused$/m, 'who said STOP while it was paused is refused');
is(outbox("SELECT count(*) FROM message WHERE body = 'meanwhile' AND phone IN ('+12125550001', '+12125550090')"), 0, '  and not written to');
sms('clean', qq{    sms.unsuppress to: "+12125550001", reason: "for what follows"\n    sms.unsuppress to: "+12125550090", reason: "for what follows"});

# --- a batch that is named and empty is none: nothing is paused, and nothing let go ---
for my $call ('sms.pause(batch: "", reason: "slip")', 'sms.resume(batch: "")', 'email.pause(campaign: "", reason: "slip")') {
  ($said, $exit) = run_quietly($stepwise, 'run', do { write_file("$dir/slip.rb", qq{runbook "slip" do\n  use "sms"\n  use "email"\n  step "Slip" do\n    $call\n    irreversible "no"\n  end\nend\n}); "$dir/slip.rb" }, '--journal', $journal);
  like($said, qr/FAILED: batch: is empty, which names none.*help: give the id of one, or leave it out: then all that goes out/s, $call) or diag $said;
}
is(scalar run_quietly('sqlite3', "$dir/state/messaging.db", 'SELECT count(*) FROM hold'), "0\n", '  and nothing is held back');

# --- terminated ---
($said, $exit) = sms('end', <<"RUBY");
    batch = sms.send_batch(to: ["+12025559901"], body: "end")
    sms.terminate batch: batch.id, reason: "wrong text"
    sms.resume batch: batch.id
    show sms.batch(id: batch.id).paused, as: "paused"
RUBY
is($exit, 0, 'a batch is terminated, and a resume changes nothing') or diag $said;
is(scalar run_quietly('sqlite3', "$dir/state/messaging.db", 'SELECT state, reason FROM hold'), "terminated|wrong text\n", '  that stays on record');

# --- one batch is paused, killed meanwhile, gone on with, and terminated, from other terminals ---
sub started {
  my (@command) = @_;
  my $pid = fork // die;
  return $pid if $pid;
  open STDIN, '<', '/dev/null'; open STDOUT, '>', "$dir/said"; open STDERR, '>&', \*STDOUT;
  exec $stepwise, @command or die;
}
sub says { my ($what) = @_; for (1 .. 1200) { return 1 if (read_file("$dir/said") // '') =~ $what; sleep 0.05 } return 0 }
my @one = runbook('one', <<"RUBY");
    batch = sms.send_batch(to: @{[numbers(400)]}, body: "one", per_second: 20)
    show "\#{batch.sent} sent, \#{batch.refused.size} refused: \#{batch.refused.last.reason}", as: "end"
RUBY
$pid = started('run', @one);
ok(reached('one', 20), 'a batch is under way');
my $id = outbox("SELECT DISTINCT batch FROM message WHERE body = 'one'");
my $run = run_quietly('sqlite3', $journal, "SELECT run FROM run WHERE runbook = 'one'");
chomp $run;
($said, $exit) = sms('hold-one', qq{    sms.pause batch: "$id", reason: "wrong link"});
is($exit, 0, 'it alone is paused') or diag $said;
ok(says(qr/sms\.send_batch: paused: wrong link \(batch $id\)/), '  and says so');
kill 'KILL', $pid;
waitpid $pid, 0;
$held = outbox("SELECT count(*) FROM message WHERE body = 'one'");
cmp_ok($held, '<', 400, '  it is killed in the middle');
($said, $exit) = sms('other', '    batch = sms.send_batch(to: ["+12025559902"], body: "other")');
is(outbox("SELECT count(*) FROM message WHERE body = 'other'"), 1, '  another batch is not held back') or diag $said;
unlink "$dir/said";
$pid = started('resume', $run, '--journal', $journal);
ok(says(qr/paused: wrong link/), '  resumed, it is still paused');
is(outbox("SELECT count(*) FROM message WHERE body = 'one'"), $held, '  and nothing more went out');
like(scalar run_quietly($stepwise, 'show', $run, '--journal', $journal), qr/sms\.send_batch, \d+ of 400: \d+ sent/, '  show says how far it is');
($said, $exit) = sms('go-one', qq{    sms.resume batch: "$id"});
ok(reached('one', $held + 20), '  let go, it goes on');
unlike(scalar run_quietly($stepwise, 'runs', '--runbook', 'one', '--journal', $journal), qr/paused/, '  and runs does not call it paused any more');
($said, $exit) = sms('end-one', qq{    sms.terminate batch: "$id", reason: "wrong link"});
waitpid $pid, 0;
is($? >> 8, 0, '  terminated, it ends') or diag read_file("$dir/said");
my $last = outbox("SELECT count(*) FROM message WHERE body = 'one'");
cmp_ok($last, '<', 400, '  with the rest unsent');
is(outbox("SELECT count(DISTINCT phone) FROM message WHERE body = 'one'"), $last, '  each of the others was written to once');
like(read_file("$dir/said"), qr/end: (\d+) sent, (\d+) refused: the batch $id was terminated: wrong link/, '  and they are told as refused');
my ($went, $not) = read_file("$dir/said") =~ /end: (\d+) sent, (\d+) refused/;
is(($went // 0) . ' ' . ($not // 0), $last . ' ' . (400 - $last), '  nobody is forgotten');

# --- quiet hours are those of each recipient ---
my $hour = (gmtime)[2];
my $quiet = sprintf '%02d:00-%02d:00', ($hour + 23) % 24, ($hour + 2) % 24;
write_file("$dir/t.site", qq{site "t" do\n  timezone "UTC"\n  connect :sms, driver: "outbox", quiet: "$quiet", per_second: 5000\nend\n});
($said, $exit) = sms('quiet', <<'RUBY');
    batch = sms.send_batch(to: [{ phone: "+491700000001", zone: "UTC" }, { phone: "+491700000002", zone: "Asia/Tokyo" }, { phone: "+491700000003", zone: nil }, { phone: "+491700000002", zone: "UTC" }, { phone: "+491700000004", zone: 5 }], body: "quiet")
    show batch.refused.map { |one| "#{one.to}: #{one.kind}: #{one.reason}" }.join("; "), as: "refused"
RUBY
is(outbox("SELECT group_concat(phone, ' ') FROM message WHERE body = 'quiet'"), '+491700000002', 'who has quiet hours is not written to, the others are') or diag $said;
like($said, qr/\+491700000001: refused: it is \d\d:\d\d there \(UTC\), and quiet hours are \Q$quiet\E/, '  it is told why');
like($said, qr/\+491700000004: refused: its time zone "5" is not known/, '  a zone that is no text refuses one recipient, not the others');
like($said, qr/\+491700000003: refused: it is/, '  who has no zone is in that of the site');
like($said, qr/\+491700000002: duplicate/, '  and a number in the list twice, as a hash, is one recipient');

# --- the sandbox looks at the number, whatever stands beside it ---
write_file("$dir/t.site", qq{site "t" do\n  connect :sms, driver: "outbox", quiet: "", sandbox: ["+12025550191"], ceiling: 3\nend\n});
($said, $exit) = sms('box', <<'RUBY');
    batch = sms.send_batch(to: [{ phone: "+12025550191", zone: nil }, { phone: "+12025550192", zone: nil }, "+12025550191"], body: "box")
    show batch.refused.map { |one| "#{one.to} #{one.kind}" }.join("; "), as: "refused"
RUBY
like($said, qr/refused: \+12025550192 sandbox; \+12025550191 duplicate/, 'a sandbox and duplicates go by the number');
is(outbox("SELECT group_concat(phone, ' ') FROM message WHERE body = 'box'"), '+12025550191', '  who is in it is written to, once');
($said, $exit) = sms('many', '    batch = sms.send_batch(to: ["+12025550191", "+12025550192", "+12025550193", "+12025550194"], body: "many")');
like($said, qr/sms\.send_batch: 4 items, and at most 3 may be sent/, 'the ceiling of the binding is what the site says');
done_testing;
