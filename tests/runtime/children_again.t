#!/usr/bin/perl
# Child runs when their parent goes on, or is undone, in another process. CHILD_KILLS: how often a run with children
# is killed and goes on.
use strict;
use warnings;
use lib 'tests/lib';
use Ledger;
use Runs;
use Stepwise;
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;
use Time::HiRes 'sleep';

my $dir = tempdir(CLEANUP => 1);
my ($n, $journal) = (0);
sub stepwise { my ($verb, @args) = @_; return run_quietly($stepwise, $verb, @args, '--journal', $journal) }
sub begin { $journal = "$dir/" . ++$n . '.db' }
sub answers { my ($answers) = @_; write_file("$dir/answers.json", encode_json($answers)); return ('--answers', "$dir/answers.json") }
sub parent_id { my ($runs) = stepwise('runs', '--json'); return map { decode_json($_)->{run} } grep { /"runbook":"parent"/ } grep { /^\{/ } split /\n/, $runs }
sub events { return Runs::events_of($journal) }
sub of_kind { my ($kind) = @_; return grep { $_->{kind} eq $kind } events() }
sub states { my ($runs) = stepwise('runs', '--json'); return join ' ', map { my $r = decode_json($_); "$r->{runbook}:$r->{state}" } grep { /^\{/ } split /\n/, $runs }
sub undone { return join ' ', map { $_->{data}{args}{node} } grep { $_->{data}{action} eq 'restore' } of_kind('action.started') }

write_file("$dir/drain.rb", <<'RUBY' . $pool);
runbook "drain" do
  input :node, :string
  step "Drain" do
    d = pool.drain node: input.node
    count = d.count
    rollback { pool.restore node: input.node }
  end
  step "Soak" do
    confirm "Is #{input.node} cool?"
    size = 4
  end
end
RUBY
write_file("$dir/parent.rb", <<'RUBY' . $pool);
runbook "parent" do
  on_failure :rollback
  step "Before" do
    pool.drain node: "before"
    rollback { pool.restore node: "before" }
  end
  done = run "drain", node: "one"
  step "Between" do
    pool.drain node: "between"
    show done.outputs.count + done.outputs.size, as: "of the child"
    rollback { pool.restore node: "between" }
  end
  each_of %w[x y], at_once: 2 do |node|
    run "drain", node: node
  end
  step "After" do
    confirm "All good?"
  end
end
RUBY

# A child that waits goes on with its parent.
begin();
my ($said, $exit) = stepwise('run', "$dir/parent.rb");
is($exit, 4, 'the run waits, because its child does');
my ($parent) = parent_id();
($said, $exit) = stepwise('resume', '--all');
is($exit, 4, 'with all of them it waits on');
like($said, qr/^\S+  stays with its parent: run \Q$parent\E, which waits for it, takes it along$/m, 'the child is left to its parent, which is said');
($said, $exit) = stepwise('resume', $parent, answers({'Is one cool?' => 'yes'}));
ok($exit == 4 && $said =~ /of the child: 7/, 'it goes on with the child, and has what that gave') or diag($said);
is(states(), 'parent:waiting drain:succeeded drain:waiting drain:waiting', 'until other children wait');
($said, $exit) = stepwise('resume', $parent, answers({'Is x cool?' => 'yes', 'Is y cool?' => 'yes'}));
ok($exit == 4 && $said =~ /All good/, 'children of branches go on too') or diag($said);
is(join(' ', map { $_->{data}{place} } of_kind('child.started')), 'run drain#1 run drain#2[x] run drain#2[y]', 'none is begun twice');
($said, $exit) = stepwise('resume', $parent, answers({'All good?' => 'no'}));
is($exit, 6, 'a no undoes all of it') or diag($said);
my $undone = undone();
like($undone, qr/^(?:x y|y x) between one before$/, 'the children in their places') or diag($said);
is(states(), 'parent:rolled_back drain:rolled_back drain:rolled_back drain:rolled_back', 'and each has its own end');

# A child that somebody goes on with by itself.
begin();
stepwise('run', "$dir/parent.rb");
($parent) = parent_id();
stepwise('resume', 'last', answers({'Is one cool?' => 'yes'}));
is(states(), 'parent:waiting drain:succeeded', 'a child can go on by itself');
($said, $exit) = stepwise('resume', $parent);
like($said, qr/of the child: 7/, 'its parent has what it gave all the same') or diag($said);
is(states(), 'parent:waiting drain:succeeded drain:waiting drain:waiting', 'and goes on');

# A run that has ended well is undone with its children.
($said, $exit) = stepwise('resume', $parent, answers({map { $_ => 'yes' } 'Is x cool?', 'Is y cool?', 'All good?'}));
is($exit, 0, 'all went well') or diag($said);
($said, $exit) = stepwise('rollback', $parent, '--yes', '--reason', 'a test');
is($exit, 0, 'a run that succeeded is rolled back') or diag($said);
like(undone(), qr/^(?:x y|y x) between one before$/, 'with its children, each in its place') or diag($said);
is(states(), 'parent:rolled_back drain:rolled_back drain:rolled_back drain:rolled_back', 'each has its own end');
($said, $exit) = run_quietly($stepwise, 'journal', 'verify', '--journal', $journal);
is($exit, 0, 'the journal is good') or diag($said);

# A child that failed is tried again when an operator goes on.
write_file("$dir/fails.rb", <<"RUBY");
runbook "fails" do
  step "Try" do
    confirm "Does it work?"
    given = true
  end
end
RUBY
write_file("$dir/hold.rb", qq{runbook "parent" do\n  x = run "fails"\n  step "Then" do\n    show x.outputs.given, as: "given"\n  end\nend\n});
begin();
($said, $exit) = stepwise('run', "$dir/hold.rb", answers({'Does it work?' => 'maybe'}));
is(states(), 'parent:held fails:held', 'a failed child holds its parent') or diag($said);
($parent) = parent_id();
($said, $exit) = stepwise('resume', $parent, '--reason', 'again', answers({'Does it work?' => 'yes'}));
ok($exit == 0 && $said =~ /given: true/, 'who goes on tries the child again') or diag($said);
is(states(), 'parent:succeeded fails:succeeded', 'as the same run');

# Children of the on_failure block: each failure starts its own, and a block that goes on after a kill starts none twice.
(my $books, my $failing, $journal) = ledger_room(<<'RUBY');
runbook "parent" do
  use "ledger"
  step "Alpha" do
    fail! :bad, "alpha failed"
  end
  step "Beta" do
    fail! :bad, "beta failed"
  end
  on_failure do |failure|
    start "look", why: failure.message
    ledger.put_by_key item: "told"
    note "told of #{failure.message}"
  end
end
RUBY
write_file("$books/look.rb", qq{runbook "look" do\n  input :why, :string\n  step "Look" do\n    note input.why\n  end\nend\n});
sub started { return join ' ', map { $_->{data}{place} } of_kind('child.started') }
ledger_control($books, 'told kill 1');
($said, $exit) = stepwise('run', $failing);
is("$exit " . started(), '137 start look#1', 'killed between the start of a child and the end of the block') or diag($said);
($parent) = parent_id();
($said, $exit) = stepwise('resume', $parent);
ok($exit == 1 && $said =~ /told of alpha failed/, 'the block goes on to its end') or diag($said);
is(started(), 'start look#1', '  the child is not started again') or diag($said);
ledger_control($books);
($said, $exit) = stepwise('resume', $parent, '--skip', 'alpha', '--reason', 'known');
is("$exit " . started(), '1 start look#1 start look#1', 'another failure starts a child of its own') or diag($said);
like($said, qr/started look: run .*told of beta failed/s, '  and says so');
ledger_control($books, 'told kill');
($said, $exit) = stepwise('resume', $parent);
is("$exit " . started(), '137 start look#1 start look#1 start look#1', 'so does the same step that fails again') or diag($said);
ledger_control($books);
($said, $exit) = stepwise('resume', $parent);
is("$exit " . started(), '1 start look#1 start look#1 start look#1', '  once, killed there too') or diag($said);
stepwise('resume', '--all');
is(join(', ', sort map { $_->{data}{text} } grep { $_->{step} eq 'look' } of_kind('noted')), 'alpha failed, beta failed, beta failed', 'each is told of its own failure') or diag(states());
($said, $exit) = stepwise('journal', 'verify');
is($exit, 0, 'the journal is good') or diag($said);

# Killed at any time, and gone on with.
write_file("$dir/slow.rb", <<'RUBY' . $pool);
runbook "slow" do
  input :node, :string
  step "One" do
    a = pool.drain node: input.node
    wait 15.milliseconds
    rollback { pool.restore node: input.node }
  end
  step "Two" do
    b = pool.drain node: input.node + "2"
    wait 15.milliseconds
    rollback { pool.restore node: input.node + "2" }
  end
end
RUBY
write_file("$dir/kill.rb", <<'RUBY');
runbook "parent" do
  first = run "slow", node: "first"
  each_of %w[a b c], at_once: 2 do |node|
    run "slow", node: node
  end
  step "End" do
    show first.outputs.a.node + first.outputs.b.node, as: "first"
  end
end
RUBY
my $kills = $ENV{CHILD_KILLS} || 2;
my @problems;
for my $k (1 .. $kills) {
  begin();
  my @command = ('run', "$dir/kill.rb");
  my $tries = 0;
  for (;;) {
    my $pid = fork // die;
    if (!$pid) {
      open STDIN, '<', '/dev/null';
      open STDOUT, '>', "$dir/said";
      open STDERR, '>&', \*STDOUT;
      exec $stepwise, @command, '--journal', $journal;
    }
    if ($tries++ < 12) {
      sleep 0.008 + rand 0.06;
      kill 'KILL', $pid;
    }
    waitpid $pid, 0;
    my $ended = $? == 0;
    my ($id) = parent_id();
    last if $ended || $tries > 20 || states() =~ /^parent:succeeded/;
    @command = $id ? ('resume', $id) : ('run', "$dir/kill.rb");
  }
  my %places;
  $places{$_->{data}{place}}{$_->{data}{run}}++ for of_kind('child.started');
  push @problems, "kill $k: " . read_file("$dir/said") if !grep { $_->{data}{value} eq 'firstfirst2' } of_kind('shown');
  push @problems, "kill $k: " . states() if states() ne 'parent:succeeded' . ' slow:succeeded' x 4;
  push @problems, "kill $k: begun twice" if grep { keys %$_ != 1 || (values %$_)[0] != 1 } values %places;
  my ($verified, $good) = run_quietly($stepwise, 'journal', 'verify', '--journal', $journal);
  push @problems, "kill $k: $verified" if $good;
}
is(join("\n", @problems), '', "killed in $kills runs at random times, and gone on with until the end");
done_testing;
