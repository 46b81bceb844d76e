#!/usr/bin/env perl
# Who answers in a drill: one person in all roles, recorded as what it was, and never for a real run.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $journal = "$dir/j.db";
my $me = scalar getpwuid $>;
my ($said, $exit);
sub stepwise { my ($verb, @args) = @_; ($said, $exit) = run_quietly($stepwise, $verb, @args, '--journal', $journal) }
sub id_of { return $said =~ /^run (\S+) by/m ? $1 : '' }
sub answers { write_file("$dir/answers.json", encode_json($_[0])); return ('--answers', "$dir/answers.json") }
sub by { my @names = @_; return { 'approve cut' => [map { { answer => 'approve', by => $_ } } @names] } }
sub events {
  my ($run, $kind) = @_;
  return grep { $_->{kind} eq $kind } map { decode_json($_) } split /\n/, run_quietly($stepwise, 'journal', 'export', $run, '--journal', $journal);
}
sub drill { stepwise('run', "$dir/cut.rb", '--drill', @_) }

write_file("$dir/cut.rb", <<'END');
runbook "cut" do
  use "freeze"
  requires role: :operators
  step "Cut" do
    approve "cut it?", by: :leads, quorum: 2, within: 1.hour
    freeze.begin(name: "cut", reason: "test")
    rollback { freeze.lift name: "cut" }
  end
end
END

# Without a site anybody may, and nobody has to say that he holds a role.
drill(answers(by('zoe', 'kim')));
is($exit, 0, 'without a site anybody approves') or diag($said);
is(join(' ', map { "$_->{data}{approver}:$_->{data}{identity}" } events(id_of(), 'approval.given')), 'zoe:drill kim:drill', 'the journal has them as answers of a drill');
drill(answers(by('zoe', 'zoe')));
isnt($exit, 0, 'but for the number of people') or diag($said);
drill(answers(by($me, 'zoe')));
is($exit, 0, 'who practises may be one of them') or diag($said);
stepwise('run', "$dir/cut.rb", answers(by('zoe', 'kim')));
ok($exit == 3 && $said =~ /--role operators/, 'a real run asks for the role') or diag($said);

# With a site: its roles, with one person in all of them. A signature is nobody else's to give.
mkdir "$dir/site" or die;
write_file("$dir/site/keys", qq{ana namespaces="stepwise-approval" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG9uZSBvZiB0aGUgc2FtcGxlIGtleXMgb2YgdGVz\n});
my $roles = sub { my ($leads) = @_; write_file("$dir/site/site.rb", qq{site "office" do\n  role :operators, members: ["nobody-here"]\n  role :leads, members: $leads\nend\n}) };
for (['accounts', '["ana", "ben"]'], ['signatures', '["ana", "ben"], signed: true, keys: "keys"']) {
  my ($what, $leads) = @$_;
  $roles->($leads);
  my @site = ('--site', "$dir/site/site.rb");
  drill(@site, answers(by('ana', 'ben')));
  my $run = id_of();
  is($exit, 0, "$what: names of members do") or diag($said);
  is(join(' ', map { $_->{data}{identity} } events($run, 'approval.given')), 'drill drill', "$what: recorded as a drill's");
  drill(@site, answers(by('ana', 'zoe')));
  ok($exit != 0 && $said =~ /zoe is no member of the role/, "$what: others do not") or diag($said);
  stepwise('run', "$dir/cut.rb", '--role', 'operators', @site, answers(by('ana', 'ben')));
  ok($exit == 3 && $said =~ /may be run by :operators only/, "$what: for a real run roles are what they are") or diag($said);
  stepwise('journal', 'verify');
  is($exit, 0, "$what: the journal is good") or diag($said);
}
$roles->('["ana"]');
drill('--site', "$dir/site/site.rb");
ok($exit == 3 && $said =~ /wants 2 approvals by :leads, and only 1/, 'a role that is too small is found in a drill too') or diag($said);
write_file("$dir/site/site.rb", qq{site "office" do\n  role :operators, members: ["ana"]\nend\n});
drill('--site', "$dir/site/site.rb");
ok($exit == 3 && $said =~ /leads/, 'and so is one that there is not') or diag($said);

# Nobody there: parked, and gone on with; somebody at another terminal may answer for himself.
drill();
my $parked = id_of();
is($exit, 4, 'without answers it is parked') or diag($said);
like($said, qr/^DRILL  waiting/m, 'as a drill');
stepwise('approve', $parked, 'cut', '--as', 'zoe', '--yes');
is($exit, 0, 'somebody answers elsewhere') or diag($said);
stepwise('resume', $parked, answers(by('kim')));
is($exit, 0, 'the other one at the prompt') or diag($said);
is(join(' ', map { $_->{data}{identity} } events($parked, 'approval.given')), 'typed drill', 'and each is recorded as what it was');
drill('--detach');
is($exit, 4, '--detach parks a drill');
done_testing;
