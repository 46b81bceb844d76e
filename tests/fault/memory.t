#!/usr/bin/env perl
# Out of memory at the n-th allocation, whoever asks for it: the program, SQLite, libuv or jansson. It
# ends with 9 and one line, nothing that the journal holds is lost, and nothing was done without a record.
use strict;
use warnings;
use lib 'tests/lib';
use Fault;
use Ledger;
use Stepwise;
use Test::More;

my $text = <<'RUBY';
runbook "books" do
  use "ledger"
  step "First" do
    ledger.put_by_key item: "a"
    irreversible "books stay"
  end
  step "Second" do
    done = ledger.put_by_key(item: "b")
    show done
    irreversible "books stay"
  end
end
RUBY
my $resumes = has_verb('resume');
my $words = 'stepwise: out of memory; nothing that the journal holds is lost';

sub items { return join ' ', map { (split ' ')[1] } @_ }

sub resume_problems {
  my ($dir, $journal) = @_;
  return () if !$resumes || !-e $journal;
  my ($run) = map { $_->{run} } grep { $_->{kind} eq 'run.started' } journal_events($journal);
  return () if !$run;
  my ($said) = run_quietly($stepwise, 'resume', $run, '--journal', $journal);
  my $items = items(ledger_lines($dir));
  return $items eq 'a b' ? () : "after resume the books have: $items; $said";
}

my ($room, $book, $kept) = ledger_room($text);
my $counts = fault_counts('run', $book, '--journal', $kept);
is($counts->{exit}, 0, "a run takes $counts->{allocs} allocations") or diag $counts->{said};
my @problems = fault_sweep(
  what => 'none', operation => 'alloc', count => $counts->{allocs}, some => 40,
  each => sub {
    my ($fault) = @_;
    my ($dir, $file, $journal) = ledger_room($text);
    my ($said, $exit) = fault_run($fault, 'run', $file, '--journal', $journal);
    my @found = $exit == 9 && $said =~ /\Q$words\E\n\z/ ? () : $exit == 0 ? () : "exit $exit: $said";
    push @found, 'an empty file is left' if -e $journal && -z $journal;
    return (@found, fault_problems($journal, ledger_lines($dir)), resume_problems($dir, $journal));
  });
is(join("\n", @problems), '', 'run: at every allocation');

for my $verb (['journal', 'verify', '--deep'], ['journal', 'export'], ['show', 'last'], ['runs'], ['journal', 'query', 'SELECT * FROM event']) {
  my $count = fault_counts(@$verb, '--journal', $kept);
  my @wrong = fault_sweep(
    what => 'none', operation => 'alloc', count => $count->{allocs}, some => 20,
    each => sub {
      my ($fault) = @_;
      my ($said, $exit) = fault_run($fault, @$verb, '--journal', $kept);
      return () if $exit == 9 && $said =~ /\Q$words\E\n\z/;
      return $exit == 0 && $said eq $count->{said} ? () : "exit $exit: $said";
    });
  is(join("\n", @wrong), '', "@$verb: the whole answer, or none");
}
done_testing;
