#!/usr/bin/env perl
# Drills: what a run that practises is served by, where it keeps what it keeps, and what it never touches.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Find;
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $journal = "$dir/j.db";
my ($said, $exit);
sub book { my ($name, $text) = @_; write_file("$dir/$name.rb", qq{runbook "$name" do\n$text\nend\n}) }
sub stepwise { my ($verb, @args) = @_; ($said, $exit) = run_quietly($stepwise, $verb, @args, '--journal', $journal) }
sub run_it { my ($name, @args) = @_; stepwise('run', "$dir/$name.rb", @args) }
sub id_of { return $_[0] =~ /^run (\S+) by/m ? $1 : '' }
sub files { my @all; find(sub { push @all, $File::Find::name if -f }, $_[0]) if -d $_[0]; return @all }

book('frozen', <<'END');
  use "freeze"
  lock "deploys"
  concurrency 1
  step "Freeze" do
    freeze.begin(name: "deploys", reason: "test")
    rollback { freeze.lift name: "deploys" }
  end
  step "Wait" do
    wait 2.hours
    show freeze.active?(name: "deploys"), as: "frozen"
  end
  step "Fail" do
    guard "may end", input.ends
    note "over"
  end
END
write_file("$dir/frozen.rb", read_file("$dir/frozen.rb") =~ s/^runbook.*\n\K/  input :ends, :boolean, default: true\n/r);

# One that is held: it stands in nobody's way.
run_it('frozen', '--drill', '--set', 'ends=false');
my $held = id_of($said);
is($exit, 1, 'a drill is held where the run would be') or diag($said);
like($held, qr/^\d{8}-\d{6}-[a-z0-9]{6}-drill$/, 'its id says what it is');
like($said, qr/^DRILL  frozen$/m, 'so does its head');
like($said, qr/^a drill: what it does is simulated/m, 'which says what that means');
like($said, qr/^DRILL  held after 2 hours/m, 'and its end; two hours passed at once');
like($said, qr/frozen: true/, 'what it froze is frozen in it');
ok(-e "$dir/state/drill/$held/freeze-deploys", 'it keeps what it keeps in a directory of its own');
is_deeply([grep { !m{/state/drill/} } files("$dir/state")], [], 'and nothing in that of the real runs');

run_it('frozen', '--virtual-clock');
is($exit, 0, 'a real run meets neither its lock nor its freeze') or diag($said);
unlike($said, qr/drill/i, 'and is no drill');
run_it('frozen', '--drill', '--set', 'ends=false');
is($exit, 1, 'two drills at once do not meet either') or diag($said);
like($said, qr/frozen: true/, 'each has its own freeze');

# It goes on as what it is.
stepwise('resume', $held);
is($exit, 1, 'resumed it is held again') or diag($said);
like($said, qr/^DRILL  held/m, 'and still a drill');
stepwise('rollback', $held, '--reason', 'over', '--yes');
like($said, qr/^DRILL  rolled_back/m, 'undone it is a drill') or diag($said);
ok(!-e "$dir/state/drill/$held/freeze-deploys", 'and what is undone is what it did');
stepwise('show', $held);
like($said, qr/^DRILL  /, 'show says so');
stepwise('resume', '--all');
unlike($said, qr/drill/, 'resume --all takes up no drill');
is($exit, 0, 'and none is in its way');
stepwise('journal', 'verify');
ok($exit == 0 && $said !~ /warning/, 'its clock is no cause for a warning') or diag($said);

# A real run that holds the lock is nothing to a drill.
book('holder', qq{  lock "deploys"\n  step "Fail" do\n    fail! :bad, "no good"\n  end});
run_it('holder');
is($exit, 1, 'a real run is held');
run_it('frozen', '--drill');
is($exit, 0, 'a drill begins all the same') or diag($said);

# What serves.
write_file("$dir/lamp.rb", <<'END');
binding :lamp, "A lamp" do
  action :light, effect: :write, repeat: :safe do
    takes :on, :boolean
    gives :by, :string
  end
end
driver :real, for: :lamp do
  setting :token, :string
  perform :light do |on|
    { by: "real #{setting.token}" }
  end
end
END
book('light', qq{  use "lamp"\n  step "Light" do\n    lit = lamp.light(on: true)\n    show lit.by, as: "by"\n    irreversible "a lamp"\n  end});
run_it('light', '--drill');
is($exit, 3, 'a binding without a driver for drills: refused') or diag($said);
like($said, qr/binding lamp has no driver :simulated/, 'it is named');
like($said, qr/driver :simulated, for: :lamp, same_as: :real/, 'and what to write');
stepwise('runs', '--runbook', 'light');
like($said, qr/no runs/, 'nothing was begun');
write_file("$dir/lamp.rb", read_file("$dir/lamp.rb") . <<'END');
driver :simulated, for: :lamp, same_as: :real do
  setting :token, :string, default: "none"
end
END
run_it('light', '--drill');
like($said, qr/by: real none/, 'one that is the same as another, but for its settings') or diag($said);
run_it('light');
like($said, qr/needs the setting token/, 'a real run is served by the real one') or diag($said);
write_file("$dir/office.rb", qq{site "office" do\n  secrets driver: "files", directory: "nowhere"\n  connect :lamp, driver: "real", token: secret("lamp")\n  role :leads, members: ["ana"]\nend\n});
run_it('light', '--drill', '--site', "$dir/office.rb");
is($exit, 0, 'secrets that do not exist are not asked for') or diag($said);
run_it('light', '--site', "$dir/office.rb");
isnt($exit, 0, 'but by a real run');
write_file("$dir/lamp.rb", read_file("$dir/lamp.rb") =~ s/^driver :real.*?^end\n//msr =~ s/, same_as: :real do\n/ do\n  perform :light do |on|\n    { by: "sim" }\n  end\n/r);
run_it('light');
like($said, qr/only the one for drills/, 'what only simulates is no stand-in in a real run') or diag($said);

# Real time has no place in it.
run_it('light', '--drill', '--wait', '1m');
is($exit, 2, '--wait takes real time');
stepwise('plan', '--drill', "$dir/frozen.rb");
like($said, qr/^DRILL  /, 'a plan of a drill says so');
stepwise('plan', '--drill', '--json', "$dir/frozen.rb");
like($said, qr/"drill":true/, 'to machines too');

# Who practised what, and how it ended.
my %drills = map { my $row = decode_json($_); ($row->{run} => $row) } grep { /^\{/ } split /\n/, scalar run_quietly($stepwise, 'runs', '--drill', '--json', '--journal', $journal);
cmp_ok(scalar keys %drills, '>=', 4, 'the drills are listed');
is_deeply([grep { !/-drill$/ } keys %drills], [], 'and nothing else');
is_deeply([@{$drills{$held}}{qw(runbook state drill)}], ['frozen', 'rolled_back', { of => $held }], 'with what became of each');
like($drills{$held}{actor}, qr/./, 'and who it was');
stepwise('runs', '--no-drill');
ok($exit == 0 && $said =~ /frozen/ && $said !~ /-drill/, 'the others are listed without them') or diag($said);
stepwise('runs', '--drill', '--no-drill');
is($exit, 2, 'not both');
stepwise('runs', '--drill', '--last', '1', '--json');
is(scalar(grep { /"drill":\{"of"/ } split /\n/, $said), 1, 'the last one') or diag($said);
my @events = map { decode_json($_) } split /\n/, scalar run_quietly($stepwise, 'journal', 'export', '--journal', $journal);
is_deeply([grep { !!$_->{drill} ne !!($_->{run} =~ /-drill$/) } @events], [], 'each exported event of a drill says so, and no other');
stepwise('show', $held, '--brief', '--json');
ok(decode_json($said)->{drill}, 'so does show --json');
done_testing;
