#!/usr/bin/env perl
# What operators say to runs from any terminal: each verb on each state, said twice, contradicted.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use Runs;
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;
use Time::HiRes 'sleep';

my $dir = tempdir(CLEANUP => 1);
our $journal;
my $count = 0;

# A write that takes long enough to be killed in its middle, and two others.
my $mill = <<'RUBY';
binding :mill, "A mill" do
  action :grind, effect: :write do
    takes :n, :integer
    gives :flour, :integer
    gives :kind, :symbol, one_of: [:fine, :coarse]
  end
  action :weigh, effect: :write do
    takes :n, :integer
    gives :integer
  end
  action :stop, effect: :write do
    takes :n, :integer
  end
end
driver :stone, for: :mill, default: true do
  perform :grind do |n|
    { flour: (1..n).count { |x| (1..5000).count { |y| y % 3 == 1 } > 5 }, kind: "fine" }
  end
  perform(:weigh) { |n| (1..n).count { |x| (1..5000).count { |y| y % 3 == 1 } > 5 } }
  perform(:stop) { |n| (1..n).each { |x| (1..5000).count { |y| y % 3 == 1 } } }
end
RUBY

sub first_step { "  step \"First\" do\n    pool.drain node: \"web-1\"\n    rollback { pool.restore node: \"web-1\" }\n  end\n" }

# A runbook in a journal of its own.
sub runbook {
  my ($text) = @_;
  $count++;
  $journal = "$dir/$count.db";
  write_file("$dir/r$count.rb", "runbook \"book\" do\n$text\nend\n$pool$mill");
  return "$dir/r$count.rb";
}
sub verb { return run_quietly($stepwise, @_, '--journal', $journal) }
sub ended { my ($text, @more) = @_; return run_quietly($stepwise, 'run', runbook($text), '--journal', $journal, @more) }

# Runs it and kills the process while the action is under way.
sub killed {
  my ($text, $action) = @_;
  my $file = runbook($text);
  my $pid = fork // die;
  if (!$pid) {
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', '/dev/null';
    open STDERR, '>&', \*STDOUT;
    exec $stepwise, 'run', $file, '--journal', $journal or die;
  }
  for (1 .. 400) {
    sleep 0.05;
    my ($said) = -e $journal ? verb('journal', 'tail', '-n', 1, '--json') : '';
    last if $said =~ /"kind":"action.started".*"action":"$action"/;
  }
  kill 'KILL', $pid;
  waitpid $pid, 0;
}
sub kinds { return map { $_->{kind} } grep { $_->{run} } events_of() }
sub events_of { my ($said) = run_quietly($stepwise, 'journal', 'export', '--journal', $journal); return map { decode_json($_) } grep { /^\{/ } split /\n/, $said }
sub state_of { my ($said) = verb('runs', '--json'); return $said =~ /"state":"(\w+)"/ ? $1 : $said }

# says NAME, code, pattern, command...: one command, its exit code, what it says.
sub says {
  my ($name, $code, $like, @command) = @_;
  my ($said, $exit) = verb(@command);
  ok($exit == $code && $said =~ $like, $name) or diag "exit $exit, not $code\n$said";
  return $said;
}
sub good { my ($said, $exit) = verb('journal', 'verify'); is($exit, 0, 'the journal verifies') or diag $said }

my $held = "  step \"Two\" do\n    expect 1 > 2, \"one is less\"\n  end\n";

# -- note --
ended(first_step());
says('note', 0, qr/^noted in run /, 'note', 'last', 'phoned kim');
says('the same again', 0, qr/^noted already$/, 'note', 'last', 'phoned kim');
is(scalar(grep { $_ eq 'run.noted' } kinds()), 1, 'is one note');
says('another note', 0, qr/^noted in/, 'note', 'last', 'kim phoned back');
says('an empty note', 2, qr/the text is empty/, 'note', 'last', "  \n");
says('a note that is no text', 2, qr/not text in UTF-8/, 'note', 'last', "\xff");
says('a note for no run', 2, qr/a run and a text/, 'note');
says('two texts', 2, qr/unexpected 'b'/, 'note', 'last', 'a', 'b');
my ($event) = says('--json gives the event', 0, qr/"kind":"run\.noted"/, 'note', 'last', 'third', '--json') =~ /^(\{.*)$/m;
is(decode_json($event)->{data}{text}, 'third', 'whole');

# -- runs that are not there --
my $id = (events_of())[1]{run};
my $off = $id =~ s/.$/-/r;
says('an unknown run', 3, qr/no run $off in .*\n.*did you mean $id\?/, 'note', $off, 'x');
says('an id by its end', 3, qr/did you mean $id\?/, 'note', substr($id, -5), 'x');
says('several runs', 3, qr/several runs/, 'note', '20', 'x') if ended_again();
sub ended_again { return (run_quietly($stepwise, 'run', "$dir/r$count.rb", '--journal', $journal))[1] == 0 }
{
  local $journal = "$dir/gone.db";
  says('a journal that is not there', 9, qr/gone\.db/, 'note', 'last', 'x');
  ok(!-e $journal, 'is not made');
}

# -- seal --
says('seal', 0, qr/is sealed as succeeded/, 'seal', 'last', '--reason', 'reviewed');
says('the same again', 0, qr/^sealed already by \S+ at .*: reviewed$/, 'seal', 'last');
says('a note after it', 0, qr/^noted/, 'note', 'last', 'still');
says('no cancel after it', 1, qr/has succeeded, by/, 'cancel', 'last', '--reason', 'x');
good();
ended($held);
is(state_of(), 'held', 'a held run');
says('is not sealed', 1, qr/has not ended: it is held\nhelp: .*stepwise show/, 'seal', 'last');

# -- take-over --
says('take-over wants a reason', 2, qr/needs --reason/, 'take-over', 'last');
says('who has it already', 0, qr/operates run \S+ already/, 'take-over', 'last', '--reason', 'shift');
ended(first_step());
says('nothing to take over', 1, qr/has succeeded, by .*\nhelp: /, 'take-over', 'last', '--reason', 'x');

# -- cancel without a process --
ended($held);
says('cancel wants a reason', 2, qr/needs --reason/, 'cancel', 'last');
says('cancel wants one that says something', 2, qr/the reason is empty/, 'cancel', 'last', '--reason', ' ');
says('cancel', 0, qr/is cancelled\nnothing was changed$/m, 'cancel', 'last', '--reason', 'not today');
is(state_of(), 'cancelled', 'the run is cancelled');
says('the same again', 0, qr/^cancelled already by \S+ at .*: not today$/, 'cancel', 'last', '--reason', 'not today');
says('abandoning it contradicts', 1, qr/was cancelled by .*not today/, 'abandon', 'last', '--reason', 'x');
ended(first_step() . $held);
says('cancel of what has effects', 0, qr/done and not undone, latest first: first\nundo it: stepwise rollback \S+ --journal/, 'cancel', 'last', '--reason', 'enough');
says('with --rollback it contradicts', 1, qr/was cancelled by.*\nhelp: .*stepwise rollback/, 'cancel', 'last', '--reason', 'enough', '--rollback');
good();

# -- abandon --
ended(first_step() . $held);
says('abandon', 0, qr/ends as failed\ndone and not undone, latest first: first/, 'abandon', 'last', '--reason', 'the pool is gone');
is(state_of(), 'failed', 'the run has failed');
says('the same again', 0, qr/^abandoned already by .*: the pool is gone$/, 'abandon', 'last', '--reason', 'gone');
says('cancelling it contradicts', 1, qr/has failed, by .*the pool is gone/, 'cancel', 'last', '--reason', 'x');
good();

# -- doubts --
my $grind = "  step \"Grind\" do\n    r = mill.grind(n: 900000)\n    show r.flour\n    irreversible \"ground\"\n  end\n";
killed(first_step() . $grind, 'grind');
says('cancel of what is in doubt', 5, qr{may have done what nobody knows of: grind/mill\.grind\nhelp: .*mark-done}, 'cancel', 'last', '--reason', 'x');
says('no result', 3, qr/--result is missing\nhelp: mill\.grind gives \{"flour": integer, "kind": symbol\}/, 'mark-done', 'last');
says('no JSON', 3, qr/the result is no JSON object/, 'mark-done', 'last', '--result', 'twelve');
says('a missing field', 3, qr/the result lacks kind/, 'mark-done', 'last', '--result', '{"flour": 12}');
says('an unknown field', 3, qr/no field kid; did you mean kind\?/, 'mark-done', 'last', '--result', '{"flour": 12, "kid": "fine"}');
says('a wrong type', 3, qr/flour must be an integer/, 'mark-done', 'last', '--result', '{"flour": "much", "kind": "fine"}');
says('a wrong choice', 3, qr/kind cannot be rough\nhelp: .*one of: fine, coarse/, 'mark-done', 'last', '--result', '{"flour": 12, "kind": "rough"}');
says('an action that is not in doubt', 3, qr{no action pool\.drain of run .* in doubt\nhelp: in doubt: grind/mill\.grind \(\w{8}\)}, 'mark-done', 'last', 'pool.drain', '--not-done', '--reason', 'x');
says('--not-done wants a reason', 2, qr/needs --reason/, 'mark-done', 'last', '--not-done');
says('not both', 2, qr/exclude each other/, 'mark-done', 'last', '--not-done', '--result', '1', '--reason', 'x');
says('mark-done', 0, qr{^grind/mill\.grind was done\ngo on: stepwise resume \S+ --journal}, 'mark-done', 'last', 'grind/mill.grind', '--result', '{"flour": 12, "kind": "fine"}');
is(state_of(), 'waiting', 'the run waits to be resumed');
my ($settled) = grep { $_->{kind} eq 'action.settled' } events_of();
is_deeply($settled->{data}{result}, {'$record' => {flour => 12, kind => {'$symbol' => 'fine'}}}, 'the result has its types');
ok($settled->{step} eq 'grind' && $settled->{data}{as} eq 'done' && $settled->{data}{by} eq 'operator' && $settled->{data}{key} =~ /^[0-9a-f]{64}$/, 'and the event says which action');
says('the same again', 0, qr/settled so already, by /, 'mark-done', 'last', '--result', '{"kind": "fine", "flour": 12}');
says('another result', 1, qr/was settled as done with \{"flour":12,"kind":"fine"\}, by \S+ at/, 'mark-done', 'last', '--result', '{"flour": 13, "kind": "fine"}');
says('the contrary', 1, qr/was settled as done with/, 'mark-done', 'last', 'mill.grind', '--not-done', '--reason', 'looked');
good();

my $weigh = "  step \"Weigh\" do\n    w = mill.weigh(n: 900000)\n    show w\n    irreversible \"weighed\"\n  end\n";
killed($weigh, 'weigh');
my ($key) = map { $_->{data}{key} } grep { $_->{kind} eq 'action.started' } events_of();
says('a plain result of the wrong type', 3, qr/help: mill\.weigh gives integer/, 'mark-done', 'last', '--result', 'heavy');
says('an action by its key', 0, qr{^weigh/mill\.weigh was done}, 'mark-done', 'last', substr($key, 0, 6), '--result', '42', '--reason', 'read the scale');
killed($weigh, 'weigh');
says('not done', 0, qr{did not happen\ngo on: stepwise resume}, 'mark-done', 'last', 'weigh', '--not-done', '--reason', 'the scale is off');
says('said again', 0, qr/settled so already, by .*: the scale is off/, 'mark-done', 'last', 'weigh', '--not-done', '--reason', 'it is');
killed("  step \"Stop\" do\n    mill.stop n: 900000\n    irreversible \"stopped\"\n  end\n", 'stop');
says('no result where none is given', 3, qr/there is no result to give/, 'mark-done', 'last', '--result', '1');
says('done without a result', 0, qr{^stop/mill\.stop was done}, 'mark-done', 'last');
killed(first_step() . $weigh, 'weigh');
says('abandon with a doubt', 0, qr{nobody will know whether it happened: weigh/mill\.weigh\ndone and not undone, latest first: weigh \(begun\) \(cannot be undone\), first}, 'abandon', 'last', '--reason', 'no scale');
is_deeply([map { $_->{data}{as} } grep { $_->{kind} eq 'action.settled' } events_of()], ['abandoned'], 'the doubt is settled as abandoned');
is(state_of(), 'failed', 'and the run has failed');
good();

# -- runs that a process has --
# Starts one, waits until its journal has what matches, and returns its process.
sub live {
  my ($text, $like) = @_;
  my $file = runbook($text);
  my $pid = fork // die;
  if (!$pid) {
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', "$dir/out";
    open STDERR, '>&', \*STDOUT;
    exec $stepwise, 'run', $file, '--journal', $journal or die;
  }
  for (1 .. 400) {
    sleep 0.05;
    last if -e $journal && (verb('journal', 'tail', '-n', 1, '--json'))[0] =~ $like;
  }
  return $pid;
}
sub code_of { my ($pid) = @_; for (1 .. 400) { return $? >> 8 if waitpid($pid, 1) == $pid; sleep 0.05 } kill 'KILL', $pid; waitpid $pid, 0; return 'late' }
my $waits = "  step \"Wait\" do\n    wait 40.seconds\n    note \"went on\"\n  end\n";

my $pid = live(first_step() . $waits, qr/wait\.started/);
is(state_of(), 'running', 'a live run');
like((verb('runs', '--json'))[0], qr/"pid":$pid\b/, 'and who has it') if (verb('runs', '--json', '--last', 1))[0] =~ /pid/;
says('is not sealed', 1, qr/has not ended: it is running/, 'seal', 'last');
says('is not abandoned', 1, qr/is running: process $pid has it\nhelp: stop it: stepwise cancel/, 'abandon', 'last', '--reason', 'x');
says('has nothing in doubt', 3, qr/no action of run \S+ is in doubt/, 'mark-done', 'last', '--not-done', '--reason', 'x');
says('is noted', 0, qr/^noted/, 'note', 'last', 'from elsewhere');
says('is cancelled', 0, qr/is cancelled\ndone and not undone, latest first: first\nundo it: stepwise rollback/, 'cancel', 'last', '--reason', 'enough of it');
is(code_of($pid), 8, 'its process ends with code 8');
like(read_file("$dir/out"), qr/\S+@\S+ cancels it: .*cancelled by \S+@\S+: enough of it\n  done and not undone, latest first: first\n/s, 'and says who asked');
is((map { "$_->{data}{by} $_->{data}{reason}" } grep { $_->{kind} eq 'run.cancelled' } events_of())[0] =~ s/^\S+@\S+ //r, 'enough of it', 'the record has who and why');
says('the same again', 0, qr/^cancelled already by \S+@\S+ at .*: enough of it$/, 'cancel', 'last', '--reason', 'again');
good();

$pid = live(first_step() . $waits, qr/wait\.started/);
says('a live run is cancelled and rolled back', 0, qr/is cancelled and rolled back\nall that was done is undone/, 'cancel', 'last', '--reason', 'undo it', '--rollback');
is(code_of($pid), 6, 'its process ends with code 6');
is(state_of(), 'rolled_back', 'the run is rolled back');
says('the same again', 0, qr/^cancelled and rolled back already, asked for by .*: undo it$/, 'cancel', 'last', '--reason', 'undo it', '--rollback');
says('without --rollback it contradicts', 1, qr/was rolled back by/, 'cancel', 'last', '--reason', 'x');
good();

$pid = live($weigh, qr/action\.started/);
says('a write under way is finished first', 4, qr/process $pid is asked to cancel run \S+ and has not done so yet\nhelp: /, 'cancel', 'last', '--reason', 'now', '--wait', '0.2s');
says('asked twice, recorded once', 4, qr/has not done so yet/, 'cancel', 'last', '--reason', 'now', '--wait', '0.1s');
says('the contrary is refused meanwhile', 1, qr/is to be cancelled without a rollback, asked for by/, 'cancel', 'last', '--reason', 'now', '--rollback', '--wait', '0.1s');
is(scalar(grep { $_ eq 'run.cancel_requested' } kinds()), 1, 'one request');
kill 'KILL', $pid;
waitpid $pid, 0;
says('when the process is gone the verb does it', 5, qr{nobody knows of: weigh/mill\.weigh}, 'cancel', 'last', '--reason', 'now');
says('which waits for what is in doubt', 0, qr/did not happen/, 'mark-done', 'last', '--not-done', '--reason', 'the scale is off');
says('resume finds what was asked for', 8, qr/cancels it: .*cancelled by \S+@\S+: now/s, 'resume', 'last');
is(state_of(), 'cancelled', 'and the run is cancelled');
good();

# -- without a process, undone --
ended(first_step() . $held);
says('cancel --rollback of a held run', 0, qr/undo  First\n.*undone\n.*rolled_back after/s, 'cancel', 'last', '--rollback', '--reason', 'undo it');
is(state_of(), 'rolled_back', 'undoes it');
says('the same again', 0, qr/^rolled back already by/, 'cancel', 'last', '--rollback', '--reason', 'undo it');
ended($held);
says('with nothing to undo', 0, qr/is cancelled\nnothing was changed/, 'cancel', 'last', '--rollback', '--reason', 'x');

# -- what was settled is what the run goes on with --
killed(first_step() . $grind, 'grind');
says('settled', 0, qr/was done/, 'mark-done', 'last', '--result', '{"flour": 77, "kind": "coarse"}');
says('resumed', 0, qr/^ +77\n/m, 'resume', 'last');
my ($outputs) = map { $_->{data}{outputs} } grep { $_->{kind} eq 'step.finished' && $_->{step} eq 'grind' } events_of();
is_deeply($outputs, {r => {'$record' => {flour => 77, kind => {'$symbol' => 'coarse'}}}}, 'its outputs are those');
is(scalar(grep { $_->{kind} eq 'action.started' && $_->{data}{action} eq 'grind' } events_of()), 1, 'and nothing was done twice');
good();

# -- an id that several runs begin with --
ended($held);
verb('run', "$dir/r$count.rb");
for my $verb (['show'], ['resume'], ['note', 'x'], ['seal'], ['rollback', '--yes', '--reason', 'x'], ['cancel', '--reason', 'x']) {
  my ($name, @more) = @$verb;
  says("$name: an id that several runs begin with", 3, qr/several runs .* begin with 2/, $name, '2', @more);
}
done_testing;
