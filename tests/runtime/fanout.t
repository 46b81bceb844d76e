#!/usr/bin/perl
# Batches: an action for each item of a list. What is sent, refused, tried again, paused, stopped and gone
# on with, as a provider that counts has it and as the journal alone says it.
use strict;
use warnings;
use lib 'tests/lib';
use Fault;
use JSON::PP;
use Post;
use Stepwise;
use Test::More;
use Time::HiRes qw(usleep time);

my $send = <<'RUBY';
runbook "case" do
  use "post"
  input :n, :integer, default: 20
  input :rate, :integer, default: 100000
  step "Send" do
    to = (1..input.n).to_a.map { |i| "+1555501#{i.to_s.rjust(4, "0")}" }
    batch = post.send(to: to, body: "hi", per_second: input.rate)
    show batch
    rollback { post.stop batch: batch.id if batch }
  end
end
RUBY
sub to { return map { sprintf '+1555501%04d', $_ } 1 .. $_[0] }
sub stepwise { return run_quietly($stepwise, @_) }
# Killed by the server while an item is on its way.
sub killed {
  my ($room, @more) = @_;
  my $pid = fork // die;
  if (!$pid) {
    open STDIN, '<', '/dev/null'; open STDOUT, '>', '/dev/null'; open STDERR, '>&', \*STDOUT;
    write_file("$room->{dir}/pid", $$);
    exec $stepwise, @{ $room->{run} }, @more;
  }
  waitpid $pid, 0;
  is($? & 127, 9, 'killed while an item was on its way');
  post_plan($room);
}
sub result {
  my ($done) = grep { $_->{kind} eq 'action.finished' } reverse @_;
  return $done->{data}{result}{'$record'} // {};
}

# --- all goes well ---

my $room = post_room($send);
my ($said, $exit) = stepwise(@{ $room->{run} }, '--set', 'n=200');
is($exit, 0, 'a batch of 200') or diag($said);
like($said, qr/post\.send: 200 of 200 sent, /, 'how many is told');
my @events = journal_events($room->{journal});
is(join("\n", batch_problems($room, \@events, to(200))), '', 'everybody once, and the journal says so');
my $result = result(@events);
is($result->{total} . ' ' . $result->{sent}, '200 200', 'the result counts');
my ($begun) = grep { $_->{kind} eq 'batch.started' } @events;
is($begun->{data}{batch}, $result->{id}, 'the batch has an id');
is($begun->{data}{ceiling}, 10000, 'the ceiling is told');
my @intents = grep { $_->{kind} eq 'items.started' } @events;
cmp_ok(scalar @intents, '<', 100, 'intents are reserved several at a time');
my ($last) = grep { $_->{kind} eq 'items.finished' } reverse @events;
is("$last->{data}{done} of $last->{data}{total}", '200 of 200', 'the last outcome says how far it is');
($said, $exit) = stepwise('journal', 'verify', '--deep', '--journal', $room->{journal});
is($exit, 0, 'the journal is good');

# --- what is refused, what is tried again ---

$room = post_room($send);
post_plan($room, '+15555010003 422', '+15555010005 403', '+15555010007 500 1', '+15555010009 429 2');
($said, $exit) = stepwise(@{ $room->{run} }, '--virtual-clock');
is($exit, 0, 'refusals do not stop a batch') or diag($said);
@events = journal_events($room->{journal});
$result = result(@events);
is(join(' ', map { $_->{'$record'}{to} . ' ' . $_->{'$record'}{kind}{'$symbol'} } @{ $result->{refused} }),
  '+15555010003 validation +15555010005 refused', 'they are reported, in the order of the list');
is($result->{sent}, 18, 'the others are sent');
my $tries = grep { $_->[2] eq '+15555010009' } post_log($room);
is($tries, 3, 'a transient failure is tried again in place');
my %keys = map { $_->[1] => 1 } grep { $_->[2] eq '+15555010009' } post_log($room);
is(scalar keys %keys, 1, 'with the same key');
my $items = batch_items(@events);
is("$items->{'+15555010003'}{as} $items->{'+15555010003'}{kind}", 'refused validation', 'the journal says who was refused, and why');
like($items->{'+15555010003'}{reason}, qr/told to/, 'in the words of the provider');

# --- one that goes on failing stops the batch; a resume goes on from there ---

post_plan($room = post_room($send), '+15555010007 500');
($said, $exit) = stepwise(@{ $room->{run} }, '--virtual-clock');
is($exit, 1, 'a transient failure that stays ends it');
$tries = grep { $_->[2] eq '+15555010007' } post_log($room);
is($tries, 8, 'after eight tries');
like($said, qr/post\.send stopped at \d+ of 20: "\+15555010007": /, 'it says where it stopped, and at whom');
my $before = post_sent($room);
post_plan($room);
($said, $exit) = stepwise('resume', 'last', '--journal', $room->{journal});
is($exit, 0, 'an operator resumes the held run') or diag($said);
is(join("\n", batch_problems($room, [journal_events($room->{journal})], to(20))), '', 'everybody once');
my $again = grep { $_->[0] eq 'again' } post_log($room);
is($again, 0, 'what was known as sent was not asked for again');

post_plan($room = post_room($send), '+15555010050 401');
($said, $exit) = stepwise(@{ $room->{run} }, '--set', 'n=100');
is($exit, 1, 'a failure of another kind stops the batch');
my $first = keys %{ post_sent($room) };
cmp_ok($first, '<', 100, 'nothing more is sent then');
$items = batch_items(journal_events($room->{journal}));
is(scalar(grep { ($items->{$_}{as} // '') eq 'sent' } keys %$items), $first, 'the journal knows of all that were');
is($items->{'+15555010050'}{as} . ' ' . $items->{'+15555010050'}{kind}, 'failed permission', 'and of the one that failed');
($said) = stepwise('show', 'last', '--journal', $room->{journal});
like($said, qr/$first of 100/, 'show says how far it is');
($said) = stepwise('runs', '--journal', $room->{journal});
like($said, qr/$first of 100/, 'so do runs');
post_plan($room);
($said, $exit) = stepwise('resume', 'last', '--journal', $room->{journal});
is(join("\n", batch_problems($room, [journal_events($room->{journal})], to(100))), '', 'resumed: everybody once');
is(scalar(grep { $_->[0] eq 'again' } post_log($room)), 0, 'nobody twice');

# --- retries of the step go on too ---

(my $retries = $send) =~ s/step "Send" do\n/step "Send" do\n    retries 2, backoff: 1.second, on: [:permission]\n/;
post_plan($room = post_room($retries), '+15555010010 401 1');
($said, $exit) = stepwise(@{ $room->{run} }, '--virtual-clock');
is($exit, 0, 'a step that is tried again') or diag($said);
is(join("\n", batch_problems($room, [journal_events($room->{journal})], to(20))), '', 'goes on from where it was');
is(scalar(grep { $_->[0] eq 'again' } post_log($room)), 0, 'nobody was asked for twice');

# --- a list that is not what it was ---

post_plan($room = post_room(<<'RUBY'), '+15555010002 kill');
runbook "case" do
  use "post"
  use "shell"
  step "Send" do
    found = shell.read(args: ["cat", input.list])
    batch = post.send(to: found.out.lines.map { |l| l.strip }, body: "hi")
    irreversible "sent is sent"
  end
  input :list, :string
end
RUBY
write_file("$room->{dir}/list", join '', map { "$_\n" } to(4));
killed($room, '--set', "list=$room->{dir}/list");
($said) = stepwise('show', '--brief', 'last', '--journal', $room->{journal});
like($said, qr/what can be done:\n  stepwise resume /, 'a batch that was cut off: resume is offered first');
unlike($said, qr/^in doubt/m, 'and it is in no doubt: its own book tells where it goes on');
like($said, qr/^stopped: send\/post\.send, \d of 4/m, 'how far it came is told');
post_plan($room);
($said, $exit) = stepwise('resume', 'last', '--journal', $room->{journal});
is($exit, 0, 'resumed') or diag($said);
is(join("\n", batch_problems($room, [journal_events($room->{journal})], to(4))), '', 'everybody once');

# The list is part of the run's own text: what reads it is told again, so only another text makes another.
post_plan($room = post_room(<<'RUBY'), '+15555010002 kill');
runbook "case" do
  use "post"
  step "Send" do
    to = (1..4).to_a.map { |i| "+1555501#{i.to_s.rjust(4, "0")}" }
    batch = post.send(to: to, body: "hi")
    irreversible "sent is sent"
  end
end
RUBY
killed($room);
my $sent_before = post_sent($room);
write_file($room->{rb}, read_file($room->{rb}) =~ s/"0"\)}" }/"0")}" } + ["+15555019999"]/r);
($said, $exit) = stepwise('resume', 'last', '--accept-plan-change', $room->{rb}, '--reason', 'one more', '--journal', $room->{journal});
is($exit, 1, 'another list is not gone on with') or diag($said);
like($said, qr/recorded: post\.send\(to: 4 items, body: "hi".*\n\s*now: post\.send\(to: 5 items, number 4 is "\+15555019999"/, 'both are shown, by what differs');
is_deeply(post_sent($room), $sent_before, 'and nothing is sent');

# --- who is refused unsent ---

my $list = <<'RUBY';
runbook "case" do
  use "post"
  step "Send" do
    batch = post.send(to: [%s], body: "hi")
    show batch
    irreversible "sent is sent"
  end
end
RUBY
$room = post_room(sprintf $list, '"+1", "+2", "+1", { phone: "+2", zone: "x" }, { phone: "+3", zone: "y" }');
($said, $exit) = stepwise(@{ $room->{run} });
is($exit, 0, 'a list with some twice') or diag($said);
is_deeply(post_sent($room), { '+1' => 1, '+2' => 1, '+3' => 1 }, 'each is sent to once, by the field of by:');
$result = result(journal_events($room->{journal}));
is(join(' ', map { $_->{'$record'}{to} . ' ' . $_->{'$record'}{kind}{'$symbol'} } @{ $result->{refused} }),
  '+1 duplicate +2 duplicate', 'the others are reported');

$room = post_room((sprintf $list, '"+1", "+2", "+3"'), 'sandbox: ["+2"]');
($said, $exit) = stepwise(@{ $room->{run} });
is_deeply(post_sent($room), { '+2' => 1 }, 'with a sandbox list only those on it are sent to') or diag($said);
$result = result(journal_events($room->{journal}));
is(join(' ', map { $_->{'$record'}{to} . ' ' . $_->{'$record'}{kind}{'$symbol'} } @{ $result->{refused} }),
  '+1 sandbox +3 sandbox', 'the rest is reported');

$room = post_room($send, 'ceiling: 19');
($said, $exit) = stepwise(@{ $room->{run} });
is($exit, 1, 'more than the ceiling');
like($said, qr/post\.send: 20 items, and at most 19 may be sent; nothing was sent/, 'is refused, with the number');
is(scalar(post_log($room)), 0, 'before anything is sent');
is(scalar(grep { $_->{kind} eq 'action.started' } journal_events($room->{journal})), 0, 'and nothing was begun');
post_settings($room, 'ceiling: 20');
($said, $exit) = stepwise(@{ $room->{run} });
is($exit, 0, 'as many as the ceiling');
$room = post_room($send);
($said, $exit) = stepwise(@{ $room->{run} }, '--set', 'n=10001');
like($said, qr/10,001 items, and at most 10,000 may be sent/, 'the ceiling that holds without one');
($said, $exit) = stepwise(@{ $room->{run} }, '--set', 'rate=0');
like($said, qr/per_second is 0: nothing would ever be sent/, 'a rate of nothing');
($said, $exit) = stepwise(@{ $room->{run} }, '--set', 'n=0');
is($exit, 0, 'a list with nobody') or diag($said);

# --- the schedule, by the times in the journal ---

$room = post_room($send);
($said, $exit) = stepwise(@{ $room->{run} }, '--virtual-clock', '--set', 'n=60', '--set', 'rate=7');
is($exit, 0, '7 a second') or diag($said);
my @at = sort { $a <=> $b } map { map { $_->{at_us} } @{ $_->{data}{items} } }
  grep { $_->{kind} eq 'items.finished' } journal_events($room->{journal});
is(scalar @at, 60, 'each has its time');
my ($most, $least) = (0, 1e12);
for my $i (7 .. $#at) { # eight that follow each other never fit into a second
  my $span = $at[$i] - $at[$i - 7];
  $least = $span if $span < $least;
}
cmp_ok($least, '>=', 1e6 - 50_000, 'no second has more than seven');
cmp_ok($at[-1] - $at[0], '>=', 59 / 7 * 1e6 - 50_000, 'all of them take their time');

# --- the provider asks for a pause ---

post_plan($room = post_room($send), '+15555010030 429 1 30');
($said, $exit) = stepwise(@{ $room->{run} }, '--virtual-clock', '--set', 'n=60', '--set', 'rate=10');
is($exit, 0, 'a 429 with Retry-After') or diag($said);
@events = journal_events($room->{journal});
my ($pause) = grep { $_->{kind} eq 'batch.paused' } @events;
ok($pause, 'the pause is in the journal');
@at = sort { $a <=> $b } map { map { $_->{at_us} } @{ $_->{data}{items} } } grep { $_->{kind} eq 'items.finished' } @events;
my @gaps = sort { $b <=> $a } map { $at[$_] - $at[$_ - 1] } 1 .. $#at;
cmp_ok($gaps[0], '>', 29e6, 'all of them wait for it');
my ($from) = grep { $at[$_] - $at[$_ - 1] == $gaps[0] } 1 .. $#at;
my $burst = 0;
for my $i ($from .. $#at) { $burst = 1 if $i + 10 <= $#at && $at[$i + 10] - $at[$i] < 0.9e6 }
is($burst, 0, 'nothing is made up for afterwards');
is(join("\n", batch_problems($room, \@events, to(60))), '', 'and nobody is forgotten');
like($said, qr/paused for 30 seconds: .*told to/, 'people are told');

(my $short = $send) =~ s/step "Send" do\n/step "Send" do\n    timeout 10.seconds\n/;
post_plan($room = post_room($short), '+15555010003 429 1 30');
($said, $exit) = stepwise(@{ $room->{run} }, '--virtual-clock');
is($exit, 1, 'a pause longer than the step may take ends it');
like($said, qr/not tried again: that may be after 30 seconds/, 'and says so');

# --- limits, interruptions ---

post_plan($room = post_room($short), '+15555010020 hang');
($said, $exit) = stepwise(@{ $room->{run} }, '--virtual-clock', '--set', 'n=20', '--set', 'rate=5');
is($exit, 1, 'the time limit of the step holds') or diag($said);
like($said, qr/the step took longer than its timeout of 10 seconds/, 'and is named');
$items = batch_items(journal_events($room->{journal}));
is($items->{'+15555010020'}{as}, 'unsure', 'what was cut off is not known');
post_plan($room);
($said, $exit) = stepwise('resume', 'last', '--journal', $room->{journal});
is(join("\n", batch_problems($room, [journal_events($room->{journal})], to(20))), '', 'it goes on with the same key');

sub started {
  my ($room, $enough, @args) = @_;
  my $pid = fork // die;
  if (!$pid) {
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', "$room->{dir}/said"; open STDERR, '>&', \*STDOUT;
    exec $stepwise, @args;
  }
  for (1 .. 600) { last if keys %{ post_sent($room) } >= $enough; usleep 50_000 }
  return $pid;
}

$room = post_room($send);
my $pid = started($room, 10, @{ $room->{run} }, '--set', 'n=400', '--set', 'rate=50');
kill 'INT', $pid;
waitpid $pid, 0;
is($? >> 8, 130, 'Ctrl-C');
my $then = keys %{ post_sent($room) };
cmp_ok($then, '<', 400, 'stops between two items');
$items = batch_items(journal_events($room->{journal}));
is(scalar(grep { ($items->{$_}{as} // '') eq 'sent' } keys %$items), $then, 'at a clean cursor: all that were sent are known');
is(scalar(grep { !defined $items->{$_}{as} } keys %$items), 0, 'nothing is left open');
($said) = stepwise('show', 'last', '--journal', $room->{journal});
like($said, qr/\b$then of 400\b/, 'show tells the cursor');
($said, $exit) = stepwise('resume', 'last', '--journal', $room->{journal}, '--reason', 'go on');
is($exit, 0, 'resumed') or diag($said);
is(join("\n", batch_problems($room, [journal_events($room->{journal})], to(400))), '', 'everybody once');
is(scalar(grep { $_->[0] eq 'again' } post_log($room)), 0, 'nobody was asked for twice');

# A run that is undone stops where it is; its rollback knows the batch.
$room = post_room($send);
$pid = started($room, 10, @{ $room->{run} }, '--set', 'n=400', '--set', 'rate=50');
kill 'KILL', $pid;
waitpid $pid, 0;
$then = keys %{ post_sent($room) };
($said, $exit) = stepwise('rollback', 'last', '--yes', '--reason', 'wrong text', '--journal', $room->{journal});
is($exit, 0, 'a killed batch is rolled back') or diag($said);
my ($stopped) = grep { $_->[0] eq 'stop' } post_log($room);
($begun) = grep { $_->{kind} eq 'batch.started' } journal_events($room->{journal});
is($stopped && $stopped->[1], $begun->{data}{batch}, 'its rollback has the id of the batch');
is(scalar(keys %{ post_sent($room) }), $then, 'and nothing more was sent');

# --- two at once ---

$room = post_room(<<'RUBY');
runbook "case" do
  use "post"
  parallel do
    step "One" do
      a = post.send(to: (1..100).to_a.map { |i| "+1555501#{i.to_s.rjust(4, "0")}" }, body: "one")
      irreversible "sent is sent"
    end
    step "Two" do
      b = post.send(to: (101..200).to_a.map { |i| "+1555501#{i.to_s.rjust(4, "0")}" }, body: "two")
      irreversible "sent is sent"
    end
  end
  step "Count" do
    expect a.sent == 100 && b.sent == 100 && a.id != b.id
  end
end
RUBY
($said, $exit) = stepwise(@{ $room->{run} });
is($exit, 0, 'two batches in branches') or diag($said);
is(join("\n", batch_problems($room, [journal_events($room->{journal})], to(200))), '', 'everybody once');

# --- what may not be repeated ---

sub cut {
  my ($text, @plan) = @_;
  my $room = post_room($text);
  post_plan($room, @plan);
  killed($room);
  return $room;
}
my $once = <<'RUBY';
runbook "case" do
  use "post"
  step "Send" do
    batch = post.send_once(to: ["+1", "+2", "+3", "+4", "+5", "+6"], body: "hi")
    show batch
    irreversible "sent is sent"
  end
end
RUBY
my %all = map { ("+$_" => 1) } 1 .. 6;
for my $word (qw(kill killed)) {
  $room = cut($once, "+3 $word");
  ($said, $exit) = stepwise('resume', 'last', '--journal', $room->{journal});
  is($exit, 0, "$word: the driver knows what became of it") or diag($said);
  is_deeply(post_sent($room), \%all, "$word: everybody once");
}
for my $word (qw(kill killed)) {
  $room = cut($once, "+3 $word");
  write_file("$room->{dir}/mute", '');
  ($said, $exit) = stepwise('resume', 'last', '--journal', $room->{journal});
  is($exit, 0, "$word: nobody knows, and the batch goes on") or diag($said);
  my $sent = post_sent($room);
  is(join(' ', grep { $_ > 1 } values %$sent), '', "$word: nobody got it twice");
  $result = result(journal_events($room->{journal}));
  ok(scalar(grep { $_ eq '+3' } @{ $result->{unsure} }), "$word: the result says of whom nobody knows");
  is($result->{sent} + @{ $result->{unsure} }, 6, "$word: and all others are sent");
  is(scalar(grep { !$sent->{$_} } map { "+$_" } 1 .. 6), scalar(grep { !$sent->{$_} } @{ $result->{unsure} }), "$word: nobody is forgotten silently");
}

# An action whose result cannot say so leaves the run in doubt, and an operator settles it.
(my $sure = $once) =~ s/send_once/send_sure/;
for my $how (['--not-done', '--reason', 'looked'], ['--result', '{"sent": 6}', '--reason', 'looked']) {
  my $not = $how->[0] eq '--not-done';
  # All that were under way with it: sent, or not.
  $room = cut($sure, $not ? ('+1 kill', map { "+$_ hang" } 2 .. 4) : ('+1 killed', map { "+$_ lost" } 2 .. 4));
  ($said, $exit) = stepwise('resume', 'last', '--journal', $room->{journal});
  is($exit, 5, "in doubt, to be settled with $how->[0]") or diag($said);
  like($said, qr/post\.send_sure: whether \d+ of 6 were sent is not known: .*"\+1"/, 'it says of whom');
  is($sure && join(' ', grep { $_ > 1 } values %{ post_sent($room) }), '', 'the others were sent, once');
  ($said, $exit) = stepwise('mark-done', 'last', 'post.send_sure', @$how, '--journal', $room->{journal});
  is($exit, 0, 'mark-done') or diag($said);
  ($said, $exit) = stepwise('resume', 'last', '--journal', $room->{journal});
  is($exit, 0, 'and it goes on') or diag($said);
  is_deeply(post_sent($room), \%all, 'everybody has it');
}

# --- a journal that takes no more ---

$room = post_room($send);
($said, $exit) = fault_run('full:write:60+', @{ $room->{run} }, '--set', 'n=400');
is($exit, 9, 'a full disk') or diag($said);
my $full = keys %{ post_sent($room) };
cmp_ok($full, '<', 400, 'stops the sending');
my %begun = map { $_->{to} => 1 } map { @{ $_->{data}{items} } } grep { $_->{kind} eq 'items.started' } journal_events($room->{journal});
is(join(' ', grep { !$begun{$_} } keys %{ post_sent($room) }), '', 'nobody was sent to without an intent on the disk');
($said, $exit) = stepwise('resume', 'last', '--journal', $room->{journal});
is($exit, 0, 'with room again it goes on') or diag($said);
is(join("\n", batch_problems($room, [journal_events($room->{journal})], to(400))), '', 'everybody once');

# --- what a plan says ---

$room = post_room($send);
($said, $exit) = stepwise('plan', $room->{rb}, '--site', "$room->{dir}/site.rb", '--set', 'n=9000', '--set', 'rate=20');
like($said, qr/9,000 items, 20 a second: about 7.4 minutes; at most 10,000/, 'plan: how many, how fast, how long, the ceiling') or diag($said);
($said, $exit) = stepwise('plan', $room->{rb}, '--site', "$room->{dir}/site.rb", '--set', 'n=10001');
like($said, qr/sends +10,001 items, .*, and at most 10,000 may be sent/, 'plan: more than the ceiling');

# --- progress where there is no terminal ---

$room = post_room($send);
($said, $exit) = stepwise(@{ $room->{run} }, '--virtual-clock', '--set', 'n=300', '--set', 'rate=2');
my @lines = $said =~ /^(\s+post\.send: \d+ of 300.*left.*)$/mg;
cmp_ok(scalar @lines, '>=', 2, 'a line a minute') or diag($said);
cmp_ok(scalar @lines, '<=', 3, 'and no more');
unlike($said, qr/\r|\033/, 'and no bar');

# --- a driver that is slower than what is asked for ---

my $slow = post_room("runbook \"case\" do\nend\n")->{dir};
write_file("$slow/letters.rb", <<'RUBY');
binding :letters, "Letters" do
  action :send, effect: :write, repeat: :by_key, each: :to, rate: :per_second, at_once: 4 do
    takes :to, [:string]
    takes :per_second, :integer
    gives :sent, :integer
    gives :refused, :array
    gives :unsure, :array
  end
end
driver :slow, for: :letters, default: true do
  perform(:send) { |to, per_second| clock.sleep(time: 1.second) }
end
RUBY
write_file("$slow/slow.rb", <<'RUBY');
runbook "slow" do
  use "./letters"
  input :rate, :integer
  step "Send" do
    letters.send(to: (1..40).map { |i| "p#{i}" }, per_second: input.rate)
    irreversible "sent is sent"
  end
end
RUBY
for (['20', ', at 4 a second where 20 a second were asked for, 10 seconds'], ['4', ', 10 seconds'], ['1', ', 40 seconds']) {
  my ($rate, $told) = @$_;
  ($said, $exit) = stepwise('run', "$slow/slow.rb", '--set', "rate=$rate", '--virtual-clock', '--journal', "$slow/slow.db");
  like($said, qr/letters\.send: 40 of 40 sent\Q$told\E$/m, "four at a time, each a second, at $rate a second");
}

done_testing;
