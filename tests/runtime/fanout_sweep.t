#!/usr/bin/perl
# A batch is killed at every write to its journal, before and after an item is sent, and at random; it is
# resumed, and killed again while it resumes. Whatever happens: by key everybody gets it exactly once, and
# the journal alone says so; where nothing may be repeated nobody gets it twice, and of whom nobody knows
# it is said. Undone instead of gone on with, each is sent, refused, not known or not begun. $SWEEP = 1: every write; unset: some of them.
use strict;
use warnings;
use lib 'tests/lib';
use Fault;
use JSON::PP;
use Post;
use Stepwise;
use Test::More;
use Time::HiRes 'usleep';

my $n = 24;
my $list = '(%s).to_a.map { |i| "+1555501#{i.to_s.rjust(4, "0")}" }';
my %cases = (
  by_key => sprintf(<<'RUBY', sprintf $list, "1..$n"),
runbook "by-key" do
  use "post"
  step "Send" do
    batch = post.send(to: %s, body: "hi")
    irreversible "sent is sent"
  end
  step "Count" do
    expect batch.sent == batch.total
  end
end
RUBY
  branches => sprintf(<<'RUBY', sprintf($list, '1..12'), sprintf $list, "13..$n"),
runbook "branches" do
  use "post"
  parallel do
    step "One" do
      a = post.send(to: %s, body: "one", per_second: 400)
      irreversible "sent is sent"
    end
    step "Two" do
      b = post.send(to: %s, body: "two")
      irreversible "sent is sent"
    end
  end
end
RUBY
  once => sprintf(<<'RUBY', sprintf $list, "1..$n"),
runbook "once" do
  use "post"
  step "Send" do
    batch = post.send_once(to: %s, body: "hi")
    irreversible "sent is sent"
  end
end
RUBY
);
my @to = map { sprintf '+1555501%04d', $_ } 1 .. $n;

# Of what may not be repeated: nobody twice, and everybody who did not get it stands in `unsure`; who did
# and stands there too is one that the journal could not know of.
sub once_problems {
  my ($room, @events) = @_;
  my $sent = post_sent($room);
  my ($done) = grep { $_->{kind} eq 'action.finished' } reverse @events;
  my $result = $done->{data}{result}{'$record'} or return 'no result';
  my %unsure = map { $_ => 1 } @{ $result->{unsure} };
  my $items = batch_items(@events);
  my @problems = map { "$_ got it $sent->{$_} times" } grep { $sent->{$_} > 1 } keys %$sent;
  for my $to (@to) {
    push @problems, "$to was forgotten" if !$sent->{$to} && !$unsure{$to};
    my $as = $items->{$to}{as} // 'nothing';
    push @problems, "$to is $as in the journal" if $as ne ($unsure{$to} ? 'unsure' : 'sent');
  }
  push @problems, "$result->{sent} sent of $result->{total}" if $result->{sent} + keys %unsure != $n;
  return @problems;
}

sub problems_of {
  my ($name, $room) = @_;
  my @events = journal_events($room->{journal});
  my ($said, $exit) = run_quietly($stepwise, 'journal', 'verify', '--journal', $room->{journal});
  return ($exit ? "verify: $said" : (), $name eq 'once' ? once_problems($room, @events) : batch_problems($room, \@events, @to));
}

sub is_begun {
  my ($room) = @_;
  return -e $room->{journal} && grep { $_->{kind} eq 'run.started' } journal_events($room->{journal});
}

# Goes on until the run has ended; the first resumes meet these faults.
sub bring_home {
  my ($room, @faults) = @_;
  for (1 .. 8) {
    my @command = is_begun($room) ? ('resume', 'last', '--journal', $room->{journal}) : @{ $room->{run} };
    my ($said, $exit) = fault_run(shift @faults // '', @command);
    return if $exit == 0;
    return "ended with $exit: $said" if $exit != 137;
  }
  return 'it does not come to an end';
}

sub try_one {
  my ($name, $mute, $fault, @faults) = @_;
  my $room = post_room($cases{$name});
  write_file("$room->{dir}/mute", '') if $mute;
  my ($said, $exit) = fault_run($fault, @{ $room->{run} });
  return "ended with $exit: $said" if $exit && $exit != 137;
  my $problem = $exit ? bring_home($room, @faults) : undef;
  return $problem // problems_of($name, $room);
}

sub try_random {
  my ($name) = @_;
  my $room = post_room($cases{$name});
  for (1 .. 5) {
    my @command = is_begun($room) ? ('resume', 'last', '--journal', $room->{journal}) : @{ $room->{run} };
    my $pid = fork // die;
    if (!$pid) {
      open STDIN, '<', '/dev/null'; open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null';
      exec $stepwise, @command;
    }
    usleep(10_000 + rand 120_000);
    kill 'KILL', $pid;
    waitpid $pid, 0;
    last if is_begun($room) && grep { $_->{kind} eq 'run.succeeded' } journal_events($room->{journal});
  }
  my $over = is_begun($room) && grep { $_->{kind} eq 'run.succeeded' } journal_events($room->{journal});
  my $problem = $over ? undef : bring_home($room);
  return $problem // problems_of($name, $room);
}

# --- undone instead ---

my $undone = <<'RUBY';
runbook "undone" do
  use "post"
ON_FAILURE
  step "Send" do
    batch = post.ACTION(to: LIST, body: "hi", per_second: 60)
    rollback { post.stop batch: batch ? batch.id : "none" }
  end
  step "Fail" do
    fail! :broken, "as it should"
  end
end
RUBY

# Every item of the list in one of sent, refused, unsure and not begun, as the provider has it.
sub account_problems {
  my ($room) = @_;
  my @events = journal_events($room->{journal});
  my ($items, $sent) = (batch_items(@events), post_sent($room));
  my ($batch) = map { $_->{data}{batch} } grep { $_->{kind} eq 'items.started' } @events;
  my ($result) = grep { $_->{id} eq ($batch // '') } map { ref $_->{data}{result} ? $_->{data}{result}{'$record'} // () : () } @events;
  my (%n, @problems);
  for my $to (@to) {
    my $as = $items->{$to}{as} // ($items->{$to}{begun} ? 'open' : 'not begun');
    $n{$as}++;
    push @problems, "$to has an intent and no outcome" if $as eq 'open';
    push @problems, "$to is sent in the journal alone" if $as eq 'sent' && !$sent->{$to};
    push @problems, "$to got it and is '$as'" if $sent->{$to} && $as !~ /^(?:sent|unsure)$/;
    push @problems, "$to got it $sent->{$to} times" if ($sent->{$to} // 0) > 1;
  }
  return @problems if !$batch || !$result;
  push @problems, "the result has $result->{sent} sent, the journal " . ($n{sent} // 0) if $result->{sent} != ($n{sent} // 0);
  my $unsure = join ' ', grep { ($items->{$_}{as} // '') eq 'unsure' } @to;
  push @problems, "the result has others of whom nobody knows" if join(' ', @{ $result->{unsure} }) ne $unsure;
  return @problems;
}

sub undo_room {
  my ($action, $handler) = @_;
  my $on = $handler ? sprintf "  on_failure do |failure|\n    post.$action(to: $list, body: \"sorry\", per_second: 60)\n  end\n", "1..$n" : '';
  my $of_step = $handler ? '[]' : sprintf $list, "1..$n";
  my $text = $undone =~ s/ON_FAILURE\n/$on/r =~ s/ACTION/$action/r =~ s/LIST/$of_step/r;
  my $room = post_room($text);
  write_file("$room->{dir}/mute", '') if $action eq 'send_once';
  return $room;
}

sub undo_problems {
  my ($room, $fault, @faults) = @_;
  my ($said, $exit) = fault_run($fault, @{ $room->{run} });
  return if !is_begun($room);
  ($said, $exit) = fault_run(shift @faults, 'resume', 'last', '--reason', 'go on', '--journal', $room->{journal}) while $exit == 137 && @faults;
  ($said, $exit) = run_quietly($stepwise, 'rollback', 'last', '--yes', '--reason', 'wrong', '--journal', $room->{journal});
  return "rollback ended with $exit: $said" if $exit != 0 && $exit != 6;
  return account_problems($room);
}

for my $case (['send', 0], ['send_once', 0], ['send', 1]) {
  my ($action, $handler) = @$case;
  my $count = fault_counts(@{ undo_room($action, $handler)->{run} })->{writes};
  my @problems;
  # While it sends: the last of all writes, but for those that end the run.
  for my $i (grep { $_ > 0 } map { $count - $_ } $ENV{SWEEP} ? (1 .. 60) : (12, 23, 30)) {
    push @problems, map { "write $i: $_" } undo_problems(undo_room($action, $handler), "kill:write:$i", $i % 2 ? 'kill:write:' . ($i % 7 + 8) : ());
    last if @problems > 10;
  }
  is(join("\n", @problems), '', "$action" . ($handler ? ' of on_failure' : '') . ': killed and undone, the accounts add up');
}

# --- gone on with ---

for my $name (sort keys %cases) {
  my $room = post_room($cases{$name});
  my $count = fault_counts(@{ $room->{run} });
  is($count->{exit}, 0, "$name: runs") or diag($count->{said}), next;
  is(join("\n", problems_of($name, $room)), '', "$name: everybody once");
  for my $mute ($name eq 'once' ? (0, 1) : 0) {
    my $how = $mute ? ', and the driver does not know' : '';
    my @problems = fault_sweep(what => 'kill', operation => 'write', count => $count->{writes}, some => 2,
      each => sub { my ($fault, $i) = @_; return try_one($name, $mute, $fault, 'kill:write:' . ($i % 11 + 6), 'kill:write:9') });
    is(join("\n", @problems), '', "$name: killed at writes of $count->{writes}$how");
  }
  my @problems = map { try_random($name) } 1 .. ($ENV{SWEEP} ? 25 : 1);
  is(join("\n", @problems), '', "$name: killed at random");
}
done_testing;
