# What the tests of the messaging runbooks share: running one in a directory of its own, its events, its
# outbox, and people who are plainly made up.
package Messaging;
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use Children;
use File::Path 'make_path';
use File::Temp 'tempdir';
use JSON::PP;
use Exporter 'import';
our @EXPORT = qw(room runbook_of answers_in run_in drill_in verb_in events_in kinds_of data_of rows_in drill_rows people sample_people write_people daytime);

# A directory with crm/ as the driver `files` wants it: the segment and texts of campaign `spring`.
sub room {
  my $dir = tempdir(CLEANUP => 1);
  make_path("$dir/crm/segments", "$dir/crm/campaigns", "$dir/state");
  write_file("$dir/crm/campaigns/spring.sms.txt", "The spring market opens on Saturday. Reply STOP to opt out.\n");
  write_file("$dir/crm/campaigns/spring.email.subject.txt", "The spring market\n");
  write_file("$dir/crm/campaigns/spring.email.txt", "Hello {{name}},\n\nit opens on Saturday.\n\nUnsubscribe: {{unsubscribe}}\n");
  write_file("$dir/crm/campaigns/spring.email.html", qq{<p>Hello {{name}},</p><p>it opens on Saturday.</p><p><a href="{{unsubscribe}}">Unsubscribe</a></p>\n});
  return $dir;
}

sub runbook_of { return "$top/runbooks/messaging/$_[0].rb" }
sub answers_in { my ($dir, $answers) = @_; write_file("$dir/answers.json", encode_json($answers)); return ('--answers', "$dir/answers.json") }

# The program, run in that directory: (what it said, its exit code).
sub verb_in {
  my ($dir, @args) = @_;
  chdir $dir or die "$dir: $!";
  my @gave = run_quietly($stepwise, @args, '--journal', "$dir/journal.db");
  chdir $top;
  return @gave;
}

# run_in DIR, RUNBOOK, {input => value}, ANSWERS, options: (what it said, its exit code).
sub run_in {
  my ($dir, $runbook, $set, $answers, @options) = @_;
  return verb_in($dir, 'run', runbook_of($runbook), answers_in($dir, $answers), (map { ('--set', "$_=$set->{$_}") } sort keys %$set), @options);
}
sub drill_in { my ($dir, $runbook, $set, $answers, @options) = @_; return run_in($dir, $runbook, $set, $answers, '--drill', @options) }

# All events, or those of a run; by kind; the data of a kind.
sub events_in {
  my ($dir, @run) = @_;
  my ($said) = verb_in($dir, 'journal', 'export', @run);
  return map { decode_json($_) } grep { /^\{/ } split /\n/, $said;
}
sub kinds_of { my ($kind, @events) = @_; return grep { $_->{kind} eq $kind } @events }
sub data_of { return map { $_->{data} } kinds_of(@_) }

# Rows of a file of the state directory, columns parted by `|`.
sub rows_in {
  my ($dir, $sql, $file) = @_;
  my ($said, $exit) = run_quietly('sqlite3', "$dir/state/" . ($file // 'outbox.db'), $sql);
  die "$sql: $said" if $exit;
  return split /\n/, $said;
}

# The same in the directory of the only, or the latest, drill.
sub drill_rows {
  my ($dir, $sql, $file) = @_;
  my @drills = sort { (stat $b)[9] <=> (stat $a)[9] || $b cmp $a } glob "$dir/state/drill/*";
  my ($said, $exit) = run_quietly('sqlite3', "$drills[0]/" . ($file // 'outbox.db'), $sql);
  die "$sql: $said" if $exit;
  return split /\n/, $said;
}

# A zone where it is between noon and one o'clock now: the first; and one where it is midnight.
sub daytime {
  my $ahead = 12 - (gmtime)[2]; # hours that such a zone is before UTC
  my $name = sub { my ($h) = @_; return $h == 0 ? 'Etc/GMT' : sprintf 'Etc/GMT%s%d', $h > 0 ? '-' : '+', abs $h };
  return ($name->($ahead), $name->($ahead > 0 ? $ahead - 12 : $ahead + 12));
}

# N people of a segment, all with consent, in a zone where it is day.
sub sample_people {
  my ($n) = @_;
  my ($day) = daytime();
  return map { { id => sprintf('sample-%05d', $_), name => "Sample $_", phone => sprintf('+1555501%04d', $_), email => "sample$_\@example.org",
                 consent => 'yes', opted_out => 'no', zone => $day } } 1 .. $n;
}
sub write_people {
  my ($dir, $segment, @people) = @_;
  my @columns = qw(id name phone email consent opted_out zone);
  write_file("$dir/crm/segments/$segment.csv", join '', map { "$_\n" } join(',', @columns), map { my $p = $_; join ',', map { $p->{$_} // '' } @columns } @people);
  return @people;
}

1;
