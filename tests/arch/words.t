#!/usr/bin/env perl
# Words that have no place in the tree: unfinished work, a developer's machine, functions that
# lang/banned.h would have caught had it been included.
use strict;
use warnings;
use Test::More;

my @tracked = grep { -f } split /\n/, `git ls-files 2>/dev/null`;
@tracked = split /\n/, `find . -type f -not -path './build*' -not -path './.git/*' | sed 's,^\\./,,'` unless @tracked;
my @text = grep { -T && !m{^(?:LICENSE|tests/arch/words\.t)$} } @tracked;
my @code = grep { m{^(?:lang|runtime|cli|stdlib)/.*\.[chly]$} } @text;
cmp_ok(scalar @code, '>', 20, scalar(@text) . ' files to read, ' . scalar(@code) . ' of them C');

is(hits(qr/\b(?:TODO|FIXME|HACK|XXX)\b|\bnot implemented\b/, grep { m{^(?:lang|runtime|cli|stdlib|runbooks|examples)/} } @text),
  '', 'no marks of unfinished work');
is(hits(qr{(?<![\w.])/(?:home|Users|work|tmp/w|tmp/brief)/\w}, @text), '', "no path of a developer's machine");
is(hits(qr/\.\.\/shared\b/, grep { $_ ne '.ci/run' } @text), '', 'nothing depends on a neighbour of this directory');
is(hits(qr/\b(?:strcpy|strcat|sprintf|vsprintf|gets|strtok|system|popen|setjmp|longjmp|alloca)\s*\(/,
    grep { $_ ne 'lang/banned.h' } @code), '', 'no banned function is called');
is(hits(qr/\b_?(?:sig)?(?:set|long)jmp\b/, grep { !m{^(?:lang/banned\.h|runtime/fiber\.c)$} } @code), '',
  'nothing jumps but fibers');

# Every .c file of the rooms includes banned.h, through mem.h or whatever includes that.
my %guarded;
my @bare = grep { !guarded($_) } grep { /\.[cly]$/ } @code;
is(join("\n", @bare), '', 'every C file is under lang/banned.h');

# Global state: a file-scope variable that is neither const nor static const.
is(hits(qr/^(?:static\s+)?(?:thread_local|_Thread_local)\b/, @code), '', 'no thread-local state');
done_testing;

sub hits {
  my ($pattern, @files) = @_;
  my @found;
  for my $file (@files) {
    open my $in, '<', $file or next;
    while (<$in>) {
      push @found, "$file:$.: $_" if /$pattern/ && !m{^\s*(?:/\*|\*|//)};
    }
  }
  return join '', @found;
}

sub guarded {
  my ($file) = @_;
  return 1 if $file eq 'lang/banned.h';
  return $guarded{$file} if exists $guarded{$file};
  $guarded{$file} = 0;
  open my $in, '<', $file or return 0;
  my ($dir) = $file =~ m{^(.*)/};
  while (<$in>) {
    next unless /^\s*#\s*include\s+"([^"]+)"/;
    my $target = "$dir/$1";
    1 while $target =~ s{[^/]+/\.\./}{};
    $target = "lang/$1" unless -e $target;
    next unless -e $target;
    return $guarded{$file} = 1 if guarded($target);
  }
  return 0;
}
