#!/usr/bin/env perl
# How large files and functions are. A report, seen with `prove -v`; it never fails on size.
use strict;
use warnings;
use Test::More;

my (@long_files, @functions);
for my $file (split /\n/, `find lang runtime cli -name '*.[cly]'`) {
  open my $in, '<', $file or next;
  my ($name, $start);
  while (<$in>) {
    if (!$name && /^[a-z].*?\b(\w+)\(.*\{\s*$/) { ($name, $start) = ($1, $.) }
    elsif ($name && /^\}/) { push @functions, [$. - $start + 1, "$file:$start $name"]; undef $name }
  }
  push @long_files, "$file: $. lines" if $. > 600;
}
my @sizes = sort { $a <=> $b } map { $_->[0] } @functions;
ok(@sizes, 'functions were counted');
note scalar(@sizes), " functions, median $sizes[$#sizes / 2] lines" if @sizes;
note "over 60 lines: $_->[1] ($_->[0])" for grep { $_->[0] > 60 } sort { $b->[0] <=> $a->[0] } @functions;
note "over 600 lines: $_" for @long_files;
done_testing;
