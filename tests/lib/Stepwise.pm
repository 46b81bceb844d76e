# What the script tests share: the program under test, running it with nobody to ask, expected text.
package Stepwise;
use strict;
use warnings;
use Cwd 'abs_path';
use Exporter 'import';
our @EXPORT = qw($stepwise $top run_quietly pattern read_file write_file has_ruby);

our $top = abs_path('.');
our $stepwise = $ENV{STEPWISE} || "$top/build/stepwise";

# The same for everybody: no colour, no settings, no terminal, times in UTC.
delete $ENV{$_} for grep { /^(?:STEPWISE_|XDG_)/ } keys %ENV;
@ENV{qw(NO_COLOR LC_ALL TZ)} = (1, 'C.UTF-8', 'UTC');

# Output of both kinds, and the exit code (128 and the signal's number when it was killed).
sub run_quietly {
  my @command = @_;
  my $pid = open(my $from, '-|') // die "fork: $!";
  if (!$pid) {
    open STDIN, '<', '/dev/null';
    open STDERR, '>&', \*STDOUT;
    exec 'timeout', '60', @command or die "exec: $!";
  }
  local $/;
  my $said = <$from> // '';
  close $from;
  my $exit = $? & 127 ? 128 + ($? & 127) : $? >> 8;
  return wantarray ? ($said, $exit) : $said;
}

# Expected text as a pattern. `...` stands for anything within a line; a line that is only `...`
# stands for any lines. A line that ends in `ok` may tell the time it took: a busy machine is slow.
sub pattern {
  my ($text) = @_;
  my $pattern = join '', map { $_ eq "...\n" ? '(?:.*\n)*?' : quotemeta($_) =~ s/(?:\\\.){3}/.*?/gr } split /^/, $text;
  $pattern =~ s/(\bok)(\\?\n)/$1(?:\\ \\ [\\d.]+\\ (?:ms|seconds?))?$2/g;
  return qr/\A$pattern\z/;
}

sub read_file {
  my ($path) = @_;
  open my $from, '<:raw', $path or return undef;
  local $/;
  return scalar <$from>;
}

sub write_file {
  my ($path, $text) = @_;
  open my $to, '>:raw', $path or die "$path: $!";
  print $to $text;
  close $to or die "$path: $!";
}

sub has_ruby { return system('ruby -e 1 >/dev/null 2>&1') == 0 }

1;
