#!/usr/bin/env perl
# The binding web against nginx: packed answers, connections that are kept, HTTP/2, clients' certificates;
# and that nothing of one request is seen in the next, though both go over one connection.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use JSON::PP;
use Services;
use Stepwise;
use Test::More;

need('nginx', 'openssl');
delete @ENV{grep { /_proxy$/i } keys %ENV};
my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
my $number = 0;

# --- certificates: of the server, of a client, and of one whom the server does not know ---
sub make {
  my ($said, $failed) = run_quietly('openssl', @_);
  die "openssl @_: $said" if $failed;
}
my @key = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256');
make('req', '-x509', @key, '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem");
make('req', '-x509', @key, '-passout', 'pass:hush-7', '-days', '2', '-subj', "/CN=$_", '-keyout', "$dir/$_.key", '-out', "$dir/$_.pem") for 'ops', 'stranger';
make('pkey', '-in', "$dir/ops.key", '-passin', 'pass:hush-7', '-out', "$dir/open.key");

mkdir "$dir/pages";
my $page = join '', map { "line $_ of a long page\n" } 1 .. 10000;
write_file("$dir/pages/long.txt", $page);
my $secure = free_port();
my $port = free_port();
my $seen = q<return 200 '{"protocol": "$server_protocol", "connection": $connection, "nth": $connection_requests, "who": "$http_authorization", "cookie": "$http_cookie", "own": "$http_x_own", "client": "$ssl_client_s_dn"}';>;
my $places = qq{default_type application/json; add_header Set-Cookie "session=1"; location /seen { $seen } location /read { proxy_pass http://127.0.0.1:$port/seen; } location /pages/ { root $dir; }};
write_file("$dir/nginx.conf", <<"CONF");
daemon off;
worker_processes 1;
pid $dir/pid;
error_log $dir/error.log;
events { worker_connections 256; }
http {
  log_format own '\$request_method \$uri \$status \$body_bytes_sent \$sent_http_content_encoding';
  access_log $dir/access.log own;
  client_body_temp_path $dir/body; proxy_temp_path $dir/proxy; fastcgi_temp_path $dir/fastcgi; uwsgi_temp_path $dir/uwsgi; scgi_temp_path $dir/scgi;
  types { text/plain txt; }
  gzip on; gzip_types *;
  server { listen 127.0.0.1:$port; $places }
  server {
    listen 127.0.0.1:$secure ssl http2;
    ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem;
    ssl_client_certificate $dir/ops.pem; ssl_verify_client optional;
    $places
    client_max_body_size 0;
    location /deny { return 403 'no'; }
    location /members { if (\$ssl_client_verify != SUCCESS) { return 403; } $seen }
  }
}
CONF
my $nginx = start_service(['/usr/sbin/nginx', '-e', "$dir/error.log", '-p', $dir, '-c', "$dir/nginx.conf"], port => $port);

# Runs this in a step, with these settings of the site: what was said and the exit code.
sub web {
  my ($body, $settings) = @_;
  $number++;
  write_file("$dir/case$number.rb", qq{runbook "web" do\n  use "web"\n  step "Ask" do\n$body\n    irreversible "what was sent was sent"\n  end\nend\n});
  write_file("$dir/site$number.rb", qq{site "test" do\n  secrets driver: "files", directory: "$dir/secrets"\n  connect :web, driver: "http", $settings\nend\n});
  return run_quietly($stepwise, 'run', "$dir/case$number.rb", '--journal', "$dir/$number.db", '--site', "$dir/site$number.rb");
}
mkdir "$dir/secrets", 0700;
for my $name ('token', 'unlock') {
  write_file("$dir/secrets/$name", $name eq 'token' ? 'tok-4711' : 'hush-7');
  chmod 0600, "$dir/secrets/$name";
}
my $plain = qq{base: "http://127.0.0.1:$port"};
my $tls = qq{base: "https://127.0.0.1:$secure", ca_file: "$dir/cert.pem"};

# --- packed ---
my ($said, $exit) = web(qq{    r = web.get(url: "/pages/long.txt")\n    show r.body.size, as: "size"\n    show r.body.lines.last.strip, as: "last"}, $plain);
is($exit, 0, 'a page') or diag $said;
like($said, qr/size: @{[length $page]}\s+last: line 10000 of a long page/, '  comes whole');
like(read_file("$dir/access.log"), qr{^GET /pages/long\.txt 200 (\d+) gzip$}m, '  packed on its way');
my ($packed) = read_file("$dir/access.log") =~ m{long\.txt 200 (\d+)};
cmp_ok($packed, '<', length($page) / 2, '  and smaller so');

# --- one connection, and nothing of one request in the next ---
($said, $exit) = web(<<"RUBY", qq{$plain, bearer: secret("token")});
    a = web.get(url: "/seen", headers: { "X-Own" => "mine" })
    b = web.get(url: "http://127.0.0.1:$port/seen")
    c = web.post(url: "http://127.0.0.1:$port/seen", json: { a: 1 })
    d = web.get(url: "/seen")
    show [a, b, c, d].map { |r| r.json["nth"] }.join(" "), as: "places"
    show [a, b, c, d].map { |r| r.json["connection"] }.uniq.size, as: "connections"
    show [a, b, c, d].map { |r| r.json["who"].empty? }.join(" "), as: "nobody"
    show [a, b, c, d].map { |r| r.json["own"] + r.json["cookie"] + "." }.join(" "), as: "left"
RUBY
is($exit, 0, 'four requests') or diag $said;
like($said, qr/places: 1 2 3 4\s+connections: 1$/m, '  go over one connection');
like($said, qr/nobody: false true true false$/m, '  the token goes where the site says, and nowhere else');
like($said, qr/left: mine\. \. \. \.$/m, '  no header and no cookie stays');

# --- HTTP/2 ---
($said, $exit) = web(<<"RUBY", $tls);
    a = web.get(url: "/seen")
    b = web.post(url: "/read", body: "x" * 100000)
    d = web.delete(url: "/seen")
    c = web.get(url: "/seen")
    show "#{d.json["protocol"]} #{b.status} #{a.json["connection"] == c.json["connection"]} #{c.json["nth"]}"
    show web.get(url: "/pages/long.txt").body.size, as: "size"
RUBY
is($exit, 0, 'a server with TLS') or diag $said;
like($said, qr{HTTP/2\.0 200 true 3$}m, '  is spoken to in HTTP/2, over one connection');
like($said, qr/size: @{[length $page]}/, '  and its page comes whole');
# nginx answers `return` without reading the body.
($said, $exit) = web(<<"RUBY", "$tls, timeout: 20.seconds");
    a = web.post_once(url: "/seen", body: "x")
    b = web.post_once(url: "/seen", body: "x" * 60000)
    c = web.post_once(url: "/seen", body: "x" * 3000000)
    show [a, b, c].map { |r| r.json["protocol"] }.join(" "), as: "protocols"
    parts = web.post_once(url: "/seen", parts: [{ name: "rows", text: "x" * 3000000 }])
    show parts.json["protocol"], as: "parts"
    denied = web.post_once(url: "/deny", body: "x" * 3000000, ok: [403])
    show denied.status, as: "denied"
RUBY
is($exit, 0, 'an answer that comes before the body was read') or diag $said;
like($said, qr{protocols: HTTP/1\.1 HTTP/1\.1 HTTP/1\.1$}m, '  is not lost: what has a body goes in HTTP/1.1') or diag $said;
like($said, qr{parts: HTTP/1\.1\n.*denied: 403$}ms, '  parts too, and a refusal');

# --- a client's certificate ---
my $mine = qq{$tls, cert: "$dir/ops.pem", cert_key: "$dir/ops.key", cert_password: secret("unlock")};
($said, $exit) = web(qq{    r = web.get(url: "/members")\n    show r.json["client"], as: "client"}, $mine);
like($said, qr/client: CN=ops/, 'a client with a certificate is let in') or diag $said;
($said, $exit) = web(qq{    r = web.get(url: "/members")\n    show r.json["client"], as: "client"}, qq{$tls, cert: "$dir/ops.pem", cert_key: "$dir/open.key"});
like($said, qr/client: CN=ops/, 'with a key that is not locked, too') or diag $said;
($said, $exit) = web(qq{    a = web.get(url: "/members")\n    b = web.get(url: "https://127.0.0.1:$secure/members", ok: [403])\n    show "#{a.status} #{b.status}", as: "statuses"}, $mine);
like($said, qr/statuses: 200 403/, 'a request without it takes no connection that was made with it') or diag $said;
for my $case (['none', $tls, qr/answers 403/], ['one that the server does not know', qq{$tls, cert: "$dir/stranger.pem", cert_key: "$dir/stranger.key", cert_password: secret("unlock")}, qr/answers 400/],
  ['a key that stays locked', qq{$tls, cert: "$dir/ops.pem", cert_key: "$dir/ops.key", cert_password: "wrong"}, qr/cert_password: what unlocks it/],
  ['a key of another', qq{$tls, cert: "$dir/ops.pem", cert_key: "$dir/stranger.key", cert_password: secret("unlock")}, qr/cert: is a file with the certificate/]) {
  my ($name, $settings, $pattern) = @$case;
  ($said, $exit) = web(qq{    r = web.get(url: "/members")\n    show r.status}, $settings);
  is($exit, 1, "a certificate: $name") or diag $said;
  like($said, $pattern, '  and says why');
}
unlike(join('', map { read_file($_) } glob "$dir/*.db*"), qr/hush-7|tok-4711/, 'no journal has a token or a password');
done_testing;
