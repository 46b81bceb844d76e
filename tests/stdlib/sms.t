#!/usr/bin/env perl
# Text messages through the embedded outbox: who is written to and who is not, whichever driver serves.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use POSIX 'strftime';
use Stepwise;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my ($number, $journal) = (0, "$dir/journal.db");
mkdir "$dir/state";
sub site {
  my ($settings, $driver) = @_;
  $number++;
  write_file("$dir/$number.site", qq{site "t" do\n  timezone "America/New_York"\n  connect :sms, driver: "} . ($driver // 'outbox') . qq{"$settings\nend\n});
  return ('--site', "$dir/$number.site");
}
my @day = site(', quiet: ""');
sub sms {
  my ($body, @options) = @_;
  my $module = -e "$dir/careless.rb" ? 'careless' : 'sms';
  $number++;
  write_file("$dir/case$number.rb", qq{runbook "case$number" do\n  use "$module"\n  timeout 800.days\n  step "Do" do\n$body\n    irreversible "it stays"\n  end\nend\n});
  return run_quietly($stepwise, 'run', "$dir/case$number.rb", '--journal', $journal, @options ? @options : @day);
}
sub outbox { scalar run_quietly('sqlite3', "$dir/state/outbox.db", $_[0]) }
sub list { scalar run_quietly('sqlite3', "$dir/state/messaging.db", $_[0]) }

# --- a message ---
my ($said, $exit) = sms(<<'RUBY');
    message = sms.send(to: "+12025550101", body: "hello")
    show sms.status(id: message.id).state, as: "first"
    wait_until within: 20.seconds, every: 200.milliseconds do
      sms.status(id: message.id).state == :delivered
    end
    show sms.status(id: message.id), as: "then"
RUBY
is($exit, 0, 'a message goes out and is delivered') or diag $said;
like($said, qr/first: (?:sent|delivered).*state\s+delivered/s, '  and tells how far it is');
is(outbox("SELECT phone, body, outcome FROM message"), "+12025550101|hello|delivered\n", '  it is in the outbox once');
like($said, qr/\n      nothing went out by sms \(driver outbox\)\n\nsucceeded/, '  and the run says that nothing went out');
($said) = run_quietly($stepwise, 'plan', "$dir/case$number.rb", '--journal', $journal, @day);
like($said, qr/^Nothing would go out by sms \(driver outbox\)\.$/m, '  and its plan') or diag $said;
like(scalar(run_quietly($stepwise, 'plan', '--json', "$dir/case$number.rb", '--journal', $journal, @day)), qr/"practice":"sms \(driver outbox\)"/, '  to a machine too');
($said) = sms('    x = sms.send(to: "+12025550101", body: "hello")' . "\n    show x.state", '--drill');
unlike($said, qr/nothing went out/, '  a drill has said so before');
write_file("$dir/mine.rb", qq{use "sms"\ndriver :mine, for: :sms, same_as: :outbox, practice: false\ndriver :other, for: :sms, same_as: :outbox\n});
mkdir "$dir/whose";
for my $case (['mine', ''], ['other', 'sms (driver other)']) {
  write_file("$dir/mine.site", qq{site "t" do\n  connect :sms, driver: "$case->[0]", quiet: ""\nend\n});
  write_file("$dir/whose.rb", qq{runbook "whose" do\n  use "mine"\n  step "Send" do\n    sms.send(to: "+12025550101", body: "hello")\n    irreversible "sent"\n  end\nend\n});
  ($said) = run_quietly($stepwise, 'run', "$dir/whose.rb", '--journal', "$dir/whose/j.db", '--site', "$dir/mine.site");
  is(join(';', $said =~ /nothing went out by (.*)/g), $case->[1], "  a driver like it, $case->[0], is what it says of itself") or diag $said;
}
($said) = sms('    show sms.status(id: "msg-none").state');
unlike($said, qr/nothing went out/, 'a run that writes nothing says nothing of it');
like($said, qr/FAILED: the outbox has no message msg-none/, 'one that there is not');
($said) = sms('    x = sms.send(to: "5550101", body: "hello")' . "\n    show x");
isnt($said, '', 'a number without its country');
like($said, qr/phone/, '  is refused');

# --- replies ---
write_file("$dir/state/sms-replies.txt", "+12025550101 Stop please\n+12025550102  STOP.\n+12025550103 unsubscribe\n+12025550104 HELP\n+12025550105 thanks\n\n+12025550106 Opt-out\n");
($said, $exit) = sms('    replies = sms.replies' . "\n" . '    show replies.map { |one| "#{one.from} #{one.keyword.inspect}" }.join(","), as: "words"' . "\n" . '    show sms.suppressions.map { |one| "#{one.to} #{one.reason} #{one.source}" }.join(","), as: "list"');
is($exit, 0, 'replies come in') or diag $said;
like($said, qr/words: \+12025550101 nil,\+12025550102 :stop,\+12025550103 :stop,\+12025550104 :help,\+12025550105 nil,\+12025550106 :stop$/m, 'their words are told');
like($said, qr/list: \+12025550102 replied STOP\. typed-2,\+12025550103 replied unsubscribe typed-3,\+12025550106 replied Opt-out typed-7$/m, 'who says STOP is on the list; who says more, or HELP, is not');
for my $phone ('+12025550102', '+12025550103', '+12025550106') {
  ($said, $exit) = sms(qq{    x = sms.send(to: "$phone", body: "hello")\n    show x});
  like($said, qr/FAILED: sms\.send to \Q$phone\E is refused: suppressed since \d{4}-\d\d-\d\d: replied /, "$phone is not written to");
}
is(outbox("SELECT count(*) FROM message WHERE phone IN ('+12025550102', '+12025550103', '+12025550106')"), "0\n", 'and nothing is in the outbox');
open my $typed, '>>', "$dir/state/sms-replies.txt";
print $typed "+12025550102 start\n+12025550104 Yes\n";
close $typed;
($said, $exit) = sms('    replies = sms.replies(since: now - 1.hour)' . "\n" . '    show replies.size, as: "replies"' . "\n" . '    x = sms.send(to: "+12025550102", body: "welcome back")' . "\n" . '    show x.state');
is($exit, 0, 'START lifts it') or diag $said;
like($said, qr/replies: 8/, '  and each reply is told once');
is(list("SELECT what, reason, source FROM suppression_past WHERE address = '+12025550102' ORDER BY id"), "suppressed|replied STOP.|typed-2\nlifted|replied start|typed-8\n", '  what was said before stays on record');
($said, $exit) = sms('    replies = sms.replies' . "\n" . '    show sms.suppressed?(to: "+12025550102"), as: "again"');
like($said, qr/again: false/, 'a reply that was seen is not counted again');

# --- by hand ---
($said, $exit) = sms('    sms.suppress to: "+12025550110", reason: "asked by phone"' . "\n" . '    sms.suppress to: "+12025550110", reason: "asked twice"' . "\n" . '    show sms.suppressed?(to: "+12025550110"), as: "then"');
like($said, qr/then: true/, 'an operator puts a number on the list, however it is written') or diag $said;
is(list("SELECT reason FROM suppression WHERE address = '+12025550110'"), "asked by phone\n", '  and the first reason stands');
($said, $exit) = sms('    sms.unsuppress to: "+12025550110", reason: "a mistake"' . "\n" . '    x = sms.send(to: "+12025550110", body: "hello")' . "\n    show x.state");
is($exit, 0, 'and takes it off') or diag $said;

($said, $exit) = sms('    sms.suppress to: "+12025550111", reason: "a complaint"' . "\n" . '    sms.suppress to: "+12025550103", reason: "a complaint"');
is($exit, 0, 'an operator suppresses two, of whom one said STOP before') or diag $said;
open $typed, '>>', "$dir/state/sms-replies.txt";
print $typed "+12025550111 START\n+12025550103 START\n+12025550106 START\n";
close $typed;
($said, $exit) = sms('    sms.replies' . "\n" . '    show ["+12025550111", "+12025550103", "+12025550106"].map { |to| sms.suppressed?(to: to) }.join(" "), as: "then"');
like($said, qr/then: true true false/, 'START lifts what the recipient asked for, and not what an operator said') or diag $said;
($said, $exit) = sms('    sms.unsuppress to: "+12025550111", reason: "settled"' . "\n" . '    sms.replies' . "\n" . '    show sms.suppressed?(to: "+12025550111"), as: "then"');
like($said, qr/then: false/, '  an operator does') or diag $said;

# --- the sandbox ---
my @sandbox = site(', quiet: "", sandbox: ["+12025550101"]');
($said, $exit) = sms('    x = sms.send(to: "+12025550199", body: "hello")' . "\n    show x.state", @sandbox);
like($said, qr/\+12025550199 is refused: it is not on the sandbox list/, 'outside the sandbox nobody is written to');
($said, $exit) = sms('    x = sms.send(to: "+12025550101", body: "hello")' . "\n    show x.state", @sandbox);
is($exit, 0, 'inside they are') or diag $said;

# --- quiet hours: from an hour ago to an hour from now, where the number is ---
sub hours {
  my ($zone, $from, $to) = @_;
  local $ENV{TZ} = $zone;
  POSIX::tzset();
  my @window = map { strftime('%H:%M', localtime(time + 3600 * $_)) } $from, $to;
  $ENV{TZ} = 'UTC';
  POSIX::tzset();
  return join '-', @window;
}
sub quiet {
  my ($phone, $hours) = @_;
  my ($text) = sms(qq{    x = sms.send(to: "$phone", body: "hello")\n    show x.state}, site(qq{, quiet: "$hours"}));
  return $text =~ /is refused: it is \d\d:\d\d there \((\S+)\), and quiet hours are \Q$hours\E/ ? $1 : $text =~ /^succeeded/m ? '' : $text;
}
is(quiet('+12125550101', hours('America/New_York', -1, 1)), 'America/New_York', 'it is night in New York: not written to');
is(quiet('+14155550101', hours('America/New_York', -1, 1)), '', 'it is not in San Francisco, at the same hour by the clock');
is(quiet('+14155550101', hours('America/Los_Angeles', -1, 1)), 'America/Los_Angeles', 'there it is night later');
is(quiet('+18085550101', hours('Pacific/Honolulu', -1, 1)), 'Pacific/Honolulu', 'and later still in Honolulu');
is(quiet('+18505550101', hours('America/Chicago', -0.5, 0.3)), 'America/Chicago', 'a code of two zones: night in one');
is(quiet('+18505550101', hours('America/New_York', -0.5, 0.3)), 'America/New_York', '  or in the other');
is(quiet('+18505550101', hours('America/Los_Angeles', -0.5, 0.3)), '', '  or in none');
is(quiet('+442071838750', hours('America/New_York', -1, 1)), 'America/New_York', 'where it is not known, the zone of the site decides');
is(quiet('+442071838750', hours('Europe/London', -1, 1)), '', '  and nothing else');
for my $hours ('9pm', '18:00-18:00') {
  ($said) = sms('    x = sms.send(to: "+12125550101", body: "hello")' . "\n    show x.state", site(qq{, quiet: "$hours"}));
  like($said, qr/\.site:\d+:\d+: quiet must be two different times of day from 00:00 to 23:59, such as 21:00-08:00, not "$hours"/, "hours that are written $hours: nobody is written to");
}

($said) = sms('    clocks = sms.clocks(to: ["+12125550101", "+442071838750", "+15555550123", "+18505550101", "+4930123456"])' . "\n" . '    show [clocks.quiet, clocks.area_code, clocks.site, clocks.zone].join(" "), as: "clocks"', site(', quiet: "20:00-09:00"'));
like($said, qr/clocks: 20:00-09:00 2 3 America\/New_York$/m, 'by whose clock is told beforehand') or diag $said;
write_file("$dir/plain.site", qq{site "t" do\n  connect :sms, driver: "outbox", quiet: ""\nend\n});
($said) = sms('    clocks = sms.clocks(to: ["+442071838750"])' . "\n" . '    show [clocks.quiet, clocks.area_code, clocks.site, clocks.zone].join(" "), as: "clocks"', '--site', "$dir/plain.site");
like($said, qr/clocks:  0 1 UTC$/m, '  of a site that says none, UTC') or diag $said;

# --- summer and winter: the same hour in UTC is another one in New York ---
my $year = strftime('%Y', gmtime) + 1;
for my $case (["$year-01-15T01:30:00Z", ''], ["$year-07-15T01:30:00Z", '21:30'], ["$year-07-15T00:30:00Z", ''], ["$year-01-15T02:30:00Z", '21:30'], ["$year-03-14T12:30:00Z", undef]) {
  my ($at, $local) = @$case;
  next if !defined $local;
  ($said, $exit) = sms(qq{    wait time("$at") - now\n    x = sms.send(to: "+12125550101", body: "hello")\n    show x.state}, '--drill', '--drill-set', 'sms.quiet=21:00-08:00');
  if ($local) { like($said, qr/it is $local there \(America\/New_York\)/, "at $at it is night") or diag $said }
  else { is($exit, 0, "at $at it is not") or diag $said }
}

# --- a list that cannot be read: nobody is written to ---
for my $case (['cut off', ''], ['damaged', 'SQLite format 3' . "\0" . 'x' x 5000], ['no list', "a text\n" x 500]) {
  my ($name, $bytes) = @$case;
  write_file("$dir/odd.db", $bytes);
  ($said, $exit) = sms('    x = sms.send(to: "+12025550130", body: "hello")' . "\n    show x.state", site(qq{, quiet: "", list: "$dir/odd.db"}));
  is($exit, 1, "a list that is $name") or diag $said;
  like($said, qr/FAILED: the list of opt-outs \S*odd\.db .*help: put back a copy of it; only if nobody ever opted out, move it away and make an empty one: sqlite3 "\S*odd\.db" VACUUM/s, '  is told of, and what to do') or diag $said;
  ($said, $exit) = sms('    sms.suppress to: "+12025550130", reason: "asked by phone"', site(qq{, quiet: "", list: "$dir/odd.db"}));
  is($exit, 1, '  nothing is added to it') or diag $said;
  is(read_file("$dir/odd.db"), $bytes, '  and is left as it is');
}
unlink "$dir/odd.db";
run_quietly('sqlite3', "$dir/odd.db", 'CREATE TABLE t(a)');
for my $call ('sms.send(to: "+12025550130", body: "hello")', 'sms.suppress(to: "+12025550130", reason: "asked")') {
  ($said, $exit) = sms("    x = $call\n    show x.to_s", site(qq{, quiet: "", list: "$dir/odd.db"}));
  like($said, qr/the list of opt-outs \S*odd\.db cannot be read: it is a database of something else/, "a database of something else: $call") or diag $said;
}
is(scalar run_quietly('sqlite3', "$dir/odd.db", '.tables') =~ s/\s//gr, 't', '  which stays as it is');
write_file("$dir/file", '');
($said, $exit) = sms('    x = sms.send(to: "+12025550130", body: "hello")' . "\n    show x.state", site(qq{, quiet: "", list: "$dir/file/messaging.db"}));
is($exit, 1, 'a list that cannot be reached') or diag $said;
{
  run_quietly('sqlite3', "$dir/held.db", 'CREATE TABLE t(a)');
  my $pid = open my $holder, '|-', 'sqlite3', "$dir/held.db" or die "sqlite3: $!";
  $holder->autoflush;
  print $holder "BEGIN EXCLUSIVE;\n.shell touch $dir/held\n";
  select undef, undef, undef, 0.05 until -e "$dir/held";
  ($said, $exit) = sms("    timeout 1.second\n" . '    x = sms.send(to: "+12025550130", body: "hello")' . "\n    show x.state", site(qq{, quiet: "", list: "$dir/held.db"}));
  is($exit, 1, 'a list that another program holds') or diag $said;
  close $holder;
}

for my $case (['', 'a list without a name'], ["$dir/share.db", 'a directory']) {
  my ($list, $what) = @$case;
  mkdir $list if $list;
  ($said, $exit) = sms('    x = sms.send(to: "+12025550130", body: "hello")' . "\n    show x.state", site(qq{, quiet: "", list: "$list"}));
  like($said, qr/FAILED: the list of opt-outs \S+ cannot be read: it is no file\n.*help: put back a copy of it/s, "$what: nobody is written to") or diag $said;
}
SKIP: { # root may read everything
  skip 'not root, or no setpriv', 1 if $> != 0 || !grep { -x "$_/setpriv" } split /:/, $ENV{PATH};
  my $room = File::Temp->newdir;
  chmod 0777, "$room";
  chmod 0755, $dir;
  run_quietly('sqlite3', "$dir/shut.db", 'VACUUM');
  chmod 0600, "$dir/shut.db";
  my @site = site(qq{, quiet: "", list: "$dir/shut.db"});
  write_file("$room/shut.rb", qq{runbook "shut" do\n  use "sms"\n  step "Send" do\n    x = sms.send(to: "+12025550130", body: "hello")\n    show x.state\n    irreversible "it went"\n  end\nend\n});
  ($said, $exit) = run_quietly('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', $stepwise, 'run', "$room/shut.rb", '--journal', "$room/journal.db", @site);
  like($said, qr/FAILED: the list of opt-outs \S+shut\.db cannot be read: Permission denied\n.*help: let the user who runs this read and write it/s, 'one that may not be read') or diag $said;
}

# --- a list that is out of reach is not one that nobody stands on ---
mkdir "$dir/share";
my @shared = site(qq{, quiet: "", list: "$dir/share/l.db"});
my @linked = site(', quiet: "", list: "linked.db"');
my @inside = site(', quiet: "", list: "lists/l.db"');
symlink "$dir/gone/l.db", "$dir/state/linked.db" or die "symlink: $!";
symlink "$dir/gone", "$dir/link" or die "symlink: $!";
for my $case (
  ['there is no such file', @shared],
  ['there is no such directory', site(qq{, quiet: "", list: "$dir/gone/l.db"})],
  ['its directory is a link to what is not there', site(qq{, quiet: "", list: "$dir/link/l.db"})],
  ['it is a link to what is not there', @linked],
  ['there is no such directory', @inside],
) {
  my ($why, @site) = @$case;
  for my $call ('sms.send(to: "+12025550130", body: "hello")', 'sms.suppress(to: "+12025550131", reason: "asked by phone")', 'sms.suppressions') {
    ($said, $exit) = sms("    x = $call\n    show x.to_s", @site);
    is($exit, 1, "$why: $call") or diag $said;
    like($said, qr/FAILED: the list of opt-outs (\S+) is out of reach: \Q$why\E\n.*help: mount what it is on, or put back a copy of it; only if nobody ever opted out, make an empty one: sqlite3 "\1" VACUUM$/ms, '  is told, and what to do') or diag $said;
  }
}
ok(!-e "$dir/share/l.db" && !-e "$dir/gone" && -l "$dir/state/linked.db", '  and no list is begun in its place');
my ($make) = $said =~ /make an empty one: (sqlite3 .*)$/m;
mkdir "$dir/state/lists";
run_quietly('sh', '-c', $make);
($said, $exit) = sms('    x = sms.send(to: "+12025550132", body: "hello")' . "\n" . '    sms.suppress to: "+12025550133", reason: "asked by phone"' . "\n    show sms.suppressions.size, as: \"listed\"", @inside);
is($exit, 0, 'one that was made as it says is a list') or diag $said;
like($said, qr/listed: 1$/m, '  which keeps what is put on it');
($said) = sms('    x = sms.send(to: "+12025550133", body: "hello")' . "\n    show x.state", @inside);
like($said, qr/refused: suppressed since/, '  and is gone by');
is(outbox("SELECT count(*) FROM message WHERE phone IN ('+12025550130', '+12025550133')"), "0\n", 'and nothing went out');

# --- one that was begun and is gone is not one that was never begun ---
{
  my @lost = site(', quiet: "", list: "lost.db"');
  ($said, $exit) = sms('    x = sms.send(to: "+12025550134", body: "hello")' . "\n" . '    sms.suppress to: "+12025550135", reason: "asked by phone"' . "\n    show x.state", @lost);
  is($exit, 0, 'a list is begun') or diag $said;
  unlink "$dir/state/lost.db" or die "unlink: $!";
  for my $call ('sms.send(to: "+12025550135", body: "hello")', 'sms.suppress(to: "+12025550136", reason: "asked by phone")', 'sms.suppressions') {
    ($said, $exit) = sms("    x = $call\n    show x.to_s", @lost);
    is($exit, 1, "and is gone: $call");
    like($said, qr/FAILED: the list of opt-outs \S+lost\.db is out of reach: it was begun here, and is gone\n.*help: mount what it is on, or put back a copy of it/s, '  is told, and what to do') or diag $said;
  }
  ok(!-e "$dir/state/lost.db", '  and none is begun in its place');
  is(outbox("SELECT count(*) FROM message WHERE phone = '+12025550135'"), "0\n", '  nor does anything go out');
  my ($again) = $said =~ /make an empty one: (sqlite3 .*)$/m;
  run_quietly('sh', '-c', $again);
  ($said, $exit) = sms('    x = sms.send(to: "+12025550137", body: "hello")' . "\n    show x.state", @lost);
  is($exit, 0, '  until somebody makes one') or diag $said;
}

# --- a driver that never looks ---
write_file("$dir/careless.rb", <<'RUBY');
use "sms"
driver :careless, for: :sms, same_as: :outbox do
  perform :send do |to, body|
    file.append(path: "careless", text: "#{to}\n", state: true)
    { id: "x", state: :sent }
  end
end
RUBY
my @careless = site(', quiet: "", sandbox: ["+12025550103", "+12025550101"]', 'careless');
($said, $exit) = sms('    x = sms.send(to: "+12025550103", body: "hello")' . "\n    show x.state", @careless);
like($said, qr/\+12025550103 is refused: suppressed since/, 'is held to the list all the same');
($said, $exit) = sms('    x = sms.send(to: "+12025550120", body: "hello")' . "\n    show x.state", @careless);
like($said, qr/not on the sandbox list/, 'and to the sandbox');
($said, $exit) = sms('    x = sms.send(to: "+12025550101", body: "hello")' . "\n    show x.state", @careless);
is($exit, 0, 'it writes to others') or diag $said;
is(read_file("$dir/state/careless"), "+12025550101\n", '  and to nobody else');
write_file("$dir/weak.rb", qq{use "sms"\ndriver :weak, for: :sms, same_as: :outbox do\n  setting :quiet, :string, default: ""\nend\n});
like(scalar run_quietly($stepwise, 'lint', "$dir/weak.rb"), qr/RB270.*the setting `quiet` is declared twice/, 'nor can a driver change what its binding goes by');
done_testing;
