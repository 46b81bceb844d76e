#!/usr/bin/perl
# What failed says when it may be asked again: the next attempt waits so long, or there is none.
use strict;
use warnings;
use lib 'tests/lib';
use Runs;
use Test::More;

my $desk = <<'RUBY';
binding :desk, "A desk that is open at times" do
  action :ask, effect: :write, repeat: :by_key do
    takes :since, :time
    takes :least, :duration, default: 40.seconds
    takes :after, :any, default: nil
    takes :kind, :any, default: :transient
  end
end
driver :rehearsal, for: :desk, default: true do
  perform :ask do |since, least, after, kind|
    fail! kind, "come back later", retry_after: after if now - since < least
    nil
  end
end
RUBY

sub asks {
  my ($clauses, $call, $undo) = @_;
  return <<"RUBY" . $desk;
runbook "desk" do
  step "Ask" do
    $clauses
    began = now
    desk.ask(since: began, $call)
    @{[$undo // 'irreversible "it was asked"']}
  end
end
RUBY
}
sub of_kind { my ($kind, @events) = @_; return grep { $_->{kind} eq $kind } @events }

runs 'the next attempt waits as long as the failure says, at least', {
  rb => asks('retries 3, backoff: 1.second, max_backoff: 2.seconds', 'after: 45.seconds'), exit => 1,
  has => [qr/come back later/],
  also => sub {
    my ($finished) = of_kind('action.finished', @_);
    my @delays = map { $_->{data}{delay_us} } of_kind('step.retried', @_);
    my @problems;
    push @problems, "delays @delays" if "@delays" ne '45000000 45000000 45000000';
    push @problems, 'the error does not have it' if $finished->{data}{error}{retry_after_us} != 45_000_000;
    return @problems;
  }};

runs 'a longer backoff stays', {
  rb => asks('retries 2, backoff: 10.seconds, jitter: false', 'after: 5.seconds'), exit => 1,
  also => sub {
    my @delays = map { $_->{data}{delay_us} } of_kind('step.retried', @_);
    return "@delays" eq '10000000 20000000' ? () : "delays @delays";
  }};

for my $none ('nil', '0.seconds', '-5.seconds') {
  runs "retry_after: $none says nothing", {
    rb => asks('retries 1, backoff: 3.seconds, jitter: false', "after: $none"), exit => 1,
    also => sub {
      my @retried = of_kind('step.retried', @_);
      return 'delay' if $retried[0]{data}{delay_us} != 3_000_000;
      return exists $retried[0]{data}{error}{retry_after_us} ? 'it says something' : ();
    }};
}

runs 'more than the deadline leaves: the step has failed at once', {
  rb => asks("deadline 2.minutes\n    retries 5", 'after: 10.minutes'), exit => 1, state => 'held',
  has => [qr/FAILED: come back later; not tried again: that may be after 10 minutes, and its time limit leaves (?:2 minutes|1 minute 59|119|120)/],
  also => sub {
    my ($failed) = of_kind('step.failed', @_);
    return 'tried again' if of_kind('step.retried', @_);
    return $failed->{data}{error}{kind} eq 'transient' ? () : 'kind';
  }};

runs 'or than the run has left', {
  rb => asks("retries 5", 'after: 10.minutes') =~ s/  step/  timeout 5.minutes\n  step/r, exit => 1,
  has => [qr/FAILED: come back later; not tried again: that may be after 10 minutes/]};

runs 'a kind that is not tried again does not wait', {
  rb => asks("retries 5", 'after: 10.minutes, kind: :provider'), exit => 1, has => [qr/FAILED: come back later\n/],
  also => sub { return of_kind('step.retried', @_) ? 'tried again' : () }};

runs 'a rollback waits as well', {
  rb => asks('timeout 1.minute', 'after: 1.second, kind: :broken', "rollback(retries: 2, backoff: 1.second) { desk.ask since: now - 10.seconds, after: 31.seconds }\n    on_failure :rollback"),
  exit => 7,
  also => sub {
    my @delays = map { $_->{data}{delay_us} // 'none' } of_kind('rollback.failed', @_);
    return "@delays" eq '31000000 31000000 none' ? () : "delays @delays";
  }};

runs 'but not longer than one attempt of it may take', {
  rb => asks('timeout 1.minute', 'after: 1.second, kind: :broken', "rollback(timeout: 30.seconds) { desk.ask since: now, after: 31.seconds }\n    on_failure :rollback"),
  exit => 7, has => [qr/come back later; not tried again: that may be after 31 seconds, and its time limit leaves 30 seconds/]};

runs 'a kind that is no symbol', {
  rb => asks('retries 5', 'kind: "transient"'), exit => 1, has => [qr/fail! wants a symbol and, for retry_after:, a duration: it has (?:a )?string and nil/]};
runs 'a time to wait that is no duration', {
  rb => asks('retries 5', 'after: 7'), exit => 1, has => [qr/it has (?:a )?symbol and (?:an )?integer/]};

done_testing;
