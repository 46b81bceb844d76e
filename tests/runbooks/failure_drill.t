#!/usr/bin/env perl
# The runbook messaging-failure, practised on both channels: retried, escalated, and what goes wrong meanwhile.
use strict;
use warnings;
use lib 'tests/lib';
use Messaging;
use Stepwise;
use Test::More;

my %retry = ('verify-provider-status' => 'works', 'inspect-logs' => 'a carrier was down', decide => 'retry',
  'approve let-sending-go-on' => { answer => 'approve', by => 'ana' }, 'let-sending-go-on' => 'yes', retry => 'yes');
my %escalate = ('verify-provider-status' => 'down', 'inspect-logs' => 'not known', decide => 'escalate');
my %to = (sms => '+12025550100', email => 'staff@example.org');
my ($dir, $said, $exit);
sub failure { my ($channel, $answers, @options) = @_; $dir = room(); ($said, $exit) = drill_in($dir, 'messaging-failure', { channel => $channel, test_to => $to{$channel}, ref $options[0] ? %{shift @options} : () }, $answers, @options) }
sub held { return join ' ', drill_rows($dir, 'SELECT channel, state FROM hold', 'messaging.db') }
sub writes { return join ' ', map { "$_->{binding}.$_->{action}" } grep { $_->{effect} eq 'write' } data_of('action.started', events_in($dir)) }

# --- text and plan ---
($said, $exit) = run_quietly($stepwise, 'lint', runbook_of('messaging-failure'));
is("$exit $said", '0 ', 'nothing to say about it');
for my $line ('Pause outbound sends', 'Verify provider status', 'Inspect logs', 'Retry', 'Escalate') {
  like(read_file(runbook_of('messaging-failure')), qr/^ +step "\Q$line\E" do$/m, "a step: $line");
}

for my $channel ('sms', 'email') {
  ($said, $exit) = verb_in(room(), 'plan', runbook_of('messaging-failure'), '--drill', '--set', "channel=$channel", '--set', "test_to=$to{$channel}");
  is($exit, 0, "$channel: it is planned") or diag $said;
  failure($channel, \%retry);
  is($exit, 0, "$channel: it goes on") or diag $said;
  is(writes(), $channel eq 'sms' ? 'sms.pause sms.resume sms.send' : 'email.pause email.bounces email.resume email.send', "$channel: paused, and let go on with a test message");
  is(held(), '', "$channel: nothing is held back any more");
  failure($channel, \%escalate, { status_page => 'https://status.example.org/health' }, '--drill-set', 'web.status=503');
  is($exit, 0, "$channel: a provider that is down: escalated") or diag $said;
  like($said, qr/healthy\s+false/, "$channel: what its status page says is shown");
  is(held(), "$channel|paused", "$channel: it stays paused");
  my @events = events_in($dir);
  is(join(' ', map { @{$_->{roles}} } data_of('paged', @events)), 'leadership', "$channel: leadership is paged");
  like(join("\n", map { $_->{text} } data_of('follow_up', @events)), qr/^\Q$channel is paused: let it go on\E/m, "$channel: and it is not forgotten");
  like(scalar(read_file((glob "$dir/state/drill/*/chat-outbox.log")[0])), qr/\Q$channel\E is paused/, "$channel: the team knows");
  failure($channel, { %retry, 'approve let-sending-go-on' => { answer => 'deny', by => 'ana' } });
  is($exit, 6, "$channel: a lead who does not let it go on");
  is(held(), "$channel|paused", "$channel: it stays paused");
  failure($channel, \%escalate, { batch => '0123456789abcdef' });
  is($exit, 0, "$channel: a batch that nobody knows") or diag $said;
  is(scalar(grep { $_->{kind} eq 'gap' && $_->{text} =~ /^nothing is known of a batch 0123456789abcdef/ } data_of('finding', events_in($dir))), 1, "$channel: is told");
  is(held(), "$channel|paused", "$channel: and all is paused all the same");
  failure($channel, { %retry, 'let-sending-go-on' => 'no' });
  is($exit, 6, "$channel: a test message that does not arrive") or diag $said;
  is(held(), "$channel|paused", "$channel: all is paused again");
  failure($channel, \%retry, '--drill-fail', "$channel.send:provider");
  is($exit, 6, "$channel: one that the provider does not take") or diag $said;
  is(writes() =~ s/email\.bounces //r, "$channel.pause $channel.resume $channel.send $channel.pause", "$channel: it is tried, and all is paused again");
  is(held(), "$channel|paused", "$channel: really") or diag $said;
  like($said, qr/\Q$channel\E is paused again: nothing goes out/, "$channel: and the screen says so");
  failure($channel, \%retry, { test_to => $to{$channel eq 'sms' ? 'email' : 'sms'} });
  is($exit, 6, "$channel: a test that cannot be sent") or diag $said;
  like($said, qr/\[1\/\d\] Verify test recipient\n.*FAILED: test_to must be /s, "$channel: is told at once");
  is(writes(), '', "$channel: and changes nothing");
}
failure('email', \%retry, '--drill-fail', 'email.send:lost');
is($exit, 0, 'a letter whose answer is lost is looked up') or diag $said;
failure('sms', \%escalate, '--drill-fail', 'chat.post:provider');
is($exit, 1, 'a chat that does not work') or diag $said;
is(held(), 'sms|paused', '  changes nothing of the pause');
done_testing;
