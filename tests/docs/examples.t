#!/usr/bin/env perl
# Runs every example of README.md and docs/. The info string of a fenced block says how:
#
#   ```ruby eval        each line is EXPRESSION # => what `stepwise eval` prints,
#                       or EXPRESSION # error: words of the message
#   ```ruby runbook     a whole file; `stepwise lint` accepts it without a word
#   ```ruby plan        the same, put inside `runbook "example" do ... end`
#   ```ruby body        the same, put inside a step of such a runbook
#   ```ruby module      a file of bindings and drivers
#   ```python file=X.py a program that the console blocks start
#   ```console          lines after `$ ` are commands; what follows each is what it prints,
#                       stderr included. They run in order, in one directory for each document, with
#                       runbooks/ and examples/ in it.
#
# After the kind may stand:
#   error=RB201         lint refuses it with this code and exit code 3
#   run                 runs it too; the next block, ```output, is all that it prints
#   exit=N              the exit code of that run
#   file=NAME.rb        keeps it under this name for the document's console blocks
#   and further words: arguments of `stepwise run`.
# A block ```output after an error= block is the whole message. In expected text `...` stands for
# anything within a line, and a line that is only `...` for any lines. A ruby block of no kind fails.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Temp 'tempdir';
use Test::More;

my ($bin) = $stepwise =~ m{^(.*)/};
my $dir = tempdir(CLEANUP => 1);
my (@ruby, $serial);
@ENV{qw(HOME PATH)} = ($dir, "$bin:$ENV{PATH}");

for my $document ('README.md', sort glob 'docs/*.md') {
  my $work = "$dir/" . $document =~ s{[/.]}{_}gr;
  mkdir $work;
  symlink "$top/$_", "$work/$_" for 'runbooks', 'examples';
  my @blocks = blocks($document);
  for my $i (0 .. $#blocks) {
    my ($next) = $i < $#blocks && $blocks[$i + 1]{kind} eq 'output' ? $blocks[$i + 1]{text} : undef;
    chdir $work;
    check($blocks[$i], $next, $work);
    chdir $top;
  }
}
ruby_accepts();
done_testing;

# The fenced blocks of a document: where, kind, options, text.
sub blocks {
  my ($document) = @_;
  open my $in, '<:raw', $document or die "$document: $!";
  my (@blocks, $open);
  while (<$in>) {
    if ($open && /^```\s*$/) {
      push @blocks, $open;
      undef $open;
    } elsif ($open) {
      $open->{text} .= $_;
    } elsif (/^```(\S*)\s*(.*?)\s*$/) {
      my ($language, @words) = ($1, split ' ', $2);
      my $kind = $language eq 'ruby' ? 'ruby ' . (shift(@words) // '') : $language;
      my %option;
      while (@words && $words[0] =~ /^(?:(error|exit|file)=(\S+)|(run))$/) {
        $option{ $1 // $3 } = $2 // 1;
        shift @words;
      }
      $open = { at => "$document:$.", kind => $kind, option => \%option, arguments => \@words, text => '' };
    }
  }
  fail("$open->{at}: a block is not closed") if $open;
  return @blocks;
}

sub check {
  my ($block, $next, $work) = @_;
  my %run = (
    'ruby eval'    => \&check_eval,
    'ruby runbook' => \&check_file,
    'ruby plan'    => sub { check_file(wrapped($_[0], ''), @_[1, 2]) },
    'ruby body'    => sub { check_file(wrapped($_[0], "  step \"Example\" do\n", "  end\n"), @_[1, 2]) },
    'ruby module'  => \&check_file,
    'console'      => \&check_console,
    'python'       => sub { write_file("$_[2]/$_[0]{option}{file}", $_[0]{text}) },
  );
  my $check = $run{ $block->{kind} };
  if ($check) { $check->($block, $next, $work) }
  elsif ($block->{kind} =~ /^ruby/) { fail("$block->{at}: does not say how to run it") }
}

# All lines of a block in one go, one line of output for each.
sub check_eval {
  my ($block, undef, $work) = @_;
  my (@codes, @wants);
  my $line = $block->{at} =~ s/^.*://r;
  for (split /\n/, $block->{text}) {
    $line++;
    next if /^\s*(?:#.*)?$/;
    my $at = $block->{at} =~ s/\d+$/$line/r;
    my ($code, $mark, $want) = /^(.*?)\s+# (=>|error:) (.*)$/ or do { fail("$at: no `# =>`: $_"); next };
    push @codes, $code;
    push @wants, [$at, $mark, $want];
  }
  write_file("$work/lines", join '', map { "$_\n" } @codes);
  my ($out) = run_quietly($stepwise, 'eval', '--lines', "$work/lines");
  my @got = split /\n/, $out;
  is(scalar @got, scalar @codes, "$block->{at}: a line for each") or diag $out;
  for my $i (0 .. $#codes) {
    my ($at, $mark, $want) = @{ $wants[$i] };
    my $got = $got[$i] // '';
    my $good = $mark eq '=>' ? $got eq $want : $got =~ /^error at \d+: / && index($got, $want) >= 0;
    ok($good, "$at: $codes[$i]") or diag "got: $got\nwant: $want";
  }
}

sub wrapped {
  my ($block, $before, $after) = @_;
  my $inside = $block->{text} =~ s/^(?=.)/$before ? '    ' : '  '/gemr;
  return { %$block, text => "runbook \"example\" do\n  title \"Example\"\n$before$inside" . ($after // '') . "end\n" };
}

sub check_file {
  my ($block, $next, $work) = @_;
  my %option = %{ $block->{option} };
  my $name = $option{file} || 'example' . ($option{run} || $option{error} ? '' : ++$serial) . '.rb';
  write_file("$work/$name", $block->{text});
  push @ruby, [$block->{at}, $block->{text}] unless ($option{error} || '') =~ /^RB[01]/;
  my ($said, $exit) = run_quietly($stepwise, 'lint', $name);
  if (my $code = $option{error}) {
    ok($exit == 3 && $said =~ /error\[\Q$code\E\]/, "$block->{at}: refused with $code") or diag "exit $exit\n$said";
    like($said, pattern($next), "$block->{at}: the message") if defined $next;
    return;
  }
  ok($exit == 0 && $said eq '', "$block->{at}: lint accepts it") or diag "exit $exit\n$said";
  return unless $option{run};
  (my $out, $exit) = run_quietly($stepwise, 'run', $name, @{ $block->{arguments} });
  is($exit, $option{exit} || 0, "$block->{at}: exit code of the run") or diag $out;
  return fail("$block->{at}: no output block follows") unless defined $next;
  like($out, pattern($next), "$block->{at}: what the run prints") or diag $out;
}

sub check_console {
  my ($block) = @_;
  my @commands = split /^\$ /m, $block->{text};
  shift @commands;
  ok(@commands, "$block->{at}: holds a command") or return;
  for (@commands) {
    my ($command, $want) = split /\n/, $_, 2;
    my ($got) = run_quietly('/bin/sh', '-c', $command);
    like($got, pattern($want // ''), "$block->{at}: $command");
  }
}

# Every file that lint accepts is valid Ruby; so is what it refuses for its names and types.
sub ruby_accepts {
SKIP: {
    skip 'ruby is not installed; ' . @ruby . ' examples not shown to it', 1 unless has_ruby();
    my $n = 0;
    write_file("$dir/" . sprintf('%04d.rb', $n++), "# $_->[0]\n$_->[1]") for @ruby;
    write_file("$dir/check", <<'RUBY');
ARGV.each do |f|
  RubyVM::InstructionSequence.compile(File.read(f), f)
rescue SyntaxError => e
  puts File.readlines(f).first, e.message
end
RUBY
    my $said = run_quietly('ruby', '-W0', "$dir/check", sort glob "$dir/[0-9]*.rb");
    is($said, '', scalar(@ruby) . ' examples are valid Ruby');
  }
}
