#!/usr/bin/env perl
# `admit` of a binding in batches: who is refused, who is put off and sent to later, batches that are held
# back as a whole, killed meanwhile and gone on with; and what a site sets for a binding. Each recipient once.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use JSON::PP;
use Stepwise;
use Test::More;
use Time::HiRes 'sleep';

my $dir = tempdir(CLEANUP => 1);
my $journal = "$dir/journal.db";

# Held back: `late` until four others are sent, everybody in the first minutes after `post.begin` unless
# the file `free` is there, and all while the file `closed` is.
write_file("$dir/post.rb", <<'RUBY');
binding :post, "Letters" do
  setting :blocked, :array,    default: ["nobody"]
  setting :rest,    :duration, default: 0.seconds
  setting :ceiling, :integer,  default: 50
  setting :sandbox, :array,    default: []

  action :begin, effect: :write, repeat: :safe do
  end
  action :sweep, effect: :write, repeat: :safe do
  end
  action :send_swept, effect: :write, repeat: :by_key, each: :to, by: :name, rate: :per_second, at_once: 3, first: :sweep, every: 5.seconds do
    takes :to, :array
    takes :per_second, :integer, default: 1
    gives :sent, :integer
    gives :refused, :array
    gives :unsure, :array
  end
  action :send_let, effect: :write, repeat: :by_key, each: :to, by: :name, at_once: 3, first: :sweep do
    takes :to, :array
    gives :sent, :integer
    gives :refused, :array
    gives :unsure, :array
  end
  action :send, effect: :write, repeat: :by_key, each: :to, by: :name, rate: :per_second, at_once: 3 do
    takes :to, :array
    takes :per_second, :integer, default: 1000
    gives :id, :string
    gives :total, :integer
    gives :sent, :integer
    gives :refused, :array
    gives :unsure, :array
  end
  action :send_once, effect: :write, each: :to, by: :name, at_once: 3 do
    takes :to, :array
    gives :id, :string
    gives :total, :integer
    gives :sent, :integer
    gives :refused, :array
    gives :unsure, :array
  end

  admit :to do |to|
    name = "#{to}".start_with?("{") ? to[:name] : to
    sent = file.exists(path: "sent", state: true) ? file.read(path: "sent", state: true).lines : []
    begun = file.exists(path: "begun", state: true) ? file.read(path: "begun", state: true).to_f : 0.0
    fail! :provider, "the list cannot be read" if file.exists(path: "broken", state: true)
    tried = name == "slow" && file.exists(path: "asked", state: true)
    if setting.blocked.include?(name) || tried
      "#{name} is blocked"
    elsif name == "left" && file.exists(path: "swept", state: true) && file.read(path: "swept", state: true).lines.size > 2
      "left is gone"
    elsif name == "late" && sent.size < 4
      :wait
    elsif file.exists(path: "closed", state: true)
      :wait
    elsif !file.exists(path: "free", state: true) && now.to_f < begun + setting.rest.to_f
      :wait
    end
  end
end

driver :paper, for: :post, default: true do
  perform(:begin) { file.write(path: "begun", text: "#{now.to_f}", state: true) }
  perform :send do |to, per_second|
    file.append(path: "asked", text: "x", state: true) if "#{to}" == "slow"
    fail! :transient, "the desk is closed" if "#{to}" == "slow"
    file.append(path: "sent", text: "#{"#{to}".start_with?("{") ? to[:name] : to} #{call.key}\n", state: true)
    file.write(path: "closed", text: "", state: true) if to == "p5" && file.exists(path: "closes", state: true)
    nil
  end
  perform :sweep do
    file.append(path: "swept", text: "x\n", state: true)
    times = file.read(path: "swept", state: true).lines.size
    plan = file.exists(path: "sweep", state: true) ? file.read(path: "sweep", state: true).split : []
    fail! plan[0].to_sym, "nobody answers" if plan.any? && times >= plan[1].to_i && times <= plan[2].to_i
  end
  perform :send_swept do |to, per_second|
    file.append(path: "sent", text: "#{to} #{call.key}\n", state: true)
    nil
  end
  perform :send_let do |to|
    file.append(path: "sent", text: "#{to} #{call.key}\n", state: true)
    nil
  end
  perform :send_once do |to|
    file.append(path: "asked", text: "x", state: true) if "#{to}" == "slow"
    fail! :transient, "the desk is closed", retry_after: 1.second if "#{to}" == "slow"
    file.append(path: "sent", text: "#{"#{to}".start_with?("{") ? to[:name] : to} #{call.key}\n", state: true)
    nil
  end
end
RUBY
sub site { my ($name, $settings) = @_; write_file("$dir/$name.site", qq{site "$name" do\n  connect :post, driver: "paper"$settings\nend\n}); return ('--site', "$dir/$name.site") }
sub case_of { my ($body, $limit) = @_;
  write_file("$dir/case.rb", qq{runbook "case" do\n  use "post"\n  step "Do" do\n    timeout @{[$limit // '1.hour']}\n$body\n    irreversible "it stays"\n  end\nend\n});
  return ('run', "$dir/case.rb", '--journal', $journal);
}
sub fresh { unlink "$dir/state/$_" for qw(sent begun closed closes free broken asked swept sweep) }
sub stepwise { return run_quietly($stepwise, @_) }
sub sent { return map { (split)[0] } split /\n/, read_file("$dir/state/sent") // '' }
sub events { # of the latest run
  return map { decode_json($_) } split /\n/, scalar stepwise('journal', 'show', 'last', '--json', '--journal', $journal);
}
my $tell = q{    show "#{batch.total} #{batch.sent} #{batch.unsure.size}", as: "counts"} . "\n"
  . q{    show batch.refused.map { |one| "#{one.to} #{one.kind} #{one.reason}" }.join("; "), as: "refused"};

# --- refused, and put off ---
for my $action ('send', 'send_once') {
  fresh();
  my ($said, $exit) = stepwise(case_of(qq{    batch = post.$action(to: ["late", "ana", "nobody", { name: "bo", age: 7 }, "cy", "dan", { name: "nobody" }])\n$tell}), '--virtual-clock');
  is($exit, 0, "$action: a batch goes on past who is refused and who is put off") or diag $said;
  is(join(' ', sort(sent())), 'ana bo cy dan late', '  the others get theirs, once');
  is((sent())[-1], 'late', '  who was put off last');
  like($said, qr/counts: 7 5 0/, '  and the result counts');
  like($said, qr/refused: nobody refused nobody is blocked; nobody duplicate it stands in the list before/, '  and tells who got none, and why');
  my @begun = map { $_->{kind} eq 'items.started' ? @{ $_->{data}{items} } : () } events();
  is(scalar(grep { $_->{to} eq 'late' } @begun), 1, '  one intent for who was put off');
  is(scalar(grep { $_->{to} eq 'nobody' } @begun), $action eq 'send' ? 1 : 0, '  what may not be repeated is asked about before its intent');
}

# --- asked again before a further try: whoever is blocked meanwhile gets none ---
for my $action ('send', 'send_once') {
  fresh();
  my ($said, $exit) = stepwise(case_of(qq{    batch = post.$action(to: ["slow", "ana"])\n$tell}), '--virtual-clock');
  is($exit, 0, "$action: one of two is tried again") or diag $said;
  like($said, qr/counts: 2 1 0\s+refused: slow refused slow is blocked/, '  and blocked before it was') or diag $said;
  is(join(' ', sent()), 'ana', '  gets none');
}

# --- all are put off: the batch is paused ---
for my $action ('send', 'send_once') {
  my @people = map { "p$_" } 1 .. 20;
  my $body = qq{    post.begin\n    batch = post.$action(to: (1..20).map { |i| "p#{i}" })\n$tell};
  fresh();
  my ($said, $exit) = stepwise(case_of($body), '--virtual-clock', site('rest', ', rest: 2.minutes'));
  is($exit, 0, "$action: a batch that is held back goes on when it may") or diag $said;
  like($said, qr/post\.$action: paused: the binding holds it back for now/, '  people are told');
  is(join(' ', sort(sent())), join(' ', sort @people), '  everybody once');
  my @paused = grep { $_->{kind} eq 'batch.paused' } events();
  is(scalar @paused, 1, '  the journal has it, once');
  is($paused[0]{data}{reason} . ' ' . $paused[0]{data}{done}, 'the binding holds it back for now 0', '  with why, and how far it was');

  # Longer than the step may take: nobody is written to, and a resume goes on.
  fresh();
  ($said, $exit) = stepwise(case_of($body, '1.minute'), '--virtual-clock', site('rest', ', rest: 2.minutes'));
  is($exit, 1, "$action: not longer than its step") or diag $said;
  is(join(' ', sent()), '', '  nobody was written to');
  my @given = grep { $_->{as} ne 'failed' } map { $_->{kind} eq 'items.finished' ? @{ $_->{data}{items} } : () } events();
  is(scalar @given, 0, '  and nobody is said to have been');
  ($said, $exit) = stepwise('resume', 'last', '--journal', $journal);
  is($exit, 1, '  resumed too early it is held once more') or diag $said;
  write_file("$dir/state/free", '');
  ($said, $exit) = stepwise('resume', 'last', '--journal', $journal);
  is($exit, 0, '  resumed when it may go on') or diag $said;
  is(join(' ', sort(sent())), join(' ', sort @people), '  everybody once');
}

# --- what is done first is done again and again: who leaves while others are sent to is not ---
sub sweeps { return scalar(() = (read_file("$dir/state/swept") // '') =~ /^x$/mg) }
my $swept = q{    batch = post.send_swept(to: (1..20).map { |i| "p#{i}" } + ["left"])} . qq{\n    show "\#{batch.sent} sent, not \#{batch.refused.map { |one| one.reason }.join}", as: "end"};
{
  fresh();
  my ($said, $exit) = stepwise(case_of($swept), '--virtual-clock');
  is($exit, 0, 'every 5 seconds of a batch that takes 20') or diag $said;
  cmp_ok(sweeps(), '>=', 4, '  it is done, after the first time');
  like($said, qr/end: 20 sent, not left is gone$/m, '  and heeded') or diag $said;
  is((stepwise('journal', 'verify', '--journal', $journal))[1], 0, '  the journal is good');
  fresh();
  write_file("$dir/state/sweep", 'transient 2 3');
  ($said, $exit) = stepwise(case_of($swept), '--virtual-clock');
  is($exit, 0, 'twice it fails, which passes') or diag $said;
  is(scalar(() = $said =~ /post\.sweep, while post\.send_swept was under way: nobody answers; again in 5 seconds$/mg), 2, '  each is told') or diag $said;
  for my $plan (['provider 2 2', 'a failure that does not pass stops the batch', 2], ['transient 2 99', 'and one that never does', 9]) {
    fresh();
    write_file("$dir/state/sweep", $plan->[0]);
    my $more = $swept =~ s/1\.\.20/1..49/r;
    ($said, $exit) = stepwise(case_of($more), '--virtual-clock');
    is($exit, 1, $plan->[1]) or diag $said;
    like($said, qr/post\.send_swept stopped at \d+ of 50: post\.sweep, while post\.send_swept was under way: nobody answers$/m, '  and says why') or diag $said;
    is(sweeps(), $plan->[2], '  at once, or after 8 in a row');
    unlink "$dir/state/sweep";
    ($said, $exit) = stepwise('resume', 'last', '--journal', $journal);
    my @all = sent();
    is("$exit " . scalar(@all) . ' ' . keys %{ { map { $_ => 1 } @all } }, '0 49 49', '  resumed, it goes on: to everybody once') or diag $said;
  }
}

# --- and before it goes on when all were held back; while that fails nobody is sent to ---
for my $plan (['', 0, 2, 0], ['transient 2 3', 0, 4, 1], ['provider 2 2', 1, 2, 0], ['transient 2 99', 1, 9, 1]) {
  my ($fails, $code, $times, $told) = @$plan;
  fresh();
  write_file("$dir/state/sweep", $fails);
  my $let = qq{    post.begin\n    batch = post.send_let(to: (1..20).map { |i| "p#{i}" })\n    show batch.sent, as: "end"};
  my ($said, $exit) = stepwise(case_of($let), '--virtual-clock', site('let', ', rest: 12.seconds'));
  is("$exit " . sweeps() . ' ' . scalar(sent()), "$code $times " . ($code ? 0 : 20), "all held back, then let go: what is first is done once more ($fails)") or diag $said;
  is(scalar(() = $said =~ /post\.send_let: paused: post\.sweep, before post\.send_let goes on: nobody answers/g), $told, '  what it fails of is told once');
  like($said, qr/post\.send_let stopped at 0 of 20: post\.sweep, before post\.send_let goes on: nobody answers$/m, '  and stops the batch') if $code;
}

# --- killed while it is held back ---
sub started { # its process; what it says is in the file `said`
  my (@args) = @_;
  my $pid = fork // die;
  return $pid if $pid;
  open STDIN, '<', '/dev/null'; open STDOUT, '>', "$dir/said"; open STDERR, '>&', \*STDOUT;
  exec $stepwise, @args or die;
}
sub says { my ($what) = @_; for (1 .. 600) { return 1 if (read_file("$dir/said") // '') =~ $what; sleep 0.05 } return 0 }
for my $action ('send', 'send_once') {
  my @people = map { "p$_" } 1 .. 20;
  fresh();
  write_file("$dir/state/closed", '');
  for my $time (1 .. 2) {
    unlink "$dir/said";
    my $pid = started($time == 1 ? case_of(qq{    batch = post.$action(to: (1..20).map { |i| "p#{i}" })\n$tell}) : ('resume', 'last', '--journal', $journal));
    ok(says(qr/paused: the binding holds it back/), "$action: held back, $time");
    like((stepwise('show', 'last', '--journal', $journal))[0], qr/under way: do\/post\.$action, 0 of 20: 0 sent\npaused: post\.$action since .*UTC: the binding holds it back for now\n/, '  show says how far it is, and since when and why it is paused');
    like((stepwise('runs', '--journal', $journal))[0], qr/running, 0 of 20, paused/, '  so do runs');
    like((stepwise('runs', '--open', '--journal', $journal))[0], qr/running, 0 of 20, paused  .*  the b/, '  with why, where that is told');
    like((stepwise('runs', '--json', '--journal', $journal))[0], qr/"batch":\{"done":0,"total":20,"paused":"the binding holds it back for now","paused_us":\d+\}/, '  to a machine too');
    kill 'KILL', $pid;
    waitpid $pid, 0;
    unlike((stepwise('runs', '--last', '1', '--journal', $journal))[0], qr/paused/, '  without a process it is interrupted, and not paused');
  }
  is(join(' ', sent()), '', '  killed meanwhile: nobody');
  unlink "$dir/state/closed";
  my ($said, $exit) = stepwise('resume', 'last', '--journal', $journal);
  is($exit, 0, '  resumed when it may go on') or diag $said;
  is(join(' ', sort(sent())), join(' ', sort @people), '  everybody once');
  is((stepwise('journal', 'verify', '--journal', $journal))[1], 0, '  and the journal is good');
}

# --- held back half-way: what only waits is neither reserved nor in doubt, be the process killed and the next one stopped ---
sub items { my ($kind) = @_; return map { $_->{kind} eq $kind ? @{ $_->{data}{items} } : () } events() }
sub open_intents { # items of which the journal has an intent and no outcome
  my %open;
  for my $e (events()) {
    $open{ $_->{n} } = $e->{kind} eq 'items.started' for $e->{kind} =~ /^items\./ ? @{ $e->{data}{items} } : ();
  }
  return scalar grep { $_ } values %open;
}
sub settled { for (1 .. 200) { return 1 if !open_intents(); sleep 0.05 } return 0 }
{
  my @people = map { "p$_" } 1 .. 50;
  fresh();
  unlink "$dir/said";
  write_file("$dir/state/closes", '');
  my $pid = started(case_of(qq{    batch = post.send(to: (1..50).map { |i| "p#{i}" }, per_second: 20)\n$tell}));
  ok(says(qr/paused: the binding holds it back/), 'held back half-way');
  ok(settled(), '  every intent that stood has its outcome');
  my $before = () = items('items.started');
  my $sent = () = sent();
  my @held = grep { ($_->{kind} // '') eq 'held' } items('items.finished');
  cmp_ok($before, '<=', $sent + 9, '  no more was reserved than what stood ahead') or diag "$before of which $sent sent";
  is($before, $sent + @held, '  and what stood is taken back');
  my ($batch) = map { $_->{data}{batch} // () } events();
  like(read_file("$dir/said"), qr/paused: the binding holds it back for now \(batch $batch\)$/m, '  the screen names the batch');
  like((stepwise('show', 'last', '--journal', $journal))[0], qr/, $sent of 50: $sent sent\npaused: post\.send since/, '  show says that it is paused');
  like((stepwise('runs', '--journal', $journal))[0], qr/running, $sent of 50, paused/, '  so do runs');
  kill 'KILL', $pid;
  waitpid $pid, 0;
  unlink "$dir/said";
  $pid = started('resume', 'last', '--journal', $journal);
  ok(says(qr/paused: the binding holds it back/), '  killed and gone on with, it is held back again');
  kill 'TERM', $pid;
  waitpid $pid, 0;
  is(scalar(() = items('items.started')), $before, '  nothing more is reserved');
  is(scalar(grep { $_->{as} eq 'unsure' } items('items.finished')), 0, '  stopped, it says of nobody that it is not known') or diag read_file("$dir/said");
  unlink "$dir/state/$_" for qw(closed closes);
  my ($said, $exit) = stepwise('resume', 'last', '--journal', $journal);
  is($exit, 0, '  it goes on when it may') or diag $said;
  is(join(' ', sort(sent())), join(' ', sort @people), '  everybody once');
}

# --- when the binding cannot say, nobody is reached ---
fresh();
mkdir "$dir/state";
write_file("$dir/state/broken", '');
my ($said, $exit) = stepwise(case_of(qq{    batch = post.send(to: ["ana", "bo"])\n$tell}));
is($exit, 1, 'a binding that cannot say stops the batch');
like($said, qr/post\.send stopped at 0 of 2: "\w+": the list cannot be read/, '  with its reason');
is(join(' ', sent()), '', '  nobody was written to');
unlink "$dir/state/broken";
($said, $exit) = stepwise('resume', 'last', '--journal', $journal);
is(join(' ', sort(sent())), 'ana bo', '  resumed: everybody, once') or diag $said;

# --- settings of the binding ---
fresh();
($said, $exit) = stepwise(case_of(qq{    batch = post.send(to: (1..51).map { |i| "p#{i}" })\n$tell}));
is($exit, 1, 'a batch over the ceiling that the binding sets is not begun');
like($said, qr/post\.send: 51 items, and at most 50 may be sent; nothing was sent/, '  and told why');
($said, $exit) = stepwise(case_of(qq{    batch = post.send(to: ["ana", "bo", "cy"])\n$tell}), site('two', ', ceiling: 2'));
like($said, qr/3 items, and at most 2 may be sent/, 'a site sets another one');
is(join(' ', sent()), '', '  nobody was written to');
($said, $exit) = stepwise(case_of(qq{    batch = post.send(to: ["ana", { name: "bo", age: 3 }, "cy"])\n$tell}), site('box', ', sandbox: ["bo", "cy"]'));
is($exit, 0, 'a sandbox that the site sets for the binding') or diag $said;
is(join(' ', sort(sent())), 'bo cy', '  is kept, by who an item is');
like($said, qr/refused: ana sandbox it is not on the sandbox list/, '  and told');
done_testing;
