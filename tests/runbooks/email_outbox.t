#!/usr/bin/env perl
# The email runbook on the embedded outbox and the real clock, with people from a file: who got what, each
# once, unsubscribes that hold from one campaign to the next, a process that is killed in the middle.
use strict;
use warnings;
use lib 'tests/lib';
use Children;
use Messaging;
use Stepwise;
use Test::More;

my %yes = ('verify-template' => 'leave_out', 'test-send' => 'yes', 'approve launch' => { answer => 'approve', by => 'lead-1' });
my $set = { campaign => 'spring', segment => 'market', test_address => 'staff@example.org', monitor => '3s', throttle => 200, unsubscribe => 'https://example.org/u?who={{email}}' };
my $site = qq{site "office" do\n  role :messaging_lead, members: ["lead-1"], typed: true\n  role :leadership, members: ["head-1"]\nend\n};
my $dir = room();
write_file("$dir/site.rb", $site);
my ($said, $exit);
sub launch { my ($answers) = @_; ($said, $exit) = run_in($dir, 'email-campaign-launch', $set, $answers, '--site', "$dir/site.rb") }
sub sent { return join ' ', rows_in($dir, $_[0], 'email.db') }

# --- 500 people: some without consent, some opted out, some without an address, one twice ---
my @people = sample_people(500);
$people[$_]{consent} = 'no' for 0 .. 19;
$people[$_]{opted_out} = 'yes' for 20 .. 39;
$people[$_]{email} = '' for 40 .. 49;
$people[81]{email} = $people[80]{email};
write_people($dir, 'market', @people);
launch(\%yes);
is($exit, 0, '500 people of a file') or diag $said;
my @may = map { $_->{email} } @people[50 .. 80, 82 .. 499];
is(sent('SELECT address FROM mail WHERE campaign IS NOT NULL ORDER BY address'), join(' ', sort @may), 'who may be written to is, each once, and nobody else');
like($said, qr/without_consent\s+20\s+opted_out\s+20\s+no_address\s+10\n/, 'who may not is counted');
like($said, qr/1 refused: it stands in the list before\n/, 'who is there twice is refused, and told');
is(sent("SELECT body FROM mail WHERE address = 'sample300\@example.org'") =~ s/\s+/ /gr, 'Hello Sample 300, it opens on Saturday. Unsubscribe: https://example.org/u?who=sample300%40example.org', 'each has a letter of their own');

# --- people who unsubscribe, between two campaigns ---
write_file("$dir/state/email-unsubscribes.txt", join '', map { "$people[$_]{email}\n" } 100 .. 104);
write_file("$dir/crm/campaigns/spring.email.subject.txt", "The market, once more\n");
launch(\%yes);
is($exit, 0, 'the next campaign') or diag $said;
my %left = map { $people[$_]{email} => 1 } 100 .. 104;
is(sent("SELECT address FROM mail WHERE subject = 'The market, once more' AND campaign IS NOT NULL ORDER BY address"), join(' ', sort grep { !$left{$_} } @may), 'who unsubscribed is not written to again, everybody else is');
like($said, qr/5 refused: suppressed since \d{4}-\d\d-\d\d: unsubscribed\n/, '  and the launch says so');

# --- the same letter a second time is a question, and no is an answer ---
my ($had) = sent('SELECT count(*) FROM mail');
launch({ %yes, 'verify-unsubscribe-link' => 'no' });
is($exit, 6, 'the same campaign once more, and somebody says no') or diag $said;
like($said, qr/The letter of spring went out before, at .+ as campaign [0-9a-f]{16}: 444 people have it\. Launch it again\? no/, '  to what was asked') or diag $said;
is(sent('SELECT count(*) FROM mail'), $had, '  nobody is written to');

# --- letters that are not right ---
my ($before) = sent('SELECT count(*) FROM mail');
my $text = read_file("$dir/crm/campaigns/spring.email.txt");
for (['no unsubscribe link', $text =~ s/\{\{unsubscribe\}\}/by phone/r, qr/text: \{\{unsubscribe\}\} is missing/],
  ['a place that nobody has a value for', "{{first_name}} $text", qr/first_name/], ['a place that is not closed', "{{name $text", qr/the letter of spring: /]) {
  my ($what, $wrong, $why) = @$_;
  write_file("$dir/crm/campaigns/spring.email.txt", $wrong);
  launch(\%yes);
  is($exit, 6, "a template with $what");
  like($said, $why, '  it is said') or diag $said;
}
is(sent('SELECT count(*) FROM mail'), $before, 'and nobody is written to');

# --- killed in the middle ---
$set->{throttle} = 60;
$dir = room();
write_file("$dir/site.rb", $site);
write_people($dir, 'market', sample_people(500));
my @command = ('run', runbook_of('email-campaign-launch'), '--journal', "$dir/journal.db", '--site', "$dir/site.rb", answers_in($dir, \%yes));
chdir $dir;
my $pid = start_program("$dir/out", $stepwise, @command, map { ('--set', "$_=$set->{$_}") } sort keys %$set);
chdir $top;
my $count = sub { -s "$dir/state/email.db" && scalar(run_quietly('sqlite3', "$dir/state/email.db", 'SELECT count(*) FROM mail')) =~ /^(\d+)$/ ? $1 : 0 };
ok(wait_for(sub { $count->() > 60 }, 60), 'a launch is under way') or diag read_file("$dir/out");
kill 'KILL', $pid;
end_program($pid);
my $there = $count->();
cmp_ok($there, '<', 501, "  and is killed after $there letters");
my ($run) = map { $_->{run} } kinds_of('run.started', events_in($dir));
($said, $exit) = verb_in($dir, 'resume', $run, answers_in($dir, \%yes));
is($exit, 0, 'it is resumed') or diag $said;
is(sent('SELECT count(*), count(DISTINCT address), count(DISTINCT key) FROM mail'), '501|501|501', 'and everybody has it, each once');
is(sent('SELECT count(DISTINCT campaign) FROM mail'), '1', '  in one campaign');
done_testing;
