#!/usr/bin/perl
# What comes after a page has the same idempotency key in every attempt, whoever was called and however
# often.
use strict;
use warnings;
use lib 'tests/lib';
use Post;
use Stepwise;
use Test::More;

my $room = post_room(<<'RUBY');
runbook "case" do
  use "post"
  use "chat_own"
  step "Send" do
    timeout 5.minutes
    retries 1, backoff: 1.second, on: [:transient]
    page :lead, "look"
    _one = post.send(to: ["+1"], body: "hi")
    _two = post.send(to: ["+2"], body: "hi")
    irreversible "sent is sent"
  end
end
RUBY
write_file("$room->{dir}/chat_own.rb", <<'RUBY');
binding :chat, "A room" do
  action :post, effect: :write, repeat: :safe do
    takes :text, :string
    takes :channel, :string
  end
end

driver :own, for: :chat, default: true do
  setting :url, :string
  perform :post do |text, channel|
    reply = http.post(url: "#{setting.url}/send", json: { to: channel }, headers: { "Idempotency-Key" => call.key })
    fail! reply.failure, reply.body if reply.failure
    nil
  end
end
RUBY
write_file("$room->{dir}/site.rb", <<"RUBY");
site "desk" do
  connect :post, driver: "http", url: "$room->{url}"
  connect :chat, driver: "own", url: "$room->{url}"
  role :lead, members: %w[ana], page: { chat: "#a" }
end
RUBY

# The first attempt needs two calls for its page, and fails after the first letter; the second needs one.
post_plan($room, '#a 500 1', '+2 500 8');
my ($said, $exit) = run_quietly($stepwise, @{ $room->{run} }, '--virtual-clock');
is($exit, 0, 'the second attempt succeeds') or diag($said);
is(scalar(grep { $_->[2] eq '#a' } post_log($room)), 3, 'the page took two calls, then one');
my %keys = map { $_->[1] => 1 } grep { $_->[2] eq '+1' } post_log($room);
is(scalar(keys %keys), 1, 'the letter after it has one key');
is(post_sent($room)->{'+1'}, 1, 'and is sent once');

done_testing;
