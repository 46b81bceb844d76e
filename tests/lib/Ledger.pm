# Runs with the binding of tests/lib/ledger.rb, whose driver keeps its own books.
package Ledger;
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Copy 'copy';
use File::Path 'make_path';
use File::Temp 'tempdir';
use Exporter 'import';
our @EXPORT = qw(ledger_room ledger_control ledger_lines ledger_tries);

# A directory of its own with the module and this runbook: (directory, runbook, journal). Run it with
# `$stepwise run RUNBOOK --journal JOURNAL`.
sub ledger_room {
  my ($text) = @_;
  my $dir = tempdir(CLEANUP => 1);
  make_path("$dir/state", { mode => 0700 });
  copy("$top/tests/lib/ledger.rb", "$dir/ledger.rb") or die "ledger.rb: $!";
  write_file("$dir/case.rb", $text);
  return ($dir, "$dir/case.rb", "$dir/journal.db");
}

# What is to go wrong from now on: lines as ledger.rb says, none to let all go well.
sub ledger_control {
  my ($dir, @lines) = @_;
  write_file("$dir/state/control", join '', map { "$_\n" } @lines);
}

# What was done, in order: "KEY ITEM".
sub ledger_lines {
  my ($dir) = @_;
  return split /\n/, read_file("$dir/state/ledger") // '';
}

# The items in the order in which performs of them began.
sub ledger_tries {
  my ($dir) = @_;
  return split /\n/, read_file("$dir/state/tries") // '';
}

1;
