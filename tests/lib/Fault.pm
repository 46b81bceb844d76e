# Runs with faults: build/tests/stepwise-fault, the program linked with tests/fault/fault.c (its
# words are there). A sweep tries one fault after the other, each on fresh ground.
#
#   my $count = fault_counts('run', $file, '--journal', $journal);      # {writes, syncs, opens, allocs}
#   my ($said, $exit) = fault_run('kill:write:7', 'run', $file, '--journal', $journal);
#   fault_sweep(what => 'kill', operation => 'write', count => $count->{writes}, each => sub { my ($fault, $n) = @_; ... });
#
# A sweep takes every n-th point: $SWEEP = 1 takes all, unset about `some` (12) of them, and under
# sanitizers the first, the last and one between: there it is what is run that counts, not where it ends.
package Fault;
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Temp 'tempdir';
use JSON::PP;
use Exporter 'import';
our @EXPORT = qw($faulty fault_run fault_counts fault_points fault_sweep fault_problems journal_events has_verb);

my $sanitized = ($ENV{MODE} || '') eq 'asan';
our $faulty = ($ENV{BUILD} || "$top/build") . '/tests/stepwise-fault';

# (output of both kinds, exit code; 137: killed). fault: "WHAT:OPERATION:N", or '' for none. Options
# of the environment may follow it in a hash.
sub fault_run {
  my ($fault, @args) = @_;
  my %env = ref $args[0] ? %{ shift @args } : ();
  local @ENV{keys %env} = values %env;
  local $ENV{STEPWISE_FAULT} = $fault;
  delete local $ENV{STEPWISE_FAULT} if !$fault;
  return run_quietly($faulty, @args);
}

# How many of each operation it takes when all goes well. The last argument may be {on => TEXT}.
sub fault_counts {
  my (@args) = @_;
  my %env = ref $args[0] ? %{ shift @args } : ();
  my $dir = tempdir(CLEANUP => 1);
  my ($said, $exit) = fault_run('', { %env, STEPWISE_FAULT_COUNT => "$dir/count" }, @args);
  my $line = read_file("$dir/count") // die "not counted: $said";
  my %count = (exit => $exit, said => $said, $line =~ /(\w+) (\d+)/g);
  return \%count;
}

# The n to try of 1 to count: the first two, the last two, and some between.
sub fault_points {
  my ($count, $some) = @_;
  return sort { $a <=> $b } keys %{ { map { $_ => 1 } grep { $_ } 1, int($count / 2), $count } } if $sanitized && !$ENV{SWEEP};
  my $step = $ENV{SWEEP} || int($count / ($some || 12)) || 1;
  my %points = map { $_ => 1 } grep { $_ >= 1 && $_ <= $count } 1, 2, $count - 1, $count;
  for (my $n = 1; $n <= $count; $n += $step) { $points{$n} = 1 }
  return sort { $a <=> $b } keys %points;
}

# each->(fault, n) returns what is wrong: texts, none when all is well. All problems, each with its fault.
sub fault_sweep {
  my (%sweep) = @_;
  my @problems;
  for my $n (fault_points($sweep{count}, $sweep{some})) {
    my $fault = "$sweep{what}:$sweep{operation}:$n" . ($sweep{on_and_on} ? '+' : '');
    push @problems, map { "$fault: $_" } $sweep{each}->($fault, $n);
    last if @problems > 10;
  }
  return @problems;
}

sub journal_events {
  my ($journal) = @_;
  my ($said) = run_quietly($stepwise, 'journal', 'export', '--journal', $journal);
  return map { decode_json($_) } grep { /^\{/ } split /\n/, $said;
}

# What must hold of a journal whatever happened, as texts: it verifies, and nothing in the ledger (lines
# "KEY ITEM") was done without its intent on the disk before.
sub fault_problems {
  my ($journal, @ledger) = @_;
  return @ledger ? ('there are effects and no journal') : () if !-e $journal || -z $journal;
  my ($said, $exit) = run_quietly($stepwise, 'journal', 'verify', '--deep', '--journal', $journal);
  my @problems = $exit == 0 ? () : ("verify: $said");
  my %intended = map { $_->{data}{key} // '' => 1 } grep { $_->{kind} eq 'action.started' } journal_events($journal);
  for (@ledger) {
    my ($key) = split ' ';
    push @problems, "done without an intent: $_" if !$intended{$key};
  }
  return @problems;
}

sub has_verb {
  my ($verb) = @_;
  my ($said) = run_quietly($stepwise, 'help');
  return $said =~ /^\s+\Q$verb\E\b/m;
}

1;
