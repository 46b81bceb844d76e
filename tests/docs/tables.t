#!/usr/bin/env perl
# docs/language.md against the tables that the program is made of: every clause and keyword, method,
# type, limit, default and message code stands in the reference, and nothing else does.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use Test::More;

my $text = read_file('docs/language.md');
my %section;    # heading -> text, down to the next heading
{
  my ($at, $fenced) = ('');
  for (split /^/, $text) {
    $fenced = !$fenced if /^```/;
    if (!$fenced && /^#+ (.*)/) { $at = $1 }
    else { $section{$at} .= $_ }
  }
}

# -- clauses and statements --
my %clauses;
for my $entry (read_file('lang/clause.def') =~ /^(CLAUSE\(.*?\))\s*$(?=\n(?:\n|CLAUSE|\/\*|#)|\z)/gms) {
  my ($word) = $entry =~ /^CLAUSE\((\w+)/;
  $clauses{ $word =~ s/_bang$/!/r }{$_} = 1 for '', $entry =~ /(?:KEY|NEED)\((\w+)/g;
}
cmp_ok(scalar keys %clauses, '>', 50, 'clauses were read');
my @missing;
for my $word (sort keys %clauses) {
  push @missing, $word unless $text =~ /^\|[^|\n]*`\Q$word\E[ `]/m;
  for my $key (grep { $_ ne '' } sort keys %{ $clauses{$word} }) {
    push @missing, "$word $key:" unless $text =~ /^\|.*`\Q$word\E .*\b$key:/m || $text =~ /^\| `\Q$key\E:/m || $text =~ /^\|[^\n]*, `$key:/m;
  }
}
is("@missing", '', 'every clause and keyword has a row');
my @unknown = grep { !$clauses{$_} } map { /`([a-z_]+!?)[ `]/g ? $1 : () }
  map { /^\| (`.*?) \|/gm } @section{'Runbook clauses', 'Plan structure', 'Step clauses'};
@unknown = grep { !/^(?:if|elsif|else|unless|case|when)$/ } @unknown;
is("@unknown", '', 'every row is a clause');

# -- methods --
my %where = (any => 'Values and methods', string => 'Strings and symbols', symbol => 'Strings and symbols',
  array => 'Arrays', hash => 'Hashes', range => 'Ranges', number => 'Numbers', integer => 'Numbers',
  float => 'Numbers', duration => 'Durations and times', time => 'Durations and times',
  regexp => 'Regexps', record => 'Records');
@missing = ();
my $methods = 0;
for (split /\n/, read_file('lang/method.def')) {
  if (/^METHOD\((\w+), \w+, "([^"]+)"/) {
    my ($receiver, $name) = ($1, $2);
    $methods++;
    my $there = $section{ $where{$receiver} } // '';
    push @missing, "$receiver.$name" unless $there =~ /\.\Q$name\E(?![\w?!])/ || $receiver eq 'record' && $there =~ /`$name`/;
  } elsif (/^FUNCTION\(\w+, "([^"]+)"/) {
    push @missing, "$1()" unless $text =~ /\b$1\b/;
  }
}
cmp_ok($methods, '>', 150, 'methods were read');
is("@missing", '', 'every method is shown in its section');

# -- types --
my @types = read_file('lang/type.def') =~ /^TYPE\(\w+, "(\w+)"/gm;
is(join(' ', grep { $section{'Types'} !~ /`:$_`/ } @types), '', 'every type has a row');

# -- whole tables: these are written by `tests/docs/tables.t --write` --
table('Limits', 'limit | value', map { m{^\s*LIMIT_\w+ = ([\d< ]*\d),?\s*/\* (.*?) \*/} ? "$2 | " . amount(eval $1) : () }
  lines('lang/limits.h'));
table('Defaults', 'what | limit', map { /^DEFAULT\(\w+, (\d+) \* US_(\w+), "([^"]+)"\)/
  ? "$3 | $1 " . lc($2) . ($1 == 1 ? '' : 's') : () } lines('runtime/limits.def'));
table('Codes', 'code | kind | meaning', map { /^DIAG\(\w+, (RB\d+), (\w+), ("(?:[^"\\]|\\.)*")\)/
  ? "$1 | " . lc($2) . ' | ' . text($3) : () } lines('lang/diag.def'));
my $string = qr/"(?:[^"\\]|\\.)*"/;
table('What is left out', 'construct | write instead', map {
    /^(?:KEYWORD|FUNCTION)\(($string),(?: \w+,)? ($string), ($string)\)/ ? code(text($1)) . ' | ' . text($3)
  : /^MUTATOR\(($string), ($string)\)/ ? code(text($1)) . ' | ' . code(text($2)) . ': values never change, it gives a new one'
  : () } lines('lang/leftout.def'));

# -- exit codes --
my %exit = read_file('cli/command.h') =~ /^\s*EXIT_(\w+) = (\d+)/gm;
is(join(' ', grep { $section{'Exit codes'} !~ /^\| $_ \|/m } sort { $a <=> $b } values %exit), '', 'every exit code');
done_testing;

# The only table of a section, row for row.
sub table {
  my ($heading, $columns, @rows) = @_;
  my $rule = join '|', map { '---' } split / \| /, $columns;
  my $want = join '', map { "| $_ |\n" } $columns, @rows;
  $want =~ s/\n/\n|$rule|\n/;
  my ($got) = ($section{$heading} // '') =~ /((?:^\|.*\n)+)/m;
  cmp_ok(scalar @rows, '>', 0, "$heading: rows were read");
  if ((shift @ARGV // '') eq '--write') {
    unshift @ARGV, '--write';
    my $whole = read_file('docs/language.md');
    $whole =~ s/(^#+ \Q$heading\E\n.*?)(?:^\|[^\n]*\n)+/$1$want/ms or die "no table under $heading";
    write_file('docs/language.md', $whole);
    $got = $want;
  }
  ok(defined $got && $got eq $want, "$heading: as the program has it") or diag "run tests/docs/tables.t --write\n", difference($want, $got // '');
}

sub difference {
  my ($want, $got) = @_;
  my %got = map { $_ => 1 } split /\n/, $got;
  my %want = map { $_ => 1 } split /\n/, $want;
  return join '', map { "$_\n" } (map { "- $_" } grep { !$want{$_} } keys %got), (map { "+ $_" } grep { !$got{$_} } keys %want);
}

sub lines { return split /\n/, read_file($_[0]) }
sub text { return $_[0] =~ s/^"|"$//gr =~ s/\\(["\\])/$1/gr =~ s/\|/\\|/gr }
sub code { return "`$_[0]`" }

sub amount {
  my ($n) = @_;
  return ($n >> 20) . ' MiB' if $n % (1 << 20) == 0;
  1 while $n =~ s/^(\d+)(\d{3})/$1,$2/;
  return $n;
}
