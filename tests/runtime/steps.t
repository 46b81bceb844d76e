#!/usr/bin/perl
# Steps and their clauses, end to end: the runbook and what is expected of its run, side by side.
use strict;
use warnings;
use lib 'tests/lib';
use Runs;
use Test::More;

runs 'steps run in order, and one commit holds a run without effects', {
  rb => <<'RUBY', exit => 0, state => 'succeeded',
runbook "order" do
  title "In order"
  section "First" do
    step "One" do
      a = 1
    end
  end
  step "Two" do
    expect a == 1
    show a + 1, as: "two"
  end
end
RUBY
  has => [qr/In order/, qr/^First$/m, qr/\[1\/2\] One/, qr/two: 2/, qr/^succeeded/m],
  kinds => ['run.started', 'section.started', 'step.started one', 'step.finished one', 'step.started two',
            'expect.checked two', 'shown two', 'step.finished two', 'run.succeeded'],
  also => sub {
    my ($one) = grep { $_->{kind} eq 'step.finished' && $_->{step} eq 'one' } @_;
    return $one->{data}{outputs}{a} == 1 ? () : 'outputs of the step are missing';
  }};

runs 'an expectation that does not hold fails the step and holds the run', {
  rb => <<'RUBY', exit => 1, state => 'held',
runbook "held" do
  step "Check" do
    expect 1 > 2, "one is not more"
  end
  step "Never" do
    note "not reached"
  end
end
RUBY
  has => [qr/FAILED: one is not more/, qr/case\d+\.rb:3:5/, qr/^held: one is not more/m, qr/nothing was changed/,
          qr/stepwise show \d{8}-\d{6}-\w{6}/],
  lacks => [qr/not reached/]};

runs 'an expectation without a text shows itself', {
  rb => qq{runbook "x" do\n  step "Check" do\n    n = 3\n    expect n   >  4\n  end\nend\n}, exit => 1,
  has => [qr/FAILED: expected: n > 4/]};

runs 'an error in an expression fails its step, with its place', {
  rb => qq{runbook "x" do\n  input :n, :integer, default: 0\n  step "Check" do\n    show 1 \/ input.n\n  end\nend\n},
  exit => 1, has => [qr/FAILED: divided by 0/, qr/:4:10/]};

runs 'branches around steps', {
  rb => <<'RUBY', exit => 0, args => ['--set', 'n=15'],
runbook "branches" do
  input :n, :integer
  if input.n > 100
    step "Large" do
      note "large"
    end
  elsif input.n > 10
    step "Medium" do
      note "medium"
    end
  else
    step "Small" do
      note "small"
    end
  end
  unless input.n.zero?
    step "Not zero" do
      note "not zero"
    end
  end
  case input.n
  when 0..9
    step "Digit" do
      note "digit"
    end
  when 10, 15
    step "Listed" do
      note "listed"
    end
  else
    step "Else" do
      note "else"
    end
  end
end
RUBY
  has => [qr/ medium/, qr/ not zero/, qr/ listed/], lacks => [qr/ large/, qr/ small/, qr/ digit/, qr/ else$/m]};

runs 'each_of: the same steps for every item, each with its own id', {
  rb => <<'RUBY', exit => 0,
runbook "each" do
  input :nodes, :array, default: ["a", "b"]
  each_of input.nodes do |node|
    step "Look" do
      note "at #{node}"
    end
  end
  each_of [{ id: "x", n: 1 }, { id: "y", n: 2 }], as: :id do |row|
    step "Count" do
      show row[:n], as: row[:id]
    end
  end
end
RUBY
  has => [qr/\[1\/3\] Look\n +at a\n.*\[2\/3\] Look\n +at b/s, qr/x: 1/, qr/\[4\/4\] Count\n +y: 2/],
  also => sub {
    my $have = join ' ', map { $_->{step} } grep { $_->{kind} eq 'step.finished' } @_;
    return $have eq 'look[a] look[b] count[x] count[y]' ? () : $have;
  }};

runs 'each_of: two items of one key are refused before the first', {
  rb => qq{runbook "x" do\n  each_of ["a", "b", "a"] do |n|\n    step "S" do\n      note n\n    end\n  end\nend\n}, exit => 1,
  has => [qr/two items of each_of have the key 'a'/], lacks => [qr/\[1/]};

runs 'each_of: items without the field that as: names', {
  rb => <<'RUBY', exit => 1,
runbook "each" do
  input :nodes, :array, default: ["a", "b"]
  each_of input.nodes, as: :host do |node|
    step "Look" do
      note "at #{node}"
    end
  end
end
RUBY
  has => [qr/an item of each_of has no host/, qr/at \S+:3:3$/m, qr/help: strings have no fields: leave `as:` out/], lacks => [qr/at a/]};

runs 'a guard fails the step', {
  rb => <<'RUBY', exit => 1, state => 'held',
runbook "guards" do
  step "Act" do
    guard "two is less than one", 2 < 1
    note "acted"
  end
end
RUBY
  has => [qr/FAILED: guard: not so: two is less than one/], lacks => [qr/acted/]};

runs 'a guard skips the step', {
  rb => <<'RUBY', exit => 0, state => 'succeeded',
runbook "guards" do
  step "Act" do
    guard "there is something to do", [].any?, otherwise: :skip
    note "acted"
  end
  step "Next" do
    note "next"
  end
end
RUBY
  has => [qr/skipped\n +guard: not so: there is something to do/, qr/ next/], lacks => [qr/acted/]};

for my $answer (['yes', 0, 'succeeded'], ['no', 8, 'cancelled']) {
  runs "a guard asks, and hears $answer->[0]", {
    rb => <<'RUBY', exit => $answer->[1], state => $answer->[2], answers => {act => $answer->[0]},
runbook "guards" do
  step "Act" do
    guard "it is daytime", 2 < 1, otherwise: :ask
    note "acted"
  end
end
RUBY
    has => [qr/Not so: it is daytime/]};
}

runs 'verify: what holds, what does not', {
  rb => <<'RUBY', exit => 1, state => 'held',
runbook "verify" do
  step "Good" do
    n = 2
    verify("n is two") { n == 2 }
  end
  step "Bad" do
    verify("n is three") { n == 3 }
  end
end
RUBY
  has => [qr/verified: n is two/, qr/FAILED: verify: n is three does not hold/]};

runs 'verify within: is polled until it holds', {
  rb => <<'RUBY', exit => 0,
runbook "verify" do
  step "Poll" do
    start_at = now
    verify "time passes", within: 10.minutes, every: 10.seconds do
      now - start_at > 55.seconds
    end
  end
end
RUBY
  also => sub {
    my ($checked) = grep { $_->{kind} eq 'verify.checked' } @_;
    return $checked->{data}{tries} == 7 ? () : "tries: $checked->{data}{tries}";
  }};

runs 'verify within: fails when its time is up', {
  rb => <<'RUBY', exit => 1,
runbook "verify" do
  step "Poll" do
    verify "pigs fly", within: 2.hours, every: 1.minute do
      1 > 2
    end
  end
end
RUBY
  has => [qr/verify: pigs fly did not hold within 2 hours/]};

runs 'wait, wait_until and watch take no time on a virtual clock', {
  rb => <<'RUBY', exit => 0,
runbook "waits" do
  step "Wait" do
    t0 = now
    wait 2.hours
    wait_until within: 1.hour, every: 1.minute do
      now - t0 > 150.minutes
    end
    watch every: 10.minutes, for: 1.hour do
      show((now - t0).to_i, as: "s")
    end
    expect now - t0 > 3.hours
  end
end
RUBY
  has => [qr/waiting 2 hours$/m, qr/waiting 1 hour at most, until now - t0 > 150.minutes$/m, qr/watching for 1 hour$/m, qr/^succeeded after 3\.5 hours/m],
  also => sub { my $n = grep { $_->{kind} eq 'shown' } @_; return $n == 7 ? () : "shown $n times" }};

runs 'wait_until fails when its time is up', {
  rb => qq{runbook "x" do\n  step "Wait" do\n    wait_until within: 90.seconds, every: 5.seconds do\n      1 == 2\n    end\n  end\nend\n},
  exit => 1, has => [qr/FAILED: waited 1\.5 minutes for: 1 == 2/]};

runs 'timeout: one attempt', {
  rb => qq{runbook "x" do\n  step "Slow" do\n    timeout 2.minutes\n    wait 1.hour\n  end\nend\n}, exit => 1,
  has => [qr/the step took longer than its timeout of 2 minutes/]};

runs 'deadline: the whole step', {
  rb => qq{runbook "x" do\n  step "Slow" do\n    deadline 30.minutes\n    wait 1.hour\n  end\nend\n}, exit => 1,
  has => [qr/the step took longer than its deadline of 30 minutes/]};

runs 'timeout of the run', {
  rb => qq{runbook "x" do\n  timeout 1.hour\n  step "A" do\n    wait 40.minutes\n  end\n  step "B" do\n    wait 40.minutes\n  end\nend\n},
  exit => 1, has => [qr/\[2\/2\] B/, qr/the run took longer than its time limit/]};

runs 'skip!, fail!, finish', {
  rb => <<'RUBY', exit => 0, state => 'succeeded',
runbook "words" do
  step "Skips" do
    skip! "nothing to do"
  end
  step "Finishes" do
    finish "all is well"
  end
  step "Never" do
    fail! :broken, "not reached"
  end
end
RUBY
  has => [qr/nothing to do/, qr/^succeeded.*all is well/m], lacks => [qr/not reached/]};

runs 'fail! gives its kind', {
  rb => qq{runbook "x" do\n  step "Fails" do\n    fail! :surge, "too much"\n  end\nend\n}, exit => 1,
  has => [qr/FAILED: too much/],
  also => sub { my ($f) = grep { $_->{kind} eq 'step.failed' } @_; $f->{data}{error}{kind} eq 'surge' ? () : 'kind' }};

runs 'on_failure :continue goes on and the run fails in the end', {
  rb => <<'RUBY', exit => 1, state => 'failed',
runbook "policy" do
  on_failure :continue
  step "Bad" do
    fail! :broken, "broken"
  end
  step "Good" do
    note "went on"
  end
end
RUBY
  has => [qr/FAILED: broken/, qr/went on/, qr/^failed.*some steps failed/m]};

runs 'on_failure :skip of a step passes over its failure', {
  rb => <<'RUBY', exit => 0, state => 'succeeded',
runbook "policy" do
  step "Bad" do
    fail! :broken, "broken"
    on_failure :skip
  end
  step "Good" do
    note "went on"
  end
end
RUBY
  has => [qr/went on/]};

runs 'the on_failure block is told what failed', {
  rb => <<'RUBY', exit => 1, state => 'held',
runbook "handler" do
  step "Bad" do
    fail! :surge, "broken"
  end
  on_failure do |failure|
    note "#{failure.kind} #{failure.message} #{failure.step} #{failure.state}"
  end
end
RUBY
  has => [qr/surge broken bad held/]};

runs 'findings and follow-ups', {
  rb => <<'RUBY', exit => 0,
runbook "findings" do
  step "Look" do
    finding "disk is full", kind: :root_cause
    follow_up "buy a disk", owner: "ops", due: 2.days
  end
end
RUBY
  has => [qr/finding, root_cause: disk is full/, qr/to do: buy a disk \(ops, due /]};

runs 'tables and records in 80 columns', {
  rb => <<'RUBY', exit => 0,
runbook "tables" do
  step "Show" do
    rows = [{ name: "a" * 60, note: "b" * 60 }, { name: "é", note: "short" }]
    show rows, as: "rows"
    show [], as: "empty"
    show [1, 2, 3].flat_map { |i| (1..10).map { |k| k * i } }, as: "many"
  end
end
RUBY
  has => [qr/name +note/, qr/a\.\. +b+\.\.$/m, qr/é +short$/m, qr/empty: \(none\)/, qr/\.\.\. and 10 more/],
  lacks => [qr/^.{81,}$/m]};

runs 'a deadline that passes between attempts is the step\'s, not the run\'s', {
  rb => <<'RUBY', exit => 1,
runbook "late" do
  step "Try" do
    deadline 5.seconds
    retries 5, backoff: 10.seconds, jitter: false, on: [:broken]
    fail! :broken, "no"
  end
end
RUBY
  has => [qr/the step took longer than its deadline of 5 seconds/], lacks => [qr/the run took/]};

for my $policy (qw(hold rollback continue)) {
  runs "a step whose id is too long for the journal fails, under :$policy", {
    rb => <<"RUBY", exit => $policy eq 'rollback' ? 6 : 1,
runbook "long" do
  on_failure :$policy
  input :n, :string
  each_of [input.n * 300] do |x|
    step "One" do
      note x
    end
  end
end
RUBY
    args => ['--set', 'n=abcdef'], has => [qr/the step's id is 1805 bytes long/, qr/help: .*as: :FIELD/]};
}

done_testing;
