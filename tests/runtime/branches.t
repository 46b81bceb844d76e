#!/usr/bin/perl
# Branches that go on side by side: parallel, and each_of with at_once. What they set, how they fail,
# and what is undone then.
use strict;
use warnings;
use lib 'tests/lib';
use Runs;
use Stepwise;
use Test::More;

sub of_kind { my ($kind, @events) = @_; return grep { $_->{kind} eq $kind } @events }
sub steps_of { my ($kind, @events) = @_; return join ' ', map { $_->{step} } of_kind($kind, @events) }
sub should { my ($have, $want, $what) = @_; return $have eq $want ? () : "$what: $have, not $want" }

runs 'branches wait two hours side by side, and what follows has what they set', {
  rb => <<'RUBY', exit => 0, state => 'succeeded',
runbook "side" do
  parallel do
    step "One" do
      wait 2.hours
      a = 1
    end
    section "Two" do
      step "Two a" do
        wait 1.hour
        b = 2
      end
      step "Two b" do
        c = b + 1
      end
    end
  end
  step "Sum" do
    show [a, b, c], as: "sum"
  end
end
RUBY
  has => [qr/succeeded after 2 hours/, qr/^One \| \[1\/4\] One/m, qr/^Two \| +ok +1 hour/m, qr/sum:\n +1\n +2\n +3\n/],
  also => sub {
    my ($begun) = of_kind('branches.started', @_);
    my ($over) = of_kind('branches.finished', @_);
    return (should(steps_of('step.started', @_), 'one two-a two-b sum', 'begun'),
            should(steps_of('step.finished', @_), 'two-a two-b one sum', 'finished'),
            should("$begun->{data}{place} $begun->{data}{count} $begun->{data}{at_once}", 'parallel#1 2 2', 'place'),
            should($over->{data}{duration_us}, 7200000000, 'duration'));
  }};

runs 'at_once: as a place becomes free the next item begins', {
  rb => <<'RUBY', exit => 0, state => 'succeeded',
runbook "places" do
  each_of [{ id: "a", h: 3 }, { id: "b", h: 1 }, { id: "c", h: 1 }, { id: "d", h: 2 }], as: :id, at_once: 2 do |n|
    step "Wait" do
      wait n[:h].hours
    end
  end
end
RUBY
  has => [qr/succeeded after 4 hours/],
  also => sub {
    my %at = map { $_->{step} => $_->{time_us} } of_kind('step.started', @_);
    my $begin = $at{'wait[a]'};
    my $hours = join ' ', map { ($at{"wait[$_]"} - $begin) / 3600e6 } qw(a b c d);
    return (should($hours, '0 0 1 2', 'begun at'),
            should(steps_of('step.finished', @_), 'wait[b] wait[c] wait[a] wait[d]', 'order of ends'));
  }};

runs 'what items set: the last in order of the list wins, whoever ends last', {
  rb => <<'RUBY', exit => 0, state => 'succeeded',
runbook "last" do
  step "Before" do
    last = "none"
  end
  each_of [3, 2, 1], at_once: 3 do |n|
    step "Wait" do
      wait n.hours
      last = "set by #{n}"
    end
  end
  step "After" do
    show last, as: "last"
  end
end
RUBY
  has => [qr/last: set by 1/]};

runs 'a branch that fails stops the others where they wait, and all is undone, latest first', {
  rb => <<'RUBY', pool => 1, exit => 6, state => 'rolled_back',
runbook "fails" do
  on_failure :rollback
  step "First" do
    pool.drain node: "first"
    rollback { pool.restore node: "first" }
  end
  each_of %w[a b c], at_once: 2 do |n|
    step "Drain" do
      pool.drain node: n
      mine = n
      rollback { pool.restore node: mine }
    end
    step "Soak" do
      wait 1.hour if n == "a"
      wait 1.minute
      fail! :hot, "#{n} is hot" if n == "b"
    end
  end
end
RUBY
  has => [qr/rolled_back after 1 minute: b is hot/, qr/stopped, because a branch beside it failed/, qr/undo  First/],
  lacks => [qr/\[c\]/],
  also => sub {
    my ($over) = of_kind('branches.finished', @_);
    my @undone = map { $_->{data}{args}{node} } grep { $_->{data}{action} eq 'restore' } of_kind('action.started', @_);
    my ($soak) = grep { $_->{step} eq 'soak[a]' } of_kind('step.failed', @_);
    my ($rolled) = of_kind('run.rolling_back', @_);
    return (should(join(' ', @undone), 'b a first', 'undone'),
            should("@{$rolled->{data}{steps}}", 'drain[b] drain[a] first', 'to undo'),
            should($rolled->{step}, 'soak[b]', 'failed in'),
            should($soak->{data}{error}{kind}, 'stopped', 'how the other ended'),
            should("@{$over->{data}{failed}}", 'soak[b] soak[a]', 'failed'));
  }};

runs 'a failure under :continue goes on in its branch, and the run ends as failed', {
  rb => <<'RUBY', exit => 1, state => 'failed',
runbook "goes on" do
  parallel do
    section "Weak" do
      step "Bad" do
        fail! :bad, "bad"
        on_failure :continue
      end
      step "After bad" do
        note "went on"
      end
    end
    step "Good" do
      wait 1.hour
    end
  end
  step "Then" do
    note "and then"
  end
end
RUBY
  has => [qr/went on/, qr/and then/, qr/^failed after 1 hour/m]};

runs 'finish in a branch ends that branch only', {
  rb => <<'RUBY', exit => 0, state => 'succeeded',
runbook "finish" do
  input :early, :boolean, default: true
  parallel do
    section "Short" do
      step "Enough" do
        finish "enough" if input.early
      end
      step "Never" do
        note "never said"
      end
    end
    step "Long" do
      wait 1.hour
      note "long"
    end
  end
  each_of %w[a b], at_once: 2 do |n|
    step "Look" do
      finish "a is done" if n == "a"
    end
    step "Do" do
      note "do #{n}"
    end
  end
  step "Last" do
    note "the end"
  end
end
RUBY
  has => [qr/long/, qr/the end/, qr/do b/, qr/^succeeded after 1 hour/m], lacks => [qr/never said/, qr/do a/]};

runs 'skip! and guards skip in their branch', {
  rb => <<'RUBY', exit => 0, state => 'succeeded',
runbook "skips" do
  parallel do
    step "A" do
      skip! "not today" if 1 < 2
      note "never said"
    end
    step "B" do
      guard "never", 1 > 2, otherwise: :skip
      note "nor this"
    end
  end
end
RUBY
  has => [qr/not today/, qr/guard: not so: never/], lacks => [qr/never said/, qr/nor this/]};

runs 'a write under way is finished before its branch stops', {
  rb => <<'RUBY', exit => 6, state => 'rolled_back',
runbook "shield" do
  on_failure :rollback
  parallel do
    step "Slow" do
      slow.write name: "s"
      rollback { slow.undo name: "s" }
    end
    step "Fast" do
      wait 50.milliseconds
      fail! :bad, "fast fails"
    end
  end
end
binding :slow, "Slow" do
  action :write, effect: :write do
    takes :name, :string
    gives :string
  end
  action :undo, effect: :write do
    takes :name, :string
  end
end
driver :sleeper, for: :slow, default: true do
  perform :write do |name|
    exec.run args: ["sleep", "0.3"]
    name
  end
  perform(:undo) { |name| nil }
end
RUBY
  also => sub {
    my @kinds = map { "$_->{kind} $_->{step}" } grep { $_->{kind} =~ /^(?:action|step\.f|run\.r)/ } @_;
    my ($done) = of_kind('action.finished', @_);
    return (should(join(', ', @kinds), 'action.started slow, step.failed fast, action.finished slow, step.failed slow, '
      . 'run.rolling_back fast, action.started slow, action.finished slow, run.rolled_back fast', 'events'),
      should($done->{data}{result}, 's', 'result'));
  }};

runs 'a branch that waits for somebody lets the others go on; then the run waits', {
  rb => <<'RUBY', exit => 4, state => 'waiting',
runbook "waits" do
  parallel do
    step "Ask" do
      confirm "Ready?"
    end
    section "Work" do
      step "Long" do
        wait 1.hour
      end
      step "Longer" do
        note "worked"
      end
    end
  end
  step "Then" do
    note "not yet"
  end
end
RUBY
  has => [qr/worked/, qr/^waiting after 1 hour/m], lacks => [qr/not yet/]};

runs 'who says no stops all branches', {
  rb => <<'RUBY', exit => 8, state => 'cancelled', answers => {'Ready?' => 'no'},
runbook "no" do
  parallel do
    step "Ask" do
      wait 1.minute
      confirm "Ready?"
      on_failure :continue
    end
    step "Wait" do
      wait 1.hour
    end
  end
end
RUBY
  has => [qr/^cancelled after 1 minute/m]};

runs 'branches within branches', {
  rb => <<'RUBY', pool => 1, exit => 6, state => 'rolled_back',
runbook "nested" do
  on_failure :rollback
  each_of %w[x y], at_once: 2 do |rack|
    parallel do
      each_of %w[1 2], at_once: 1 do |node|
        step "Drain" do
          pool.drain node: rack + node
          wait 10.minutes
          rollback { pool.restore node: rack + node }
        end
      end
      step "Trip" do
        wait 15.minutes
        fail! :trip, "tripped" if rack == "y"
      end
    end
  end
end
RUBY
  has => [qr/rolled_back after 15 minutes: tripped/, qr/^y\/Trip/m, qr{^x/branch/2|^x/each_of/2}m],
  also => sub {
    my @undone = map { $_->{data}{args}{node} } grep { $_->{data}{action} eq 'restore' } of_kind('action.started', @_);
    my @places = sort map { "$_->{data}{place} $_->{data}{count}" } of_kind('branches.started', @_);
    return (should(join(' ', reverse @undone), join(' ', map { $_->{data}{args}{node} } grep { $_->{data}{action} eq 'drain' }
                     of_kind('action.started', @_)), 'undone in reverse'),
            should("@places", 'each_of#1 2 each_of#2[x] 2 each_of#2[y] 2 parallel#1[x] 2 parallel#1[y] 2', 'places'));
  }};

runs "the run's time limit holds in branches", {
  rb => <<'RUBY', exit => 1, state => 'held',
runbook "limit" do
  timeout 1.hour
  parallel do
    step "A" do
      wait 2.hours
    end
    step "B" do
      wait 3.hours
    end
  end
end
RUBY
  has => [qr/^held after 1 hour: the run took longer than its time limit/m]};

runs "a step's time limit is its own", {
  rb => <<'RUBY', exit => 1, state => 'failed',
runbook "limit" do
  on_failure :continue
  parallel do
    step "A" do
      timeout 1.minute
      wait 2.hours
    end
    step "B" do
      wait 3.hours
    end
  end
end
RUBY
  has => [qr/the step took longer than its timeout of 1 minute/, qr/^failed after 3 hours/m]};

runs 'at_once must be a number above 0', {
  rb => <<'RUBY', exit => 1, state => 'held', args => ['--set', 'n=0'],
runbook "zero" do
  input :n, :integer
  each_of %w[a b], at_once: input.n do |x|
    step "A" do
      note x
    end
  end
end
RUBY
  has => [qr/at_once: wants a number of 1 or more/]};

runs 'an empty list is no branch', {
  rb => <<'RUBY', exit => 0, state => 'succeeded',
runbook "none" do
  each_of %w[a b].reject { |x| x.size == 1 }, at_once: 2 do |x|
    step "A" do
      note x
    end
  end
  step "B" do
    note "b"
  end
end
RUBY
  lacks => [qr/\[a\]/], has => [qr/^succeeded/m]};

# A signal reaches every branch, and those that are not begun stay so.
{
  write_file("$Runs::dir/signal.rb", <<'RUBY');
runbook "signal" do
  each_of %w[a b c], at_once: 2 do |n|
    parallel do
      step "Wait" do
        wait 50.seconds
      end
      step "Wait too" do
        wait 50.seconds
      end
    end
  end
end
RUBY
  my $pid = open(my $from, '-|') // die;
  if (!$pid) {
    open STDIN, '<', '/dev/null';
    open STDERR, '>&', \*STDOUT;
    exec $stepwise, 'run', "$Runs::dir/signal.rb", '--journal', "$Runs::dir/signal.db" or die;
  }
  my $seen = '';
  while (defined(my $c = getc $from)) { $seen .= $c; last if 4 == (() = $seen =~ /waiting 50/g) }
  kill 'INT', $pid;
  $seen .= do { local $/; <$from> // '' };
  close $from;
  is($? >> 8, 130, 'a signal ends a run that is in four branches') or diag($seen);
  my @events = Runs::events_of("$Runs::dir/signal.db");
  is(join(' ', sort map { $_->{step} } of_kind('step.failed', @events)), 'wait-too[a] wait-too[b] wait[a] wait[b]', 'each of them is stopped');
  is(scalar(grep { $_->{kind} eq 'run.cancelled' } @events), 1, 'and the run is cancelled once') or diag($seen);
}

done_testing;
