#!/usr/bin/env python3
"""Ctrl-C once and again, with a terminal and without, before a rollback and during one."""
import json, os, pty, select, signal, subprocess, tempfile, termios, time

STEPWISE = os.environ.get("STEPWISE", "build/stepwise")
DIR = tempfile.TemporaryDirectory()
count = 0
CTRL_C = b"\x03"
QUESTION = b"or [k]ill: leave it as it is, now?"
POOL = """
binding :pool, "A pool of nodes" do
  action :drain, effect: :write, repeat: :safe do
    takes :node, :string
  end
end
driver :rehearsal, for: :pool, default: true do
  perform(:drain) { |node| nil }
end
"""


def ok(good, name, more=""):
    global count
    count += 1
    print(("ok" if good else "not ok"), count, "-", name)
    if not good:
        print("\n".join("# " + l for l in str(more).splitlines()))


def runbook(name, body):
    path = os.path.join(DIR.name, name + ".rb")
    with open(path, "w", encoding="utf-8") as f:
        f.write('runbook "%s" do\n%s\nend\n%s' % (name, body, POOL))
    return path, os.path.join(DIR.name, name + ".db")


class Child:
    """A run on a terminal of its own."""

    def __init__(self, rb, journal):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "dumb"
            mode = termios.tcgetattr(0)  # a Ctrl-C does not take back what is shown
            mode[3] |= termios.NOFLSH
            termios.tcsetattr(0, termios.TCSANOW, mode)
            os.execv(STEPWISE, ["stepwise", "run", rb, "--journal", journal])

    def until(self, text):
        """Reads to the text; what follows it is looked at by the next call."""
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], 30)
            try:
                got = os.read(self.fd, 65536) if ready else b""
            except OSError:
                got = b""
            if not got:
                return False
            self.seen += got
        self.seen = self.seen.split(text, 1)[1]
        return True

    def say(self, what):
        os.write(self.fd, what)
        return self

    def end(self):
        """The exit code; whoever says nothing for half a minute and does not end is killed."""
        self.until(b"\0never\0")
        limit = time.monotonic() + 30
        while not (gone := os.waitpid(self.pid, os.WNOHANG))[0] and time.monotonic() < limit:
            time.sleep(0.01)
        if not gone[0]:
            os.kill(self.pid, signal.SIGKILL)
            gone = os.waitpid(self.pid, 0)
        status = gone[1]
        os.close(self.fd)
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)


def events(journal):
    said = subprocess.run([STEPWISE, "journal", "export", "--journal", journal], capture_output=True, text=True)
    return [json.loads(l) for l in said.stdout.splitlines() if l.startswith("{")]


def state(journal):
    said = subprocess.run([STEPWISE, "runs", "--json", "--journal", journal], capture_output=True, text=True)
    return json.loads(said.stdout.splitlines()[-1])["state"] if said.stdout else said.stderr


def good(journal):
    return subprocess.run([STEPWISE, "journal", "verify", "--journal", journal], capture_output=True).returncode == 0


def undo(rollback, before=""):
    return """  on_failure :rollback
  step "Act" do
    pool.drain(node: "one")
    %s
    fail! :broken, "late" if 2 > 1
    rollback do
      %s
      note "is undone"
    end
  end""" % (before, rollback)


# Once: the run stops where it may, and says what is kept.
rb, journal = runbook("once", undo("note \"x\"", "wait 60.seconds"))
run = Child(rb, journal)
stood = run.until(b"waiting") and run.say(CTRL_C).until(b"done and not undone, latest first: act")
ok(run.end() == 130 and stood and state(journal) == "held", "Ctrl-C once: held, and what was done is said", run.seen)

# During a rollback: asked; wait.
rb, journal = runbook("wait", undo('confirm "Go on?"'))
run = Child(rb, journal)
asked = run.until(b"Go on? [yes/no]") and run.say(CTRL_C).until(b"a rollback is under way, in act") and run.until(QUESTION)
again = asked and run.say(b"w\n").until(b"Go on? [yes/no]") and run.say(b"yes\n").until(b"is undone")
code = run.end()
ok(asked and again and code == 6 and state(journal) == "rolled_back", "Ctrl-C at a rollback's question: wait, and it stands there again", (code, run.seen))

# Kill.
rb, journal = runbook("kill", undo('confirm "Go on?"'))
run = Child(rb, journal)
asked = run.until(b"Go on? [yes/no]") and run.say(CTRL_C).until(QUESTION)
odd = asked and run.say(b"what?\n").until(QUESTION)
left = odd and run.say(b"k\n").until(b"left as it is") and run.until(b"go on: stepwise resume")
code = run.end()
ok(odd, "any other answer is asked again", run.seen)
ok(left and code == 130 and state(journal) in ("rolling_back", "interrupted"), "kill: the run is left as it is", (code, state(journal)))
noted = [e for e in events(journal) if e["kind"] == "run.noted"]
ok(noted and "operator" in noted[-1]["data"]["text"] and "rollback" in noted[-1]["data"]["while"] and good(journal),
   "which the journal has", noted)

# Between questions, and again and again.
rb, journal = runbook("again", undo("wait 60.seconds"))
run = Child(rb, journal)
asked = run.until(b"undo") and run.until(b"waiting") and run.say(CTRL_C).until(QUESTION)
for _ in range(3):
    run.say(CTRL_C)
os.kill(run.pid, signal.SIGTERM)
told = run.until(b"told to stop: a rollback is under way and is finished first")
run.say(b"k\n")
code = run.end()
ok(asked and told and code == 130 and QUESTION not in run.seen, "further ones and SIGTERM are harmless: one question stands", (code, run.seen))
ok(state(journal) in ("rolling_back", "interrupted") and good(journal), "and it can be left")

# The rollback ends while the question stands.
rb, journal = runbook("ends", undo("wait 700.milliseconds"))
run = Child(rb, journal)
asked = run.until(b"undo") and run.until(b"waiting") and run.say(CTRL_C).until(QUESTION)
over = run.until(b"rolled_back")
code = run.end()
ok(asked and over and code == 6 and state(journal) == "rolled_back", "a rollback that ends meanwhile takes the question back", (code, run.seen))

# A question that comes while that one stands.
rb, journal = runbook("queue", undo('wait 300.milliseconds\n      confirm "Go on?"'))
run = Child(rb, journal)
asked = run.until(b"undo") and run.until(b"waiting") and run.say(CTRL_C).until(QUESTION)
subprocess.run(["sleep", "0.6"])
second = run.say(b"w\n").until(b"Go on? [yes/no]") and run.say(b"yes\n").until(b"is undone")
ok(asked and second and run.end() == 6, "a question of the rollback waits for its turn", run.seen)

# Twice, before any rollback: what is being stopped is shielded.
rb, journal = runbook("twice", """  step "Act" do
    pool.drain(node: "one")
    wait 60.seconds
    rollback { note "x" }
  end
  on_failure do |failure|
    note "telling people"
    wait 60.seconds
  end""")
run = Child(rb, journal)
once = run.until(b"waiting") and run.say(CTRL_C).until(b"telling people")
asked = once and run.say(CTRL_C).until(b"the run is being stopped") and run.until(QUESTION) and run.say(b"k\n").until(b"left as it is")
code = run.end()
ok(asked and code == 130 and good(journal), "Ctrl-C while the first is obeyed asks too", (code, run.seen))

# The terminal closes during a rollback.
rb, journal = runbook("closed", undo("wait 300.milliseconds"))
run = Child(rb, journal)
run.until(b"undo") and run.until(b"waiting")
os.close(run.fd)
status = os.waitpid(run.pid, 0)[1]
ok(os.WEXITSTATUS(status) == 6 and state(journal) == "rolled_back", "a terminal that closes does not stop a rollback", status)

# Nobody to ask.
for name, sent in (("int", signal.SIGINT), ("term", signal.SIGTERM), ("hup", signal.SIGHUP)):
    rb, journal = runbook("none-" + name, undo("wait 500.milliseconds"))
    child = subprocess.Popen([STEPWISE, "run", rb, "--journal", journal], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             preexec_fn=lambda: [signal.signal(s, signal.SIG_DFL) for s in (signal.SIGINT, signal.SIGHUP)])
    seen = b""
    while b"undo" not in seen or b"waiting" not in seen.split(b"undo", 1)[1]:
        got = os.read(child.stdout.fileno(), 65536)
        if not got:
            break
        seen += got
    for _ in range(3):
        child.send_signal(sent)
    rest = child.communicate(timeout=30)[0]
    ok(child.returncode == 6 and state(journal) == "rolled_back" and b"finished first" in rest and QUESTION not in rest,
       "without a terminal, SIG%s in a rollback is noted and it goes on" % name.upper(), (child.returncode, seen, rest))

print("1..%d" % count)
