#!/usr/bin/env python3
"""page: who is called and in which order, what happens on silence, and that it never fails its run."""
import os, pwd, signal, socket, sqlite3, subprocess, sys, time
sys.path.insert(0, "tests/lib")
from paging_fakes import Fakes
from runs import STEPWISE, Case, done, ok

MINUTE = 60 * 1000000
PAGE = 'page :lead, "the queue stands"%s\n    note "went on"'
RUNBOOK = 'runbook "queue" do\n%s\n  step "Look" do\n    %s\n  end\nend\n'
LEAD = '  role :lead, members: %w[ana], page: { pager: true, chat: "#lead" }'
HERE = "%s@%s" % (pwd.getpwuid(os.getuid()).pw_name, socket.gethostname())  # where a page says that its run is
BOSS = '  role :boss, members: %w[lee], page: { chat: "#boss" }'


def runbook(severity="", clauses=""):
    return RUNBOOK % (clauses, PAGE % severity)


def sent(c):
    """Who has it, in order: (way, where, minutes since the first)."""
    d = c.events("page.delivered")
    return [(e["data"]["role"], e["data"]["way"], (e["time_us"] - d[0]["time_us"]) // MINUTE) for e in d]


def ends_at(c, kind):
    """Leaves the journal as a process does that is gone after this event."""
    j = sqlite3.connect(c.dir + "/j.db")
    (keep,) = j.execute("SELECT sql FROM sqlite_master WHERE name = 'event_no_delete'").fetchone()
    j.execute("DROP TRIGGER event_no_delete")
    j.execute("DELETE FROM event WHERE seq > (SELECT max(seq) FROM event WHERE kind = ?)", (kind,))
    j.execute(keep)
    j.commit()
    j.close()


# -- without an acknowledgement --
c = Case(runbook(), LEAD)
code, said = c.run()
ok(code == 0 and sent(c) == [("lead", "pager", 0)] and "went on" in said and not c.events("wait.started", "page.unanswered"), "the first contact takes it, and nothing waits", code, said)
start = c.events("action.started")[0]["data"]
ok(start["page"] is True and start["key"] and c.events("paged")[0]["data"]["page"] == start["args"]["dedup_key"], "a delivery is an action with a key", start)
ok(c.verified() and "not_undone" not in c.standing(), "and no effect of the step", c.do("show", "last")[1])
c = Case(RUNBOOK % ("", 'page [:lead, :boss], "x"'), LEAD + "\n" + BOSS)
c.run()
ok(sent(c) == [("lead", "pager", 0), ("boss", "chat", 0)], "roles of a list are called at once", sent(c))

# -- silence --
MATRIX = LEAD + ", ack_within: 5.minutes\n" + BOSS + '''
  role :owner, members: %w[kim], page: { pager: "owners" }, ack_within: 2.minutes
  escalation do
    severity :sev1, page: [:lead, :boss, :owner], ack_within: 10.minutes, repeat: 1
    severity :sev2, page: :boss, ack_within: 1.minute
    severity :sev3, ticket: true
  end'''
c = Case(runbook(", severity: 1"), MATRIX)
code, said = c.run("--virtual-clock")
once = [("lead", "pager", 0), ("lead", "chat", 5), ("boss", "chat", 10), ("owner", "pager", 20)]
ok(code == 0 and sent(c) == once + [(r, w, t + 22) for r, w, t in once], "silence: next contact, next roles of the line, all of it again", code, said, sent(c))
ok([e["data"].get("round", 1) for e in c.events("page.escalated")] == [1, 1, 1, 2, 2, 2, 2], "and the journal says so", c.events("page.escalated"))
ok([e["data"]["reason"] for e in c.events("page.unanswered")] == ["silence"] and c.events("follow_up")[0]["data"]["owner"] == "lead" and "NOBODY ANSWERED" in said and "went on" in said,
   "in the end nobody has it: told, recorded, a follow-up; the run goes on", said)
ok("a page that nobody has: the queue stands" in c.do("show", "last")[1] and c.verified(), "show tells it")
c = Case(runbook(", severity: 2"), MATRIX)
c.run("--virtual-clock")
ok(sent(c) == [("lead", "pager", 0), ("lead", "chat", 5), ("boss", "chat", 10)], "another severity, another line", sent(c))
c = Case(runbook("", "  severity :sev2"), MATRIX)
c.run("--virtual-clock")
ok(sent(c)[-1] == ("boss", "chat", 10), "the runbook's severity counts where page says none", sent(c))
c = Case(runbook(", severity: 3", "  severity :sev2"), MATRIX)
c.run("--virtual-clock")
ok([e["data"]["text"] for e in c.events("follow_up")] == ["the queue stands", "nobody answered the page: the queue stands"], "page's own severity before it; a ticket is a follow-up", c.events("follow_up"))
c = Case(runbook(", severity: 1"), MATRIX)
c.file("a.json", '{"ack look": ["no", "hello", "ack kim has it"]}')
code, said = c.run("--virtual-clock", "--answers", "a.json")
c2 = Case(runbook(", severity: 1"), MATRIX)
c2.file("a.json", '{"ack look": ["no", "ack kim has it"]}')
code, said = c2.run("--virtual-clock", "--answers", "a.json")
ack = c2.events("page.acknowledged")
ok(code == 0 and sent(c2) == [("lead", "pager", 0), ("lead", "chat", 0)] and ack[0]["data"]["note"] == "kim has it" and ack[0]["data"]["source"] == "file", "answers: no goes on at once, ack ends it", said, ack)
ok([l.split("\t")[1] for l in c2.read("state/pager-outbox.log").splitlines()] == ["trigger", "acknowledge"], "and the paging service is told", c2.read("state/pager-outbox.log"))
ok(len(c.events("page.delivered")) > 2, "an answer that is none ends nothing", c.events("page.acknowledged"))

# -- nobody to be reached --
for name, site, reason in (("no site", None, "no_contacts"), ("no contacts", "  role :lead, members: %w[ana]", "no_contacts")):
    c = Case(runbook(), site)
    code, said = c.run()
    ok(code == 0 and c.events("page.unanswered")[0]["data"]["reason"] == reason and c.events("follow_up") and "NOBODY WAS REACHED" in said and "went on" in said, name + ": loudly", code, said)
with Fakes() as f:
    SLACK = '  connect :chat, driver: "slack", url: "%s/services/T000/B000/%s", timeout: 5.seconds\n'
    PD = '  connect :pager, driver: "pagerduty", routing_key: "' + "R" * 32 + '", url: "%s", timeout: 5.seconds\n'
    ROLE = '  role :lead, members: %w[ana], page: { chat: true, pager: true }'
    f.faults = ["500"]
    c = Case(runbook(), SLACK % (f.url, "ops-secret") + PD % f.url + ROLE)
    code, said = c.run()
    un = c.events("page.undelivered")
    ok(code == 0 and sent(c) == [("lead", "pager", 0)] and un[0]["data"]["error"]["kind"] == "transient" and f.opened == 1, "a contact that fails: the next", code, said, un)
    f.faults = ["lost"]
    c = Case(runbook(), SLACK % (f.url, "ops-secret") + PD % f.url + ROLE)
    code, said = c.run()
    ok(code == 0 and sent(c) == [("lead", "pager", 0)] and c.verified(), "one whose answer is lost leaves no doubt, and the next is called", code, said)
    f.faults = ["500"] * 4
    c = Case(runbook(), SLACK % (f.url, "ops-secret") + PD % f.url + ROLE)
    code, said = c.run("--virtual-clock")
    ok(code == 0 and sent(c) == [("lead", "chat", 0)] and len(c.events("page.undelivered")) == 4, "what may pass is tried again after a pause", code, said, sent(c))
    c = Case(runbook(), SLACK % (f.url, "archived-secret") + '  role :lead, members: %w[ana], page: { chat: true }, ack_within: 1.minute')
    code, said = c.run("--virtual-clock")
    ok(code == 0 and c.events("page.unanswered")[0]["data"]["reason"] == "undelivered" and len(c.events("page.undelivered")) == 1 and "went on" in said, "what cannot pass is not", code, said)
    # -- killed while it waits: nobody is paged twice --
    f.opened, before = 0, len(f.requests)
    c = Case(runbook(), PD % f.url + '  role :lead, members: %w[ana], page: { pager: true }, ack_within: 2.hours')
    p = c.start("run", "r.rb")
    deadline = time.time() + 50
    while not c.events("wait.started") and time.time() < deadline:
        time.sleep(0.1)
    p.send_signal(signal.SIGKILL)
    p.wait()
    until = [e["data"]["until_us"] for e in c.events("wait.started")]
    code, said = c.do("ack", "last", "--note", "kim has it")
    ok(code == 0 and "stepwise resume" in said, "acknowledged while no process has the run", code, said)
    os.rename(c.dir, c.dir + "-moved")
    c.dir += "-moved"
    code, said = c.do("resume", "last")
    ok(code == 0 and "acknowledged by" in said and "went on" in said and len(c.events("page.delivered")) == 1 and [e["data"]["until_us"] for e in c.events("wait.started")] == until,
       "killed, moved and resumed: nobody is paged twice, the end of the wait stands", code, said)
    ok(f.opened == 1 and list(f.incidents.values())[-1]["state"] == "acknowledged" and c.verified(), "one incident, acknowledged", f.incidents)

# -- what nobody has --
c = Case(runbook(), '  role :lead, members: %w[ana], page: { chat: true }, ack_within: 1.minute')
code, said = c.run("--virtual-clock")
code, said = c.do("runs")
ok("succeeded, a page that nobody has" in said, "runs marks a run with a page that nobody has", code, said)
code, said = c.do("runs", "--json")
ok('"pages":1' in said, "and says how many to a machine", code, said)
c.do("ack", "last", "--note", "kim has it")
code, said = c.do("runs")
ok(code == 0 and "page" not in said.replace("paging", ""), "until somebody acknowledges it", code, said)

# -- on the way back, and after a failure --
AFTER_FAILURE = '''runbook "r" do
  on_failure do |failure|
    page :lead, "failed: #{failure.message}"
    follow_up "after the page"
  end
  step "Look" do
    fail! :broken, "it broke"
  end
end
'''
c = Case(AFTER_FAILURE, LEAD + ", ack_within: 20.minutes")
code, said = c.run("--virtual-clock")
ok(code == 1 and len(sent(c)) == 2 and [e["data"]["text"] for e in c.events("follow_up")][-1] == "after the page", "on_failure: waiting takes nothing of its time", code, said)
c = Case(AFTER_FAILURE, LEAD + ", ack_within: 20.minutes")
p = c.start("run", "r.rb")
end = time.monotonic() + 60
while "waiting 20 minutes" not in c.read("out") and time.monotonic() < end:
    time.sleep(0.02)
p.send_signal(signal.SIGTERM)
ok(p.wait(30) == 130, "told to stop while the page of a failure waits: the run is left", c.read("out"))
code, said = c.do("ack", "last", "--note", "kim has it")
ok(code == 0, "  somebody acknowledges it meanwhile", code, said)
code, said = c.do("resume", "last")
ok(len(c.events("page.delivered")) == 1 and "acknowledged by" in said and [e["data"]["text"] for e in c.events("follow_up")] == ["after the page"] and c.verified(),
   "  resumed, it goes on waiting: nobody is paged twice, and the block ends", code, said)
c = Case('''runbook "r" do
  use "freeze"
  on_failure :rollback
  step "Freeze" do
    freeze.begin(name: "x", reason: "y")
    rollback timeout: 5.minutes do
      page :lead, "undoing"
      freeze.lift(name: "x")
    end
  end
  step "Fail" do
    fail! :broken, "it broke"
  end
end
''', LEAD + ", ack_within: 20.minutes")
code, said = c.run("--virtual-clock")
ok(code == 6 and len(sent(c)) == 2 and c.verified(), "a rollback: nor of its own", code, said)
c = Case(RUNBOOK % ("", 'timeout 3.minutes\n    page :lead, "x"'), LEAD + ", ack_within: 20.minutes")
code, said = c.run("--virtual-clock")
ok(code == 1 and "took longer than its timeout" in said, "in a step its own limits hold", code, said)

# -- cut short: nobody has it --
CUT = RUNBOOK % ("  on_failure :continue", 'timeout 3.minutes\n    page :lead, "x", severity: 1') + "\n"
CUT = CUT.replace("  end\nend\n", '  end\n  step "After" do\n    note "went on"\n  end\nend\n')


def nobody_has(c):
    """Why, as long as everything says so."""
    said = c.do("show", "last")[1]
    told = "a page that nobody has: x" in said and "waits to be acknowledged" not in said and ", a page that nobody has" in c.do("runs")[1]
    due = [e["data"]["text"] for e in c.events("follow_up")] == ["nobody answered the page: x"]
    return [e["data"]["reason"] for e in c.events("page.unanswered")] if told and due and c.verified() else said


c = Case(CUT, LEAD + ", ack_within: 2.minutes\n  escalation do\n    severity :sev1, page: :lead, repeat: 2\n  end")
code, said = c.run("--virtual-clock")
ok(code == 1 and "NOBODY ANSWERED before its time was over" in said and "went on" in said and nobody_has(c) == ["timeout"], "a wait that the step's timeout cuts: nobody has the page", code, said, nobody_has(c))
c.do("ack", "last", "--note", "kim has it")
ok("nobody has" not in c.do("runs")[1] + c.do("show", "last", "--brief")[1], "  until somebody says so", c.do("runs")[1])
for last in "page.unanswered", "follow_up":
    c = Case(CUT, LEAD + ", ack_within: 5.minutes")
    c.run("--virtual-clock")
    ends_at(c, last)
    code, said = c.do("resume", "last")
    ok(code == 1 and "took longer than its timeout" in said and "went on" in said and nobody_has(c) == ["timeout"] and len(c.events("page.delivered")) == 1,
       "  gone just after %s was recorded, and resumed: the same, once" % last, code, said, nobody_has(c))
c = Case(CUT.replace("timeout 3.minutes", ""), LEAD + ", ack_within: 2.hours")
p = c.start("run", "r.rb")
end = time.monotonic() + 60
while not c.events("wait.started") and time.monotonic() < end:
    time.sleep(0.05)
p.send_signal(signal.SIGTERM)
ok(p.wait(30) == 130 and "NOBODY ANSWERED before it was stopped" in c.read("out") and nobody_has(c) == ["stopped"], "so does a stop of the run", c.read("out"), nobody_has(c))
ends_at(c, "page.unanswered")
code, said = c.do("resume", "last")
ok(code == 0 and "went on" in said and nobody_has(c) == ["stopped"] and len(c.events("page.delivered")) == 1, "  one that did not get to end the step: it goes on, and nobody is paged again", code, said, nobody_has(c))
c = Case(CUT.replace("timeout 3.minutes", ""), LEAD + ", ack_within: 2.hours")
p = c.start("run", "r.rb")
while not c.events("wait.started") and time.monotonic() < end:
    time.sleep(0.05)
p.send_signal(signal.SIGHUP)
p.wait(30)
ok(not c.events("page.unanswered") and "a page waits to be acknowledged: x" in c.do("show", "last")[1], "but a terminal that is gone ends no page", p.returncode, c.read("out"))
code, said = c.do("abandon", "last", "--reason", "over")
said = c.do("show", "last")[1]
ok(code == 0 and "a page that nobody has: x" in said and "waits to be acknowledged" not in said, "  and when it is given up, nothing waits", code, said)

# -- what a run wants before it begins --
for name, text, site, told in (
        ("a severity that there is not", runbook(", severity: 4"), MATRIX, "has no severity :sev4"),
        ("nor the runbook's", runbook("", "  severity :sev11"), MATRIX, "did you mean :sev1?"),
        ("a role that there is not", RUNBOOK % ("", 'page :leed, "x"'), LEAD, "did you mean :lead?"),
        ("a secret that is missing", runbook(), '  secrets driver: "files", directory: "s"\n  connect :pager, driver: "pagerduty", routing_key: secret("k")\n' + LEAD, "secret"),
        ("a way that no binding serves", 'binding :pager, "own" do\n  action :ring, effect: :write\nend\ndriver :x, for: :pager, default: true do\n  perform :ring do\n    nil\n  end\nend\n' + runbook(), LEAD, "no binding of this run serves pager")):
    c = Case(text, site)
    code, said = c.run()
    ok(code == 3 and told in said and not c.events("run.started"), "refused: " + name, code, said)
c = Case(RUNBOOK % ("", 'page :lead, "x"\n    chat.post(text: "x")'), LEAD)
code, said = c.run()
ok(code == 3 and "no variable or binding `chat`" in said, "bindings that are there for pages are not seen by the runbook", code, said)
c = Case('binding :pager, "own" do\n  action :trigger, effect: :write, repeat: :safe do\n    takes :summary, :string\n  end\nend\ndriver :x, for: :pager, default: true do\n'
         '  perform :trigger do |summary|\n    file.append(path: "own", text: "#{summary}\\n", state: true)\n    nil\n  end\nend\n' + runbook(", severity: 1"), LEAD)
code, said = c.run()
ok(code == 0 and c.read("state/own") == "[sev1] the queue stands (run %s on %s)\n" % (c.events("paged")[0]["run"], HERE), "a binding of one's own takes the page", code, said)

# -- by sms: at night too, and not to who opted out --
SMS = '  connect :sms, driver: "outbox", quiet: "00:00-23:59"%s\n  role :lead, members: %%w[ana], page: { sms: "+12025550106", chat: "#lead" }'
c = Case(runbook(), SMS % "")
code, said = c.run("--virtual-clock")
ok(code == 0 and sent(c) == [("lead", "sms", 0)] and "+12025550106" in str(c.events("action.started")[0]["data"]["args"]), "a page waits for no better hour", code, said)
c = Case(runbook(), SMS % ', sandbox: ["+12025550199"]')
code, said = c.run("--virtual-clock")
ok(code == 0 and sent(c) == [("lead", "chat", 0)] and c.events("page.undelivered")[0]["data"]["error"]["kind"] == "refused", "what the binding refuses is refused, and the next contact is called", code, said)

# -- what is said: which run, on which machine, and how one says that one has it --
def given(c):
    return [e["data"]["args"] for e in c.events("action.started")]


WAYS = '  connect :sms, driver: "outbox"\n  role :lead, members: %w[ana], page: { sms: "+12025550106", chat: "#lead", email: "ana@example.org", pager: true }, ack_within: 1.minute'
c = Case(runbook(", severity: 1"), WAYS)
c.run("--virtual-clock")
run, at = c.events("paged")[0]["run"], "%s --journal %s" % (c.events("paged")[0]["run"], os.path.realpath(c.dir) + "/j.db")
sms, chat, mail, pager = given(c)
whole = "[sev1] the queue stands\nrun %s of queue, step look, on %s\nto acknowledge: stepwise ack %s\nto look: stepwise show %s" % (run, HERE, at, at)
ok(chat["text"] == whole and mail["text"] == whole, "a page names its run, the machine, and the commands with the journal", chat, mail)
ok(sms["body"] == "[sev1] the queue stands\n%s: stepwise ack %s" % (HERE, at), "  a short one by sms", sms)
ok(pager["summary"] == "[sev1] the queue stands (run %s on %s)" % (run, HERE) and pager["source"] == "queue on " + HERE and
   pager["details"] == {"run": run, "runbook": "queue", "step": "look", "on": HERE, "acknowledge": "stepwise ack " + at, "look": "stepwise show " + at}, "  and to a paging service in fields", pager)
command = sms["body"].split(": ", 1)[1].split()
r = subprocess.run([STEPWISE, *command[1:], "--note", "ana is on it"], cwd="/", capture_output=True, text=True)
ok(r.returncode == 0 and "acknowledged: the queue stands" in r.stdout, "  the command is one that works, from any directory", r)
for name, text in (("", "the queue stands " * 60), (", in other letters", "очередь стоит " * 60)):
    c = Case(RUNBOOK % ("", 'page :lead, "%s"' % text), WAYS.replace(", ack_within: 1.minute", ""))
    c.run()
    body = given(c)[0]["body"]
    most = 134 if name else 306
    ok(most - 8 < len(body) <= most and body.endswith("...\n%s: stepwise ack %s --journal %s" % (HERE, c.events("paged")[0]["run"], os.path.realpath(c.dir) + "/j.db")), "  a long one is cut to two segments, the command is not" + name, len(body), body)
c = Case(runbook(), '  role :lead, members: %w[ana], page: { chat: true }')
r = subprocess.run([STEPWISE, "run", "r.rb", "--site", "site.rb"], cwd=c.dir, env=dict(os.environ, XDG_STATE_HOME=c.dir), stdin=subprocess.DEVNULL, capture_output=True, text=True)
said = c.read("stepwise/state/chat-outbox.log")
ok(r.returncode == 0 and "to acknowledge: stepwise ack " in said and "--journal" not in said, "a journal that commands find by themselves is not named", r, said)
r = subprocess.run([STEPWISE, "run", "r.rb", "--site", "site.rb"], cwd=c.dir, env=dict(os.environ, STEPWISE_JOURNAL="own.db"), stdin=subprocess.DEVNULL, capture_output=True, text=True)
ok("--journal %s/own.db" % os.path.realpath(c.dir) in c.read("state/chat-outbox.log"), "  one that a variable names is: another terminal has not got it", r, c.read("state/chat-outbox.log"))
c = Case(runbook(), WAYS.replace(", ack_within: 1.minute", ""))
r = subprocess.run([STEPWISE, "run", "r.rb", "--journal", os.fsencode(c.dir) + b"/j\xe9"], cwd=c.dir, stdin=subprocess.DEVNULL, capture_output=True)
r = subprocess.run([STEPWISE, "journal", "export", "--journal", os.fsencode(c.dir) + b"/j\xe9"], capture_output=True, text=True, errors="replace")
ok('"body":"the queue stands\\n%s: stepwise ack ' % HERE in r.stdout and " --journal " not in r.stdout, "  one whose path is no text is not", r)

# -- a drill --
c = Case(runbook(", severity: 1"), MATRIX)
code, said = c.run("--drill")
ok(code == 0 and len(sent(c)) == 8 and not c.read("state/pager-outbox.log") and not c.read("state/chat-outbox.log"), "a drill calls nobody, in the same order", code, said)
done()
