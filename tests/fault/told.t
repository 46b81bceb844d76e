#!/usr/bin/env perl
# What `run --json` prints is what the journal has: an event that is not committed is not told, whatever
# write, sync or kill comes in between.
use strict;
use warnings;
use lib 'tests/lib';
use Fault;
use Ledger;
use Stepwise;
use JSON::PP;
use Test::More;

my $text = <<'RUBY';
runbook "books" do
  use "ledger"
  step "First" do
    ledger.put_by_key item: "a"
    note "between"
    irreversible "books stay"
  end
  each_of ["x", "y", "z"], at_once: 2 do |name|
    step "Beside #{name}", id: "beside" do
      note "before #{name}"
      ledger.put_by_key item: name
      irreversible "books stay"
    end
  end
end
RUBY

# Lines of JSON among what people read: their number and kind, as the journal knows them.
sub told { return map { my $e = eval { decode_json($_) }; $e && $e->{seq} ? "$e->{seq} $e->{kind} $e->{run}" : () } grep { /^\{/ } split /\n/, $_[0] }
sub problems {
  my ($said, $journal, $whole) = @_;
  my @has = map { "$_->{seq} $_->{kind} $_->{run}" } grep { $_->{run} } journal_events($journal);
  my %has = map { $_ => 1 } @has;
  my @told = told($said);
  my @problems = map { "told, and not in the journal: $_" } grep { !$has{$_} } @told;
  my @order = map { (split ' ')[0] } @told;
  push @problems, "out of order: @order" if "@order" ne join ' ', sort { $a <=> $b } @order;
  push @problems, 'not all is told' if $whole && "@told" ne "@has";
  return @problems;
}

# Only what machines read.
sub json_of {
  my ($fault, $file, $journal) = @_;
  local @ENV{qw(STEPWISE_FAULT_ON STEPWISE_FAULT)} = ('journal.db', $fault);
  delete local $ENV{STEPWISE_FAULT} if !$fault;
  return run_quietly('sh', '-c', 'exec "$@" 2>/dev/null', 'sh', $faulty, 'run', $file, '--json', '--journal', $journal);
}

my ($dir, $file, $journal) = ledger_room($text);
my $counts = fault_counts({ STEPWISE_FAULT_ON => 'journal.db' }, 'run', $file, '--json', '--journal', $journal);
is($counts->{exit}, 0, 'without a fault it succeeds') or diag $counts->{said};
($dir, $file, $journal) = ledger_room($text);
is(join("\n", problems(scalar json_of('', $file, $journal), $journal, 1)), '', 'and all events are told, in order');
for my $case (['io', 'write'], ['full', 'sync'], ['kill', 'write'], ['kill', 'sync']) {
  my ($what, $operation) = @$case;
  my $told = 0;
  my @problems = fault_sweep(what => $what, operation => $operation, count => $counts->{"${operation}s"}, each => sub {
    my ($fault) = @_;
    my ($dir, $file, $journal) = ledger_room($text);
    my ($said) = json_of($fault, $file, $journal);
    $told += told($said);
    return -s $journal ? problems($said, $journal) : told($said) ? 'told without a journal' : ();
  });
  is(join("\n", @problems), '', "$what at a $operation: what is told is in the journal");
  cmp_ok($told, '>', 10, "  and something was told");
}
done_testing;
