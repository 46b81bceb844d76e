#!/usr/bin/perl
# What a rollback did while the journal took no events comes back into it, once.
use strict;
use warnings;
use lib 'tests/lib';
use Runs;
use Stepwise;
use Digest::SHA 'sha256_hex';
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;

plan skip_all => 'no limit on the size of files here' if system('sh', '-c', 'ulimit -f 100 2>/dev/null') != 0;
my $dir = tempdir(CLEANUP => 1);
write_file("$dir/spare.rb", <<"RUBY");
runbook "spare" do
  on_failure :rollback
  step "First" do
    pool.drain(node: "one")
    rollback do
      note "x" * 130_000
      pool.restore node: "one"
    end
  end
  step "Second" do
    fail! :broken, "late"
  end
end
$pool
RUBY

# A journal of its own with a spare file beside it: its path, the file, the run.
my $number = 0;
sub lost {
  my $journal = "$dir/" . ++$number . '.db';
  my ($said, $exit) = run_quietly('sh', '-c', "ulimit -f 300; exec $stepwise run $dir/spare.rb --journal $journal");
  my ($file) = glob "$journal.spare-*.jsonl";
  $exit == 9 && $file or BAIL_OUT("no spare file: $exit $said");
  my ($run) = $file =~ /spare-(.*)\.jsonl$/;
  return ($journal, $file, $run, $said);
}

sub state_of {
  my ($said) = run_quietly($stepwise, 'runs', '--json', '--journal', shift);
  return (split /\n/, $said)[0] =~ /"state":"(\w+)"/ ? $1 : $said;
}

sub merge { return run_quietly($stepwise, 'journal', 'merge', '--journal', shift) }

sub good {
  my ($journal, $name) = @_;
  my ($said, $exit) = run_quietly($stepwise, 'journal', 'verify', '--deep', '--journal', $journal);
  ok($exit == 0 && $said !~ /set back/, "$name: the journal is good") or diag($said);
}

my ($journal, $file, $run, $said) = lost();
like($said, qr/what the rollback did is in \Q$file\E.*stepwise journal merge/s, 'the run says where its events are and how they come back');
isnt(state_of($journal), 'rolled_back', 'the journal does not know that it is rolled back');
my $text = read_file($file);
my @lost = map { decode_json($_) } split /\n/, $text;
(my $told, my $exit) = merge($journal);
ok($exit == 0 && $told =~ /^stepwise: taken into the journal: \d+ events of run \Q$run\E from \Q$file\E$/m, 'merge takes it in and says so') or diag($told);
is(state_of($journal), 'rolled_back', "the run's state is right");
ok(!-e $file && -e "$file.merged", 'the file is put away');
my @events = grep { $_->{run} eq $run } Runs::events_of($journal);
my ($at) = grep { $events[$_]{kind} eq 'run.spare_merged' } 0 .. $#events;
is($events[$at]{data}{sha256}, sha256_hex($text), 'the marker has the digest of the file');
is($events[$at]{data}{events}, scalar @lost, 'and how many events follow');
my @came = @events[$at + 1 .. $#events];
is(join(' ', map { $_->{kind} } @came), join(' ', map { $_->{kind} } @lost), 'they follow in order');
is($came[0]{step}, $lost[0]{step}, 'with their steps');
my ($shown) = run_quietly($stepwise, 'journal', 'show', $events[$at + 1]{seq}, '--journal', $journal, '--json');
like($shown, qr/"time_us":$lost[0]{time_us}|"time":/, 'and their times');
good($journal, 'merged');

($told, $exit) = merge($journal);
ok($exit == 0 && $told eq '', 'there is nothing to merge a second time') or diag($told);
rename "$file.merged", $file;
($told, $exit) = merge($journal);
is(scalar(grep { $_->{kind} eq 'run.spare_merged' } Runs::events_of($journal)), 1, 'a file that is in the journal is only put away');
ok(-e "$file.merged" && !-e $file && $exit == 0, 'and is gone') or diag($told);

# The next run takes it in too.
($journal, $file, $run) = lost();
write_file("$dir/note.rb", qq{runbook "note" do\n  step "Note" do\n    note "on"\n  end\nend\n});
($said, $exit) = run_quietly($stepwise, 'run', "$dir/note.rb", '--journal', $journal);
ok($exit == 0 && $said =~ /taken into the journal/ && state_of($journal) eq 'rolled_back', 'the next run merges before it begins') or diag($said);
good($journal, 'by a run');

# A torn last line.
($journal, $file, $run) = lost();
my $torn = read_file($file);
my @lines = split /^/, $torn;
write_file($file, join '', @lines[0 .. $#lines - 1], substr $lines[-1], 0, 20);
($told, $exit) = merge($journal);
ok($exit == 0 && $told =~ /its last line is cut and is left out/, 'a torn last line is said') or diag($told);
isnt(state_of($journal), 'rolled_back', 'what it said is not known');
good($journal, 'torn');

# What is refused is left as it is.
for my $case (['an unknown run', sub { s/spare-[^.]+/spare-19700101-000000-nobody/ for my $to = $_[0]; write_file($to, read_file($_[0]) =~ s/"run":"[^"]*"/"run":"19700101-000000-nobody"/gr); unlink $_[0]; $to }, qr/has no run 19700101-000000-nobody/],
              ['a line that is none', sub { write_file($_[0], "{nonsense}\n" . read_file($_[0])); $_[0] }, qr/line 1 is no event/],
              ['an unknown kind', sub { my $t = read_file($_[0]); $t =~ s/"kind":"[^"]*"/"kind":"odd.kind"/; write_file($_[0], $t); $_[0] }, qr/odd\.kind/],
              ['an event of another run', sub { my $t = read_file($_[0]); $t =~ s/"run":"[^"]*"/"run":"other"/; write_file($_[0], $t); $_[0] }, qr/belongs to run other/]) {
  ($journal, $file, $run) = lost();
  my $to = $case->[1]->($file);
  my @before = Runs::events_of($journal);
  ($told, $exit) = merge($journal);
  ok($exit == 1 && $told =~ $case->[2] && -e $to && !-e "$to.merged", "$case->[0]: refused, left as it is") or diag("$exit $told");
  is(scalar(Runs::events_of($journal)), scalar @before, 'and nothing is appended');
}

($told, $exit) = run_quietly($stepwise, 'journal', 'merge', '--journal', "$dir/none.db");
ok($exit == 9 && !-e "$dir/none.db", 'merge makes no journal') or diag("$exit $told");
done_testing;
