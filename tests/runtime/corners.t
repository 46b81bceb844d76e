#!/usr/bin/perl
# What going on and going back do where a run did not fail in a step's body, and where an operator would
# pass over what nobody knows of.
use strict;
use warnings;
use lib 'tests/lib';
use Fault;
use Ledger;
use Stepwise;
use Test::More;

my ($dir, $runbook, $journal);

sub room { ($dir, $runbook, $journal) = ledger_room($_[0]) }
sub does { return run_quietly($stepwise, @_, '--journal', $journal) }
sub books { return join ' ', map { (split)[1] } ledger_lines($dir) }

my $one = <<'RUBY';
  step "One" do
    a = ledger.put_safe(item: "one")
    rollback { ledger.remove item: "one" }
  end
RUBY
my %failing = (
  'the plan itself' => <<'RUBY',
  if [1, 2].fetch(a.item.size) > 1
    step "Two" do
      note "never"
    end
  end
RUBY
  "a step's label" => <<'RUBY',
  step "Two #{[1, 2].fetch(a.item.size)}", id: "two" do
    note "never"
  end
RUBY
  'an item of branches' => <<'RUBY',
  each_of [1, 2], at_once: 2 do |n|
    if [1, 2].fetch(a.item.size) > n
      step "Two" do
        note "never"
      end
    end
  end
RUBY
);

for my $what (sort keys %failing) {
  room("runbook \"corner\" do\n  use \"ledger\"\n$one$failing{$what}end\n");
  my ($said, $exit) = does('run', $runbook);
  is($exit, 1, "$what fails: held") or diag($said);
  ($said, $exit) = does('rollback', 'last', '--yes', '--reason', 'no');
  is("$exit " . books(), '0 one -one', "$what failed: the run can be undone") or diag($said);
}

for my $what (sort keys %failing) {
  room("runbook \"corner\" do\n  use \"ledger\"\n  on_failure :rollback\n$one$failing{$what}end\n");
  ledger_control($dir, '-one kill');
  my ($said, $exit) = does('run', $runbook);
  is($exit, 137, "$what fails, and the rollback is killed") or diag($said);
  ledger_control($dir);
  ($said, $exit) = does('resume', 'last');
  is("$exit " . books(), '6 one -one', '... it goes on') or diag($said);
}

# --- passing over a doubt ---

for my $how (['--skip', 'one'], ['--from', 'two']) {
  room(<<'RUBY');
runbook "corner" do
  use "ledger"
  step "One" do
    ledger.put item: "one"
    irreversible "no"
  end
  step "Two" do
    ledger.put item: "two"
    irreversible "no"
  end
end
RUBY
  ledger_control($dir, 'one kill-after');
  does('run', $runbook);
  ledger_control($dir);
  my ($said, $exit) = does('resume', 'last', @$how, '--reason', 'late');
  is("$exit " . books(), '5 one', "@$how does not pass over what nobody knows of") or diag($said);
  ($said, $exit) = does('mark-done', 'last', '--result', '{"item": "one", "key": "k"}');
  is($exit, 0, '... it is settled') or diag($said);
  ($said, $exit) = does('resume', 'last', @$how, '--reason', 'late');
  is("$exit " . books(), '0 one two', '... and then it does') or diag($said);
}

# --- another plan ---

my $changing = <<'RUBY';
runbook "corner" do
  use "ledger"
  step "One" do
    ledger.put item: "one"
    irreversible "no"
  end
  step "Two" do
    ledger.put item: "two"
    irreversible "no"
  end
end
RUBY
{
  room($changing);
  ledger_control($dir, 'one kill-after');
  does('run', $runbook);
  ledger_control($dir);
  write_file($runbook, $changing =~ s/"One" do/"Uno" do/r);
  my ($said, $exit) = does('resume', 'last', '--accept-plan-change', '--reason', 'new');
  is("$exit " . books(), '1 one', 'a step that did something keeps its id, done or not') or diag($said);
  write_file($runbook, $changing =~ s/(  step "One".*?\n  end\n)/  if 1 > 2\n$1  end\n/sr);
  ($said, $exit) = does('resume', 'last', '--accept-plan-change', '--reason', 'new');
  is("$exit " . books(), '5 one two', 'what nobody knows of is not forgotten where the plan passes it') or diag($said);
  ($said, $exit) = does('mark-done', 'last', 'one/ledger.put', '--result', '{"item": "one", "key": "k"}');
  is($exit, 0, '... it is settled') or diag($said);
  ($said, $exit) = does('resume', 'last');
  is("$exit " . books(), '0 one two', '... and then the run succeeds') or diag($said);
}

# --- the on_failure block, once more ---
{
  room(<<'RUBY');
runbook "corner" do
  use "ledger"
  step "One" do
    fail! :broken, "no" if ledger.look(item: "one") == "none"
    irreversible "no"
  end
  on_failure do |_failure|
    ledger.put item: "told"
    ledger.put_by_key item: "again"
  end
end
RUBY
  ledger_control($dir, 'told kill-after');
  does('run', $runbook);
  ledger_control($dir);
  my ($said, $exit) = does('resume', 'last');
  is("$exit " . books(), '1 told', 'what nobody knows of is not told again') or diag($said);
  does('mark-done', 'last', '--result', '{"item": "told", "key": "k"}');
  ($said, $exit) = does('resume', 'last');
  is("$exit " . books(), '1 told told again', 'a further failure is told of from the beginning') or diag($said);
  ($said, $exit) = does('resume', 'last');
  is("$exit " . books(), '1 told told again told again', 'and has keys of its own') or diag($said);
}

# --- a limit, and a child's write ---
{
  room(<<'RUBY');
runbook "corner" do
  use "ledger"
  on_failure :rollback
  timeout 1.second
  step "One" do
    ledger.put_by_key item: "one"
    rollback { ledger.remove item: "one" }
  end
  run "kid"
end
RUBY
  write_file("$dir/kid.rb", <<'RUBY');
runbook "kid" do
  use "ledger"
  step "Kid" do
    ledger.put item: "kid"
    rollback { ledger.remove item: "kid" }
  end
end
RUBY
  ledger_control($dir, 'kid hang-after');
  my ($said, $exit) = does('run', $runbook);
  is("$exit " . books(), '5 one kid', "a run's limit cuts off a write of its child, which is in doubt then") or diag($said);
  ledger_control($dir);
  my ($parent, $kid) = map { $_->{run} } grep { $_->{kind} eq 'run.started' } journal_events($journal);
  like($said, qr/an action of its run $kid happened.*stepwise show $kid --journal \S+ tells which/s, '... people are told where to settle it');
  does('mark-done', $kid, '--result', '{"item": "kid", "key": "k"}');
  ($said, $exit) = does('resume', $parent);
  is("$exit " . books(), '6 one kid -kid -one', '... and then both are undone') or diag($said);
}

# --- one journal by two names ---
{
  room($changing);
  ledger_control($dir, 'one hang');
  my $pid = fork;
  if (!$pid) {
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';
    exec $stepwise, 'run', $runbook, '--journal', $journal;
  }
  for (1 .. 200) { last if ledger_tries($dir); select undef, undef, undef, 0.05 }
  mkdir "$dir/other";
  symlink $journal, "$dir/other/link.db";
  my ($said, $exit) = run_quietly($stepwise, 'resume', 'last', '--journal', "$dir/other/link.db");
  like($said, qr/is carried by process $pid/, 'a run is owned, whatever name its journal goes by');
  is($exit, 1, '... and the other name does not go on with it');
  kill 'KILL', $pid;
  waitpid $pid, 0;
  ledger_control($dir);
  run_quietly($stepwise, 'mark-done', 'last', '--not-done', '--reason', 'looked', '--journal', "$dir/other/link.db");
  ($said, $exit) = run_quietly($stepwise, 'resume', 'last', '--journal', "$dir/other/link.db");
  is("$exit " . books(), '0 one two', '... what drivers keep is in one place') or diag($said);
}

# --- a branch that failed, and the others ---

my $stopped = <<'RUBY';
runbook "corner" do
  use "ledger"
  on_failure :rollback
  parallel do
    each_of ["a"] do |_x|
      step "Put A" do
        a = ledger.put_by_key(item: "a")
        rollback { ledger.remove item: "a" }
      end
      step "Fail" do
        fail! :broken, "late" if a.item == "a"
      end
    end
    each_of ["b"] do |_x|
      step "Put B" do
        ledger.put_probed item: "b"
        rollback { ledger.remove item: "b" }
      end
      step "Put C" do
        ledger.put_probed item: "c"
        wait 1.second
        rollback { ledger.remove item: "c" }
      end
    end
  end
end
RUBY
my $kids = <<'RUBY';
runbook "corner" do
  use "ledger"
  on_failure :rollback
  parallel do
    run "kid"
    each_of ["a", "b"] do |i|
      step "Put" do
        p = ledger.put_probed(item: i)
        rollback { ledger.remove item: i }
      end
      step "Late" do
        fail! :bad, "no" if p.item == "b"
      end
    end
  end
end
RUBY
my $kid = <<'RUBY';
runbook "kid" do
  use "ledger"
  on_failure :rollback
  each_of ["k", "l"], at_once: 2 do |k|
    step "Kid" do
      ledger.put_probed item: k
      rollback { ledger.remove item: k }
    end
  end
  step "Last" do
    wait 1.minute
  end
end
RUBY

sub stopped_at {
  my ($text, $fault, $n) = @_;
  room($text);
  write_file("$dir/kid.rb", $kid);
  fault_run($fault, 'run', $runbook, '--virtual-clock', '--journal', $journal);
  my ($first) = -e $journal ? grep { $_->{kind} eq 'run.started' } journal_events($journal) : ();
  return if !$first;
  fault_run("kill:write:$_", 'resume', $first->{run}, '--journal', $journal) for 1 + 7 * $n % 23, 5;
  my ($said, $exit) = does('resume', $first->{run});
  my $books = books();
  return ("resume ended with $exit: $said") if $exit != 6;
  return map { "$_ was not undone: $books" } grep { $books !~ /(?:^| )-$_/ } $books =~ /(?:^| )(\w)/g;
}

for my $case ([branch => $stopped], [child => $kids]) {
  my ($what, $text) = @$case;
  room($text);
  write_file("$dir/kid.rb", $kid);
  my $count = fault_counts('run', $runbook, '--virtual-clock', '--journal', $journal);
  is($count->{exit}, 6, "a branch fails beside a $what: all is undone") or diag($count->{said});
  my @problems = fault_sweep(what => 'kill', operation => 'write', count => $count->{writes},
    each => sub { stopped_at($text, @_) });
  is(join("\n", @problems), '', "... killed anywhere, what the $what did is undone");
}

done_testing();
