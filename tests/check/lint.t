#!/usr/bin/env perl
# stepwise lint as a command: several files, directories, standard input, JSON, exit codes.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
chdir $dir or die $!;
my $good = qq(runbook "good" do\n  step "one" do\n    note "x"\n  end\nend\n);
my $bad = qq(runbook "bad" do\n  step "one" do\n    show totl\n  end\nend\n);
write_file('good.rb', $good);
write_file('bad.rb', $bad);
mkdir $_ for 'tree', 'tree/deep', 'tree/.hidden', 'empty';
write_file("tree/$_", $good) for 'a.rb', 'deep/b.rb';
write_file("tree/$_", $bad) for 'notes.txt', '.hidden/c.rb';

sub lint { return run_quietly($stepwise, 'lint', @_) }

is_deeply([lint('good.rb')], ['', 0], 'nothing to say about a good file');
my ($text, $code) = lint('good.rb', 'bad.rb');
is($code, 3, 'one bad file among good ones: 3');
like($text, qr/^bad\.rb:3:10: error\[RB200\]: no variable `totl`\n 3 \|     show totl\n   \|          \^~~~\n\n1 error\n\z/, 'text');

is_deeply([lint('tree')], ['', 0], 'a directory: its .rb files, not what is hidden');
write_file('tree/deep/z.rb', $bad);
($text, $code) = lint('tree');
is($code, 3, 'a bad file deep in a directory');
like($text, qr{^tree/deep/z\.rb:3:10: error}, 'and its path');
is_deeply([lint('empty')], ["stepwise: no .rb file in empty: nothing was checked\nhelp: check the path; a file of another name is checked when it is named itself\n", 3], 'an empty directory');

($text, $code) = lint('--json', 'bad.rb');
my @lines = map { JSON::PP->new->decode($_) } split /\n/, $text;
is($code, 3, '--json: exit code');
is_deeply(\@lines,
  [{ file => 'bad.rb', line => 3, column => 10, end_line => 3, end_column => 14, severity => 'error', code => 'RB200',
     message => 'no variable `totl`' }], '--json: one object a finding');

write_file('note.rb', qq(runbook "n" do\n  title "é"\n  title "b"\n  step "s" do\n    x = "é" + 1\n    show x\n  end\n  step "s" do\n    note "x"\n  end\nend\n));
($text) = lint('--json', 'note.rb');
@lines = map { JSON::PP->new->utf8->decode($_) } split /\n/, $text;
is(scalar @lines, 3, '--json: all findings');
is($lines[1]{help}, 'put the value into the text: "... #{value}", or write value.to_s', '--json: help');
is($lines[2]{note}{line}, 4, '--json: notes');

($text, $code) = run_quietly('sh', '-c', "'$stepwise' lint - < bad.rb");
is($code, 3, 'standard input');
like($text, qr/^standard input:3:10: error/, 'is called that');

($text, $code) = lint('missing.rb', 'bad.rb');
is($code, 3, 'a missing file');
like($text, qr/cannot read missing\.rb: No such file/, 'says so');
like($text, qr/bad\.rb:3:10: error/, 'and the others are checked');
($text, $code) = lint('--json', 'missing.rb');
is(JSON::PP->new->decode($text)->{file}, 'missing.rb', '--json: a missing file is a finding too');

is((lint())[1], 2, 'nothing named: usage');
is((lint('--jsn', 'good.rb'))[1], 2, 'an unknown option: usage');
is((lint('--', 'good.rb'))[1], 0, 'options end at --');
is((lint('good.rb', '--json'))[1], 0, 'options may follow');

write_file('latin.rb', "runbook \"x\xe9\" do\nend\n");
($text, $code) = lint('latin.rb');
is($code, 3, 'not UTF-8');
like($text, qr/latin\.rb/, 'says which file');

# Many mistakes: twenty are shown, all are counted.
write_file('many.rb', "runbook \"m\" do\n" . join('', map { "  step \"s$_\" do\n    show nope$_\n  end\n" } 1 .. 50) . "end\n");
($text, $code) = lint('many.rb');
is(scalar(() = $text =~ /error\[/g), 20, 'twenty errors are shown');
like($text, qr/\n50 errors; the first 20 errors are shown\n\z/, 'all are counted');
done_testing;
