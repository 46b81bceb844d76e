#!/usr/bin/perl
# What people are asked: inputs, questions, approvals, from files and without anybody there.
use strict;
use warnings;
use lib 'tests/lib';
use Runs;
use Test::More;

my $inputs = <<'RUBY';
runbook "inputs" do
  input :name,  :string,   about: "who", match: /\A[a-z]+\z/
  input :count, :integer,  default: 3, min: 1, max: 10
  input :mode,  :symbol,   one_of: [:fast, :slow], default: :fast
  input :pause, :duration, default: 2.minutes
  input :day,   :date,     default: "2026-01-31"
  input :key,   :string,   default: "none", secret: true
  step "Show" do
    show input.name * input.count, as: "names"
    show input.mode, as: "mode"
    show input.pause.to_i, as: "pause"
    show input.day, as: "day"
    note "the key is #{input.key}"
  end
end
RUBY

runs 'inputs: given, defaulted, typed', {
  rb => $inputs, args => ['--set', 'name=ab', '--set', 'pause=90s'], exit => 0,
  has => [qr/names: ababab/, qr/mode: fast/, qr/pause: 90/, qr/day: 2026-01-31/]};

runs 'inputs: from a JSON file, overridden by --set', {
  rb => $inputs, inputs => {name => 'x', count => 2, mode => 'slow'}, args => ['--set', 'count=4'], exit => 0,
  has => [qr/names: xxxx/, qr/mode: slow/]};

runs 'inputs: all that is missing is named', {
  rb => qq{runbook "x" do\n  input :one, :string\n  input :two, :integer, about: "how many"\n  input :three, :string, default: "z"\n  step "S" do\n    note "\#{input.one}\#{input.two}\#{input.three}"\n  end\nend\n},
  exit => 3, has => [qr/not given:\n  one\n  two: how many\n/, qr/--set NAME=VALUE/], lacks => [qr/three/],
  also => sub { @_ == 1 ? () : 'events of a run that never began' }};

runs 'inputs: every bad value is told, and nothing runs', {
  rb => $inputs, args => ['--set', 'name=AB', '--set', 'count=11', '--set', 'mode=medium'], exit => 3,
  has => [qr/input: name must/, qr/input: count must/, qr/input: mode cannot be medium; it is one of: fast, slow$/m], lacks => [qr/\[1\/1\]/]};

runs 'inputs: how a value is written', {
  rb => $inputs, args => ['--set', 'name=a', '--set', 'day=tomorrow', '--set', 'pause=soon'], exit => 3,
  has => [qr/day must be a date, not "tomorrow"; write it like 2026-11-02 \(YYYY-MM-DD\)/, qr/pause must be a duration, .*; write it like 90s/]};

runs 'answers: how a value is written, and of what', {
  rb => qq{runbook "x" do\n  step "S" do\n    day = ask "Day?", :date\n    show day\n  end\nend\n}, answers => {'Day?' => 'x'},
  exit => 1, has => [qr/the answer to 'Day\?' \(from the file\): it must be a date, not "x"; write it like 2026-11-02/]};

runs 'inputs: an unknown name, with what was meant', {
  rb => $inputs, args => ['--set', 'nmae=x'], exit => 3, has => [qr/no input 'nmae'; did you mean 'name'\?/]};

runs 'inputs: a file that is not JSON', {
  rb => $inputs, inputs => '{"name": ', exit => 3, has => [qr/inputs file .*: /, qr/one object/]};

runs 'secrets show nowhere', {
  rb => $inputs, args => ['--set', 'name=a', '--set', 'key=hunter2'], exit => 0,
  has => [qr/^ +\[secret\]/m], lacks => [qr/hunter2/],
  also => sub { (grep { JSON::PP::encode_json($_) =~ /hunter2/ } @_) ? 'the journal has it' : () }};

my $questions = <<'RUBY';
runbook "questions" do
  step "Ask" do
    who = choose "Which one?", ["db-1", "db-2"], suggest: "db-2"
    n = ask "How many?", :integer, default: 5
    note "#{who} #{n}"
  end
  step "Sure" do
    confirm "Sure?"
    told = manual "Call the lead", evidence: true
    note "told: #{told}"
  end
end
RUBY

runs 'answers by step, in order', {
  rb => $questions, exit => 0, state => 'succeeded',
  answers => {ask => ['db-1', '7'], sure => ['yes', {answer => 'done', evidence => 'ticket 12'}]},
  has => [qr/\? Which one\? db-1/, qr/db-1 7/, qr/told: ticket 12/],
  also => sub {
    my @answered = map { $_->{data} } grep { $_->{kind} eq 'prompt.answered' } @_;
    return ((@answered == 4 ? () : 'count'), ($answered[1]{answer} == 7 ? () : 'typed'),
            ($answered[3]{evidence} eq 'ticket 12' ? () : 'evidence'), ($answered[0]{source} eq 'file' ? () : 'source'));
  }};

runs 'answers by the text of the question; numbers choose', {
  rb => $questions, exit => 0,
  answers => {'Which one?' => 2, 'How many?' => 1, 'Sure?' => JSON::PP::true(), 'Call the lead' => 'spoke to kim'},
  has => [qr/db-2 1/, qr/told: spoke to kim/]};

runs 'a missing answer is named exactly, and the run waits', {
  rb => $questions, exit => 4, state => 'waiting', answers => {ask => ['db-1', 7]},
  has => [qr/answers\d+\.json has no answer to 'Sure\?' \(step sure\)/, qr/add "sure": \.\.\. to it/]};

runs 'without a terminal and without answers', {
  rb => $questions, exit => 4, state => 'waiting', has => [qr/nobody to answer 'Which one\?' \(step ask\)/, qr/--answers/]};

runs 'an answer that does not do', {
  rb => $questions, exit => 1, state => 'held', answers => {ask => ['db-3']},
  has => [qr/'db-3' is none of the options: db-1, db-2/]};

runs 'an answer of the wrong type', {
  rb => $questions, exit => 1, answers => {ask => ['db-1', 'many']}, has => [qr/the answer to 'How many\?' \(from the file\)/]};

runs 'manual work without its evidence', {
  rb => $questions, exit => 1, answers => {ask => ['1', '7'], sure => ['yes', 'done']}, has => [qr/evidence is wanted/]};

runs 'no ends the run', {
  rb => $questions, exit => 8, state => 'cancelled', answers => {ask => ['1', 7], sure => 'no'},
  has => [qr/answered no: Sure\?/, qr/nothing was changed/]};

runs 'an answers file that is not an object', {
  rb => $questions, exit => 3, answers => '[1]', has => [qr/answers file .*not a JSON object/]};

my $approval = <<'RUBY';
runbook "approval" do
  input :n, :integer, default: 3
  step "Drain" do
    approve "Drain #{input.n} nodes", by: :lead, quorum: 2, within: 30.minutes
    pool.drain(node: "one")
    rollback { pool.restore node: "one" }
  end
end
RUBY

runs 'an approval by two people', {
  rb => $approval, pool => 1, exit => 0,
  answers => {'approve drain' => [{answer => 'approve', by => 'kim'}, {answer => 'yes', by => 'lee'}]},
  has => [qr/approved by kim: Drain 3 nodes/, qr/approved by lee/],
  also => sub {
    my @kinds = map { $_->{kind} } grep { $_->{step} eq 'drain' } @_;
    my $order = join ' ', grep { /approval|action/ } @kinds;
    my ($wanted) = grep { $_->{kind} eq 'approval.requested' } @_;
    my ($given) = grep { $_->{kind} eq 'approval.given' } @_;
    return (($order eq 'approval.requested approval.given approval.given approval.used action.started action.finished' ? () : $order),
            ($wanted->{data}{nonce} eq $given->{data}{nonce} ? () : 'nonce'), ($given->{data}{identity} eq 'typed' ? () : 'identity'));
  }};

runs 'guards are checked again after an approval; about and link are read before it', {
  rb => <<'RUBY', exit => 0, answers => {'approve go' => {answer => 'approve', by => 'kim'}},
runbook "again" do
  step "Go" do
    about "Read this first."
    link "https://example.org/more"
    guard "it is open", 1 < 2
    approve "Go on", by: :lead
    note "went"
  end
end
RUBY
  has => [qr/Read this first\.\n +see https:\/\/example\.org\/more\n +approved by kim/],
  also => sub {
    my $have = join ' ', map { $_->{kind} } grep { $_->{kind} =~ /guard|approval|noted/ } @_;
    return $have eq 'guard.checked approval.requested approval.given approval.used guard.checked noted' ? () : $have;
  }};

runs 'one person is not two', {
  rb => $approval, pool => 1, exit => 1, lacks => [qr/pool\.drain/],
  answers => {'approve drain' => [{answer => 'approve', by => 'kim'}, {answer => 'approve', by => 'kim'}]},
  has => [qr/has approved already/]};

my $me = getpwuid($<);
runs 'the requester is not an approver', {
  rb => $approval, pool => 1, exit => 1, answers => {'approve drain' => {answer => 'approve', by => $me}},
  has => [qr/who started the run cannot approve it/], lacks => [qr/pool\.drain/]};

runs 'unless the runbook says so', {
  rb => qq{runbook "x" do\n  step "S" do\n    approve "Go", by: :lead, self_ok: true\n    note "went"\n  end\nend\n},
  exit => 0, answers => {'approve s' => {answer => 'approve', by => $me}}, has => [qr/went/]};

runs 'a denial ends the gate', {
  rb => $approval, pool => 1, exit => 8, state => 'cancelled',
  answers => {'approve drain' => {answer => 'deny', by => 'kim', reason => 'not today'}},
  has => [qr/approval denied by kim: not today/], lacks => [qr/pool\.drain/]};

runs "an answer for the step is none for its approval", {
  rb => $approval, pool => 1, exit => 4, state => 'waiting', answers => {drain => 'yes'},
  has => [qr/no answer to 'Drain 3 nodes'/, qr/"approve drain"/]};

runs 'a role that nobody claims to hold', {
  rb => qq{runbook "x" do\n  requires role: :operator\n  step "S" do\n    note "went"\n  end\nend\n}, exit => 3,
  has => [qr/this runbook may be run by :operator only/, qr/--role operator/], lacks => [qr/went/]};

runs 'a role that the operator claims is recorded', {
  rb => qq{runbook "x" do\n  requires role: :operator\n  step "S" do\n    requires role: :dba\n    note "went"\n  end\nend\n}, exit => 0,
  args => ['--role', 'operator', '--role', 'dba'], has => [qr/went/],
  also => sub { my ($r) = grep { $_->{kind} eq 'run.started' } @_; "@{$r->{data}{options}{roles}}" eq 'operator dba' ? () : 'roles' }};

for my $by ('root ', ' ROOT', 'root@elsewhere') {
  my $me = getpwuid $<;
  (my $name = $by) =~ s/root/$me/i;
  $name = uc $name if $by =~ /ROOT/;
  runs "who started the run cannot approve it as '$by'", {
    rb => qq{runbook "x" do\n  step "Gate" do\n    approve "Go?", by: :lead\n    note "through"\n  end\nend\n}, exit => 1,
    answers => {'approve gate' => {answer => 'approve', by => $name}},
    has => [qr/who started the run cannot approve it/], lacks => [qr/through/]};
}

runs 'one person is one approver, however the name is written', {
  rb => qq{runbook "x" do\n  step "Gate" do\n    approve "Go?", by: :lead, quorum: 2\n    note "through"\n  end\nend\n}, exit => 1,
  answers => {'approve gate' => [{answer => 'approve', by => 'kim'}, {answer => 'Approve', by => ' Kim@desk '}]},
  has => [qr/has approved already/], lacks => [qr/through/]};

for my $policy (qw(continue skip)) {
  runs "a no stops the run, under :$policy too", {
    rb => qq{runbook "x" do\n  step "Ask" do\n    confirm "Sure?"\n    on_failure :$policy\n  end\n  step "Next" do\n    note "went on"\n  end\nend\n},
    answers => {'Sure?' => 'no'}, exit => 8, state => 'cancelled', lacks => [qr/went on|going on/],
    also => sub { my ($e) = grep { $_->{kind} eq 'step.failed' } @_; $e->{data}{policy} eq 'hold' ? () : "policy $e->{data}{policy}" }};
  runs "a denial stops the run, under :$policy too", {
    rb => qq{runbook "x" do\n  step "Gate" do\n    approve "Go?", by: :lead\n    note "through"\n    on_failure :$policy\n  end\n  step "Next" do\n    note "went on"\n  end\nend\n},
    answers => {'approve gate' => {answer => 'deny', by => 'kim'}}, exit => 8, lacks => [qr/went on|through/]};
}

done_testing;
