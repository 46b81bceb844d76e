#!/usr/bin/perl
# A step that was stopped in the middle of its body is undone, and the rollback is killed at writes to
# the journal, gone on with, and killed again. However the step was stopped: it goes forward no more,
# each action of its rollback happens once, in order, and the run ends as rolled back.
# $SWEEP = 1: every write; unset: some of them.
use strict;
use warnings;
use lib 'tests/lib';
use Fault;
use JSON::PP;
use Ledger;
use Stepwise;
use File::Temp 'tempdir';
use Test::More;
use Time::HiRes qw(sleep time);

# Step One ends, step Two is stopped where STOP stands. What its rollback does depends on what its
# body read and set before.
sub book {
  my ($stop, %more) = @_;
  my $head = $more{head} // '';
  my $undo = $more{undo} // '';
  my $two = <<"RUBY";
  step "Two" do
    two = ledger.put_probed(item: "two")
    at = now
    n = ledger.count(item: "two")
    wait 0.01.seconds
    $stop
    ledger.put(item: "never")
    rollback do
      began = now
      ledger.put_probed(item: "undo-#{two ? two.item : 'two'}")
      wait 0.01.seconds
      $undo
      seen = ledger.count(item: "two")
      ledger.put_by_key(item: "again-#{n == seen && at <= began}")
    end
  end
RUBY
  $two = "  parallel do\n$two$more{beside}\n  end\n" if $more{beside};
  return <<"RUBY";
runbook "stopped" do
  use "ledger"
  on_failure :rollback
  $head
  step "One" do
    one = ledger.put_probed(item: "one")
    rollback do
      ledger.put_probed(item: "undo-#{one.item}")
      wait 0.01.seconds
      ledger.put_by_key(item: "again-one")
    end
  end
$two
  on_failure do |failure|
    ledger.put_by_key(item: "told")
  end
end
RUBY
}

my $beside = qq{    step "Beside" do\n      wait 0.2.seconds\n      fail! :hot, "it is hot"\n    end};
my %cases = (
  branch    => { rb => book('wait 1.hour', beside => $beside) },
  failed    => { rb => book('ledger.look(item: "busy")', head => 'input :unused, :string, default: "x"'),
                 control => ['busy fail'] },
  killed    => { rb => book('ledger.put_unknown(item: "kill")'), control => ['kill kill'], doubt => 'not', begin => \&begin_run },
  done      => { rb => book('ledger.put_unknown(item: "kill")'), control => ['kill kill-after'], doubt => 'done', begin => \&begin_run, also => ['kill'] },
  killed_in_read => { rb => book("ledger.put_by_key(item: \"kept\")\n    ledger.look(item: \"sit\")"), control => ['sit kill'],
                      begin => \&begin_run, also => ['kept'] },
  asked     => { rb => book('confirm "Go?"', undo => 'sure = confirm "Undone?"'), begin => \&begin_run },
  signal    => { rb => book('wait 1.hour'), begin => sub { begin_signal('INT', @_) }, also => ['told'], told => 1 },
  gone      => { rb => book('wait 1.hour'), begin => sub { begin_signal('KILL', @_) } },
  looking   => { rb => book("wait_until within: 1.hour, every: 0.05.seconds do\n      ledger.count(item: \"none\") > 0\n    end"),
                 begin => sub { begin_signal('KILL', @_) } },
  cancelled => { rb => book('wait 1.hour'), live => 1 },
);

# --- how it comes to be stopped ---

sub begin_run {
  my ($dir, $rb, $journal) = @_;
  run_quietly($stepwise, 'run', $rb, '--journal', $journal);
}

# The run in the background, once it waits in step Two: its process.
sub in_background {
  my ($fault, $rb, $journal) = @_;
  my $pid = fork // die;
  if (!$pid) {
    $ENV{STEPWISE_FAULT} = $fault if $fault;
    open STDIN, '<', '/dev/null'; open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null';
    exec $faulty, 'run', $rb, '--journal', $journal or die;
  }
  my $until = time + 20;
  while (time < $until) {
    my @waits = -e $journal ? grep { $_->{kind} eq 'wait.started' && $_->{step} eq 'two' } journal_events($journal) : ();
    last if @waits > 1;
    sleep 0.05;
  }
  return $pid;
}

sub begin_signal {
  my ($signal, $dir, $rb, $journal) = @_;
  my $pid = in_background('', $rb, $journal);
  kill $signal, $pid;
  waitpid $pid, 0;
}

sub settle_doubt {
  my ($case, $dir, $journal) = @_;
  run_quietly($stepwise, 'resume', 'last', '--journal', $journal);
  my ($intent) = grep { $_->{kind} eq 'action.started' && ($_->{data}{action} // '') eq 'put_unknown' } journal_events($journal);
  my $key = $intent->{data}{key};
  my @how = $case->{doubt} eq 'done' ? ('--result', encode_json({ item => 'kill', key => $key })) : ('--not-done');
  return run_quietly($stepwise, 'mark-done', 'last', substr($key, 0, 16), @how, '--reason', 'looked', '--journal', $journal);
}

# --- and undone ---

sub undo_words { return ('rollback', 'last', '--yes', '--reason', 'test') }

sub copy_of {
  my ($from) = @_;
  my $dir = tempdir(CLEANUP => 1);
  system('cp', '-a', "$from/.", $dir) == 0 or die 'cp';
  return ($dir, "$dir/case.rb", "$dir/journal.db");
}

sub first_words {
  my ($case, $rb) = @_;
  return $case->{begin} ? undo_words() : ('run', $rb, '--virtual-clock');
}

sub bring_home {
  my ($dir, $journal, @faults) = @_;
  for my $round (1 .. 10) {
    my $rolling = grep { $_->{kind} eq 'run.rolling_back' } journal_events($journal);
    my $wanted = !-e "$dir/verb" || grep { $_->{kind} eq 'run.cancel_requested' } journal_events($journal);
    my @words = $wanted || ($rolling && $round % 2) ? ('resume', 'last') : undo_words();
    my ($said, $exit) = fault_run(shift @faults // '', @words, '--answers', "$dir/answers.json", '--journal', $journal);
    return if $exit == 6 || ($exit == 0 && $words[0] eq 'rollback');
    return "@words ended with $exit: $said" if $exit != 137;
    my ($state) = run_quietly($stepwise, 'runs', '--last', '1', '--json', '--journal', $journal);
    return if $state =~ /"state":"rolled_back"/;
  }
  return 'it does not come to an end';
}

sub problems_of {
  my ($case, $dir, $journal) = @_;
  my @problems = fault_problems($journal, ledger_lines($dir));
  my $want = join ' ', qw(one two), @{ $case->{also} // [] }, qw(undo-two again-true undo-one again-one), $case->{told} ? () : 'told';
  my $books = join ' ', map { (split)[1] } ledger_lines($dir);
  push @problems, "books: $books, not $want" if $books ne $want;
  my ($state) = run_quietly($stepwise, 'runs', '--last', '1', '--json', '--journal', $journal);
  push @problems, "state: $state" if $state !~ /"state":"rolled_back"/;
  return @problems;
}

sub prepare {
  my ($case) = @_;
  my ($dir, $rb, $journal) = ledger_room($case->{rb});
  write_file("$dir/answers.json", encode_json({ 'Undone?' => 'yes' }));
  ledger_control($dir, @{ $case->{control} // [] });
  write_file("$dir/verb", '') if $case->{begin} || $case->{live}; # until then nobody wants it undone
  return ($dir, $rb, $journal) if !$case->{begin};
  $case->{begin}->($dir, $rb, $journal);
  if ($case->{doubt}) {
    my ($said, $exit) = settle_doubt($case, $dir, $journal);
    is($exit, 0, 'what is in doubt is settled') or diag $said;
  }
  return ($dir, $rb, $journal);
}

# The run is live, and somebody elsewhere has it undone: its process does, and is killed.
sub try_live {
  my ($case, $fault) = @_;
  my ($dir, $rb, $journal) = prepare($case);
  my $pid = in_background($fault, $rb, $journal);
  run_quietly($stepwise, 'cancel', 'last', '--rollback', '--reason', 'test', '--journal', $journal);
  waitpid $pid, 0;
  return $? >> 8 if !$fault;
  my $killed = ($? & 127) == 9;
  return if $killed && !grep { $_->{kind} eq 'run.cancel_requested' } journal_events($journal); # too early
  my $problem = $killed ? bring_home($dir, $journal) : undef;
  return $problem ? ($problem) : problems_of($case, $dir, $journal);
}

sub sweep_live {
  my ($name, $case) = @_;
  my $count = tempdir(CLEANUP => 1) . '/count';
  local $ENV{STEPWISE_FAULT_COUNT} = $count;
  is(try_live($case, ''), 6, "$name: is rolled back");
  delete $ENV{STEPWISE_FAULT_COUNT};
  my ($writes) = (read_file($count) // '') =~ /writes (\d+)/ or return fail("$name: counted");
  my @points = grep { $_ > $writes / 2 } fault_points($writes, 4);
  my @problems = map { my $at = $_; map { "at $at: $_" } try_live($case, "kill:write:$at") } @points;
  is(join("\n", @problems), '', "$name: killed at writes of $writes");
}

for my $name (sort keys %cases) {
  my $case = $cases{$name};
  if ($case->{live}) {
    sweep_live($name, $case);
    next;
  }
  my ($from) = prepare($case);
  my ($dir, $rb, $journal) = copy_of($from);
  my $count = fault_counts(first_words($case, $rb), '--answers', "$dir/answers.json", '--journal', $journal);
  is($count->{exit}, $case->{begin} ? 0 : 6, "$name: is undone") or diag($count->{said}), next;
  is(join("\n", problems_of($case, $dir, $journal)), '', "$name: once, in order") or next;
  my @problems = fault_sweep(what => 'kill', operation => 'write', count => $count->{writes}, some => 3,
    each => sub {
      my ($fault, $n) = @_;
      my ($dir, $rb, $journal) = copy_of($from);
      my ($said, $exit) = fault_run($fault, first_words($case, $rb), '--answers', "$dir/answers.json", '--journal', $journal);
      my $begun = -e $journal && grep { $_->{kind} eq 'run.started' } journal_events($journal);
      return ledger_lines($dir) ? 'effects without a run' : () if !$begun;
      my $problem = $exit == 137 ? bring_home($dir, $journal, 'kill:write:' . ($n % 7 + 3)) : undef;
      return $problem ? ($problem) : problems_of($case, $dir, $journal);
    });
  is(join("\n", @problems), '', "$name: the undoing killed at writes of $count->{writes}");
}
{
  my ($dir, $rb, $journal) = prepare($cases{asked});
  fault_run('kill:write:60', undo_words(), '--answers', "$dir/answers.json", '--journal', $journal);
  ok((grep { $_->{kind} eq 'run.rolling_back' } journal_events($journal)), 'a rollback under way');
  for my $words (['--skip', 'two'], ['--from', 'two']) {
    my ($said, $exit) = run_quietly($stepwise, 'resume', 'last', @$words, '--reason', 'test', '--journal', $journal);
    ok($exit == 1 && $said =~ /is being rolled back: --skip and --from .*help: stepwise resume \S+ .*goes on with the rollback/s, "refuses $words->[0]")
      or diag "$exit $said";
  }
  my $problem = bring_home($dir, $journal);
  is($problem, undef, 'and goes on');
  is(join("\n", problems_of($cases{asked}, $dir, $journal)), '', 'once, in order');
}
done_testing;
