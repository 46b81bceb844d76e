#!/usr/bin/env python3
"""Approvals with a site: who may approve, from where, until when; signatures; two terminals."""
import hashlib, json, os, pwd, re, shutil, sqlite3, struct, subprocess, sys, tempfile, time

sys.path.insert(0, "tests/lib")
import terminal
from terminal import end, until

TOP = tempfile.TemporaryDirectory()
os.chmod(TOP.name, 0o755)
# Other accounts run it too, and may not come to where it was built.
STEPWISE = shutil.copy(os.environ.get("STEPWISE", "build/stepwise"), os.path.join(TOP.name, "stepwise"))
ME = pwd.getpwuid(os.getuid()).pw_name
for name in [n for n in os.environ if n.startswith("STEPWISE_") or n in ("SSH_AUTH_SOCK", "XDG_STATE_HOME")]:
    del os.environ[name]
os.environ.update(NO_COLOR="1", LC_ALL="C.UTF-8", TZ="UTC", TERM="dumb", HOME=TOP.name)
count = number = 0


def ok(good, name, *more):
    global count
    count += 1
    print("ok" if good else "not ok", count, "-", name, flush=True)
    if not good:
        for m in more:
            print("\n".join("# " + l for l in str(m).splitlines()))


def skip(name, why):
    global count
    count += 1
    print("ok", count, "-", name, "# SKIP", why)


RUNBOOK = """
runbook "drains" do
  input :n, :integer, default: 3
  step "Drain" do
    %s
    note "went on"
  end
end
"""
LEAD = 'approve "Drain #{input.n} nodes", by: :lead'


class Case:
    """A directory with a site, a runbook and a journal that every account may write."""

    def __init__(self, site, gate=LEAD, text=None):
        global number
        number += 1
        self.dir = os.path.join(TOP.name, str(number))
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o777)
        self.journal = self.path("j.db")
        open(self.journal, "w").close()
        os.chmod(self.journal, 0o666)
        self.site(site)
        self.file("r.rb", text or RUNBOOK % gate)

    def path(self, name):
        return os.path.join(self.dir, name)

    def file(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def site(self, lines):
        if lines is not None:
            self.file("site.rb", 'site "test" do\n%s\nend\n' % lines)

    def do(self, *args, user=None, stdin=None, env=None):
        who = {} if user in (None, ME) else dict(user=user, group=pwd.getpwnam(user).pw_gid, extra_groups=[])
        r = subprocess.run([STEPWISE, *args, "--journal", self.journal], stdin=stdin or subprocess.DEVNULL, cwd=self.dir,
                           capture_output=True, text=True, timeout=60, env=dict(os.environ, **(env or {})), **who)
        return r.returncode, r.stdout + r.stderr

    def run(self, *args):
        return self.do("run", "r.rb", *args)

    def start(self, *args, env=None):
        """A run that stays and waits; returns when it has asked."""
        said = open(self.path("out"), "w")
        p = subprocess.Popen([STEPWISE, "run", "r.rb", "--journal", self.journal, "--wait", "60s", *args], cwd=self.dir,
                             stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=dict(os.environ, **(env or {})))
        self.until("approval.requested", p)
        return p

    def until(self, kind, p=None, times=1):
        for _ in range(600):
            if self.kinds().count(kind) >= times or p and p.poll() is not None:
                return
            time.sleep(0.05)

    def said(self):
        with open(self.path("out")) as f:
            return f.read()

    def events(self):
        code, text = self.do("journal", "export")
        return [json.loads(l) for l in text.splitlines() if l.startswith("{")]

    def kinds(self):
        return [e["kind"] for e in self.events()]

    def event(self, kind):
        return next((e for e in self.events() if e["kind"] == kind), {"data": {}})

    def state(self):
        return json.loads(self.do("runs", "--json")[1].splitlines()[-1])["state"]

    def good(self):
        return self.do("journal", "verify")[0] == 0


def eventually(what):
    for _ in range(600):
        if what():
            break
        time.sleep(0.05)


def ended(p):
    try:
        return p.wait(timeout=60)
    except subprocess.TimeoutExpired:
        p.kill()
        return "it waits on"


ROOT = os.getuid() == 0
PEOPLE = "  role :lead, members: %%w[nobody daemon bin %s]" % ME


# -- before the first effect --
for name, site, gate, want in [
    ("a role that the site does not name", "  role :leads, members: %w[ana]", LEAD, r"the site test names no role :lead\n.*did you mean :leads\?"),
    ("a quorum that the role cannot reach", "  role :lead, members: %w[ana kim]", LEAD + ", quorum: 3", r"step drain wants 3 approvals by :lead, and only 2 of its members can"),
    ("a quorum that needs the requester", "  role :lead, members: %%w[ana %s]" % ME, LEAD + ", quorum: 2", r"only 1 of its members can: who starts the run is none of them"),
    ("a role whose only member starts the run", "  role :lead, members: %%w[%s]" % ME, LEAD, r"only 0 of its members can"),
    ("a page to nobody", PEOPLE, LEAD + '\n    page [:lead, :boss], "x"', r"the site test names no role :boss"),
]:
    c = Case(site, gate)
    code, said = c.run()
    ok(code == 3 and re.search(want, said) and "run.started" not in c.kinds(), "preflight: " + name, code, said)
c = Case("  role :lead, members: %%w[%s]" % ME, LEAD + ", self_ok: true")
code, said = c.run()
ok(code == 4, "preflight: with self_ok the requester counts", code, said)

# -- parked, and what the request says --
c = Case(PEOPLE, LEAD + ", quorum: 2, within: 30.minutes, use_by: 10.minutes")
code, said = c.run()
RUN = c.event("run.started").get("run")
asked = c.event("approval.requested")["data"]
waiting = c.event("run.waiting")["data"]
ok(code == 4 and c.state() == "waiting" and "stepwise approve %s drain" % RUN in said.replace("\n", " "), "without a terminal the run is parked", code, said)
ok(waiting.get("on") == "approval" and waiting.get("until_us") == asked.get("expires_us"), "it says what for, and until when", waiting)
ok(asked.get("text") == "Drain 3 nodes" and asked.get("about") == "does nothing that writes" and asked.get("quorum") == 2 and asked.get("role") == "lead" and
   re.fullmatch("[0-9a-f]{32}", asked.get("nonce", "")) and asked.get("plan") == c.event("run.started")["data"].get("plan") and asked.get("requester", "").startswith(ME + "@"),
   "the request is whole", asked)
d = Case(PEOPLE, text="""
use "shell"
runbook "drains" do
  step "Drain" do
    approve "Drain", by: :lead
    shell.run(args: ["true"])
    rollback do
      shell.run(args: ["false"])
    end
  end
end
""")
code, said = d.run()
ok(d.event("approval.requested")["data"].get("about") == 'does: shell.run(args: ["true"]); undone by: shell.run(args: ["false"])',
   "what undoes the step is no part of what it does", code, said)

d = Case(PEOPLE + "\n  timezone 'Asia/Tokyo'", LEAD)
d.run()
if ROOT and os.path.exists("/usr/share/zoneinfo/Asia/Tokyo"):
    r = subprocess.run("echo no | script -qec '%s approve last drain --journal j.db' /dev/null" % STEPWISE, shell=True, cwd=d.dir,
                       capture_output=True, text=True, timeout=60, user="daemon", extra_groups=[])
    ok(re.search(r"answer by \S+ \S+ \+0900", r.stdout), "the limit is told in the site's zone", r.stdout, r.stderr)
    ok(d.do("runs", "--mine", user="daemon")[1].startswith("no runs"), "who neither started nor took over a run has none")
    d.do("take-over", "last", "--reason", "shift", user="daemon")
    code, said = d.do("runs", "--mine", user="daemon")
    ok(code == 0 and "waiting" in said, "a run that was taken over is whose who took it", code, said)

code, said = c.do("approve", "last", "drain")
ok(code == 2 and "--yes" in said, "nobody agrees by accident", code, said)
code, said = c.do("approve", "last", "drain", "--yes")
ok(code == 1 and "%s started the run and cannot approve it" % ME in said, "the requester is barred", code, said)
code, said = c.do("approve", "last", "drain", "--yes", "--as", "nobody")
ok(code == 1 and "takes your account's word only" in said, "nobody approves in another's name", code, said)
code, said = c.do("approve", "last", "drain", "--yes", "--break-glass", "--reason", "fire")
ok(code == 1 and "the site allows no break-glass" in said, "no glass to break where the site has none", code, said)
code, said = c.do("approve", "last", "elsewhere", "--yes")
ok(code == 3 and "asked for no approval of a step 'elsewhere'" in said and "it asks for: drain" in said, "a step that asks for nothing", code, said)
ok("approval.given" not in c.kinds(), "none of these left a trace", c.kinds())
if not ROOT:
    skip("other accounts", "not root")
else:
    code, said = c.do("approve", "last", "drain", "--yes", user="sync")
    ok(code == 1 and "sync is no member of the role" in said and "nobody, daemon, bin" in said, "who is no member is refused", code, said)
    code, said = c.do("approve", "last", "--yes", user="nobody")
    ok(code == 0 and "approved by nobody, 1 of 2" in said, "a member approves from an account of their own", code, said)
    given = c.event("approval.given")
    ok(given["actor"].startswith("nobody@") and given["data"]["identity"] == "account" and given["data"]["nonce"] == asked["nonce"] and
       given["data"]["use_by_us"] - given["time_us"] <= 600_000_000, "it is recorded as that account's", given)
    code, said = c.do("approve", "last", "drain", "--yes", user="nobody")
    ok(code == 0 and "nothing to do" in said and c.kinds().count("approval.given") == 1, "the same again changes nothing", code, said)
    code, said = c.do("approve", "last", "drain", "--yes", user="daemon")
    ok(code == 0 and "2 of 2" in said, "the second of two", code, said)
    code, said = c.do("deny", "last", "drain", "--yes", "--reason", "too late?", user="bin")
    ok(code == 0 and "denied by bin" in said, "until it is used a member may say no", code, said)
    code, said = c.do("approve", "last", "drain", "--yes", user="bin")
    ok(code == 1 and re.search("was denied by bin at .*: too late", said), "an approval after a denial is refused, with who and why", code, said)
    code, said = c.do("deny", "last", "drain", "--yes", "--reason", "indeed", user="nobody")
    ok(code == 0 and "nothing to do" in said, "a denial of what is denied agrees with it", code, said)
    ok(c.good(), "the journal is good")

# -- a run that waits, and other terminals --
if ROOT:
    c = Case(PEOPLE, LEAD + ", quorum: 2")
    p = c.start()
    c.do("approve", "last", "drain", "--yes", user="nobody")
    ok(p.poll() is None, "one of two: it waits on")
    code, said = c.do("approve", "last", "drain", "--yes", user="bin")
    code = ended(p)
    ok(code == 0 and "approved by nobody" in c.said() and "approved by bin" in c.said() and "went on" in c.said(), "two people, from two terminals: it goes on", code, c.said())
    used = c.event("approval.used")["data"]
    ok(used.get("approvers") == ["nobody", "bin"], "who released it is recorded", used)
    code, said = c.do("deny", "last", "drain", "--yes", "--reason", "no", user="daemon")
    ok(code == 1 and "was used: the step has begun" in said, "a denial of what was used is refused", code, said)
    code, said = c.do("approve", "last", "drain", "--yes", user="bin")
    ok(code == 0 and "nothing to do" in said, "who approved it may say so again", code, said)
    code, said = c.do("approve", "last", "drain", "--yes", user="daemon")
    ok(code == 1, "others may not any more", code, said)
    ok(c.good(), "the journal is good")

    c = Case(PEOPLE)
    p = c.start()
    c.do("deny", "last", "drain", "--yes", "--reason", "not today", user="daemon")
    code = ended(p)
    ok(code == 8 and "approval denied by daemon: not today" in c.said() and c.state() == "cancelled", "a denial ends the gate", code, c.said())

    c = Case(PEOPLE, LEAD + ", self_ok: true")
    p = c.start()
    code, said = c.do("approve", "last", "drain", "--yes")
    ok(code == 0 and ended(p) == 0, "with self_ok the requester may", code, said, c.said())

    # What an intruder would append by hand does not count.
    c = Case(PEOPLE)
    p = c.start()
    c.do("note", "last", "looking")
    code, said = c.do("approve", "last", "drain", "--yes", user="daemon")
    ok(code == 0 and ended(p) == 0, "other events of others are no answer", code, c.said())
else:
    skip("two terminals", "not root")

# -- limits, with nobody waiting for them --
c = Case(PEOPLE, LEAD + ", within: 1.second")
code, said = c.run()
time.sleep(1.1)
code, said = c.do("approve", "last", "drain", "--yes", user="nobody") if ROOT else c.do("deny", "last", "drain", "--yes", "--reason", "x")
ok(code == 1 and "is void: it was not given in time" in said, "an answer after its time is refused", code, said)
void = c.event("approval.voided")["data"]
ok(void.get("reason") == "expired" and void.get("nonce") == c.event("approval.requested")["data"]["nonce"], "and the request is recorded as void", void)
c = Case(PEOPLE, LEAD + ", within: 1.second")
p = c.start()
code = ended(p)
ok(code == 1 and "the approval was not given within 1 second" in c.said() and c.state() == "held" and "approval.voided" in c.kinds(), "a run that waits sees the limit pass", code, c.said())
if ROOT:
    c = Case(PEOPLE, LEAD + ", quorum: 2, use_by: 1.second")
    p = c.start()
    c.do("approve", "last", "drain", "--yes", user="nobody")
    code = ended(p)
    ok(code == 1 and "the approval was not used within 1 second" in c.said() and c.event("approval.voided")["data"].get("reason") == "unused",
       "an approval that is not used in time is void", code, c.said())

# -- no process has the run: what was answered is seen, and what resume does with it --
def brief(c, run="last"):
    return json.loads(c.do("show", "--brief", "--json", run)[1])


def doing(c):
    return [n.split()[1] for n in brief(c)["next"]]


TWO = """
use "shell"
runbook "two" do
  step "One" do
    shell.run(args: ["true"])
    rollback { shell.run(args: ["true"]) }
  end
  step "Two" do
    approve "Do two", by: :lead, self_ok: true%s
    note "went on"
  end
end
"""
for otherwise, does, state in [(", otherwise: :rollback", "rolls back", "rolled_back"), ("", "holds it: what was done stays", "held")]:
    c = Case(PEOPLE, text=TWO % otherwise)
    c.run()
    ok(doing(c)[:3] == ["approve", "deny", "resume"], "a question that is open is offered first", brief(c))
    code, said = c.do("deny", "last", "two", "--reason", "too late", "--yes")
    ok(code == 0 and "\nresume %s: stepwise resume " % does in said, "who denies is told what follows: " + does, code, said)
    want = "denied by %s: too late; resume %s" % (ME, does)
    told = c.do("show", "--brief", "last")[1]
    row = json.loads(c.do("runs", "--waiting", "--json")[1])
    ok(want in told.replace("\n  ", " ") and "nobody to answer" not in told and row["why"] == want and "denied by" in c.do("runs", "--waiting")[1],
       "show and runs tell who denied it, and what follows", told, row)
    ok(doing(c)[0] == "resume" and not {"approve", "deny"} & set(doing(c)), "what is decided is not asked again", brief(c))
    c.do("resume", "last")
    ok(c.state() == state and not brief(c)["approvals"], "and that is what resume does", c.state(), brief(c))
c = Case(PEOPLE, text=TWO % "")
c.run()
c.do("approve", "last", "two", "--yes")
told, why = c.do("show", "--brief", "last")[1], "approved by %s; resume goes on" % ME
ok(why in told and "nobody to answer" not in told and json.loads(c.do("runs", "--waiting", "--json")[1])["why"] == why and doing(c)[:2] == ["resume", "deny"],
   "approved: resume is offered first, and approve no more", told)
code, said = c.do("resume", "last")
ok(code == 0 and "went on" in said and not brief(c)["approvals"], "and goes on", code, said)

# -- no process has the run: resume --
NAP = """
runbook "drains" do
  input :n, :integer, default: 3
  step "Drain" do
    %s
    wait 2.seconds
    note "went on"
  end
end
"""
c = Case(PEOPLE)
c.run()
code, said = c.do("resume", "last")
ok(code == 4 and c.kinds().count("approval.requested") == 1, "resumed without an answer it is parked again, with the same request", code, said)
if ROOT:
    code, said = c.do("approve", "last", "drain", "--yes", user="daemon")
    ok(code == 0 and "stepwise resume" in said, "approved while no process has the run", code, said)
    code, said = c.do("resume", "last")
    ok(code == 0 and "approved by daemon" in said and "went on" in said and c.kinds().count("approval.requested") == 1 and c.good(), "resume goes on with it", code, said)

    c = Case(PEOPLE + ", break_glass: :board\n  role :board, members: %w[ana]")
    c.run()
    waiting = c.event("run.started")["run"]
    code, said = c.do("approve", waiting, "drain", "--yes", "--break-glass", "--reason", "fire")
    ok(code == 0 and "NOBODY WAS REACHED" in said and ":board was not reached (run " in said, "a role without contacts is not paged silently", code, said)
    told = [c.do("runs"), c.do("runs", "--waiting"), c.do("show", "--brief", waiting)]
    ok(all("glass broken" in t[1] for t in told) and "glass broken by %s: fire" % ME in told[2][1] and brief(c, waiting)["glass_broken_by"] == ME and
       '"break_glass":true' in c.do("runs", "--waiting", "--json")[1], "before it is resumed everybody can see that glass was broken", *told)
    ok(brief(c)["run"] == waiting, "and the last run is still the one that waits, not the one that paged", c.do("runs"))
    code, said = c.do("resume", "last")
    ok(code == 0 and "GLASS BROKEN" in said and "glass broken" in c.do("runs")[1], "and with broken glass", code, said)

    c = Case(PEOPLE)
    c.run()
    c.do("deny", "last", "drain", "--yes", "--reason", "not today", user="daemon")
    code, said = c.do("resume", "last")
    ok(code == 8 and "denied by daemon: not today" in said and c.state() == "cancelled", "or ends with its denial", code, said)

    c = Case(PEOPLE, LEAD + ", use_by: 1.second")
    c.run()
    c.do("approve", "last", "drain", "--yes", user="daemon")
    time.sleep(1.1)
    code, said = c.do("resume", "last")
    ok(code == 1 and "not used within 1 second" in said and c.state() == "held" and c.event("approval.voided")["data"].get("reason") == "unused",
       "an approval that was not used in time is void", code, said)
    code, said = c.do("resume", "last")
    ok(code == 4 and c.kinds().count("approval.requested") == 2, "a step that begins anew asks anew", code, said)

    c = Case(PEOPLE)
    c.run()
    c.do("approve", "last", "drain", "--yes", user="daemon")
    c.file("r.rb", (RUNBOOK % LEAD).replace("went on", "went another way"))
    code, said = c.do("resume", "last", "--accept-plan-change", "--reason", "a better way")
    ok(code == 4 and "went another way" not in said.split("waiting after")[-1] and c.event("approval.voided")["data"].get("reason") == "plan_changed" and
       c.kinds().count("approval.requested") == 2 and "approval.used" not in c.kinds(), "a plan that was changed voids what was approved, and asks anew", code, said, c.kinds())
    c.do("approve", "last", "drain", "--yes", user="daemon")
    code, said = c.do("resume", "last")
    ok(code == 0 and "went another way" in said and c.good(), "the new plan is approved by itself", code, said)

    # The members change with the file; the run is pinned to what it began with.
    c = Case(PEOPLE)
    c.run()
    c.site("  role :lead, members: %w[sync]")
    code, said = c.do("approve", "last", "drain", "--yes", user="sync")
    ok(code == 1 and "sync is no member" in said, "who became a member later is none for this run", code, said)
    c.do("approve", "last", "drain", "--yes", user="daemon")
    code, said = c.do("resume", "last")
    ok(code == 0, "and who was one still is", code, said)

    # Killed after the gate: what was released stays released.
    c = Case(PEOPLE, text=NAP % LEAD)
    p = c.start()
    c.do("approve", "last", "drain", "--yes", user="daemon")
    c.until("wait.started", p)
    p.kill()
    p.wait()
    code, said = c.do("resume", "last")
    ok(code == 0 and c.kinds().count("approval.requested") == 1 and c.kinds().count("approval.used") == 1, "a crash in the step does not ask again", code, said)
    # Killed at the gate: the request stays.
    c = Case(PEOPLE)
    p = c.start()
    p.kill()
    p.wait()
    c.do("approve", "last", "drain", "--yes", user="daemon")
    code, said = c.do("resume", "last")
    ok(code == 0 and c.kinds().count("approval.requested") == 1, "nor does a crash at the gate", code, said)
c = Case(PEOPLE, LEAD + ", within: 1.second")
c.run()
time.sleep(1.1)
code, said = c.do("resume", "last")
ok(code == 1 and "not given within 1 second" in said and c.state() == "held", "a request that ran out meanwhile fails the step", code, said)
code, said = c.do("resume", "last")
ok(code == 4 and c.kinds().count("approval.requested") == 2, "and the next resume asks anew", code, said)

# -- typed names --
ANSWERS = '{"approve drain": {"answer": "approve", "by": "%s"}}'
for who, want, code_want in [("ana", "approved by ana: Drain 3 nodes", 0), ("kim", "kim is no member of the role", 1), (ME, "who started the run cannot approve it", 1)]:
    c = Case("  role :lead, members: %%w[ana %s], typed: true" % ME)
    c.file("a.json", ANSWERS % who)
    code, said = c.run("--answers", "a.json")
    ok(code == code_want and want in said, "a role with typed: true takes the name %s from a file: exit %d" % ("of " + who if who != ME else "of the requester", code_want), code, said)
c = Case("  role :lead, members: %w[ana]")
c.file("a.json", ANSWERS % "ana")
code, said = c.run("--answers", "a.json")
ok(code == 4 and "approval.given" not in c.kinds(), "any other role takes no typed name", code, said)

# -- names --
c = Case(None, LEAD + ", quorum: 2")
c.run()
for name in ("@ops", " ana", "ana ", "ana\n", "a\x1b[2Jna"):
    code, said = c.do("approve", "last", "drain", "--yes", "--as", name)
    ok(code == 1 and "is no name" in said and "approval.given" not in c.kinds(), "no name: %r" % name, code, said)
for name in ("@", "a\nb"):
    c.file("a.json", json.dumps({"approve drain": [{"answer": "approve", "by": name}] * 2}))
    code, said = c.run("--answers", "a.json")
    ok(code == 1 and "without blanks around it" in said, "nor in an answers file: %r" % name, code, said)

# -- what is said can be pasted --
c = Case(None, text='runbook "drains" do\n  each_of(["web 1"]) do |n|\n    step "Drain" do\n      approve "Drain #{n}", by: :lead\n      note "went on"\n    end\n  end\nend\n')
code, said = c.run()
told = re.search(r"`(stepwise approve \S+ .*?)`", said)
r = subprocess.run([told[1].replace("stepwise", STEPWISE, 1) + " --as ana --yes"] if told else ["false"], shell=True, cwd=c.dir, capture_output=True, text=True, timeout=60)
ok(code == 4 and r.returncode == 0 and "drain[web 1] is approved" in r.stdout, "the command that is told is one, whatever the step's name", said, r.stdout, r.stderr)

# -- glass --
if ROOT:
    GLASS = PEOPLE + ", break_glass: :board\n  role :board, members: %w[ana kim], page: { chat: '#board' }, ack_within: 5.minutes"
    c = Case(GLASS)
    p = c.start()
    code, said = c.do("approve", "last", "drain", "--yes", "--break-glass")
    ok(code == 2 and "--reason" in said, "glass is not broken without a reason", code, said)
    code, said = c.do("approve", "last", "drain", "--yes", "--break-glass", "--reason", "fire", user="sync")
    ok(code == 1 and "the site does not know that account" in said, "nor by somebody whom the site does not know", code, said)
    code, said = c.do("approve", "last", "drain", "--yes", "--break-glass", "--reason", "fire in rack 4")
    ok(code == 0 and "to :board (ana, kim)" in said and ":board by chat #board" in said and ":board is paged (run " in said,
       "the requester may break it, and the second role is paged at once", code, said)
    code = ended(p)
    kinds = c.kinds()
    ok(code == 0 and "GLASS BROKEN by" in c.said(), "the run goes on, and says so", code, c.said())
    first, paging = [e["run"] for e in c.events() if e["kind"] == "run.started"]
    mine = [e for e in c.events() if e["run"] == first]
    ok([e["data"]["owner"] for e in mine if e["kind"] == "follow_up"] == ["board"] and [e["data"]["text"] for e in mine if e["kind"] == "run.noted"][1] == ":board is paged (run %s)" % paging and
       c.event("approval.used")["data"].get("break_glass") is True, "mark, follow-up and who was paged are recorded", kinds)
    theirs = [e for e in c.events() if e["run"] == paging]
    sent = [e["data"]["args"] for e in theirs if e["kind"] == "action.started"]
    ok(len(sent) == 1 and sent[0]["channel"] == "#board" and "broke glass for :lead" in sent[0]["text"] and "fire in rack 4" in sent[0]["text"], "what was sent says who and why", sent)
    ok(not [e for e in theirs if e["kind"] == "wait.started"] and first in theirs[0]["data"]["trigger"], "it waits for nobody, and names the run", theirs[0])
    ok("fire in rack 4" in c.do("show", first)[1] and "succeeded, glass broken" in c.do("runs")[1], "show and runs tell it", c.do("runs")[1])
    ok("it is step drain of run " + first in sent[0]["text"], "and which run it was", sent)
    ok(c.good(), "the journal is good")

    # -- who breaks it is killed while the role is paged: that run goes on, and waits for nobody either --
    faulty = os.path.join(os.environ.get("BUILD", "build"), "tests/stepwise-fault")
    glass = ["approve", "last", "drain", "--yes", "--break-glass", "--reason", "fire"]

    def broken(fault):
        c = Case(GLASS)
        c.run()
        r = subprocess.run([os.path.abspath(faulty), *glass, "--journal", c.journal], cwd=c.dir, stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                           env=dict(os.environ, STEPWISE_FAULT_COUNT=c.path("count"), **({"STEPWISE_FAULT": fault} if fault else {})))
        return c, r.returncode

    c, code = broken(None)
    with open(c.path("count")) as f:
        writes = int(re.search(r"writes (\d+)", f.read()).group(1))
    for n in range(writes, 0, -1):
        c, code = broken("kill:write:%d" % n)
        if code == -9 and c.kinds().count("run.started") == 2 and "page.delivered" not in c.kinds():
            break
    paging = [e["run"] for e in c.events() if e["kind"] == "run.started"][-1]
    code, said = c.do("resume", paging)
    ok(code == 0 and c.kinds().count("page.delivered") == 1 and "wait.started" not in c.kinds() and c.good(), "killed while it pages, the paging goes on, once, and waits for no acknowledgement", n, writes, code, said)

    # -- killed before it pages: who comes next pages --
    for n in range(1, writes + 1):
        c, code = broken("kill:write:%d" % n)
        if "approval.given" in c.kinds():
            break
    broke, first = c.kinds().count("run.started"), c.event("run.started")["run"]
    glass[1] = first
    shutil.copy(c.journal, c.path("again.db"))
    r = subprocess.run([STEPWISE, *glass, "--journal", c.path("again.db")], cwd=c.dir, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    ok(broke == 1 and r.returncode == 0 and ":board is paged" in r.stdout, "killed right after glass was broken: who breaks it again pages", code, r)
    r = subprocess.run([STEPWISE, *glass, "--journal", c.path("again.db")], cwd=c.dir, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    ok(r.returncode == 0 and "paged" not in r.stdout, "  and nobody does so twice", r)
    code, said = c.do("resume", first)
    sent = [e["data"]["args"] for e in c.events() if e["kind"] == "action.started"]
    ok(code == 0 and "went on" in said and ":board is paged (run " in said and len(sent) == 1 and "%s broke glass: fire; it is step drain of run %s" % (ME, first) in sent[0]["text"] and c.good(),
       "  or who resumes the run", code, said, sent)

# -- signatures --
def key(name):
    path = os.path.join(TOP.name, name)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)
    with open(path + ".pub") as f:
        return path, " ".join(f.read().split()[:2])


if not shutil.which("ssh-keygen"):
    skip("signatures", "no ssh-keygen")
else:
    KIM, KIM_PUB = key("kim")
    LEE, LEE_PUB = key("lee")
    EVE, EVE_PUB = key("eve")
    SIGNED = "  role :dba, members: %w[kim lee], signed: true, keys: 'signers'"
    DBA = LEAD.replace(":lead", ":dba")
    SIGNERS = 'kim namespaces="stepwise-approval" %s\nlee %s\neve %s\n' % (KIM_PUB, LEE_PUB, EVE_PUB)

    def signed_case(gate=DBA):
        c = Case(None, gate)
        c.file("signers", SIGNERS)
        c.site(SIGNED)
        return c

    c = signed_case(DBA + ", quorum: 2")
    p = c.start()
    code, said = c.do("approve", "last", "drain", "--yes", "--as", "kim")
    ok(code == 1 and "there is no key" in said, "a signed role wants a key", code, said)
    code, said = c.do("approve", "last", "drain", "--yes", "--as", "kim", "--key", LEE)
    ok(code == 1 and "approval.given" not in c.kinds(), "another's key signs nothing for kim", code, said)
    code, said = c.do("approve", "last", "drain", "--yes", "--as", "eve", "--key", EVE)
    ok(code == 1 and "eve is no member" in said, "a key does not make a member", code, said)
    code, said = c.do("approve", "last", "drain", "--yes", "--as", "kim", "--key", KIM)
    ok(code == 0 and "approved by kim, 1 of 2" in said, "a member's key does", code, said)
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True).stdout
    env = dict(re.findall(r"(SSH_\w+)=([^;]+);", agent))
    subprocess.run(["ssh-add", "-q", LEE], env=dict(os.environ, **env), check=True, capture_output=True)
    os.rename(LEE, LEE + ".away")
    code, said = c.do("approve", "last", "drain", "--yes", "--as", "lee", "--key", LEE + ".pub", env=env)
    ok(code == 0, "an agent's key as well: its private half is nowhere on disk", code, said)
    os.rename(LEE + ".away", LEE)
    d = signed_case(DBA + ", quorum: 2")
    d.run()
    d.do("approve", "last", "drain", "--yes", "--as", "lee", "--key", LEE)
    code, said = d.do("approve", "last", "drain", "--yes", "--as", "lee", "--key", KIM)
    ok(code == 1 and "by lee with another key" in said, "who approved already is not agreed with by another's key", code, said)
    code, said = d.do("approve", "last", "drain", "--yes", "--as", "lee", "--key", LEE)
    ok(code == 0 and "nothing to do" in said, "the same key agrees", code, said)
    code = ended(p)
    ok(code == 0 and "approved by lee" in c.said(), "both are verified again, and the run goes on", code, c.said())
    ok(c.good() and c.event("approval.used")["data"].get("signers") == c.event("approval.given")["data"]["signers"], "the journal is good, and has the keys that the run verified with")
    # By hand, as docs/approvals.md says.
    given = c.event("approval.given")["data"]
    ok(given["identity"] == "signed" and given["key"].startswith("SHA256:"), "the key is recorded", given)
    c.file("text", given["text"])
    c.file("sig", given["signature"])
    kept = subprocess.run(["sqlite3", c.journal, "select body from text where sha256 = '%s'" % given["signers"]], capture_output=True, text=True)
    c.file("allowed", kept.stdout)
    r = subprocess.run(["ssh-keygen", "-Y", "verify", "-f", c.path("allowed"), "-I", "kim", "-n", "stepwise-approval", "-s", c.path("sig")],
                       input=given["text"], capture_output=True, text=True)
    ok(r.returncode == 0, "ssh-keygen verifies it with what the journal keeps", r.stdout, r.stderr)
    lines = dict(l.split(": ", 1) for l in given["text"].splitlines()[1:])
    asked = c.event("approval.requested")
    ok(given["text"].startswith("stepwise approval 1\nverdict: approve\napprover: kim\n") and lines["run"] == asked["run"] and lines["step"] == "drain" and
       lines["plan"] == asked["data"]["plan"] and lines["nonce"] == asked["data"]["nonce"] and lines["message"] == "Drain 3 nodes", "and it says what was agreed to", given["text"])

    # What does not verify does not count, whoever wrote it into the journal.
    def forged(name, change, want):
        c = signed_case()
        p = c.start()
        other = signed_case()
        q = other.start()
        other.do("approve", "last", "drain", "--yes", "--as", "kim", "--key", KIM)
        ended(q)
        e = c.event("approval.requested")
        data = dict(other.event("approval.given")["data"])
        change(data, e)
        code, said = inject(c, e["run"], "drain", "approval.given", data)
        c.until("approval.given", p)
        eventually(lambda: "does not count" in c.said())
        waits = p.poll() is None
        ok(waits and "does not count" in c.said() and want in c.said(), name, p.poll(), c.said(), said)
        c.do("approve", "last", "drain", "--yes", "--as", "lee", "--key", LEE)
        ok(ended(p) == 0, "... and a real one still does", c.said())

    def inject(c, run, step, kind, data):
        """Appends an event as another writer would: with the chain's hash, as docs/journal.md states it."""
        db = sqlite3.connect(c.journal, timeout=30)
        db.isolation_level = None
        db.execute("begin immediate")
        seq, prev = db.execute("select seq, hash from event order by seq desc limit 1").fetchone()
        fields = [run, step, kind, "kim@desk", json.dumps(data)]
        now = int(time.time() * 1e6)
        raw = chain(seq + 1, now, prev, fields)
        db.execute("insert into event values(?,?,?,?,?,?,?,?,?)", (seq + 1, now, run, step, kind, "kim@desk", fields[4], prev, raw))
        db.execute("commit")
        db.close()
        return 0, ""

    def chain(seq, now, prev, fields):
        form = b"stepwise/event/1" + prev + struct.pack(">qq", seq, now)
        return hashlib.sha256(form + b"".join(struct.pack(">I", len(f.encode())) + f.encode() for f in fields)).digest()

    forged("an approval of another run, replayed with this nonce", lambda d, e: d.update(nonce=e["data"]["nonce"]), "not what these events say")
    forged("a text that was changed to fit", lambda d, e: d.update(nonce=e["data"]["nonce"], text=d["text"].replace(re.search("nonce: (.*)", d["text"])[1], e["data"]["nonce"])), "not what these events say")

    def unsigned(d, e):
        for k in ("signature", "text", "key", "signers"):
            d.pop(k)
        d.update(nonce=e["data"]["nonce"], identity="account")
    forged("an approval without a signature", unsigned, "is not signed")

    c = signed_case(DBA + ", quorum: 2")
    p = c.start()
    c.do("approve", "last", "drain", "--yes", "--as", "kim", "--key", KIM)
    c.file("signers", "lee %s\n" % LEE_PUB)
    c.do("approve", "last", "drain", "--yes", "--as", "lee", "--key", LEE)
    eventually(lambda: "the approval by kim does not count" in c.said())
    ok(p.poll() is None and "the approval by kim does not count" in c.said(), "a key that was withdrawn meanwhile releases nothing", c.said())
    p.terminate()
    ended(p)
    subprocess.run(["kill", env["SSH_AGENT_PID"]])

    c = signed_case()
    c.run()
    c.do("approve", "last", "drain", "--yes", "--as", "kim", "--key", KIM)
    c.file("signers", "lee %s\n" % LEE_PUB)
    code, said = c.do("resume", "last")
    ok(code == 4 and "the approval by kim does not count" in said, "resume verifies with the keys as they are then", code, said)
    c.file("signers", "lee %s\nkim %s\n" % (LEE_PUB, EVE_PUB))
    code, said = c.do("approve", "last", "drain", "--yes", "--as", "kim", "--key", EVE)
    ok(code == 0 and "1 of 1" in said, "who has another key now gives it again", code, said)
    code, said = c.do("approve", "last", "drain", "--yes", "--as", "kim", "--key", EVE)
    ok(code == 0 and "nothing to do" in said, "once", code, said)
    code, said = c.do("resume", "last")
    ok(code == 0 and "approved by kim" in said, "and goes on when enough hold", code, said)

    # Verifying takes a while, and what others say meanwhile counts.
    slow = os.path.join(TOP.name, "slow")
    os.mkdir(slow)
    with open(os.path.join(slow, "ssh-keygen"), "w") as f:
        f.write('#!/bin/sh\ntouch "%s/verifying"\nfor i in $(seq 300); do [ -e "%s/said" ] && break; sleep 0.1; done\nexec "%s" "$@"\n' % (slow, slow, shutil.which("ssh-keygen")))
    os.chmod(os.path.join(slow, "ssh-keygen"), 0o755)
    for name, gate, say, want in (("a denial", DBA, ("deny", "--reason", "not now"), (8, ["approval.denied"])),
                                  ("another approval", DBA + ", quorum: 2", ("approve",), (0, ["approval.given", "approval.used"]))):
        for mark in ("verifying", "said"):
            if os.path.exists(os.path.join(slow, mark)):
                os.remove(os.path.join(slow, mark))
        c = signed_case(gate)
        p = c.start(env={"PATH": slow + ":" + os.environ["PATH"]})
        c.do("approve", "last", "drain", "--yes", "--as", "kim", "--key", KIM)
        eventually(lambda: os.path.exists(os.path.join(slow, "verifying")))
        code, said = c.do(say[0], "last", "drain", "--yes", "--as", "lee", "--key", LEE, *say[1:])
        open(os.path.join(slow, "said"), "w").close()
        done = ended(p), [k for k in c.kinds() if k.startswith("approval.")][2:]
        ok(code == 0 and done == want, name + " while a signature is verified", code, said, done, c.said())

    # A use or a second request that somebody wrote into the journal opens nothing.
    c = signed_case()
    c.run()
    e = c.event("approval.requested")
    inject(c, e["run"], "drain", "approval.used", {"nonce": e["data"]["nonce"], "approvers": ["kim"]})
    code, said = c.do("resume", "last")
    ok(code == 4 and "waits for approval" in said, "what was used and never given is asked for again", code, said)
    c = signed_case(DBA + ", quorum: 2")
    p = c.start()
    e = c.event("approval.requested")
    inject(c, e["run"], "drain", "approval.requested", dict(e["data"], quorum=1))
    code, said = c.do("approve", "last", "drain", "--yes", "--as", "kim", "--key", KIM)
    ok(code == 0 and "1 of 2" in said and p.poll() is None, "a second request with the nonce of the first changes nothing", code, said)
    code, said = c.do("approve", "last", "drain", "--yes", "--as", "lee", "--key", LEE)
    ok(ended(p) == 0 and c.event("approval.used")["data"]["approvers"] == ["kim", "lee"], "two are still wanted", said, c.said())


# -- at the run's own terminal --
def at_terminal(c, *args):
    return terminal.start([STEPWISE, "run", "r.rb", "--journal", c.journal, *args], cwd=c.dir)


c = Case(None)
pid, fd = at_terminal(c)
seen = until(fd, b"approve or deny?")
code, said = c.do("approve", "last", "drain", "--yes", "--as", "kim")
seen = until(fd, b"look: ", seen)
ok(end(pid) == 0 and b"approved by kim" in seen and b"went on" in seen, "a prompt is withdrawn when somebody approves elsewhere", seen.decode(), said)
os.close(fd)

c = Case(None, LEAD + ", quorum: 2")
pid, fd = at_terminal(c)
seen = until(fd, b"approve or deny?")
os.write(fd, b"approve\nkim\n")
seen = until(fd, b"approved by kim", seen)
c.until("approval.given")
code, said = c.do("approve", "last", "drain", "--yes", "--as", "kim")
ok(code == 0 and "nothing to do" in said, "what was typed there counts here", said)
code, said = c.do("approve", "last", "drain", "--yes", "--as", "lee")
seen = until(fd, b"look: ", seen)
ok(end(pid) == 0 and b"approved by lee" in seen, "one typed, one from elsewhere: two people", seen.decode(), said)
os.close(fd)

c = Case(None, LEAD + ", quorum: 2")
pid, fd = at_terminal(c)
seen = until(fd, b"approve or deny?")
c.do("approve", "last", "drain", "--yes", "--as", "kim")
seen = until(fd, b"2 of 2", seen)
os.write(fd, b"approve\nlee\n")
seen = until(fd, b"look: ", seen)
ok(end(pid) == 0 and b"2 of 2" in seen and b"approved by kim" in seen and b"approved by lee" in seen, "one from elsewhere, one typed: the prompt asks for one less", seen.decode())
os.close(fd)

if ROOT:
    c = Case(PEOPLE)
    pid, fd = at_terminal(c)
    seen = until(fd, b"stepwise approve ")
    ok(b"approve or deny?" not in seen and b"by :lead (nobody, daemon, bin, " in seen, "a role of the site is not typed at: it says who approves, and how", seen.decode())
    c.do("approve", "last", "drain", "--yes", user="nobody")
    seen = until(fd, b"look: ", seen)
    ok(end(pid) == 0 and b"went on" in seen, "and waits for that", seen.decode())
    os.close(fd)

c = Case("  role :lead, members: %%w[ana %s]" % ME, LEAD + ", self_ok: true")
pid, fd = at_terminal(c)
seen = until(fd, b"approve or deny?")
os.write(fd, b"approve\n")
seen = until(fd, b"look: ", seen)
given = c.event("approval.given")["data"]
ok(end(pid) == 0 and given.get("identity") == "account" and given.get("approver") == ME, "with self_ok the operator approves as the account, not as a name", seen.decode(), given)
os.close(fd)

c = Case(None)
pid, fd = at_terminal(c, "--detach")
seen = until(fd, b"look: ")
ok(end(pid) == 4 and b"approve or deny?" not in seen and c.state() == "waiting", "--detach asks nobody and parks", seen.decode())
os.close(fd)

# The person who approves is shown what, and has to agree.
pid, fd = terminal.start([STEPWISE, "approve", "last", "--as", "kim", "--journal", c.journal])
seen = until(fd, b"[yes/no]")
os.write(fd, b"no\n")
seen = until(fd, b"nothing was recorded", seen)
ok(end(pid) == 8 and b"Drain 3 nodes" in seen and b"started by " in seen and b"plan " in seen and "approval.given" not in c.kinds(), "approve shows the request; no is no", seen.decode())
os.close(fd)

print("1..%d" % count)
