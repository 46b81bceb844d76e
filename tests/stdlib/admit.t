#!/usr/bin/env perl
# `setting` and `admit` of a binding: every driver has the settings, and no write reaches whom the
# binding refuses, whichever driver serves it.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use Stepwise;
use Test::More;
use Time::HiRes 'sleep';

my $dir = tempdir(CLEANUP => 1);
write_file("$dir/post.rb", <<'RUBY');
binding :post, "Letters" do
  setting :blocked, :array, default: ["nobody"]
  setting :stamp, :string, default: "plain"

  action :send, effect: :write, repeat: :by_key do
    takes :to, :string
    takes :body, :string, default: "hello"
    gives :boolean
  end
  action :also, effect: :write do
    takes :body, :string
    takes :to, :string, optional: true
  end
  action :block, effect: :write, repeat: :safe do
    takes :to, :string
  end
  action :look, effect: :read do
    takes :to, :string
    gives :boolean
  end

  admit :to, except: [:block] do |to|
    closed = sql.query(database: "closed.db", state: true, text: "SELECT why FROM closed WHERE name = ?", values: [to])
    fail! :provider, "the list cannot be read" if to == "broken"
    if setting.blocked.include?(to)
      "#{to} is blocked by #{setting.stamp}"
    elsif file.exists(path: "paused", state: true)
      :wait
    elsif file.exists(path: "why", state: true)
      { wait: file.read(path: "why", state: true) }
    elsif to == "number"
      { wait: to.size }
    elsif to == "silent"
      ""
    elsif !closed.empty?
      closed.first.why
    end
  end
end

driver :paper, for: :post, default: true do
  setting :folder, :string, default: "sent"

  perform(:send) { |to, body| file.append(path: setting.folder, text: "#{to} #{body} #{setting.stamp} #{call.key.size}\n", state: true).nil? }
  perform(:also) { |body, to| file.append(path: setting.folder, text: "#{to} also\n", state: true) }
  perform :block do |to|
    done = sql.execute(database: "closed.db", state: true, schema: "CREATE TABLE IF NOT EXISTS closed(name, why)", statements: [["INSERT INTO closed VALUES (?, 'closed by ' || ?)", [to, setting.stamp]]])
    nil
  end
  perform(:look) { |to| true }
end
driver :careless, for: :post do
  perform(:send) { |to, body| file.append(path: "careless", text: "#{to}\n", state: true).nil? }
  perform(:also) { |body, to| nil }
  perform(:block) { |to| nil }
  perform(:look) { |to| true }
end
RUBY
write_file("$dir/careless.site", qq{site "t" do\n  connect :post, driver: "careless", blocked: ["ana"], stamp: "the site"\nend\n});
write_file("$dir/wrong.site", qq{site "t" do\n  connect :post, driver: "paper", blokced: ["ana"]\nend\n});

my $number = 0;
sub post {
  my ($body, @options) = @_;
  $number++;
  write_file("$dir/case$number.rb", qq{runbook "case$number" do\n  use "post"\n  step "Do" do\n    timeout 30.seconds\n$body\n    irreversible "it stays"\n  end\nend\n});
  return run_quietly($stepwise, 'run', "$dir/case$number.rb", '--journal', "$dir/journal.db", @options);
}
sub events { scalar run_quietly('sqlite3', "$dir/journal.db", "SELECT count(*) FROM event WHERE kind = 'action.started' AND run = (SELECT run FROM run ORDER BY first_seq DESC LIMIT 1)") }

my ($said, $exit) = post('    a = post.send(to: "bo")');
is($exit, 0, 'who is not refused is reached') or diag $said;
is(read_file("$dir/state/sent"), "bo hello plain 64\n", 'and the driver has the settings of its binding');
($said, $exit) = post('    a = post.send(to: "nobody")');
is($exit, 1, 'who is refused is not');
like($said, qr/FAILED: post\.send to nobody is refused: nobody is blocked by plain\n\s+at \S+case\d+\.rb:5:/, '  and it is told who, why and where');
is(events(), "0\n", '  nothing of it was begun');
like(scalar run_quietly('sqlite3', "$dir/journal.db", "SELECT data FROM event WHERE kind = 'step.failed' ORDER BY seq DESC LIMIT 1"), qr/"kind":"refused"/, '  the kind is refused');
($said, $exit) = post('    post.block(to: "nobody")' . "\n" . '    post.block(to: "cy")');
is($exit, 0, 'an action in except: is not asked about') or diag $said;
($said, $exit) = post('    a = post.send(to: "cy")');
like($said, qr/post\.send to cy is refused: closed by plain/, 'what was written is heeded at once');
($said, $exit) = post('    show post.look(to: "nobody")');
is($exit, 0, 'a read is not asked about');
($said, $exit) = post('    post.also(body: "x")' . "\n" . '    post.also(body: "x", to: "dan")');
is($exit, 0, 'a parameter that is left out reaches nobody') or diag $said;
($said, $exit) = post('    post.also(body: "x", to: "cy")');
like($said, qr/post\.also to cy is refused/, 'each write that takes it is asked about');
($said, $exit) = post('    a = post.send(to: "broken")');
like($said, qr/FAILED: the list cannot be read/, 'when it cannot be known nobody is reached');
unlike(read_file("$dir/state/sent"), qr/broken|cy hello|nobody/, 'none of them got anything');

($said, $exit) = post('    a = post.send(to: "ana")', '--site', "$dir/careless.site");
like($said, qr/post\.send to ana is refused: ana is blocked by the site/, 'a driver that never looks is held to it, with the settings of the site');
($said, $exit) = post('    a = post.send(to: "eve")', '--site', "$dir/careless.site");
is($exit, 0, 'and to nothing else') or diag $said;
is(read_file("$dir/state/careless"), "eve\n", '  it did its work');
($said, $exit) = post('    a = post.send(to: "bo")', '--site', "$dir/wrong.site");
like($said, qr/driver paper of binding post has no setting blokced.*did you mean blocked\?/s, 'settings of the binding are known by name');

($said, $exit) = post('    a = post.send(to: "number")');
like($said, qr/FAILED: the admit of post answers \{ wait: \} with integer, not nil, a text, :wait or \{ wait: "why" \}/, 'a reason to wait that is no text') or diag $said;
($said, $exit) = post('    a = post.send(to: "silent")');
like($said, qr/post\.send to silent is refused: no reason given$/m, 'a reason that is empty') or diag $said;

# Held back, and let go by somebody else.
write_file("$dir/state/paused", 'x');
$number++;
write_file("$dir/case$number.rb", qq{runbook "case$number" do\n  use "post"\n  step "Do" do\n    timeout 2.seconds\n    a = post.send(to: "late")\n    irreversible "it stays"\n  end\nend\n});
($said, $exit) = run_quietly($stepwise, 'run', "$dir/case$number.rb", '--journal', "$dir/journal.db");
like($said, qr/post\.send to late waits: it is held back for now; asked again every 5 seconds.*FAILED: the step took longer than its timeout/s, 'what is held back waits no longer than its step');
unlike(read_file("$dir/state/sent"), qr/late/, '  and does nothing');
unlink "$dir/state/paused";
write_file("$dir/state/why", 'no post today');
($said, $exit) = run_quietly($stepwise, 'run', "$dir/case$number.rb", '--journal', "$dir/journal.db");
like($said, qr/post\.send to late waits: no post today; asked again every 5 seconds.*FAILED: the step took longer than its timeout/s, '  with its reason, when it has one');
unlink "$dir/state/why";
write_file("$dir/state/paused", 'x');
write_file("$dir/case$number.rb", read_file("$dir/case$number.rb") =~ s/2\.seconds/40.seconds/r);
my $from;
my $pid = open($from, '-|') // die;
if (!$pid) { open STDERR, '>&', \*STDOUT; exec $stepwise, 'run', "$dir/case$number.rb", '--journal', "$dir/journal.db" or die }
my $seen = '';
while (my $line = <$from>) { $seen .= $line; last if $line =~ /waits/ }
unlink "$dir/state/paused";
{ local $/; $seen .= <$from> // '' }
close $from;
is($?, 0, 'and goes on when it is let go') or diag $seen;
like(read_file("$dir/state/sent"), qr/^late hello/m, '  and is done');
done_testing;
