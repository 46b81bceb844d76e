#!/usr/bin/env perl
# A run's own database on a full disk: the run says so, and no empty file is left where there was none.
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
    push @found, "exit $exit: $said" if $exit != 0 && $said !~ /database or disk is full.*help: make room/s;
    push @found, 'an empty file is left' if -e "$dir/people.db" && -z "$dir/people.db";
    $none++ if !-e "$dir/people.db";
    return @found;
  });
is(join("\n", @problems), '', 'a full disk at the n-th write');
cmp_ok($none, '>', 0, 'nothing is left of a database that could not be begun');
done_testing;
