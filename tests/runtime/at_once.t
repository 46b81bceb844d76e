#!/usr/bin/env python3
"""Two operators at once: what a verb decides by and what it records are one transaction. The journal is
held by a third while both are started, so that both have to wait; then one decides, and the other says
what was recorded."""
import json
import os
import signal
import sqlite3
import subprocess
import tempfile
import time

STEPWISE = os.path.abspath(os.environ.get("STEPWISE", "build/stepwise"))
ENV = {k: v for k, v in os.environ.items() if not k.startswith(("STEPWISE_", "XDG_"))}
ENV.update(NO_COLOR="1", LC_ALL="C.UTF-8", TZ="UTC")
RUNBOOKS = {
    "doubt": """runbook "doubt" do
  use "shell"
  step "Sleep" do
    shell.run args: ["sleep", "60"]
    irreversible "it is slept"
  end
end
""",
    "done": """runbook "done" do
  use "shell"
  step "Write" do
    shell.run args: ["true"]
    rollback { shell.run args: ["true"] }
  end
end
""",
    "gate": """runbook "gate" do
  step "Go" do
    approve "Go?", by: :lead, self_ok: true
    note "gone"
  end
end
""",
}
ROOM = tempfile.TemporaryDirectory()
count = 0


def ok(good, name, *why):
    global count
    count += 1
    print("%s %d - %s" % ("ok" if good else "not ok", count, name), flush=True)
    for line in why if not good else ():
        print("#", str(line).replace("\n", "\n# "), flush=True)


def start(*args):
    return subprocess.Popen([STEPWISE, *args, "--journal", "j.db"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENV)


def end(p):
    said = p.communicate(timeout=60)[0].decode()
    return p.returncode, said


def run(*args):
    return end(start(*args))


def events(kind):
    said = run("journal", "export")[1]
    return [e for e in map(json.loads, said.splitlines()) if e["kind"] == kind]


def until(what, seconds=30):
    for _ in range(seconds * 50):
        if what():
            return True
        time.sleep(0.02)
    return False


def opened(p):
    """Whether the process has the journal open: it is about to wait, or waits."""
    try:
        return any(os.readlink("/proc/%d/fd/%s" % (p.pid, fd)).endswith("/j.db")
                   for fd in os.listdir("/proc/%d/fd" % p.pid))
    except OSError:
        return False


def at_once(*commands):
    """All of them while the journal is held; what they end with."""
    holder = sqlite3.connect("j.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    started = [start(*c) for c in commands]
    for p in started:
        until(lambda: opened(p) or p.poll() is not None)
    time.sleep(0.3)  # whoever only looked before would have looked by now
    holder.execute("ROLLBACK")
    holder.close()
    return [end(p) for p in started]


def began(name):
    """A journal with one run, as far as it comes by itself."""
    os.chdir(tempfile.mkdtemp(dir=ROOM.name))
    with open(name + ".rb", "w") as f:
        f.write(RUNBOOKS[name])
    p = start("run", name + ".rb")
    if name == "doubt":
        until(lambda: os.path.exists("j.db") and events("action.started"))
        os.kill(p.pid, signal.SIGKILL)
    end(p)


def check(name, ends, wants, kind, told):
    """These exit codes, in any order; one event; the others say what was recorded."""
    said = "".join(text for _, text in ends)
    ok(sorted(code for code, _ in ends) == sorted(wants), name, ends)
    ok(len(events(kind)) == 1, "  one %s is recorded" % kind, events(kind))
    ok(said.count(told) == len(ends) - 1, "  the others are told: " + told, said)
    return said


def verdicts():
    done = ("mark-done", "last", "--result", '{"status":0,"out":"","err":""}')
    not_done = ("mark-done", "last", "--not-done", "--reason", "looked")
    began("doubt")
    said = check("of two verdicts that contradict each other one holds", at_once(done, not_done), (0, 1),
                 "action.settled", "was settled as")
    ok("process" not in said, "  neither takes the other for the run's process", said)
    began("doubt")
    said = check("the same verdict four times is one", at_once(*[done] * 4), (0,) * 4, "action.settled",
                 "is settled so already")
    began("doubt")
    ends = at_once(("abandon", "last", "--reason", "lost"), not_done)
    settled = [e["data"]["as"] for e in events("action.settled")]
    ok(settled in (["abandoned"], ["not_done"]), "given up and settled: an action becomes one thing", ends, settled)


def approvals():
    yes, no = ("approve", "last", "--yes"), ("deny", "last", "--yes", "--reason", "not now")
    began("gate")
    check("the same approval four times is one", at_once(*[yes] * 4), (0,) * 4, "approval.given", "nothing to do")
    began("gate")
    check("the same denial twice is one", at_once(no, no), (0, 0), "approval.denied", "nothing to do")
    began("gate")
    at_once(no, yes)
    said = run(*yes)
    ok(len(events("approval.denied")) == 1 and said[0] == 1, "a denial holds, whatever is said beside it", said)


def ends_of_runs():
    why = ("--reason", "checked")
    began("gate")
    check("cancelled twice is once", at_once(*[("cancel", "last", *why)] * 2), (0, 0), "run.cancelled",
          "cancelled already")
    began("gate")
    check("the same note twice is one", at_once(*[("note", "last", "seen")] * 2), (0, 0), "run.noted", "noted already")
    began("done")
    check("sealed twice is once", at_once(*[("seal", "last", *why)] * 2), (0, 0), "run.sealed", "sealed already")
    began("done")
    undo = ("rollback", "last", "--yes", *why)
    ends = at_once(undo, undo)
    ok([code for code, _ in ends] == [0, 0] and len(events("run.rolling_back")) == 1,
       "rolled back twice at once is once", ends)


def sealed_or_undone():
    """Whichever comes first; what was sealed as it stood stays so."""
    for n in range(4):
        began("done")
        seal, undo = ("seal", "last"), ("rollback", "last", "--yes", "--reason", "wrong")
        ends = dict(zip(("seal", "undo"), at_once(seal, undo))) if n % 2 else dict(
            zip(("undo", "seal"), at_once(undo, seal)))
        sealed = [e["seq"] for e in events("run.sealed")]
        undone = [e["seq"] for e in events("run.rolling_back")]
        over = [e["seq"] for e in events("run.rolled_back")]
        ok(sealed or undone, "sealed or rolled back: one of them happens", ends)
        ok(not sealed or not undone or over and over[0] < sealed[0], "  a sealed run is not undone", ends)
        ok(undone or ends["undo"][0] == 1 and "is sealed, by" in ends["undo"][1], "  and it is said", ends)


def main():
    verdicts()
    approvals()
    ends_of_runs()
    sealed_or_undone()
    print("1..%d" % count)


main()
os.chdir("/")
