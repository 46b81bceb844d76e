#!/usr/bin/env perl
# Arrows point one way: cli -> stdlib (embedded text) -> runtime -> lang. Read from the includes.
use strict;
use warnings;
use Test::More;

# What a room may include, besides itself.
my %may = (
  lang    => [],
  runtime => ['lang'],
  stdlib  => [],
  cli     => ['stdlib', 'runtime', 'lang'],
);

my @wrong;
my $seen = 0;
for my $room (sort keys %may) {
  my %allowed = map { $_ => 1 } $room, @{ $may{$room} };
  for my $file (split /\n/, `find $room -name '*.[chly]'`) {
    open my $in, '<', $file or die "$file: $!";
    while (<$in>) {
      next unless /^\s*#\s*include\s+"([^"]+)"/;
      $seen++;
      my $target = path($file, $1);
      my ($to) = split m{/}, $target;
      my $generated = $target =~ m{(?:^|/)(?:scan|gram)\.h$};
      push @wrong, "$file:$.: includes $1"
        unless $generated ? $room eq 'lang' : $allowed{$to} && -e $target;
    }
  }
}
cmp_ok($seen, '>', 20, 'the includes of the rooms were read');
is(join("\n", @wrong), '', 'every include points the allowed way');

# Each contract stands on its own.
my @headers = grep { !m{/gram\.h|/scan\.h} } split /\n/, `find lang runtime stdlib cli -name '*.h'`;
my $build = $ENV{BUILD} || 'build';
my $cc = $ENV{CC} || 'gcc';
my $said = `$cc -std=c11 -D_GNU_SOURCE -I$build/gen -fsyntax-only -x c @headers 2>&1`;
is($? >> 8, 0, scalar(@headers) . ' headers compile alone') or diag $said;
done_testing;

# The place that an include means, relative to the top: "lang/x.h" for "../lang/x.h" in runtime/.
sub path {
  my ($file, $include) = @_;
  my @at = split m{/}, $file;
  pop @at;
  for (split m{/}, $include) {
    if ($_ eq '..') { pop @at }
    elsif ($_ ne '.') { push @at, $_ }
  }
  return join '/', @at;
}
