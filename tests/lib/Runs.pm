# Runs small runbooks end to end: each case is the runbook, how it is run, and what is expected.
package Runs;
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;
use Exporter 'import';
our @EXPORT = qw(runs $pool);

# A binding and drivers that touch nothing, for runbooks that need effects.
our $pool = <<'RUBY';
binding :pool, "A pool of nodes" do
  action :drain, effect: :write, repeat: :safe do
    takes :node, :string
    gives :node, :string
    gives :count, :integer
  end
  action :restore, effect: :write, repeat: :safe do
    takes :node, :string
  end
  action :reboot, effect: :write do
    takes :node, :string
    gives :boolean
  end
  action :busy, effect: :write, repeat: :by_key do
    takes :since, :time
    takes :least, :duration, default: 5.seconds
    gives :string
  end
  action :size, effect: :read do
    gives :integer
  end
  action :wrong, effect: :read do
    gives :integer
  end
end
driver :rehearsal, for: :pool, default: true do
  perform(:drain) { |node| { node: node, count: node.size } }
  perform :restore do |node|
    fail! :provider, "#{node} is stuck" if node == "stuck"
    nil
  end
  perform :reboot do |node|
    fail! :transient, "#{node} does not answer" if node == "dead"
    true
  end
  perform :busy do |since, least|
    fail! :transient, "still busy" if now - since < least
    call.key
  end
  perform(:size) { 7 }
  perform(:wrong) { [7, "seven"].last }
end
RUBY

our $dir = tempdir(CLEANUP => 1);
my $number = 0;

# The event kinds of a run, in order, with the step where there is one: "step.started one".
sub events_of {
  my ($journal) = @_;
  my ($said) = run_quietly($stepwise, 'journal', 'export', '--journal', $journal);
  return map { decode_json($_) } grep { /^\{/ } split /\n/, $said;
}

# runs NAME, { rb => text, files => {name => text} beside it, pool => 1, args => [], answers => {}, inputs => {}, exit => N,
#   out => pattern or regexp, has => [regexps], lacks => [regexps], state => name, kinds => [..],
#   also => sub { (events) } }
sub runs {
  my ($name, $case) = @_;
  $number++;
  my $journal = "$dir/$number.db";
  my $file = "$dir/case$number.rb";
  write_file($file, $case->{rb} . ($case->{pool} ? "\n$pool" : ''));
  write_file("$dir/$_", $case->{files}{$_}) for keys %{$case->{files} || {}};
  my @args = ($file, '--journal', $journal, '--virtual-clock', @{$case->{args} || []});
  for my $kind (qw(answers inputs)) {
    next unless $case->{$kind};
    write_file("$dir/$kind$number.json", ref $case->{$kind} ? encode_json($case->{$kind}) : $case->{$kind});
    push @args, "--$kind", "$dir/$kind$number.json";
  }
  my ($said, $exit) = run_quietly($stepwise, 'run', @args);
  my @events = events_of($journal);
  my @problems;
  push @problems, "exit $exit, not $case->{exit}" if $exit != $case->{exit};
  for my $want (@{$case->{has} || []}) { push @problems, "no $want" if $said !~ $want }
  for my $want (@{$case->{lacks} || []}) { push @problems, "there is $want" if $said =~ $want }
  if ($case->{kinds}) {
    my $have = join "\n", map { $_->{step} ? "$_->{kind} $_->{step}" : $_->{kind} } grep { $_->{run} } @events;
    my $want = join "\n", @{$case->{kinds}};
    push @problems, "events:\n$have" if $have ne $want;
  }
  if ($case->{state}) {
    my ($runs) = run_quietly($stepwise, 'runs', '--json', '--journal', $journal);
    push @problems, "state: $runs" if $runs !~ /"state":"$case->{state}"/;
  }
  push @problems, $case->{also}->(@events) if $case->{also};
  my ($verified, $good) = !-e $journal ? ('', 0) : run_quietly($stepwise, 'journal', 'verify', '--journal', $journal);
  push @problems, "journal: $verified" if $good != 0;
  my ($shown, $showed) = run_quietly($stepwise, 'show', '--journal', $journal);
  push @problems, "show: $shown" if $case->{state} && $showed != 0;
  ok(!@problems, $name) or diag(join "\n", @problems, $said);
  return ($said, @events);
}

1;
