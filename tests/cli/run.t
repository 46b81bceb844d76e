#!/usr/bin/perl
# stepwise run, runs, show as commands: usage, selection, JSON, locks, the journal, signals, terminals.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use Runs;
use File::Temp 'tempdir';
use IO::Handle;
use JSON::PP;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $plain = <<'RUBY';
runbook "plain" do
  title "Plain"
  step "One" do
    note "first"
  end
  step "Two" do
    note "second"
  end
  step "Three" do
    note "third"
  end
end
RUBY
write_file("$dir/plain.rb", $plain);
my $journal = "$dir/j.db";
sub stepwise { return run_quietly($stepwise, @_) }
sub run_plain { return stepwise('run', "$dir/plain.rb", '--journal', $journal, @_) }

# Usage: what is wrong is said, with what was meant, and nothing is run.
for my $case (
  [['run'], 2, qr/name the runbook's file/],
  [['run', 'a.rb', 'b.rb'], 2, qr/one runbook at a time/],
  [['run', 'a.rb', '--jurnal', 'x'], 2, qr/no option --jurnal; did you mean --journal\?/],
  [['run', 'a.rb', '--set'], 2, qr/--set needs a value/],
  [['run', 'a.rb', '--set', 'x'], 2, qr/--set wants NAME=VALUE/],
  [['run', 'a.rb', '--skip', 'x'], 2, qr/--skip needs --reason/],
  [['run', 'a.rb', '--from', 'x', '--only', 'y'], 2, qr/exclude each other/],
  [['run', 'a.rb', '--json=1'], 2, qr/--json takes no value/],
  [['run', "$dir/none.rb"], 3, qr/cannot read .*none\.rb: No such file/],
  [['run', $dir], 3, qr/it is a directory/],
  [['run', 'a.rb', '--set', 'x=1', '--set', 'y=1', '--set', 'x=2'], 2, qr/--set gives x twice/],
  [['run', 'a.rb', '--skip', 'x', '--reason', ' '], 2, qr/--skip needs a reason; the one given is empty/],
  [['run', "$dir/plain.rb", '--only', 'two[web-1]', '--journal', "$dir/usage.db"], 3, qr/items of an each_of cannot be chosen singly/],
  [['lint', '--help'], 0, qr/^usage: stepwise lint /],
  [['journal', 'tail', '--help'], 0, qr/^usage: stepwise journal /],
  [['run', 'a.rb', '--help'], 0, qr/^usage: stepwise run /],
  [['runs', '--state', 'happy'], 2, qr/no state 'happy'/],
  [['runs', '--last', 'x'], 2, qr/--last wants a number/],
  [['show', 'a', 'b'], 2, qr/unexpected 'b'/],
) {
  my ($said, $exit) = stepwise(@{$case->[0]});
  ok($exit == $case->[1] && $said =~ $case->[2], "stepwise @{$case->[0]}" =~ s/\Q$dir\E/DIR/gr) or diag("exit $exit\n$said");
}

# Selection of steps.
my ($said, $exit) = run_plain('--only', 'two');
is($exit, 0, '--only');
like($said, qr/One \.+ skipped\n.*not the step of --only.*second.*Three \.+ skipped/s, 'runs that one');
($said) = run_plain('--from', 'two');
ok($said !~ /first/ && $said =~ /second.*third/s, '--from begins there') or diag($said);
($said) = run_plain('--skip', 'two', '--reason', 'done by hand');
ok($said !~ /second/ && $said =~ /skipped\n +done by hand/ && $said =~ /third/, '--skip passes over one, with its reason') or diag($said);
($said, $exit) = run_plain('--only', 'tow');
ok($exit == 3 && $said =~ /no step 'tow'.*did you mean 'two'/s, 'a step that does not exist') or diag("$exit $said");

# A variable that a passed step would have set is missed before anything runs.
write_file("$dir/vars.rb", <<'RUBY');
runbook "vars" do
  input :all, :boolean, default: false
  step "Count" do
    n = 3
  end
  step "Maybe" do
    note "n #{n}" if input.all
  end
  step "Tell" do
    note "n is #{n}"
  end
end
RUBY
for my $how (['--skip', 'count', '--reason', 'x'], ['--from', 'tell'], ['--only', 'tell']) {
  ($said, $exit) = stepwise('run', "$dir/vars.rb", '--journal', "$dir/vars.db", @$how);
  ok($exit == 3 && $said =~ /step tell reads `n`, which step count would set/ && $said !~ /\[1/, "a variable without its step: $how->[0]") or diag("$exit $said");
}
for my $how (['--skip', 'tell', '--reason', 'x'], ['--only', 'maybe'], ['--from', 'count']) {
  ($said, $exit) = stepwise('run', "$dir/vars.rb", '--journal', "$dir/vars.db", @$how);
  ok($exit == 0, "and nothing is said without need: @$how") or diag("$exit $said");
}

# How to look at it afterwards: the command as it works, where there is something to look at.
($said) = run_plain();
like($said, qr/^look: stepwise show \S+ --journal \Q$journal\E$/m, 'what to look with names the journal');
mkdir "$dir/it's here";
($said) = stepwise('run', "$dir/plain.rb", '--journal', "$dir/it's here/j.db");
my ($look) = $said =~ /^look: stepwise (show .*)$/m;
is(system('sh', '-c', "$stepwise $look >/dev/null 2>&1"), 0, 'as a shell takes it') or diag($said);

# Events that nobody can have.
SKIP: {
  skip 'no /dev/full', 2 unless -c '/dev/full';
  for my $case (['--json', 'the events'], ['', 'the output']) {
    my ($option, $what) = @$case;
    ($said, $exit) = run_quietly('sh', '-c', "exec $stepwise run $dir/plain.rb $option --journal $dir/full-out.db >/dev/full");
    ok($exit == 1 && $said =~ /cannot write $what: .*; the journal has what was done/, "$what cannot be printed: the run ends with an error") or diag("$exit $said");
  }
}

# Nothing is shown as nil, now and later.
write_file("$dir/nil.rb", "runbook \"nil\" do\n  step \"S\" do\n    show nil\n    show nil, as: \"x\"\n  end\nend\n");
($said) = stepwise('run', "$dir/nil.rb", '--journal', "$dir/nil.db");
like($said, qr/^ +nil\n +x: nil$/m, 'show nil');
($said) = stepwise('show', '--journal', "$dir/nil.db");
like($said, qr/ +nil\n.* +x: nil$/m, 'and stepwise show');

# What is shown beside a failure fits 80 columns.
my $wide = 'y' x 60;
for my $n (40 .. 44) {
  write_file("$dir/wide.rb", "runbook \"wide\" do\n" . "\n" x 7 . "  step \"S\" do\n    a = [" . '1, ' x $n . "2]\n    fail! :broken, \"x\" if a.size > 1 && \"$wide" . 'z' x ($n - 40) . "\" != \"\"\n  end\nend\n");
  ($said) = stepwise('run', "$dir/wide.rb", '--journal', "$dir/wide.db");
  my @wide = grep { /^ +\d* \|/ && length > 80 } split /\n/, $said;
  ok($said =~ /^ +\d+ \|.*fail!/m && !@wide, 'the excerpt of a failure') or diag($said);
}

# Listing and showing.
($said) = stepwise('runs', '--journal', $journal);
my @rows = split /\n/, $said;
ok(@rows == 5 && $rows[0] =~ /^RUN +STATE/ && $rows[1] =~ /^\d{8}-\d{6}-\w{6}  succeeded /, 'runs lists them, whole ids') or diag($said);
my ($id) = $rows[1] =~ /^(\S+)/;
($said) = stepwise('show', $id, '--journal', $journal);
like($said, qr/^Plain\nrun $id of plain \(.*plain\.rb\)\nstarted .* UTC by /, 'show tells which run');
like($said, qr/options:\n +only +two/, 'and its options');
like($said, qr/Two  \(two\)\n\d\d:\d\d:\d\d +second\n/, 'and its steps');
for my $verb (['show'], ['journal', 'show']) {
  ($said, $exit) = stepwise(@$verb, '20', '--journal', $journal);
  my $all = $verb->[0] eq 'show';
  ok($all ? $exit == 3 && $said =~ /several runs/ : $exit == 0 && $said =~ /^event 20$/m, "@$verb with digits") or diag("$exit $said");
  ($said, $exit) = stepwise(@$verb, substr($id, 0, 4), '--journal', $journal);
  ok($exit == 3 && $said =~ /several runs in .* begin with/, "@$verb of several runs") or diag("$exit $said");
}
($said, $exit) = stepwise('show', 'nothing', '--journal', $journal);
ok($exit == 3 && $said =~ /nothing/, 'a run that does not exist');
($said) = stepwise('runs', '--state', 'held', '--journal', $journal);
like($said, qr/^no runs/, 'none of that state');

# JSON: one object for each event on stdout, people's text on stderr.
{
  my $out = `$stepwise run $dir/plain.rb --journal $journal --json 2>$dir/err`;
  my @events = map { decode_json($_) } split /\n/, $out;
  is_deeply([map { $_->{kind} } @events],
            ['run.started', ('step.started', 'noted', 'step.finished') x 3, 'run.succeeded'], '--json prints every event');
  ok(!(grep { !$_->{seq} || !$_->{time_us} || !$_->{actor} || ref $_->{data} ne 'HASH' } @events), 'whole');
  like(read_file("$dir/err"), qr/\[1\/3\] One/, 'and people read stderr');
  my ($shown) = stepwise('show', '--json', '--journal', $journal);
  is(scalar(split /\n/, $shown), scalar(@events), 'show --json gives the same events');
}

# Standard input as the runbook.
$said = `$stepwise run - --journal $journal <$dir/plain.rb 2>&1`;
like($said, qr/third\n/, 'a runbook from standard input');

# Modules beside the file.
write_file("$dir/far.rb", "binding :far, \"Far\" do\n  action :go, effect: :read do\n    gives :integer\n  end\nend\n"
    . "driver :near, for: :far, default: true do\n  perform(:go) { 41 + 1 }\nend\n");
write_file("$dir/uses.rb", "runbook \"uses\" do\n  use \"far\"\n  step \"Go\" do\n    show far.go\n  end\nend\n");
($said, $exit) = stepwise('run', "$dir/uses.rb", '--journal', $journal);
ok($exit == 0 && $said =~ /^ +42$/m, 'use finds a file beside the runbook') or diag($said);
write_file("$dir/uses.rb", "runbook \"uses\" do\n  use \"fra\"\n  step \"Go\" do\n    show 1\n  end\nend\n");
($said, $exit) = stepwise('run', "$dir/uses.rb", '--journal', $journal);
ok($exit == 3 && $said =~ /no module 'fra'/, 'and says when there is none') or diag("$exit $said");
write_file("$dir/uses.rb", "runbook \"uses\" do\n  use \"../secret\"\n  step \"Go\" do\n    show 1\n  end\nend\n");
($said, $exit) = stepwise('run', "$dir/uses.rb", '--journal', $journal);
ok($exit == 3 && $said =~ /no module/, 'and looks nowhere above it') or diag("$exit $said");

# A schedule keeps nobody from running it now; one that is none is an error.
write_file("$dir/not.rb", "runbook \"not\" do\n  schedule \"0 8 * *\"\n  step \"A\" do\n    note \"a\"\n  end\nend\n");
($said, $exit) = stepwise('run', "$dir/not.rb", '--journal', $journal);
ok($exit == 3 && $said =~ /not a schedule: .*five fields/ && $said !~ /\[1/, 'a schedule of four fields') or diag($said);

# Locks.
write_file("$dir/lock.rb", "runbook \"lock\" do\n  lock \"the one\"\n  step \"Wait\" do\n    note \"in\"\n    wait 30.seconds\n  end\nend\n");
sub start_run {
  my ($file, @args) = @_;
  my $pid = open(my $from, '-|') // die;
  if (!$pid) {
    open STDIN, '<', '/dev/null';
    open STDERR, '>&', \*STDOUT;
    exec 'timeout', '--foreground', '60', $stepwise, 'run', $file, '--journal', $journal, @args;
  }
  return ($pid, $from);
}
sub read_until {
  my ($from, $want) = @_;
  my $seen = '';
  while (defined(my $c = getc $from)) { $seen .= $c; last if $seen =~ $want }
  return $seen;
}
sub finish {
  my ($pid, $from) = @_;
  local $/;
  my $rest = <$from> // '';
  close $from;
  return ($rest, $? & 127 ? 128 + ($? & 127) : $? >> 8);
}
{
  my ($pid, $from) = start_run("$dir/lock.rb");
  my $seen = read_until($from, qr/waiting /);
  ($said, $exit) = stepwise('run', "$dir/lock.rb", '--journal', $journal);
  ok($exit == 1 && $said =~ /another run holds the lock 'the one': run \S+, running, by \S+, begun .* ago/, 'a second run is told who holds the lock') or diag($said);
  # A signal at a safe place: the run has ended, and holds nothing.
  kill 'INT', $pid;
  my ($rest, $code) = finish($pid, $from);
  is($code, 130, 'an interrupted run ends with 130') or diag($seen . $rest);
  like($rest, qr/interrupted: stopping at the next safe place.*cancelled.*nothing was changed/s, 'and says what became of it');
  ($said) = stepwise('runs', '--last', '1', '--journal', $journal);
  like($said, qr/ cancelled /, 'as the journal has it');
}
{
  write_file("$dir/wrote.rb", "runbook \"wrote\" do\n  step \"Act\" do\n    pool.drain(node: \"x\")\n    wait 30.seconds\n    rollback { pool.restore node: \"x\" }\n  end\nend\n$pool");
  my ($pid, $from) = start_run("$dir/wrote.rb");
  my $seen = read_until($from, qr/waiting /);
  ($said) = stepwise('runs', '--last', '1', '--journal', $journal);
  like($said, qr/ running /, 'a live run is seen from elsewhere');
  kill 'TERM', $pid;
  my ($rest, $code) = finish($pid, $from);
  ok($code == 130 && $rest =~ /^held.*done and not undone, latest first: act/ms, 'after a write it is held') or diag("$code $seen$rest");
}

{
  my $compute = 'n = (1..9_000_000).map { |i| i.to_s.size }.sum';
  write_file("$dir/busy.rb", qq{runbook "busy" do
  step "Begin" do
    wait 1.millisecond
  end
  step "Compute" do
    $compute
    show n
  end
  step "Last" do
    wait 20.seconds
  end
end
});
  my ($pid, $from) = start_run("$dir/busy.rb");
  my $seen = read_until($from, qr/Compute/);
  kill 'INT', $pid;
  my ($rest, $code) = finish($pid, $from);
  ok($code == 130 && $rest !~ /Last/, 'a computation is interrupted') or diag("$code $seen$rest");
}

# Memory that runs out, at any allocation: code 9, and the journal is good.
{
  my @bad;
  for my $n (map { 1 + 61 * $_ } 0 .. 15) {
    local $ENV{STEPWISE_FAIL_ALLOC} = $n;
    ($said, $exit) = run_plain();
    push @bad, "$n: $exit $said" unless $exit == 9 && $said =~ /out of memory/ || $exit == 0;
  }
  is("@bad", '', 'memory that runs out ends the run with code 9');
}

# The journal.
($said, $exit) = stepwise('run', "$dir/plain.rb", '--journal', "$dir/plain.rb");
ok($exit == 9 && $said !~ /\[1/, 'a journal that is none: code 9, nothing is run') or diag("$exit $said");
($said, $exit) = stepwise('run', "$dir/plain.rb", '--journal', "$dir/no/such/dir/j.db");
ok($exit == 9 && $said !~ /\[1/, 'a journal that cannot be made') or diag("$exit $said");
{
  local $ENV{STEPWISE_JOURNAL} = "$dir/other.db";
  stepwise('run', "$dir/plain.rb");
  ok(-s "$dir/other.db", 'STEPWISE_JOURNAL says where it is');
  delete $ENV{STEPWISE_JOURNAL};
  local $ENV{XDG_STATE_HOME} = "$dir/state";
  stepwise('run', "$dir/plain.rb");
  ok(-s "$dir/state/stepwise/journal.db", 'else it is in the state directory');
}

# A journal that cannot grow: no new write is begun.
SKIP: {
  skip 'no limit on the size of files here', 1 if system('sh', '-c', 'ulimit -f 100 2>/dev/null') != 0;
  write_file("$dir/full.rb", "runbook \"full\" do\n  step \"Fill\" do\n    text = \"x\" * 400_000\n    note text\n    pool.drain(node: \"one\")\n    rollback { pool.restore node: \"one\" }\n  end\n"
      . "  step \"More\" do\n    pool.drain(node: \"two\")\n    irreversible \"no\"\n  end\nend\n$pool");
  ($said, $exit) = run_quietly('sh', '-c', "ulimit -f 300; exec $stepwise run $dir/full.rb --journal $dir/full.db --json >$dir/full.out");
  ok($exit == 9 && $said =~ /journal/ && $said !~ /drain: done/, 'a full disk: code 9, and no write is begun') or diag("$exit " . substr($said, -600));
}

SKIP: {
  skip 'no limit on the size of files here', 1 if system('sh', '-c', 'ulimit -f 100 2>/dev/null') != 0;
  write_file("$dir/spare.rb", <<"RUBY");
runbook "spare" do
  on_failure :rollback
  step "First" do
    pool.drain(node: "one")
    rollback do
      note "x" * 130_000
      pool.restore node: "one"
    end
  end
  step "Second" do
    fail! :broken, "late"
  end
end
$pool
RUBY
  ($said, $exit) = run_quietly('sh', '-c', "ulimit -f 300; exec $stepwise run $dir/spare.rb --journal $dir/spare.db");
  my ($file) = glob "$dir/spare.db.spare-*.jsonl";
  my @kinds = map { decode_json($_)->{kind} } split /\n/, read_file($file // "$dir/none") // '';
  ok($exit == 9 && $said =~ /pool\.restore: done/ && $said =~ /what the rollback did is in/
       && "@kinds" =~ /^rollback\.started noted action\.started action\.finished rollback\.finished/,
     'a full disk does not stop a rollback; a file beside the journal keeps its events') or diag("$exit @kinds\n" . $said =~ s/x{99,}/x/gr);
}

# The outcome of an action waits for the next commit; when that fails people are told of it.
SKIP: {
  skip 'no limit on the size of files here', 4 if system('sh', '-c', 'ulimit -f 100 2>/dev/null') != 0;
  write_file("$dir/lost.rb", "runbook \"lost\" do\n  step \"First\" do\n    pool.drain(node: \"one\")\n    note \"x\" * 400_000\n    rollback { pool.restore node: \"one\" }\n  end\n"
      . "  step \"More\" do\n    pool.drain(node: \"two\")\n    irreversible \"no\"\n  end\nend\n$pool");
  ($said, $exit) = run_quietly('sh', '-c', "ulimit -f 300; exec $stepwise run $dir/lost.rb --journal $dir/lost.db");
  ok($exit == 9 && $said =~ /^stopped: .*no room/m && $said =~ /the intent, not the outcome, of: pool\.drain \(done, step first\)/,
     'what was done and not recorded is named') or diag("$exit " . $said =~ s/x{99,}/x/gr);
  ok($said =~ /^ *look: /m, 'and its run can be looked at') or diag($said =~ s/x{99,}/x/gr);
  write_file("$dir/never.rb", "runbook \"never\" do\n  input :t, :string\n  step \"One\" do\n    pool.drain(node: \"one\")\n    note input.t\n    irreversible \"no\"\n  end\nend\n$pool");
  write_file("$dir/never.json", encode_json({t => 'x' x 400_000}));
  ($said, $exit) = run_quietly('sh', '-c', "ulimit -f 300; exec $stepwise run $dir/never.rb --inputs $dir/never.json --journal $dir/never.db");
  ok($exit == 9 && $said !~ /look:/, 'a run that was never recorded cannot') or diag("$exit " . $said =~ s/x{99,}/x/gr);
  write_file("$dir/end.rb", "runbook \"end\" do\n  step \"One\" do\n    note \"x\" * 400_000\n  end\nend\n");
  ($said, $exit) = run_quietly('sh', '-c', "ulimit -f 300; exec $stepwise run $dir/end.rb --journal $dir/end.db");
  ok($exit == 9 && $said =~ /^(?:not recorded.*the run did all its steps, but the journal does not have it|stopped): .*no room/ms && $said !~ /^succeeded/m,
     'an end that is not recorded is no success') or diag("$exit " . $said =~ s/x{99,}/x/gr);
}

# A terminal.
SKIP: {
  skip 'needs python3', 4 if system('python3 -c "import pty" 2>/dev/null') != 0;
  write_file("$dir/tty.rb", <<'RUBY');
runbook "tty" do
  input :who, :string, about: "who"
  step "Ask" do
    n = ask "How many?", :integer
    confirm "Sure?"
    word = choose "Which?", ["red", "green"], suggest: "green"
    note "#{input.who} #{n} #{word}"
    secret_word = ask "Word?", :secret
    note "got #{secret_word}"
  end
  step "Gate" do
    approve "Go", by: :lead
    note "through"
  end
end
RUBY
  write_file("$dir/terminal.py", <<'PYTHON');
import os, pty, sys, select
def run(args, answers):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "dumb"
        os.execv(args[0], args)
    seen, at = b"", 0
    while True:
        ready, _, _ = select.select([fd], [], [], 30)
        if not ready: break
        try: got = os.read(fd, 4096)
        except OSError: break
        if not got: break
        seen += got
        while answers and answers[0][0].encode() in seen[at:]:
            at += seen[at:].index(answers[0][0].encode()) + len(answers[0][0])
            os.write(fd, answers.pop(0)[1].encode())
    _, status = os.waitpid(pid, 0)
    sys.stdout.buffer.write(seen.replace(b"\r", b""))
    sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 99)
exec(open(sys.argv[1]).read())
PYTHON
  write_file("$dir/good.py", qq{run(["$stepwise", "run", "$dir/tty.rb", "--journal", "$journal"], [("who (who", "kim\\n"), ("How many?", "x\\n"), ("How many?", "3\\n"), ("Sure?", "maybe\\n"), ("Sure?", "y\\n"), ("number or text", "\\n"), ("Word?", "hunter2\\n"), ("approve or deny", "perhaps\\n"), ("approve or deny", "approve\\n"), ("your name", "lee\\n")])\n});
  ($said, $exit) = run_quietly('python3', "$dir/terminal.py", "$dir/good.py");
  ok($exit == 0 && $said =~ /kim 3 green/ && $said =~ /through/, 'a person is asked, and asked again') or diag("$exit $said");
  ok($said =~ /answer yes or no/ && $said !~ /hunter2/, 'what is secret is not shown') or diag($said);
  write_file("$dir/int.py", qq{run(["$stepwise", "run", "$dir/tty.rb", "--journal", "$journal", "--set", "who=x"], [("How many?", "\\x03")])\n});
  ($said, $exit) = run_quietly('python3', "$dir/terminal.py", "$dir/int.py");
  ok($exit == 130 && $said =~ /cancelled/ && $said =~ /^interrupted: /m, 'Ctrl-C at a question') or diag("$exit $said");
  write_file("$dir/eof.py", qq{run(["$stepwise", "run", "$dir/tty.rb", "--journal", "$journal", "--set", "who=x"], [("How many?", "\\x04")])\n});
  ($said, $exit) = run_quietly('python3', "$dir/terminal.py", "$dir/eof.py");
  ok($exit == 4 && $said =~ /waiting.*: the terminal's input has ended/, 'the end of input') or diag("$exit $said");
}

($said, $exit) = stepwise('journal', 'verify', '--journal', $journal);
is($exit, 0, 'after all this the journal is good') or diag($said);
done_testing;
