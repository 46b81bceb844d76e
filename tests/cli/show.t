#!/usr/bin/env perl
# What `show` makes of a run: the tree whatever ran side by side, what is open, what can be done.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use Runs;
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $count = 0;
my $journal;

sub ran {
  my ($text, @more) = @_;
  $count++;
  $journal = "$dir/$count.db";
  write_file("$dir/r$count.rb", "runbook \"book\" do\n$text\nend\n$pool");
  my ($said) = run_quietly($stepwise, 'run', "$dir/r$count.rb", '--virtual-clock', '--journal', $journal, @more);
  return $said;
}
sub show { my ($said, $exit) = run_quietly($stepwise, 'show', @_, '--journal', $journal); return $said }
# Times and ids are not compared.
sub plain { my ($said) = @_; return $said =~ s/\d{8}-\d{6}-\w+/RUN/gr =~ s/^\d\d:\d\d:\d\d/TIME    /gmr =~ s/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/WHEN/gr =~ s/\b[\d.]+ ms\b/MS/gr =~ s/by [\w-]+@[\w.-]+/by WHO/gr =~ s{\Q$dir\E/}{}gr }
sub tree { my ($said) = @_; my ($tree) = plain($said) =~ /\n\n(.*?)\n\n/s; return "$tree\n" }

# -- the tree --
my $beside = <<'RB';
  title "Side by side"
  section "Prepare" do
    step "Look" do
      show pool.size, as: "size"
    end
  end
  section "Do it" do
    parallel do
      section "Left" do
        step "L1" do
          note "l1 begins"
          wait 2.seconds
          note "l1 ends"
        end
        step "L2" do
          note "l2"
        end
      end
      step "R1" do
        wait 1.second
        note "r1"
      end
    end
    each_of ["a", "b"], at_once: 2 do |node|
      step "Drain #{node}", id: "drain" do
        wait 1.second
        x = pool.drain(node: node)
        rollback { pool.restore(node: node) }
      end
      step "Look at #{node}", id: "look-at" do
        note "#{x.count}"
      end
    end
    step "Twice" do
      expect 1 > 2, "one is less"
    end
  end
  step "Never" do
    note "x"
  end
RB
ran($beside);
is(tree(show()), <<'TREE', 'what ran side by side is told branch by branch');
          Prepare
TIME        Look  (look)
TIME          pool.size = 7, MS
TIME          size: 7
TIME          ok, MS
          Do it
            side by side
              Left
TIME            L1  (l1)
TIME              l1 begins
TIME              waits until WHEN
TIME              l1 ends
TIME              ok, 2 seconds
TIME            L2  (l2)
TIME              l2
TIME              ok, MS
TIME          R1  (r1)
TIME            waits until WHEN
TIME            r1
TIME            ok, 1 second
            a
TIME          Drain a  (drain[a])
TIME            waits until WHEN
TIME            pool.drain(node: "a") = {node: "a", count: 1}, MS
TIME            ok, 1 second
TIME          Look at a  (look-at[a])
TIME            1
TIME            ok, MS
            b
TIME          Drain b  (drain[b])
TIME            waits until WHEN
TIME            pool.drain(node: "b") = {node: "b", count: 1}, MS
TIME            ok, 1 second
TIME          Look at b  (look-at[b])
TIME            1
TIME            ok, MS
TIME        Twice  (twice)
TIME          FAILED, attempt 1, MS
              one is less (expect)
              at r1.rb:36:7
TIME      held: done and not undone, latest first: drain[b], drain[a]
          not reached: never
TREE
my $end = plain(show()) =~ s/.*\n\n(?=held since)//sr;
is($end, <<"END", 'how it stands and what can be done');
held since WHEN, at step twice: one is less
done and not undone, latest first: drain[b], drain[a]

what can be done:
  stepwise resume RUN --journal $count.db
      tries the step again and goes on
  stepwise rollback RUN --journal $count.db
      undoes what it did
  stepwise cancel RUN --reason TEXT --journal $count.db
      ends it; what was done stays
END

# -- a rollback --
ran("  on_failure :rollback\n  step \"First\" do\n    pool.drain node: \"a\"\n    rollback { pool.restore node: \"a\" }\n  end\n"
  . "  step \"Reboot\" do\n    pool.reboot node: \"a\"\n    irreversible \"it was rebooted\"\n  end\n  step \"Fail\" do\n    expect 1 > 2, \"no\"\n  end");
like(tree(show()), qr/rolling back: no\nTIME      undo  \(reboot\)\nTIME        cannot be undone: it was rebooted\nTIME      undo  \(first\)\nTIME        pool\.restore\(node: "a"\), MS\nTIME        undone, MS\nTIME      rolled back\n/, 'a rollback is told below the steps') or diag show();

# -- people --
ran("  step \"Ask\" do\n    confirm \"Shall it be?\"\n  end");
like(plain(show()), qr/waiting since WHEN, on operator.*\nasked and not answered: Shall it be\?\n\nwhat can be done:\n  stepwise resume RUN/s, 'a question that nobody answered');
run_quietly($stepwise, 'note', 'last', "phoned \e[31mkim", '--journal', $journal);
like(show(), qr/ \S+@\S+ notes: phoned \?\[31mkim\n/, 'what operators noted, tamed');
run_quietly($stepwise, 'cancel', 'last', '--reason', 'no answer', '--journal', $journal);
run_quietly($stepwise, 'seal', 'last', '--reason', 'closed', '--journal', $journal);
like(plain(show()), qr/cancelled by WHO: no answer\nTIME      sealed by WHO: closed\n.*\nsealed by WHO: it stays as it is\n$/s, 'its end and its seal');
unlike(show(), qr/what can be done/, 'after which nothing can be done');

# -- retries, findings, notes --
ran("  step \"Dead\" do\n    guard \"the pool has nodes\", pool.size > 0\n    retries 1, backoff: 1.second\n    finding \"disk is full\", kind: :root_cause\n"
  . "    follow_up \"order disks\", owner: \"kim\"\n    show [{ a: 1, b: \"x\" }, { a: 2, b: \"y\" }], as: \"rows\"\n    pool.reboot node: \"dead\"\n    irreversible \"it was\"\n  end");
my $dead = tree(show());
like($dead, qr/guard holds: the pool has nodes\n.*finding, root_cause: disk is full\n.*to do: order disks, kim\n/s, 'guards, findings and follow-ups');
like($dead, qr/pool\.reboot\(node: "dead"\) failed, MS\n +dead does not answer \(transient\)\n/, 'a failed action with its error') or diag $dead;
like($dead, qr/rows:?\n +a +b\n +1 +x\n +2 +y\n/, 'a table') or diag $dead;

# -- child runs --
write_file("$dir/child.rb", "runbook \"child\" do\n  input :n, :integer\n  step \"C\" do\n    expect input.n < 9, \"too many\"\n  end\nend\n");
ran("  section \"Kids\" do\n    parallel do\n      x = run \"child\", n: 1\n      section \"Beside\" do\n        step \"S\" do\n          note \"s\"\n        end\n      end\n    end\n    start \"child\", n: 2\n  end\n"
  . "  run \"child\", n: 10\n  step \"After\" do\n    note \"after\"\n  end");
my ($parent) = map { $_->{run} } grep { $_->{runbook} eq 'book' } map { decode_json($_) } split /\n/, (run_quietly($stepwise, 'runs', '--json', '--journal', $journal))[0];
is(tree(show($parent)), <<'TREE', 'child runs stand where they were begun');
          Kids
            side by side
TIME          child, child run RUN
TIME            ended: succeeded
              Beside
TIME            S  (s)
TIME              s
TIME              ok, MS
TIME        child, child run RUN: succeeded
TIME      child, child run RUN
TIME        ended: held
TIME      held: nothing was changed
          not reached: after
TREE

# -- a hash of one text is no text of the journal's --
{
  write_file("$dir/one.rb", <<'RB');
runbook "one" do
  use "web"
  step "Restart" do
    web.post(url: "http://127.0.0.1:9/restarts", json: { reason: "deploy" })
    irreversible "it is restarted"
  end
end
RB
  $journal = "$dir/one.db";
  run_quietly($stepwise, 'run', "$dir/one.rb", '--drill', '--journal', $journal);
  like(show(), qr/  web\.post\(url: .*\n.*  ok, /, 'a hash of one text is shown') or diag show();
}

# -- days --
ran("  timeout 3.days\n  step \"Long\" do\n    timeout 2.days\n    deadline 2.days\n    wait 30.hours\n    note \"at last\"\n  end");
like(show(), qr/^\+[12]d\d\d:\d\d    at last$/m, 'a later day is told by its number') or diag show();

# -- JSON --
ran($beside);
my @lines = map { decode_json($_) } split /\n/, show('--json');
is($lines[0]{kind}, 'run.started', '--json has the events');
my $brief = decode_json(show('--json', '--brief'));
is_deeply([@$brief{qw(state recorded step why runbook title)}], ['held', 'held', 'twice', 'one is less', 'book', 'Side by side'], '--json --brief says how it stands');
is_deeply([map { s/ \d\S+//r } map { s/ --journal.*//r } @{$brief->{next}}], ['stepwise resume', 'stepwise rollback', 'stepwise cancel --reason TEXT'], 'and what can be done');
like(show('--brief'), qr/^held since .*\nwhat can be done:\n/s, '--brief is the end alone');

# -- a text that cannot be read any more gives a list instead of a tree --
SKIP: {
  skip 'sqlite3 is not installed', 1 if system('sqlite3 -version >/dev/null 2>&1') != 0;
  system('sqlite3', $journal, 'DROP TRIGGER text_no_update; UPDATE text SET body = x\'00\'');
  like(show(), qr/  Prepare\n\d\d:\d\d:\d\d  Look  \(look\)\n/, 'without its text') or diag show();
}

done_testing;
