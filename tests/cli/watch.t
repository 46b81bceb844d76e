#!/usr/bin/env perl
# Runbooks that start by themselves: schedules, triggers, one run at a time, what was missed, stopping.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use Runs;
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;
use Time::HiRes 'sleep';

my $dir = tempdir(CLEANUP => 1);
my $journal;
my $count = 0;

sub book {
  my ($name, $text) = @_;
  my $path = "$dir/$name.rb";
  write_file($path, "runbook \"$name\" do\n$text\nend\n$pool");
  return $path;
}
sub fresh { $count++; $journal = "$dir/$count.db" }
sub watch { return run_quietly($stepwise, 'watch', @_, '--journal', $journal) }
# A stretch of virtual time.
sub passes { my ($at, $for, @files) = @_; return watch('--virtual-clock', '--at', $at, '--for', $for, @files) }
sub events { my ($said) = run_quietly($stepwise, 'journal', 'export', '--journal', $journal); return map { decode_json($_) } grep { /^\{/ } split /\n/, $said }
sub starts { return map { substr($_->{time}, 0, 16) . " $_->{data}{runbook} $_->{data}{trigger}" } grep { $_->{kind} eq 'run.started' } events() }
sub runs_of { my ($said) = run_quietly($stepwise, 'runs', '--json', '--journal', $journal); return map { decode_json($_)->{state} } grep { /^\{/ } split /\n/, $said }
my $say = "  step \"Say\" do\n    note \"said\"\n  end\n";

# -- schedules --
fresh();
my $nightly = book('nightly', "  schedule \"30 */8 * * *\"\n$say");
my $weekly = book('weekly', "  schedule \"0 9 * * mon-fri\"\n$say");
my ($said, $exit) = passes('2026-11-20T00:00Z', '3d', $nightly, $weekly);
is($exit, 0, 'three days of two schedules');
is_deeply([starts()], [
  '2026-11-20T00:30 nightly schedule 30 */8 * * *', '2026-11-20T08:30 nightly schedule 30 */8 * * *', '2026-11-20T09:00 weekly schedule 0 9 * * mon-fri',
  '2026-11-20T16:30 nightly schedule 30 */8 * * *', '2026-11-21T00:30 nightly schedule 30 */8 * * *', '2026-11-21T08:30 nightly schedule 30 */8 * * *',
  '2026-11-21T16:30 nightly schedule 30 */8 * * *', '2026-11-22T00:30 nightly schedule 30 */8 * * *', '2026-11-22T08:30 nightly schedule 30 */8 * * *',
  '2026-11-22T16:30 nightly schedule 30 */8 * * *'], 'start at their times, and the journal says by what') or diag $said;
like($said, qr/^11-20 00:00:00  nightly: schedule 30 \*\/8 \* \* \*, next at 2026-11-20 00:30:00 UTC\n/m, 'what comes next is told');
like($said, qr/^11-20 00:30:00  nightly: schedule .*: starts\n11-20 00:30:00  nightly: schedule .*: run \S+ succeeded\n/m, 'and what becomes of each');
($said) = passes('2026-11-25T00:00Z', '1h', $nightly, $weekly);
like($said, qr/nightly: schedule \S+ \S+ \* \* \*: missed 6 times since run \S+, the last at 2026-11-24 16:30:00 UTC; what is missed is not made up\n/, 'what passed while nobody watched is told');
like($said, qr/weekly: schedule .*: missed 2 times since run/, 'of each');
is((starts())[-1], '2026-11-25T00:30 nightly schedule 30 */8 * * *', 'and not made up');
($said) = run_quietly($stepwise, 'journal', 'verify', '--journal', $journal);
like($said, qr/: good\n/, 'the journal verifies');
($said) = run_quietly($stepwise, 'show', '--journal', $journal);
like($said, qr/^started .* triggered: schedule 30 \*\/8 \* \* \*$/m, 'show tells what started a run');

# In the zone of the site, over a change of its clock.
fresh();
write_file("$dir/site.rb", "site \"office\" do\n  timezone \"America/New_York\"\nend\n");
my $morning = book('morning', "  schedule \"0 8 * * *\"\n$say");
($said) = watch('--site', "$dir/site.rb", '--virtual-clock', '--at', '2026-03-07T00:00Z', '--for', '2d', $morning);
is_deeply([map { /^(\S+)/ } starts()], ['2026-03-07T13:00', '2026-03-08T12:00'], 'eight in the morning where the site is') or diag $said;
like($said, qr/next at 2026-03-07 08:00:00 -0500/, 'and its time is told');
unlink "$dir/site.rb";

# -- one run at a time --
fresh();
my $asks = book('asks', "  schedule \"0 * * * *\"\n  step \"Ask\" do\n    confirm \"Shall it be?\"\n  end\n");
($said) = passes('2026-11-20T00:30Z', '3h', $asks);
is_deeply([runs_of()], ['waiting'], 'a run that waits for somebody keeps further ones away') or diag $said;
like($said, qr/^11-20 01:00:00  asks: .*: run (\S+) is waiting: nobody to answer .*\n11-20 02:00:00  asks: .*: not started, because run \1 is still open; stepwise show \1 --journal /m, 'and that is told');
run_quietly($stepwise, 'cancel', 'last', '--reason', 'no', '--journal', $journal);
($said) = passes('2026-11-20T03:30Z', '1h', $asks);
is_deeply([runs_of()], ['cancelled', 'waiting'], 'until it has ended') or diag $said;
fresh();
my $long = book('long', "  schedule \"*/10 * * * *\"\n  timeout 2.hours\n  step \"Wait\" do\n    timeout 1.hour\n    deadline 1.hour\n    wait 25.minutes\n  end\n");
($said) = passes('2026-11-20T00:05Z', '1h', $long);
is_deeply([map { /T(\S+)/ } starts()], ['00:10', '00:40'], 'while a run goes on none is begun') or diag $said;
like($said, qr/missed 2 times, the last at 2026-11-20 00:30:00 UTC/, 'and that is told');

# -- triggers --
fresh();
my $surge = book('surge', "  trigger \"the surge of the hour\", every: 10.minutes do\n    now.to_i % 7200 >= 3600\n  end\n$say");
($said) = passes('2026-11-20T00:00Z', '5h', $surge);
is_deeply([starts()], ['2026-11-20T01:00 surge the surge of the hour', '2026-11-20T03:00 surge the surge of the hour'], 'a trigger starts a run when it begins to hold') or diag $said;
ok(!(grep { $_->{kind} =~ /^action/ } events()), 'its looks are not recorded');
like($said, qr/surge: the surge of the hour, looked at every 10 minutes\n/, 'what is looked at is told');
fresh();
my $reads = book('reads', "  trigger \"the pool has nodes\", every: 1.minute do\n    pool.size > 5\n  end\n$say");
($said) = passes('2026-11-20T00:00Z', '10m', $reads);
is(scalar(starts()), 1, 'a trigger reads the world') or diag $said;
fresh();
my $broken = book('broken', "  trigger \"the pool is wrong\", every: 1.minute do\n    pool.wrong > 5\n  end\n$say");
($said, $exit) = passes('2026-11-20T00:00Z', '10m', $broken);
ok($exit == 0 && (() = $said =~ /broken: the pool is wrong: cannot look: .*integer/g) == 1, 'one that cannot look says so once and goes on') or diag "$exit $said";

# -- runs that are not begun --
fresh();
my $locked = book('locked', "  lock \"the pool\"\n  schedule \"0 * * * *\"\n  requires role: :operator\n$say");
($said) = passes('2026-11-20T00:30Z', '1h', $locked);
like($said, qr/locked: schedule .*: no run came of it: .*:operator only/, 'preflight says why no run came of it') or diag $said;
is(scalar(starts()), 0, 'and none is recorded');
($said) = passes('2026-11-20T00:30Z', '1h', $locked, '--role', 'operator');
is_deeply([runs_of()], ['succeeded'], '--role goes to the runs') or diag $said;

# -- inputs --
my $input = book('input', "  input :node, :string\n  schedule \"0 * * * *\"\n  step \"Say\" do\n    note input.node\n  end\n");
fresh();
for my $case (
  [[$input], 3, qr/input node has no default and nobody is asked\nhelp: give it: --set node=VALUE/],
  [[$input, '--set', 'nodes=x'], 3, qr/input node has no default|none of the runbooks has an input nodes/],
  [[$input, '--set', 'node=x', '--set', 'other=1'], 3, qr/none of the runbooks has an input other/],
  [[], 2, qr/name the files/],
  [[$input, '--for', 'soon'], 2, qr/--for wants a duration/],
  [[$input, '--set', 'node=x', '--virtual-clock'], 2, qr/--virtual-clock needs --for/],
  [[$input, '--at', 'now', '--for', '1h'], 2, qr/--at is where a --virtual-clock begins/],
  [[book('plain', $say)], 3, qr/plain\.rb has neither a schedule nor a trigger/],
  [["$dir/gone.rb"], 3, qr/gone\.rb/],
) {
  my ($said, $exit) = watch(@{$case->[0]});
  ok($exit == $case->[1] && $said =~ $case->[2], "refused: $case->[2]") or diag "$exit $said";
}
ok(!-e $journal, 'nothing was written');
($said, $exit) = passes('2026-11-20T00:30Z', '1h', $input, $nightly, '--set', 'node=web-1');
my ($noted) = map { $_->{data}{text} } grep { $_->{kind} eq 'noted' && $_->{data}{text} ne 'said' } events();
is($noted, 'web-1', '--set goes to the runbook that has the input') or diag $said;

# -- JSON --
fresh();
my $out = `$stepwise watch $nightly --virtual-clock --at 2026-11-20T00:00Z --for 1h --json --journal $journal 2>$dir/err`;
is(join(' ', map { decode_json($_)->{kind} } split /\n/, $out), 'run.started step.started noted step.finished run.succeeded', '--json gives the events');
like(read_file("$dir/err"), qr/nightly: .*starts/, 'and people read stderr');

# -- real time: stopping, and a second one --
sub started {
  my (@arguments) = @_;
  my $pid = fork // die;
  return $pid if $pid;
  open STDIN, '<', '/dev/null';
  open STDOUT, '>', "$dir/out";
  open STDERR, '>&', \*STDOUT;
  exec $stepwise, 'watch', @arguments, '--journal', $journal or die;
}
sub says { my ($like) = @_; for (1 .. 300) { return 1 if (read_file("$dir/out") // '') =~ $like; sleep 0.05 } return 0 }
sub code_of { my ($pid) = @_; for (1 .. 300) { return $? >> 8 if waitpid($pid, 1) == $pid; sleep 0.05 } kill 'KILL', $pid; waitpid $pid, 0; return 'late' }
fresh();
unlink "$dir/out";
my $pid = started($nightly, $weekly);
ok(says(qr/weekly: .*next at/), 'it watches');
($said, $exit) = watch($nightly);
ok($exit == 1 && $said =~ /process $pid watches "schedule 30 \S+ \* \* \*" of nightly already/, 'a second one of the same is refused') or diag "$exit $said";
kill 'TERM', $pid;
is(code_of($pid), 0, 'SIGTERM ends it well');
($said, $exit) = watch($nightly, $nightly);
ok($exit == 3 && $said =~ /of nightly is to be watched twice/, 'nor is one named twice: it would start two runs') or diag "$exit $said";
ok(says(qr/stopped; nothing is watched any more\n\z/), 'and it says so');
fresh();
unlink "$dir/out";
my $busy = book('busy', "  trigger \"always\", every: 1.minute do\n    pool.size > 0\n  end\n  step \"Wait\" do\n    wait 50.seconds\n  end\n");
$pid = started($busy);
ok(says(qr/starts/), 'a run begins');
for (1 .. 200) { last if join(' ', map { $_->{kind} } events()) =~ /wait\.started/; sleep 0.05 }
kill 'TERM', $pid;
is(code_of($pid), 0, 'SIGTERM while a run goes on');
is_deeply([runs_of()], ['cancelled'], 'stops the run as well') or diag read_file("$dir/out");
fresh();
unlink "$dir/out";
$pid = started($nightly);
says(qr/next at/);
kill 'INT', $pid;
is(code_of($pid), 130, 'Ctrl-C ends it with code 130');

done_testing;
