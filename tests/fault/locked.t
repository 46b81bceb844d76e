#!/usr/bin/env python3
"""Another process holds the journal: who writes waits for it, and at last says so and does nothing."""
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
FAULTY = os.path.join(os.environ["BUILD"], "tests/stepwise-fault")
RUNBOOK = """runbook "books" do
  use "ledger"
  step "Put" do
    ledger.put_by_key item: "a"
    irreversible "books stay"
  end
end
"""
count = 0


def ok(good, name, *why):
    global count
    count += 1
    print("%s %d - %s" % ("ok" if good else "not ok", count, name))
    for line in why if not good else ():
        print("#", str(line).replace("\n", "\n# "))


def run(*args, **env):
    done = subprocess.run([FAULTY, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, env=dict(os.environ, NO_COLOR="1", **env))
    return done.returncode, done.stdout.decode()


def main():
    with tempfile.TemporaryDirectory() as room:
        os.chdir(room)
        os.mkdir("state", 0o700)
        shutil.copy(os.path.join(TOP, "tests/lib/ledger.rb"), "ledger.rb")
        with open("case.rb", "w") as f:
            f.write(RUNBOOK)
        ok(run("run", "case.rb", "--journal", "journal.db")[0] == 0, "a run before")
        ledger = open("state/ledger").read()

        holder = sqlite3.connect("journal.db", isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")
        code, said = run("run", "case.rb", "--journal", "journal.db", STEPWISE_FAULT_SLEEP="100")
        ok(code == 9 and "journal.db is locked: another process has been writing to it for 10.0 s" in said
           and "fuser" in said, "locked for good: 9, who to look for", code, said)
        ok(open("state/ledger").read() == ledger, "and nothing was done")
        code, said = run("journal", "verify", "--journal", "journal.db")
        ok(code == 0, "reading needs no lock", code, said)
        code, said = run("runs", "--journal", "journal.db")
        ok(code == 0 and "succeeded" in said, "nor does the list of runs", code, said)

        threading.Timer(0.4, lambda: holder.execute("ROLLBACK")).start()
        code, said = run("run", "case.rb", "--journal", "journal.db")
        ok(code == 0, "locked for a while: it waits, and goes on", code, said)
        ok(len(open("state/ledger").read().splitlines()) == 2, "and does its work")
        holder.close()

        os.mkdir("full")
        code, said = run("run", "case.rb", "--journal", "full/journal.db", STEPWISE_FAULT="full:write:1+", STEPWISE_FAULT_ON="full/")
        ok(code == 9 and "no room left on its disk" in said and os.listdir("full") == [],
           "a journal that cannot be made leaves no file", code, said, os.listdir("full"))
        os.chdir("/")
    print("1..%d" % count)


main()
