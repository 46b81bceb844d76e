#!/usr/bin/env perl
# The binding email on its driver smtp, against aiosmtpd, maildev, smtp-server and OpenSMTPD: campaigns and what
# arrived of them, recipients that are refused, runs that are killed, and the reports a real server writes.
use strict;
use warnings;
use lib 'tests/lib';
use Children;
use File::Temp 'tempdir';
use JSON::PP;
use Services;
use Stepwise;
use Test::More;

need('aiosmtpd');
my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
my $number = 0;
my $letter = 'subject: "News for {{name}}", text: "Dear {{name}} {{unsubscribe}}", html: "<p>{{name}}</p><a href=\"{{unsubscribe}}\">x</a>", unsubscribe: "https://example.org/u?w={{email}}"';

sub aiosmtpd { my $box = tempdir(DIR => $dir); return { %{start_service([$python, 'tests/services/smtpd.py', PORT, $box, @_])}, box => $box } }
sub site {
  my ($server, $more) = @_;
  $number++;
  write_file("$dir/site$number.rb", qq{site "test" do\n  connect :email, driver: "smtp", url: "smtp://127.0.0.1:$server->{port}", from: "Ops <ops\@example.org>"@{[$more ? ", $more" : '']}\nend\n});
  return ('--site', "$dir/site$number.rb");
}
sub runbook {
  my ($name, $body, $clauses) = @_;
  write_file("$dir/$name.rb", "runbook \"$name\" do\n  use \"email\"\n  step \"Write\" do\n@{[$clauses // '']}\n$body\n    irreversible \"sent\"\n  end\nend\n");
  mkdir "$dir/$name";
  return ("$dir/$name.rb", '--journal', "$dir/$name/j.db");
}
sub events { my ($name) = @_; return map { decode_json($_) } grep { /^\{/ } split /\n/, scalar run_quietly($stepwise, 'journal', 'export', '--journal', "$dir/$name/j.db") }
sub result { my ($end) = grep { $_->{kind} eq 'action.finished' } events($_[0]); return $end->{data}{result}{'$record'} // {} }
sub mails { my ($server) = @_; return map { decode_json(`$python tests/services/read_mail.py $_`) } sort glob "$server->{box}/*.eml" }
sub people { return '[' . join(', ', map { qq[{ email: "$_\@example.org", name: "N-$_" }] } @_) . ']' }

# --- a campaign, and who is refused ---
my $server = aiosmtpd();
{
  my @run = runbook('campaign', "    sent = email.campaign(to: @{[people(qw(ana no-such-bo later-2-cy dan ana))]}, $letter, per_second: 1000)\n    show sent.sent");
  my ($said, $exit) = run_quietly($stepwise, 'run', @run, site($server, 'bounce_to: "bounces@example.org"'));
  is($exit, 0, 'a campaign') or diag $said;
  is(result('campaign')->{sent}, 3, '  three are sent, one of them after the server said later, twice');
  is(join('; ', map { my $r = $_->{'$record'}; "$r->{to} $r->{kind}{'$symbol'}" } @{result('campaign')->{refused}}), 'no-such-bo@example.org refused; ana@example.org duplicate', '  one is refused by the server, and nobody has it twice') or diag $said;
  my %by = map { $_->{headers}{To} => $_ } mails($server);
  is(join(' ', sort keys %by), 'ana@example.org dan@example.org later-2-cy@example.org', '  they arrived');
  my $mail = $by{'dan@example.org'};
  is($mail->{headers}{Subject}, 'News for N-dan', '  with a subject of its own');
  is($mail->{text} =~ s/\s+\z//r, 'Dear N-dan https://example.org/u?w=dan%40example.org', '  and text');
  like($mail->{html}, qr{<a href="https://example\.org/u\?w=dan%40example\.org">}, '  and HTML');
  is($mail->{headers}{'List-Unsubscribe'}, '<https://example.org/u?w=dan%40example.org>', '  mail programs can unsubscribe');
  is($mail->{headers}{'List-Unsubscribe-Post'}, 'List-Unsubscribe=One-Click', '  by one click');
  is(decode_json(read_file("$server->{box}/1.json"))->{from}, 'bounces@example.org', '  what cannot be delivered goes elsewhere');
}
{
  my @run = runbook('denied', "    sent = email.campaign(to: @{[people(qw(relay-ana bo))]}, $letter)\n    show sent.sent");
  my ($said, $exit) = run_quietly($stepwise, 'run', @run, site($server));
  is($exit, 1, 'a server that does not let us stops the campaign') or diag $said;
  like($said, qr/relaying denied/, '  and says so');
}

# --- unsubscribing: the page, and who did ---
{
  write_file("$dir/log", '');
  my ($web, $held) = start_server("$dir/log");
  write_file("$dir/gone.txt", "dan\@example.org\n\nDAN\@example.org\n");
  my $gone = qq{unsubscribed: "$dir/gone.txt"};
  my $parts = 'text: "{{unsubscribe}}", html: "<a href=\"{{unsubscribe}}\">x</a>", to: { email: "ana@example.org" }, ask: true';
  my ($file) = runbook('page', qq{    good = email.check_unsubscribe(link: "http://127.0.0.1:$web/echo?w={{email}}", $parts)
    expect good.problems.empty? && good.answered, "good: \#{good}"
    bad = email.check_unsubscribe(link: "http://127.0.0.1:$web/status/404?w={{email}}", $parts)
    expect bad.problems == ["link: the page answers 404"] && bad.answered == false, "bad: \#{bad}"
    left = email.unsubscribes
    expect left.map { |u| u[:to] } == ["dan\@example.org"] && left.first[:campaign], "left: \#{left}"
    sent = email.campaign(to: @{[people(qw(dan eve))]}, $letter)
    expect sent.sent == 1 && sent.refused.first.reason.include?("unsubscribed"), "sent: \#{sent}"});
  my ($said, $exit) = run_quietly($stepwise, 'run', $file, '--journal', "$dir/campaign/j.db", site($server, $gone));
  is($exit, 0, 'the page is looked at; who unsubscribed is told, suppressed and left out') or diag $said;
  like(read_file("$dir/log"), qr{^GET /echo\?w=ana%40example\.org$}m, '  the page is asked for as it is');
}

# --- a page by email: the first contact that takes it, and the next where one is refused ---
for my $case (['lead@example.org', 'lead@example.org', ''], ['no-such-lead@example.org', undef, 'chat']) {
  my ($contact, $gets, $next) = @$case;
  my $server = aiosmtpd();
  my @site = site($server);
  write_file($site[1], read_file($site[1]) =~ s/\nend\n\z/\n  role :lead, members: %w[ana], page: { email: "$contact", chat: "#lead" }\nend\n/r);
  my $name = 'page' . ($next || 'mail');
  my ($file, @journal) = runbook($name, '    page :lead, "the queue stands", severity: 1');
  my ($said, $exit) = run_quietly($stepwise, 'run', $file, @journal, @site, '--virtual-clock');
  is($exit, 0, "a page to $contact") or diag $said;
  my @mails = mails($server);
  is(scalar @mails, $gets ? 1 : 0, $gets ? '  arrives' : '  is refused');
  like(join(' ', $mails[0]{headers}{To}, $mails[0]{headers}{Subject}, $mails[0]{text}), qr/^\Q$gets\E .*the queue stands/s, '  with what it is about') if $gets;
  is(join(' ', map { $_->{data}{way} } grep { $_->{kind} eq 'page.delivered' } events($name)), $next || 'email', '  and the journal says who has it') or diag $said;
}

# --- killed: nobody twice, nobody forgotten, who is in doubt is told ---
{
  my $box = aiosmtpd();
  my @names = map { "p$_" } 1 .. 60;
  my @run = runbook('killed', "    sent = email.campaign(to: @{[people(@names)]}, $letter, per_second: 40)\n    show sent.sent");
  my @site = site($box);
  my $run = start_program("$dir/said", $stepwise, 'run', @run, @site);
  my $arrived = sub { scalar(my @all = glob "$box->{box}/*.eml") };
  for my $stop (5, 20, 40) {
    ok(wait_for(sub { $arrived->() >= $stop }, 60), "killed after $stop") or diag read_file("$dir/said");
    kill 'KILL', $run;
    end_program($run);
    my ($runs) = run_quietly($stepwise, 'runs', '--json', '--journal', "$dir/killed/j.db");
    my ($id) = $runs =~ /"run":"([^"]+)"/;
    $run = start_program("$dir/said", $stepwise, 'resume', $id, '--journal', "$dir/killed/j.db");
  }
  my $exit = end_program($run, 60);
  my %times;
  $times{$_->{headers}{To}}++ for mails($box);
  my ($end) = grep { $_->{kind} eq 'action.finished' } reverse events('killed');
  my $record = $end->{data}{result}{'$record'} // {};
  my @unsure = map { ref $_ ? $_->{email} // $_->{'$record'}{to} // $_->{to} : $_ } @{$record->{unsure} || []};
  is(join(' ', grep { $times{$_} > 1 } sort keys %times), '', 'nobody has it twice');
  my %told = map { $_ => 1 } @unsure;
  is(join(' ', grep { !$times{"$_\@example.org"} && !$told{"$_\@example.org"} } @names), '', 'nobody is forgotten, but who is told as unsure') or diag read_file("$dir/said");
  is($record->{sent} + @unsure, 60, 'sent and unsure are all') or diag "$exit " . read_file("$dir/said");
  cmp_ok(scalar @unsure, '<=', 24, 'unsure are at most those that were under way');
}

# --- what a person would look at: maildev's own reading of it ---
SKIP: {
  skip 'maildev is not installed', 4 if !has_service('maildev');
  my $web = free_port();
  my $maildev = start_npm('maildev', 'bin/maildev', ['--smtp', PORT, '--web', $web, '--ip', '127.0.0.1', '--web-ip', '127.0.0.1', '--mail-directory', "$dir/maildev"],
    ready => sub { answers($_[0]{port}) && answers($web) });
  my @run = runbook('maildev', qq{    sent = email.send(to: "ana\@example.org", subject: "Gr\x{c3}\x{bc}\x{c3}\x{9f}e {{name}}", text: "Caf\x{c3}\x{a9}", html: "<b>Caf\x{c3}\x{a9}</b>", fields: { name: "Ana" }, attachments: [{ text: "a;b\\n", name: "r\x{c3}\x{b6}ws.csv", type: "text/csv" }])\n    show sent.id});
  my ($said, $exit) = run_quietly($stepwise, 'run', @run, site($maildev));
  is($exit, 0, 'maildev takes a letter') or diag $said;
  my $all = wait_for(sub { my $got = `$python -c "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:$web/email').read().decode())"`; $got =~ /subject/ ? decode_json($got) : undef });
  is($all->[0]{subject}, "Gr\x{fc}\x{df}e Ana", '  and reads its subject');
  is(join('|', $all->[0]{text} =~ s/\s+\z//r, $all->[0]{html} =~ s/\s+\z//r), "Caf\x{e9}|<b>Caf\x{e9}</b>", '  both of its forms');
  is($all->[0]{attachments}[0]{fileName} // $all->[0]{attachments}[0]{generatedFileName}, "r\x{f6}ws.csv", '  and its file');
}
SKIP: {
  skip 'smtp-server is not installed', 2 if !has_service('smtp-server');
  my $js = 'const {SMTPServer} = require(process.argv[1]); const fs = require("fs"); let n = 0;
    new SMTPServer({disabledCommands: ["STARTTLS"], allowInsecureAuth: true, onAuth: (a, s, f) => a.username == "ops" && a.password == "sesame-4711" ? f(null, {user: 1}) : f(new Error("no")),
      onData: (stream, s, f) => { const out = fs.createWriteStream(process.argv[3] + "/" + (++n) + ".eml"); stream.pipe(out); out.on("finish", () => f(null, "kept")); }}).listen(Number(process.argv[2]), "127.0.0.1")';
  my $box = tempdir(DIR => $dir);
  my $node = { %{start_service(['node', '-e', $js, "$Services::node_modules/smtp-server", PORT, $box])}, box => $box };
  local $ENV{MAIL_PASSWORD} = 'sesame-4711';
  my @run = runbook('login', qq{    sent = email.send(to: "ana\@example.org", subject: "a", text: ".\\n..\\nend")\n    show sent.id});
  my ($said, $exit) = run_quietly($stepwise, 'run', @run, site($node, 'user: "ops", password: env("MAIL_PASSWORD"), tls: :never'));
  is($exit, 0, 'smtp-server takes a letter of one that logs in') or diag $said;
  my ($mail) = mails($node);
  is(($mail || {})->{text}, ".\n..\nend\n", '  with its dots');
}

# --- reports of a real server ---
SKIP: {
  skip 'opensmtpd is not installed', 7 if !has_service('opensmtpd');
  # It relays to aiosmtpd, and is told there that there is no such mailbox; its report comes to the bounces' mailbox.
  my $far = aiosmtpd();
  mkdir "$dir/bounces";
  chmod 0777, "$dir/bounces";
  my $smtpd = start_opensmtpd(<<"CONF");
table boxes { "bounces\@example.org" = nobody }
listen on 127.0.0.1 port PORT hostname mail.example.org
action "keep" maildir "$dir/bounces/Maildir" virtual <boxes>
action "away" relay host smtp://127.0.0.1:$far->{port}
match from any for domain "example.org" action "keep"
match from any for domain "example.net" action "away"
CONF
  my $more = qq{bounce_to: "bounces\@example.org", bounce_box: "$dir/bounces/Maildir"};
  my $net = people(qw(ana no-such-bo)) =~ s/example\.org/example.net/gr;
  my @run = runbook('bounced', "    sent = email.campaign(to: $net, $letter)\n    show sent.sent");
  my ($said, $exit) = run_quietly($stepwise, 'run', @run, site($smtpd, $more));
  is($exit, 0, 'opensmtpd takes both') or diag $said;
  ok(wait_for(sub { my @new = glob "$dir/bounces/Maildir/new/*"; scalar @new }, 60), 'it writes a report') or diag read_file($smtpd->{log});
  my $id = result('bounced')->{id};
  write_file("$dir/look.rb", qq{runbook "look" do\n  use "email"\n  step "Look" do\n    back = email.bounces(campaign: "$id")\n    show back.map { |b| "\#{b[:to]} \#{b[:hard]} \#{b[:status]}" }.join(","), as: "back"
    stats = email.campaign_status(id: "$id")\n    show "\#{stats.sent} \#{stats.bounced}", as: "stats"\n    again = email.campaign(to: $net, $letter)\n    show again.refused.map { |r| r.reason }.join(", "), as: "left out"\n    irreversible "sent"\n  end\nend\n});
  ($said, $exit) = run_quietly($stepwise, 'run', "$dir/look.rb", '--journal', "$dir/bounced/j.db", site($smtpd, $more));
  is($exit, 0, 'it is read') or diag $said;
  like($said, qr/back: no-such-bo\@example\.net true 5/, '  who it is of, for good') or diag join '', map { read_file($_) } glob "$dir/bounces/Maildir/new/*";
  like($said, qr/stats: 2 1/, '  which campaign it was');
  like($said, qr/left out: .*bounced/, '  who bounced is not written to again');
  ok(wait_for(sub { scalar(my @all = glob "$far->{box}/*.eml") >= 2 }, 30), '  the other one is');
}
done_testing;
