#!/usr/bin/perl
# stepwise rollback: a run that ended, waits, is held, was interrupted or is live is undone, once, in
# order, as far as is wanted, until it is sealed. The books of tests/lib/ledger.rb say what was done.
use strict;
use warnings;
use lib 'tests/lib';
use Fault;
use JSON::PP;
use Ledger;
use Stepwise;
use Test::More;
use Time::HiRes 'sleep';

my ($dir, $rb, $journal);

sub room { ($dir, $rb, $journal) = ledger_room(@_) }
sub start { return run_quietly($stepwise, 'run', $rb, '--journal', $journal, @_) }
sub verb { my $verb = shift; return run_quietly($stepwise, $verb, 'last', @_, '--journal', $journal) }
sub undo { return verb('rollback', '--yes', '--reason', 'test', @_) }
sub items { return join ' ', map { (split)[1] } ledger_lines($dir) }
sub events { return grep { $_->{run} } journal_events($journal) }
sub of_kind { my $kind = shift; return grep { $_->{kind} eq $kind } events() }
sub state { my ($said) = run_quietly($stepwise, 'runs', '--last', '1', '--json', '--journal', $journal); return $said =~ /"state":"(\w+)"/ ? $1 : $said }
sub good { my ($name) = @_; is(join("\n", fault_problems($journal, ledger_lines($dir))), '', $name) }

# Three steps that write, each with its own variable of the same name.
sub three {
  my (%more) = @_;
  my $end = $more{end} // '';
  my $second = $more{second} // 'rollback { ledger.remove(item: name) if kept }';
  my $head = $more{head} // '';
  return <<"RUBY";
runbook "three" do
  use "ledger"
  $head
  step "One" do
    name = "one"
    kept = ledger.put(item: name)
    rollback { ledger.remove(item: name) if kept }
  end
  step "Two" do
    name = "two"
    kept = ledger.put_by_key(item: name)
    $second
  end
  step "Look" do
    show ledger.count(item: "one")
  end
  step "Three" do
    name = "three"
    kept = ledger.put(item: name)
    rollback { ledger.remove(item: name) if kept }
  end
$end
end
RUBY
}

# --- a gate that says what its no means ---
sub gated {
  my ($gate, $policy) = @_;
  room(<<"RUBY");
runbook "gated" do
  use "ledger"
  on_failure :$policy
  lock "gated"
  step "One" do
    kept = ledger.put_by_key(item: "one")
    rollback { ledger.put_by_key(item: "undo-one") if kept }
  end
  step "Two" do
    approve "Go on?", by: :lead, $gate
    note "went on"
  end
  on_failure do |failure|
    ledger.put_by_key(item: "told-#{failure.kind}-#{failure.state}")
  end
end
RUBY
  write_file("$dir/no.json", encode_json({ 'approve two' => { answer => 'deny', by => 'kim', reason => 'not today' } }));
}
gated('otherwise: :rollback', 'hold');
like((run_quietly($stepwise, 'plan', $rb))[0], qr/within \d+ hours, used within 1 hour,\s+else\s+what\s+was\s+done\s+is\s+undone$/m, 'a plan says what follows a no');
my ($said, $exit) = start('--answers', "$dir/no.json");
is("$exit " . state(), '6 rolled_back', 'a denial that undoes what was done') or diag $said;
is(items(), 'one undo-one told-declined-rolled_back', '  and tells so');
my ($back) = of_kind('run.rolled_back');
like($said, qr/^rolled_back.*: approval denied by kim: not today$/m, '  with the denial as the reason');
unlike((start('--answers', "$dir/no.json"))[0], qr/lock|other run/i, '  its lock is free');
is(items(), join(' ', ('one undo-one told-declined-rolled_back') x 2), '  and taken by the next');
good('  the journal agrees');
gated('otherwise: :hold', 'rollback');
($said, $exit) = start('--answers', "$dir/no.json");
is("$exit " . state() . ' ' . items(), '8 held one told-declined-held', 'one that leaves it as it is, where other failures undo') or diag $said;
gated('within: 1.second, otherwise: :rollback', 'hold');
($said, $exit) = start();
is($exit, 4, 'nobody answers') or diag $said;
sleep 1.1;
($said, $exit) = verb('resume');
is("$exit " . items(), '6 one undo-one told-expired-rolled_back', '  in time: the same as a denial') or diag $said;
for my $case (['otherwise: :rollback', 'hold', 'rolled_back', 'one undo-one told-declined-rolled_back'], ['otherwise: :hold', 'rollback', 'held', 'one told-declined-held']) {
  my ($gate, $policy, $state, $items) = @$case;
  gated($gate, $policy);
  my $count = fault_counts('run', $rb, '--answers', "$dir/no.json", '--journal', $journal);
  my @problems = fault_sweep(what => 'kill', operation => 'write', count => $count->{writes}, some => 10, each => sub {
    my ($fault) = @_;
    gated($gate, $policy);
    fault_run($fault, 'run', $rb, '--answers', "$dir/no.json", '--journal', $journal);
    return ledger_lines($dir) ? 'effects without a run' : () if !-e $journal || !of_kind('run.started');
    verb('resume', '--answers', "$dir/no.json") if state() !~ /^(?:held|rolled_back)$/;
    my @found = fault_problems($journal, ledger_lines($dir));
    push @found, state() . ': ' . items() if state() . items() ne $state . $items;
    return @found;
  });
  is(join("\n", @problems), '', "$gate, killed and gone on with: $state once");
}

# --- after the end ---
{
  room(three());
  my ($said, $exit) = start();
  is($exit, 0, 'a run that succeeds');
  ($said, $exit) = verb('rollback');
  is($exit, 2, 'without a terminal it has to be meant') or diag $said;
  is(items(), 'one two three', 'and nothing is undone');
  ($said, $exit) = undo();
  is($exit, 0, 'is rolled back') or diag $said;
  is(items(), 'one two three -three -two -one', 'latest first, each with its own variables');
  like($said, qr/succeeded: 3 steps to undo, latest first\n +1\. Three \(three\): \{ ledger\.remove.*\n +2\. Two.*\n +3\. One/, 'what it will do comes first');
  is(state(), 'rolled_back', 'its state');
  my ($back) = of_kind('run.rolling_back');
  is("@{$back->{data}{steps}} $back->{data}{reason}", 'three two one test', 'the journal has the steps and why');
  ($said, $exit) = undo();
  ok($exit == 0 && $said =~ /rolled back already, by \S+ at/, 'the same again succeeds') or diag "$exit $said";
  is(items(), 'one two three -three -two -one', 'and does nothing');
  good('the journal is good');
  verb('seal', '--reason', 'over');
  ($said, $exit) = undo();
  ok($exit == 1 && $said =~ /is sealed, by .*: over/, 'until it is sealed') or diag "$exit $said";
}
{
  room(three());
  start();
  my ($said, $exit) = undo('--to', 'two');
  is($exit, 0, '--to keeps a step') or diag $said;
  is(items(), 'one two three -three', 'and what was armed before it');
  like($said, qr/stays done: two, one/, 'which is said');
  ($said, $exit) = undo('--to', 'two');
  ok($exit == 0 && $said =~ /rolled back already/, 'the same again succeeds') or diag "$exit $said";
  ($said, $exit) = undo('--to', 'three');
  ok($exit == 1 && $said =~ /step three is rolled back already: it cannot stay done/, 'a step that is undone cannot stay done') or diag "$exit $said";
  ($said, $exit) = undo('--to', 'tow');
  ok($exit != 0 && $said =~ /has done no step tow.*did you mean two/s, 'nor one that there is not') or diag "$exit $said";
  ($said, $exit) = undo('--to', 'one');
  is(items(), 'one two three -three -two', 'further back') or diag $said;
  ($said, $exit) = undo();
  is(items(), 'one two three -three -two -one', 'and all of it');
  good('the journal is good');
}
{
  room(three());
  start();
  undo('--to', 'look');
  is(items(), 'one two three -three', 'a step that only reads can be the last to stay');
}
{
  room(three(head => 'on_failure :continue', end => qq{  step "Last" do\n    fail! :broken, "late"\n  end}));
  my ($said, $exit) = start();
  is(state(), 'failed', 'a run that failed and went on');
  ($said, $exit) = undo();
  ok($exit == 0 && items() eq 'one two three -three -two -one', 'is rolled back') or diag "$exit $said";
}
{
  room(three(second => 'irreversible "two of #{name}s stay"'));
  start();
  my ($said, $exit) = undo();
  ok($exit == 0 && $said =~ /2\. Two \(two\): stays, a point of no return: "two of #\{name\}s stay"/, 'a point of no return is in the plan') or diag "$exit $said";
  like($said, qr/undo  Two .*cannot be undone\n +two of twos stay/, 'and reported when it is passed');
  is(items(), 'one two three -three -one', 'what stands before it is undone all the same');
}
{
  room(qq{runbook "pure" do\n  step "Note" do\n    note "x"\n  end\nend\n});
  start();
  my ($said, $exit) = undo();
  ok($exit == 0 && $said =~ /is succeeded, and nothing was changed/, 'nothing to undo') or diag "$exit $said";
}

# --- before the end ---
{
  room(three(end => qq{  step "Ask" do\n    confirm "Go on?"\n  end\n  on_failure do |failure|\n    note "told \#{failure.state}"\n  end}));
  my ($said, $exit) = start();
  is($exit, 4, 'a run that waits');
  ($said, $exit) = undo();
  ok($exit == 0 && items() eq 'one two three -three -two -one', 'is rolled back, and asks nothing') or diag "$exit $said";
  like($said, qr/told rolled_back/, 'its on_failure block is told');
}
{
  room(three(end => qq{  on_failure do |failure|\n    note "told \#{failure.state}"\n  end}));
  ledger_control($dir, 'three fail');
  my ($said, $exit) = start();
  is(state(), 'held', 'a run that is held, with a step half-way');
  like($said, qr/told held/, 'its on_failure block is told');
  ($said, $exit) = undo();
  ok($exit == 0 && items() eq 'one two -two -one', 'is rolled back, the half-done step bearing that it did nothing') or diag "$exit $said";
  like($said, qr/1\. Three \(three\), not finished/, 'and told so');
  unlike($said, qr/told rolled_back/, 'and the block is not told again');
}
{
  room(three());
  ledger_control($dir, 'three kill');
  my ($said, $exit) = start();
  is($exit, 137, 'a run that is killed in an action that may not be repeated');
  ($said, $exit) = undo();
  ok($exit == 5 && state() eq 'in_doubt', 'is in doubt: nothing is undone before that is settled') or diag "$exit $said";
  is(items(), 'one two', 'indeed nothing');
  verb('mark-done', '--not-done', '--reason', 'looked');
  ($said, $exit) = undo();
  ok($exit == 0 && items() eq 'one two -two -one', 'once it is settled it is rolled back') or diag "$exit $said";
  good('the journal is good');
}
{
  room(three(head => 'timeout 1.hour', end => qq{  step "Long" do\n    wait 2.hours\n  end}));
  start('--virtual-clock');
  my ($said, $exit) = undo();
  ok($exit == 0 && items() eq 'one two three -three -two -one', 'a run whose time is over can be rolled back') or diag "$exit $said";
}

# --- branches, items ---
{
  room(<<'RUBY');
runbook "branches" do
  use "ledger"
  name = "none"
  parallel do
    step "Left" do
      left = "left"
      ledger.put(item: left)
      rollback { ledger.remove(item: left) if left }
    end
    section "Right" do
      each_of ["a", "b"] do |x|
        step "Item" do
          own = "item-#{x}"
          ledger.put(item: own)
          rollback { ledger.remove(item: own) if own }
        end
      end
    end
  end
  step "After" do
    note "after"
  end
end
RUBY
  start();
  my ($said, $exit) = undo();
  my @armed = map { $_->{step} } of_kind('step.armed');
  my @undone = map { $_->{step} } of_kind('rollback.finished');
  is("@undone", join(' ', reverse @armed), 'branches are undone in the reverse order of arming over all of them') or diag $said;
  is(join(' ', sort split ' ', items()), '-item-a -item-b -left item-a item-b left', 'each with its own variables');
}

# --- a rollback that fails, and goes on ---
{
  room(three(head => 'on_failure :rollback', end => qq{  step "Last" do\n    fail! :broken, "late"\n  end}));
  ledger_control($dir, '-two fail 1');
  my ($said, $exit) = start();
  ok($exit == 7 && items() eq 'one two three -three', 'a rollback that fails') or diag "$exit $said";
  ($said, $exit) = verb('resume');
  like($said, qr/stepwise rollback \S+ --journal \S+ goes on with it/, 'resume says what goes on');
  ($said, $exit) = undo();
  ok($exit == 0 && items() eq 'one two three -three -two -one', 'goes on from there, and undoes nothing twice') or diag "$exit $said";
  good('the journal is good');
}
{
  room(three());
  start();
  ledger_control($dir, '-two fail');
  my ($said, $exit) = undo();
  ok($exit == 7 && $said =~ /1\. Two \(two\)/, 'a rollback of a run that succeeded may fail too') or diag "$exit $said";
  is(state(), 'rollback_incomplete', 'its state');
  ($said, $exit) = undo();
  is($exit, 7, 'and again');
  ledger_control($dir);
  ($said, $exit) = undo();
  ok($exit == 0 && items() eq 'one two three -three -two -one', 'until it works') or diag "$exit $said";
}

# --- killed in the middle ---
my $longer = <<'RUBY';
runbook "longer" do
  use "ledger"
  step "One" do
    ledger.put(item: "one")
    rollback { ledger.put_probed(item: "u-one") }
  end
  step "Two" do
    ledger.put(item: "two")
    rollback do
      a = ledger.put(item: "u-two-a")
      note "first #{a.key.size}"
      ledger.put_probed(item: "u-two-b")
      ledger.put_by_key(item: "u-two-c")
    end
  end
  step "Three" do
    ledger.put(item: "three")
    rollback { ledger.put_by_key(item: "u-three") }
  end
end
RUBY
for my $verb ('rollback', 'resume') {
  room($longer);
  start();
  ledger_control($dir, 'u-two-b kill-after 1');
  my ($said, $exit) = undo();
  is($exit, 137, 'killed in the middle of a rollback');
  is(state(), 'interrupted', 'the run was interrupted');
  my @more = $verb eq 'rollback' ? ('--yes', '--reason', 'again') : ();
  ($said, $exit) = verb($verb, @more);
  my %code = (rollback => 0, resume => 6);
  is($exit, $code{$verb}, "$verb goes on") or diag $said;
  is(items(), 'one two three u-three u-two-a u-two-b u-two-c u-one', 'what it did comes from the journal, or from the books');
  is((() = map { $_->{step} } of_kind('rollback.finished')), 3, 'each step is undone once');
  good('the journal is good');
}
{
  room($longer);
  start();
  ledger_control($dir, 'u-two-b kill 1');
  undo('--to', 'one');
  my ($said, $exit) = undo();
  ok($exit == 1 && $said =~ /being rolled back to one, and was interrupted/, 'an interrupted one stops where it was to stop') or diag "$exit $said";
  ($said, $exit) = verb('resume');
  is(items(), 'one two three u-three u-two-a u-two-b u-two-c', 'also when it is resumed') or diag $said;
}
{
  room($longer);
  start();
  ledger_control($dir, 'u-two-a kill-after 1');
  undo();
  my ($said, $exit) = undo();
  ok($exit == 5 && state() eq 'in_doubt', 'an action of a rollback may be in doubt too') or diag "$exit $said";
  verb('mark-done', '--result', encode_json({ item => 'u-two-a', key => 'k' }), '--reason', 'looked');
  ($said, $exit) = undo();
  ok($exit == 0 && items() eq 'one two three u-three u-two-a u-two-b u-two-c u-one', 'and is settled by an operator') or diag "$exit $said " . items();
  good('the journal is good');
}

# Killed at every write of the journal.
{
  my $want = 'u-three u-two-a u-two-b u-two-c u-one';
  room($longer);
  start();
  my $count = fault_counts('rollback', 'last', '--yes', '--reason', 'r', '--journal', $journal);
  my @problems = fault_sweep(what => 'kill', operation => 'write', count => $count->{writes} // 0, some => 8, each => sub {
    my ($fault) = @_;
    room($longer);
    start();
    my ($said, $exit) = fault_run($fault, 'rollback', 'last', '--yes', '--reason', 'r', '--journal', $journal);
    my @wrong = $exit == 137 || $exit == 0 ? () : ("exit $exit $said");
    ($said, $exit) = undo();
    # What was begun and has no outcome may be in doubt: the books say what became of it.
    if ($exit == 5) {
      my $done = items() =~ /u-two-a/;
      verb('mark-done', $done ? ('--result', encode_json({ item => 'u-two-a', key => 'k' })) : '--not-done', '--reason', 'looked');
      ($said, $exit) = undo();
    }
    push @wrong, "afterwards $exit $said" if $exit != 0;
    push @wrong, items() if items() ne "one two three $want";
    return (@wrong, fault_problems($journal, ledger_lines($dir)));
  });
  ok($count->{writes}, 'writes were counted');
  is(join("\n", @problems), '', 'killed at any write, it is undone once');
}

# --- no room for the journal in the middle of it ---
{
  room($longer);
  start();
  my $count = fault_counts('rollback', 'last', '--yes', '--reason', 'r', '--journal', $journal);
  my $lost = 0;
  my @problems = fault_sweep(what => 'full', operation => 'write', on_and_on => 1, count => $count->{writes} // 0, some => 6, each => sub {
    my ($fault) = @_;
    room($longer);
    start();
    my ($said, $exit) = fault_run($fault, { STEPWISE_FAULT_ON => 'journal.db-wal' }, 'rollback', 'last', '--yes', '--reason', 'r', '--journal', $journal);
    my $begun = items() ne 'one two three';
    $lost++ if $begun && $exit == 9;
    # Nothing is begun without the journal; what is under way is finished without it.
    my @wrong = $begun && $exit == 9 && items() ne 'one two three u-three u-two-a u-two-b u-two-c u-one' ? ("half: $exit " . items()) : ();
    push @wrong, "exit $exit" if $exit != 9 && $exit != 0;
    ($said, $exit) = undo();
    push @wrong, "afterwards $exit $said" if $exit != 0;
    push @wrong, items() if items() ne 'one two three u-three u-two-a u-two-b u-two-c u-one';
    push @wrong, state() if state() ne 'rolled_back';
    return (@wrong, fault_problems($journal, ledger_lines($dir)));
  });
  is(join("\n", @problems), '', 'a full disk does not stop a rollback; the next one has what it did');
  cmp_ok($lost, '>', 0, 'there were such');
}

# --- a person at a terminal ---
for my $case (['no', 8, 'one two three', qr/nothing was undone/], ['yes', 0, 'one two three -three -two -one', qr/rolled_back/]) {
  room(three());
  start();
  my ($said, $exit) = run_quietly('python3', '-c', <<'PY', $case->[0], $stepwise, 'rollback', 'last', '--journal', $journal);
import os, pty, sys
answer, command = sys.argv[1], sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "dumb"
    os.execv(command[0], command)
seen = b""
while True:
    try:
        got = os.read(fd, 65536)
    except OSError:
        break
    if not got:
        break
    seen += got
    if b"[yes/no]" in seen and answer:
        os.write(fd, answer.encode() + b"\n")
        answer = ""
sys.stdout.buffer.write(seen)
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status))
PY
  ok($exit == $case->[1] && items() eq $case->[2] && $said =~ $case->[3], "a person who answers $case->[0]") or diag "$exit $said";
}

# --- a run that a process has ---
{
  room(three(end => qq{  step "Long" do\n    note "is long"\n    wait 10.minutes\n  end}));
  my $pid = open(my $from, '-|') // die $!;
  if (!$pid) {
    open STDIN, '<', '/dev/null';
    open STDERR, '>&', \*STDOUT;
    exec $stepwise, 'run', $rb, '--journal', $journal;
  }
  while (<$from>) { last if /waiting/ }
  my ($said, $exit) = undo('--to', 'one');
  ok($exit == 0 && items() eq 'one two three -three -two', 'the process that has it is asked to undo it') or diag "$exit $said";
  my $rest = do { local $/; <$from> };
  close $from;
  like($rest, qr/rolls it back: stopping at the next safe place.*rolled_back/s, 'which says who asked');
  is($? >> 8, 6, 'and ends as rolled back');
  is(state(), 'rolled_back', 'its state');
  my ($asked) = of_kind('run.rollback_requested');
  is("$asked->{data}{to} $asked->{data}{reason}", 'one test', 'what was asked is recorded');
  good('the journal is good');
}

done_testing;
