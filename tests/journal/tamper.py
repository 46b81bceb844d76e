"""What the tests that change journals share: copies whose triggers are off, and both verifiers."""
import hashlib
import json
import os
import sqlite3
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
STEPWISE = os.environ["STEPWISE"]
WRITER = os.environ["BUILD"] + "/tests/journal.t"
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import verify  # noqa: E402
COLUMNS = "seq, time_us, run, step, kind, actor, data, prev, hash"


class Copy:
    """A journal that may be changed: its triggers are gone while a case runs, and put back after."""

    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA synchronous = OFF")
        self.triggers = self.db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in self.triggers:
            self.db.execute("DROP TRIGGER " + name)

    def close(self):
        for name, sql in self.triggers:
            self.db.execute(sql)
        self.db.close()

    def run(self, sql, *values):
        return self.db.execute(sql, values)

    def row(self, seq):
        return list(self.run("SELECT %s FROM event WHERE seq = ?" % COLUMNS, seq).fetchone())

    def put(self, row):
        self.run("INSERT OR REPLACE INTO event VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", *row)

    def shift(self, first, by):
        seqs = [s for (s,) in self.run("SELECT seq FROM event WHERE seq >= ? ORDER BY seq", first)]
        for seq in reversed(seqs) if by > 0 else seqs:
            self.run("UPDATE event SET seq = ? WHERE seq = ?", seq + by, seq)

    def runs_follow(self):
        """The run table as the events have it, so that nothing but the chain can tell."""
        self.run("DELETE FROM run WHERE first_seq > (SELECT max(seq) FROM event)")
        self.run("UPDATE run SET (state, last_seq, changed_us) = (SELECT CASE kind WHEN 'run.started' THEN 'running'"
                 " ELSE substr(kind, 5) END, seq, time_us FROM event WHERE event.run = run.run AND kind GLOB 'run.*'"
                 " ORDER BY seq DESC LIMIT 1)")


def hashed(row, seq=None):
    row[0] = seq or row[0]
    form = b"stepwise/event/1" + row[7] + struct.pack(">qq", row[0], row[1])
    for text in row[2:7]:
        form += struct.pack(">I", len(text.encode())) + text.encode()
    row[8] = hashlib.sha256(form).digest()
    return row


count = 0


def plan():
    print("1..%d" % count)


def ok(good, name, *why):
    global count
    count += 1
    print("%s %d - %s" % ("ok" if good else "not ok", count, name))
    for line in why if not good else ():
        print("#", line)


def said(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        return done.returncode, {"said": done.stdout.decode(errors="replace")}


def both(path, expected, name, notes=(), signers=None):
    """expected: (number, how); None for a problem that is no event's; "good". notes: files of checkpoints."""
    options = [word for note in notes for word in ("--checkpoint", note)]
    options += ["--allowed-signers", signers] if signers else []
    ours = said(STEPWISE, "journal", "verify", "--json", "--journal", path, *options)
    report = verify.report(path, [n for note in notes for n in verify.read_notes(note)], signers)
    theirs = 0 if report["good"] else 1, report
    good = expected == "good"
    code = 0 if good else 1
    event = expected if isinstance(expected, tuple) else (None, None)
    for who, (returned, report) in (("stepwise", ours), ("verify.py", theirs)):
        right = (returned == code and report.get("good") is good and bool(report.get("problems")) is not good
                 and (report.get("bad_seq"), report.get("how")) == event)
        ok(right, "%s: %s, %s" % (name, expected or "a problem", who), returned, report)
    ok(ours[1].get("events") == theirs[1].get("events") and ours[1].get("head") == theirs[1].get("head"),
       "%s: the same events up to the same head" % name, ours, theirs)
    return ours[1]
