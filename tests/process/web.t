#!/usr/bin/env perl
# The binding web against a server that misbehaves: requests, failures and their kinds, limits, aborts.
use strict;
use warnings;
use lib 'tests/lib';
use Children;
use File::Temp 'tempdir';
use Encode ();
use JSON::PP;
use Stepwise;
use Test::More;

delete @ENV{grep { /_proxy$/i } keys %ENV};
my $dir = tempdir(CLEANUP => 1);
my $log = "$dir/log";
write_file($log, '');
my ($port, $server) = start_server($log);
my $at = "http://127.0.0.1:$port";
my $number = 0;

# Runs these statements in a step: what was said, the exit code and the events.
sub web {
  my ($body, %more) = @_;
  $number++;
  my $clauses = $more{clauses} // '';
  my $inputs = $more{inputs} // '';
  write_file("$dir/case$number.rb", <<"RUBY");
runbook "web" do
  use "web"
  $inputs
  step "Ask" do
$clauses
$body
    irreversible "what was sent was sent"
  end
end
RUBY
  my @command = ($stepwise, 'run', "$dir/case$number.rb", '--journal', "$dir/$number.db", @{$more{args} || []});
  my ($said, $exit) = run_quietly(@command);
  my ($events) = run_quietly($stepwise, 'journal', 'export', '--journal', "$dir/$number.db");
  return ($said, $exit, map { decode_json($_) } grep { /^\{/ } split /\n/, $events);
}

sub result_of { my ($end) = grep { $_->{kind} eq 'action.finished' } @_; return $end->{data}{result} }
sub error_of { my ($end) = grep { $_->{kind} eq 'action.finished' } @_; return $end ? $end->{data}{error} : {} }
sub echo_of { return decode_json(result_of(@_)->{'$record'}{body}) }

# --- what is sent ---
{
  my ($said, $exit, @events) = web(qq{    r = web.get(url: "$at/echo?x=1", query: { a: "b c&d", n: [1, 2], none: nil }, headers: { "X-Own" => "yes" })\n    show r.json["path"]\n    show r.headers["x-two"]});
  is($exit, 0, 'get') or diag $said;
  my $echo = echo_of(@events);
  is($echo->{method}, 'GET', 'its method');
  is($echo->{path}, '/echo?x=1&a=b%20c%26d&n=1&n=2', 'its query is encoded');
  is($echo->{headers}{'x-own'}, 'yes', 'its header');
  like($echo->{headers}{'user-agent'}, qr{^stepwise/}, 'who asks');
  ok(!exists $echo->{headers}{'idempotency-key'}, 'a read has no key');
  like($said, qr{/echo\?x=1.*\n.*a, b}, 'JSON is read, headers that come twice are joined');
}
{
  my ($said, $exit, @events) = web(qq{    r = web.post(url: "$at/echo", json: { name: "\x{c3}\x{a9}", list: [1, nil, true] })\n    show r.status});
  my $echo = echo_of(@events);
  my ($start) = grep { $_->{kind} eq 'action.started' } @events;
  is($echo->{method}, 'POST', 'post');
  is_deeply(decode_json(Encode::encode('UTF-8', $echo->{body})), { name => "\x{e9}", list => [1, undef, JSON::PP::true] }, 'JSON as its body');
  is($echo->{headers}{'content-type'}, 'application/json', 'and said to be JSON');
  is($echo->{headers}{'idempotency-key'}, $start->{data}{key}, 'the key of the action goes with it');
}
{
  my ($said, $exit, @events) = web(qq{    r = web.post_once(url: "$at/echo", form: { a: "1 2", b: ["\x{26}", "="] })\n    show r.status});
  my $echo = echo_of(@events);
  is("$echo->{method} $echo->{body} $echo->{headers}{'content-type'}", 'POST a=1%202&b=%26&b=%3D application/x-www-form-urlencoded', 'a form');
  ok(!exists $echo->{headers}{'idempotency-key'}, 'without a key');
}
{
  my ($said, $exit, @events) = web(qq{    r = web.put(url: "$at/echo", body: "plain")\n    show r.status});
  my $echo = echo_of(@events);
  is("$echo->{method} $echo->{body} $echo->{headers}{'content-type'}", 'PUT plain text/plain; charset=utf-8', 'put, with a text');
  ($said, $exit, @events) = web(qq{    r = web.delete(url: "$at/echo")\n    show r.status});
  is(echo_of(@events)->{method}, 'DELETE', 'delete');
}

# --- answers ---
{
  my ($said, $exit, @events) = web(qq{    r = web.get(url: "$at/redirect/2")\n    show r.json["path"]});
  like($said, qr{/echo}, 'a get follows redirects') or diag $said;
  ($said, $exit, @events) = web(qq{    r = web.get(url: "$at/redirect/9")\n    show r.status});
  is(error_of(@events)->{kind}, 'provider', 'but not for ever');
  ($said, $exit, @events) = web(qq{    r = web.post(url: "$at/redirect/1", body: "x")\n    show r.status});
  is(result_of(@events)->{'$record'}{status}, 302, 'a post follows none');
  my $allowed = qq{site "test" do\n  connect :web, driver: "http", follow_to: ["http://LOCALHOST:$port"]\nend\n};
  write_file("$dir/follow.rb", $allowed);
  ($said, $exit, @events) = web(qq{    r = web.get(url: "$at/elsewhere", headers: { "X-Token" => input.token })\n    show r.status}, inputs => "input :token, :secret", args => ['--set', 'token=sesame-91', '--site', "$dir/follow.rb"]);
  ok($exit == 1 && error_of(@events)->{message} =~ /redirected to another server, \S+, and it has a secret/, 'a secret header goes to no other server, allowed or not') or diag $said;
  ($said, $exit, @events) = web(qq{    r = web.get(url: "$at/redirect/1", headers: { "X-Token" => input.token })\n    show r.status}, inputs => "input :token, :secret", args => ['--set', 'token=sesame-91']);
  is($exit, 0, 'within its own it does') or diag $said;
  ($said, $exit, @events) = web(qq{    r = web.get(url: "$at/elsewhere", headers: { "X-Own" => "yes" })\n    show r.json["headers"]["x-own"]});
  ok($exit == 1 && $said =~ m{redirected to another server, http://localhost:\d+\b.*follow_to: \["http://localhost:$port"\]}s, 'a redirect leads to no other server') or diag $said;
  ($said, $exit, @events) = web(qq{    r = web.get(url: "$at/elsewhere", headers: { "X-Own" => "yes" })\n    show r.json["headers"]["x-own"]}, args => ['--site', "$dir/follow.rb"]);
  ok($exit == 0 && $said =~ /yes/, 'unless the site allows it; another header goes along') or diag $said;
  ($said, $exit, @events) = web(qq{    r = web.get(url: "$at/bytes")\n    show r.body.inspect});
  like($said, qr/caf\x{EF}\x{BF}\x{BD} \x{EF}\x{BF}\x{BD} ok/, 'bytes that are no text are shown as such') or diag $said;
}
# Writes follow where a driver says so; what is asked for then is a GET, as HTTP has it.
for my $case ([post => 303, 'GET '], [post => 302, 'GET '], [post => 307, 'POST abc'], [put => 303, 'follow: is for GET, HEAD and POST']) {
  my ($verb, $status, $want) = @$case;
  write_file("$dir/own.rb", <<"RUBY");
runbook "own" do
  step "Send" do
    r = desk.send(url: "$at/see/$status")
    show r.join(" ")
    irreversible "what was sent was sent"
  end
end
binding :desk, "A desk" do
  action :send, effect: :write do
    takes :url, :string
    gives :array
  end
end
driver :plain, for: :desk, default: true do
  perform :send do |url|
    r = http.$verb(url, body: "abc", follow: 1)
    [r.json["method"], r.json["body"]]
  end
end
RUBY
  my ($said) = run_quietly($stepwise, 'run', "$dir/own.rb", '--journal', "$dir/own-$verb-$status.db");
  like($said, qr/\Q$want\E/, "$verb, redirected with $status: $want");
}
my %kinds = (400 => 'validation', 401 => 'permission', 403 => 'permission', 404 => 'validation', 407 => 'permission', 408 => 'transient', 409 => 'validation',
  410 => 'validation', 413 => 'validation', 415 => 'validation', 418 => 'provider', 425 => 'transient', 422 => 'validation', 429 => 'transient', 500 => 'transient', 503 => 'transient');
for my $status (sort keys %kinds) {
  my ($said, $exit, @events) = web(qq{    r = web.get(url: "$at/status/$status")\n    show r.status});
  is("$exit " . error_of(@events)->{kind}, "1 $kinds{$status}", "status $status is $kinds{$status}");
}
{
  my ($said, $exit) = web(qq{    r = web.get(url: "$at/status/404", ok: [404])\n    show r.json["why"]});
  is($exit, 0, 'a status that is said to be no failure is none');
  like($said, qr/as asked/, 'and has its body');
}

# --- when to ask again ---
for my $case (['30', 30, 30], ['@120', 100, 121], ['0', 0, 0], ['@-60', 0, 0], ['9999999999', 86400, 86400], ['soon', 0, 0]) {
  my ($says, $least, $most) = @$case;
  my ($said, $exit, @events) = web(qq{    r = web.get(url: "$at/busy/$says")\n    show r.status}, clauses => "    retries 1, backoff: 1.second, jitter: false", args => ['--virtual-clock']);
  my $asked = (error_of(@events)->{retry_after_us} // 0) / 1e6;
  ok($asked >= $least && $asked <= $most, "Retry-After: $says") or diag "$asked\n$said";
  my ($retried) = grep { $_->{kind} eq 'step.retried' } @events;
  is($retried && $retried->{data}{delay_us}, $asked >= 86400 ? undef : ($asked || 1) * 1e6, '  and the next attempt waits so long');
}

# --- no answer ---
sub fails {
  my ($name, $body, $kind, $pattern, %more) = @_;
  my ($said, $exit, @events) = web($body, %more);
  is(join(' ', $exit, error_of(@events)->{kind} // 'none'), join(' ', $more{exit} // 1, $kind), $name) or diag $said;
  like($said, $pattern, '  and says why');
  return @events;
}
fails('a connection that nobody takes', qq{    r = web.get(url: "http://127.0.0.1:1/x?token=hush")\n    show r.status}, 'transient', qr{GET http://127\.0\.0\.1:1/x: .*onnect});
fails('a host that is not there', qq{    r = web.get(url: "http://no-such-host.invalid/")\n    show r.status}, 'transient', qr/esolve/);
fails('a URL that is none', qq{    r = web.get(url: "ftp://host/x")\n    show r.status}, 'validation', qr/not the URL of a web server.*https:/s);
fails('one with a header that would be two', qq{    r = web.get(url: "$at/echo", headers: { a: "b\\r\\nc: d" })\n    show r.status}, 'validation', qr/not a header of one line/);
fails('an answer that is cut off', qq{    r = web.get(url: "$at/cut")\n    show r.status}, 'transient', qr/GET \S+cut: /);
fails('an answer that never ends', qq{    r = web.get(url: "$at/endless")\n    show r.status}, 'provider', qr/the answer has more than 8388608 bytes/);
fails('a connection that is dropped', qq{    r = web.get(url: "$at/drop")\n    show r.status}, 'transient', qr/GET \S+drop: /);
fails('the same, for a write that may be repeated', qq{    r = web.post(url: "$at/drop", body: "x")\n    show r.status}, 'transient', qr/POST \S+drop: /);
fails('and one that may not: in doubt', qq{    r = web.post_once(url: "$at/drop", body: "x")\n    show r.status}, 'none',
  qr/web\.post_once has no answer \(.*\): whether it happened is not known/, exit => 5);
fails('but not when it never was sent', qq{    r = web.post_once(url: "http://127.0.0.1:1/", body: "x")\n    show r.status}, 'transient', qr/onnect/);

# --- aborted: the server sees the connection closed ---
sub closes { my ($path) = @_; return wait_for(sub { read_file($log) =~ m{^closed \Q$path\E$}m }) }
{
  my ($said, $exit) = web(qq{    r = web.get(url: "$at/hang?step")\n    show r.status}, clauses => '    timeout 0.7.seconds');
  is($exit, 1, 'a server that never answers') or diag $said;
  like($said, qr/took longer than its timeout/, 'is waited for as long as the step may take');
  ok(closes('/hang?step'), 'and then the connection is closed');
  ($said, $exit) = web(qq{    r = web.get(url: "$at/half?step")\n    show r.status}, clauses => '    timeout 0.7.seconds', args => ['--virtual-clock']);
  is($exit, 1, 'one that stops in the middle, under the virtual clock') or diag $said;
  ok(closes('/half?step'), 'the connection is closed');
  ok(closes('/endless'), 'as it is when an answer is too large');
  ($said, $exit) = web(qq{    r = web.post_once(url: "$at/hang?once", body: "x")\n    show r.status}, clauses => '    timeout 0.7.seconds');
  is($exit, 5, 'a write that may not be repeated is in doubt then') or diag $said;
  ok(closes('/hang?once'), 'and its connection is closed');
}
for my $signal ('INT', 'TERM') {
  write_file("$dir/$signal.rb", qq{runbook "x" do\n  use "web"\n  step "Ask" do\n    show web.get(url: "$at/hang?$signal").status\n  end\nend\n});
  my $run = start_program("$dir/said", $stepwise, 'run', "$dir/$signal.rb", '--journal', "$dir/$signal.db");
  ok(wait_for(sub { read_file($log) =~ /GET \S+hang\?$signal/ }), "SIG$signal while a server is waited for");
  ok(wait_for(sub { join(' ', map { readlink } glob "/proc/$run/fd/*") =~ /socket:/ }), 'there is a socket');
  kill $signal, $run;
  is(end_program($run), 130, 'ends the run') or diag read_file("$dir/said");
  ok(closes("/hang?$signal"), 'and the connection');
}

# --- a kept connection that the server closes without an answer ---
sub asked { my ($line) = @_; return scalar(() = read_file($log) =~ /^\Q$line\E$/mg) }
{
  my ($said, $exit, @events) = web(qq{    a = web.get(url: "$at/keep")\n    r = web.post_once(url: "$at/echo?lost", body: "once")\n    show r.status});
  is(asked('POST /echo?lost unanswered'), 1, 'a write goes out on it');
  is(asked('POST /echo?lost'), 0, '  and is not sent again by itself');
  is($exit, 5, '  the run is in doubt') or diag $said;
  like($said, qr/POST \S+: the connection was lost before the answer/, '  and says why');
  ($said, $exit) = web(qq{    a = web.get(url: "$at/keep")\n    r = web.get(url: "$at/echo?lost")\n    show r.status});
  is(join(' ', $exit, asked('GET /echo?lost unanswered'), asked('GET /echo?lost')), '0 1 1', 'a read is sent again') or diag $said;
}

# --- many at once, and a branch that fails: the others' connections are closed ---
{
  write_file("$dir/many.rb", <<"RUBY");
runbook "many" do
  use "web"
  each_of [@{[join ', ', 1 .. 40]}], at_once: 20 do |i|
    step "Ask" do
      show web.get(url: "$at/echo", query: { i: i }).json["path"]
    end
  end
  each_of ["hang?one", "hang?two", "later/500"], at_once: 3 do |path|
    step "Fail" do
      show web.get(url: "$at/#{path}").status
    end
  end
end
RUBY
  my ($said, $exit) = run_quietly($stepwise, 'run', "$dir/many.rb", '--journal', "$dir/many.db");
  is(() = $said =~ m{/echo\?i=\d+}g, 40, 'forty requests, twenty at once') or diag $said;
  is($exit, 1, 'one of three fails') or diag $said;
  ok(closes("/hang?$_"), "the connection of $_ is closed") for 'one', 'two';
}

# --- nothing is left open: seen from inside the run. Of sockets, as the program that looks is being started
# while it looks: pipes and what watches it come and go ---
{
  my $fds = q{cd /proc/$PPID; for fd in fd/*; do readlink $fd; done | cut -d: -f1 | grep -c socket; true};
  write_file("$dir/left.rb", <<"RUBY");
runbook "left" do
  use "web"
  use "shell"
  on_failure :continue
  step "Before" do
    show web.get(url: "$at/echo").status
    before = shell.read(args: ["sh", "-c", '$fds'])
    on_failure :hold
  end
  each_of ["hang", "half", "cut", "drop", "endless", "redirect/9"] do |word|
    step "Ask" do
      timeout 0.2.seconds
      show web.get(url: "$at/#{word}").status
    end
  end
  step "After" do
    after = shell.read(args: ["sh", "-c", '$fds'])
    expect after.out == before.out, "something is left: #{after.out} was #{before.out}"
  end
end
RUBY
  my ($said, $exit) = run_quietly($stepwise, 'run', "$dir/left.rb", '--journal', "$dir/left.db");
  like($said, qr/After \.* ok/, 'no descriptor is left of requests that failed') or diag $said;
  is(() = $said =~ /FAILED/g, 6, 'and all of them did');
}

# --- TLS ---
SKIP: {
  my @certificate = ('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem");
  my ($made, $failed) = run_quietly(@certificate);
  skip "no certificate can be made: $made", 3 if $failed;
  my ($secure, $held) = start_server($log, "$dir/cert.pem", "$dir/key.pem");
  fails('a server that nobody vouches for', qq{    r = web.get(url: "https://127.0.0.1:$secure/echo")\n    show r.status}, 'permission', qr/certificate/);
  write_file("$dir/site.rb", qq{site "test" do\n  connect :web, driver: "http", base: "https://127.0.0.1:$secure", ca_file: "$dir/cert.pem"\nend\n});
  my ($said, $exit) = web(qq{    r = web.get(url: "/echo")\n    show r.status}, args => ['--site', "$dir/site.rb"]);
  is($exit, 0, 'one that the site vouches for') or diag $said;
}
done_testing;
