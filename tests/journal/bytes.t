#!/usr/bin/env python3
"""Any byte of the file, flipped: verify finds it, or what the journal says is the same to the letter
(a byte in a page's unused part, or a count that SQLite keeps for itself).

The whole file is walked at a stride ($SWEEP bytes, 97 unless set; 1 is every byte), and
every byte of two events, where the first bad event must be the right one. Under sanitizers fewer of both."""
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from tamper import STEPWISE, WRITER, ok, plan  # noqa: E402
SANITIZED = os.environ.get("MODE") == "asan"
STRIDE = int(os.environ.get("SWEEP", "997" if SANITIZED else "97"))
TABLES = ("SELECT * FROM event ORDER BY seq", "SELECT * FROM run ORDER BY first_seq", "SELECT * FROM text ORDER BY id",
          "SELECT type, name, sql FROM sqlite_schema ORDER BY name", "PRAGMA application_id", "PRAGMA user_version")


def content(path):
    try:
        db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
        db.text_factory = bytes
        return [db.execute(sql).fetchall() for sql in TABLES]
    except sqlite3.Error as e:
        return str(e)
    finally:
        db.close()


class Victim:
    def __init__(self, room):
        self.path = os.path.join(room, "journal.db")
        subprocess.run([WRITER, "write", self.path, "6", "0"], check=True)
        with open(self.path, "rb") as f:
            self.sound = f.read()
        self.content = content(self.path)

    def verify(self, at, mask):
        """Exit code and report of the journal with one byte changed."""
        with open(self.path, "r+b") as f:
            f.seek(at)
            f.write(bytes([self.sound[at] ^ mask]))
        done = subprocess.run([STEPWISE, "journal", "verify", "--deep", "--json", "--journal", self.path],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        return done.returncode, json.loads(done.stdout.decode(errors="replace") or "{}"), done.stderr.decode(errors="replace")

    def mend(self):
        with open(self.path, "wb") as f:
            f.write(self.sound)
        for suffix in ("-wal", "-shm"):
            if os.path.exists(self.path + suffix):
                os.remove(self.path + suffix)


def sweep(victim):
    missed, unnamed, harmless, refused, tried = [], [], 0, 0, 0
    for i, at in enumerate(range(0, len(victim.sound), STRIDE)):
        tried += 1
        code, report, said = victim.verify(at, 1 << i % 8)
        if code == 0 and content(victim.path) == victim.content:
            harmless += 1
        elif code == 0:
            missed.append(at)
        elif code == 9:
            refused += 1
            if "help: " not in said:
                unnamed.append((at, said))
        elif code != 1 or not report.get("problems"):
            unnamed.append((at, code, report, said))
        victim.mend()
    ok(not missed, "no flipped byte changes what is said unseen", missed[:20])
    ok(not unnamed, "each that is found is named", *unnamed[:5])
    ok(tried == harmless + refused + (tried - harmless - refused) and tried - harmless > tried // 20,
       "%d bytes tried, %d changed nothing" % (tried, harmless))
    print("# %d bytes tried: %d changed nothing, %d left no journal to open" % (tried, harmless, refused))


def sweep_event(victim, seq):
    """The bytes of the event's record, from its kind to its hash: what a person would change."""
    row = victim.content[0][seq - 1]
    text = row[4] + row[5] + row[6] + row[7] + row[8]
    start = victim.sound.index(text)
    wrong, tried = [], 0
    for at in range(start, start + len(text), 7 if SANITIZED else 1):
        for mask in (1, 0x80) if at % 8 == 0 else (1,):
            tried += 1
            code, report, said = victim.verify(at, mask)
            if (code, report.get("bad_seq"), report.get("how")) != (1, seq, "changed"):
                wrong.append((at - start, mask, code, report.get("bad_seq"), report.get("how"), report.get("problems"), said))
            victim.mend()
    ok(tried > (15 if SANITIZED else 100) and not wrong, "each of %d changes of event %d is found there" % (tried, seq), *wrong[:5])


def main():
    with tempfile.TemporaryDirectory() as room:
        victim = Victim(room)
        ok(victim.verify(len(victim.sound) - 1, 0)[0] == 0, "the journal is good before")
        sweep(victim)
        sweep_event(victim, 7)
        sweep_event(victim, len(victim.content[0]))
    plan()


main()
