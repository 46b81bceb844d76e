#!/usr/bin/perl
# A driver says whether its provider may be asked twice, whatever its binding says of the action; where
# it may not, the driver's probe decides after a failure that may pass.
use strict;
use warnings;
use lib 'tests/lib';
use Runs;
use Test::More;

sub desk {
  my ($action, $perform, $probe) = @_;
  return <<"RUBY";
runbook "desk" do
  step "Ask" do
    retries 3, backoff: 1.second
    said = desk.send(to: "ana")
    show said
    irreversible "it was sent"
  end
end
binding :desk, "A desk" do
  action :send, effect: :write$action do
    takes :to, :string
    gives :string
  end
end
driver :plain, for: :desk, default: true do
  perform :send$perform do |to|
    file.append(path: "tries", text: "x\\n", state: true)
    fail! :transient, "not now", retry_after: 7.seconds if file.read(path: "tries", state: true).lines.size < 3
    "sent"
  end
$probe
end
RUBY
}
sub probe { return "  probe :send do |to|\n    $_[0]\n  end\n" }
# A state directory of its own for each: the journals stand in one directory.
sub started { my ($want) = @_; return sub { my $n = grep { $_->{kind} eq 'action.started' } @_; return $n == $want ? () : "begun $n times, not $want" } }
sub fresh { unlink glob "$Runs::dir/drivers/*"; unlink glob "$Runs::dir/*/tries" }

fresh();
runs 'by its key it may be done again', { rb => desk(', repeat: :by_key', '', ''), exit => 0, has => [qr/sent/], also => started(3) };
fresh();
runs 'a driver whose provider heeds no key: not again', {
  rb => desk(', repeat: :by_key', ', repeat: :unsafe', ''), exit => 1,
  has => [qr/not tried again: the step did something that may not be repeated/], also => started(1) };
fresh();
runs 'unless its probe says that it was not done', {
  rb => desk(', repeat: :by_key', ', repeat: :unsafe', probe(':not_done')), exit => 0, has => [qr/attempt 2 in 7 seconds/, qr/sent/],
  also => sub { my @settled = grep { $_->{kind} eq 'action.settled' && $_->{data}{as} eq 'not_done' && $_->{data}{by} eq 'probe' } @_; return @settled == 2 ? () : 'settled ' . @settled } };
fresh();
runs 'or that it was', {
  rb => desk(', repeat: :by_key', ', repeat: :unsafe', probe('"seen at " + (call.begun <= now).to_s')), exit => 0, has => [qr/seen at true/], also => started(1) };
fresh();
runs 'one that does not know leaves the failure as it is', {
  rb => desk(', repeat: :by_key', ', repeat: :unsafe', probe(':unknown')), exit => 1, has => [qr/FAILED: not now/, qr/may not be repeated/], also => started(1) };
fresh();
runs 'a driver whose provider heeds keys where the binding promises nothing', {
  rb => desk('', ', repeat: :by_key', ''), exit => 0, has => [qr/sent/], also => started(3) };
runs 'a read has none', {
  rb => desk('', '', '') =~ s/effect: :write/effect: :read/r =~ s/perform :send/perform :send, repeat: :safe/r =~ s/file\.append.*\n//r, exit => 3,
  has => [qr/`desk\.send` is a read, which may always be done again/] };
done_testing;
