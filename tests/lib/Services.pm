# Real servers for tests: whether they are installed, started on a free port of this machine, waited
# for until they answer, and stopped by their process ids whatever becomes of the test.
#
#   use Services;
#   need('aiosmtpd');                       # else the file is skipped; with SERVICES=1 it fails
#   my $server = start_service([$python, 'server.py', PORT], user => 'nobody');
#   ... $server->{port} ...
#   stop_service($server);                  # or at the end of the test, by itself
package Services;
use strict;
use warnings;
use Cwd 'abs_path';
use Fcntl ':flock';
use File::Temp 'tempdir';
use IO::Socket::INET;
use POSIX ':sys_wait_h';
use Test::More;
use Time::HiRes qw(sleep time);
use Exporter 'import';
our @EXPORT = qw($python need has_service PORT free_port start_service start_opensmtpd start_npm stop_service answers npm_program);

# The one that Debian's packages are for; another may come first in PATH.
our $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';

# What a test may ask for, and how to see that it is there. npm ones are installed by `make check-services`.
our $node_modules = abs_path('.') . '/build/services/node_modules';
my %there = (
  opensmtpd => sub { $> == 0 && in_path('smtpd') },
  aiosmtpd => sub { quiet($python, '-c', 'import aiosmtpd') },
  maildev => sub { npm_program('maildev', 'bin/maildev') },
  'smtp-server' => sub { npm_program('smtp-server', 'package.json') },
  prism => sub { npm_program('@stoplight/prism-cli', 'dist/index.js') },
  openssl => sub { in_path('openssl') },
  nginx => sub { in_path('nginx') },
);

sub in_path { my ($name) = @_; return scalar grep { -x "$_/$name" } split(/:/, $ENV{PATH}), '/usr/sbin' }
sub quiet {
  my $pid = fork() // die "fork: $!";
  if (!$pid) { open STDOUT, '>', '/dev/null'; open STDERR, '>&', \*STDOUT; exec @_ or POSIX::_exit(127) }
  waitpid $pid, 0;
  return $? == 0;
}
# A file of an npm package; undef when there is no node or the package is not installed.
sub npm_program {
  my ($package, $file) = @_;
  return in_path('node') && -e "$node_modules/$package/$file" ? "$node_modules/$package/$file" : undef;
}

sub has_service {
  my ($name) = @_;
  my $is = $there{$name} // die "tests/lib/Services.pm knows no service $name";
  return 1 if $is->();
  fail("$name is installed: make check-services does that" . ($name eq 'opensmtpd' ? ', and it takes root' : '')) if $ENV{SERVICES};
  return 0;
}

# All of them, or the file ends here: skipped, with its reason; failed with SERVICES=1.
sub need {
  my @missing = grep { !has_service($_) } @_;
  return 1 if !@missing;
  if ($ENV{SERVICES}) { done_testing; exit 1 }
  plan(skip_all => join(', ', @missing) . ' not installed (make check-services installs it)');
}

# In a command: the free port it is to listen on.
sub PORT () { return \'port' }
sub free_port {
  my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0) or die "no free port: $!";
  return $socket->sockport;
}
sub answers {
  my ($port) = @_;
  return !!IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 2);
}

my @mine;

# start_service([command, PORT ...], user => name when root, log => file, within => seconds, env => {},
# ready => sub { server }): {pid, port, log}. The server heads a session of its own and goes with the test.
sub start_service {
  my ($command, %more) = @_;
  my $port = $more{port} // free_port();
  my @command = map { ref $_ ? $port : $_ } @$command;
  my @as = $more{user} && $> == 0 ? ('--reuid', $more{user}, '--regid', scalar getgrgid((getpwnam $more{user})[3]), '--clear-groups') : ();
  my $log = $more{log} // tempdir(CLEANUP => 1) . '/log';
  my $pid = fork() // die "fork: $!";
  if (!$pid) {
    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $log or die "$log: $!";
    open STDERR, '>&', \*STDOUT;
    POSIX::setsid();
    %ENV = (%ENV, %{$more{env} || {}});
    exec 'setpriv', '--pdeathsig', 'TERM', @as, @command or POSIX::_exit(127);
  }
  my $server = { pid => $pid, port => $port, log => $log, name => $command[0] };
  push @mine, $server;
  my $ready = $more{ready} // sub { answers($_[0]{port}) };
  my $until = time + ($more{within} // 60);
  until ($ready->($server)) {
    my $ended = waitpid($pid, WNOHANG) == $pid;
    next if !$ended && time < $until && sleep 0.05;
    open my $in, '<', $log;
    my $said = join '', $in ? <$in> : ();
    die "@command " . ($ended ? 'ended' : 'does not answer') . ":\n$said\n";
  }
  return $server;
}

# A program of an npm package: start_npm('maildev', 'bin/maildev', '--smtp', PORT ...).
sub start_npm {
  my ($package, $file, $args, %more) = @_;
  return start_service(['node', npm_program($package, $file), @$args], %more);
}

# OpenSMTPD with this configuration; PORT in it is the port. Its spool and its socket have fixed places:
# it gets them to itself by a mount namespace, or where that is not allowed by waiting its turn.
my $turn;
sub start_opensmtpd {
  my ($configuration, %more) = @_;
  my $dir = tempdir(CLEANUP => 1);
  chmod 0755, $dir;
  my $port = free_port();
  $configuration =~ s/\bPORT\b/$port/g;
  open my $to, '>', "$dir/smtpd.conf" or die "$dir/smtpd.conf: $!";
  print $to $configuration;
  close $to;
  my @apart = ('unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /run && mount -t tmpfs -o mode=755 tmpfs /var/spool && exec "$@"', 'sh');
  if (!quiet(@apart, 'true')) {
    @apart = ();
    open $turn, '<', '/var/spool' or die "/var/spool: $!";
    flock $turn, LOCK_EX;
  }
  return start_service([@apart, '/usr/sbin/smtpd', '-d', '-f', "$dir/smtpd.conf"], port => $port, %more);
}

# TERM, and KILL for its whole session when it has not ended then.
sub stop_service {
  my ($server) = @_;
  return if $server->{ended}++;
  kill 'TERM', $server->{pid};
  my $until = time + 5;
  my $gone;
  sleep 0.02 until ($gone = waitpid($server->{pid}, WNOHANG)) || time > $until;
  kill 'KILL', -$server->{pid};
  waitpid $server->{pid}, 0 if !$gone;
  undef $turn if $server->{name} =~ /smtpd$/;
}

END {
  my $code = $?;
  stop_service($_) for @mine;
  $? = $code;
}

1;
