#!/usr/bin/env perl
# One door per library: its header is included only by the files named here, and no library comes
# in that has no door here.
use strict;
use warnings;
use Test::More;

my %door = (
  'sqlite3.h'     => qr{^runtime/(?:journal\w*\.c|primitives/sql\.h)$},
  'jansson.h'     => qr{^runtime/codec\.c$},
  'uv.h'          => qr{^runtime/task\w*\.c$},
  'ucontext.h'    => qr{^runtime/fiber\.c$},
  'setjmp.h'      => qr{^runtime/fiber\.c$},
  'sanitizer/'    => qr{^runtime/fiber\.c$},    # the stacks of tasks, told to ASan
  'dlfcn.h'       => qr{^runtime/(?:module|fiber)\.c$},
  'pcre2.h'       => qr{^runtime/regex\.c$},
  'openssl/'      => qr{^runtime/digest\.c$},
  'archive'       => qr{^runtime/primitives/xlsx/zip\.c$},
  'curl/'         => qr{^runtime/primitives/curl/loop\.h$},
  'expat.h'       => qr{^runtime/primitives/xlsx/xml\.c$},
  'termios.h'     => qr{^cli/line\.c$},
);

# What the C library and the compiler bring; everything else needs a door above.
my %libc = map { $_ => 1 } qw(
  assert.h ctype.h dirent.h endian.h errno.h fcntl.h float.h inttypes.h limits.h malloc.h math.h poll.h pwd.h signal.h
  stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h time.h unistd.h
  sys/file.h sys/ioctl.h sys/mman.h sys/pidfd.h sys/prctl.h sys/random.h sys/resource.h sys/socket.h sys/stat.h sys/statvfs.h
  sys/time.h sys/types.h sys/uio.h sys/un.h sys/utsname.h sys/wait.h
);

my (@wrong, %used);
my $seen = 0;
for my $file (split /\n/, `find lang runtime stdlib cli -name '*.[chly]'`) {
  open my $in, '<', $file or die "$file: $!";
  while (<$in>) {
    next unless /^\s*#\s*include\s+<([^>]+)>/;
    my $header = $1;
    $seen++;
    next if $libc{$header};
    my ($library) = grep { index($header, $_) == 0 } sort keys %door;
    if (!$library) {
      push @wrong, "$file:$.: <$header> has no door; add it to tests/arch/doors.t and docs/architecture.md";
    } else {
      $used{$library}++;
      push @wrong, "$file:$.: <$header> comes in by another door" unless $file =~ $door{$library};
    }
  }
}
cmp_ok($seen, '>', 5, 'the system includes were read');
note 'in use: ', join(", ", sort keys %used);
is(join("\n", @wrong), '', 'each library comes in by its own door');
done_testing;
