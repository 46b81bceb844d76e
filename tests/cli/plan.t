#!/usr/bin/perl
# stepwise plan, run --dry-run: what would be done is told, nothing is done, nothing is guessed.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use Runs '$pool';
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $number = 0;
$ENV{XDG_STATE_HOME} = "$dir/state";

# What plan says of a text; `name` is its file below the test's directory.
sub plan_of {
  my ($rb, @args) = @_;
  my $file = "$dir/case" . ++$number . '.rb';
  write_file($file, "$rb\n$pool");
  my ($said, $exit) = run_quietly($stepwise, 'plan', $file, '--journal', "$dir/none.db", @args);
  $said =~ s/\Q$dir\E/DIR/g;
  return ($said, $exit);
}

# The objects of --json: the steps by id, and the summary.
sub objects_of {
  my ($said) = plan_of(@_, '--json');
  my @all = map { JSON::PP->new->decode($_) } split /\n/, $said;
  my %step = map { $_->{id} => $_ } grep { $_->{type} eq 'step' } @all;
  return (\%step, $all[-1], @all);
}

sub lines_of { return grep { $_->{kind} eq $_[1] } @{$_[0]{lines}} }

sub shows {
  my ($name, $rb, $args, $want, $code) = @_;
  my ($said, $exit) = plan_of($rb, @$args);
  my $pattern = pattern($want);
  ok($said =~ $pattern && $exit == ($code // 0), $name) or diag("exit $exit\n$said");
}

# --- leases, and the clauses of a rollback ---

my $lasting = <<'RUBY';
runbook "lasting" do
  step "Pause" do
    queue.pause name: "jobs"
    rollback timeout: 5.minutes, retries: 3, backoff: 10.seconds do
      queue.go name: "jobs"
    end
  end
  step "Again" do
    queue.pause name: "more"
    rollback timeout: 7.minutes do
      queue.pause name: "less"
    end
  end
end
binding :queue, "A queue" do
  action :pause, effect: :write, repeat: :safe, lease: 15.minutes do
    takes :name, :string
  end
  action :go, effect: :write, repeat: :safe, ends: :pause do
    takes :name, :string
  end
end
driver :rehearsal, for: :queue, default: true do
  perform(:pause) { |name| nil }
  renew(:pause) { |name| nil }
  perform(:go) { |name| nil }
end
RUBY
shows 'leases and what the rollback says of its attempts', $lasting, [], <<'TEXT';
lasting
plan of lasting (DIR/case1.rb); nothing is changed by it

  limit         1 day
  on failure    hold

 1  CHANGE      Pause  (pause)
      CHANGES   queue.pause(name: "jobs")
      lease     15 minutes, renewed while the run lives
      undone by:
        limits    an attempt takes at most 5 minutes; up to 3 more attempts after 10 seconds, on transient
        calls     queue.go(name: "jobs")
 2  CHANGE      Again  (again)
      CHANGES   queue.pause(name: "more")
      lease     15 minutes, renewed while the run lives
      undone by:
        limits    an attempt takes at most 7 minutes
        calls     queue.pause(name: "less")
        lease     15 minutes, renewed while the run lives

Would change (2)
  pause: queue.pause(name: "jobs")
  again: queue.pause(name: "more")

2 steps: 2 would change something
plan ...
TEXT
{
  my ($step) = objects_of($lasting);
  my @lines = @{ $step->{pause}{lines} };
  is((lines_of($step->{pause}, 'write'))[0]{lease}, '15 minutes, renewed while the run lives', '--json has the lease');
  like((lines_of($step->{pause}, 'limit'))[0]{text}, qr/at most 5 minutes; up to 3 more/, 'and the limits of the rollback');
}
$number = 0;

# --- golden: the whole text ---

shows 'a plan, whole', <<'RUBY', ['--set', 'host=web-1'], <<'TEXT';
runbook "drain" do
  title "Take a node out"
  on_failure :rollback
  input :host, :string, about: "which"
  input :least, :integer, default: 3
  input :key, :string, default: "hunter2", secret: true
  lock "pool #{input.host}"
  timeout 2.hours

  section "Look" do
    step "Count" do
      about "How many there are"
      n = pool.size
      show n, as: "nodes"
      expect n > input.least, "too few"
      note "the key is #{input.key}"
    end
  end

  section "Act" do
    step "Drain #{input.host}", id: "drain" do
      guard "there are many", n > 5
      guard "it is a web node", input.host.start_with?("web")
      approve "Drain #{input.host} of #{n}", by: :dba, quorum: 2, within: 10.minutes
      timeout 1.minute
      deadline 5.minutes
      retries 2, backoff: 3.seconds, on: [:transient, :provider]
      state = pool.drain(node: input.host)
      verify("it is out", within: 1.minute) { pool.size < n }
      rollback { pool.restore node: state.node if state }
    end
    if state.count > 3
      step "Reboot" do
        pool.reboot(node: state.node)
        irreversible "a reboot cannot be taken back"
      end
    else
      step "Leave it" do
        note "nothing to reboot"
      end
    end
  end
  on_failure do |failure|
    note "failed: #{failure.message}"
  end
end
RUBY
Take a node out
plan of drain (DIR/case1.rb); nothing is changed by it

  host          "web-1"
  least         3  (default)
  key           [secret]  (default)
  limit         2 hours
  on failure    roll back
  lock          "pool web-1": free

Look
 1  no change   Count  (count)
      about     How many there are
      reads     pool.size() = 7
      shows     nodes: 7
      checks    n > input.least: holds (expect)
      notes     [secret]

Act
 2  CHANGE      Drain web-1  (drain)
      guard     there are many: holds
      guard     it is a web node: holds
      approval  Drain web-1 of 7
                by 2 people of :dba; within 10 minutes, used within 1 hour
      limits    an attempt takes at most 1 minute, the step 5 minutes; up to 2 more attempts after 3 seconds to 1 minute, on transient, provider
      CHANGES   pool.drain(node: "web-1")
      reads     pool.size: unknown until run (after a change of pool in drain)
      checks    it is out: unknown until run (verify, within 1 minute)
      undone by:
        if state: unknown until run
          calls     pool.restore(node: (unknown: state.node))
if state.count > 3: unknown until run
   3  unknown     Reboot  (reboot)
        CHANGES   pool.reboot(node: (unknown: state.node))
        NO UNDO   point of no return: a reboot cannot be taken back
else: unknown until run
   4  no change   Leave it  (leave-it)
        notes     nothing to reboot
when a step fails (on_failure):
      notes     failed: (unknown: failure.message)

Would change (1)
  drain: pool.drain(node: "web-1")

Would change, or not: unknown until run (1)
  reboot: pool.reboot(node: (unknown: state.node))

4 steps: 1 would change something, 1 unknown until run, 2 without a change
plan ...
TEXT

# --- nothing is written ---

# Every file below a directory with its time and content, and the directories' times.
sub snapshot {
  my ($top_dir) = @_;
  my @found;
  my @left = ($top_dir);
  while (defined(my $path = shift @left)) {
    my @stat = lstat $path;
    my $what = -d _ ? 'directory' : read_file($path) // 'unreadable';
    # Not the inode's time: as root SQLite gives -shm and -wal the database's owner whenever it opens them.
    push @found, join "\0", $path, @stat[1, 2, 4, 5, 7, 9], $what;
    next if !-d $path;
    opendir my $in, $path or die;
    push @left, map { "$path/$_" } grep { !/^\.\.?$/ } readdir $in;
  }
  return join "\n", sort @found;
}

{
  my $here = "$dir/here";
  mkdir $here;
  write_file("$here/plan.rb", qq{runbook "w" do\n  use "imports"\n  lock "the lock"\n  step "Look" do\n    show imports.inspect(path: "$here/x.csv").rows\n  end\n  step "Bring in" do\n    staged = imports.stage(path: "$here/x.csv", database: "$here/x.db", table: "t", columns: [{ from: "a", to: "a" }], create: true)\n    show staged\n    irreversible "a test"\n  end\nend\n});
  write_file("$here/x.csv", "a,b\n1,2\n3,4\n");
  write_file("$here/waits.rb", qq{runbook "waits" do\n  step "Wait" do\n    wait 1.hour\n  end\nend\n});
  my $untouched = sub {
    my ($name, @args) = @_;
    my $before = snapshot($dir);
    my ($said, $exit) = run_quietly($stepwise, 'plan', "$here/plan.rb", @args);
    is(snapshot($dir), $before, "$name: not a byte and not a time is changed") or diag($said);
    ok($exit == 0 && $said =~ /shows +2\n/ && $said =~ /CHANGES +imports.stage/, "$name: and the plan is there") or diag($said);
  };
  $untouched->('no journal');
  $untouched->('no journal, its directory neither', '--journal', "$here/not/there/j.db");
  run_quietly($stepwise, 'run', "$here/plan.rb", '--journal', "$here/j.db", '--virtual-clock');
  $untouched->('a journal at rest', '--journal', "$here/j.db");
  # A run that lives: SQLite's -wal and -shm are there.
  my $live = fork // die;
  if (!$live) {
    open STDOUT, '>', '/dev/null';
    exec $stepwise, 'run', "$here/waits.rb", '--journal', "$here/j.db" or die;
  }
  for (1 .. 300) {
    my ($events) = run_quietly($stepwise, 'journal', 'export', '--journal', "$here/j.db");
    last if $events =~ /"wait\.started"/;
    select undef, undef, undef, 0.05;
  }
  ok(-e "$here/j.db-wal", 'a journal in use');
  kill 'STOP', $live;
  for (1 .. 300) {
    last if (read_file("/proc/$live/stat") // '') =~ /\) T /;
    select undef, undef, undef, 0.01;
  }
  $untouched->('a journal in use', '--journal', "$here/j.db");
  kill 'KILL', $live;
  waitpid $live, 0;
  $untouched->('a journal that was left', '--journal', "$here/j.db");
  unlink "$here/j.db-shm";
  $untouched->('and without its -shm', '--journal', "$here/j.db");
}

# --- what is unknown goes through everything, and nothing is guessed ---

my $unknown = <<'RUBY';
runbook "unknown" do
  step "Write" do
    a = pool.drain(node: "x")
    b = a.count + 1
    c = "n #{a.node}"
    d = b > 3 ? 1 : 2
    e = [a.count, 1]
    f = 5
    f = 6 if b > 3
    show [a, b, c, d, f], as: "all"
    show e.size, as: "size"
    irreversible "a test"
  end
  step "Guard" do
    guard "b is big", b > 3, otherwise: :skip
    pool.reboot(node: c)
    irreversible "a test"
  end
  step "Body" do
    if f == 6
      pool.reboot(node: "six")
      g = 1
    else
      pool.reboot(node: "other")
      g = 1
    end
    case d
    when 1 then pool.drain(node: "one")
    else pool.drain(node: "many")
    end
    expect g == 1, "g"
    irreversible "a test"
  end
  each_of [a.node, "y"] do |node|
    step "Item" do
      note node
    end
  end
  step "Read again" do
    n = pool.size
    expect n == 8, "not 8"
    skip! "small" if n < 3
    note "#{n} left"
  end
end
RUBY
{
  my ($step, $end) = objects_of($unknown);
  my ($all, $size) = lines_of($step->{write}, 'show');
  is(scalar(grep { ref $_ && $_->{'$unknown'} } @{$all->{value}}), 5, 'results of writes and what is made of them are unknown');
  is($size->{value}, 2, 'a list of unknown values has a size');
  is_deeply([map { $_->{holds} } lines_of($step->{guard}, 'guard')], [undef], 'a guard of it is open');
  is($step->{guard}{outcome}, 'unknown', 'and so is what the step does');
  is_deeply([map { [$_->{args}{node}, $_->{when}] } lines_of($step->{body}, 'write')],
    [['six', ['if f == 6']], ['other', ['else']], ['one', ['when d is 1']], ['many', ['else']]], 'both branches are told, under their conditions');
  is($step->{body}{outcome}, 'unknown', 'a step whose writes all depend');
  is_deeply([(lines_of($step->{body}, 'check'))[0]{holds}], [undef], 'what branches set is unknown after them');
  ok($step->{'item[?1]'} && $step->{'item[y]'}, 'items of a known list with unknown elements');
  my ($read) = lines_of($step->{'read-again'}, 'read');
  ok(!$read->{done} && $read->{detail} =~ /after a change of pool in write/, 'after a write its binding is not read: the answer would be the old one');
  is($step->{'read-again'}{outcome}, 'no_change', 'an expect of it does not fail');
  is($end->{changes}[0]{maybe}, JSON::PP::false, 'what is certain');
  is(scalar(grep { $_->{maybe} } @{$end->{changes}}), 5, 'and what is not');
}

# Ends that may be reached: what follows them depends on that.
{
  my ($step, $end) = objects_of(<<'RUBY', '--role', 'op');
runbook "ends" do
  step "A" do
    s = pool.drain(node: "x")
    x = 1
    y = 1
    irreversible "a test"
  end
  step "B" do
    requires role: :op
    guard "few", s.count < 3, otherwise: :skip
    x = 2
    note "b #{x}"
    on_failure :skip
  end
  step "C" do
    skip! "no" if s.count > 5
    y = 2
    pool.reboot(node: "c")
    irreversible "a test"
  end
  step "D" do
    show [x, y]
    finish "done" if s.count > 7
    pool.reboot(node: "d")
    irreversible "a test"
  end
  step "E" do
    pool.reboot(node: "e")
    irreversible "a test"
  end
end
RUBY
  my ($shown) = lines_of($step->{d}, 'show');
  is_deeply($shown->{value}, [({'$unknown' => JSON::PP::true}) x 2], 'what a step that may be skipped sets is unknown after it');
  is_deeply([map { $step->{$_}{outcome} } 'a' .. 'e'], [qw(change no_change unknown unknown unknown)], 'what may not be reached is unknown');
  is_deeply($step->{e}{under}, ['unless the run is finished in d'], 'a finish that may be reached stands over the rest');
  my ($limit) = lines_of($step->{b}, 'limit');
  is($limit->{text}, 'on failure: skip; only :op may run it', "a step's own policy and role");
}

# Nested loops over what nobody knows; side by side.
my $loops = <<'RUBY';
runbook "loops" do
  step "Write" do
    a = pool.drain(node: "x")
    list = [a.node].select { |n| n == "x" }
    irreversible "a test"
  end
  each_of list do |outer|
    step "Outer" do
      inner = [outer, "z"].select { |n| n != outer }
      note "outer #{outer}"
      pool.reboot(node: outer)
      irreversible "a test"
    end
    each_of inner do |i|
      step "Inner" do
        pool.reboot(node: i)
        irreversible "a test"
      end
    end
  end
  step "Block" do
    list.each { |n| pool.reboot(node: n) }
    irreversible "a test"
  end
end
RUBY
{
  my ($said) = plan_of($loops);
  like($said, qr/^each of list: unknown until run, how many \(one after the other\)\n   2  unknown +Outer  \(outer\[\?\]\)$/m, 'a loop over an unknown list is told once');
  like($said, qr/^  each of inner: unknown until run.*\n     3  unknown +Inner  \(inner\[\?\]\[\?\]\)$/m, 'and one inside it');
  like($said, qr/for each of list: unknown until run\n +CHANGES +pool.reboot\(node: \(unknown: n\)\)/, 'and a block over it');
  my ($step, $end) = objects_of($loops);
  is($end->{change}, 1, 'one change is certain');
  is($end->{unknown}, 3, 'three are not');
  is_deeply($step->{'inner[?][?]'}{under}, ['each of list', 'each of inner'], 'where a step stands');
}

# --- reads ---

my $reads = <<'RUBY';
runbook "reads" do
  step "Read" do
    n = pool.size
    note "big" if n > 3
    expect n > 3, "too small"
  end
  if n > 3
    step "Big" do
      note "#{n}"
    end
  else
    step "Small" do
      note "small"
    end
  end
end
RUBY
{
  my ($step) = objects_of($reads);
  my ($read) = lines_of($step->{read}, 'read');
  ok($read->{done} && $read->{result} == 7, 'a read is performed');
  ok($step->{big} && !$step->{small}, 'and decides');
  ($step) = objects_of($reads, '--offline');
  ($read) = lines_of($step->{read}, 'read');
  ok(!$read->{done} && $read->{detail} eq '--offline', '--offline performs none');
  ok($step->{big} && $step->{small}, 'and nothing is decided');
}

{
  my ($said, $exit) = plan_of(qq{runbook "bad" do\n  step "Read" do\n    n = pool.wrong\n    note "\#{n}"\n  end\n  step "Next" do\n    pool.reboot(node: "x")\n    irreversible "a test"\n  end\nend\n});
  like($said, qr/WOULD FAIL  Read .*FAILS NOW: .*As things are the run stops here: it is held.*CHANGE +Next/s, 'a read that fails is told where it would');
  like($said, qr/Not reached as things are \(1\)\n  next: pool.reboot/, 'what comes after it is not reached');
  like($said, qr/^As things are the run stops at read: /m, 'and the end says so');
  is($exit, 0, 'which is a plan all the same');
}

shows 'guards, expectations and ends that are certain', <<'RUBY', [], <<'TEXT';
runbook "certain" do
  on_failure :continue
  step "Skipped" do
    guard "never", 1 > 2, otherwise: :skip
    pool.reboot(node: "x")
    irreversible "a test"
  end
  step "Ended" do
    skip! "not today"
  end
  step "Failing" do
    guard "no", 1 > 2
    pool.reboot(node: "x")
    irreversible "a test"
  end
  step "Broken" do
    a = [1].map { |x| x / (x - 1) }
    note "#{a}"
  end
  step "Finished" do
    finish "all there"
  end
  step "Over" do
    note "over"
  end
end
RUBY
certain
plan of certain (...); nothing is changed by it

  limit         1 day
  on failure    continue

 1  skipped     Skipped  (skipped)
      because   guard: not so: never
      guard     never: NOT SO (else the step is skipped)
 2  skipped     Ended  (ended)
      ends      the step ends as skipped: not today
 3  WOULD FAIL  Failing  (failing)
      guard     no: NOT SO (else the step fails)
      CHANGES   pool.reboot(node: "x")
      NO UNDO   point of no return: a test
      then      the run goes on, and ends as failed (on_failure :continue)
 4  WOULD FAIL  Broken  (broken)
      FAILS     divided by 0
                at DIR/...
      then      the run goes on, and ends as failed (on_failure :continue)
 5  no change   Finished  (finished)
      ends      the run ends as succeeded: all there
---- As things are the run stops here: it ends as succeeded. What would come otherwise:
 6  no change   Over  (over)
      notes     over

Not reached as things are (1)
  failing: pool.reboot(node: "x")

As things are the run stops at finished: the run is finished there

6 steps: 2 would fail, 2 skipped, 2 without a change; 1 not reached as things are
plan ...
TEXT

# --- people ---

{
  my ($step) = objects_of(<<'RUBY');
runbook "people" do
  step "Ask" do
    confirm "Sure?"
    who = choose "Who?", ["ana", "sam"], suggest: "sam"
    n = ask "How many?", :integer, default: 3
    manual "Tell the lead", evidence: true
    expect n > 1, "few"
    note "#{who}"
    pool.drain(node: who)
    irreversible "a test"
  end
end
RUBY
  is_deeply([map { $_->{detail} } lines_of($step->{ask}, 'question')],
    ['confirm', 'choose one of ana, sam; suggested: sam', 'ask for: integer; default: 3', 'by hand, with evidence'], 'questions are told, and not asked');
  is_deeply((lines_of($step->{ask}, 'write'))[0]{args}{node}, {'$unknown' => JSON::PP::true}, 'answers are unknown');
  is_deeply((lines_of($step->{ask}, 'check'))[0]{holds}, undef, 'and what depends on them');
}

# --- inputs and problems ---

my $input = qq{runbook "in" do\n  input :host, :string, about: "which"\n  step "Use" do\n    pool.drain(node: input.host)\n    irreversible "a test"\n  end\nend\n};
{
  my ($said, $exit) = plan_of($input);
  ok($exit == 0 && $said =~ /^  host +unknown: nobody gave it$/m && $said =~ /pool.drain\(node: \(unknown: input.host\)\)/, 'an input that nobody gives is unknown') or diag($said);
  write_file("$dir/in.rb", "$input\n$pool");
  ($said, $exit) = run_quietly($stepwise, 'run', "$dir/in.rb", '--dry-run', '--journal', "$dir/none.db", '--wait', '1h', '--answers', 'x');
  ok($exit == 3 && $said =~ /inputs that are needed and not given:\n  host: which/, 'run --dry-run wants what run wants') or diag($said);
  ($said, $exit) = run_quietly($stepwise, 'run', "$dir/in.rb", '--dry-run', '--set', 'host=x', '--journal', "$dir/none.db");
  ok($exit == 0 && $said =~ /CHANGES +pool.drain\(node: "x"\)/ && !-e "$dir/none.db", 'and is the plan') or diag($said);
  ($said, $exit) = plan_of($input, '--set', 'hots=x');
  ok($exit == 3 && $said =~ /no input 'hots'; did you mean 'host'/, 'a wrong input is an error') or diag($said);
  ($said, $exit) = plan_of($input, '--from', 'nope');
  ok($exit == 3 && $said =~ /PROBLEM  --from: no step 'nope'/, 'so is a step that is not there') or diag($said);
  ($said, $exit) = run_quietly($stepwise, 'plan');
  ok($exit == 2 && $said =~ /name the runbook's file/, 'usage');
}

shows 'what keeps a run from starting is told, all of it', <<'RUBY', [], <<'TEXT', 3;
runbook "cannot start" do
  requires role: :dba
  step "Use" do
    n = empty.size
    note "#{n}"
  end
end
binding :empty, "Nobody serves it" do
  action :size, effect: :read do
    gives :integer
  end
end
RUBY
cannot start
plan of cannot start (...); nothing is changed by it

  limit         1 day
  on failure    hold
  may be run by dba

PROBLEM  this runbook may be run by :dba only
         help: if you hold that role, say so with --role dba; the journal records it

PROBLEM  no driver serves binding empty
         at DIR/...
...
 1  no change   Use  (use)
      reads     empty.size: unknown until run (no driver serves it)
      notes     (unknown: n)

Nothing would be changed.

1 step: 1 without a change
a run could not start: 2 problems, see above
plan ...
TEXT

{
  write_file("$dir/locks.rb", qq{runbook "locks" do\n  lock "the lock"\n  step "Fail" do\n    fail! :x, "as it should"\n  end\nend\n});
  write_file("$dir/few.rb", qq{runbook "few" do\n  concurrency 1\n  step "Fail" do\n    fail! :x, "as it should"\n  end\nend\n});
  for my $case (['locks', qr/lock +"the lock": held/, qr/another run holds the lock 'the lock': run \S+, held, by/], ['few', qr/concurrency +1/, qr/few may have 1 live run/]) {
    my ($name, $fact, $problem) = @$case;
    my ($said, $exit) = run_quietly($stepwise, 'plan', "$dir/$name.rb", '--journal', "$dir/held.db");
    ok($exit == 0 && $said !~ /PROBLEM/, "$name: free") or diag($said);
    run_quietly($stepwise, 'run', "$dir/$name.rb", '--journal', "$dir/held.db");
    ($said, $exit) = run_quietly($stepwise, 'plan', "$dir/$name.rb", '--journal', "$dir/held.db");
    ok($exit == 3 && $said =~ $fact && $said =~ /PROBLEM  $problem/, "$name: a run that is held has it") or diag($said);
  }
}

# --- who could approve; secrets; a driver's settings ---

{
  my $site = "$dir/with-site";
  mkdir $site;
  write_file("$site/site.rb", <<'RUBY');
site "here" do
  role :dba, members: %w[ana sam kim]
  role :lone, members: %w[ana]
  secrets driver: "files", directory: "secrets"
  connect :vault, driver: "keyed", token: secret("vault/token")
end
RUBY
  my $gate = sub {
    my ($role, $quorum) = @_;
    return qq{runbook "gate" do\n  step "Gate" do\n    approve "Go", by: :$role, quorum: $quorum\n    note "gone"\n  end\nend\n};
  };
  write_file("$site/gate.rb", $gate->('dba', 2));
  my ($said, $exit) = run_quietly($stepwise, 'plan', "$site/gate.rb");
  ok($exit == 0 && $said =~ /by 2 people of :dba: ana, sam, kim; within 4 hours/, 'who could give an approval') or diag($said);
  write_file("$site/gate.rb", $gate->('lone', 2));
  ($said, $exit) = run_quietly($stepwise, 'plan', "$site/gate.rb");
  ok($exit == 3 && $said =~ /PROBLEM  step gate wants 2 approvals by :lone, and only 1 of its members can/, 'a quorum that cannot be reached') or diag($said);
  write_file("$site/vault.rb", <<'RUBY');
runbook "vault" do
  step "Look" do
    n = vault.size
    show n
  end
end
binding :vault, "Wants a secret" do
  action :size, effect: :read do
    gives :integer
  end
end
driver :keyed, for: :vault do
  setting :token, :secret
  perform(:size) { 3 }
end
RUBY
  ($said, $exit) = run_quietly($stepwise, 'plan', "$site/vault.rb");
  ok($exit == 3 && $said =~ /PROBLEM  .*vault.token/s && $said =~ /1 problem, see above/, 'a secret that cannot be read') or diag($said);
  mkdir "$site/secrets";
  mkdir "$site/secrets/vault";
  write_file("$site/secrets/vault/token", "hunter2\n");
  chmod 0600, "$site/secrets/vault/token";
  ($said, $exit) = run_quietly($stepwise, 'plan', "$site/vault.rb");
  ok($exit == 0 && $said =~ /reads +vault.size\(\) = 3/ && $said !~ /hunter2/, 'and one that can') or diag($said);
  my ($planned) = $said =~ /^plan ([0-9a-f]{64})$/m;
  run_quietly($stepwise, 'run', "$site/vault.rb", '--journal', "$site/j.db");
  my ($events) = run_quietly($stepwise, 'journal', 'export', '--journal', "$site/j.db");
  my ($started) = grep { $_->{kind} eq 'run.started' } map { decode_json($_) } grep { /^\{/ } split /\n/, $events;
  is($started->{data}{plan}, $planned, 'the site is part of the plan');
}

# --- child runs, and side by side ---

{
  my $there = "$dir/family";
  mkdir $there;
  write_file("$there/pool.rb", $pool);
  write_file("$there/child.rb", <<'RUBY');
runbook "child" do
  use "pool"
  input :node, :string
  input :mode, :symbol, one_of: [:soft, :hard], default: :soft
  lock "node #{input.node}"
  step "Drain #{input.node}", id: "drain" do
    pool.drain(node: input.node)
    rollback { pool.restore(node: input.node) }
  end
  step "Mode" do
    note "#{input.mode}"
    expect input.mode == :hard, "soft"
  end
  run "grandchild", node: input.node
end
RUBY
  write_file("$there/grandchild.rb", qq{runbook "grandchild" do\n  input :node, :string\n  step "G" do\n    note input.node\n  end\nend\n});
  write_file("$there/parent.rb", <<'RUBY');
runbook "parent" do
  use "pool"
  step "First" do
    s = pool.drain(node: "p")
    irreversible "a test"
  end
  r = run "child", node: s.node, mode: :hard
  step "After" do
    expect r.state == :succeeded, "the child"
  end
  start "child", node: "z"
end
RUBY
  my ($said, $exit) = run_quietly($stepwise, 'plan', "$there/parent.rb");
  $said =~ s/\Q$dir\E/DIR/g;
  my $want = pattern(<<'TEXT');
parent
plan of parent (DIR/family/parent.rb); nothing is changed by it

  limit         1 day
  on failure    hold

 1  CHANGE      First  (first)
      CHANGES   pool.drain(node: "p")
      NO UNDO   point of no return: a test
a run of child(node: (unknown: s.node), mode: :hard):
    lock          "node (unknown: input.node)"
   2  CHANGE      Drain (unknown: input.node)  (drain)
        CHANGES   pool.drain(node: (unknown: input.node))
        undone by:
          calls     pool.restore(node: (unknown: input.node))
   3  no change   Mode  (mode)
        notes     hard
        checks    input.mode == :hard: holds (expect)
  a run of grandchild(node: (unknown: input.node)):
    not shown     one level of runs is; plan it by itself
 4  no change   After  (after)
      checks    r.state == :succeeded: unknown until run (expect)
the start of a run of child(node: "z"), which is not waited for:
    lock          "node z": free
   5  CHANGE      Drain z  (drain)
        CHANGES   pool.drain(node: "z")
        undone by:
          calls     pool.restore(node: "z")
   6  WOULD FAIL  Mode  (mode)
        notes     soft
        checks    soft: NOT SO (expect)
        then      it is held, nothing is undone (on_failure :hold)
  a run of grandchild(node: "z"):
    not shown     one level of runs is; plan it by itself

Would change (5)
  first: pool.drain(node: "p")
  child: drain: pool.drain(node: (unknown: input.node))
  child: run: grandchild(node: (unknown: input.node))
  child: drain: pool.drain(node: "z")
  child: run: grandchild(node: "z")

6 steps: 3 would change something, 1 would fail, 2 without a change
plan ...
TEXT
  ok($said =~ $want && $exit == 0, 'child runs show their own plan, one level deep') or diag("exit $exit\n$said");
  my ($planned) = $said =~ /^plan ([0-9a-f]{64})$/m;
  run_quietly($stepwise, 'run', "$there/parent.rb", '--journal', "$there/j.db");
  my ($events) = run_quietly($stepwise, 'journal', 'export', '--journal', "$there/j.db");
  my ($started) = grep { $_->{kind} eq 'run.started' } map { decode_json($_) } grep { /^\{/ } split /\n/, $events;
  is($started->{data}{plan}, $planned, 'the plan of a family is that of its run');
  # --only and --from choose steps: child runs before them, or beside the one, are passed over.
  write_file("$there/chosen.rb", qq{runbook "chosen" do\n  step "A" do\n    note "a"\n  end\n  r = run "grandchild", node: "x"\n  step "B" do\n    note "b"\n  end\n  run "grandchild", node: "y"\n  step "C" do\n    note "\#{r.state}"\n  end\nend\n});
  for my $case (['--only', 'b', 2], ['--from', 'b', 1]) {
    my ($option, $id, $passed) = @$case;
    my @args = ("$there/chosen.rb", $option, $id, '--skip', 'c', '--reason', 'a test', '--journal', "$there/chosen$option.db");
    ($said, $exit) = run_quietly($stepwise, 'plan', @args);
    is(scalar(() = $said =~ /a run of grandchild: passed over: /g), $passed, "$option: the plan passes over child runs") or diag($said);
    ($said, $exit) = run_quietly($stepwise, 'run', @args);
    ok($exit == 0 && $passed == (() = $said =~ /the run of grandchild is passed over/g) && (() = $said =~ /^grandchild +\| grandchild$/mg) == 2 - $passed, "$option: and so does the run") or diag($said);
  }
  ($said, $exit) = run_quietly($stepwise, 'run', "$there/chosen.rb", '--from', 'b', '--journal', "$there/chosen.db");
  ok($exit == 3 && $said =~ /step c reads `r`, which the run of grandchild would set, and that is passed over/, 'a result that is missed is missed before the start') or diag($said);

  write_file("$there/child.rb", "runbook \"child\" do\n  nonsense\nend\n");
  ($said, $exit) = run_quietly($stepwise, 'plan', "$there/parent.rb");
  ok($exit == 3, 'a child with errors') or diag($said);

  write_file("$there/beside.rb", <<'RUBY');
runbook "beside" do
  use "pool"
  parallel at_once: 2 do
    step "Reads" do
      note "#{pool.size}"
    end
    step "Writes" do
      pool.reboot(node: "b")
      irreversible "a test"
    end
  end
  each_of ["m", "n"], at_once: 2 do |x|
    step "Each" do
      pool.reboot(node: x)
      irreversible "a test"
    end
  end
end
RUBY
  ($said, $exit) = run_quietly($stepwise, 'plan', "$there/beside.rb");
  like($said, qr/^side by side, 2 at once:\n   1  no change   Reads.*\n +reads +pool.size: unknown until run \(pool is changed beside this\)$/m, 'what another branch changes is not read');
  like($said, qr/^each of \["m", "n"\]: 2 items, 2 at once\n   3  CHANGE      Each  \(each\[m\]\)$/m, 'items at once');
}

# --- the plan's name is the run's ---

{
  write_file("$dir/lib.rb", $pool);
  write_file("$dir/sha.rb", qq{runbook "sha" do\n  use "lib"\n  step "A" do\n    note "\#{pool.size}"\n  end\nend\n});
  my ($said) = run_quietly($stepwise, 'plan', "$dir/sha.rb", '--journal', "$dir/sha.db");
  my ($planned) = $said =~ /^plan ([0-9a-f]{64})$/m;
  run_quietly($stepwise, 'run', "$dir/sha.rb", '--journal', "$dir/sha.db");
  my ($events) = run_quietly($stepwise, 'journal', 'export', '--journal', "$dir/sha.db");
  my ($started) = grep { $_->{kind} eq 'run.started' } map { decode_json($_) } grep { /^\{/ } split /\n/, $events;
  is($started->{data}{plan}, $planned, 'plan and run.started have the same SHA-256');
  my ($there) = run_quietly('sh', '-c', "cd '$dir' && exec '$stepwise' plan sha.rb --json");
  is(decode_json((split /\n/, $there)[-1])->{plan}, $planned, 'wherever it is called from');
  write_file("$dir/lib.rb", "$pool# changed\n");
  ($said) = run_quietly($stepwise, 'plan', "$dir/sha.rb");
  unlike($said, qr/^plan $planned$/m, 'a changed module is another plan');
}

# --- looks ---

{
  my ($said) = plan_of(qq{runbook "evil" do\n  input :x, :string\n  step "S \#{input.x}" do\n    note "a \#{input.x}"\n    pool.drain(node: input.x)\n    irreversible input.x\n  end\nend\n}, '--set', "x=\e[31m\x{202e}red\n\rline");
  unlike($said, qr/[\e\r]|\xe2\x80\xae/, 'no text steers the terminal');
  my $many = join ', ', 1 .. 30;
  ($said) = plan_of(qq{runbook "many" do\n  each_of [$many] do |n|\n    step "Do" do\n      pool.drain(node: "n\#{n}")\n      irreversible "a test"\n    end\n  end\nend\n});
  ok($said =~ /\(do\[10\]\)\n.*\n.*\n  \.\.\. and 20 more items, planned in the same way; --all shows them\n/ && $said =~ /^30 steps: 30 would change/m, 'a long loop is cut short, and counted') or diag($said);
  ($said) = plan_of(qq{runbook "many" do\n  each_of [$many] do |n|\n    step "Do" do\n      pool.drain(node: "n\#{n}")\n      irreversible "a test"\n    end\n  end\nend\n}, '--all');
  like($said, qr/\(do\[30\]\)/, '--all shows all');
}

# --- the runbooks that are shipped ---

{
  my ($said, $exit) = run_quietly($stepwise, 'plan', 'runbooks/imports/spreadsheet-import.rb', '--journal', "$dir/none.db",
    '--set', 'file=examples/data/sign-ups.csv', '--set', "database=$dir/people.db", '--set', 'create=true');
  ok($exit == 0 && $said =~ /6 steps: 2 would change something, 4 without a change\n/ && !-e "$dir/people.db", 'the spreadsheet import') or diag($said);
  like($said, qr/undone by:\n +if staged: unknown until run\n +calls +imports.discard/, 'and its way back');
}

SKIP: {
  skip 'no /dev/full', 1 unless -c '/dev/full';
  my ($said, $exit) = run_quietly('sh', '-c', "exec $stepwise plan $dir/case1.rb --journal $dir/none.db >/dev/full");
  ok($exit == 1 && $said =~ /cannot write the plan/, 'half a plan does not look like one') or diag("$exit $said");
}

done_testing;
