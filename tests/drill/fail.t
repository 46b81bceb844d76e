#!/usr/bin/env perl
# Failures that whoever drills asks for: each kind, how many calls, over a resume; and settings.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $journal = "$dir/j.db";
my ($said, $exit);
sub book { my ($name, $text) = @_; write_file("$dir/$name.rb", qq{runbook "$name" do\n  use "post"\n$text\nend\n}) }
sub stepwise { my ($verb, @args) = @_; ($said, $exit) = run_quietly($stepwise, $verb, @args, '--journal', $journal) }
sub drill { my ($name, @args) = @_; stepwise('run', "$dir/$name.rb", '--drill', @args) }

sub id_of { return $said =~ /^run (\S+) by/m ? $1 : '' }
sub posted { my @all = split /\n/, read_file("$dir/state/drill/$_[0]/posted") // ''; return scalar @all }
sub events {
  my ($run, $kind) = @_;
  my @all = map { decode_json($_) } split /\n/, run_quietly($stepwise, 'journal', 'export', $run, '--journal', $journal);
  return grep { $_->{kind} eq $kind } @all;
}

# Whatever is posted is a line in a file. `once` may not be repeated, and its driver cannot tell; `known` can.
write_file("$dir/post.rb", <<'END');
binding :post, "Lines" do
  action :count, effect: :read do
    gives :integer
  end
  action :send, effect: :write, repeat: :by_key do
    takes :text, :string
  end
  action :once, effect: :write do
    takes :text, :string
  end
  action :known, effect: :write do
    takes :text, :string
  end
end
driver :real, for: :post, default: true do
  setting :greeting, :string, default: "hello"
  setting :size, :integer, default: 1, min: 1
  perform :count do
    file.exists(path: "posted", state: true) ? file.read(path: "posted", state: true).lines.size : 0
  end
  perform :send do |text|
    file.append(path: "posted", text: "#{setting.greeting} #{text} #{setting.size}\n", state: true)
    nil
  end
  perform :once do |text|
    file.append(path: "posted", text: "#{text}\n", state: true)
    nil
  end
  perform :known do |text|
    file.append(path: "posted", text: "#{call.key}\n", state: true)
    nil
  end
  probe :known do |text|
    done = file.exists(path: "posted", state: true) && file.read(path: "posted", state: true).include?(call.key)
    done ? nil : :not_done
  end
end
driver :simulated, for: :post, same_as: :real
END

# Kinds that fail at once.
book('send', qq{  step "Send" do\n    timeout 5.hours\n    retries 3, backoff: 10.minutes, on: [:transient]\n    post.send(text: "one")\n    irreversible "sent"\n  end});
for my $kind (qw(transient provider permission validation refused)) {
  drill('send', '--drill-fail', "post.send:$kind");
  my $run = id_of();
  my ($started) = events($run, 'run.started');
  diag($said) unless $run; is_deeply($started->{data}{options}{drill}, { of => $run, fail => ["post.send:$kind"] }, "$kind: the journal has what was asked for");
  my ($called) = events($run, 'drill.called');
  is_deeply([@{$called->{data}}{qw(binding action number fails of)}], ['post', 'send', 1, $kind, $run], "$kind: and what came of it");
  my ($finished) = events($run, 'action.finished');
  is($finished->{data}{error}{kind}, $kind, "$kind: the action fails so");
  like($finished->{data}{error}{message}, qr/^post\.send: .*\(drill\)$/, "$kind: and says whose doing it is");
  is($exit, $kind eq 'transient' ? 0 : 1, "$kind: what follows is the step's own policy") or diag($said);
  is(posted($run), $kind eq 'transient' ? 1 : 0, "$kind: the driver was not reached");
}

# How many, and after how many.
drill('send', '--drill-fail', 'post.send:transient:3');
is($exit, 0, 'three failures, three retries') or diag($said);
like($said, qr/attempt 4 in /, 'each was tried again');
drill('send', '--drill-fail', 'post.send');
like($said, qr/no answer from the provider \(drill\)\n.*attempt 2/, 'transient and once, unless it is said otherwise');
drill('send', '--drill-fail', 'post.send:transient:4');
is($exit, 1, 'four are too many');
book('three', join '', map { qq{  step "Send $_" do\n    post.send(text: "$_")\n    irreversible "sent"\n  end\n} } 1 .. 3);
drill('three', '--drill-fail', 'post.send:provider:1:2');
ok($exit == 1 && posted(id_of()) == 2 && $said =~ /\[3\/3\] Send 3\n.*FAILED/s, 'two pass, the third fails') or diag($said);
my $third = id_of();
is(scalar(events($third, 'drill.called')), 3, 'those that pass are counted');

sub unused { return join '; ', map { my $d = $_->{data}; "$d->{fail} $d->{came}/$d->{of} in $d->{calls}" } events($_[0], 'drill.unused') }
is(unused($third), '', 'of those that came nothing is told');

# Those that do not come.
drill('three', '--drill-fail', 'post.send:slow:2:2', '--drill-fail', 'post.count', '--drill-fail', 'post.send:lost', '--drill-fail', 'post.send:provider:2:7');
my $idle = id_of();
is($exit, 0, 'the day was better than was asked for') or diag($said);
like($said, qr/asked to fail, and did not: post\.send:slow:2:2; 1 of 2 came, in 3 calls\n.*asked to fail, and not called: post\.count\n.*asked to fail, and did not: post\.send:lost; 0 of 1 came, in 3 calls\n.*post\.send:provider:2:7; 0 of 2 came, in 3 calls\n\nDRILL  succeeded/, 'and it is told at the end') or diag($said);
is(unused($idle), 'post.send:slow:2:2 1/2 in 3; post.count 0/1 in 0; post.send:lost 0/1 in 3; post.send:provider:2:7 0/2 in 3', 'and in the journal');
drill('three', '--json', '--drill-fail', 'post.count');
is(scalar(grep { /"kind":"drill\.unused"/ } split /\n/, $said), 1, 'and to a machine') or diag($said);
stepwise('show', $idle);
like($said, qr/asked to fail: post\.send:slow:2:2; came 1 of 2, calls 3/, 'show has it') or diag($said);

# Going on counts on.
stepwise('resume', $third);
is($exit, 0, 'resumed it does not fail again') or diag($said);
is(posted($third), 3, 'and sends what was left');
drill('three', '--drill-fail', 'post.send:provider:2:1', '--drill-fail', 'post.send:permission:1');
my $twice = id_of();
like($said, qr/Send 2.*the provider failed/s, 'the second call fails');
stepwise('resume', $twice);
ok($exit == 1 && $said =~ /the provider failed/, 'resumed it fails once more') or diag($said);
stepwise('resume', $twice);
ok($exit == 1 && $said =~ /does not let us/, 'then in the way that was said next') or diag($said);
stepwise('resume', $twice);
ok($exit == 0 && posted($twice) == 3, 'and then not any more') or diag($said);

# Time.
book('slow', qq{  step "Send" do\n    timeout 20.seconds\n    post.send(text: "one")\n    irreversible "sent"\n  end});
drill('slow', '--drill-fail', 'post.send:slow');
ok($exit == 1 && $said =~ /post\.send is slow \(drill\)/ && $said =~ /took longer than its timeout/, 'slow takes time, which the step may not have') or diag($said);
drill('send', '--drill-fail', 'post.send:slow');
like($said, qr/post\.send: done, 30 seconds/, 'where it has, it is done') or diag($said);
drill('send', '--drill-fail', 'post.send:limit');
ok($said =~ /does not come back \(drill\)/ && $exit != 0 && $said =~ /DRILL  \w+ after 5 hours/, 'one that hangs, until the limit') or diag($said);

# Answers that are lost.
book('once', qq{  step "Send" do\n    post.once(text: "one")\n    irreversible "sent"\n  end});
drill('once', '--drill-fail', 'post.once:lost');
my $doubt = id_of();
is($exit, 5, 'done, and nobody knows: in doubt') or diag($said);
is(posted($doubt), 1, 'it was done');
stepwise('mark-done', $doubt, 'post.once');
stepwise('resume', $doubt);
is($exit, 0, 'an operator says what happened, as on the day') or diag($said);
is(posted($doubt), 1, 'and it is not done again');
drill('once', '--drill-fail', 'post.once:limit');
is($exit, 5, 'one that hangs is in doubt too');
is(posted(id_of()), 0, 'though it was not done');
book('known', qq{  step "Send" do\n    post.known(text: "one")\n    irreversible "sent"\n  end});
drill('known', '--drill-fail', 'post.known:lost');
ok($exit == 0 && posted(id_of()) == 1, 'a driver that is asked knows') or diag($said);
drill('send', '--drill-fail', 'post.send:lost');
ok($exit == 0 && posted(id_of()) == 2, 'one that goes by its key is tried again') or diag($said);

# Reads fail too; so do actions of a run that is begun.
book('count', qq{  step "Count" do\n    retries 1\n    show post.count, as: "there"\n  end});
drill('count', '--drill-fail', 'post.count');
ok($exit == 0 && $said =~ /there: 0/ && $said =~ /no answer/, 'a read') or diag($said);
book('outer', qq{  run "three"});
drill('outer', '--drill-fail', 'post.send:provider:1:1');
my $outer = id_of();
my ($inner) = map { $_->{data}{run} } events($outer, 'child.started');
ok($exit == 1 && $inner =~ /-drill$/ && posted($outer) == 1, 'a run that is begun is of the same drill') or diag($said);
stepwise('resume', $outer);
ok($exit == 0 && posted($outer) == 3, 'and goes on as that') or diag($said);
ok(!-e "$dir/state/drill/$inner", 'with one directory for both');

# Settings.
drill('send', '--drill-set', 'post.greeting=good day', '--drill-set', 'post.size=7');
is(read_file("$dir/state/drill/" . id_of() . '/posted'), "good day one 7\n", 'settings of the driver');
drill('send', '--drill-set', 'post.greeting=moin', '--drill-fail', 'post.send:provider');
my $set = id_of();
stepwise('resume', $set);
is(read_file("$dir/state/drill/$set/posted"), "moin one 1\n", 'which stay over a resume');

# What there is not.
for (['--drill-fail', 'pots.send', 'did you mean post?'], ['--drill-fail', 'post.snd', 'did you mean send?'],
  ['--drill-fail', 'post.send:transiet', 'did you mean transient?'], ['--drill-fail', 'post.send:boom', 'there are: transient, provider'],
  ['--drill-fail', 'post', 'BINDING.ACTION'], ['--drill-fail', 'post.send:transient:0', 'a number of calls'],
  ['--drill-fail', 'post.send:transient:1:x', 'one to let pass'], ['--drill-set', 'post.greting=x', 'did you mean greeting?'],
  ['--drill-set', 'post.greeting', 'BINDING.SETTING=VALUE'], ['--drill-set', 'post.size=0', 'size'], ['--drill-set', 'post.size=x', 'size']) {
  my ($option, $words, $want) = @$_;
  drill('send', $option, $words);
  ok($exit == 3 && index($said, $want) >= 0, "$option $words: $want") or diag("$exit $said");
  is(id_of(), '', 'before anything runs');
}
stepwise('run', "$dir/send.rb", '--drill-fail', 'post.send');
ok($exit == 2 && $said =~ /needs --drill/, 'whoever forgot --drill runs nothing') or diag($said);
stepwise('plan', "$dir/send.rb", '--drill', '--drill-fail', 'post.snd');
ok($exit == 3 && $said =~ /did you mean send/, 'a plan says so too') or diag($said);
stepwise('journal', 'verify');
is($exit, 0, 'the journal is good') or diag($said);
done_testing;
