#!/usr/bin/perl
# A run is killed at every write to its journal, between intent, driver and outcome, and at random
# moments; it is resumed, and killed again while it resumes. Whatever happens: no action happens twice
# that may not, none is forgotten, the outputs are those of a run that nothing interrupted, and the
# journal is good. The driver keeps its own books (tests/lib/ledger.rb).
# $SWEEP = 1: every write, and each driver both ways; unset: some of them.
use strict;
use warnings;
use lib 'tests/lib';
use Fault;
use JSON::PP;
use Ledger;
use Stepwise;
use Test::More;
use Time::HiRes 'usleep';

# What a runbook looks like is: its text, arguments, the exit code of its end.
my %cases = (
  line => { exit => 0, rb => <<'RUBY' },
runbook "line" do
  use "ledger"
  input :who, :string, default: "ana"
  began = now
  step "One" do
    guard "nobody is in the books", ledger.count(item: "nobody") == 0
    a = ledger.put(item: "one")
    size = a.key.size
    irreversible "no"
  end
  step "Two" do
    b = ledger.put_by_key(item: "two")
    ledger.put_safe(item: "two-safe")
    note "between"
    n = ledger.count(item: "one")
    later = now
    d = ledger.put_probed(item: "two-probed")
    show n
    verify { ledger.count(item: "two") == 1 }
    rollback { ledger.remove item: "two" }
  end
  if size == 64
    section "Third" do
      step "Three" do
        expect later >= began
        sure = confirm "Sure?"
        which = choose "Which?", ["red", "green"]
        wait 10.minutes
        e = ledger.put(item: "three #{which}".sub(" ", "-"))
        key = e.key
        irreversible "no"
      end
    end
  end
end
RUBY
  each => { exit => 0, rb => <<'RUBY' },
runbook "each" do
  use "ledger"
  total = 0
  each_of ["a", "b", "c"] do |x|
    step "Put" do
      retries 3, backoff: 1.second, jitter: false
      r = ledger.put_by_key(item: x)
      total = total + r.item.size
      rollback { ledger.remove item: x }
    end
    step "Watch" do
      wait_until within: 1.minute, every: 10.seconds do
        ledger.count(item: x) == 1
      end
    end
  end
  step "All" do
    show total
    expect total == 3
    last = ledger.put(item: "last")
    irreversible "no"
  end
end
RUBY
  undo => { exit => 6, rb => <<'RUBY' },
runbook "undo" do
  use "ledger"
  on_failure :rollback
  step "One" do
    a = ledger.put_probed(item: "one")
    name = a.item
    rollback { ledger.remove item: name }
  end
  step "Two" do
    b = ledger.put_by_key(item: "two")
    rollback do
      ledger.remove item: "two"
      ledger.remove item: b.item + "-again"
    end
  end
  step "Three" do
    c = ledger.put_safe(item: "three")
    fail! :broken, "late" if c.item == "three"
    rollback { ledger.remove item: c.item }
  end
  on_failure do |failure|
    note "told: #{failure.message}"
    ledger.put_by_key(item: "told")
  end
end
RUBY
  beside => { exit => 0, rb => <<'RUBY' },
runbook "beside" do
  use "ledger"
  each_of ["a", "b", "c", "d"], at_once: 2 do |x|
    step "Put" do
      r = ledger.put_by_key(item: x)
      rollback { ledger.remove item: x }
    end
    step "Check" do
      n = ledger.count(item: x)
      ledger.put_probed(item: "#{x}-checked")
      expect n == 1
      rollback { ledger.remove item: "#{x}-checked" }
    end
  end
  parallel do
    step "Left" do
      left = ledger.put_safe(item: "left").item
      irreversible "no"
    end
    step "Right" do
      right = ledger.put_probed(item: "right").item
      irreversible "no"
    end
  end
  step "Join" do
    both = [left, right]
    show both
  end
end
RUBY
  child => { exit => 6, rb => <<'RUBY', beside => { filler => <<'CHILD' } },
runbook "parent" do
  use "ledger"
  on_failure :rollback
  made = run "filler", item: "one"
  step "Between" do
    size = made.outputs.size
    ledger.put_probed(item: "between")
    rollback { ledger.remove item: "between" }
  end
  step "After" do
    last = ledger.put(item: "after").item
    fail! :broken, "late" if size == 64
    rollback { ledger.remove item: last }
  end
end
RUBY
runbook "filler" do
  use "ledger"
  input :item, :string
  step "Put" do
    a = ledger.put(item: input.item)
    size = a.key.size
    rollback { ledger.remove item: input.item }
  end
  step "Look" do
    b = ledger.put_by_key(item: "#{input.item}-look").item
    rollback { ledger.remove item: b }
  end
end
CHILD
  approved => { exit => 0, rb => <<'RUBY', beside => { site => <<'SITE' } },
runbook "approved" do
  use "ledger"
  step "Gate" do
    guard "nobody is in the books", ledger.count(item: "nobody") == 0
    approve "Go on with #{1 + 1}?", by: :lead, quorum: 2
    a = ledger.put(item: "one").item
    b = ledger.put_by_key(item: "two").item
    irreversible "no"
  end
  step "After" do
    ledger.put_probed(item: "after")
    irreversible "no"
  end
end
RUBY
site "desk" do
  role :lead, members: ["kim", "lee"], typed: true
end
SITE
);
my $answers = encode_json({ 'Sure?' => 'yes', 'Which?' => 'green',
  'approve gate' => [ map { { answer => 'approve', by => $_ } } qw(kim lee) ] });

# --- what a run comes to ---

# The outputs of each step, without what differs from run to run.
sub outputs {
  my %outputs;
  my %of = map { $_->{run} => join ' ', $_->{data}{runbook}, $_->{data}{inputs}{item} // '' } grep { $_->{kind} eq 'run.started' } @_;
  for my $e (@_) {
    $outputs{"$of{$e->{run}} $e->{step}"} = $e->{data}{outputs} if $e->{kind} eq 'step.finished';
  }
  my $text = JSON::PP->new->canonical->encode(\%outputs);
  $text =~ s/[0-9a-f]{64}/KEY/g;
  $text =~ s/("\$time":)"[^"]*"/$1"TIME"/g;
  return $text;
}

# What the books must hold: each item once; more often only where that harms nobody.
sub book_problems {
  my ($dir, $good) = @_;
  my (%lines, @problems);
  $lines{ (split)[1] }++ for ledger_lines($dir);
  my $safe = qr/^-|safe|^left$|^three$/;
  for my $item (sort keys %{ { %lines, %$good } }) {
    my $n = $lines{$item} // 0;
    push @problems, "$item was forgotten" if !$n;
    push @problems, "$item was not to be" if !$good->{$item};
    push @problems, "$item happened $n times" if $n > 1 && $item !~ $safe;
  }
  return @problems;
}

# --- going on, as an operator does ---

# The run that began it all; its children are younger.
sub whole {
  my ($journal) = @_;
  my ($begun) = grep { $_->{kind} eq 'run.started' } journal_events($journal);
  return $begun ? $begun->{run} : 'last';
}

sub settle {
  my ($dir, $journal) = @_;
  my (%open, %done);
  $done{ (split)[0] } = (split)[1] for ledger_lines($dir);
  for my $e (journal_events($journal)) {
    my $d = $e->{data};
    next if $e->{kind} !~ /^action\./;
    my $call = join ' ', $e->{run}, $e->{step}, $d->{rollback} ? 1 : 0, $d->{call};
    if ($e->{kind} eq 'action.started') { $open{$call} = $d->{effect} eq 'write' ? $e : undef }
    else { delete $open{$call} }
  }
  for my $e (grep { $_ } values %open) {
    my $d = $e->{data};
    my @how = $done{ $d->{key} } ? ('--result', encode_json({ item => $done{ $d->{key} }, key => $d->{key} })) : ('--not-done');
    my ($said, $exit) =
      run_quietly($stepwise, 'mark-done', $e->{run}, substr($d->{key}, 0, 16), @how, '--reason', 'looked', '--journal', $journal);
    return "mark-done: $said" if $exit;
  }
  return;
}

# Resumes until the run has ended; the first resumes are killed as `faults` say.
sub bring_home {
  my ($dir, $journal, $want, @faults) = @_;
  for my $round (1 .. 12) {
    my $fault = shift @faults // '';
    my ($said, $exit) = fault_run($fault, 'resume', whole($journal), '--answers', "$dir/answers.json", '--journal', $journal);
    return if $exit == $want && $exit != 1;
    warn "round $round fault $fault exit $exit\n" if $ENV{SWEEP_DEBUG};
    next if $exit == 137;
    if ($exit == 5 || $exit == 4) { # it waits for a child that is in doubt
      my $problem = settle($dir, $journal);
      return $problem if $problem;
      next;
    }
    return "resume ended with $exit: $said";
  }
  return "it does not come to an end";
}

sub problems_of {
  my ($dir, $journal, $good) = @_;
  my @problems = fault_problems($journal, ledger_lines($dir));
  push @problems, book_problems($dir, $good->{books});
  my $outputs = outputs(journal_events($journal));
  push @problems, "outputs $outputs, not $good->{outputs}" if $outputs ne $good->{outputs};
  return @problems;
}

sub room {
  my ($case, @control) = @_;
  my ($dir, $rb, $journal) = ledger_room($case->{rb});
  write_file("$dir/answers.json", $answers);
  write_file("$dir/$_.rb", $case->{beside}{$_}) for keys %{ $case->{beside} // {} };
  ledger_control($dir, @control);
  return ($dir, $journal, 'run', $rb, '--virtual-clock', '--answers', "$dir/answers.json", '--journal', $journal);
}

# One run with a fault, brought home with more of them.
sub try_one {
  my ($case, $good, $control, $fault, @faults) = @_;
  my ($dir, $journal, @run) = room($case, @$control);
  my ($said, $exit) = fault_run($fault, @run);
  return if $exit == $case->{exit} && $fault && !@$control && $exit != 137; # past the last write
  if (!-e $journal || !journal_events($journal)) { # nothing was begun: then it is begun again
    ($said, $exit) = fault_run('', @run);
    return "run again: $said" if $exit != $case->{exit} && $exit != 137;
  }
  my $begun = grep { $_->{kind} eq 'run.started' } journal_events($journal);
  return ledger_lines($dir) ? 'effects without a run' : () if !$begun;
  my $problem = $exit == $case->{exit} ? undef : bring_home($dir, $journal, $case->{exit}, @faults);
  return $problem ? ($problem) : problems_of($dir, $journal, $good);
}

# Killed after a random time, again and again.
sub try_random {
  my ($case, $good) = @_;
  my ($dir, $journal, @run) = room($case);
  for my $round (1 .. 4) {
    my @command = -e $journal && grep({ $_->{kind} eq 'run.started' } journal_events($journal))
      ? ('resume', whole($journal), '--answers', "$dir/answers.json", '--journal', $journal) : @run;
    my $pid = fork // die;
    if (!$pid) {
      open STDIN, '<', '/dev/null'; open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null';
      exec $stepwise, @command or die;
    }
    usleep(3000 + rand 40000);
    kill 'KILL', $pid;
    waitpid $pid, 0;
    settle($dir, $journal) if -e $journal;
  }
  return 'effects without a run' if !-e $journal && ledger_lines($dir);
  my $begun = -e $journal && grep { $_->{kind} eq 'run.started' } journal_events($journal);
  run_quietly($stepwise, @run) if !$begun;
  my ($said) = run_quietly($stepwise, 'runs', '--json', '--journal', $journal);
  my $run = whole($journal);
  my $over = $said =~ /"run":"\Q$run\E".*"state":"(?:succeeded|rolled_back)"/;
  my $problem = $over ? undef : bring_home($dir, $journal, $case->{exit});
  return $problem ? ($problem) : problems_of($dir, $journal, $good);
}

for my $name (sort keys %cases) {
  my $case = $cases{$name};
  my ($dir, $journal, @run) = room($case);
  my $count = fault_counts(@run);
  is($count->{exit}, $case->{exit}, "$name: runs") or diag($count->{said}), next;
  my %books = map { (split)[1] => 1 } ledger_lines($dir);
  my $good = { books => \%books, outputs => outputs(journal_events($journal)) };

  my @problems = fault_sweep(what => 'kill', operation => 'write', count => $count->{writes}, some => 3,
    each => sub { my ($fault, $n) = @_; return try_one($case, $good, [], $fault, 'kill:write:' . ($n % 9 + 3), 'kill:write:5') });
  is(join("\n", @problems), '', "$name: killed at writes of $count->{writes}");

  my @how = ('kill', 'kill-after');
  @problems = ();
  for my $item (sort keys %books) {
    push @problems, map { "$item: $_" } try_one($case, $good, ["$item $_ 1"], '') for $ENV{SWEEP} ? @how : $how[0];
    @how = reverse @how;
  }
  is(join("\n", @problems), '', "$name: killed in each driver");

  my $rounds = $ENV{SWEEP} ? 25 : 1;
  @problems = map { try_random($case, $good) } 1 .. $rounds;
  is(join("\n", @problems), '', "$name: killed at random");
}
done_testing;
