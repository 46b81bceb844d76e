#!/usr/bin/env python3
"""A journal of schema version 1 is read as it is, and upgraded by the first that writes to it: with
its events as they were, its locks found, and nothing that either verifier would complain of."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
STEPWISE = os.environ["STEPWISE"]
WRITER = os.environ["BUILD"] + "/tests/journal.t"
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import verify  # noqa: E402
count = 0


def ok(good, name, *why):
    global count
    count += 1
    print("%s %d - %s" % ("ok" if good else "not ok", count, name))
    for line in why if not good else ():
        print("#", str(line).replace("\n", "\n# "))


def said(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout.decode()


def rows(path, sql):
    db = sqlite3.connect(path)
    found = db.execute(sql).fetchall()
    db.close()
    return found


def make(path):
    db = sqlite3.connect(path)
    db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF")
    with open(os.path.join(HERE, "version-1.sql"), encoding="utf-8") as f:
        db.executescript(f.read())
    db.close()


def both_good(path, name, events):
    code, text = said(STEPWISE, "journal", "verify", "--deep", "--json", "--journal", path)
    ours, theirs = json.loads(text), verify.report(path)
    ok(code == 0 and ours["good"] and ours["events"] == events, name, text)
    ok(theirs["good"] and theirs["head"] == ours["head"], name + ", verify.py", theirs)


def main():
    with tempfile.TemporaryDirectory() as room:
        path = os.path.join(room, "journal.db")
        make(path)
        events = rows(path, "SELECT * FROM event")
        both_good(path, "version 1 is good", 11)
        code, text = said(STEPWISE, "runs", "--json", "--journal", path)
        runs = [json.loads(line) for line in text.splitlines()]
        ok(code == 0 and [r["state"] for r in runs] == ["succeeded", "waiting", "succeeded", "held"],
           "its runs are listed", text)
        ok(said(WRITER, "lock", path, "pool/eu") == (0, "20251102-0002\n"), "and found by their locks, without upgrading")
        ok(rows(path, "PRAGMA user_version") == [(1,)], "reading does not upgrade")

        wrong = os.path.join(room, "wrong.db")
        shutil.copy(path, wrong)
        db = sqlite3.connect(wrong)
        db.executescript("DROP INDEX event_run")
        db.close()
        code, text = said(STEPWISE, "journal", "verify", "--journal", wrong)
        ok(code == 1 and "index event_run is missing" in text, "what is missing of version 1 is missed", text)

        code, text = said(WRITER, "write", path, "1", "7")
        ok(code == 0, "a writer writes to it", text)
        ok(rows(path, "PRAGMA user_version") == [(2,)], "and upgrades it")
        ok(rows(path, "SELECT * FROM event WHERE seq <= 11") == events, "the events are the same, byte for byte")
        ok(rows(path, "SELECT kind, data -> '$.from', data -> '$.to' FROM event WHERE seq = 12")
           == [("journal.migrated", "1", "2")], "the upgrade is an event")
        ok(rows(path, "SELECT lock FROM run ORDER BY first_seq LIMIT 4") == [("",), ("pool/eu",), ("pool/us",), ("",)],
           "locks are those of the events", rows(path, "SELECT run, lock FROM run"))
        both_good(path, "version 2 is good", 16)
        for lock, run in (("pool/eu", "20251102-0002\n"), ("pool/us", ""), ("none", "")):
            ok(said(WRITER, "lock", path, lock) == (0, run), "who holds %s: %s" % (lock, run.strip() or "nobody"))
        plan = rows(path, "EXPLAIN QUERY PLAN SELECT run, lock AS holds FROM run WHERE 1 AND state IN ('running', 'waiting',"
                    " 'held', 'in_doubt', 'rolling_back') AND holds = 'x'")
        ok("run_open (lock=?)" in plan[0][3], "a lock is found by its index", plan)

        db = sqlite3.connect(path)
        db.executescript("UPDATE run SET lock = 'pool/us' WHERE run = '20251102-0002'")
        db.close()
        code, text = said(STEPWISE, "journal", "verify", "--journal", path)
        ok(code == 1 and "run 20251102-0002: the run table differs from event 6" in text, "a changed lock is found", text)
        ok(not verify.report(path)["good"], "a changed lock is found, verify.py")

        half = os.path.join(room, "half.db")
        make(half)
        db = sqlite3.connect(half)
        db.executescript("CREATE TABLE run_1(x)")  # in the way of the upgrade
        db.close()
        before = rows(half, "SELECT type, name, sql FROM sqlite_schema")
        code, text = said(WRITER, "write", half, "1", "7")
        ok(code == 9 and rows(half, "SELECT type, name, sql FROM sqlite_schema") == before
           and rows(half, "PRAGMA user_version") == [(1,)], "an upgrade that fails changes nothing", code, text)
    print("1..%d" % count)


main()
