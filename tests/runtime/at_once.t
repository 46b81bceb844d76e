#!/usr/bin/env python3
"""Two operators at once: what a verb decides by and what it records are one transaction. The journal is
held by a third while both are started, so that both have to wait; then exactly one decides, and the
other says what was recorded."""
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
  use "file"
  step "Write" do
    file.write path: "written", text: "x"
    rollback do
      file.write path: "written", text: ""
    end
  end
end
""",
    "gate": """runbook "gate" do
  approval "Go?", self_ok: true
  step "Go" do
    note "gone"
  end
end
""",
}
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
    """A run of its own journal, as far as it comes by itself."""
    for f in ("j.db", "j.db-wal", "j.db-shm", "j.db.owners", "j.db-journal"):
        if os.path.exists(f):
            os.unlink(f)
    with open(name + ".rb", "w") as f:
        f.write(RUNBOOKS[name])
    p = start("run", name + ".rb")
    if name == "doubt":
        until(lambda: os.path.exists("j.db") and events("action.started"))
        os.kill(p.pid, signal.SIGKILL)
    return end(p)


def one_of(name, ends, kind, wins=(0,), loses=2):
    """One decided, the others did not; one event."""
    codes = sorted(code for code, _ in ends)
    ok(codes == sorted([*wins, *[loses] * (len(ends) - len(wins))]), name, ends)
    ok(len(events(kind)) == 1, "  one %s is recorded" % kind, events(kind))
    return "".join(said for _, said in ends)


def main():
    began("doubt")
    result = '{"status":0,"out":"","err":""}'
    done = ("mark-done", "last", "--result", result)
    said = one_of("of two verdicts that contradict each other one holds",
                  at_once(done, ("mark-done", "last", "--not-done", "--reason", "looked")), "action.settled")
    ok("was settled as" in said, "  the other is told so", said)
    ok("process" not in said, "  neither takes the other for the run's process", said)

    began("doubt")
    said = one_of("the same verdict four times is one", at_once(done, done, done, done), "action.settled", (0,) * 4)
    ok(said.count("is settled so already") == 3, "  three are told so", said)

    began("doubt")
    said = one_of("given up or settled: the first holds", at_once(("abandon", "last", "--reason", "r"), done),
                  "action.settled", (0, 0) if False else (0,))
    ok(said, "  it is told")

    began("done")
    ends = at_once(("seal", "last", "--reason", "checked"), ("rollback", "last", "--yes", "--reason", "wrong"))
    sealed, undone = len(events("run.sealed")), len(events("rollback.started"))
    ok((sealed, undone) in ((1, 0), (0, 1), (1, 1)), "seal and rollback at once", ends)
    print("#", ends, sealed, undone)

    began("gate")
    approve = ("approve", "last", "--yes")
    said = one_of("the same approval four times is one", at_once(*[approve] * 4), "approval.given", (0,) * 4)
    ok(said.count("nothing to do") == 3, "  three are told so", said)
    print("1..%d" % count)


with tempfile.TemporaryDirectory() as room:
    os.chdir(room)
    main()
    os.chdir("/")
