#!/usr/bin/env perl
# lang stands alone: all of it links against nothing but the C library, and it does no input or output of its own. runtime stands without cli.
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;

my $build = $ENV{BUILD} || 'build';
my $cc = $ENV{CC} || 'gcc';
my @san = ($ENV{MODE} || '') eq 'asan' ? ('-fsanitize=address,undefined') : ();
my $dir = tempdir(CLEANUP => 1);
open my $main, '>', "$dir/main.c" or die $!;
print $main "int main(void) { return 0; }\n";
close $main;

sub links {
  my ($what, $libs, @archives) = @_;
  my $said = `$cc @san -o $dir/a $dir/main.c -Wl,--whole-archive @archives -Wl,--no-whole-archive $libs 2>&1`;
  is($? >> 8, 0, "$what links alone") or diag $said;
}
links('all of lang', '', "$build/lang.a");
if (`nm $build/runtime.a 2>/dev/null` =~ /\bT\b/) {
  links('all of runtime, with lang', "-rdynamic -l:libsqlite3.a -l:libuv_a.a -l:libjansson.a -l:libpcre2-8.a -l:libcrypto.a -lm -ldl -lpthread",
    "$build/lang.a", "$build/runtime.a");
}

# The generated scanner brings flex's file reading along, unused; mem.o speaks once, when it ends
# the process.
my %excused = ('scan.o' => qr/./, 'mem.o' => qr/^(?:write|_exit)$/);
my $io = qr/^(?:f?open(?:64|at)?|fdopen|f?read|f?write|pread(?:64)?|socket|connect|exec\w*|fork|popen|system|printf|fprintf|puts|unlink|rename)$/;
my ($object, @wrong) = ('');
for (split /\n/, `nm -u $build/lang.a`) {
  $object = $1 if /^(\S+\.o):/;
  my ($function) = /\bU (?:__(?=\w+_chk\b))?(\w+?)(?:_chk)?(?:@.*)?$/;
  next unless $function && $function =~ $io;
  push @wrong, "$object calls $function" unless $excused{$object} && $function =~ $excused{$object};
}
is(join("\n", @wrong), '', 'lang does no input or output');
done_testing;
