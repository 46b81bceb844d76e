#!/usr/bin/env perl
# Every file of examples/: lint says nothing, and a run prints what tests/examples/NAME.out holds. The
# line `# run: ARGUMENTS` in the file gives the arguments, after `exit=N` where that is not 0.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Temp 'tempdir';
use Test::More;

my $dir = tempdir(CLEANUP => 1);
$ENV{STEPWISE_JOURNAL} = "$dir/journal.db";
$ENV{HOME} = $dir;
chdir 'examples' or die $!;
my @files = sort glob '*.rb';
cmp_ok(scalar @files, '>=', 10, 'there are examples');
for my $file (@files) {
  my $text = read_file($file);
  my ($said, $code) = run_quietly($stepwise, 'lint', $file);
  ok($code == 0 && $said eq '', "$file: lint says nothing") or diag "exit $code\n$said";
  my $lines = () = $text =~ /\n/g;
  ok($lines >= 10 && $lines <= 40, "$file: 10 to 40 lines") or diag "$lines lines";
  my ($want, $arguments) = $text =~ /^# run:(?: exit=(\d+))? ?(.*)$/m or do { fail("$file: no `# run:` line"); next };
  my ($out, $exit) = run_quietly($stepwise, 'run', $file, split ' ', $arguments);
  is($exit, $want || 0, "$file: exit code");
  my $expected = read_file("$top/tests/examples/" . $file =~ s/\.rb$/.out/r);
  like($out, pattern($expected // "there is no expected output\n"), "$file: what it prints");
}
my ($said, $code) = run_quietly($stepwise, 'journal', 'verify');
is($code, 0, 'their journal verifies') or diag $said;
done_testing;
