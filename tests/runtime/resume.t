#!/usr/bin/perl
# Going on with a run: what is done stays done, what was said is not asked again, clocks run on, one
# process has it, and what nobody knows is not done again. tests/runtime/sweep.t kills at every write.
use strict;
use warnings;
use lib 'tests/lib';
use Fault;
use JSON::PP;
use Ledger;
use Stepwise;
use Test::More;
use Time::HiRes qw(sleep time);

my ($dir, $rb, $journal);

sub room {
  ($dir, $rb, $journal) = ledger_room(@_);
}
sub start { return run_quietly($stepwise, 'run', $rb, '--journal', $journal, @_) }
sub resume { return run_quietly($stepwise, 'resume', 'last', '--journal', $journal, @_) }
sub verb { my $verb = shift; return run_quietly($stepwise, $verb, 'last', @_, '--journal', $journal) }
sub items { return join ' ', map { (split)[1] } ledger_lines($dir) }
sub events { return grep { $_->{run} } journal_events($journal) }
sub kinds { my $step = shift; return join ' ', map { $_->{kind} } grep { $_->{step} eq $step } events() }
sub state { my ($said) = run_quietly($stepwise, 'runs', '--last', '1', '--json', '--journal', $journal); return $said =~ /"state":"(\w+)"/ ? $1 : $said }
sub answers { write_file("$dir/answers.json", encode_json($_[0])); return ('--answers', "$dir/answers.json") }

# Texts, each a pattern that must (not) be there.
sub says {
  my ($said, $name, @patterns) = @_;
  my @missing = grep { ref $_ eq 'Regexp' ? $said !~ $_ : index($said, $_) < 0 } @patterns;
  ok(!@missing, $name) or diag(join("\n", map { "no $_" } @missing), "\n", $said);
}
sub good {
  my ($name) = @_;
  my @problems = fault_problems($journal, ledger_lines($dir));
  is(join("\n", @problems), '', $name);
}

my $two = <<'RUBY';
runbook "two" do
  use "ledger"
  step "One" do
    a = ledger.put(item: "one")
    x = a.key.size
    irreversible "no"
  end
  step "Two" do
    b = ledger.put_by_key(item: "two")
    sure = confirm "Go on?"
    c = ledger.put_probed(item: "three")
    irreversible "no"
  end
end
RUBY

# --- held, waiting, ended ---
{
  room($two);
  my ($said, $exit) = start();
  is($exit, 4, 'a question that nobody answers: waiting');
  ($said, $exit) = resume();
  is($exit, 4, 'resumed without an answer it waits again');
  is(items(), 'one two', 'and nothing is done again');
  ($said, $exit) = resume(answers({ 'Go on?' => 'yes' }));
  is($exit, 0, 'with an answer it goes on') or diag $said;
  is(items(), 'one two three', 'from where it was');
  says($said, 'people are told what was done before', 'going on: 1 step done before', '[2/2] Two');
  unlike($said, qr/\[1\/2\]/, 'and not told of it again');
  is(kinds('one'), 'step.started action.started action.finished step.finished', 'a finished step is not touched');
  is((() = kinds('two') =~ /step\.started/g), 1, 'the interrupted one goes on and does not begin again');
  is((() = kinds('two') =~ /prompt\.asked/g), 1, 'its question is one question');
  ($said, $exit) = resume();
  is($exit, 0, 'a run that succeeded: its exit code');
  says($said, 'and that is said', 'has ended: succeeded');
  good('the journal is good');
}
{
  room($two);
  ledger_control($dir, 'two fail 1');
  my ($said, $exit) = start(answers({ 'Go on?' => 'yes' }));
  is($exit, 1, 'a step fails: held');
  ($said, $exit) = resume(answers({ 'Go on?' => 'yes' }));
  is($exit, 0, 'held: resume tries the step again') or diag $said;
  is((() = kinds('two') =~ /step\.started/g), 2, 'in a new group of attempts');
  is(items(), 'one two three', 'each is done once');
  my ($resumed) = grep { $_->{kind} eq 'run.resumed' } events();
  ok($resumed->{data}{pid} && $resumed->{actor}, 'who resumed, and in which process');
}
{
  room(<<'RUBY');
runbook "unsafe" do
  use "ledger"
  step "One" do
    a = ledger.put(item: "one")
    b = ledger.put(item: "two")
    irreversible "no"
  end
  step "Two" do
    show a
  end
end
RUBY
  ledger_control($dir, 'two fail 1');
  start();
  my ($said, $exit) = resume();
  is($exit, 0, 'a step that did something unsafe is tried again') or diag $said;
  is(items(), 'one two', 'what it did and may not be repeated stays done');
  says($said, 'and people are told', 'done in an earlier attempt and not repeated');
  good('the journal is good');
}
{
  room($two);
  ledger_control($dir, 'two fail');
  start();
  my ($said, $exit) = resume('--skip', 'two', '--reason', 'by hand');
  is($exit, 0, '--skip passes a step over') or diag $said;
  is(items(), 'one', 'it is not run');
  my ($skipped) = grep { $_->{kind} eq 'step.skipped' } events();
  is($skipped->{data}{reason}, 'by hand', 'the reason is recorded');
  ($said, $exit) = run_quietly($stepwise, 'resume', 'last', '--skip', 'two', '--journal', $journal);
  is($exit, 2, '--skip wants a reason');
}
{
  room($two . "\n");
  ledger_control($dir, 'one fail');
  start();
  my ($said, $exit) = resume('--from', 'two', '--reason', 'one is done by hand', answers({ 'Go on?' => 'yes' }));
  is($exit, 0, '--from goes on from a step') or diag $said;
  is(items(), 'two three', 'what is before it is passed over');
  ($said, $exit) = resume('--from', 'tow', '--reason', 'x');
  isnt($exit, 1, 'an ended run says so first');
}
{
  room($two);
  ledger_control($dir, 'one fail');
  start();
  my ($said, $exit) = resume('--from', 'tow', '--reason', 'x');
  is($exit, 3, 'a step that does not exist is refused') or diag $said;
  says($said, 'with the nearest', "did you mean 'two'?");
  is(state(), 'held', 'and the run stays as it was');
}

# --- in doubt ---
{
  room($two);
  ledger_control($dir, 'one kill 1');
  is((start())[1], 137, 'killed in an action');
  is(state(), 'interrupted', 'the run is interrupted');
  my ($said, $exit) = resume();
  is($exit, 5, 'an unsafe action without outcome: in doubt');
  says($said, 'with what to do', 'mark-done', 'ledger.put');
  my ($doubt) = grep { $_->{kind} eq 'run.in_doubt' } events();
  is(join(' ', map { $_ // '?' } @{ $doubt->{data} }{qw(step binding action call)}, length $doubt->{data}{key}), 'one ledger put 1 64',
    'the journal says which');
  is((resume())[1], 5, 'it stays in doubt');
  is(items(), '', 'and is not done again');
  is((verb('mark-done', '--not-done', '--reason', 'looked'))[1], 0, 'an operator says that it did not happen');
  ($said, $exit) = resume(answers({ 'Go on?' => 'yes' }));
  is($exit, 0, 'then it goes on') or diag $said;
  is(items(), 'one two three', 'and does it');
  my @keys = map { $_->{data}{key} } grep { $_->{kind} eq 'action.started' && $_->{step} eq 'one' } events();
  is($keys[0], $keys[1], 'with the same key, and a new intent');
  good('the journal is good');
}
{
  room($two);
  ledger_control($dir, 'one kill-after 1');
  start();
  resume();
  my ($key) = (ledger_lines($dir))[0] =~ /^(\S+)/;
  my ($said, $exit) = verb('mark-done', '--result', encode_json({ item => 'one', key => 'x' x 64 }), '--reason', 'looked');
  is($exit, 0, 'an operator says what it gave') or diag $said;
  ($said, $exit) = resume(answers({ 'Go on?' => 'yes' }));
  is($exit, 0, 'then it goes on') or diag $said;
  is(items(), 'one two three', 'and does not do it again');
}
{
  room($two);
  ledger_control($dir, 'one kill 1');
  start();
  resume();
  my ($said, $exit) = verb('abandon', '--reason', 'nobody knows');
  is($exit, 0, 'or gives it up') or diag $said;
  ($said, $exit) = resume();
  is($exit, 1, 'then there is nothing to resume');
  says($said, 'which is said', 'has ended: failed');
}
{
  room(<<'RUBY');
runbook "late" do
  use "ledger"
  on_failure :rollback
  step "One" do
    timeout 300.seconds
    a = ledger.put_probed(item: "one")
    rollback { ledger.remove item: a ? a.item : "nothing" }
  end
  step "Two" do
    timeout 1.second
    b = ledger.put_probed(item: "two")
    rollback { ledger.remove item: b ? b.item : "nothing" }
  end
end
RUBY
  ledger_control($dir, 'two hang-after');
  my ($said, $exit) = start();
  is($exit, 6, 'a write that was cut off by a limit: the driver is asked, and it had happened') or diag $said;
  is(items(), 'one two -two -one', 'so its result is there to undo it');
  ledger_control($dir, 'two hang');
  unlink $journal, "$journal-wal", "$journal-shm", "$dir/state/ledger", "$dir/state/tries";
  ($said, $exit) = start();
  is($exit, 6, 'and here it had not: the limit is the failure') or diag $said;
  is(items(), 'one -nothing -one', 'so the step is undone as one that did nothing');
  my @settled = map { "$_->{data}{as} $_->{data}{by}" } grep { $_->{kind} eq 'action.settled' } events();
  is("@settled", 'not_done probe', 'the journal has what the driver said');
}

# --- one process ---
{
  room(<<'RUBY');
runbook "slow" do
  use "ledger"
  step "One" do
    a = ledger.put(item: "one")
    wait 2.seconds
    b = ledger.put(item: "two")
    irreversible "no"
  end
end
RUBY
  my $pid = fork // die;
  if (!$pid) { start(); exit 0 }
  for (1 .. 200) { last if items() eq 'one'; sleep 0.05 }
  my ($said, $exit) = resume();
  is($exit, 1, 'a run that is carried cannot be resumed');
  says($said, 'who has it is told', qr/is carried by process \d+, for \w+/);
  waitpid $pid, 0;
  is(items(), 'one two', 'it was not disturbed');
}
{
  room($two);
  start();
  my @pids;
  for (1 .. 2) {
    my $pid = fork // die;
    if (!$pid) {
      my ($said, $exit) = resume(answers({ 'Go on?' => 'yes' }));
      exit $exit;
    }
    push @pids, $pid;
  }
  my @codes = map { waitpid $_, 0; $? >> 8 } @pids;
  ok((grep { $_ == 0 } @codes) >= 1, 'two resumes at once: one wins') or diag "@codes";
  is(items(), 'one two three', 'and each action is done once');
  good('the journal is good');
}

# --- all of them ---
{
  room($two);
  start() for 1 .. 3;
  ledger_control($dir, 'two fail');
  start();
  ledger_control($dir, 'one kill');
  start();
  ledger_control($dir);
  my ($said, $exit) = run_quietly($stepwise, 'resume', '--all', '--journal', $journal, answers({ 'Go on?' => 'yes' }));
  is($exit, 5, 'all that can go on does; the code is that of what needs an operator most') or diag $said;
  is((() = $said =~ /  succeeded$/mg), 3, 'those that waited succeed');
  says($said, 'what is held is said, and what is in doubt', qr/stays as it is: held/, qr/  in_doubt: /);
  is((() = items() =~ /three/g), 3, 'each did what was left');
  good('the journal is good');
  ($said, $exit) = run_quietly($stepwise, 'resume', '--all', 'last', '--journal', $journal);
  is($exit, 2, '--all takes no run');

  room($two);
  start('--virtual-clock');
  ($said, $exit) = run_quietly($stepwise, 'resume', '--all', '--journal', $journal);
  is($exit, 1, 'a run on a virtual clock is not taken');
  says($said, 'which is said in a line', qr/^(\S+)  stays as it is: its clock is virtual: `stepwise resume \1 --journal \S+` takes it by itself\n\z/m);
}

# --- a file with answers begins anew ---
{
  room(<<'RUBY');
runbook "gate" do
  step "Gate" do
    approve "Go on?", by: :lead, quorum: 2
    note "through"
  end
end
RUBY
  write_file("$dir/site.rb", qq{site "desk" do\n  role :lead, members: %w[kim lee], typed: true\nend\n});
  my %yes = map { $_ => { answer => 'approve', by => $_ } } qw(kim lee);
  is((start(answers({ 'approve gate' => [$yes{kim}] })))[1], 4, 'one of two has approved');
  is((resume(answers({ 'approve gate' => $yes{kim} })))[1], 1, 'who approves once more is told so');
  room(read_file($rb));
  write_file("$dir/site.rb", qq{site "desk" do\n  role :lead, members: %w[kim lee], typed: true\nend\n});
  start(answers({ 'approve gate' => [$yes{kim}] }));
  my ($said, $exit) = resume(answers({ 'approve gate' => [@yes{qw(kim lee)}] }));
  is($exit, 0, 'with the whole list, what the run has of it is passed over') or diag $said;
  is(join(' ', map { $_->{data}{approver} } grep { $_->{kind} eq 'approval.given' } events()), 'kim lee', 'and each approval counts once');
  good('the journal is good');
}

# --- what it goes on with ---
{
  room($two);
  start();
  write_file($rb, "runbook \"other\" do\n  step \"Else\" do\n    note \"else\"\n  end\nend\n");
  my ($said, $exit) = resume(answers({ 'Go on?' => 'yes' }));
  is($exit, 0, 'a file that was changed: the run goes on with its own text') or diag $said;
  says($said, 'which is said', 'was changed since');
  is(items(), 'one two three', 'and does what it began');
}
{
  room($two);
  start();
  unlink $rb, "$dir/ledger.rb" or die;
  my ($said, $exit) = resume(answers({ 'Go on?' => 'yes' }));
  is($exit, 0, 'files that are gone do not matter') or diag $said;
  says($said, 'which is said', 'is gone');
}
{
  room(<<'RUBY');
runbook "big" do
  input :pass, :secret
  input :name, :string
  step "One" do
    big = (1..300000).to_a
    text = "x" * 2_000_000
    small = { "a" => [:b, 2.5, 3.minutes, 1..4] }
    seen = now
  end
  step "Two" do
    sure = confirm "Go on?"
    expect big.sum == 45000150000
    expect text.size == 2000000
    expect small["a"][2] == 3.minutes && small["a"][0] == :b
    expect now - seen >= 0.seconds
    show input.name
  end
end
RUBY
  my ($said, $exit) = start('--set', 'pass=sesame-77', '--set', 'name=lee');
  is($exit, 4, 'outputs of any size') or diag $said;
  ($said, $exit) = resume(answers({ 'Go on?' => 'yes' }));
  is($exit, 3, 'an input that is secret is not in the journal: it is given again') or diag $said;
  ($said, $exit) = resume('--set', 'pass=sesame-77', answers({ 'Go on?' => 'yes' }));
  is($exit, 0, 'then the run goes on with all of them') or diag $said;
  unlike(read_file($journal), qr/sesame-77/, 'the secret is nowhere');
}
{
  room($two);
  start();
  my ($said, $exit) = resume('--set', 'name=x');
  is($exit, 3, 'inputs stay as they were') or diag $said;
}

# --- secrets ---
{
  room(<<'RUBY');
binding :vault, "Secrets" do
  action :token, effect: :read do
    gives :t, :secret
  end
  action :use, effect: :write, repeat: :safe do
    takes :t, :secret
    gives :boolean
  end
end
driver :v, for: :vault, default: true do
  perform(:token) { { t: "sesame-77" } }
  perform(:use) { |t| true }
end
runbook "secrets" do
  step "One" do
    a = vault.token
    word = ask "Password?", :secret
    sure = confirm "Go on?"
    vault.use(t: a.t)
    vault.use(t: word)
    irreversible "no"
  end
  step "Two" do
    confirm "Again?"
    vault.use(t: a.t)
    irreversible "no"
  end
end
RUBY
  start(answers({ 'Password?' => 'sesame-78' }));
  my ($said, $exit) = resume(answers({ 'Password?' => 'sesame-78', 'Go on?' => 'yes' }));
  is($exit, 4, 'secrets of the step under way are fetched and asked for again') or diag $said;
  is((() = kinds('one') =~ /action\.started/g), 3, 'which the journal has once');
  ($said, $exit) = resume(answers({ 'Again?' => 'yes' }));
  is($exit, 1, 'a secret of a step that is done is gone: held') or diag $said;
  says($said, 'and that is said', 'the journal does not keep secrets');
  unlike(read_file($journal) . (read_file("$journal-wal") // ''), qr/sesame-78/, 'no secret is in the journal');
}

# --- the on_failure block ---
{
  room(<<'RUBY');
runbook "handler" do
  use "ledger"
  step "One" do
    a = ledger.put_by_key(item: "one")
    fail! :broken, "late" if a.item == "one"
    irreversible "no"
  end
  on_failure do |failure|
    ledger.put_by_key(item: "told")
    ledger.put(item: "paged")
    note "after"
  end
end
RUBY
  ledger_control($dir, 'told kill-after 1');
  is((start())[1], 137, 'killed in the on_failure block');
  my ($said, $exit) = resume();
  is($exit, 1, 'the block goes on where it was, then the run is held') or diag $said;
  is(items(), 'one told paged', 'and each is done once');
  unlink "$dir/state/ledger", "$dir/state/tries", map { "$journal$_" } '', '-wal', '-shm';
  ledger_control($dir, 'paged kill 1');
  start();
  ($said, $exit) = resume();
  says($said, 'what is in doubt there is not repeated', 'whether it happened is not known');
  is(items(), 'one told', 'nor what follows it done');
  is(state(), 'held', 'the run is held all the same');
}

# --- signals ---
for my $case (['TERM', 130, 'held'], ['HUP', 4, 'waiting'], ['INT', 130, 'held']) {
  my ($signal, $code, $state) = @$case;
  room(<<'RUBY');
runbook "signals" do
  use "ledger"
  step "One" do
    a = ledger.put(item: "one")
    wait 2.seconds
    b = ledger.put(item: "two")
    irreversible "no"
  end
end
RUBY
  my $pid = fork // die;
  if (!$pid) {
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    open STDIN, '<', '/dev/null'; open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null';
    exec $stepwise, 'run', $rb, '--journal', $journal or die;
  }
  for (1 .. 200) { last if items() eq 'one'; sleep 0.05 }
  sleep 0.2;
  kill $signal, $pid;
  waitpid $pid, 0;
  is($? >> 8, $code, "SIG$signal: its exit code");
  is(state(), $state, "SIG$signal: the state it leaves");
  my ($said, $exit) = resume();
  is($exit, 0, "SIG$signal: the run goes on") or diag $said;
  is(items(), 'one two', "SIG$signal: and nothing is done twice");
}

# --- other texts ---
{
  room($two);
  start();
  my $text = read_file($rb);
  write_file($rb, $text =~ s/item: "three"/item: "four"/r);
  my ($said, $exit) = resume('--accept-plan-change', '--reason', 'it was the wrong item', answers({ 'Go on?' => 'yes' }));
  is($exit, 0, '--accept-plan-change goes on with the new text') or diag $said;
  says($said, 'and shows the difference', '-    c = ledger.put_probed(item: "three")', '+    c = ledger.put_probed(item: "four")', '@@ -');
  is(items(), 'one two four', 'what is done stays done');
  my ($changed) = grep { $_->{kind} eq 'run.plan_changed' } events();
  my ($started) = grep { $_->{kind} eq 'run.started' } events();
  is($changed->{data}{was}, $started->{data}{plan}, 'the journal has from which plan');
  isnt($changed->{data}{plan}, $started->{data}{plan}, 'and to which');
  is($changed->{data}{reason}, 'it was the wrong item', 'and why');
  good('the journal is good');
}
{
  room($two);
  start();
  my $text = read_file($rb);
  write_file($rb, $text =~ s/step "One"/step "First"/r);
  my ($said, $exit) = resume('--accept-plan-change', answers({ 'Go on?' => 'yes' }));
  isnt($exit, 0, 'a step that is done must stay');
  says($said, 'which is said', 'step one is done, and the new text has no such step');
  write_file($rb, $text =~ s/x = a.key.size/y = a.key.size/r);
  ($said, $exit) = resume('--accept-plan-change', answers({ 'Go on?' => 'yes' }));
  isnt($exit, 0, 'and set the same variables');
  says($said, 'which is said too', 'step one is done, and x is not set by it in the new text');
  write_file("$dir/other.rb", $text =~ s/ledger.put_by_key\(item: "two"\)/ledger.put_by_key(item: "else")/r);
  ($said, $exit) = run_quietly($stepwise, 'resume', 'last', "$dir/other.rb", '--accept-plan-change', '--journal', $journal, answers({ 'Go on?' => 'yes' }));
  is($exit, 1, 'what the step under way did must be what the new text does: else it is held') or diag $said;
  says($said, 'with both shown', 'recorded: ledger.put_by_key{"item":"two"}', 'now: ledger.put_by_key{"item":"else"}');
  is(state(), 'held', 'and it is held');
  is(items(), 'one two', 'nothing was done');
  write_file($rb, $text);
  ($said, $exit) = run_quietly($stepwise, 'resume', 'last', $rb, '--accept-plan-change', '--journal', $journal, answers({ 'Go on?' => 'yes' }));
  is($exit, 0, 'back to the text that it began with') or diag $said;
  is(items(), 'one two three', 'it goes on');
}

# --- time ---
# An operator's word takes the time it takes: the attempt's clock begins anew, the step's runs on.
for my $limit (qw(timeout deadline)) {
  room(<<"RUBY");
runbook "slow" do
  use "ledger"
  step "One" do
    $limit 2.seconds
    a = ledger.put(item: "one")
    b = ledger.put_safe(item: "two")
    irreversible "no"
  end
end
RUBY
  ledger_control($dir, 'one hang-after 1');
  my ($said, $exit) = start();
  is($exit, 5, "cut off by the step's $limit: in doubt") or diag $said;
  is((resume())[1], 5, 'and stays so');
  verb('mark-done', '--result', encode_json({ item => 'one', key => 'x' x 64 }), '--reason', 'looked');
  ($said, $exit) = resume();
  is($exit, $limit eq 'timeout' ? 0 : 1, "settled, with a $limit that has passed") or diag $said;
  is(items(), $limit eq 'timeout' ? 'one two' : 'one', 'what follows is done only within what is absolute');
  says($said, 'which is said', 'longer than its deadline of 2 seconds') if $limit eq 'deadline';
  good('the journal is good');
}
{
  room(<<'RUBY');
runbook "limits" do
  use "ledger"
  step "One" do
    timeout 2.seconds
    ledger.put_safe(item: "one")
    ledger.look(item: "slow")
    irreversible "no"
    on_failure :continue
  end
  step "Two" do
    ledger.put_safe(item: "two")
    irreversible "no"
  end
end
RUBY
  ledger_control($dir, 'slow kill');
  is((start())[1], 137, 'killed under a limit');
  ledger_control($dir);
  sleep 2.2;
  my ($said, $exit) = resume();
  is($exit, 1, 'the limit has passed meanwhile') or diag $said;
  says($said, 'and is the failure', 'longer than its timeout of 2 seconds');
  is(items(), 'one two', 'nothing was done again; what follows is done');
}
{
  room(<<'RUBY');
runbook "waits" do
  use "ledger"
  step "One" do
    wait 3.seconds
    ledger.look(item: "x")
  end
end
RUBY
  my $pid = fork // die;
  if (!$pid) { open STDOUT, '>', '/dev/null'; exec $stepwise, 'run', $rb, '--journal', $journal or die; }
  for (1 .. 100) { sleep 0.05; last if -e $journal && (verb('show'))[0] =~ /wait/ }
  kill 'KILL', $pid;
  waitpid $pid, 0;
  my ($waits) = grep { $_->{kind} eq 'wait.started' } events();
  sleep 3;
  my $began = time;
  my ($said, $exit) = resume();
  is($exit, 0, 'a wait that is over') or diag $said;
  my @waits = grep { $_->{kind} =~ /^wait/ } events();
  is(scalar @waits, 2, 'is one wait in the journal');
}

# --- branches ---
{
  room(<<'RUBY');
runbook "beside" do
  use "ledger"
  on_failure :rollback
  each_of ["a", "b", "c", "d"], at_once: 2 do |x|
    step "Put" do
      guard "the books may be written", ledger.look(item: "guard-#{x}") != "fail"
      r = ledger.put_by_key(item: x)
      ledger.put_safe(item: "#{x}-safe")
      rollback { ledger.remove item: x }
    end
  end
end
RUBY
  ledger_control($dir, 'd-safe kill 1');
  is((start())[1], 137, 'killed in a branch');
  ledger_control($dir, 'guard-d fail');
  my ($said, $exit) = resume();
  is($exit, 6, 'its guard is checked again, and fails: all branches are undone') or diag $said;
  my %undone = map { $_ => 1 } grep { /^-/ } split ' ', items();
  is(join(' ', sort keys %undone), '-a -b -c -d', 'those that were done before as well');
  good('the journal is good');
}
done_testing;
