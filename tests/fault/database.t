#!/usr/bin/env perl
# A run's own database on a full disk: the run says so, and no empty file is left where there was none.
# The list of opt-outs, when whoever makes it is killed: there is none, or it is whole. An empty one would
# stop all messages.
use strict;
use warnings;
use lib 'tests/lib';
use Fault;
use Stepwise;
use File::Temp 'tempdir';
use Test::More;

sub import_args {
  my ($dir) = @_;
  return ('run', 'runbooks/imports/spreadsheet-import.rb', '--journal', "$dir/journal.db", '--answers',
    'examples/data/sign-ups.answers.json', '--set', 'file=examples/data/sign-ups.csv', '--set', "database=$dir/people.db",
    '--set', 'create=true');
}

my $on = { STEPWISE_FAULT_ON => '/people.db' };
my $counts = fault_counts($on, import_args(tempdir(CLEANUP => 1)));
is($counts->{exit}, 0, "the import takes $counts->{writes} writes of its database") or diag $counts->{said};
my $none = 0;
my @problems = fault_sweep(
  what => 'full', operation => 'write', on_and_on => 1, count => $counts->{writes}, some => 4,
  each => sub {
    my ($fault) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my ($said, $exit) = fault_run($fault, $on, import_args($dir));
    my @found = fault_problems("$dir/journal.db");
    push @found, "exit $exit: $said" if $exit != 0 && $said !~ /database or disk is full.*help: make room on the disk; what was being written is taken back, what was done before stands/s;
    push @found, 'an empty file is left' if -e "$dir/people.db" && -z "$dir/people.db";
    $none++ if !-e "$dir/people.db";
    return @found;
  });
is(join("\n", @problems), '', 'a full disk at the n-th write');
cmp_ok($none, '>', 0, 'nothing is left of a database that could not be begun');

sub stop_args {
  my ($dir) = @_;
  write_file("$dir/stop.rb", qq{runbook "stop" do\n  use "sms"\n  step "Stop" do\n    sms.suppress(to: "+12025550130", reason: "asked")\n    irreversible "it was asked for"\n  end\nend\n});
  return ('run', "$dir/stop.rb", '--journal', "$dir/journal.db");
}
write_file((my $ask = tempdir(CLEANUP => 1)) . '/ask.rb', qq{runbook "ask" do\n  use "sms"\n  step "Ask" do\n    show sms.suppressions.size, as: "listed"\n    show sms.suppressed?(to: "+12025550130"), as: "out"\n  end\nend\n});
my $list = { STEPWISE_FAULT_ON => 'messaging.db' };
$counts = fault_counts($list, stop_args(tempdir(CLEANUP => 1)));
is($counts->{exit}, 0, "an opt-out takes $counts->{opens} files and $counts->{writes} writes") or diag $counts->{said};
my %seen;
@problems = map { my $operation = $_; fault_sweep(
  what => 'kill', operation => $operation, count => $counts->{"${operation}s"}, some => 30,
  each => sub {
    my ($fault) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my ($said, $exit) = fault_run($fault, $list, stop_args($dir));
    my ($file) = glob "$dir/state/messaging.db";
    my $is = !-e $file ? 'none' : -s $file ? 'whole' : 'empty';
    $seen{$is}++;
    my ($asked) = run_quietly($stepwise, 'run', "$ask/ask.rb", '--journal', "$dir/journal.db");
    return (($exit != 137 ? "exit $exit: $said" : ()), ($is eq 'empty' ? 'an empty list is left' : ()), ($asked !~ /listed: [01]$/m ? "it cannot be read: $asked" : ()));
  }) } 'open', 'write', 'sync';
is(join("\n", @problems), '', 'killed on the way, it is not there or it is whole');
ok($seen{none} && $seen{whole}, 'both were seen') or diag explain \%seen;
done_testing;
