#!/usr/bin/env perl
# Requests through a proxy that lets things go wrong, each in a run of a runbook: the kind of the failure,
# what the journal has, whether it is tried again, and how often the server carried it out.
use strict;
use warnings;
use lib 'tests/lib';
use Children;
use File::Temp 'tempdir';
use IO::Socket::INET;
use JSON::PP;
use Stepwise;
use Test::More;

delete @ENV{grep { /_proxy$/i } keys %ENV};
my $dir = tempdir(CLEANUP => 1);
my ($orders, $faults) = ("$dir/orders.log", "$dir/faults.log");
write_file($_, '') for $orders, $faults;
my ($server, $held) = start_python('tests/lib/orders.py', $orders);
my ($proxy, $proxy_held) = start_python('tests/lib/fault_proxy.py', $server, $faults);
my $at = "http://127.0.0.1:$proxy";
my $number = 0;

# Runs these statements in a step: said, exit, state, what the server did meanwhile, events by kind.
sub run_step {
  my ($body, %more) = @_;
  my $journal = "$dir/" . ++$number . '.db';
  my ($clauses, $inputs) = ($more{clauses} // '', $more{inputs} // '');
  write_file("$dir/case$number.rb", qq{runbook "faults" do\n  use "web"\n  $inputs\n  step "Ask" do\n    $clauses\n    $body\n    irreversible "it was asked"\n  end\nend\n});
  my @site = $more{site} ? ('--site', "$dir/site$number.rb") : ();
  write_file("$dir/site$number.rb", qq{site "test" do\n  connect :web, driver: "http", $more{site}\nend\n}) if $more{site};
  my $from = -s $orders;
  my ($said, $exit) = run_quietly($stepwise, 'run', "$dir/case$number.rb", '--journal', $journal, '--virtual-clock', @site, @{$more{args} || []});
  my @events = map { decode_json($_) } grep { /^\{/ } split /\n/, scalar run_quietly($stepwise, 'journal', 'export', '--journal', $journal);
  my %of;
  push @{$of{$_->{kind}}}, $_->{data} for @events;
  my ($good) = run_quietly($stepwise, 'journal', 'verify', '--journal', $journal);
  return { said => $said, exit => $exit, of => \%of, number => $number, server => substr(read_file($orders), $from), good => scalar($good =~ /: good$/m) };
}
sub carried_out { return scalar(() = $_[0]{server} =~ /^order /mg) }
sub error_of { my ($r) = @_; my ($last) = reverse @{$r->{of}{'action.finished'} || []}; return $last && $last->{error} || {} }

# FAULT, what is expected of a get that is tried once more: kind, text, and whether it is tried again.
my @faults = (
  ['cut',              'transient', qr/./],
  ['half_closed',      'transient', qr/ended in the middle of its headers/],
  ['drop',             'transient', qr/./],
  ['lost',             'transient', qr/./],
  ['reset',            'transient', qr/reset|Recv failure/i],
  ['reset_late',       'transient', qr/reset|Recv failure/i],
  ['status=500',       'transient', qr/answers 500/],
  ['status=503',       'transient', qr/answers 503/],
  ['busy=30',          'transient', qr/answers 429/],
  ['garbage',          'provider',  qr/HTTP/],
  ['bad_chunks',       'transient', qr/chunk|Illegal|failure/i],
  ['endless_body',     'provider',  qr/more than 8388608 bytes/],
  ['endless_headers',  'provider',  qr/more than 262144 bytes of headers/],
  ['endless_header',   'provider',  qr/more than 262144 bytes of headers/],
  ['bomb=gzip',        'provider',  qr/more than 8388608 bytes/],
  ['bomb=deflate',     'provider',  qr/more than 8388608 bytes/],
  ['bomb=br',          'provider',  qr/more than 8388608 bytes/],
  ['badly_packed',     'provider',  qr/./],
  ['elsewhere',        'provider',  qr/redirected to another server, http:\/\/localhost:$proxy/],
  ['loop',             'provider',  qr/redirect/i],
);
for my $case (@faults) {
  my ($fault, $kind, $text) = @$case;
  my $r = run_step(qq{r = web.get(url: "$at/\@$fault/x$number")\n    show r.status}, clauses => 'retries 1, backoff: 1.second, jitter: false');
  my $error = error_of($r);
  is("$r->{exit} " . ($error->{kind} // 'none'), "1 $kind", "$fault: $kind") or diag $r->{said};
  like($error->{message}, $text, '  and why');
  is(scalar @{$r->{of}{'step.retried'} || []}, $kind eq 'transient' ? 1 : 0, '  ' . ($kind eq 'transient' ? 'tried again' : 'not tried again'));
  ok($r->{good} && $r->{said} =~ /^held/m, '  the run is held, its journal good');
}
unlike(read_file($faults), qr/there/, 'nobody was asked elsewhere');
cmp_ok($_, '<', 1 << 20, 'small on its way: it is what is unpacked that is counted') for read_file($faults) =~ /^bomb \w+ (\d+)/mg;

# --- once, and then well ---
for my $fault ('cut', 'half_closed', 'reset', 'garbage', 'status=500', 'busy=45', 'busy=@3000') {
  my $retry = $fault eq 'garbage' ? 'retries 3, on: [:provider, :transient]' : 'retries 3, backoff: 1.second, jitter: false';
  my $r = run_step(qq{r = web.post(url: "$at/\@$fault:1/orders", json: { n: $number })\n    show r.json["order"]}, clauses => $retry);
  is($r->{exit}, 0, "$fault, then well") or diag $r->{said};
  is(carried_out($r), 1, '  carried out once');
  my @retried = @{$r->{of}{'step.retried'} || []};
  is(scalar @retried, 1, '  at the second attempt');
  my ($least, $most) = $fault eq 'busy=45' ? (45, 45) : $fault =~ /@/ ? (2900, 3001) : (0, 1);
  ok($retried[0]{delay_us} >= $least * 1e6 && $retried[0]{delay_us} <= $most * 1e6, '  after the time asked for') or diag $retried[0]{delay_us};
}
{
  my $r = run_step(qq{r = web.get(url: "$at/\@slow/x")\n    show r.status});
  is($r->{exit}, 0, 'a slow answer is waited for') or diag $r->{said};
  $r = run_step(qq{r = web.get(url: "$at/\@packed=gzip/x")\n    show r.body\n    s = web.get(url: "$at/\@packed=deflate/x")\n    show s.body\n    t = web.get(url: "$at/\@packed=br/x")\n    show t.body});
  is(scalar(() = $r->{said} =~ /unpacked/g), 3, 'packed answers are unpacked') or diag $r->{said};
  $r = run_step(qq{r = web.get(url: "$at/\@stall/x")\n    show r.status}, site => 'timeout: 0.5.seconds', clauses => 'retries 1');
  like($r->{said}, qr/no whole answer within 500 ms/, 'one that stalls is given up');
  is(scalar @{$r->{of}{'step.retried'}}, 1, '  and asked again');
  $r = run_step(qq{r = web.get(url: "$at/\@endless_continue/x")\n    show r.status}, site => 'timeout: 0.5.seconds');
  is($r->{exit}, 1, 'one that always says that more will come as well') or diag $r->{said};
  $r = run_step(qq{r = web.get(url: "$at/\@busy=7200/x")\n    show r.status}, clauses => "deadline 1.hour\n    retries 3");
  like($r->{said}, qr/answers 429; not tried again: that may be after 2 hours, and its time limit leaves/, 'a Retry-After beyond the deadline: no attempt');
  ok(!$r->{of}{'step.retried'}, '  and no wait');
}

# --- writes whose answer is lost ---
for my $case (['lost', 1], ['cut', 1], ['half_closed', 1], ['reset_late', 1], ['drop', 0], ['reset', 0]) {
  my ($fault, $done) = @$case;
  my $r = run_step(qq{r = web.post_once(url: "$at/\@$fault/orders", json: { n: $number })\n    show r.json["order"]}, clauses => 'retries 3');
  is($r->{exit}, 5, "a post_once that is $fault: in doubt") or diag $r->{said};
  is(carried_out($r), $done, "  carried out: $done");
  ok(!$r->{of}{'step.retried'} && !$r->{of}{'action.finished'}, '  never repeated, and without an outcome');
  like($r->{said}, qr/web\.post_once has no answer \(.*\): whether it happened is not known/, '  and says so');
  my $call = run_step(qq{r = web.call(method: "PATCH", url: "$at/\@$fault/p")\n    show r.status}, clauses => 'retries 3');
  is($call->{exit}, 5, '  as is any other method');
  $r = run_step(qq{r = web.post(url: "$at/\@$fault:2/orders", json: { n: $number })\n    show r.json["order"]}, clauses => 'retries 3, backoff: 1.second');
  is($r->{exit}, 0, "a post with a key that is $fault twice") or diag $r->{said};
  is(carried_out($r), 1, '  carried out once');
  my @keys = $r->{server} =~ m{^POST /orders (\w+)$}mg;
  is(scalar keys %{{map { $_ => 1 } @keys}}, 1, '  with one key');
}
{
  my $r = run_step(qq{r = web.post_once(url: "$at/\@status=500/orders", body: "x")\n    show r.status}, clauses => 'retries 3');
  is("$r->{exit} " . error_of($r)->{kind}, '1 transient', 'an answer of 500 is an answer');
  like($r->{said}, qr/not tried again: the step did something that may not be repeated/, '  but a post_once is not repeated');
  my $doubt = run_step(qq{r = web.post_once(url: "$at/\@lost/orders", json: { n: "settled" })\n    show r.status});
  my ($id) = $doubt->{said} =~ /run (\S+) by/;
  my $journal = "$dir/$doubt->{number}.db";
  my ($settled, $exit) = run_quietly($stepwise, 'mark-done', $id, 'web.post_once', '--result', '{"status": 201, "headers": {}, "body": "", "json": null}', '--journal', $journal);
  my ($said, $ended) = run_quietly($stepwise, 'resume', $id, '--journal', $journal);
  is($ended, 0, 'settled by a person the run goes on') or diag $settled, $said;
  is(scalar(() = read_file($orders) =~ /^order .*settled/mg), 1, '  and nothing is sent again');
}

# --- health ---
for my $case (['x', 'true', ''], ['@status=503/x', 'false', 'it answers 503'], ['@drop/x', 'false', 'GET'], ['@garbage/x', 'false', 'GET'], ['@endless_body/x', 'false', 'GET']) {
  my ($path, $is, $why) = @$case;
  my $r = run_step(qq{c = web.check(url: "$at/$path")\n    show c.healthy, as: "well"\n    show c.problem.to_s, as: "why"\n    show web.healthy?(url: "$at/$path"), as: "in short"\n    show c.took > 0.seconds, as: "took"});
  like($r->{said}, qr/well: $is\n.*why: \Q$why\E.*in short: $is\n.*took: true/s, "health: $path") or diag $r->{said};
}
{
  my $r = run_step(qq{show web.check(url: "$at/x", json: { method: "GET", "headers.host" => "127.0.0.1:$server", "headers.none" => nil }).healthy, as: "a"\n    c = web.check(url: "$at/x", json: { path: "/y", "body.deep.er" => 1 })\n    show c.problem, as: "b"\n    show web.check(url: "$at/\@status=503/x", status: [503]).healthy, as: "c"\n    show web.check(url: "http://127.0.0.1:1/").reachable, as: "d"\n    show web.check(url: "$at/\@stall/x", within: 0.3.seconds).problem, as: "e"});
  like($r->{said}, qr/c: true/, 'statuses that are well') or diag $r->{said};
  like($r->{said}, qr{b: its JSON does not say path: "/y", body\.deep\.er: 1}, 'JSON that is not as expected');
  like($r->{said}, qr/d: false/, 'nobody there');
  like($r->{said}, qr/e: .*no whole answer within 300 ms/, 'too late');
  $r = run_step(qq{show web.check(url: "nowhere").healthy});
  like($r->{said}, qr/not the URL of a web server/, 'a URL that is none fails');
  $r = run_step(qq{show web.check(url: "$at/\@stall/x").healthy}, clauses => 'timeout 0.5.seconds');
  like($r->{said}, qr/FAILED: the step took longer than its timeout/, 'and so does the step whose time is up');
}

# --- parts ---
{
  write_file("$dir/rows.csv", "a,b\n1,2\n");
  my $parts = qq{[{ name: "note", text: "h\x{c3}\x{a9}llo" }, { name: "rows", path: "$dir/rows.csv", type: "text/csv" }, { name: "odd\\"name", text: "z", filename: "z.bin", type: "application/x-z" }]};
  my $r = run_step(qq{r = web.post_once(url: "$at/upload", parts: $parts)\n    show r.json["body"]\n    show r.json["headers"]["content-type"]});
  is($r->{exit}, 0, 'a body in parts') or diag $r->{said};
  my $echo = decode_json($r->{of}{'action.finished'}[0]{result}{'$record'}{body});
  like($echo->{headers}{'content-type'}, qr{^multipart/form-data; boundary=}, '  says so');
  like($echo->{body}, qr/name="note"\r\n\r\nh\x{e9}llo\r\n/, '  a text');
  like($echo->{body}, qr/name="rows"; filename="rows\.csv"\r\nContent-Type: text\/csv\r\n\r\na,b\n1,2\n\r\n/, '  a file');
  like($echo->{body}, qr/name="odd%22name"; filename="z\.bin"\r\nContent-Type: application\/x-z\r\n\r\nz\r\n/, '  a text as a file');
  for my $bad (['{ name: "x" }', qr/one of text: and path:/], ['{ name: "x", path: "/no/such" }', qr{cannot read /no/such}], ['{ nam: "x" }', qr/a part has no `nam`/],
      ['{ name: "a\r\nb", text: "" }', qr/not a text of one line/], ['"x"', qr/a part is string, not a hash/]) {
    $r = run_step(qq{u = web.post_once(url: "$at/upload", parts: [$bad->[0]])\n    show u.status});
    like($r->{said}, $bad->[1], "  refused: $bad->[0]");
    is(error_of($r)->{kind} . " $r->{exit}", 'validation 1', '  as not valid, with nothing sent');
  }
}

# --- a proxy ---
{
  my $r = run_step(qq{r = web.get(url: "http://127.0.0.1:$server/by/proxy", headers: { "X-Own" => "yes" })\n    show r.json["path"]}, site => qq{proxy: "http://ana:hush-7\@127.0.0.1:$proxy"});
  like($r->{said}, qr{/by/proxy}, 'by way of a proxy') or diag $r->{said};
  like(read_file($faults), qr{^GET http://127\.0\.0\.1:$server/by/proxy\n(?:  .*\n)*?  Proxy-Authorization: Basic YW5hOmh1c2gtNw==}m, '  which is told who asks');
  $r = run_step(qq{r = web.get(url: "http://127.0.0.1:$server/direct")\n    show r.json["path"]}, site => qq{proxy: "http://127.0.0.1:1", no_proxy: "127.0.0.1"});
  is($r->{exit}, 0, 'a host that is asked without') or diag $r->{said};
  local $ENV{http_proxy} = 'http://127.0.0.1:1';
  $r = run_step(qq{r = web.get(url: "http://127.0.0.1:$server/direct")\n    show r.json["path"]}, site => 'proxy: ""');
  is($r->{exit}, 0, 'none, whatever the environment says') or diag $r->{said};
  $r = run_step(qq{r = web.get(url: "http://127.0.0.1:$server/direct")\n    show r.json["path"]});
  is(error_of($r)->{kind}, 'transient', 'a proxy that is not there, from the environment');
}

# --- a name and a password, which go to `base` alone ---
{
  local $ENV{WEB_PASSWORD} = 'hush-4711';
  my $from = -s $faults;
  my $r = run_step(qq{a = web.get(url: "/near")\n    show a.status\n    b = web.get(url: "$at/far")\n    show b.status\n    c = web.post(url: "/near-too", body: "x")\n    show c.status}, site => qq{base: "$at", user: "ana", password: env("WEB_PASSWORD")});
  is($r->{exit}, 0, 'a site with a name and a password') or diag $r->{said};
  my $seen = substr(read_file($faults), $from);
  is(scalar(() = $seen =~ m{^(?:GET /near|POST /near-too)\n(?:  .*\n)*?  Authorization: Basic YW5hOmh1c2gtNDcxMQ==$}mg), 2, '  sends them to its base');
  unlike($seen, qr{GET /far\n(?:  .*\n)*?  Authorization}, '  and to no other URL');
  unlike(join('', $r->{said}, map { read_file($_) } glob "$dir/$number.db*"), qr/hush-4711|YW5hOmh1c2gtNDcxMQ/, '  and writes them nowhere');
}

# --- what drivers may ask besides: HEAD, PATCH, how long to wait for a connection ---
{
  my $full = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "no port: $!"; # takes nobody, and two wait
  my @waiting = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $full->sockport, Blocking => 0) } 1 .. 4;
  write_file("$dir/own.rb", <<"RUBY");
runbook "own" do
  on_failure :continue
  step "Ask" do
    r = desk.ask(url: "$at/x")
    show r.join(" "), as: "answers"
    irreversible "asked"
  end
  step "Wait" do
    desk.wait(url: "http://127.0.0.1:@{[$full->sockport]}/x")
    irreversible "asked"
  end
end
binding :desk, "A desk" do
  action :ask, effect: :write do
    takes :url, :string
    gives :array
  end
  action :wait, effect: :write do
    takes :url, :string
  end
end
driver :plain, for: :desk, default: true do
  perform :ask do |url|
    a = http.head(url)
    b = http.patch(url, json: { a: 1 })
    [a.status, a.body.size, a.headers["content-type"], b.json["method"], b.json["body"]]
  end
  perform :wait do |url|
    http.post(url, body: "x", connect_timeout: 0.3.seconds, timeout: 50.seconds)
    nil
  end
end
RUBY
  my ($said, $exit) = run_quietly($stepwise, 'run', "$dir/own.rb", '--journal', "$dir/own.db");
  like($said, qr{answers: 200 0 application/json PATCH \{"a":1\}$}m, 'HEAD and PATCH') or diag $said;
  my ($end) = grep { $_->{kind} eq 'action.finished' && $_->{data}{error} } map { decode_json($_) } grep { /^\{/ } split /\n/, scalar run_quietly($stepwise, 'journal', 'export', '--journal', "$dir/own.db");
  is("$exit " . ($end->{data}{error}{kind} // 'none'), '1 transient', 'a connection that does not come to be in time: nothing was sent, nothing is in doubt') or diag $said;
  like($said, qr{POST http://127\.0\.0\.1:\d+/x: .*(?:imeout|timed out)}, '  and says so');
}

# What the proxy itself answers: CONNECT for https, the request for http.
for my $case ([403, 'permission', 0], [407, 'permission', 0], [502, 'transient', 1], [429, 'transient', 1], [404, 'provider', 0]) {
  my ($status, $kind, $again) = @$case;
  my $from = -s $faults;
  my $r = run_step(qq{r = web.post_once(url: "https://$status.refuse.invalid/x", headers: { "X-Own" => "mine" }, body: "x")\n    show r.status}, site => qq{proxy: "http://127.0.0.1:$proxy"});
  is("$r->{exit} " . error_of($r)->{kind}, "1 $kind", "a proxy that answers CONNECT with $status: $kind, and nothing is in doubt") or diag $r->{said};
  like($r->{said}, qr{POST https://$status\.refuse\.invalid/x: the proxy does not let it through: it answers $status}, '  and says who it was');
  like($r->{said}, $status == 407 ? qr/help: give the proxy a name and a password/ : qr/help: have the proxy allow that host/, '  and what to do') if $kind eq 'permission';
  unlike(substr(read_file($faults), $from), qr/mine/, '  the proxy sees no header of the request');
  $r = run_step(qq{r = web.get(url: "https://$status.refuse.invalid/x")\n    show r.status}, site => qq{proxy: "http://127.0.0.1:$proxy"}, clauses => 'retries 1, backoff: 1.second');
  is(scalar @{$r->{of}{'step.retried'} || []}, $again, '  ' . ($again ? 'asked again' : 'not asked again'));
}
{
  my $r = run_step(qq{r = web.get(url: "http://407.refuse.invalid/x")\n    show r.status}, site => qq{proxy: "http://127.0.0.1:$proxy"});
  is(error_of($r)->{kind}, 'permission', 'of http, an answer of 407 is no permission');
  $r = run_step(qq{r = web.post_once(url: "https://drop.invalid/x", body: "x")\n    show r.status}, site => qq{proxy: "http://127.0.0.1:$proxy"});
  is("$r->{exit} " . error_of($r)->{kind}, '1 transient', 'a proxy that hangs up at CONNECT') or diag $r->{said};
}

# --- TLS: a server that is not who it should be gets nothing, and is not asked again ---
SKIP: {
  my ($made, $failed) = run_quietly('openssl', 'version');
  skip "no openssl: $made", 1 if $failed;
  my @new = ('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes');
  my $openssl = sub { my ($said, $bad) = run_quietly('openssl', @_); die "openssl @_: $said" if $bad };
  $openssl->(@new, '-x509', '-days', '2', '-subj', "/CN=Test CA $_", '-keyout', "$dir/$_.key", '-out', "$dir/$_.pem") for 'ca', 'other';
  my %tls;
  for my $case (['good', 'ca', 'IP:127.0.0.1', 2], ['wrong', 'ca', 'DNS:www.example.org', 2], ['expired', 'ca', 'IP:127.0.0.1', -1], ['stranger', 'other', 'IP:127.0.0.1', 2]) {
    my ($name, $ca, $for, $days) = @$case;
    $openssl->(@new, '-subj', "/CN=$name", '-addext', "subjectAltName=$for", '-keyout', "$dir/$name.key", '-out', "$dir/$name.req");
    $openssl->('x509', '-req', '-in', "$dir/$name.req", '-CA', "$dir/$ca.pem", '-CAkey', "$dir/$ca.key", '-CAcreateserial', '-days', $days, '-copy_extensions', 'copy', '-out', "$dir/$name.pem");
    my ($behind, $one) = start_python('tests/lib/fault_proxy.py', $server, "$dir/$name.log", "$dir/$name.pem", "$dir/$name.key");
    my ($wire, $other) = start_python('tests/lib/wire.py', $behind, "$dir/$name.wire");
    write_file("$dir/$name.$_", '') for 'log', 'wire';
    $tls{$name} = { port => $wire, held => [$one, $other] };
  }
  my ($plain, $plain_held) = start_python('tests/lib/wire.py', $server, "$dir/plain.wire");
  $tls{plain} = { port => $plain };
  write_file("$dir/plain.wire", '');
  my $ask = sub {
    my ($name, $more) = @_;
    return run_step(qq{r = web.get(url: "https://127.0.0.1:$tls{$name}{port}/private-page", headers: { "X-Token" => "tok-4711" })\n    show r.status\n    w = web.post_once(url: "https://127.0.0.1:$tls{$name}{port}/private-page", body: "tok-4711")\n    show w.status},
      clauses => 'retries 2, backoff: 1.second', site => qq{ca_file: "$dir/ca.pem"$more});
  };
  my $r = $ask->('good', '');
  is($r->{exit}, 0, 'a server whom the CA of the site vouches for') or diag $r->{said};
  is(scalar(() = read_file("$dir/good.log") =~ m{ /private-page$}mg), 2, '  is asked');
  unlike(read_file("$dir/good.wire"), qr/private-page|tok-4711/, '  and nobody on the wire reads along');
  for my $case (['wrong', 'permission', qr/no alternative certificate subject name matches target host name '127\.0\.0\.1'|does not match/], ['expired', 'permission', qr/certificate has expired/],
      ['stranger', 'permission', qr/unable to get local issuer certificate|self.signed|unable to verify/], ['plain', 'provider', qr/wrong version number|packet length|SSL/]) {
    my ($name, $kind, $why) = @$case;
    $r = $ask->($name, '');
    is("$r->{exit} " . error_of($r)->{kind}, "1 $kind", "TLS, $name: $kind") or diag $r->{said};
    like(error_of($r)->{message}, $why, '  and why');
    like($r->{said}, qr/help: the server is not who it should be, or ca_file: must name who vouches for it/, '  and what to do') if $kind eq 'permission';
    ok(!$r->{of}{'step.retried'}, '  not asked again');
    my $once = run_step(qq{r = web.post_once(url: "https://127.0.0.1:$tls{$name}{port}/private-page", body: "tok-4711")\n    show r.status}, site => qq{ca_file: "$dir/ca.pem"});
    is($once->{exit}, 1, '  a write is not in doubt: it was not sent');
    ok(-s "$dir/$name.wire", '  it was spoken to');
    unlike(read_file("$dir/$name.wire"), qr/private-page|tok-4711|GET |POST |HTTP\/1/, '  and nothing of the request was sent');
    unlike(read_file("$dir/$name.log"), qr/private-page/, '  nor taken') if -e "$dir/$name.log";
  }
  $r = run_step(qq{r = web.get(url: "https://127.0.0.1:$tls{good}{port}/private-page")\n    show r.status});
  is("$r->{exit} " . error_of($r)->{kind}, '1 permission', "a CA that the system does not know") or diag $r->{said};

  # A proxy on the way sees where it leads, and nothing more.
  my $from = -s $faults;
  $r = $ask->('good', qq{, proxy: "http://ana:hush-7\@127.0.0.1:$proxy"});
  is($r->{exit}, 0, 'by way of a proxy') or diag $r->{said};
  my $seen = substr(read_file($faults), $from);
  like($seen, qr{^CONNECT 127\.0\.0\.1:$tls{good}{port}\n(?:  .*\n)*?  Proxy-Authorization: Basic YW5hOmh1c2gtNw==}m, '  which is told who asks, and for whom');
  unlike($seen, qr/private-page|tok-4711/, '  and no more');
  unlike(read_file("$dir/good.wire"), qr/Proxy-Authorization|YW5hOmh1c2gtNw/, '  nor the server who asked the proxy');
  $r = $ask->('wrong', qq{, proxy: "http://127.0.0.1:$proxy"});
  is("$r->{exit} " . error_of($r)->{kind}, '1 permission', '  behind which a wrong name is refused as well') or diag $r->{said};
  $r = run_step(qq{r = web.get(url: "https://127.0.0.1:$tls{good}{port}/\@elsewhere/x")\n    show r.status}, site => qq{ca_file: "$dir/ca.pem"});
  like($r->{said}, qr{redirected to another server, http://localhost}, 'a redirect does not lead out of TLS') or diag $r->{said};
}
done_testing;
