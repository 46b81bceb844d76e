#!/usr/bin/env perl
# docs/imports.md against the program: every converter, limit and action stands in it.
use strict;
use warnings;
use Test::More;

sub text { local $/; open my $in, '<', $_[0] or die "$_[0]: $!"; return <$in> }
my $doc = text('docs/imports.md');
my $stdlib = text('stdlib/imports.rb');

my @converters = text('runtime/primitives/sheet_convert.c') =~ /^\s+\{"(\w+)", as_/gm;
cmp_ok(scalar @converters, '>', 10, 'converters were read');
is(join(' ', grep { $doc !~ /^\|[^|]*`$_`/m } @converters), '', 'every converter is in the reference');
my ($listed) = $stdlib =~ /one converter or several in order: `([^`]+)`/;
is(join(' ', sort split ' ', $listed // ''), join(' ', sort @converters), 'and in the comment of the binding');

my @actions = $stdlib =~ /^  action :(\w+)/gm;
cmp_ok(scalar @actions, '>', 10, 'actions were read');
is(join(' ', grep { $doc !~ /^\|[^|]*`$_`/m } @actions), '', 'every action is in the reference');

my %limit = text('runtime/primitives/sheet.h') =~ /(SHEET_MAX_\w+) = ([\d <]+)/g;
is(eval $limit{SHEET_MAX_COLUMNS}, 1000, 'columns');
is(eval $limit{SHEET_MAX_FIELD}, 1 << 20, 'one field');
is(eval $limit{SHEET_MAX_RECORD}, 8 << 20, 'one row');
my %zip = text('runtime/primitives/xlsx/zip.h') =~ /(ZIP_\w+) = ([\d <]+)/g;
is_deeply([map { eval $zip{$_} } qw(ZIP_MAX_ENTRIES ZIP_MAX_RATIO ZIP_FREE)], [10000, 200, 8 << 20], 'workbooks');
my %book = text('runtime/primitives/xlsx/book.h') =~ /(BOOK_\w+) = ([\d <]+)/g;
is_deeply([map { eval $book{$_} } qw(BOOK_MAX_TEXT BOOK_MAX_STRINGS)], [48 << 20, 4 << 20], 'shared strings');
done_testing;
