#!/usr/bin/env perl
# The list of runs: what is shown by itself, each filter, a run whose process died.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;
use Time::HiRes 'sleep';

my $dir = tempdir(CLEANUP => 1);
my $journal = "$dir/j.db";
sub runs_of { return run_quietly($stepwise, 'runs', @_, '--journal', $journal) }
sub start { my ($name, $body) = @_; write_file("$dir/$name.rb", "runbook \"$name\" do\n$body\nend\n"); return run_quietly($stepwise, 'run', "$dir/$name.rb", '--journal', $journal) }
sub is_list { # NAME, [states], arguments
  my ($name, $want, @arguments) = @_;
  my ($said, $exit) = runs_of(@arguments, '--json');
  my @have = map { decode_json($_)->{state} } grep { /^\{/ } split /\n/, $said;
  ok($exit == 0 && "@have" eq "@$want", $name) or diag "exit $exit: @have\n$said";
}

my ($said, $exit) = runs_of();
is($exit, 9, 'no journal, no runs');
start('good', "  step \"S\" do\n    note \"x\"\n  end");
start('bad', "  step \"S\" do\n    expect 1 > 2, \"one is less\"\n  end");
start('asks', "  step \"S\" do\n    confirm \"Shall it be?\"\n  end");
start('good', "  step \"S\" do\n    note \"x\"\n  end");

# A run whose process is killed while it waits.
my $pid = fork // die;
if (!$pid) {
  open STDIN, '<', '/dev/null';
  open STDOUT, '>', '/dev/null';
  write_file("$dir/waits.rb", "runbook \"waits\" do\n  lock \"the lock\"\n  step \"S\" do\n    wait 1.second\n    wait 50.seconds\n  end\nend\n");
  exec $stepwise, 'run', "$dir/waits.rb", '--journal', $journal or die;
}
for (1 .. 400) { sleep 0.05; last if (() = (run_quietly($stepwise, 'journal', 'tail', '-n', 9, '--journal', $journal))[0] =~ /wait\.started/g) > 1 }
kill 'KILL', $pid;
waitpid $pid, 0;

($said, $exit) = runs_of();
is($exit, 0, 'runs');
like($said, qr/^RUN +STATE +STARTED +TOOK +RUNBOOK +BY\n(?:\d{8}-\d{6}-\w+ +\w+ +\w{3} [ \d]\d \d\d:\d\d +[\d.]+ \w+ +\w+ +\w+\n){5}$/, 'a table, oldest first');
unlike($said, qr/.{81}/, 'of 80 columns');
like($said, qr/ interrupted +\w{3} [ \d]\d \d\d:\d\d +[1-9][\d.]* s\w* +waits/, 'one that is interrupted took until it was heard of last');
is_list('all of them', [qw(succeeded held waiting succeeded interrupted)]);
is_list('--last', [qw(succeeded interrupted)], '--last', 2);
is_list('--state', [qw(succeeded succeeded)], '--state', 'succeeded');
is_list('--state interrupted', ['interrupted'], '--state', 'interrupted');
is_list('is not running', [], '--state', 'running');
is_list('--runbook', ['held'], '--runbook', 'bad');
is_list('--waiting', ['waiting'], '--waiting');
is_list('--open', [qw(held waiting interrupted)], '--open');
is_list('two filters', ['succeeded'], '--state', 'succeeded', '--last', 1);
is_list('filters of owners and --last', ['interrupted'], '--state', 'interrupted', '--last', 1);
my ($first) = map { decode_json($_) } split /\n/, runs_of('--json');
my $me = $first->{actor} =~ s/@.*//r;
is_list('--mine', [qw(succeeded held waiting succeeded interrupted)], '--mine');
is_list('--actor without a host', [qw(succeeded held waiting succeeded interrupted)], '--actor', $me);
is_list('--actor with its host', ['held'], '--actor', $first->{actor}, '--state', 'held');
is_list('--actor of nobody', [], '--actor', "$me-not");
is_list('--since', [qw(succeeded held waiting succeeded interrupted)], '--since', '2h');
is_list('--since in the future', [], '--since', '2999-01-01');
is_list('--until', [], '--until', 'yesterday');
is_list('--until a time', [qw(succeeded held waiting succeeded interrupted)], '--until', '2999-01-01T00:00Z');
my ($killed) = map { decode_json($_) } split /\n/, runs_of('--json', '--state', 'interrupted');
ok($killed->{recorded} eq 'running' && $killed->{lock} eq 'the lock' && !$killed->{pid}, 'what its events say and what it locks') or diag explain $killed;

($said) = runs_of('--last', 2);
like($said, qr/\n3 earlier ones are not shown; --last N shows more\n$/, 'how many more there are');
($said) = runs_of('--open');
like($said, qr/^RUN +STATE +SINCE +RUNBOOK +WHY\n\S+ +held .* bad +one is less\n\S+ +waiting .* asks +operator: nobody/m, 'why they are open');
($said) = runs_of('--actor', 'nobody');
is($said, "no runs in $journal are like that\n", 'none is said');
unlike((runs_of('--open', '--json'))[0], qr/"why":""/, 'what is not known is left out');

for my $case (
  [['--state', 'hold'], qr/no state 'hold'; did you mean held\?/],
  [['--state', 'xyzzy'], qr/no state 'xyzzy'; they are: interrupted, running, waiting/],
  [['--last', '0'], qr/--last wants a number, not '0'/],
  [['--last', '1x'], qr/--last wants a number, not '1x'/],
  [['--since', 'soon'], qr/--since wants a time .* not 'soon'/],
  [['--until', '2026-13-01'], qr/--until wants a time/],
  [['--mine', '--actor', 'ana'], qr/exclude each other/],
  [['--waiting', '--state', 'held'], qr/exclude each other/],
  [['extra'], qr/unexpected 'extra'/],
) {
  my ($said, $exit) = runs_of(@{$case->[0]});
  ok($exit == 2 && $said =~ $case->[1], "@{$case->[0]} is refused") or diag "$exit $said";
}

done_testing;
