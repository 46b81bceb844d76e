#!/usr/bin/env perl
# The wall clock jumps: runs go on, waits take as long as they should, the journal is good and warns.
use strict;
use warnings;
use lib 'tests/lib';
use Fault;
use Ledger;
use Stepwise;
use Test::More;
use Time::HiRes 'time';

my $text = <<'RUBY';
runbook "books" do
  use "ledger"
  step "First" do
    timeout 20.seconds
    ledger.put_by_key item: "a"
    wait 0.3.seconds
    irreversible "books stay"
  end
  step "Second" do
    wait_until within: 20.seconds, every: 0.1.seconds do
      ledger.count(item: "a") == 1
    end
    ledger.put_by_key item: "b"
    irreversible "books stay"
  end
end
RUBY

my ($dir0, $file0, $journal0) = ledger_room($text);
my $counts = fault_counts('run', $file0, '--journal', $journal0);
is($counts->{exit}, 0, "a run reads the wall clock $counts->{clocks} times") or diag $counts->{said};

for my $off (-3600, -86400 * 400, 3600) {
  my @problems;
  my $warned = 0;
  for my $n (fault_points($counts->{clocks}, 3)) {
    my ($dir, $file, $journal) = ledger_room($text);
    my $begun = time;
    my ($said, $exit) = fault_run('', { STEPWISE_FAULT_CLOCK => "$n:" . $off * 1_000_000 }, 'run', $file, '--journal', $journal);
    my $took = time - $begun;
    push @problems, "$n: exit $exit: $said" if $exit != 0;
    push @problems, "$n: waited only $took s" if $took < 0.3;
    my $items = join ' ', map { (split ' ')[1] } ledger_lines($dir);
    push @problems, "$n: the books have $items" if $items ne 'a b';
    push @problems, map { "$n: $_" } fault_problems($journal, ledger_lines($dir));
    my ($verified) = run_quietly($stepwise, 'journal', 'verify', '--journal', $journal);
    $warned++ if $verified =~ /a clock was set back/;
    my ($shown, $showed) = run_quietly($stepwise, 'show', '--journal', $journal);
    push @problems, "$n: show: $shown" if $showed != 0 || $shown =~ /after -|-\d+ (?:ms|s|minutes)/;
  }
  is(join("\n", @problems), '', "the clock jumps by $off s: the run goes on and takes its time");
  ok($off > 0 ? !$warned : $warned, $off > 0 ? '  forward is no matter' : '  verify says that a clock was set back');
}
done_testing;
