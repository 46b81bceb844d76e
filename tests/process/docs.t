#!/usr/bin/env perl
# docs/bindings.md against the program: every action and primitive, with its parameters and effect.
use strict;
use warnings;
use Test::More;

sub text { local $/; open my $in, '<', $_[0] or die "$_[0]: $!"; return <$in> }
my $doc = text('docs/bindings.md');

for my $module ('shell', 'web') {
  my @actions = text("stdlib/$module.rb") =~ /^  action :(\w+), effect: :(\w+)(?:, repeat: :(\w+))?/gm;
  cmp_ok(scalar @actions, '>', 8, "actions of $module were read");
  while (my ($name, $effect, $repeat) = splice @actions, 0, 3) {
    my $want = $effect eq 'read' ? 'read' : 'write, `:' . ($repeat // 'unsafe') . '`';
    like($doc, qr/^\| `$module\.$name` \| \Q$want\E \|/m, "$module.$name");
  }
}

my %macro;
for my $group ('exec', 'file', 'http') {
  my $source = text("runtime/primitives/${group}_primitives.c") =~ s/\\\n\s*//gr;
  $macro{$1} = $2 while $source =~ /^#define (PARAM_\w+|PARAMS|BODY)\s+(.*)$/mg;
  my $names = sub {
    my $list = $_[0] =~ s/\b(PARAM_\w+|PARAMS|BODY)\b/$macro{$1}/gr;
    my @names;
    push @names, '`' . $1 . (index($2, '?') >= 0 ? '?' : '') . '`' while $list =~ /\{\s*"(\w+)",\s*"([^"]+)"/g;
    return @names;
  };
  my %params;
  $params{$1} = $2 while $source =~ /primitive_param (\w+)\[\] = \{(.*?)\};/sg;
  my $count = 0;
  while ($source =~ /\{"$group", "(\w+)", (\w+), [^;]*?EFFECT_(\w+)/g) {
    my ($name, $effect, @params) = ($1, lc $3, $names->($params{$2}));
    my ($row) = $doc =~ /^(\|[^|]*`$group\.$name`.*)$/m;
    ok($row, "$group.$name has a row") or next;
    my (undef, undef, $said, $list) = split / *\| */, $row;
    is($said, $effect, '  with its effect');
    is($list, join(', ', @params), '  and its parameters') unless $list =~ /^as /;
    $count++;
  }
  cmp_ok($count, '>', 1, "primitives of $group were read");
}
done_testing;
