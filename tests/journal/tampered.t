#!/usr/bin/env python3
"""What can be done to a journal, and that both verifiers see it, at the same event, by the same name.

Every case is one function that changes a copy of a sound journal of 17 events (1: journal.created,
then 4 runs of 4 events each, 2 to 5, 6 to 9, 10 to 13, 14 to 17)."""
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from tamper import STEPWISE, WRITER, Copy, both, hashed, ok, plan, said  # noqa: E402
cases = []


def case(expected):
    """expected: (number, how); None for a problem that is no event's; "good"."""
    return lambda fn: cases.append((expected, fn)) or fn


@case("good")
def nothing(j):
    pass


for number in (1, 2, 9, 17):
    @case((number, "changed"))
    def data_changed(j, number=number):
        j.run("UPDATE event SET data = replace(data, '{', '{ ') WHERE seq = ?", number)

for column, value in (("time_us", 1), ("run", "20261102-0001"), ("step", "x"), ("kind", "noted"), ("actor", "eve@ops")):
    @case((7, "changed"))
    def column_changed(j, column=column, value=value):
        row = j.row(7)
        row[("seq", "time_us", "run", "step", "kind", "actor").index(column)] = value if value != row[2] else "20261102-0000"
        j.put(row)


@case((7, "changed"))
def bytes_moved_between_columns(j):
    j.run("UPDATE event SET run = run || substr(kind, 1, 1), kind = substr(kind, 2) WHERE seq = 7")


@case((7, "changed"))
def prev_changed(j):
    j.run("UPDATE event SET prev = randomblob(32) WHERE seq = 7")


@case((7, "changed"))
def hash_changed(j):
    j.run("UPDATE event SET hash = randomblob(32) WHERE seq = 7")


@case((7, "changed"))
def hash_shortened(j):
    j.run("UPDATE event SET hash = substr(hash, 1, 31) WHERE seq = 7")


@case((7, "changed"))
def changed_and_hashed_again(j):
    row = j.row(7)
    row[6] = '{"label":"other"}'
    j.put(hashed(row))


@case((16, "changed"))
def changed_and_hashed_again_before_the_last(j):
    row = j.row(16)
    row[6] = '{}'
    j.put(hashed(row))


@case((1, "changed"))
def first_hashed_again(j):
    row = j.row(1)
    row[6] = '{"origin":"11"}'
    j.put(hashed(row))


@case((1, "deleted"))
def first_deleted(j):
    j.run("DELETE FROM event WHERE seq = 1")


@case((8, "deleted"))
def one_deleted(j):
    j.run("DELETE FROM event WHERE seq = 8")


@case((8, "deleted"))
def some_deleted(j):
    j.run("DELETE FROM event WHERE seq BETWEEN 8 AND 11")


@case((8, "deleted"))
def deleted_and_renumbered(j):
    j.run("DELETE FROM event WHERE seq = 8")
    j.shift(9, -1)


@case((8, "deleted"))
def three_deleted_and_renumbered(j):
    j.run("DELETE FROM event WHERE seq BETWEEN 8 AND 10")
    j.shift(11, -3)


@case((8, "deleted"))
def moved_away(j):
    j.run("UPDATE event SET seq = 1000 WHERE seq = 8")


@case((1, "deleted"))
def all_deleted(j):
    j.run("DELETE FROM event")
    j.run("DELETE FROM run")


@case((0, "inserted"))
def inserted_before_the_first(j):
    j.put([0] + j.row(1)[1:])


@case((8, "inserted"))
def inserted(j):
    row = j.row(8)
    j.shift(8, 1)
    row[6] = '{"label":"never happened"}'
    j.put(row)


@case((8, "inserted"))
def inserted_with_a_right_hash(j):
    row = j.row(8)
    j.shift(8, 1)
    row[6] = '{"label":"never happened"}'
    j.put(hashed(row))


@case((8, "inserted"))
def inserted_with_a_random_link(j):
    row = j.row(8)
    j.shift(8, 1)
    row[7] = b"\x07" * 32
    j.put(hashed(row))


@case((18, "changed"))
def appended_without_a_hash(j):
    row = j.row(17)
    j.put([18, row[1], row[2], "", "noted", row[5], "{}", row[8], b"\0" * 32])


@case((12, "duplicated"))
def copied_and_inserted(j):
    row = j.row(4)
    j.shift(12, 1)
    j.put([12] + row[1:])


@case((12, "duplicated"))
def copied_in_place_of_another(j):
    j.put([12] + j.row(4)[1:])


@case((8, "duplicated"))
def the_next_copied(j):
    j.put([8] + j.row(9)[1:])


@case((18, "duplicated"))
def the_last_copied(j):
    j.put([18] + j.row(17)[1:])


@case((6, "swapped"))
def neighbours_swapped(j):
    a, b = j.row(6), j.row(7)
    j.put([6] + b[1:])
    j.put([7] + a[1:])


@case((3, "swapped"))
def far_ones_swapped(j):
    a, b = j.row(3), j.row(15)
    j.put([3] + b[1:])
    j.put([15] + a[1:])


@case((1, "swapped"))
def the_first_swapped(j):
    a, b = j.row(1), j.row(2)
    j.put([1] + b[1:])
    j.put([2] + a[1:])


@case(None)
def tail_cut(j):
    """The run table still knows."""
    j.run("DELETE FROM event WHERE seq > 15")


@case("good")
def tail_cut_with_the_run_table(j):
    """A chain alone cannot show this: only the head differs, and a checkpoint tells (checkpoints.t)."""
    j.run("DELETE FROM event WHERE seq > 15")
    j.runs_follow()


@case(None)
def state_changed(j):
    j.run("UPDATE run SET state = 'succeeded' WHERE run = '20261102-0001'")


@case(None)
def owner_changed(j):
    j.run("UPDATE run SET actor = 'eve@ops' WHERE run = '20261102-0001'")


@case(None)
def runbook_changed(j):
    j.run("UPDATE run SET runbook = 'cafe' WHERE run = '20261102-0001'")


@case(None)
def lock_changed(j):
    j.run("UPDATE run SET lock = 'pool' WHERE run = '20261102-0001'")


@case(None)
def times_changed(j):
    j.run("UPDATE run SET changed_us = changed_us + 1 WHERE run = '20261102-0003'")


@case(None)
def run_set_back(j):
    j.run("UPDATE run SET state = 'running', last_seq = first_seq, changed_us = started_us WHERE run = '20261102-0000'")


@case(None)
def run_removed(j):
    j.run("DELETE FROM run WHERE run = '20261102-0002'")


@case(None)
def run_made_up(j):
    j.run("INSERT INTO run SELECT 900, 'made-up', runbook, actor, state, started_us, changed_us, 900, lock FROM run LIMIT 1")


@case(None)
def run_pointing_elsewhere(j):
    j.run("UPDATE run SET last_seq = 99 WHERE run = '20261102-0002'")


@case(None)
def text_changed(j):
    j.run("UPDATE text SET body = CAST(body || ' ' AS BLOB) WHERE id = 1")


@case(None)
def text_removed(j):
    j.run("DELETE FROM text WHERE id = 2")


@case(None)
def text_renamed(j):
    j.run("UPDATE text SET sha256 = 'f' || substr(sha256, 2) WHERE id = 3")


@case(None)
def trigger_gone(j):
    j.triggers = [t for t in j.triggers if t[0] != "event_no_delete"]


@case(None)
def trigger_weakened(j):
    j.triggers = [(name, sql.replace("ABORT, 'events", "IGNORE); SELECT ('events")) for name, sql in j.triggers]


@case(None)
def trigger_added(j):
    j.run("CREATE TRIGGER quiet AFTER INSERT ON run BEGIN SELECT 1; END")


@case(None)
def index_gone(j):
    j.run("DROP INDEX event_run")


@case(None)
def view_added(j):
    j.run("CREATE VIEW v AS SELECT 1")


# With the triggers in place.

def refused(db, sql):
    try:
        db.execute(sql)
    except sqlite3.IntegrityError as e:
        return str(e)
    return "done"


def check_triggers(path):
    db = sqlite3.connect(path, isolation_level=None)
    said = [refused(db, sql) for sql in ("UPDATE event SET data = '{}' WHERE seq = 3", "DELETE FROM event WHERE seq = 3",
                                         "UPDATE text SET body = x'00'", "DELETE FROM text",
                                         "INSERT INTO event VALUES(99, 0, '', '', 'x', '', 'no json', x'', x'')")]
    ok(said[:4] == ["events are never changed", "events are never deleted", "texts are never changed",
                    "texts are never deleted"], "triggers refuse changes", said)
    ok(said[4].startswith("CHECK"), "data is JSON", said)
    db.execute("INSERT OR REPLACE INTO event SELECT 3, time_us, run, step, kind, actor, data, prev, hash FROM event"
               " WHERE seq = 4")  # no trigger sees this; the chain does
    db.close()
    both(path, (3, "duplicated"), "replaced past the triggers")


def damage_page(path):
    """A byte of the file itself, in the middle of an event's data."""
    with open(path, "r+b") as f:
        at = f.read().index(b'One \\"quoted')
        f.seek(at)
        f.write(b"0")


def main():
    with tempfile.TemporaryDirectory() as room:
        sound = os.path.join(room, "sound.db")
        subprocess.run([WRITER, "write", sound, "4", "0"], check=True)
        heads = {}
        for i, (expected, fn) in enumerate(cases):
            path = os.path.join(room, "%d.db" % i)
            shutil.copy(sound, path)
            copy = Copy(path)
            fn(copy)
            copy.close()
            heads[fn.__name__] = both(path, expected, fn.__name__.replace("_", " ")).get("head")
        ok(heads["nothing"] != heads["tail_cut_with_the_run_table"], "a cut tail shows in the head")
        path = os.path.join(room, "triggers.db")
        shutil.copy(sound, path)
        check_triggers(path)
        path = os.path.join(room, "page.db")
        shutil.copy(sound, path)
        damage_page(path)
        report = said(STEPWISE, "journal", "verify", "--json", "--journal", path)
        ok(report[0] == 1 and report[1].get("how") == "changed", "a byte of the file", report)
    plan()


main()
