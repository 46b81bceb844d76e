#!/usr/bin/env perl
# Every file that the documents name exists, and every link leads somewhere.
use strict;
use warnings;
use Test::More;

my @documents = ('README.md', 'CONTRIBUTING.md', glob 'docs/*.md');
my %heading;
for my $document (@documents) {
  my (@missing, $fenced);
  open my $in, '<', $document or die "$document: $!";
  while (<$in>) {
    $fenced = !$fenced if /^```/;
    next if $fenced;
    for my $path (/`((?:\.ci|lang|runtime|cli|stdlib|runbooks|examples|tests|bench|tools|docs)\/[^`\s]*)`/g) {
      next if $path =~ /\b[A-Z]+\.t|_X\.c|\bX\.c/;    # tests/ROOM/NAME.t stands for many
      my ($first) = glob $path;
      push @missing, "$.: $path" unless defined $first && -e $first;
    }
    for my $link (/\]\(([^)\s]+)\)/g) {
      next if $link =~ /^https?:/;
      my ($file, $anchor) = split /#/, $link, 2;
      my ($dir) = $document =~ m{^(.*/)};
      $file = $file eq '' ? $document : ($dir // '') . $file;
      1 while $file =~ s{[^/]+/\.\./}{};
      if (!-e $file) { push @missing, "$.: $link" }
      elsif (defined $anchor && !anchors($file)->{$anchor}) { push @missing, "$.: $link has no such heading" }
    }
  }
  is(join("\n", @missing), '', "$document names only what is there");
}
done_testing;

sub anchors {
  my ($file) = @_;
  return $heading{$file} if $heading{$file};
  open my $in, '<', $file or die "$file: $!";
  for (<$in>) {
    next unless /^#+\s+(.*?)\s*$/;
    my $anchor = lc $1;
    $anchor =~ s/[^\w\- ]//g;
    $anchor =~ s/ /-/g;
    $heading{$file}{$anchor} = 1;
  }
  return $heading{$file};
}
