#!/usr/bin/perl
# Actions: checks, intent and outcome, repetition, rollback.
use strict;
use warnings;
use lib 'tests/lib';
use Runs;
use Test::More;

runs 'a write: intent, then outcome; a read has no key', {
  pool => 1, rb => <<'RUBY', exit => 0,
runbook "write" do
  step "Drain" do
    r = pool.drain(node: "web-1")
    expect r.count == 5
    expect pool.size == 7
    rollback { pool.restore node: "web-1" }
  end
end
RUBY
  has => [qr/pool\.drain: done/],
  kinds => ['run.started', 'step.started drain', 'step.armed drain', 'action.started drain', 'action.finished drain',
            'expect.checked drain', 'action.started drain', 'action.finished drain', 'expect.checked drain',
            'step.finished drain', 'run.succeeded'],
  also => sub {
    my @started = grep { $_->{kind} eq 'action.started' } @_;
    my ($write, $read) = map { $_->{data} } @started;
    return (($write->{key} =~ /^[0-9a-f]{64}$/ ? () : 'no key'), (exists $read->{key} ? 'a key for a read' : ()),
            ($write->{args}{node} eq 'web-1' ? () : 'args'));
  }};

runs 'what a driver answers is checked against what the action gives', {
  pool => 1, rb => qq{runbook "x" do\n  step "Ask" do\n    show pool.wrong\n  end\nend\n}, exit => 1,
  has => [qr/FAILED: pool\.wrong: .*driver rehearsal/]};

runs 'arguments are checked when they are known only at run time', {
  pool => 1, rb => qq{runbook "x" do\n  input :node, :any\n  step "Ask" do\n    pool.drain(node: input.node)\n    irreversible "no"\n  end\nend\n},
  exit => 1, inputs => '{"node": [1]}', has => [qr/FAILED: node must be a string, not an array/], lacks => [qr/drain: done/]};

runs 'rollback goes in reverse order and passes what cannot be undone', {
  pool => 1, rb => <<'RUBY', exit => 6, state => 'rolled_back',
runbook "undo" do
  on_failure :rollback
  step "First" do
    pool.drain(node: "one")
    rollback { pool.restore node: "one" }
  end
  step "Second" do
    pool.reboot(node: "two")
    irreversible "a reboot stays"
  end
  step "Reads" do
    show pool.size
  end
  step "Third" do
    pool.drain(node: "three")
    fail! :broken, "late" if 2 > 1
    rollback { pool.restore node: "three" }
  end
  on_failure do |failure|
    note "after: #{failure.state}"
  end
end
RUBY
  has => [qr/rolling back, latest first: 3 steps/, qr/undo  Third.*cannot be undone.*undo  First/s, qr/after: rolled_back/],
  also => sub {
    my $have = join ' ', map { "$_->{kind}:$_->{step}" } grep { $_->{kind} =~ /^rollback/ } @_;
    my $want = 'rollback.started:third rollback.finished:third rollback.passed:second rollback.started:first rollback.finished:first';
    return $have eq $want ? () : $have;
  }};

runs 'a rollback sees the variables as its step left them', {
  pool => 1, rb => <<'RUBY', exit => 6, state => 'rolled_back',
runbook "undo" do
  on_failure :rollback
  step "First" do
    x = 1
    pool.drain(node: "one")
    rollback { note "x was #{x}" }
  end
  step "Second" do
    x = 2
    show x
  end
  step "Third" do
    fail! :broken, "late"
  end
end
RUBY
  has => [qr/x was 1/]};

runs 'each_of: every item is rolled back with its own value', {
  pool => 1, rb => <<'RUBY', exit => 6, state => 'rolled_back',
runbook "each" do
  on_failure :rollback
  each_of ["a", "b", "c"] do |node|
    step "Drain" do
      expect node != "c", "c is not to be touched"
      pool.drain(node: node)
      rollback { pool.restore node: node }
    end
  end
end
RUBY
  also => sub {
    my @calls = map { "$_->{data}{action} $_->{data}{args}{node} $_->{step}" } grep { $_->{kind} eq 'action.started' } @_;
    my $have = join ', ', @calls;
    my %keys = map { $_->{data}{key} => 1 } grep { $_->{kind} eq 'action.started' } @_;
    return (($have eq 'drain a drain[a], drain b drain[b], restore b drain[b], restore a drain[a]' ? () : $have),
            (keys %keys == 4 ? () : 'keys'));
  }};

runs 'a variable that a failed write left unset is nil in the rollback', {
  pool => 1, rb => <<'RUBY', exit => 6, state => 'rolled_back',
runbook "undo" do
  on_failure :rollback
  step "Half" do
    r = pool.reboot(node: "dead")
    rollback { note "r is #{r.inspect}" }
  end
end
RUBY
  has => [qr/r is nil/]};

runs 'a rollback that fails stops the unwinding and lists what is left', {
  pool => 1, rb => <<'RUBY', exit => 7, state => 'rollback_incomplete',
runbook "undo" do
  on_failure :rollback
  step "First" do
    pool.drain(node: "one")
    rollback { pool.restore node: "one" }
  end
  step "Second" do
    pool.drain(node: "stuck")
    fail! :broken, "late" if 2 > 1
    rollback { pool.restore node: "stuck" }
  end
end
RUBY
  has => [qr/FAILED: stuck is stuck/, qr/still to be undone, in this order:\n +1\. Second \(second\): \{ pool\.restore node: "stuck" \}\n +2\. First \(first\): .*go on: stepwise rollback /s],
  also => sub {
    my ($end) = grep { $_->{kind} eq 'run.rollback_incomplete' } @_;
    return "@{$end->{data}{left}}" eq 'second first' ? () : 'left';
  }};

runs ':hold keeps what was done and says so', {
  pool => 1, rb => <<'RUBY', exit => 1, state => 'held',
runbook "hold" do
  step "First" do
    pool.drain(node: "one")
    rollback { pool.restore node: "one" }
  end
  step "Second" do
    fail! :broken, "late"
  end
end
RUBY
  has => [qr/done and not undone, latest first: first/], lacks => [qr/undone\b.*ok/, qr/pool\.restore/]};

for my $first ('', qq{  step "First" do\n    pool.drain(node: "one")\n    rollback { pool.restore node: "one" }\n  end\n}) {
  runs 'a write that failed is begun, not done' . ($first && ', beside one that is'), {
    pool => 1, exit => 1, state => 'held', rb => <<"RUBY",
runbook "begun" do
$first  step "Second" do
    pool.restore(node: "stuck")
    rollback { note "back" }
  end
end
RUBY
    has => [$first ? qr/done and not undone, latest first: second \(begun\), first$/m : qr/begun and not undone, latest first: second$/m]};
}

runs 'retries: until it works, with the same key', {
  pool => 1, rb => <<'RUBY', exit => 0, state => 'succeeded',
runbook "retry" do
  step "Begin" do
    t0 = now
  end
  step "Busy" do
    retries 5, backoff: 4.seconds, jitter: false
    pool.busy(since: t0)
    irreversible "no"
  end
end
RUBY
  has => [qr/still busy\n +attempt 2 in 4 seconds/, qr/attempt 3 in 8 seconds/],
  also => sub {
    my %keys = map { $_->{data}{key} => 1 } grep { $_->{kind} eq 'action.started' } @_;
    return ((keys %keys == 1 ? () : 'keys differ'), ((grep { $_->{kind} eq 'step.retried' } @_) == 2 ? () : 'retried'));
  }};

runs 'retries are used up', {
  pool => 1, rb => <<'RUBY', exit => 1, state => 'held',
runbook "retry" do
  step "Begin" do
    t0 = now
  end
  step "Busy" do
    retries 2, backoff: 1.second
    pool.busy(since: t0, least: 1.hour)
    irreversible "no"
  end
end
RUBY
  has => [qr/attempt 3 in/, qr/FAILED: still busy/], lacks => [qr/attempt 4/]};

runs 'what may not be repeated is not tried again', {
  pool => 1, rb => <<'RUBY', exit => 1,
runbook "retry" do
  step "Dead" do
    retries 5
    pool.reboot(node: "dead")
    irreversible "no"
  end
end
RUBY
  has => [qr/not tried again/, qr/FAILED: dead does not answer/], lacks => [qr/attempt 2/]};

runs 'only failures of the listed kinds are tried again', {
  rb => <<'RUBY', exit => 1,
runbook "retry" do
  step "Other" do
    retries 5, on: [:odd]
    fail! :even, "no"
  end
end
RUBY
  lacks => [qr/attempt 2/]};

runs 'a declined run that wrote is held, with code 8', {
  pool => 1, rb => <<'RUBY', exit => 8, state => 'held', answers => {drain => 'no'},
runbook "decline" do
  step "Drain" do
    pool.drain(node: "one")
    confirm "Good?"
    rollback { pool.restore node: "one" }
  end
end
RUBY
  has => [qr/answered no: Good\?/, qr/done and not undone/]};

runs 'a binding without a usable driver is refused before anything runs', {
  rb => <<'RUBY', exit => 3,
runbook "drivers" do
  step "Note" do
    note "begun"
  end
  step "Act" do
    far.go
    irreversible "no"
  end
end
binding :far, "Far" do
  action :go, effect: :write
end
driver :remote, for: :far do
  setting :url, :string
  perform(:go) { nil }
end
RUBY
  has => [qr/driver remote of binding far needs the setting url/], lacks => [qr/begun/]};

runs 'each rollback sees the variables of its own step; what a rollback assigns is gone', {
  pool => 1, exit => 6, rb => <<'RUBY',
runbook "vars" do
  on_failure :rollback
  name = "start"
  each_of ["a", "b", "c"] do |x|
    step "Take" do
      pool.drain(node: name)
      name = "took-#{x}"
      count = (1..3).map { |i| i * 2 }.sum
      count += 1
      rollback do
        note "undo #{x} #{name} #{count}"
        name = "undone-#{x}"
        pool.restore node: name
      end
    end
    step "Between" do
      name = "between-#{x}"
    end
  end
  step "Last" do
    pool.reboot(node: name)
    late = "late"
    fail! :broken, "now"
    never = "never"
    rollback do
      note "undo last #{name} #{late} [#{never}]"
      pool.restore node: name
    end
  end
end
RUBY
  has => [qr/undo last between-c late \[\].*undo c took-c 13.*undo b took-b 13.*undo a took-a 13/s]};

done_testing;
