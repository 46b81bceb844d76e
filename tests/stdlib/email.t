#!/usr/bin/env perl
# The binding email on its outbox: letters and campaigns, who is left out, what is held back, what came back.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use JSON::PP;
use Stepwise;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $number = 0;
my $letter = 'subject: "News for {{name}}", text: "Dear {{name}} {{unsubscribe}}", html: "<p>{{name}}</p><a href=\"{{unsubscribe}}\">x</a>", unsubscribe: "https://example.org/u?w={{email}}"';

# Runs these statements in a step, on the journal of this name: what was said, the exit code, the events of the run.
sub mail {
  my ($journal, $body, %more) = @_;
  $number++;
  write_file("$dir/$number.rb", "runbook \"letters-$number\" do\n  use \"email\"\n  step \"Write\" do\n@{[$more{clauses} // '']}\n$body\n    irreversible \"sent\"\n  end\nend\n");
  mkdir "$dir/$journal";
  my ($said, $exit) = run_quietly($stepwise, 'run', "$dir/$number.rb", '--journal', "$dir/$journal/j.db", @{$more{args} || []});
  my ($events) = run_quietly($stepwise, 'journal', 'export', '--journal', "$dir/$journal/j.db");
  my @events = map { decode_json($_) } grep { /^\{/ } split /\n/, $events;
  my $run = (grep { $_->{run} } @events)[-1]{run};
  return ($said, $exit, grep { ($_->{run} // '') eq $run } @events);
}
sub result { my ($end) = grep { $_->{kind} eq 'action.finished' } @_; return $end->{data}{result}{'$record'} // $end->{data}{result} }
sub refused { return join ', ', map { my $r = $_->{'$record'} // $_; "$r->{to}: $r->{reason}" } @{result(@_)->{refused}} }
sub rows { my ($journal, $sql) = @_; my ($db) = glob "$dir/$journal/*/email.db $dir/$journal/email.db"; return $db ? `sqlite3 '$db' "$sql" 2>/dev/null` : '' }
my $people = '[{ email: "Ana@example.org", name: "Ana" }, { email: "bo@example.org", name: "Bo <b>" }, { email: "cy@example.org", name: "Cy" }]';

{
  my ($said, $exit, @events) = mail('one', qq{    sent = email.campaign(to: $people, $letter, per_second: 1000)\n    show sent.sent});
  is($exit, 0, 'a campaign') or diag $said;
  is(result(@events)->{sent}, 3, '  is sent to all');
  is(rows('one', 'SELECT address, subject, body, html FROM mail ORDER BY address LIMIT 2'), "ana\@example.org|News for Ana|Dear Ana https://example.org/u?w=Ana%40example.org|<p>Ana</p><a href=\"https://example.org/u?w=Ana%40example.org\">x</a>\n"
    . "bo\@example.org|News for Bo <b>|Dear Bo <b> https://example.org/u?w=bo%40example.org|<p>Bo &lt;b&gt;</p><a href=\"https://example.org/u?w=bo%40example.org\">x</a>\n", '  with its places filled for each');
  ($said, $exit, @events) = mail('one', qq{    email.suppress(to: "BO\@example.org", reason: "asked by phone")\n    sent = email.campaign(to: $people, $letter)\n    show sent.sent});
  my ($campaign) = grep { $_->{kind} eq 'action.finished' && $_->{data}{result} && ($_->{data}{result}{'$record'}{total}) } @events;
  like(refused($campaign), qr/bo\@example\.org: .*suppressed|bo\@example\.org: .*asked by phone/, 'who is suppressed is left out, and told') or diag $said;
  is($campaign->{data}{result}{'$record'}{sent}, 2, '  the others are not');
  ($said, $exit, @events) = mail('one', qq{    email.send(to: "bo\@example.org", subject: "x", text: "y")});
  is($exit, 1, 'a single letter is refused there too') or diag $said;
  like($said, qr/asked by phone/, '  and says why');
  ($said, $exit) = mail('one', qq{    email.unsuppress(to: "bo\@example.org", reason: "asked again")\n    sent = email.send(to: "bo\@example.org", subject: "x", text: "y")\n    show sent.id});
  is($exit, 0, 'until it is taken off the list') or diag $said;
  like($said, qr/<[0-9a-f]{40}\@example\.org>/, '  it has a Message-ID');
}
{
  write_file("$dir/sandbox.rb", qq{site "s" do\n  connect :email, driver: "outbox", sandbox: ["ANA\@example.org"]\nend\n});
  my @site = (args => ['--site', "$dir/sandbox.rb"]);
  my ($said, $exit, @events) = mail('sandbox', qq{    sent = email.campaign(to: $people, $letter)\n    show sent.sent}, @site);
  is($exit, 0, 'a campaign with a sandbox list') or diag $said;
  is(rows('sandbox', 'SELECT address FROM mail'), "ana\@example.org\n", '  reaches those who are on it');
  is(refused(@events), 'bo@example.org: it is not on the sandbox list, cy@example.org: it is not on the sandbox list', '  and tells of the others');
  ($said, $exit) = mail('sandbox', qq{    email.send(to: "bo\@example.org", subject: "x", text: "y")}, @site);
  like($said, qr/FAILED: .*it is not on the sandbox list/, '  a single letter goes by it too');
  my $list = '[{ email: "ana@example.org", name: "Ana" }, { email: "bo@example.org", name: "Bo" }, { email: "ana@example.org", name: "Ana A." }, "bo@example.org", { email: "Ana@Example.org", name: "ANA" }]';
  ($said, $exit, @events) = mail('double', qq{    sent = email.campaign(to: $list, subject: "x", text: "y {{unsubscribe}}", html: "<p>{{unsubscribe}}</p>", unsubscribe: "https://example.org/{{email}}")\n    show sent.sent});
  is(rows('double', 'SELECT address FROM mail ORDER BY address'), "ana\@example.org\nbo\@example.org\n", 'who stands in the list twice has it once') or diag $said;
  is(refused(@events), join(', ', map { "$_: it stands in the list before" } 'ana@example.org', 'bo@example.org', 'Ana@Example.org'), '  and the others are told');
}
{
  my ($said, $exit, @events) = mail('bad', qq{    sent = email.campaign(to: ["x y\@example.org", "Ana <ana\@example.org>", "ok\@example.org"], subject: "a", text: "b", html: "c", unsubscribe: "https://example.org/{{email}}")\n    show sent.sent});
  is(result(@events)->{sent}, 1, 'what is no address is left out') or diag $said;
  is(() = refused(@events) =~ /it is no address/g, 2, '  and told');
  ($said, $exit, @events) = mail('bad', qq{    sent = email.campaign(to: [{ email: "a\@example.org", name: "A" }, { email: "b\@example.org" }], $letter)\n    show sent.sent});
  is(result(@events)->{sent}, 1, 'somebody whom a place has nothing for is left out') or diag $said;
  like(refused(@events), qr/there is no value for \{\{name\}\}/, '  and told');
}
{
  my $bad = "site \"t\" do\n  connect :email, driver: \"outbox\", bounce_every: 3, unsubscribe_every: 4, delay: 0.seconds\nend\n";
  write_file("$dir/bad.rb", $bad);
  my $many = '(1..12).map { |i| { email: "p#{i}@example.org", name: "P#{i}" } }';
  my ($said, $exit) = mail('day', qq{    sent = email.campaign(to: $many, $letter, per_second: 1000)\n    back = email.bounces(campaign: sent.id)\n    gone = email.unsubscribes(campaign: sent.id)\n    stats = email.campaign_status(id: sent.id)
    expect back.size == 4 && back.all? { |b| b[:hard] }, "bounces \#{back.size}"\n    expect gone.map { |g| g[:to] } == ["p4\@example.org", "p8\@example.org"], "gone \#{gone}"
    expect stats.sent == 12 && stats.bounced == 4 && stats.unsubscribed == 2 && (stats.bounce_ratio - 0.3333).abs < 0.001, "stats \#{stats}"
    again = email.campaign(to: $many, $letter, per_second: 1000)\n    expect again.sent == 6, "again \#{again.sent}"\n    listed = email.suppressions\n    expect listed.size == 6, "listed"}, args => ['--site', "$dir/bad.rb"]);
  is($exit, 0, 'what came back is told, suppressed, and not written to again') or diag $said;
}
{
  my $look = qq{    email.bounces\n    email.unsubscribes\n    show email.suppressions.map { |one| one[:to] }.sort.join(" "), as: "listed"};
  my @site = (args => ['--site', "$dir/bad.rb"]);
  my ($said, $exit) = mail('day', qq{    email.unsuppress(to: "p3\@example.org", reason: "it is there again")\n    email.unsuppress(to: "p4\@example.org", reason: "asked to come back")\n$look}, @site);
  like($said, qr/listed: p12\@example\.org p6\@example\.org p8\@example\.org p9\@example\.org$/m, 'what an operator lifted stays lifted, though the reports are looked at again') or diag $said;
  my ($state) = map { s/email\.db$//r } glob "$dir/day/*/email.db";
  write_file("$state/email-unsubscribes.txt", "p1\@example.org\n");
  ($said, $exit) = mail('day', $look, @site);
  like($said, qr/listed: p12\@example\.org p1\@example\.org /, 'who unsubscribes is on the list') or diag $said;
  ($said, $exit) = mail('day', qq{    email.unsuppress(to: "p1\@example.org", reason: "asked to come back")\n    sent = email.campaign(to: ["p1\@example.org"], subject: "a", text: "b", html: "c", unsubscribe: "https://example.org/{{email}}")\n$look\n    show email.campaign_status(id: sent.id).unsubscribed, as: "of it"}, @site);
  like($said, qr/listed: p12\@example\.org p6\@/, '  until an operator lifts it: the line is old') or diag $said;
  like($said, qr/of it: 0/, '  and says nothing of a later campaign');
  write_file("$state/email-unsubscribes.txt", "p1\@example.org\np1\@example.org\n");
  ($said, $exit) = mail('day', $look, @site);
  like($said, qr/listed: p12\@example\.org p1\@example\.org /, '  a new line is a new wish') or diag $said;
}
{
  my ($said, $exit) = mail('held', qq{    email.pause(reason: "too many complaints")\n    expect email.paused?, "paused"\n    email.send(to: "ana\@example.org", subject: "x", text: "y")}, clauses => '    timeout 20.seconds', args => ['--virtual-clock']);
  is($exit, 1, 'while mail is held back nothing goes out') or diag $said;
  is(rows('held', 'SELECT count(*) FROM mail') =~ /^[1-9]/, '', '  nothing at all');
  ($said, $exit) = mail('held', qq{    email.resume\n    email.send(to: "ana\@example.org", subject: "x", text: "y")});
  is($exit, 0, 'resumed, it does') or diag $said;
}
{
  my ($said, $exit) = mail('check', qq{    found = email.check_template(subject: "", text: "a {{nmae}}", html: "b", to: $people)\n    expect found.problems == ["subject: it is missing", "{{nmae}}: nobody has such a field"], "\#{found.problems}"
    link = email.check_unsubscribe(link: "http://example.org/u", text: "none", html: "<a href='{{ unsubscribe }}'>", to: $people.first)
    expect link.problems.size == 3 && !link.one_click, "\#{link.problems}"
    link = email.check_unsubscribe(link: "https://example.org/u/{{email}}", text: "{{unsubscribe}}", html: "<a href='{{ unsubscribe }}'>", to: $people.first)
    expect link.problems.empty? && link.one_click && link.url == "https://example.org/u/Ana%40example.org", "\#{link}"});
  is($exit, 0, 'a letter is checked before it is sent') or diag $said;
}
done_testing;
