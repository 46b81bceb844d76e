#!/usr/bin/env perl
# What the checker says, to the letter: each bad/NAME.rb beside its bad/NAME.err. Good files say
# nothing. WRITE_GOLDEN=1 writes the .err files anew: read the difference before committing.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use Test::More;

chdir "$top/tests/check/bad" or die $!;
my %said;
for my $file (glob '*.rb') {
  (my $golden = $file) =~ s/rb$/err/;
  my ($text, $code) = run_quietly($stepwise, 'lint', $file);
  write_file($golden, $text) if $ENV{WRITE_GOLDEN};
  my $expected = read_file($golden) // '';
  is($text, $expected, "$file says what $golden holds");
  is($code, $text =~ /error\[/ ? 3 : 0, "$file: exit code");
  $said{$_} = 1 for $text =~ /\[(RB2\d\d)\]/g;
}

# Each kind of message has a bad file here, or a test in tests/unit/lang_program.c.
my %in_unit = map { $_ => 1 } qw(RB212 RB213 RB273);
my @codes = (read_file("$top/lang/diag.def") // '') =~ /\b(RB2\d\d)\b/g;
cmp_ok(scalar @codes, '>', 50, 'codes were found');
is(join(' ', grep { !$said{$_} && !$in_unit{$_} } @codes), '', 'every code is said somewhere');

chdir "$top/tests/check/good" or die $!;
my @good = (glob('*.rb'), glob('lib/*.rb'));
for my $file (@good) {
  my ($text, $code) = run_quietly($stepwise, 'lint', $file);
  is($text, '', "$file is good");
  is($code, 0, "$file: exit code");
}

SKIP: {
  my @all = (map({ "$top/tests/check/bad/$_" } grep { !/^(literal_value|ruby_reads)\.rb$/ } map { s{.*/}{}r } glob("$top/tests/check/bad/*.rb")),
    map { "$top/tests/check/good/$_" } @good);
  skip 'ruby is not installed: ' . @all . ' files not compared', 1 unless has_ruby();
  my $refused = run_quietly('ruby', '-W0', '-e',
    'ARGV.each { |f| begin; RubyVM::InstructionSequence.compile_file(f); rescue SyntaxError; puts f; end }', @all);
  is($refused, '', 'ruby reads every file (but the ones that are bad to it too)');
}
done_testing;
