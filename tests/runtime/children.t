#!/usr/bin/perl
# Runs that a run begins: `run` waits and goes on with what it gave, `start` does not.
use strict;
use warnings;
use lib 'tests/lib';
use Runs;
use Stepwise;
use Test::More;

sub of_kind { my ($kind, @events) = @_; return grep { $_->{kind} eq $kind } @events }
sub should { my ($have, $want, $what) = @_; return $have eq $want ? () : "$what: $have, not $want" }
sub names { # of runs, by id: p for the parent, c1, c2 for its children in order
  my @started = of_kind('run.started', @_);
  my $n = 0;
  return map { $_->{run} => $_->{data}{parent} ? 'c' . ++$n : 'p' } @started;
}
sub story { # RUN KIND of those kinds that the pattern has
  my ($pattern, @events) = @_;
  my %name = names(@events);
  return join ', ', map { "$name{$_->{run}} $_->{kind}" } grep { $_->{run} && $_->{kind} =~ $pattern } @events;
}

my $drain = <<"RUBY" . $pool;
runbook "drain" do
  input :node, :string
  input :mode, :symbol, one_of: [:fast, :slow], default: :slow
  input :fails, :boolean, default: false
  step "Drain" do
    d = pool.drain node: input.node
    count = d.count
    mode = input.mode
    rollback { pool.restore node: input.node }
  end
  step "Soak" do
    wait 1.hour
    fail! :hot, "too hot" if input.fails
  end
end
RUBY
my $note = qq{runbook "note" do\n  input :text, :string\n  step "Say" do\n    wait 1.hour\n    note "said: #{input.text}"\n  end\nend\n};

runs 'run waits, and gives state, run and what the other set', {
  rb => <<'RUBY', files => {'drain.rb' => $drain}, exit => 0, state => 'succeeded',
runbook "parent" do
  done = run "drain", node: "web-1", mode: :fast
  step "Look" do
    expect done.state == :succeeded
    expect done.outputs.count == 5
    expect done.outputs.mode == :fast
    expect done.outputs.d.node == "web-1"
    show done.run, as: "child"
  end
end
RUBY
  has => [qr/^drain \| +ok +1 hour/m, qr/^succeeded after 1 hour/m],
  also => sub {
    my %name = names(@_);
    my ($parent) = grep { $name{$_} eq 'p' } keys %name;
    my ($began) = of_kind('child.started', @_);
    my ($ended) = of_kind('child.finished', @_);
    my ($child) = grep { $_->{data}{parent} } of_kind('run.started', @_);
    return (should(story(qr/^child|^run/, @_), 'p run.started, p child.started, c1 run.started, c1 run.succeeded, p child.finished, p run.succeeded', 'events'),
            should($began->{data}{run}, $child->{run}, 'id'),
            should("$began->{data}{runbook} $began->{data}{place} $began->{data}{wait}", 'drain run drain#1 1', 'child.started'),
            should("$child->{data}{parent}{run} $child->{data}{parent}{step} $child->{data}{parent}{wait}", "$parent run drain#1 1", 'parent'),
            should($ended->{data}{state}, 'succeeded', 'state'),
            should($ended->{data}{result}{'$record'}{outputs}{'$record'}{count}, 5, 'result'));
  }};

runs "what the other runs is pinned with the run that runs it, modules and all", {
  rb => qq{runbook "parent" do\n  run "uses"\nend\n}, exit => 0, state => 'succeeded',
  files => {'uses.rb' => qq{runbook "uses" do\n  use "its_module"\n  run "note", text: "x"\n  step "Size" do\n    show pool.size\n  end\nend\n},
            'its_module.rb' => $pool, 'note.rb' => $note},
  also => sub {
    my %modules = map { my $run = $_; map { m{([^/]+)$} ? ("$run->{data}{runbook} $1" => 1) : () } keys %{$run->{data}{modules} || {}} } of_kind('run.started', @_);
    return should(join(', ', sort keys %modules), 'parent its_module.rb, parent note.rb, parent uses.rb, uses its_module.rb, uses note.rb', 'pinned');
  }};

runs 'a run that is rolled back undoes those it waited for, each in its place', {
  rb => <<"RUBY", pool => 1, files => {'drain.rb' => $drain}, exit => 6, state => 'rolled_back',
runbook "parent" do
  on_failure :rollback
  step "Before" do
    pool.drain node: "before"
    rollback { pool.restore node: "before" }
  end
  run "drain", node: "one"
  step "Between" do
    pool.drain node: "between"
    rollback { pool.restore node: "between" }
  end
  run "drain", node: "two", fails: true
end
RUBY
  has => [qr/^rolled_back after 2 hours: run drain \(\S+\) is held: too hot/m],
  also => sub {
    my @undone = map { $_->{data}{args}{node} } grep { $_->{data}{action} eq 'restore' } of_kind('action.started', @_);
    my ($steps) = of_kind('run.rolling_back', @_);
    return (should("@undone", 'two between one before', 'undone'),
            should(join(', ', @{$steps->{data}{steps}}), 'run drain#2, between, run drain#1, before', 'to undo'),
            should(story(qr/^run\.(?:held|rolled)/, @_), 'c2 run.held, c2 run.rolled_back, c1 run.rolled_back, p run.rolled_back', 'ends'));
  }};

runs 'a child that fails under :continue does not stop the run', {
  rb => <<"RUBY", files => {'drain.rb' => $drain}, exit => 1, state => 'failed',
runbook "parent" do
  on_failure :continue
  run "drain", node: "one", fails: true
  step "Then" do
    note "and then"
  end
end
RUBY
  has => [qr/and then/, qr/^failed after 1 hour/m],
  also => sub { return should(story(qr/^run\.(?:held|failed)/, @_), 'c1 run.held, p run.failed', 'ends') }};

runs 'a child that waits for somebody makes its parent wait', {
  rb => qq{runbook "parent" do\n  run "ask"\n  step "Then" do\n    note "not yet"\n  end\nend\n},
  files => {'ask.rb' => qq{runbook "ask" do\n  step "Ask" do\n    confirm "Ready?"\n  end\nend\n}},
  exit => 4, state => 'waiting', lacks => [qr/not yet/], has => [qr/run ask \(\S+\) is waiting/],
  also => sub { return should(story(qr/^run\.(?:wait|held|failed)/, @_), 'c1 run.waiting, p run.waiting', 'ends') }};

runs 'who says no in a child says it to the run', {
  rb => qq{runbook "parent" do\n  on_failure :continue\n  run "ask"\n  step "Then" do\n    note "not yet"\n  end\nend\n},
  files => {'ask.rb' => qq{runbook "ask" do\n  step "Ask" do\n    confirm "Ready?"\n  end\nend\n}},
  answers => {'Ready?' => 'no'}, exit => 8, state => 'cancelled', lacks => [qr/not yet/],
  also => sub { return should(story(qr/^run\.(?:canc|held|failed)/, @_), 'c1 run.cancelled, p run.cancelled', 'ends') }};

runs 'a child is stopped with the branch that waits for it', {
  rb => <<"RUBY", pool => 1, files => {'drain.rb' => $drain}, exit => 6, state => 'rolled_back',
runbook "parent" do
  on_failure :rollback
  parallel do
    run "drain", node: "one"
    step "Trip" do
      wait 10.minutes
      fail! :trip, "tripped"
    end
  end
end
RUBY
  has => [qr/^rolled_back after 10 minutes: tripped/m, qr/stopped, because the run that waits for it stops/],
  also => sub {
    my @undone = map { $_->{data}{args}{node} } grep { $_->{data}{action} eq 'restore' } of_kind('action.started', @_);
    return (should("@undone", 'one', 'undone'),
            should(story(qr/^run\.(?:canc|held|failed|rolled)/, @_), 'c1 run.held, c1 run.rolled_back, p run.rolled_back', 'ends'));
  }};

runs "the parent's time limit ends the child", {
  rb => qq{runbook "parent" do\n  timeout 10.minutes\n  run "note", text: "x"\nend\n}, files => {'note.rb' => $note},
  exit => 1, state => 'held', has => [qr/^held after 10 minutes: the run took longer than its time limit/m], lacks => [qr/said/]};

runs 'children side by side', {
  rb => <<"RUBY", files => {'drain.rb' => $drain}, exit => 0, state => 'succeeded',
runbook "parent" do
  each_of %w[a b c d], at_once: 2 do |n|
    run "drain", node: n
  end
end
RUBY
  has => [qr/^succeeded after 2 hours/m],
  also => sub {
    my @places = map { $_->{data}{place} } of_kind('child.started', @_);
    return should("@places", join(' ', map { "run drain#1[$_]" } qw(a b c d)), 'places');
  }};

runs 'start does not wait: the other goes on after the end, and the exit code is that of the run', {
  rb => qq{runbook "parent" do\n  start "bad", why: "x"\n  step "Mine" do\n    note "mine"\n  end\nend\n}, exit => 0, state => 'succeeded',
  files => {'bad.rb' => qq{runbook "bad" do\n  input :why, :string\n  step "Bad" do\n    wait 1.hour\n    fail! :bad, input.why\n  end\nend\n}},
  has => [qr/started bad: run \S+, which goes on by itself/, qr/^bad \| held after 1 hour: x/m],
  also => sub { return should(story(qr/^run\.[hs]/, @_), 'p run.started, p run.succeeded, c1 run.started, c1 run.held', 'ends') }};

runs 'start in on_failure', {
  rb => <<'RUBY', files => {'note.rb' => $note}, exit => 1, state => 'held',
runbook "parent" do
  step "Bad" do
    fail! :surge, "too many"
  end
  on_failure do |failure|
    start "note", text: failure.message if failure.kind == :surge
    start "note", text: "never" if failure.kind == :other
  end
end
RUBY
  has => [qr/said: too many/], lacks => [qr/said: never/],
  also => sub {
    my ($began) = of_kind('child.started', @_);
    return should("$began->{data}{place}" . ($began->{data}{wait} ? ' waits' : ''), 'start note#1', 'place');
  }};

runs 'a child that has errors is found before anything runs', {
  rb => qq{runbook "parent" do\n  step "First" do\n    note "first"\n  end\n  run "wrong"\nend\n}, exit => 3, lacks => [qr/\[1/],
  files => {'wrong.rb' => qq{runbook "wrong" do\n  step "Bad" do\n    show nothing\n  end\nend\n}},
  has => [qr/the runbook 'wrong', which this one runs, has errors: \S*wrong.rb:3:10: /, qr/stepwise lint \S*wrong.rb/]};

runs 'so is a child that lacks a role', {
  rb => qq{runbook "parent" do\n  step "First" do\n    note "first"\n  end\n  run "chief"\nend\n}, exit => 3, lacks => [qr/\[1/],
  files => {'chief.rb' => qq{runbook "chief" do\n  requires role: :chief\n  step "Do" do\n    note "x"\n  end\nend\n}},
  has => [qr/the runbook 'chief', which this one runs: this runbook may be run by :chief only/]};

# What the checker says of them.
sub lint_says {
  my ($name, $rb, $files, @has) = @_;
  state_files($files);
  write_file("$Runs::dir/lint.rb", $rb);
  my ($said, $exit) = run_quietly($stepwise, 'lint', "$Runs::dir/lint.rb");
  ok(!grep({ $said !~ $_ } @has), $name) or diag($said);
}
sub state_files { my ($files) = @_; write_file("$Runs::dir/$_", $files->{$_}) for keys %$files }

lint_says 'an input that the other does not have', qq{runbook "l" do\n  run "note", txt: "x"\nend\n}, {'note.rb' => $note},
  qr/the runbook `note` has no input `txt`/, qr/did you mean `text`/, qr/needs `text:`/;
lint_says 'an input of another type', qq{runbook "l" do\n  run "note", text: 3\nend\n}, {'note.rb' => $note}, qr/lint.rb:2:21: error\[RB230\]/;
lint_says 'a runbook that is not there', qq{runbook "l" do\n  run "nowhere"\nend\n}, {}, qr/no runbook 'nowhere'/, qr/there is no file \S+nowhere.rb/;
lint_says 'a runbook that runs itself, by its file', qq{runbook "other name" do\n  run "lint"\nend\n}, {}, qr/RB259/;
lint_says 'a circle', qq{runbook "l" do\n  run "a"\nend\n},
  {'a.rb' => qq{runbook "a" do\n  run "b"\nend\n}, 'b.rb' => qq{runbook "b" do\n  run "lint"\nend\n}}, qr/RB259/;
lint_says 'a circle further on', qq{runbook "l" do\n  run "a"\nend\n},
  {'a.rb' => qq{runbook "a" do\n  run "b"\nend\n}, 'b.rb' => qq{runbook "b" do\n  run "a"\nend\n}}, qr/RB259/;
lint_says 'a field that the result does not have', qq{runbook "l" do\n  x = run "note", text: "x"\n  step "A" do\n    show x.result\n  end\nend\n},
  {'note.rb' => $note}, qr/RB203/, qr/`result`/;
lint_says 'a result that may not be there', qq{runbook "l" do\n  on_failure :continue\n  x = run "note", text: "x"\n  step "A" do\n    show x.run\n  end\nend\n},
  {'note.rb' => $note}, qr/`x` may not be set here/, qr/by a run that may fail/;

done_testing;
