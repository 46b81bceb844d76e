#!/usr/bin/env perl
# Batches in drills: failures as they are asked for, item by item, what the journal has of them, and how far
# a batch is on the virtual clock.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use JSON::PP;
use Stepwise;
use Test::More;

my ($dir, $journal, $number) = (tempdir(CLEANUP => 1), undef, 0);
sub drill { # the batch of COUNT at RATE a second; each in a journal of its own
  my ($count, $rate, @options) = @_;
  $number++;
  $journal = "$dir/$number.db";
  write_file("$dir/launch.rb", <<"RUBY");
runbook "launch" do
  use "sms"
  step "Launch" do
    batch = sms.send_batch(to: (1..$count).map { |i| "+1212555" + "%04d" % i }, body: "hello", per_second: $rate)
    show "#{batch.total} #{batch.sent} #{batch.refused.size} #{batch.unsure.size}", as: "counts"
    show batch.refused.map { |one| "#{one.to} #{one.kind} #{one.reason}" }.join("; "), as: "refused"
    irreversible "sent is sent"
  end
end
RUBY
  return run_quietly($stepwise, 'run', "$dir/launch.rb", '--journal', $journal, '--drill', @options);
}
sub on { return run_quietly($stepwise, 'resume', 'last', '--journal', $journal) }
sub events { my ($kind) = @_; return grep { $_->{kind} eq $kind } map { decode_json($_) } split /\n/, scalar run_quietly($stepwise, 'journal', 'show', 'last', '--json', '--journal', $journal) }
sub ended { my ($as) = @_; return grep { $_->{as} eq $as } map { @{ $_->{data}{items} } } events('items.finished') }
# Who the outbox of the drill has, each once, or what is wrong with it.
sub outbox {
  my ($file) = glob "$dir/state/drill/" . (events('run.started'))[0]{run} . '/outbox.db';
  my $n = run_quietly('sqlite3', $file, 'SELECT count(*), count(DISTINCT phone) FROM message');
  chomp $n;
  my ($all, $people) = split /\|/, $n;
  return $all == $people ? $all : "$all messages to $people";
}
sub good { return (run_quietly($stepwise, 'journal', 'verify', '--journal', $journal))[1] == 0 }

my ($said, $exit) = drill(30, 10, '--drill-fail', 'sms.send_batch:transient:2');
is($exit, 0, 'transient: the items are tried again') or diag $said;
like($said, qr/counts: 30 30 0 0/, '  and sent');
is(outbox(), 30, '  everybody once');
my @called = events('drill.called');
is(join(' ', map { "$_->{data}{number}:$_->{data}{fails}" } grep { $_->{data}{fails} } @called), '1:transient 2:transient', '  the journal has which calls failed');
my $further = 0; # how long is waited is drawn by lot: both may be of one item
$further += $_->{tries} - 1 for grep { $_->{tries} } ended('sent');
is($further, 2, '  and which items took a further try');
ok(good(), '  and is good');

($said, $exit) = drill(30, 10, '--drill-fail', 'sms.send_batch:refused:3:5');
is($exit, 0, 'refused: the batch goes on') or diag $said;
like($said, qr/counts: 30 27 3 0/, '  the refused are counted');
like($said, qr/refused: \+12125550006 refused sms\.send_batch: it is refused \(drill\); \+12125550007 refused .*; \+12125550008 refused /, '  those after five more calls, with the reason');
is(outbox(), 27, '  the others once');
is(join(' ', map { $_->{data}{number} } grep { $_->{data}{fails} } events('drill.called')), '6 7 8', '  AFTER counts items');

($said, $exit) = drill(30, 10, '--drill-fail', 'sms.send_batch:lost:2');
is($exit, 0, 'lost: by its key each is asked for again') or diag $said;
like($said, qr/counts: 30 30 0 0/, '  and known as sent');
is(outbox(), 30, '  everybody once');

($said, $exit) = drill(30, 10, '--drill-fail', 'sms.send_batch:provider:1:12');
is($exit, 1, 'provider: the batch stops');
like($said, qr/sms\.send_batch stopped at \d+ of 30: "\+1212555\d{4}": sms\.send_batch: the provider failed \(drill\)/, '  and says where, at whom, of what');
my $at = outbox();
ok($at > 0 && $at < 30, "  in the middle") or diag $at;
is(scalar ended('sent'), $at, '  the journal has each that was sent');
like((run_quietly($stepwise, 'runs', '--journal', $journal))[0], qr/held, $at of 30/, '  runs tell how far it is');
like((run_quietly($stepwise, 'show', 'last', '--journal', $journal))[0], qr/stopped: launch\/sms\.send_batch, $at of 30: $at sent/, '  show too');
($said, $exit) = on();
is($exit, 0, '  resumed it goes on from there') or diag $said;
is(outbox(), 30, '  everybody once');
is(scalar(grep { $_->{data}{number} <= 13 } events('drill.called')), 13, '  calls are counted on: none fails a second time');
ok(good(), '  and the journal is good');

($said, $exit) = drill(20, 10, '--drill-fail', 'sms.send_batch:transient:8');
is($exit, 0, 'eight failures of many are not eight of one') or diag $said;
($said, $exit) = drill(1, 10, '--drill-fail', 'sms.send_batch:transient:8');
is($exit, 1, 'eight of one stop it');
like($said, qr/sms\.send_batch stopped at 0 of 1: .*no answer from the provider \(drill\)/, '  and say so');
($said, $exit) = on();
is(outbox(), 1, '  resumed: once') or diag $said;

# --- how far it is, on the virtual clock ---
($said, $exit) = drill(600, 2);
is($exit, 0, 'a batch of five minutes') or diag $said;
my @told = $said =~ /sms\.send_batch: (\d+ of 600, \d+ a (?:minute|second), \S+ \w+ left)/g;
is(scalar @told, 4, '  a line a minute') or diag $said;
like($told[0] // '', qr/^1(?:1[5-9]|2[0-5]) of 600, (?:2 a second|11\d a minute), 4 minutes left/, '  the first after a minute of it, with the rate and the time left');
like($told[3] // '', qr/^4(?:7[5-9]|8[0-5]) of 600, .*, (?:1 minute|1m \d+s|6\d seconds|5\d seconds) left/, '  the last a minute before its end');
like($said, qr/600 of 600 sent, (?:5|4\.9) minutes/, '  it took as long as it would') or diag $said;
done_testing;
