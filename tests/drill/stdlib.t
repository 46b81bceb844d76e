#!/usr/bin/env perl
# What is shipped can be practised: every binding of the standard library has a driver for drills, and
# every runbook and example runs on them, without a network, touching nothing but the drill's directory.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use Digest::SHA 'sha256_hex';
use File::Find;
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;

# A network of its own that has nothing in it, where this machine gives one.
my @alone = system('unshare -rn true >/dev/null 2>&1') == 0 ? ('unshare', '-rn') : ();
diag('no network namespaces here: only the files are looked at') unless @alone;

my $dir = tempdir(CLEANUP => 1);
$ENV{HOME} = $dir;
system('cp', '-r', "$top/examples", "$top/runbooks", "$dir/") == 0 or die;
mkdir "$dir/journal" or die;
my $journal = "$dir/journal/j.db";
my ($said, $exit);
sub drill { my ($file, @args) = @_; ($said, $exit) = run_quietly(@alone, $stepwise, 'run', $file, '--drill', '--journal', $journal, @args) }
# Everything below the directory but the journal and what stands beside it.
sub snapshot {
  my %seen;
  find(sub {
    return if $File::Find::name =~ m{^\Q$dir\E/journal\b} || !-f;
    $seen{$File::Find::name} = join ' ', (stat)[2, 7, 9], sha256_hex(read_file($_));
  }, $dir);
  return \%seen;
}
sub outside { my @all; find(sub { push @all, $_ if -f && $File::Find::name !~ m{/state/drill/} }, "$dir/journal/state") if -d "$dir/journal/state"; return join ' ', @all }

# -- drivers --
my %modules;
for my $file (glob "$top/stdlib/*.rb") {
  my $text = read_file($file);
  my ($module) = $file =~ m{(\w+)\.rb$};
  $modules{$module} = 1;
  for my $binding ($text =~ /^binding :(\w+)/mg) {
    my ($all) = join "\n", map { read_file($_) } glob "$top/stdlib/*.rb";
    like($all, qr/^driver :simulated, for: :\Q$binding\E\b/m, "$binding has a driver for drills");
  }
  # Used, not by itself: a driver in a file of its own and its binding use each other.
  write_file("$dir/uses.rb", qq{runbook "uses" do\n  title "Uses a module"\n  use "$module"\n  step("Nothing") { note "nothing" }\nend\n});
  my ($told, $code) = run_quietly($stepwise, 'lint', "$dir/uses.rb");
  ok($code == 0, "$module: the drivers have every action") or diag($told);
}
cmp_ok(scalar keys %modules, '>=', 4, 'modules were found');

# -- examples --
chdir "$dir/examples" or die;
my $before = snapshot();
for my $file (sort glob '*.rb') {
  my ($want, $arguments) = read_file($file) =~ /^# run:(?: exit=(\d+))? ?(.*)$/m;
  drill($file, split ' ', $arguments);
  is($exit, $want || 0, "$file ends in a drill as it does for real") or diag($said);
  like($said, qr/^DRILL  /m, "$file: it is one");
}
is_deeply(snapshot(), $before, 'nothing of it was touched');

# -- the shipped runbooks: the imports --
chdir $dir or die;
my $sample = "$dir/examples/data/sign-ups.csv";
my @import = ('runbooks/imports/spreadsheet-import.rb', '--set', "file=$sample", '--set', "database=$dir/people.db",
  '--set', 'create=true', '--answers', "$dir/examples/data/sign-ups.answers.json");
drill(@import);
is($exit, 0, 'an import runs to its end where there is no database') or diag($said);
like($said, qr/balanced\s+true/, 'its counts add up') or diag($said);
ok(!-e "$dir/people.db", 'and there is none afterwards');
is_deeply(snapshot(), $before, 'nothing was touched');

($said, $exit) = run_quietly($stepwise, 'run', @import, '--journal', $journal);
is($exit, 0, 'a real one') or diag($said);
ok(-s "$dir/people.db", 'makes the database');
my ($import) = $said =~ /(imp-[0-9a-f]{12})/;
$before = snapshot();
drill(@import, '--set', 'spot_checks=3');
is($exit, 0, 'a drill on that database') or diag($said);
like($said, qr/created\s+0/, 'finds in its copy what is there') or diag($said);
is_deeply(snapshot(), $before, 'the database is as it was');

write_file("$dir/journal/failure.json", encode_json({ 'roll-back' => 'yes' }));
drill('runbooks/imports/import-failure.rb', '--set', "database=$dir/people.db", '--set', "import=$import", '--answers', "$dir/journal/failure.json");
is($exit, 0, 'a committed import is rolled back in a drill') or diag($said);
like($said, qr/state\s+rolled_back/, 'it says so');
is_deeply(snapshot(), $before, 'and for real it is not');
($said, $exit) = run_quietly($stepwise, 'plan', 'runbooks/imports/import-failure.rb', '--drill', '--set', "database=$dir/people.db",
  '--set', "import=$import", '--journal', $journal);
is($exit, 0, 'a plan of that drill') or diag($said);
like($said, qr/committed/, 'reads what is there');
is_deeply(snapshot(), $before, 'and touches nothing');
drill(@import, '--drill-fail', 'imports.commit:lost');
ok($exit == 1 && $said =~ /its answer was lost \(drill\)/, 'a commit whose answer is lost') or diag($said);
my ($lost) = $said =~ /^run (\S+) by/m;
($said, $exit) = run_quietly(@alone, $stepwise, 'resume', $lost, '--journal', $journal, '--answers', "$dir/examples/data/sign-ups.answers.json");
ok($exit == 0 && $said =~ /^DRILL  succeeded/m, 'goes on by its key') or diag($said);
is_deeply(snapshot(), $before, 'and nothing was touched');

# -- programs and servers --
mkdir "$dir/books" or die;
write_file("$dir/books/both.rb", <<'END');
runbook "both" do
  use "shell"
  use "web"
  step "Do" do
    done = shell.run(args: ["touch", "here"])
    shell.repeat args: ["touch", "there"]
    seen = shell.read(args: ["cat", "/etc/hostname"])
    show "#{done.status} #{done.out} #{seen.out}", as: "shell"
    posted = web.post(url: "http://127.0.0.1:9/x", json: { a: 1 })
    web.post_once url: "http://127.0.0.1:9/x"
    web.put url: "http://127.0.0.1:9/y", body: "text"
    web.delete url: "/z"
    got = web.get(url: "https://status.example.org/")
    show "#{posted.status} #{posted.json.inspect} #{got.body}", as: "web"
    irreversible "it is done"
  end
end
END
chdir "$dir/books" or die;
$before = snapshot();
drill('both.rb');
is($exit, 0, 'programs and servers') or diag($said);
my ($id) = $said =~ /^run (\S+) by/m;
is(read_file("$dir/journal/state/drill/$id/shell"), qq{run ["touch", "here"]\nrepeat ["touch", "there"]\n}, 'what would have been run');
is(read_file("$dir/journal/state/drill/$id/web"), "post http://127.0.0.1:9/x\npost_once http://127.0.0.1:9/x\nput http://127.0.0.1:9/y\ndelete /z\n", 'and sent');
drill('both.rb', '--drill-set', 'shell.out=done', '--drill-set', 'web.body=fine', '--drill-set', 'web.status=201');
like($said, qr/shell: 0 done done/, 'what programs say is a setting') or diag($said);
like($said, qr/web: 201 nil fine/, 'and what servers answer');
drill('both.rb', '--drill-set', 'shell.status=3', '--drill-set', 'shell.err=no such unit');
ok($exit == 1 && $said =~ /touch ended with status 3: no such unit/, 'a program that fails') or diag($said);
drill('both.rb', '--drill-set', 'web.status=503');
ok($exit == 1 && $said =~ /answers 503/, 'a server that fails') or diag($said);
is_deeply(snapshot(), $before, 'nothing was run');
is(outside(), '', 'what drivers of real runs keep was not touched in all of this');
($said, $exit) = run_quietly($stepwise, 'journal', 'verify', '--journal', $journal);
is($exit, 0, 'the journal is good') or diag($said);
chdir $top;
done_testing;
