#!/usr/bin/env python3
"""A drill at a terminal: time stands still while a question stands there; a drill that is killed goes on."""
import json, os, signal, subprocess, sys, tempfile, time

sys.path.insert(0, "tests/lib")
import terminal
from terminal import end, until

STEPWISE = os.environ.get("STEPWISE", "build/stepwise")
DIR = tempfile.TemporaryDirectory()
JOURNAL = os.path.join(DIR.name, "j.db")
count = 0


def ok(good, name, more=""):
    global count
    count += 1
    print(("ok" if good else "not ok"), count, "-", name)
    if not good:
        print("\n".join("# " + l for l in str(more).splitlines()))


def book(name, text):
    path = os.path.join(DIR.name, name + ".rb")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'runbook "{name}" do\n  use "freeze"\n{text}end\n')
    return path


def start(*args):
    return terminal.start([STEPWISE, *args, "--journal", JOURNAL])


def events(run, kind):
    said = subprocess.run([STEPWISE, "journal", "export", run, "--journal", JOURNAL], capture_output=True, text=True)
    return [e for e in map(json.loads, said.stdout.splitlines()) if e["kind"] == kind]


def run_id(seen):
    return seen.split(b"run ")[1].split()[0].decode()


# -- questions with time limits, among waits --
asks = book("asks", '''
  step "Wait" do
    wait 3.hours
    note "waited"
  end
  step "Ask" do
    timeout 5.seconds
    confirm "Is it calm?"
    freeze.begin(name: "asks", reason: "test")
    rollback { freeze.lift name: "asks" }
  end
  step "Cut" do
    approve "cut it?", by: :leads, within: 2.seconds
    wait 1.hour
    note "cut"
  end
''')
pid, fd = start("run", asks, "--drill")
seen = until(fd, b"[yes/no]")
ok(b"DRILL" in seen and b"waiting 3 hours" in seen and b"waited" in seen, "a wait is told, and over", seen)
time.sleep(5.5)  # longer than the step's limit
os.write(fd, b"yes\n")
seen = until(fd, b"approve or deny?", seen)
ok(b"freeze.begin: done" in seen and b"FAILED" not in seen, "whoever reads a question has the time to", seen)
time.sleep(2.5)  # longer than the approval's
os.write(fd, b"approve\n")
seen = until(fd, b"your name:", seen)
os.write(fd, b"zoe\n")
seen = until(fd, b"look: ", seen)
ok(b"approved by zoe" in seen and b"waiting 1 hour" in seen, "and whoever approves", seen)
ok(end(pid) == 0, "the drill succeeds", seen)
drill = run_id(seen)
ok([e["data"]["identity"] for e in events(drill, "approval.given")] == ["drill"], "as a drill")

# -- one that is killed while it asks --
pid, fd = start("run", asks, "--drill", "--drill-fail", "freeze.begin:transient:1:1")
seen = until(fd, b"[yes/no]")
os.write(fd, b"yes\n")
seen = until(fd, b"approve or deny?", seen)
os.kill(pid, signal.SIGKILL)
end(pid)
killed = run_id(seen)
frozen = os.path.join(DIR.name, "state", "drill", killed, "freeze-asks")
ok(os.path.exists(frozen), "what it did is there", os.listdir(DIR.name))
pid, fd = start("resume", killed)
seen = until(fd, b"approve or deny?")
ok(b"DRILL" in seen and b"[yes/no]" not in seen, "it goes on as a drill, where it was", seen)
os.write(fd, b"approve\n")
seen = until(fd, b"your name:", seen)
os.write(fd, b"kim\n")
seen = until(fd, b"look: ", seen)
ok(end(pid) == 0 and b"waiting 1 hour" in seen, "its waits still take no time", seen)
ok(len(events(killed, "drill.called")) == 1, "and what it counted is counted once", events(killed, "drill.called"))
ok(not os.path.exists(os.path.join(DIR.name, "state", "freeze-asks")), "nothing of it is in the place of the real runs")
said = subprocess.run([STEPWISE, "journal", "verify", "--journal", JOURNAL], capture_output=True, text=True)
ok(said.returncode == 0, "the journal is good", said.stdout)
print(f"1..{count}")
