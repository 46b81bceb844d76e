#!/usr/bin/env perl
# An action that is cancelled or too slow really stops: no child, no zombie, no descriptor is left.
use strict;
use warnings;
use lib 'tests/lib';
use Children;
use File::Temp 'tempdir';
use Stepwise;
use Test::More;

my $number = 0;

sub room {
  my ($text) = @_;
  my $dir = tempdir(CLEANUP => 1);
  write_file("$dir/case.rb", $text =~ s/DIR/$dir/gr);
  return ($dir, "$dir/case.rb", '--journal', "$dir/journal.db");
}

# What the process that runs it has open and has started, besides what looks; once it has taken hold of what
# looks, which it does beside it.
my $look = <<'SH' =~ s/\n/; /gr;
cd /proc/$PPID
n=0
until ls -l fd | grep -q pidfd || [ $n = 100 ]
do sleep 0.05
n=$((n+1))
done
for fd in fd/*
do readlink $fd
done | cut -d: -f1 | sort
echo children: $(wc -w < task/$PPID/children)
SH

for my $clock (['the real clock'], ['the virtual clock', '--virtual-clock']) {
  my ($name, @more) = @$clock;
  my ($dir, @args) = room(<<"RUBY");
runbook "stop" do
  on_failure :continue
  use "shell"
  step "Before" do
    before = shell.read(args: ["sh", "-c", '$look'])
    show before.out
    on_failure :hold
  end
  step "Hang" do
    timeout 0.7.seconds
    show shell.read(args: ["sh", "-c", "echo \$\$ > DIR/pid; sleep 600 & wait"]).status
  end
  step "Own session" do
    timeout 0.7.seconds
    show shell.read(args: ["sleep", "600"]).status
  end
  step "After" do
    after = shell.read(args: ["sh", "-c", '$look'])
    show after.out
    expect after.out == before.out, "something is left: #{after.out}"
    expect after.out.include?("children: 1\\n"), "there is a child: #{after.out}"
  end
end
RUBY
  my ($said, $exit) = run_quietly($stepwise, 'run', @args, @more);
  is($exit, 1, "two steps are too slow, with $name") or diag $said;
  is(() = $said =~ /took longer than its timeout/g, 2, 'and say so') or diag $said;
  like($said, qr/\[4\/4\] After.*\n(?:.*\n)*      ok/, 'nothing is left of them') or diag $said;
  my ($pid) = read_file("$dir/pid") =~ /(\d+)/;
  ok($pid && wait_for(sub { !is_alive($pid) }), 'the child is gone');
}

# --- a signal while a read is under way: it is stopped ---
for my $signal ('INT', 'TERM') {
  my ($dir, @args) = room(<<'RUBY');
runbook "signal" do
  use "shell"
  step "Hang" do
    show shell.read(args: ["sh", "-c", "sleep 600 & echo $$ $! > DIR/pid.new; mv DIR/pid.new DIR/pid; wait"]).status
  end
end
RUBY
  my $run = start_program("$dir/said", $stepwise, 'run', @args);
  my @pids = wait_for(sub { (read_file("$dir/pid") // '') =~ /(\d+) (\d+)/ ? "$1 $2" : '' }) =~ /\d+/g;
  is(scalar @pids, 2, "SIG$signal: the program runs");
  kill $signal, $run;
  my $exit = end_program($run);
  is($exit, 130, 'the run ends') or diag read_file("$dir/said");
  for my $pid (@pids) { ok(wait_for(sub { !is_alive($pid) }), 'and with it what it had started') }
}

# --- while a write is under way: it is finished first ---
for my $signal ('INT', 'TERM') {
  my ($dir, @args) = room(<<'RUBY');
runbook "signal" do
  use "shell"
  step "Write" do
    done = shell.run(args: ["sh", "-c", "echo $$ > DIR/pid; while [ ! -e DIR/go ]; do sleep 0.05; done; echo whole > DIR/done"])
    show done.status
    irreversible "it stays"
  end
  step "Next" do
    note "not reached"
  end
end
RUBY
  my $run = start_program("$dir/said", $stepwise, 'run', @args);
  my $pid = wait_for(sub { (read_file("$dir/pid") // '') =~ /(\d+)/ ? $1 : 0 });
  kill $signal, $run;
  wait_for(sub { read_file("$dir/said") =~ /what is under way is finished first/ });
  ok(is_alive($pid), "SIG$signal: a write is not cut off");
  write_file("$dir/go", '');
  is(end_program($run), 130, 'the run ends behind it') or diag read_file("$dir/said");
  is(read_file("$dir/done"), "whole\n", 'and it was finished');
  my ($events) = run_quietly($stepwise, 'journal', 'export', '--journal', "$dir/journal.db");
  like($events, qr/"action\.finished".*"status":0/, 'its outcome is in the journal');
  unlike($events, qr/not reached/, 'what comes after it is not begun');
}

# --- a time limit during a write that may not be repeated: in doubt ---
{
  my ($dir, @args) = room(<<'RUBY');
runbook "doubt" do
  use "shell"
  step "Write" do
    timeout 0.7.seconds
    done = shell.run(args: ["sh", "-c", "echo $$ > DIR/pid; sleep 600"])
    show done.status
    irreversible "it stays"
  end
end
RUBY
  my ($said, $exit) = run_quietly($stepwise, 'run', @args);
  is($exit, 5, 'a write that is cut off leaves the run in doubt') or diag $said;
  like($said, qr/shell\.run was cut off by a time limit: whether it happened is not known/, 'and says so');
  my ($pid) = read_file("$dir/pid") =~ /(\d+)/;
  ok($pid && wait_for(sub { !is_alive($pid) }), 'its program is gone');
}

# --- the same, for one that may be repeated: it fails ---
{
  my ($dir, @args) = room(<<'RUBY');
runbook "safe" do
  use "shell"
  step "Write" do
    timeout 0.7.seconds
    done = shell.repeat(args: ["sleep", "600"])
    show done.status
    irreversible "it stays"
  end
end
RUBY
  my ($said, $exit) = run_quietly($stepwise, 'run', @args);
  is($exit, 1, 'a write that may be repeated fails when it is cut off') or diag $said;
}

# --- when stepwise is killed, its programs are not left running unwatched ---
{
  my ($dir, @args) = room(<<'RUBY');
runbook "killed" do
  use "shell"
  step "Write" do
    done = shell.run(args: ["sh", "-c", "echo $$ > DIR/pid; while :; do sleep 0.05; done"])
    show done.status
    irreversible "it stays"
  end
end
RUBY
  my $run = start_program("$dir/said", $stepwise, 'run', @args);
  my $pid = wait_for(sub { (read_file("$dir/pid") // '') =~ /(\d+)/ ? $1 : 0 });
  kill 'KILL', $run;
  end_program($run);
  ok(wait_for(sub { !is_alive($pid) }), 'killed with it');
}

# --- outputs ---
{
  my ($dir, @args) = room(<<'RUBY');
runbook "outputs" do
  on_failure :continue
  use "shell"
  step "Too much to read" do
    show shell.read(args: ["yes"]).status
  end
  step "Too much of a write" do
    done = shell.run(args: ["sh", "-c", "yes | head -c 2000000; echo whole > DIR/done"])
    show done.status
    irreversible "it stays"
  end
  step "Not a text" do
    show shell.read(args: ["printf", "a\\377b\\000c"]).out.inspect
  end
  step "A status" do
    show shell.read(args: ["sh", "-c", "echo first >&2; echo the reason >&2; exit 7"]).status
  end
  step "No program" do
    show shell.read(args: ["no-such-program"]).status
  end
end
RUBY
  my ($said, $exit) = run_quietly($stepwise, 'run', @args);
  like($said, qr/yes was stopped: it wrote more than 1048576 bytes to its standard output/, 'a read is stopped at the limit');
  like($said, qr/sh ended with status 0, but it wrote 2000000 bytes to its standard output, and 1048576 are taken/, 'a write is not');
  is(read_file("$dir/done"), "whole\n", 'it went on to its end');
  like($said, qr/a\x{EF}\x{BF}\x{BD}b\x{EF}\x{BF}\x{BD}c/, 'bytes that are no text are shown as such');
  like($said, qr/sh ended with status 7: the reason/, 'a status is a failure, with what it said last');
  like($said, qr/there is no program no-such-program/, 'so is a program that is not there');
}
done_testing;
