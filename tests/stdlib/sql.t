#!/usr/bin/env perl
# The primitives of the group `sql`, through a driver: values are never text, all or nothing, locks
# and limits, and a run that can be stopped while a database is at work.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use Stepwise;
use Test::More;
use Time::HiRes 'sleep';

my $dir = tempdir(CLEANUP => 1);
write_file("$dir/store.rb", <<'RUBY');
binding :store, "Rows" do
  action :keep, effect: :write, repeat: :safe do
    takes :names, :array
    takes :database, :string, default: "people.db"
    takes :state, :boolean, default: true
    takes :wait, :duration, default: 10.seconds
    gives :any
  end
  action :many, effect: :write, repeat: :safe do
    takes :count, :integer
    takes :size, :integer, default: 10
    gives :integer
  end
  action :twice, effect: :write, repeat: :safe do
    gives :any
  end
  action :odd, effect: :write, repeat: :safe do
    takes :what, :symbol
    gives :any
  end
  action :find, effect: :read do
    takes :name, :any
    takes :database, :string, default: "people.db"
    takes :state, :boolean, default: true
    gives :array
  end
  action :all, effect: :read do
    takes :max, :integer, default: 1000
    gives :array
  end
  action :strange, effect: :read do
    takes :what, :symbol
    gives :any
  end
end

driver :sqlite, for: :store, default: true do
  perform :keep do |names, database, state, wait|
    sql.execute(
      database: database, state: state, wait: wait,
      schema: "CREATE TABLE IF NOT EXISTS people(id INTEGER PRIMARY KEY, name UNIQUE, at TEXT)",
      statements: names.map { |n| ["INSERT INTO people(name, at) VALUES (:name, :at)", { name: n, at: time("2026-11-02T09:00:00.25Z") }] } +
        ["SELECT count(*) AS n, 0 AS \"empty?\" FROM people"]
    )
  end
  perform :many do |count, size|
    made = sql.execute(
      database: "people.db", state: true, schema: "CREATE TABLE IF NOT EXISTS people(id INTEGER PRIMARY KEY, name UNIQUE, at TEXT)",
      statements: (1..count).map { |i| ["INSERT INTO people(name) VALUES (?)", ["#{i} " + "x" * size]] }
    )
    made.changes
  end
  perform :twice do
    sql.execute(database: "people.db", state: true, statements: [["INSERT INTO people(name) VALUES (?)", ["whole"]], ["INSERT INTO people(name) VALUES (?)", ["ana"]]])
  end
  perform :odd do |what|
    case what
    when :commit then sql.execute(database: "people.db", state: true, statements: ["INSERT INTO people(name) VALUES ('x')", "COMMIT"])
    when :attach then sql.execute(database: "people.db", state: true, statements: [["ATTACH ? AS other", ["other.db"]]])
    when :pragma then sql.execute(database: "people.db", state: true, statements: ["PRAGMA synchronous=OFF"])
    when :two then sql.execute(database: "people.db", state: true, statements: ["DELETE FROM people; DELETE FROM people"])
    when :few then sql.execute(database: "people.db", state: true, statements: [["DELETE FROM people WHERE name IN (?, ?)", ["ana"]]])
    when :more then sql.execute(database: "people.db", state: true, statements: [["DELETE FROM people WHERE name = ?", ["ana", "bo"]]])
    when :named then sql.execute(database: "people.db", state: true, statements: [["DELETE FROM people WHERE name = :name", { nmae: "ana" }]])
    when :list then sql.execute(database: "people.db", state: true, statements: [["DELETE FROM people WHERE name = ?", [["ana"]]]])
    when :number then sql.execute(database: "people.db", state: true, statements: [["DELETE FROM people WHERE name = ?", 1]])
    when :url then sql.execute(database: "postgres://db.example.org/x", statements: ["SELECT 1"])
    when :memory then sql.execute(database: ":memory:", statements: ["SELECT 1"], create: true)
    when :absent then sql.execute(database: "/nonexistent/x.db", statements: ["SELECT 1"])
    when :syntax then sql.execute(database: "people.db", state: true, statements: ["DELETE FORM people"])
    end
  end
  perform :find do |name, database, state|
    sql.query(database: database, state: state, text: "SELECT name, at FROM people WHERE name = ?", values: [name])
  end
  perform :all do |max|
    sql.query(database: "people.db", state: true, text: "SELECT length(name) AS size FROM people", max: max)
  end
  perform :strange do |what|
    case what
    when :write then sql.query(database: "people.db", state: true, text: "DELETE FROM people")
    when :bytes then sql.query(database: "people.db", state: true, text: "SELECT x'00ff' AS raw")
    when :types then sql.query(database: "people.db", state: true, text: "SELECT ? AS a, ? AS b, ? AS c, ? AS d, ? AS e, ? AS f, ? AS g", values: [1, 1.5, nil, true, "t", :sym, 90.seconds])
    when :forever then sql.query(database: "people.db", state: true, text: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    when :huge then sql.query(database: "people.db", state: true, text: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200) SELECT hex(zeroblob(1000000)) FROM n")
    when :missing then sql.query(database: "none.db", state: true, text: "SELECT 1 AS a", missing: false)
    when :table then sql.query(database: "people.db", state: true, text: "SELECT * FROM absent")
    when :table_named then sql.query(database: "people.db", state: true, text: "SELECT * FROM absent", missing: false)
    end
  end
end
RUBY

my ($number, $journal) = (0, "$dir/journal.db");
sub store {
  my ($body, @options) = @_;
  $number++;
  write_file("$dir/case$number.rb", qq{runbook "case$number" do\n  use "store"\n  step "Do" do\n    timeout 30.seconds\n$body\n    irreversible "it stays"\n  end\nend\n});
  return run_quietly($stepwise, 'run', "$dir/case$number.rb", '--journal', $journal, @options);
}
sub fails {
  my ($name, $body, $pattern) = @_;
  my ($said, $exit) = store($body);
  is($exit, 1, $name) or diag $said;
  like($said, $pattern, '  and says why');
}
sub rows { scalar run_quietly('sqlite3', "$dir/state/people.db", $_[0]) }

my ($said, $exit) = store('    show store.find(name: "ana").size, as: "before"');
like($said, qr/before: 0/, 'a database of the state directory that nobody wrote yet has no rows');
ok(!-e "$dir/state/people.db", 'and is not made by looking');
($said, $exit) = store('    kept = store.keep(names: ["ana", "bo"])' . "\n" . '    show kept.changed.inspect + kept.ids.inspect + kept.rows.first.n.to_s + kept.rows.first.empty.inspect');
is($exit, 0, 'rows are written') or diag $said;
like($said, qr/\[1, 1, 0\]\[1, 2, nil\]2false/, 'and told: changes, ids, rows of the last; name? is true or false');
($said) = store('    show store.find(name: "ana").first.at');
like($said, qr/2026-11-02T09:00:00\.250000Z/, 'a time is a text that sorts');

# What looks like SQL is a value.
my @attacks = (q{'; DROP TABLE people; --}, q{' OR '1'='1}, q{x'), ('y}, q{?}, q{:name}, q{\\'; DELETE FROM people}, "ana\x{2019}");
for my $attack (@attacks) {
  my $literal = $attack =~ s/(["\\#])/\\$1/gr;
  utf8::encode($literal);
  ($said, $exit) = store(qq{    show store.find(name: "$literal").size, as: "found"\n    kept = store.keep(names: ["$literal"])\n    show store.find(name: "$literal").size, as: "then"});
  like($said, qr/found: 0.*then: 1/s, "a value stays one: $number") or diag $said;
}
is(rows('SELECT count(*) FROM people'), 2 + @attacks . "\n", 'the table has what was given and nothing else');

fails('one that fails undoes all of them', '    a = store.twice', qr/UNIQUE constraint failed: people\.name/);
is(rows("SELECT count(*) FROM people WHERE name = 'whole'"), "0\n", '  nothing of it is there');
fails('a statement that ends the transaction', '    a = store.odd(what: :commit)', qr/not authorized.*ATTACH, PRAGMA and what begins or ends a transaction/s);
fails('another file', '    a = store.odd(what: :attach)', qr/not authorized/);
fails('a switch of the connection', '    a = store.odd(what: :pragma)', qr/not authorized/);
fails('two statements in one text', '    a = store.odd(what: :two)', qr/two statements in one text/);
fails('too few values', '    a = store.odd(what: :few)', qr/2 places in the SQL text, 1 values/);
fails('too many', '    a = store.odd(what: :more)', qr/1 places in the SQL text, 2 values/);
fails('a name without a value', '    a = store.odd(what: :named)', qr/no value for :name/);
fails('a list as a value', '    a = store.odd(what: :list)', qr/array cannot be a value of a statement/);
fails('values that are none', '    a = store.odd(what: :number)', qr/values: is integer, not an array or a hash/);
fails('a database of another make', '    a = store.odd(what: :url)', qr/not the path of a SQLite file/);
fails('one in memory', '    a = store.odd(what: :memory)', qr/":memory:" is no path of a database file/);
fails('one that is not there', '    a = store.odd(what: :absent)', qr{database /nonexistent/x\.db: No such file.*check the path, or say create: true}s);
fails('what is not SQL', '    a = store.odd(what: :syntax)', qr/near "FORM": syntax error/);
is(rows('SELECT count(*) FROM people'), 2 + @attacks . "\n", 'none of them changed anything');
fails('a query that writes', '    show store.strange(what: :write)', qr/sql\.query only reads.*sql\.execute writes/s);
fails('a column of bytes', '    show store.strange(what: :bytes)', qr/the column raw holds bytes/);
fails('rows that are too much', '    show store.strange(what: :huge).size', qr/the rows hold more than 67108864 bytes/);
fails('a database that is not there', '    show store.strange(what: :missing)', qr/none\.db: No such file or directory/);
($said) = store('    show store.strange(what: :table).size, as: "rows"');
like($said, qr/rows: 0/, 'a table that is not there yet has no rows');
fails('unless it must be there', '    show store.strange(what: :table_named)', qr/no such table: absent/);
($said) = store('    show store.strange(what: :types).inspect');
like($said, qr/a: 1, b: 1\.5, c: nil, d: 1, e: "t", f: "sym", g: 90(?:\.0)?/, 'numbers, nil, truth, texts and durations');

($said, $exit) = store('    n = store.many(count: 3000, size: 5000)' . "\n    show n");
is($exit, 0, 'many and large ones') or diag $said;
is(rows("SELECT count(*) FROM people WHERE length(name) > 5000"), "3000\n", '  are all there');
fails('more rows than asked for', '    show store.all(max: 100).size', qr/more than 100 rows.*say LIMIT in the text, or max: with more rows/s);
($said) = store('    show store.all(max: 100000).size, as: "rows"');
like($said, qr/rows: @{[3002 + @attacks]}/, 'or all of them');

# Another program holds the database.
open my $other, '|-', 'sqlite3', "$dir/state/people.db" or die;
$other->autoflush;
print $other "BEGIN EXCLUSIVE;\n.shell touch $dir/locked\n";
sleep 0.05 until -e "$dir/locked";
fails('a database that another program writes', '    a = store.keep(names: ["late"], wait: 200.milliseconds)', qr/database is locked.*another program is writing to it/s);
my $pid = fork // die;
if (!$pid) { sleep 0.5; print $other "COMMIT;\n"; close $other; POSIX::_exit(0) }
($said, $exit) = store('    a = store.keep(names: ["late"])');
waitpid $pid, 0;
close $other;
is($exit, 0, 'is waited for') or diag $said;

# Reads and writes that do not end are stopped: by the step's limit, and by Ctrl-C.
$number++;
write_file("$dir/forever.rb", qq{runbook "forever" do\n  use "store"\n  step "Do" do\n    timeout 1.second\n    show store.strange(what: :forever)\n  end\nend\n});
($said, $exit) = run_quietly($stepwise, 'run', "$dir/forever.rb", '--journal', $journal);
like($said, qr/took longer than its timeout/, 'a query that never ends is cut off') or diag $said;
write_file("$dir/forever.rb", read_file("$dir/forever.rb") =~ s/1\.second/50.seconds/r);
my $from;
my $run = open($from, '-|') // die;
if (!$run) { open STDERR, '>&', \*STDOUT; exec $stepwise, 'run', "$dir/forever.rb", '--journal', $journal or die }
sleep 0.1 until run_quietly('sqlite3', $journal, "SELECT max(kind = 'action.started') FROM event WHERE run = (SELECT run FROM run ORDER BY first_seq DESC LIMIT 1) AND run IN (SELECT run FROM run WHERE runbook = 'forever' AND state = 'running')") =~ /^1/;
sleep 0.3;
kill 'INT', $run;
local $/;
$said = <$from>;
close $from;
like($said, qr/interrupted|cancelled/, 'and by Ctrl-C') or diag $said;

# The loop goes on: a query that never ends, beside a branch that does.
write_file("$dir/beside.rb", qq{runbook "beside" do\n  use "store"\n  parallel at_once: 2 do\n    step "Slow" do\n      timeout 2.seconds\n      show store.strange(what: :forever)\n      on_failure :continue\n    end\n    step "Quick" do\n      wait 10.milliseconds\n      note "quick is done"\n    end\n  end\nend\n});
($said, $exit) = run_quietly($stepwise, 'run', "$dir/beside.rb", '--journal', $journal);
like($said, qr/quick is done.*timeout of 2 seconds/s, 'others go on meanwhile') or diag $said;
# --- a writer that was killed in the middle of writing a table: what it left is undone by who reads next ---
{
  unlink "$dir/state/people.db";
  rows('CREATE TABLE people(id INTEGER PRIMARY KEY, name UNIQUE, at TEXT); ' .
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO people(name) SELECT printf('%0500d', i) FROM n");
  my $pid = open my $writer, '|-', 'sqlite3', "$dir/state/people.db" or die "sqlite3: $!";
  $writer->autoflush;
  print $writer "PRAGMA cache_size = 5;\nBEGIN IMMEDIATE;\nUPDATE people SET name = 'half' || name;\n.shell touch $dir/half\n";
  sleep 0.05 until -e "$dir/half";
  kill 'KILL', $pid;
  close $writer;
  ok(-s "$dir/state/people.db-journal", 'it left its journal');
  ($said, $exit) = store('    rows = store.all' . "\n" . '    show rows.size, as: "rows"' . "\n" . '    show rows.count { |row| row[:size] > 500 }, as: "half"');
  is($exit, 0, 'the next reads it') or diag $said;
  like($said, qr/rows: 500\s+half: 0/, '  as it was before');
}
done_testing;
