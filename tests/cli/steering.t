#!/usr/bin/env perl
# What a runbook's author wrote steers no terminal, and a text that is too long says so.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Temp 'tempdir';
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $journal = "$dir/j.db";
write_file("$dir/site.rb", qq(site "here\\e[31m\\nrun x" do\nend\n));
write_file("$dir/a.rb", <<'RUBY');
runbook "a" do
  title "title\e[31m\nrun faked"
  input :who, :string, about: "who\e[31m", default: "ana\e[31m"
  section "section\e[31m\n[9/9] faked" do
    step "label\e[31m\nrun faked", id: "one" do
      about "about\e[31m"
      link "http://x/\e[31m"
      note "note \e[31m #{input.who}"
      follow_up "call\e[31m", owner: "team\e[31m"
    end
  end
  parallel at_once: 2 do
    step "two\e[31m" do
      finding "gap\e[31m", kind: :gap
    end
  end
end
RUBY

sub stepwise { return run_quietly($stepwise, @_) }

my @site = ('--site', "$dir/site.rb");
for my $way (['plan', "$dir/a.rb", @site], ['run', "$dir/a.rb", @site, '--journal', $journal],
             ['show', 'last', '--journal', $journal], ['runs', '--journal', $journal], ['journal', 'tail', '--journal', $journal]) {
  my ($said, $exit) = stepwise(@$way);
  is($exit, 0, "$way->[0] succeeds") or diag $said;
  unlike($said, qr/[\x00-\x09\x0b-\x1f\x7f]/, "$way->[0] shows no escape sequence");
  unlike($said, qr/^(?:run faked|\[9\/9\] faked)/m, "$way->[0]: no line that its author made up");
}

# A MiB and more: cut, with what it had.
write_file("$dir/b.rb", <<'RUBY');
runbook "b" do
  step "one" do
    big = "x" * 1_100_000
    note big
    finding big, kind: :gap
    note "é" * 1_048_576
    note "y" * 1_048_576
  end
end
RUBY
my ($said, $exit) = stepwise('run', "$dir/b.rb", '--journal', $journal);
is($exit, 0, 'long texts: it succeeds') or diag substr $said, 0, 300;
my ($shown) = stepwise('show', 'last', '--journal', $journal);
for ([$said, 'run'], [$shown, 'show']) {
  my ($text, $who) = @$_;
  is(join(' ', map length, $text =~ /(x{1000,})\.\.\. 1\.0 MiB, cut here$/mg), '65536 65536', "$who: texts that are too long say so");
  like($text, qr/finding, gap: x+\.\.\. 1\.0 MiB, cut here$/m, "$who: a finding does too");
  like($text, qr/é\.\.\. 2\.0 MiB, cut here$/m, "$who: no character is cut in two");
}
is(length(($said =~ /(y{1000,})$/m)[0] // ''), 1 << 20, 'one MiB is shown whole');

# Items whose key shows nothing go by their number; a text in a file is no list.
write_file("$dir/c.rb", <<'RUBY');
runbook "c" do
  input :names, :array
  each_of input.names, at_once: 2 do |name|
    step "On #{name}" do
      note "x"
    end
  end
end
RUBY
write_file("$dir/c.json", '{"names": ["", "a\u001b[31m", "web"]}');
($said, $exit) = stepwise('run', "$dir/c.rb", '--journal', $journal, '--inputs', "$dir/c.json");
is($exit, 0, 'odd keys') or diag $said;
like($said, qr/^\Q$_\E +\| \[\d\/3\]/m, "the branch '$_'") for '#1', '#2', 'web';
write_file("$dir/c.json", '{"names": "no"}');
($said, $exit) = stepwise('run', "$dir/c.rb", '--journal', $journal, '--inputs', "$dir/c.json");
ok($exit == 3 && $said =~ /names must be an array, not "no"/, 'a text in a file is no list') or diag "$exit $said";
($said, $exit) = stepwise('run', "$dir/c.rb", '--journal', $journal, '--set', 'names=a,b');
ok($exit == 0 && $said =~ /^b +\| \[2\/2\]/m, 'on the command line it is') or diag "$exit $said";

# A command that is told is one that can be given: it has the journal.
write_file("$dir/d.rb", qq(runbook "d" do\n  lock "l"\n  step "S" do\n    confirm "Sure?"\n  end\nend\n));
stepwise('run', "$dir/d.rb", '--journal', $journal);
($said, $exit) = stepwise('run', "$dir/d.rb", '--journal', $journal);
like($said, qr/stepwise show \S+ --journal \Q$journal\E says what it needs/, 'the lock that another run holds');
($said, $exit) = stepwise('show', 'nothing', '--journal', $journal);
like($said, qr/`stepwise runs --journal \Q$journal\E` lists/, 'a run that is not there');
done_testing;
