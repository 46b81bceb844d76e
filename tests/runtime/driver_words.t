#!/usr/bin/env python3
"""expect, wait and wait_until in a driver's code: they fail with their texts and kinds, wait no longer than the step may,
and a drill does not wait for them."""
import os, shutil, subprocess, sys, tempfile, time

sys.path.insert(0, "tests/lib")
import tap
from tap import ok

STEPWISE = os.environ["STEPWISE"]
work = tempfile.mkdtemp()


def run(code, step="", more=(), effect="read", extra=""):
    with open(f"{work}/desk.rb", "w") as f:
        f.write(f'''runbook "desk" do
  step "Ask" do
    {step}
    said = desk.ask(word: "hello")
    show said
{"    irreversible 'it was asked'" if effect == "write" else ""}
  end
end
binding :desk, "A desk" do
  action :ask, effect: :{effect} do
    takes :word, :string
    gives :string
  end
end
driver :plain, for: :desk, default: true do
  perform :ask do |word|
    {code}
    "done"
  end
{extra}end
driver :simulated, for: :desk, same_as: :plain
''')
    done = subprocess.run([STEPWISE, "run", f"{work}/desk.rb", "--journal", f"{work}/j.db", *more], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, cwd=work)
    with open(f"{work}/desk.rb") as f:
        pass
    return done.returncode, done.stdout


def events(kind):
    return subprocess.run([STEPWISE, "journal", "export", "--journal", f"{work}/j.db"], stdout=subprocess.PIPE, text=True, timeout=60).stdout.count(kind)


code, out = run('expect word == "hello", "never"\n    wait 10.milliseconds\n    wait_until(within: 2.seconds) { word.size == 5 }')
ok(code == 0 and "done" in out, "what holds goes on", code, out)
code, out = run('expect word == "bye", "it is #{word}"')
ok(code == 1 and "it is hello" in out, "expect fails with its text", code, out)
ok(events('"kind":"validation"') > 0, "and its kind", out)
code, out = run('expect word == "bye"')
ok(code == 1 and 'expected: word == "bye"' in out, "or with what stands there", code, out)
code, out = run('wait_until(within: 200.milliseconds, every: 20.milliseconds) { word.size == 4 }')
ok(code == 1 and "waited 200 ms for: word.size == 4" in out, "wait_until ends", code, out)
ok(events('"kind":"timeout"') > 0, "with its kind", out)
code, out = run('wait 1.hour', step="timeout 300.milliseconds")
ok(code == 1 and "its timeout of 300 ms" in out, "a wait is no longer than the step may be", code, out)
code, out = run('wait_until(within: 1.hour, every: 1.minute) { false }', step="timeout 300.milliseconds")
ok(code == 1 and "its timeout of 300 ms" in out, "nor is wait_until", code, out)
code, out = run('wait 3.hours\n    wait_until(within: 1.hour) { now > call.begun + 3.hours }', more=("--drill",), effect="write")
ok(code == 0 and "done" in out, "in a drill hours pass at once", code, out)
code, out = run('wait "soon"')
ok(code == 3, "what is no duration is found before", code, out)

# Interrupted, once the wait has begun.
with open(f"{work}/desk.rb") as f:
    text = f.read().replace('wait "soon"', 'file.exists(path: "x", state: true)\n    wait 1.hour')
with open(f"{work}/desk.rb", "w") as f:
    f.write(text)
os.mkdir(f"{work}/k")
p = subprocess.Popen([STEPWISE, "run", f"{work}/desk.rb", "--journal", f"{work}/k/k.db"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                     text=True, cwd=work)
until = time.monotonic() + 60
while not os.path.isdir(f"{work}/k/state") and time.monotonic() < until and p.poll() is None: time.sleep(0.05)
time.sleep(0.2)
p.send_signal(2)
try: out = p.communicate(timeout=60)[0]
except subprocess.TimeoutExpired:
    p.kill()
    out = p.communicate()[0]
ok(p.returncode == 130, "it can be interrupted", p.returncode, out)

code, out = run('"x"', effect="write", extra='  probe :ask do |word|\n    file.append(path: "x", text: word, state: true)\n    :unknown\n  end\n')
ok(code == 3 and "a probe may only read" in out and "effect: :write" not in out and "what reads" in out, "a probe that writes is told what to do", code, out)

# A defect of the driver, before it has written anything and after.
broken = "reply = nil\n    reply['id']"
code, out = run(broken, effect="write")
ok(code == 1 and "nil has no []" in out, "a driver that breaks before it writes: a failure", code, out)
code, out = run(f'file.append(path: "asked", text: word, state: true)\n    {broken}', effect="write")
ok(code == 5 and "was begun, and its driver failed afterwards (nil has no [])" in out, "after it wrote: in doubt", code, out)
code, out = run(f'file.append(path: "asked", text: word, state: true)\n    fail! :provider, "no"', effect="write")
ok(code == 1 and "in_doubt" not in out, "what it says itself is believed", code, out)

shutil.rmtree(work)
tap.done()
