#!/usr/bin/env perl
# docs/bindings.md is what `make docs` writes, and each call that it shows is one that lint accepts.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use JSON::PP;
use Stepwise;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my ($page, $exit) = run_quietly($stepwise, 'doc', '--markdown');
is($exit, 0, 'the page is written');
ok($page eq read_file('docs/bindings.md'), 'docs/bindings.md is up to date') or diag "run `make docs`\n", difference($page);

my $all = decode_json(scalar run_quietly($stepwise, 'doc', '--json'));
my $actions = 0;
for my $module (@{ $all->{modules} }) {
  my $text = '';
  for my $action (map { @{ $_->{actions} } } @{ $module->{bindings} }) {
    $actions++;
    ok(index($page, "`$action->{name}`") >= 0, "$action->{name} is on the page");
    my $show = $action->{usage} =~ /^result = / ? "    show result\n" : '';
    my $undo = $action->{effect} eq 'write' ? "    irreversible \"it is an example\"\n" : '';
    $text .= "  step \"$action->{name}\" do\n    $action->{usage}\n$show$undo  end\n";
  }
  next unless $text;
  write_file("$dir/$module->{name}_calls.rb", "runbook \"calls\" do\n  title \"Calls\"\n  use \"$module->{name}\"\n$text" . "end\n");
  my ($said, $code) = run_quietly($stepwise, 'lint', "$dir/$module->{name}_calls.rb");
  is("$code $said", '0 ', "each call of $module->{name} is accepted as it is shown");
}
cmp_ok($actions, '>', 20, "$actions actions were tried");

# Every primitive stands in the group of its name, with every parameter.
my %group = map { $_->{name} => $_ } @{ $all->{primitives} };
my @lost = grep { !$group{$_} } map { /^PRIMITIVE\(([a-z]+)_/ ? $1 : () } split /\n/, read_file('runtime/primitives/primitive.def');
is("@lost", '', 'each group of primitives is described in docs/primitives/');
for my $group (values %group) {
  cmp_ok(scalar @{ $group->{primitives} }, '>', 0, "$group->{name} holds primitives");
  my ($section) = $page =~ /^### \Q$group->{name}\E: (.*?)(?=^### |\z)/ms;
  for my $primitive (@{ $group->{primitives} }) {
    my ($row) = $section =~ /^(\| `\Q$primitive->{name}\E` \|.*)$/m;
    ok($row, "$primitive->{name} has a row") or next;
    my @missing = grep { $row !~ /`\Q$_->{name}\E\??`/ || $section !~ /^\| `\Q$_->{name}\E` \| /m } @{ $primitive->{takes} };
    is(join(' ', map { $_->{name} } @missing), '', "$primitive->{name}: its parameters");
  }
}
done_testing;

sub difference {
  my ($page) = @_;
  my %is = map { $_ => 1 } split /\n/, read_file('docs/bindings.md');
  my %want = map { $_ => 1 } split /\n/, $page;
  return join '', map { "$_\n" } (map { "- $_" } grep { !$want{$_} } sort keys %is), (map { "+ $_" } grep { !$is{$_} } sort keys %want);
}
