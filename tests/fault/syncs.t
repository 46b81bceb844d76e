#!/usr/bin/env perl
# What durability costs: syncs of the journal, counted. n write actions in a row cost n + 1 at most;
# pure steps, reads and notes cost none of their own. The clock stands still: what lies around for 20 ms
# is committed, and a machine that is busy would count that too.
use strict;
use warnings;
use lib 'tests/lib';
use Fault;
use Ledger;
use Stepwise;
use Test::More;

# Syncs of the journal that is there already, so that making it is not counted.
sub syncs {
  my ($steps) = @_;
  my ($dir, $file, $journal) = ledger_room("runbook \"books\" do\n  use \"ledger\"\n$steps\nend\n");
  run_quietly($stepwise, 'run', "$top/examples/01-hello.rb", '--journal', $journal);
  my $count = fault_counts({ STEPWISE_FAULT_ON => 'journal.db', STEPWISE_FAULT_STILL => 1 }, 'run', $file, '--journal', $journal);
  is($count->{exit}, 0, 'it succeeds') or diag $count->{said};
  return $count->{syncs};
}

sub step {
  my ($n, $body, $rest) = @_;
  return "  step \"Step $n\" do\n" . join('', map { "    $_\n" } @$body) . ($rest ? "    $rest\n" : '') . "  end\n";
}

my $bare = syncs(step(1, ['note "nothing"']));
cmp_ok($bare, '<=', 4, "a run without effects: $bare syncs, opening and closing included");

my $pure = syncs(join '', map { step($_, ["x = $_ + 1", 'note "x is #{x}"', 'show x', 'expect x > 0, "more than none"']) } 1 .. 20);
is($pure, $bare, 'twenty pure steps cost none');

my $reads = syncs(join '', map { step($_, ['n = ledger.count(item: "a")', 'show n']) } 1 .. 20);
is($reads, $bare, 'twenty reads cost none');

for my $n (1, 5, 20) {
  my $in_one = syncs(step(1, [map { "ledger.put item: \"i$_\"" } 1 .. $n], 'irreversible "books stay"'));
  cmp_ok($in_one - $bare, '<=', $n + 1, "$n writes in one step cost " . ($in_one - $bare));
  my $in_many = syncs(join '', map { step($_, ["ledger.put item: \"i$_\"", 'note "done"'], 'irreversible "books stay"') } 1 .. $n);
  cmp_ok($in_many - $bare, '<=', $n + 1, "$n steps of one write cost " . ($in_many - $bare));
  my $mixed = syncs(join '', map { step($_, ['n = ledger.count(item: "a")', "ledger.put item: \"i$_\"", 'n = ledger.count(item: "a")'],
      "rollback { ledger.remove item: \"i$_\" }") } 1 .. $n);
  cmp_ok($mixed - $bare, '<=', $n + 1, "$n steps with reads around the write, and a rollback to arm, cost " . ($mixed - $bare));
}
done_testing;
