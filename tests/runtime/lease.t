#!/usr/bin/perl
# Leases: taken, renewed while the run goes on, ended by an action, by a rollback, with the run, and
# by themselves when nobody renews.
use strict;
use warnings;
use lib 'tests/lib';
use Runs;
use Stepwise;
use File::Temp 'tempdir';
use Test::More;

sub of_kind {
  my ($kind, @events) = @_;
  return grep { $_->{kind} eq $kind } @events;
}

# How the leases of a run ended: "begin lifted".
sub ended { return join ', ', map { "$_->{step} $_->{data}{reason}" } of_kind('lease.ended', @_) }

runs 'a lease is taken, renewed at a third of its time, and lifted', {
  exit => 0, state => 'succeeded', rb => <<'RUBY',
runbook "freeze" do
  use "freeze"
  step "Freeze" do
    freeze.begin(name: "deploys", reason: "migration")
    rollback { freeze.lift name: "deploys" }
  end
  step "Work" do
    wait 1.hour
    expect freeze.active?(name: "deploys"), "the freeze is gone"
  end
  step "Thaw" do
    freeze.lift(name: "deploys")
    expect !freeze.active?(name: "deploys")
    irreversible "it is over"
  end
end
RUBY
  lacks => [qr/ends by itself/],
  also => sub {
    my ($taken) = of_kind('lease.taken', @_);
    my @renewed = of_kind('lease.renewed', @_);
    my ($started) = of_kind('action.started', @_);
    my $sorted = join(' ', map { $_->{data}{until_us} } @renewed) eq join(' ', sort map { $_->{data}{until_us} } @renewed);
    return (($taken->{step} eq 'freeze' && $taken->{data}{of} eq 'freeze.begin' && $taken->{data}{renew_us} == 300e6 ? () : 'taken'),
            ($started->{data}{lease_until_us} == $taken->{data}{until_us} ? () : 'until'),
            (@renewed == 11 || @renewed == 12 ? () : 'renewed ' . @renewed), ($sorted ? () : 'order'),
            (ended(@_) eq 'freeze lifted' ? () : ended(@_)));
  }};

my $other = <<'RUBY';
runbook "other" do
  use "freeze"
  on_failure :rollback
  step "Freeze" do
    freeze.begin(name: "a", reason: "one")
    freeze.begin(name: "b", reason: "two")
    freeze.lift(name: "a")
    rollback { note "thawed by hand" }
  end
  step "Fail" do
    wait 40.minutes
    FAIL
  end
end
RUBY

runs 'only the lease with the same arguments is lifted; a rollback ends the other', {
  exit => 6, state => 'rolled_back', rb => $other =~ s/FAIL/fail! :broken, "late"/r,
  also => sub { return ended(@_) eq 'freeze lifted, freeze rolled_back' ? () : ended(@_) }};

runs 'what a run leaves behind when it succeeds ends by itself, and that is said', {
  exit => 0, state => 'succeeded', rb => $other =~ s/FAIL/note "good"/r =~ s/"([ab])"/"kept-$1"/gr,
  has => [qr/freeze\.begin of step freeze ends by itself at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/m],
  also => sub { return ended(@_) eq 'freeze lifted, freeze run_ended' ? () : ended(@_) }};

runs 'and what a held run leaves', {
  exit => 1, state => 'held', rb => $other =~ s/FAIL/fail! :broken, "late"/r =~ s/on_failure :rollback/on_failure :hold/r =~ s/"([ab])"/"held-$1"/gr,
  has => [qr/ends by itself at .* UTC, unless the run goes on before/],
  also => sub { return ended(@_) eq 'freeze lifted' ? () : ended(@_) }};

# A provider that stops answering: the minutes from the start when it does not.
my $provider = <<'RUBY';
binding :queue, "A queue" do
  action :pause, effect: :write, repeat: :safe, lease: 15.minutes do
    takes :name, :string
    takes :since, :time
  end
  action :send, effect: :write, repeat: :safe do
    takes :name, :string
  end
end
driver :flaky, for: :queue, default: true do
  setting :from, :duration, default: 12.minutes
  setting :to, :duration, default: TO
  perform(:pause) { |name, since| nil }
  renew :pause do |name, since|
    fail! :transient, "no answer" if now - since > setting.from && now - since < setting.to
    nil
  end
  perform(:send) { |name| nil }
end
RUBY
my $flaky = <<'RUBY';
runbook "flaky" do
  step "Pause" do
    since = now
    queue.pause(name: "mail", since: since)
    rollback { note "resume" }
  end
  step "Work" do
    wait 2.hours
    queue.send(name: "mail")
    irreversible "sent"
  end
end
RUBY

runs 'a renewal that fails is tried again, sooner', {
  exit => 0, state => 'succeeded', rb => $flaky . $provider =~ s/TO/17.minutes/r,
  also => sub { return ended(@_) eq 'pause run_ended' ? () : ended(@_) }};

runs 'a lease that cannot be renewed in time fails the step that goes on', {
  exit => 1, state => 'held', rb => $flaky . $provider =~ s/TO/3.hours/r,
  has => [qr/the lease of queue\.pause \(step pause\) has expired: it could not be renewed: no answer/,
          qr/FAILED: the lease of queue\.pause \(step pause\) has expired: what it held may be gone/],
  lacks => [qr/queue\.send: done/],
  also => sub {
    my ($failed) = of_kind('step.failed', @_);
    return ((ended(@_) eq 'pause expired' ? () : ended(@_)), ($failed->{data}{error}{kind} eq 'lease_expired' ? () : 'kind'));
  }};

# Across processes, on the machine's clock: a run that is killed renews no more. What has to expire for
# the last tests is begun before the first.
my $dir = tempdir(CLEANUP => 1);
my $short = read_file("$top/stdlib/freeze.rb");
$short =~ s/lease: 15\.minutes/lease: 2.seconds/ or die;
write_file("$dir/short.rb", $short);
write_file("$dir/holder.rb", <<'RUBY');
runbook "holder" do
  use "short"
  step "Freeze" do
    freeze.begin(name: "deploys", reason: "migration")
    rollback { freeze.lift name: "deploys" }
  end
  step "Work" do
    wait 10.minutes
  end
end
RUBY
write_file("$dir/deploy.rb", <<'RUBY');
runbook "deploy" do
  use "short"
  step "Deploy" do
    guard "deploys are not frozen", !freeze.active?(name: "deploys")
    note "deployed"
  end
end
RUBY
write_file("$dir/rival.rb", <<'RUBY');
runbook "rival" do
  use "short"
  step "Freeze" do
    freeze.begin(name: "deploys", reason: "another")
    irreversible "it ends by itself"
  end
end
RUBY

my ($said, $exit);
my $goes = <<'RUBY';
runbook "goes" do
  use "LEASE"
  step "Freeze" do
    freeze.begin(name: "goes", reason: "migration")
    rollback { freeze.lift name: "goes" }
  end
  step "Ask" do
    confirm "Go on?"
  end
  step "Write" do
    freeze.begin(name: "goes-too", reason: "work")
    rollback { freeze.lift name: "goes-too" }
  end
end
RUBY
write_file("$dir/goes.rb", $goes =~ s/LEASE/short/r);
write_file("$dir/long.rb", $goes =~ s/LEASE/freeze/r); # its lease is there still
write_file("$dir/yes.json", '{"Go on?": "yes"}');
sub goes { my $n = shift; return run_quietly($stepwise, @_, '--journal', "$dir/goes$n/j.db") }
my @cases = (['renews its lease at once', 0, qr/\[3\/3\] Write/],
             ['says that it had expired, where it can be had again', 0, qr/the lease of freeze\.begin \(step freeze\) had expired at .* UTC, and is renewed/],
             ['fails where it has expired and cannot', 1, qr/FAILED: the lease of freeze\.begin \(step freeze\) has expired: what it held may be gone/]);
for my $n (0 .. $#cases) {
  mkdir "$dir/goes$n";
  ($said, $exit) = goes($n, 'run', $n ? "$dir/goes.rb" : "$dir/long.rb");
  is($exit, 4, 'a run that waits') or diag($said);
  like($said, qr/freeze\.begin of step freeze ends by itself at .* UTC, unless the run goes on before/, 'says what ends by itself');
}

sub run_of { return run_quietly($stepwise, 'run', "$dir/$_[0].rb", '--journal', "$dir/lease.db") }

my $pid = open(my $from, '-|') // die $!;
if (!$pid) {
  open STDIN, '<', '/dev/null';
  exec 'timeout', '120', $stepwise, 'run', "$dir/holder.rb", '--journal', "$dir/lease.db";
}
while (<$from>) { last if /waiting/ }
($said, $exit) = run_of('deploy');
ok($exit == 1 && $said =~ /deploys are not frozen/, 'another process honours what the run holds') or diag($said);
($said, $exit) = run_of('rival');
ok($exit == 1 && $said =~ /deploys is frozen already: migration/, 'and cannot take it') or diag($said);
sleep 3;
($said, $exit) = run_of('deploy');
ok($exit == 1, 'it is renewed while the run goes on') or diag($said);
my ($runner) = `pgrep -P $pid` =~ /(\d+)/;
kill 'KILL', $runner // $pid;
for (1 .. 300) {
  ($said, $exit) = run_of('deploy');
  last if $exit == 0;
  select undef, undef, undef, 0.1;
}
ok($exit == 0 && $said =~ /deployed/, 'and ends by itself when the run dies') or diag($said);
kill 'KILL', $pid;
close $from;

# A run that goes on.
for my $n (0 .. $#cases) {
  my ($name, $want, $text) = @{$cases[$n]};
  unlink "$dir/goes$n/state/freeze-goes" if $n == 2;
  ($said, $exit) = goes($n, 'resume', 'last', '--answers', "$dir/yes.json");
  ok($exit == $want && $said =~ $text, "one that goes on $name") or diag("$exit $said");
  my @leases = grep { $_->{kind} =~ /^lease/ && $_->{step} eq 'freeze' } Runs::events_of("$dir/goes$n/j.db");
  is($leases[1]{kind}, $want ? 'lease.ended' : 'lease.renewed', 'as the journal has it') or diag(explain(\@leases));
}
done_testing;
