#!/usr/bin/env perl
# When the journal cannot be written: a full disk, a disk that fails, one that turns read-only, short
# writes and kill -9, each at the n-th write and at the n-th sync. The run fails closed: nothing is done
# whose intent is not on the disk, the message says what to do, and the journal is good afterwards. The clock
# stands still: what lies around for 20 ms is committed, and on a busy machine that would be writes more.
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
    before = ledger.count(item: "a")
    done = ledger.put_by_key(item: "b")
    note "second is #{done.item}"
    verify { before == 1 }
    irreversible "books stay"
  end
  step "Third" do
    ledger.put_by_key item: "c"
    ledger.put_by_key item: "d"
    irreversible "books stay"
  end
end
RUBY
my $all = 'a b c d';
my $resumes = has_verb('resume');

sub items { return join ' ', map { (split ' ')[1] } @_ }

my %ours = (STEPWISE_FAULT_ON => 'journal.db', STEPWISE_FAULT_STILL => 1);
my $counts;
{
  my ($dir, $file, $journal) = ledger_room($text);
  $counts = fault_counts({%ours}, 'run', $file, '--journal', $journal);
  is($counts->{exit}, 0, 'without a fault it succeeds') or diag $counts->{said};
  is(items(ledger_lines($dir)), $all, '  and all is done');
  is(join("\n", fault_problems($journal, ledger_lines($dir))), '', '  and recorded');
  cmp_ok($counts->{writes}, '>', 20, "$counts->{writes} writes and $counts->{syncs} syncs");
}

# What the run says when it could not go on: one line of what, one of what to do.
sub message_problems {
  my ($said, $exit) = @_;
  return "exit $exit: $said" if $exit != 9;
  return "no message: $said" if $said !~ /^(?:stepwise|stopped|not recorded(?: after [^:]+)?): .*journal\.db.*$/m;
  return "no help: $said" if $said !~ /^\s*help: \S/m;
  return $said =~ /(?:Segmentation|AddressSanitizer|runtime error)/ ? $said : ();
}

# The fault is gone: what is left can be brought to its end, and no key is in the books twice.
sub resume_problems {
  my ($dir, $journal) = @_;
  return () if !$resumes || !-e $journal;
  my ($run) = map { $_->{run} } grep { $_->{kind} eq 'run.started' } journal_events($journal);
  return () if !$run;
  my ($said, $exit) = run_quietly($stepwise, 'resume', $run, '--journal', $journal);
  my ($shown) = run_quietly($stepwise, 'runs', '--json', '--journal', $journal);
  my $items = items(ledger_lines($dir));
  my @problems = $shown =~ /"state":"succeeded"/ ? () : ("resume: $exit, $said, $shown");
  push @problems, "the books have: $items" if $items ne $all;
  return (@problems, fault_problems($journal, ledger_lines($dir)));
}

# It ended before its n-th operation came, so that there was nothing to be killed at.
sub was_shorter {
  my ($counted, $operation, $n) = @_;
  my ($count) = (read_file($counted) // '') =~ /\b${operation}s (\d+)/;
  return defined $count && $count < $n;
}

sub sweep {
  my ($what, $operation, $on_and_on) = @_;
  my $killed = $what =~ /kill|torn/;
  my ($tried, $shorter) = (0, 0);
  my @problems = fault_sweep(
    what => $what, operation => $operation, on_and_on => $on_and_on, count => $counts->{"${operation}s"},
    some => $killed ? 6 : 3,
    each => sub {
      my ($fault, $n) = @_;
      my ($dir, $file, $journal) = ledger_room($text);
      my ($said, $exit) = fault_run($fault, { %ours, STEPWISE_FAULT_COUNT => "$dir/count" }, 'run', $file, '--journal', $journal);
      my @ledger = ledger_lines($dir);
      my $missed = $exit == 0 && was_shorter("$dir/count", $operation, $n);
      $tried++;
      $shorter += $missed;
      my @found = $killed && !$missed ? ($exit == 137 ? () : "exit $exit: $said") : $exit == 0 ? () : message_problems($said, $exit);
      push @found, "succeeded with: " . items(@ledger) if $exit == 0 && items(@ledger) ne $all;
      push @found, 'an empty file is left' if -e $journal && -z $journal;
      return (@found, fault_problems($journal, @ledger), resume_problems($dir, $journal));
    });
  is(join("\n", @problems), '', "$what at " . ($on_and_on ? 'and after ' : '') . "the n-th $operation");
  cmp_ok($shorter, '<=', $tried / 4, "  $shorter of $tried came too late");
}

sweep('full', 'write', 1);
sweep('full', 'write');
sweep('io', 'write');
sweep('short', 'write', 1);
sweep('readonly', 'write', 1);
sweep('io', 'sync');
sweep('io', 'sync', 1);
sweep('kill', 'write');
sweep('torn', 'write');
sweep('kill-after', 'write');
sweep('kill-after', 'sync');
sweep('readonly', 'open', 1);
done_testing;
