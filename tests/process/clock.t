#!/usr/bin/env perl
# The primitives of the group `clock`, through a driver: the run's own time, waits that end with the
# step, local time by the zone's table.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use Stepwise;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
write_file("$dir/times.rb", <<'RUBY');
binding :times, "Times" do
  action :local, effect: :read do
    takes :time, :time
    takes :zone, :string
    gives :any
  end
  action :nap, effect: :read do
    takes :time, :duration
    gives :duration
  end
  action :nap_by_mono, effect: :read do
    takes :time, :duration
    gives :duration
  end
end
driver :plain, for: :times, default: true do
  perform(:local) { |time, zone| clock.local(time, zone) }
  perform :nap do |time|
    before = clock.now
    clock.sleep(time)
    clock.now - before
  end
  perform :nap_by_mono do |time|
    before = clock.mono
    clock.sleep(time)
    clock.mono - before
  end
end
RUBY

my $number = 0;
sub times_say {
  my ($body, @options) = @_;
  $number++;
  write_file("$dir/case.rb", qq{runbook "times" do\n  title "Times"\n  use "times"\n  step "Do" do\n$body\n  end\nend\n});
  return run_quietly($stepwise, 'run', "$dir/case.rb", '--journal', "$dir/$number.db", @options);
}

my ($said, $exit) = times_say('show times.nap(time: 2.hours), as: "slept"', '--virtual-clock');
like($said, qr/slept: 2 hours$/m, 'two hours of a virtual clock');
($said) = times_say('show times.nap_by_mono(time: 3.hours), as: "slept"', '--virtual-clock');
like($said, qr/slept: 3 hours$/m, 'three hours, by the clock that never steps back');
($said) = times_say('show times.nap(time: 20.milliseconds) >= 20.milliseconds, as: "long enough"');
like($said, qr/long enough: true$/m, 'a real sleep');
($said, $exit) = times_say("timeout 200.milliseconds\nshow times.nap(time: 1.hour)");
is($exit, 1, 'a sleep ends with the step\'s time');
like($said, qr/FAILED: .*time/, 'and says so');
($said) = times_say('show times.nap(time: 0.seconds - 1.second)');
like($said, qr/a sleep is no shorter than nothing/, 'a negative sleep');

my @cases = (
  ['2026-07-01T12:00:00Z', 'America/New_York', 'hour 8, -4 hours, true, EDT, 8 hours, 3'],
  ['2026-01-01T04:30:00Z', 'America/New_York', 'hour 23, -5 hours, false, EST, 23 hours 30 minutes, 3'],
  ['2026-03-29T00:59:59Z', 'Europe/Berlin', 'hour 1, 1 hour, false, CET, 1 hour 59 minutes 59 seconds, 0'],
  ['2026-03-29T01:00:00Z', 'Europe/Berlin', 'hour 3, 2 hours, true, CEST, 3 hours, 0'],
  ['2060-07-01T12:00:00Z', 'Asia/Kathmandu', 'hour 17, .*, false, \+0545, .*, 4'],
  ['2026-07-01T12:00:00Z', 'UTC', 'hour 12, .*, false, UTC, 12 hours, 3'],
);
for (@cases) {
  my ($time, $zone, $want) = @$_;
  ($said) = times_say(qq{l = times.local(time: time("$time"), zone: "$zone")\n}
    . 'show "hour #{l.hour}, #{l.offset}, #{l.dst}, #{l.zone}, #{l.time_of_day}, #{l.wday}", as: "there"');
  like($said, qr/there: $want$/m, "$time in $zone");
}
($said) = times_say('show times.local(time: now, zone: "../../etc/passwd")');
like($said, qr/knows no time zone "..\/..\/etc\/passwd"/, 'a zone is no path');
done_testing;
