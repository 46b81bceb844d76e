#!/usr/bin/env python3
"""What a terminal does to a run: it closes, its reader goes, and what is shown must not steer it."""
import json, os, signal, subprocess, sys, tempfile, time

sys.path.insert(0, "tests/lib")
import terminal
from terminal import end, until

STEPWISE = os.environ.get("STEPWISE", "build/stepwise")
DIR = tempfile.TemporaryDirectory()
count = 0


def ok(good, name, more=""):
    global count
    count += 1
    print(("ok" if good else "not ok"), count, "-", name)
    if not good:
        print("\n".join("# " + l for l in str(more).splitlines()))


def file(name, text):
    path = os.path.join(DIR.name, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def start(args, quiet=()):
    return terminal.start([STEPWISE] + args, quiet=quiet)


def state(journal):
    said = subprocess.run([STEPWISE, "runs", "--json", "--journal", journal], capture_output=True, text=True)
    return json.loads(said.stdout.splitlines()[-1])["state"] if said.stdout else said.stderr


# Text from outside, shown everywhere a run shows any.
NASTY = "A\x1b]0;owned\x07\u009b31m\u202eZ"
rb = file("nasty.rb", """runbook "nasty" do
  input :t, :string
  step "One #{input.t}" do
    note "n #{input.t}"
    show input.t, as: "x"
    confirm "sure #{input.t}?"
    choose "which #{input.t}?", [input.t, "b"]
    ask "value #{input.t}", :string, default: "d#{input.t}"
    manual "do #{input.t}"
    finding "f #{input.t}"
  end
  step "Gate" do
    approve "go #{input.t}", by: :lead
    finish "over #{input.t}"
  end
end
""")
journal = os.path.join(DIR.name, "nasty.db")
pid, fd = start(["run", rb, "--journal", journal, "--set", "t=" + NASTY])
seen = b""
for question, answer in [(b"[yes/no]", b"y\n"), (b"number or text:", b"1\n"), (b"value A", b"v\n"),
                         (b"or no]", b"\n"), (b"or deny?", b"approve\n"), (b"your name:", b"lee\n")]:
    seen = until(fd, question, seen)
    os.write(fd, answer)
seen = until(fd, b"look:", seen)
code = end(pid)
ok(code == 0 and b"over A" in seen, "all of it is shown", seen)
bad = [b for b in (b"\x1b", b"\x07", "\u009b".encode(), "\u202e".encode()) if b in seen]
ok(not bad, "and none of it steers the terminal", bad)
for args in (["show"], ["journal", "show"], ["journal", "tail"], ["runs"]):
    said = subprocess.run([STEPWISE] + args + ["--journal", journal], capture_output=True).stdout
    bad = [b for b in (b"\x1b", b"\x07", "\u009b".encode(), "\u202e".encode()) if b in said]
    ok(not bad, " ".join(args) + " neither", (bad, said))

# Keys that are no text.
rb = file("bytes.rb", 'runbook "bytes" do\n  step "Ask" do\n    v = ask "Value?", :string\n    note "got #{v}"\n  end\nend\n')
journal = os.path.join(DIR.name, "bytes.db")
pid, fd = start(["run", rb, "--journal", journal])
seen = until(fd, b"Value?")
os.write(fd, b"\xff\xfe\n")
seen = until(fd, b"type it again", seen)
os.write(fd, "grün\n".encode())
seen = until(fd, b"look:", seen)
ok(end(pid) == 0 and "got grün".encode() in seen, "what is no UTF-8 is asked for again", seen)

# The terminal closes.
rb = file("ask.rb", """runbook "ask" do
  step "Ask" do
    confirm "Go on?"
    note "went on"
  end
end
""")
journal = os.path.join(DIR.name, "closed.db")
pid, fd = start(["run", rb, "--journal", journal])
until(fd, b"[yes/no]")
os.close(fd)
ok(end(pid) == 4 and state(journal) == "waiting", "a terminal that closes at a question: the run waits", state(journal))

rb = file("wait.rb", 'runbook "wait" do\n  step "Wait" do\n    wait 60.seconds\n  end\nend\n')
journal = os.path.join(DIR.name, "hangup.db")
pid, fd = start(["run", rb, "--journal", journal])
until(fd, b"waiting")
os.close(fd)
ok(end(pid) == 4 and state(journal) == "waiting", "and in the middle of a step", state(journal))

rb = file("short.rb", 'runbook "short" do\n  step "Wait" do\n    note "begins"\n    wait 400.milliseconds\n  end\nend\n')
journal = os.path.join(DIR.name, "nohup.db")
pid, fd = start(["run", rb, "--journal", journal], [signal.SIGHUP])
until(fd, b"waiting")
os.close(fd)
ok(end(pid) == 0 and state(journal) == "succeeded", "under nohup it goes on", state(journal))

# A plan asks for inputs as a run does, and for nothing else.
rb = file("asks.rb", 'runbook "asks" do\n  input :host, :string, about: "which one"\n  step "Ask" do\n    confirm "Is #{input.host} the one?"\n  end\nend\n')
pid, fd = start(["plan", rb, "--journal", os.path.join(DIR.name, "no.db")])
seen = until(fd, b"which one")
os.write(fd, b"web-7\n")
seen = until(fd, b"1 step:", seen)
ok(end(pid) == 0 and b'host          "web-7"\r\n' in seen and b"Is web-7 the one? (confirm)" in seen, "a plan asks for its inputs", seen)
rb = file("looks.rb", 'runbook "looks" do\n  use "shell"\n  step "Look" do\n    show shell.read(args: ["sleep", "20"]).out\n  end\nend\n')
pid, fd = start(["plan", rb, "--journal", os.path.join(DIR.name, "no.db")])
until(fd, b"on failure")
time.sleep(0.3)
os.kill(pid, signal.SIGINT)
seen = until(fd, b"nothing was changed")
ok(end(pid) == 130, "Ctrl-C ends a plan, in the middle of a read too", seen)

# Whoever reads the output goes away.
journal = os.path.join(DIR.name, "pipe.db")
rb = file("pipe.rb", 'runbook "pipe" do\n' + "".join('  step "S%d" do\n    note "%s"\n  end\n' % (i, "x" * 200) for i in range(900)) + "end\n")
for more in ([], ["--json"]):
    shell = '"$0" "$@" | head -1 >/dev/null; exit ${PIPESTATUS[0]}'
    code = subprocess.run(["bash", "-c", shell, STEPWISE, "run", rb, "--journal", journal] + more, capture_output=True).returncode
    ok(code == 0 and state(journal) == "succeeded", "a reader that goes does not end the run " + " ".join(more), (code, state(journal)))

print("1..%d" % count)
