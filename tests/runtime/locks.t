#!/usr/bin/perl
# What keeps runs apart: lock and concurrency, by what the journal says of runs that have not ended.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Temp 'tempdir';
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $journal = "$dir/j.db";
sub run_it { my ($file, @args) = @_; return run_quietly($stepwise, 'run', "$dir/$file.rb", '--journal', $journal, '--virtual-clock', @args) }
sub book { my ($name, $text) = @_; write_file("$dir/$name.rb", qq{runbook "$name" do\n$text\nend\n}) }
sub in_the_background {
  my ($file, $until) = @_;
  my $pid = open(my $from, '-|') // die;
  if (!$pid) {
    open STDIN, '<', '/dev/null';
    open STDERR, '>&', \*STDOUT;
    exec 'timeout', '--foreground', '60', $stepwise, 'run', "$dir/$file.rb", '--journal', $journal;
  }
  my $seen = '';
  while (defined(my $c = getc $from)) { $seen .= $c; last if $seen =~ $until }
  return ($pid, $from);
}

# The text is the lock, whatever the runbook.
book('held', qq{  lock "db/main"\n  step "Fail" do\n    fail! :bad, "no good"\n  end});
book('also', qq{  input :which, :string, default: "main"\n  lock "db/#{input.which}"\n  step "Do" do\n    note "did it"\n  end});
my ($said, $exit) = run_it('held');
my ($id) = $said =~ /run (\S+) by/;
is($exit, 1, 'a run is held');
($said, $exit) = run_it('also');
ok($exit == 1 && $said =~ /another run holds the lock 'db\/main': run \Q$id\E, held, by \S+, begun/, 'what is held holds its lock') or diag($said);
like($said, qr/stepwise show \Q$id\E/, 'and it is said what to look at');
unlike($said, qr/did it/, 'nothing was done');
($said, $exit) = run_it('also', '--set', 'which=other');
is($exit, 0, 'another text is another lock') or diag($said);
($said) = run_quietly($stepwise, 'abandon', $id, '--reason', 'test', '--journal', $journal);
($said, $exit) = run_it('also');
ok($exit == 0 && $said =~ /did it/, 'when it has ended the lock is free') or diag($said);
($said, $exit) = run_it('also');
is($exit, 0, 'and a run that succeeded holds nothing');

# A run whose process was killed holds it too.
book('killed', qq{  lock "db/killed"\n  step "Wait" do\n    note "in"\n    wait 60.seconds\n  end});
{
  my ($pid, $from) = in_the_background('killed', qr/waiting /);
  ($said, $exit) = run_it('killed');
  ok($exit == 1 && $said =~ /another run holds the lock 'db\/killed': run \S+, running/, 'a live run holds its lock') or diag($said);
  my ($child) = split ' ', scalar `ps -o pid= --ppid $pid`;
  select undef, undef, undef, 0.1; # until what was appended is committed
  kill 'KILL', $child, $pid;
  close $from;
  ($said, $exit) = run_it('killed');
  ok($exit == 1 && $said =~ /another run holds the lock 'db\/killed': run \S+, (?:running|interrupted)/, 'so does one that was killed') or diag($said);
}

# The lock of a run is no obstacle to those it waits for.
book('outer', qq{  lock "one"\n  run "inner"});
book('inner', qq{  lock "one"\n  step "In" do\n    note "inside"\n  end});
($said, $exit) = run_it('outer');
ok($exit == 0 && $said =~ /inside/, 'a child may lock what its parent holds') or diag($said);
book('two', qq{  parallel do\n    run "slow"\n    run "slow_too"\n  end});
book($_, qq{  lock "one"\n  step "In" do\n    wait 1.minute\n  end}) for qw(slow slow_too);
($said, $exit) = run_it('two');
ok($exit == 1 && $said =~ /run slow_too \(\S+\) did not begin: another run holds the lock 'one': run \S+, running/, 'two children may not lock the same') or diag($said);
book('begins', qq{  lock "begun"\n  start "begun"\n  step "Wait" do\n    wait 1.minute\n  end});
book('begun', qq{  lock "begun"\n  step "In" do\n    note "inside"\n  end});
($said, $exit) = run_it('begins');
ok($exit == 0 && $said =~ /holds the lock 'begun'/ && $said !~ /inside/, 'what is started and not waited for is another run') or diag($said);

# So many at a time.
book('few', qq{  concurrency 2\n  input :bad, :boolean, default: false\n  step "Do" do\n    fail! :bad, "bad" if input.bad\n    note "did it"\n  end});
run_it('few', '--set', 'bad=true') for 1 .. 2;
($said, $exit) = run_it('few');
ok($exit == 1 && $said =~ /few may have 2 live runs at a time \(concurrency\), and has: run \S+, held, by .*; run \S+, held/, 'concurrency counts runs that have not ended') or diag($said);
run_quietly($stepwise, 'abandon', 'last', '--reason', 'test', '--journal', $journal);
($said, $exit) = run_it('few');
ok($exit == 0 && $said =~ /did it/, 'one that ended leaves room') or diag($said);
book('none', qq{  input :n, :integer, default: 0\n  concurrency input.n\n  step "Do" do\n    note "did it"\n  end});
($said, $exit) = run_it('none');
ok($exit == 3 && $said =~ /concurrency wants a number of 1 or more/, 'none at all is refused') or diag("$exit $said");

# Of several that begin at once exactly one gets the lock.
book('race', qq{  lock "race"\n  step "Fail" do\n    fail! :bad, "held now"\n  end});
my @pids;
for (1 .. 6) {
  my $pid = fork // die;
  if (!$pid) {
    open STDOUT, '>', "$dir/race.$_";
    open STDERR, '>&', \*STDOUT;
    exec 'timeout', '60', $stepwise, 'run', "$dir/race.rb", '--journal', $journal;
  }
  push @pids, $pid;
}
waitpid $_, 0 for @pids;
my @got = grep { read_file("$dir/race.$_") =~ /held now/ } 1 .. 6;
my @told = grep { read_file("$dir/race.$_") =~ /another run holds the lock 'race'/ } 1 .. 6;
is(@got . ' ' . @told, '1 5', 'one of six gets the lock, five are told');
($said, $exit) = run_quietly($stepwise, 'journal', 'verify', '--journal', $journal);
is($exit, 0, 'the journal is good') or diag($said);
done_testing;
