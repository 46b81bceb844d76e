#!/usr/bin/env perl
# The driver that keeps books, for the tests that need one: each way to go wrong does what it says.
use strict;
use warnings;
use lib 'tests/lib';
use Ledger;
use Stepwise;
use Test::More;

sub once {
  my ($action, $plan, $want_exit, $want_lines, $pattern) = @_;
  my ($dir, $file, $journal) = ledger_room(<<"RUBY");
runbook "books" do
  use "ledger"
  step "Put" do
    timeout 0.5.seconds
    done = ledger.$action(item: "a")
    show done.key
    rollback { ledger.remove item: "a" }
  end
end
RUBY
  ledger_control($dir, $plan) if $plan;
  my ($said, $exit) = run_quietly($stepwise, 'run', $file, '--journal', $journal);
  my @lines = ledger_lines($dir);
  is(join(' ', $exit, scalar @lines, scalar ledger_tries($dir)), "$want_exit $want_lines 1",
    "$action, " . ($plan || 'all well')) or diag $said;
  like($said, $pattern, "  and it says so") if $pattern;
  return ($said, @lines);
}

my ($said, $line) = once('put', '', 0, 1);
my ($key, $item) = split ' ', $line;
like($said, qr/\Q$key\E/, 'the key in the books is the one that the driver was given');
is($item, 'a', 'and the item');
once('put', 'a fail', 1, 0, qr/a is refused/);
once('put', 'a fail-after', 1, 1, qr/a is refused afterwards/);
once('put_safe', 'a transient', 1, 0, qr/a is busy/);
once('put_by_key', 'a transient-after', 1, 1, qr/a is busy afterwards/);
once('put', 'a kill', 137, 0);
once('put', 'a kill-after', 137, 1);
once('put_probed', 'b fail', 0, 1);
once('put_safe', 'a hang', 1, 0, qr{took longer than its timeout});
once('put', 'a hang-after', 5, 1, qr/whether it happened is not known/);

my ($dir, $file, $journal) = ledger_room(<<'RUBY');
runbook "twice" do
  use "ledger"
  step "Put" do
    retries 3, backoff: 1.second
    done = ledger.put_by_key(item: "a")
    show done.key
    irreversible "books stay"
  end
end
RUBY
ledger_control($dir, 'a transient-after 2');
my ($twice, $exit) = run_quietly($stepwise, 'run', $file, '--journal', $journal, '--virtual-clock');
is($exit, 0, 'the first two tries fail') or diag $twice;
is(scalar ledger_tries($dir), 3, 'it is tried a third time');
is(scalar ledger_lines($dir), 1, 'a key in the books is not added again');
done_testing;
