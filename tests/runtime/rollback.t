#!/usr/bin/perl
# Undoing: attempts and limits of a rollback, what stops it, what is left, who is told what.
use strict;
use warnings;
use lib 'tests/lib';
use Runs;
use Test::More;

sub of_kind {
  my ($kind, @events) = @_;
  return grep { $_->{kind} eq $kind } @events;
}

# t0 is read before the first write, so that pool.busy is busy for a while and then is not.
sub busy {
  my ($clause, $least) = @_;
  return <<"RUBY";
runbook "busy" do
  on_failure :rollback
  step "Act" do
    t0 = now
    pool.drain(node: "one")
    fail! :broken, "late" if 2 > 1
    rollback $clause do
      pool.busy since: t0, least: $least
    end
  end
end
RUBY
}

runs 'a rollback is tried again after a transient failure, each attempt recorded', {
  pool => 1, rb => busy('retries: 50, backoff: 1.second', '1.minute'), exit => 6, state => 'rolled_back',
  has => [qr/still busy\n +attempt 2 in/],
  also => sub {
    my @failed = of_kind('rollback.failed', @_);
    my @started = of_kind('rollback.started', @_);
    my %keys = map { $_->{data}{key} => 1 } grep { $_->{data}{rollback} } of_kind('action.started', @_);
    return ((@failed && @started == @failed + 1 ? () : 'attempts'), (keys %keys == 1 ? () : 'the key changes over attempts'),
            ((grep { $_->{data}{attempt} != 1 + $failed[0]{data}{attempt} - 1 } $failed[0]) ? 'numbers' : ()),
            ((grep { !exists $_->{data}{delay_us} } @failed) ? 'delay' : ()));
  }};

runs 'its retries are used up', {
  pool => 1, rb => busy('retries: 1', '1.hour'), exit => 7, state => 'rollback_incomplete',
  also => sub {
    my @failed = of_kind('rollback.failed', @_);
    return @failed == 2 && !exists $failed[1]{data}{delay_us} ? () : scalar @failed;
  }};

runs 'a rollback without retries: has two of them', {
  pool => 1, rb => busy('timeout: 5.minutes', '1.hour'), exit => 7,
  also => sub { return of_kind('rollback.failed', @_) == 3 ? () : 'attempts' }};

runs 'a rollback has a limit of its own', {
  pool => 1, exit => 7, state => 'rollback_incomplete', rb => <<'RUBY',
runbook "slow" do
  on_failure :rollback
  step "Act" do
    pool.drain(node: "one")
    fail! :broken, "late" if 2 > 1
    rollback timeout: 5.minutes do
      wait 1.hour
      pool.restore node: "one"
    end
  end
end
RUBY
  has => [qr/the rollback took longer than its timeout of 5 minutes/], lacks => [qr/pool\.restore: done/]};

runs "a rollback is shielded from its step's and the run's limits", {
  pool => 1, exit => 6, state => 'rolled_back', rb => <<'RUBY',
runbook "limits" do
  on_failure :rollback
  timeout 10.minutes
  step "First" do
    pool.reboot(node: "one")
    irreversible "it took #{1 + 1} seconds"
  end
  step "Act" do
    timeout 1.minute
    deadline 2.minutes
    pool.drain(node: "one")
    wait 1.hour
    rollback do
      wait 20.minutes
      pool.restore node: "one"
    end
  end
end
RUBY
  has => [qr/pool\.restore: done/, qr/cannot be undone\n +it took 2 seconds/]};

runs 'the run that takes longer than its limit is undone all the same', {
  pool => 1, exit => 6, state => 'rolled_back', rb => <<'RUBY',
runbook "limits" do
  on_failure :rollback
  timeout 10.minutes
  step "Act" do
    pool.drain(node: "one")
    rollback do
      wait 20.minutes
      pool.restore node: "one"
    end
  end
  step "Wait" do
    wait 1.hour
  end
end
RUBY
  has => [qr/the run took longer than its time limit/, qr/pool\.restore: done/]};

runs 'what may not be repeated is not tried again in a rollback either', {
  pool => 1, exit => 7, rb => <<'RUBY',
runbook "unsafe" do
  on_failure :rollback
  step "Act" do
    pool.drain(node: "one")
    fail! :broken, "late" if 2 > 1
    rollback(retries: 5) { pool.reboot node: "dead" }
  end
end
RUBY
  has => [qr/dead does not answer/], also => sub { return of_kind('rollback.failed', @_) == 1 ? () : 'attempts' }};

runs 'what is left says which steps, by whom, what to do, and how to go on', {
  pool => 1, exit => 7, state => 'rollback_incomplete', rb => <<'RUBY',
runbook "left" do
  owner "platform"
  on_failure :rollback
  step "Leave" do
    pool.drain(node: "zero")
    rollback { pool.restore node: "zero" }
  end
  step "Reboot" do
    pool.reboot(node: "one")
    irreversible "a reboot stays"
  end
  step "Drain the last" do
    pool.drain(node: "stuck")
    rollback do
      note "back"
      pool.restore node: "stuck"
    end
  end
  step "Fail" do
    fail! :broken, "late"
  end
end
RUBY
  has => [qr/rollback_incomplete.*: stuck is stuck/,
          qr/still to be undone, in this order:\n +1\. Drain the last \(drain-the-last\): do note "back" pool\.restore node: "stuck" end\n/,
          qr/2\. Reboot \(reboot\): it is irreversible\n +3\. Leave \(leave\): \{ pool\.restore node: "zero" \}\n +the runbook's owner is platform\n/,
          qr/mend what stopped it, then go on: stepwise rollback \S+ --journal /],
  also => sub {
    my ($end) = of_kind('run.rollback_incomplete', @_);
    return ("@{$end->{data}{left}}" eq 'drain-the-last reboot leave' ? () : 'left',
            $end->{data}{text} =~ /^still to be undone/ ? () : 'text');
  }};

runs 'what a half-done step did not get to set is nil, though an earlier item set the same variable', {
  pool => 1, exit => 6, rb => <<'RUBY',
runbook "items" do
  on_failure :rollback
  each_of ["a", "dead"] do |x|
    step "Take" do
      label = "of #{x}"
      kept = "kept"
      ok = pool.reboot(node: x)
      kept = "kept #{x}"
      rollback { note "undo #{x} #{label} #{kept} #{ok.inspect}" }
    end
  end
end
RUBY
  has => [qr/undo dead of dead kept nil\b.*undo a of a kept a true/s]};

done_testing;
