#!/usr/bin/env python3
"""Verifies a journal by docs/journal.md alone. Shares no code with stepwise.

usage: verify.py JOURNAL [--allowed-signers FILE] [CHECKPOINTS...]
prints one JSON object; exits 0 when good, 1 when not. Signatures are ssh-keygen's to verify.
"""
import hashlib
import json
import os
import re
import sqlite3
import struct
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/journal.md")
DOMAIN = b"stepwise/event/1"
GENESIS = bytes(32)
STATES = {
    "run.started": "running",
    "run.resumed": "running",
    "run.waiting": "waiting",
    "run.held": "held",
    "run.in_doubt": "in_doubt",
    "run.rolling_back": "rolling_back",
    "run.succeeded": "succeeded",
    "run.failed": "failed",
    "run.cancelled": "cancelled",
    "run.rolled_back": "rolled_back",
    "run.rollback_incomplete": "rollback_incomplete",
}
COLUMNS = """seq, time_us, CAST(run AS BLOB), CAST(step AS BLOB), CAST(kind AS BLOB),
             CAST(actor AS BLOB), CAST(data AS BLOB), prev, hash"""


class Event:
    def __init__(self, row):
        self.seq, self.time_us = row[0], row[1]
        self.run, self.step, self.kind, self.actor, self.data = row[2:7]
        self.prev, self.hash = row[7], row[8]

    def whole(self):
        return len(self.prev) == 32 and len(self.hash) == 32

    def columns(self):
        return (self.time_us, self.run, self.step, self.kind, self.actor, self.data, self.prev, self.hash)

    def fits(self, seq, prev):
        form = DOMAIN + prev + struct.pack(">qq", seq, self.time_us)
        for field in (self.run, self.step, self.kind, self.actor, self.data):
            form += struct.pack(">I", len(field)) + field
        return hashlib.sha256(form).digest() == self.hash


class Journal:
    def __init__(self, path):
        self.db = sqlite3.connect("file:%s?mode=ro" % path.replace("%", "%25").replace("?", "%3f"), uri=True)
        self.problems = []
        self.bad = None  # (number, how)
        self.head = GENESIS
        self.count = 0
        self.runs = {}
        self.hashes, self.times = [], []  # by number
        self.own_good, self.own_bad = 0, None
        self.has_locks = self.db.execute("PRAGMA user_version").fetchone()[0] > 1

    def events(self, where="", *values):
        for row in self.db.execute("SELECT %s FROM event %s ORDER BY seq" % (COLUMNS, where), values):
            yield Event(row)

    # 1. Schema

    def check_schema(self):
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        expected = documented_schema(version)
        found = dict(((kind, name), sql) for kind, name, sql in self.db.execute(
            "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'"))
        for key in sorted(expected.keys() | found.keys()):
            if expected.get(key) != found.get(key):
                self.problems.append("schema: %s %s" % key)
        if self.db.execute("PRAGMA application_id").fetchone()[0] != 0x53574A4C:
            self.problems.append("application_id")
        if version not in (1, 2):
            self.problems.append("user_version")

    # 2. Chain

    def check_chain(self):
        before = None
        for event in self.events():
            good = (event.whole() and event.seq == self.count + 1 and event.prev == self.head
                    and event.fits(event.seq, event.prev))
            if not good:
                self.bad = self.diagnose(self.count + 1, self.head, before, event)
                self.problems.append("event %d: %s" % self.bad)
                return
            self.derive(event)
            self.check_own_checkpoint(event)
            self.hashes.append(event.hash)
            self.times.append(event.time_us)
            before, self.head, self.count = event, event.hash, event.seq
        if self.count == 0:
            self.bad = (1, "deleted")
            self.problems.append("no events")

    def diagnose(self, a, head, before, event):
        if event.seq < a:
            return event.seq, "inserted"
        if event.seq > a:
            return a, "deleted"
        if not event.whole():
            return a, "changed"
        true = next((e for e in self.events("WHERE prev = ?", head) if e.whole() and e.fits(a, head)), None)
        if true and event.fits(true.seq, event.prev):
            return a, "swapped"
        if any(e.columns() == event.columns() for e in self.events("WHERE hash = ? AND seq <> ?", event.hash, event.seq)):
            return a, "duplicated"
        if true:
            return a, "inserted"
        if before and event.fits(a - 1, event.prev) and event.prev == before.prev:
            return a - 1, "inserted"
        if any(event.fits(a + k, event.prev) for k in range(1, 65)):
            return a, "deleted"
        after = next(self.events("WHERE seq = ?", a + 1), None)
        if before and event.prev != head and event.fits(a, event.prev) and (after is None or after.prev == event.hash):
            return a - 1, "changed"
        return a, "changed"

    # 3. Runs

    def derive(self, event):
        kind, run = event.kind.decode(errors="replace"), event.run
        if kind not in STATES:
            return
        if kind == "run.started":
            data = json.loads(event.data)
            runbook, lock = data.get("runbook"), data.get("lock")
            self.runs[run] = {"first": event.seq, "started": event.time_us, "actor": event.actor,
                              "runbook": runbook if isinstance(runbook, str) else "",
                              "lock": lock if isinstance(lock, str) and self.has_locks else ""}
            self.check_texts_of(event.seq, data)
        row = self.runs.setdefault(run, {})
        row.update(state=STATES[kind], last=event.seq, changed=event.time_us)

    def check_runs(self):
        if self.bad:
            return
        names = ("first", "runbook", "actor", "state", "started", "changed", "last", "lock")
        found = {}
        for row in self.db.execute("SELECT CAST(run AS BLOB), first_seq, runbook, CAST(actor AS BLOB), state,"
                                   " started_us, changed_us, last_seq, %s FROM run" % ("lock" if self.has_locks else "''")):
            found[row[0]] = dict(zip(names, row[1:]))
        for run in sorted(found.keys() | self.runs.keys()):
            if found.get(run) != self.runs.get(run):
                self.problems.append("run %s" % run.decode(errors="replace"))

    # 4. Texts

    def check_texts_of(self, seq, data):
        modules = data.get("modules")
        named = [data.get("sha256")] + (list(modules.values()) if isinstance(modules, dict) else [])
        for sha256 in named:
            if isinstance(sha256, str) and not self.db.execute(
                    "SELECT 1 FROM text WHERE sha256 = ?", (sha256,)).fetchone():
                self.problems.append("event %d: text %s is missing" % (seq, sha256))

    def check_texts(self):
        for sha256, body in self.db.execute("SELECT sha256, body FROM text"):
            if hashlib.sha256(body).hexdigest() != sha256:
                self.problems.append("text %s" % sha256)

    # 6. Checkpoints

    def check_own_checkpoint(self, event):
        if event.kind != b"journal.checkpointed" or self.own_bad:
            return
        said = json.loads(event.data)
        size = said["size"]
        if 0 < size <= len(self.hashes) and self.hashes[size - 1].hex() == said["head"]:
            self.own_good = size
        else:
            self.own_bad = size
            self.problems.append("event %d: event %d had another hash" % (event.seq, size))

    def is_altered(self):
        """Version 2's schema was made by 15 statements, version 1's by 8; .backup begins at 1, VACUUM adds 1."""
        count = self.db.execute("PRAGMA schema_version").fetchone()[0]
        made = 15 if self.has_locks else 8
        return count not in (1, made, made + 1)

    def check_checkpoints(self, notes, signers):
        origin = json.loads(next(self.events()).data)["origin"] if self.hashes else None
        vouched, first = 0, None
        for note in sorted(notes, key=lambda n: n["size"]):
            if signers and not signed_well(note, signers):
                self.problems.append("%s: bad signature, or none" % note["place"])
                continue
            if origin is not None and note["origin"] != origin:
                self.problems.append("%s: of another journal" % note["place"])
                self.bad = self.bad or (1, "replaced")
                continue
            if note["size"] > self.count and self.bad:
                continue
            agrees = note["size"] <= self.count and self.hashes[note["size"] - 1].hex() == note["head"]
            if not agrees:
                self.problems.append("%s: does not agree" % note["place"])
                first = first or note
            elif not first:
                vouched = note["size"]
        if first and not self.bad:
            self.bad = self.name_it(first, vouched)
        if self.own_bad and not self.bad:
            self.bad = (self.own_good + 1, "rewritten")

    def name_it(self, note, vouched):
        altered = self.is_altered()
        younger = [seq for seq in range(vouched + 1, min(note["size"], self.count) + 1)
                   if self.times[seq - 1] > note["time_us"]]
        if younger and not altered:
            return younger[0], "restored"
        if note["size"] > self.count:
            return self.count + 1, "cut" if altered else "restored"
        return vouched + 1, "rewritten"

    def verify(self, notes=(), signers=None):
        self.check_schema()
        self.check_chain()
        self.check_runs()
        self.check_texts()
        self.check_checkpoints(notes, signers)


def documented_schema(version=2):
    """The statements of the page, as SQLite keeps them: by type and name, without the semicolon."""
    with open(DOCS, encoding="utf-8") as page:
        sql = re.search(r"```sql\n(CREATE TABLE event.*?)```", page.read(), re.S).group(1)
    if version == 1:
        sql = sql.replace(",\n  lock TEXT NOT NULL\n", "\n")
        sql = re.sub(r"CREATE INDEX (run_(state|runbook|open)|event_own) .*\n", "", sql)
    db = sqlite3.connect(":memory:")
    db.executescript(sql)
    return dict(((kind, name), text) for kind, name, text in db.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'"))


NOTE = re.compile(r"(stepwise checkpoint 1\norigin ([0-9a-f]{32})\nsize ([1-9][0-9]*)\nhead ([0-9a-f]{64})\n"
                  r"time (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})Z\n)"
                  r"(unsigned\n|-----BEGIN SSH SIGNATURE-----\n(?:.+\n)+)(?:\n|\Z)")


def read_notes(path):
    """The notes of a file of checkpoints."""
    with open(path, encoding="ascii") as f:
        text = f.read()
    notes, at = [], 0
    while at < len(text):
        found = NOTE.match(text, at)
        if not found:
            raise ValueError("%s: no checkpoint at byte %d" % (path, at))
        signed, origin, size, head, time, signature = found.groups()
        since = datetime.strptime(time + "+0000", "%Y-%m-%dT%H:%M:%S.%f%z") - datetime(1970, 1, 1, tzinfo=timezone.utc)
        notes.append({"place": "%s, byte %d" % (path, at), "text": signed, "origin": origin, "size": int(size),
                      "head": head, "time_us": since // timedelta(microseconds=1), "signature": signature})
        at = found.end()
    return notes


def signed_well(note, signers):
    if note["signature"] == "unsigned\n":
        return False
    with tempfile.NamedTemporaryFile("w") as signature:
        signature.write(note["signature"])
        signature.flush()
        who = subprocess.run(["ssh-keygen", "-Y", "find-principals", "-f", signers, "-s", signature.name],
                             capture_output=True, text=True)
        if who.returncode != 0:
            return False
        return subprocess.run(["ssh-keygen", "-Y", "verify", "-f", signers, "-I", who.stdout.splitlines()[0], "-n",
                               "stepwise-checkpoint", "-s", signature.name], input=note["text"].encode(),
                              capture_output=True).returncode == 0


def report(path, notes=(), signers=None):
    journal = Journal(path)
    journal.verify(notes, signers)
    journal.db.close()
    found = {"good": not journal.problems, "events": journal.count, "head": journal.head.hex(),
             "problems": journal.problems}
    if journal.bad:
        found["bad_seq"], found["how"] = journal.bad
    return found


def main():
    args, signers = sys.argv[1:], None
    if "--allowed-signers" in args:
        at = args.index("--allowed-signers")
        signers = args[at + 1]
        del args[at:at + 2]
    found = report(args[0], [note for path in args[1:] for note in read_notes(path)], signers)
    print(json.dumps(found))
    return 0 if found["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
