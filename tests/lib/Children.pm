# Programs that a test starts, signals and waits for: by their ids, never for longer than a while.
package Children;
use strict;
use warnings;
use IPC::Open3 'open3';
use POSIX ':sys_wait_h';
use Time::HiRes qw(sleep time);
use Exporter 'import';
our @EXPORT = qw(start_program end_program wait_for is_alive start_server start_python);

my %mine;

# Starts it with its output in a file: its id.
sub start_program {
  my ($output, @command) = @_;
  my $pid = fork() // die "fork: $!";
  if (!$pid) {
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', $output or die "$output: $!";
    open STDERR, '>&', \*STDOUT;
    exec @command or die "exec: $!";
  }
  return $mine{$pid} = $pid;
}

# Waits for its end: its exit code, or 128 and the signal's number; undef when it does not end.
sub end_program {
  my ($pid, $seconds) = @_;
  my $until = time + ($seconds // 20);
  while (time < $until) {
    if (waitpid($pid, WNOHANG) == $pid) {
      delete $mine{$pid};
      return $? & 127 ? 128 + ($? & 127) : $? >> 8;
    }
    sleep 0.02;
  }
  return undef;
}

# Until this is true, for a while: what it gave.
sub wait_for {
  my ($what, $seconds) = @_;
  my $until = time + ($seconds // 20);
  my $is;
  sleep 0.02 until ($is = $what->()) || time > $until;
  return $is;
}

# Runs, and is no zombie.
sub is_alive {
  my ($pid) = @_;
  open my $in, '<', "/proc/$pid/stat" or return 0;
  my $line = <$in> // '';
  return $line =~ /\) [^Z]/ ? 1 : 0;
}

# tests/process/server.py: its port, and what to close to end it.
sub start_server { return start_python('tests/process/server.py', @_) }

# The same for another server in Python that prints its port and ends with its standard input.
sub start_python {
  my (@command) = @_;
  my $pid = open3(my $in, my $out, undef, 'python3', @command);
  $mine{$pid} = $pid;
  my $port = <$out> // die "the server does not start";
  chomp $port;
  return ($port, { in => $in, pid => $pid });
}

END {
  my $code = $?;
  kill 'KILL', $_ for values %mine;
  waitpid $_, 0 for values %mine;
  $? = $code;
}

1;
