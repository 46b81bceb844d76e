#!/usr/bin/env perl
# Every server that tests of this room use: installed, it starts where nothing else listens, answers, and
# is gone without a trace when it is stopped.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use Services;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;

# The processes of a session.
sub session { my ($pid) = @_; return grep { my $line = slurp("/proc/$_/stat"); $line =~ /\) [^Z] \d+ \d+ $pid / } map { m{/(\d+)$} } glob '/proc/[0-9]*' }
sub slurp { open my $in, '<', $_[0] or return ''; local $/; return scalar(<$in>) // '' }
sub greeting {
  my ($port) = @_;
  my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 5) or return "no connection: $!";
  local $SIG{ALRM} = sub { close $socket };
  alarm 20;
  my $line = <$socket> // '';
  alarm 0;
  return $line;
}

my %start = (
  opensmtpd => sub { start_opensmtpd(qq{listen on 127.0.0.1 port PORT\naction "none" maildir "$dir/none" virtual { "\@" = nobody }\nmatch from any for any action "none"\n}) },
  aiosmtpd => sub { start_service([$python, '-m', 'aiosmtpd', '-n', '-c', 'aiosmtpd.handlers.Sink', '-l', '127.0.0.1:' . port_text()], port => port_text()) },
  maildev => sub { start_npm('maildev', 'bin/maildev', ['--smtp', PORT, '--web', free_port(), '--ip', '127.0.0.1', '--web-ip', '127.0.0.1', '--mail-directory', "$dir/maildev"]) },
  'smtp-server' => sub { start_service(['node', '-e', 'const {SMTPServer} = require(process.argv[1]); new SMTPServer({disabledCommands: ["STARTTLS"]}).listen(Number(process.argv[2]), "127.0.0.1")', "$Services::node_modules/smtp-server", PORT]) },
  prism => sub {
    open my $to, '>', "$dir/api.yaml" or die;
    print $to "openapi: 3.0.0\ninfo: {title: t, version: '1'}\npaths:\n  /ping:\n    get:\n      responses: {'200': {description: ok, content: {text/plain: {schema: {type: string}, example: pong}}}}\n";
    close $to;
    start_npm('@stoplight/prism-cli', 'dist/index.js', ['mock', '-h', '127.0.0.1', '-p', PORT, "$dir/api.yaml"]);
  },
);
my $port;
sub port_text { return $port //= free_port() }

for my $name (sort keys %start) {
  SKIP: {
    skip "$name is not installed", 4 if !has_service($name);
    my $server = $start{$name}->();
    ok(answers($server->{port}), "$name answers");
    if ($name eq 'prism') {
      my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->{port}, Timeout => 5);
      print $socket "GET /ping HTTP/1.0\r\nHost: x\r\n\r\n";
      like(join('', <$socket>), qr/pong/, '  as its description says');
    } else {
      like(greeting($server->{port}), qr/^220 /, '  as a mail server does');
    }
    stop_service($server);
    ok(!answers($server->{port}), '  stopped, it answers no more');
    my $until = time + 10;
    select undef, undef, undef, 0.05 while session($server->{pid}) && time < $until;
    is(join(' ', session($server->{pid})), '', '  and nothing of it is left');
  }
}
done_testing;
