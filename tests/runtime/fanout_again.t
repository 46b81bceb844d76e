#!/usr/bin/perl
# Batches that go on: those of a rollback, what a driver's probe is told of an item, whom another site lets
# through, and outcomes of items that were never begun.
use strict;
use warnings;
use lib 'tests/lib';
use Fault;
use JSON::PP;
use Post;
use Stepwise;
use Test::More;

sub stepwise { return run_quietly($stepwise, @_) }
# Killed by the server while an item is on its way.
sub killed {
  my ($room, @args) = @_;
  my $pid = fork // die;
  if (!$pid) {
    open STDIN, '<', '/dev/null'; open STDOUT, '>', '/dev/null'; open STDERR, '>&', \*STDOUT;
    write_file("$room->{dir}/pid", $$);
    exec $stepwise, @args;
  }
  waitpid $pid, 0;
  is($? & 127, 9, 'killed while an item was on its way');
  post_plan($room);
}
sub again { my ($room, @more) = @_; return stepwise('resume', 'last', '--journal', $room->{journal}, '--reason', 'go on', @more) }

# --- a rollback that sends ---

my $room = post_room(<<'RUBY');
runbook "case" do
  use "post"
  step "Send" do
    _batch = post.send(to: ["+1"], body: "hi")
    rollback { post.send to: (2..30).to_a.map { |i| "+#{i}" }, body: "sorry", per_second: 20 }
  end
  step "Fail" do
    expect false
  end
end
RUBY
my ($said, $exit) = stepwise(@{ $room->{run} });
is($exit, 1, 'held') or diag($said);
post_plan($room, '+5 kill');
killed($room, 'rollback', 'last', '--yes', '--reason', 'wrong', '--journal', $room->{journal});
($said, $exit) = again($room);
my $sent = post_sent($room);
is(join(' ', grep { ($sent->{"+$_"} // 0) != 1 } 1 .. 30), '', 'a batch of a rollback goes on to its end: everybody once') or diag($said);

# --- what a probe is told ---

$room = post_room(<<'RUBY');
runbook "case" do
  use "post"
  step "Send" do
    batch = post.send_once(to: ["+1", "+2"], body: "hi")
    show batch.unsure.size
    irreversible "sent is sent"
  end
end
RUBY
my $binding = read_file("$room->{dir}/post.rb");
$binding =~ s/(  probe :send_once do .*?\n).*?(?=\n  end\n)/$1    fail! :provider, "begun #{call.begun.to_i}"/s or die;
write_file("$room->{dir}/post.rb", $binding);
post_plan($room, '+2 kill');
killed($room, @{ $room->{run} });
my ($intent) = grep { $_->{kind} eq 'items.started' } journal_events($room->{journal});
sleep 3; # so that the two are told apart
($said, $exit) = again($room);
is($exit, 0, 'gone on with') or diag($said);
my ($asked) = map { $_->{reason} } map { @{ $_->{data}{items} } } grep { $_->{kind} eq 'items.finished' } reverse journal_events($room->{journal});
my ($begun) = ($asked // '') =~ /begun (\d+)/;
cmp_ok(abs(($begun // 0) - int($intent->{time_us} / 1e6)), '<=', 1, 'call.begun is when the intent of the item was recorded') or diag($asked);

# --- another site ---

$room = post_room(<<'RUBY');
runbook "case" do
  use "post"
  step "Send" do
    batch = post.send(to: ["+1", "+2"], body: "hi", per_second: 1)
    show batch.sent
    irreversible "sent is sent"
  end
end
RUBY
post_plan($room, '+2 401');
($said, $exit) = stepwise(@{ $room->{run} }, '--virtual-clock');
is($exit, 1, 'stopped at an item') or diag($said);
post_plan($room);
post_settings($room, 'sandbox: ["+1"]');
($said, $exit) = again($room, '--accept-plan-change', $room->{rb}, '--site', "$room->{dir}/site.rb");
is($exit, 0, 'resumed with a sandbox') or diag($said);
is(join(' ', sort keys %{ post_sent($room) }), '+1', 'what failed before is kept in it too');

# --- refused before anything was begun ---

$room = post_room(<<'RUBY');
runbook "case" do
  use "post"
  step "Send" do
    batch = post.send_once(to: ["+1", "+2", "+3"], body: "hi", per_second: 2)
    show batch.sent
    irreversible "sent is sent"
  end
end
RUBY
$binding = read_file("$room->{dir}/post.rb");
$binding =~ s/(binding :post.*\n)/$1  admit :to do |to|\n    "not to #{to}" if to == "+2"\n  end\n/ or die;
write_file("$room->{dir}/post.rb", $binding);
post_plan($room, '+3 kill');
killed($room, @{ $room->{run} });
my ($refused) = grep { $_->{to} eq '+2' } map { @{ $_->{data}{items} } } grep { $_->{kind} eq 'items.finished' } journal_events($room->{journal});
ok($refused && $refused->{key}, 'an item that is refused without an intent is told with its key') or diag(encode_json($refused // {}));
($said, $exit) = again($room);
is($exit, 0, 'gone on with') or diag($said);
my @told = grep { $_->{to} eq '+2' } map { @{ $_->{data}{items} } } grep { $_->{kind} eq 'items.finished' } journal_events($room->{journal});
is(scalar(@told), 1, 'and is not asked about again');

# --- a refusal of whom an earlier try may have reached ---

$room = post_room(<<'RUBY');
runbook "case" do
  use "post"
  step "Send" do
    batch = post.send(to: ["+1", "+2", "+3"], body: "hi")
    show batch.sent
    irreversible "sent is sent"
  end
end
RUBY
post_plan($room, '+2 killed');
$binding = read_file("$room->{dir}/post.rb");
my $admit = qq{  admit :to do |to|\n    "no more" if to == "+2" && file.exists(path: "$room->{dir}/stop")\n  end\n};
$binding =~ s/(binding :post.*\n)/$1$admit/ or die;
write_file("$room->{dir}/post.rb", $binding);
killed($room, @{ $room->{run} });
write_file("$room->{dir}/stop", '');
($said, $exit) = again($room);
is($exit, 0, 'gone on with') or diag($said);
is(scalar(grep { $_->[2] eq '+2' } post_log($room)), 1, 'who is refused since is not sent to again');
my $items = batch_items(journal_events($room->{journal}));
is(join(' ', @{ $items->{'+2'} }{qw(as kind reason)}), 'unsure refused no more', 'and whether it was sent is not known');
my ($done) = grep { $_->{kind} eq 'action.finished' } reverse journal_events($room->{journal});
is_deeply($done->{data}{result}{'$record'}{unsure}, ['+2'], 'which the result says');

# --- a provider that fails, of what may not be repeated ---

my $once = <<'RUBY';
runbook "case" do
  use "post"
  step "Send" do
    batch = post.send_once(to: (1..6).to_a.map { |i| "+#{i}" }, body: "hi")
    show batch.sent
    irreversible "sent is sent"
  end
end
RUBY
post_plan($room = post_room($once), '+3 500 1');
($said, $exit) = stepwise(@{ $room->{run} }, '--virtual-clock');
is($exit, 0, 'a 500, and the driver knows that it was not sent') or diag($said);
$sent = post_sent($room);
is(join(' ', grep { ($sent->{"+$_"} // 0) != 1 } 1 .. 6), '', 'it is sent again, and everybody got it once');
post_plan($room = post_room($once), '+3 kept 1');
($said, $exit) = stepwise(@{ $room->{run} }, '--virtual-clock');
is($exit, 0, 'a 500 after it was sent, and the driver knows that too') or diag($said);
$sent = post_sent($room);
is(join(' ', grep { ($sent->{"+$_"} // 0) != 1 } 1 .. 6), '', 'it is not sent again');
is(batch_items(journal_events($room->{journal}))->{'+3'}{by}, 'probe', 'the journal has who said so');
post_plan($room = post_room($once), '+3 500');
write_file("$room->{dir}/mute", '');
($said, $exit) = stepwise(@{ $room->{run} }, '--virtual-clock');
is($exit, 1, 'a 500, and the driver does not know: the batch stops') or diag($said);
is(scalar(grep { $_->[2] eq '+3' } post_log($room)), 1, 'and it is not tried again');

post_plan($room = post_room($once), '+3 429 1 1');
($said, $exit) = stepwise(@{ $room->{run} }, '--virtual-clock');
is($exit, 0, 'a provider that asks for patience') or diag($said);
is(join(' ', map { scalar @$_ } [grep { $_->[0] eq 'asked' } post_log($room)], [grep { $_->[0] eq 'sent' } post_log($room)]), '0 6', 'has not taken it: it is sent again, and the driver is not asked');

# --- a long list is stored once ---

for my $older (0, 1) {
  $room = post_room(<<'RUBY');
runbook "case" do
  use "post"
  step "Send" do
    batch = post.send(to: (1..300).to_a.map { |i| "+1555501#{i.to_s.rjust(4, "0")}" }, body: "hi")
    show batch.sent
    irreversible "sent is sent"
  end
end
RUBY
  post_plan($room, '+15555010100 kill');
  killed($room, @{ $room->{run} });
  # As an older program wrote it: in the event itself.
  run_quietly('python3', '-c', <<'PYTHON', $room->{journal}) if $older;
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
kept = db.execute("SELECT sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
    db.execute("DROP TRIGGER " + name)
seq, data = db.execute("SELECT seq, CAST(data AS TEXT) FROM event WHERE kind = 'action.started'").fetchone()
sha = data.split('{"$text":"')[1][:64]
body = db.execute("SELECT CAST(body AS TEXT) FROM text WHERE sha256 = ?", (sha,)).fetchone()[0]
db.execute("UPDATE event SET data = ? WHERE seq = ?", (data.replace('{"$text":"' + sha + '"}', body), seq))
for (sql,) in kept:
    db.execute(sql)
db.commit()
PYTHON
  ($said, $exit) = again($room);
  is($exit, 0, $older ? 'one that stands in its event is gone on with' : 'one that stands in the text table is gone on with') or diag($said);
  my @started = map { $_->{data}{args}{to} } grep { $_->{kind} eq 'action.started' } journal_events($room->{journal});
  is(join(' ', map { ref } @started), $older ? 'ARRAY HASH' : 'HASH HASH', 'the event names the text');
  is($started[0]{'$text'}, $started[1]{'$text'}, 'which is the same again') if !$older;
  is(scalar(grep { $_ == 1 } values %{ post_sent($room) }), 300, 'everybody once');
  ($said) = stepwise('show', 'last', '--journal', $room->{journal});
  like($said, qr/post\.send\(to: \["\+1/, 'show has the list itself');
}

# --- interrupted while a list of opt-outs is locked ---

$room = post_room(<<'RUBY');
runbook "case" do
  use "sms"
  step "Send" do
    batch = sms.send_batch(to: ["+12125550101", "+12125550102"], body: "hi")
    show batch.sent
    irreversible "sent is sent"
  end
end
RUBY
mkdir "$room->{dir}/state";
my $locker = open(my $locked, '-|', 'python3', '-c', <<'PYTHON', "$room->{dir}/state/messaging.db") // die "python3: $!";
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("CREATE TABLE suppression(channel TEXT)")
db.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(600)
PYTHON
readline $locked;
my $run = fork // die;
if (!$run) {
  open STDIN, '<', '/dev/null'; open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null';
  exec $stepwise, 'run', $room->{rb}, '--journal', $room->{journal};
}
for (1 .. 600) { last if -e $room->{journal} && grep { $_->{kind} eq 'items.started' } journal_events($room->{journal}); select undef, undef, undef, 0.05 }
select undef, undef, undef, 0.2;
kill 'INT', $run;
waitpid $run, 0;
my $code = $? >> 8;
kill 'KILL', $locker;
is($code, 130, 'interrupted while the list of opt-outs is locked');
my @why = map { $_->{kind} } grep { $_->{kind} ne 'stopped' } map { @{ $_->{data}{items} } } grep { $_->{kind} eq 'items.finished' } journal_events($room->{journal});
is(join(' ', grep { $_ ne 'interrupted' } @why), '', 'the lock is not waited for any longer');

done_testing;
