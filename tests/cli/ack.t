#!/usr/bin/env python3
"""stepwise ack: from another terminal, at the run's own prompt, by whom, again and late."""
import json, os, pty, pwd, select, subprocess, sys, time
sys.path.insert(0, "tests/lib")
from runs import Case, done, ok

ME = pwd.getpwuid(os.getuid()).pw_name
RUNBOOK = 'runbook "queue" do\n  step "Look" do\n    page :lead, "the queue stands"\n    note "went on"\n  end\nend\n'
MINE = '  role :lead, members: %%w[ana %s], page: { pager: true, chat: "#lead" }, ack_within: 2.hours' % ME
OTHERS = '  role :lead, members: %w[nobody], page: { pager: true, chat: "#lead" }, ack_within: 2.hours'


def until(what):
    end = time.time() + 50
    while not what() and time.time() < end:
        time.sleep(0.1)
    return what()


def waiting(site):
    c = Case(RUNBOOK, site)
    p = c.start("run", "r.rb")
    until(lambda: c.events("wait.started"))
    return c, p


# -- another terminal --
c, p = waiting(MINE)
code, said = c.do("show", "last")
ok("a page waits to be acknowledged: the queue stands, until " in said and "stepwise ack " in said, "show says that it waits, and what to do", said)
page = c.standing()["pages"]
ok(len(page) == 1 and page[0]["text"] == "the queue stands" and page[0]["until_us"] > 0, "and as JSON", page)
code, said = c.do("ack", "last")
ok(code == 0 and "acknowledged: the queue stands" in said and "process %d goes on" % p.pid in said, "a member just says so", code, said)
p.wait(timeout=50)
out = c.read("out")
ok(p.returncode == 0 and "acknowledged by " + ME in out and "went on" in out and len(c.events("page.delivered")) == 1, "and the run goes on at once", out)
ok(c.events("page.acknowledged")[0]["data"]["role"] == "lead" and c.events("page.acknowledged")[0]["actor"].startswith(ME + "@"), "the journal has who it was", c.events("page.acknowledged"))
code, said = c.do("ack", "last")
ok(code == 0 and "acknowledged already by " + ME in said and len(c.events("page.acknowledged")) == 1, "repeating it changes nothing", code, said)
ok(c.verified() and "page acknowledged by" in c.do("show", "last")[1], "show tells it")

# -- somebody else --
c, p = waiting(OTHERS)
code, said = c.do("ack", "last")
ok(code == 1 and ME in said and "is none of those who are paged" in said and "--note" in said and not c.events("page.acknowledged"), "who is not paged says who has it", code, said)
code, said = c.do("ack", "last", "--note", " ")
ok(code == 2 and "the note is empty" in said, "an empty note says nothing", code, said)
code, said = c.do("ack", "last", "--note", "nobody is on it", "--json")
p.wait(timeout=50)
event = json.loads(said.splitlines()[0])
ok(code == 0 and event["kind"] == "page.acknowledged" and event["data"]["note"] == "nobody is on it" and "role" not in event["data"], "with a note it is recorded as that", code, said)
ok("nobody is on it" in c.read("out"), "and told in the run", c.read("out"))

# -- nothing to acknowledge --
c = Case('runbook "r" do\n  step "x" do\n    note "y"\n  end\nend\n')
c.run()
code, said = c.do("ack", "last")
ok(code == 3 and "has paged nobody" in said, "a run that paged nobody", code, said)
code, said = c.do("ack")
ok(code == 2 and "it wants a run" in said, "no run")
c = Case(RUNBOOK, '  role :lead, members: %w[ana]')
c.run()
code, said = c.do("ack", "last", "--note", "late")
ok(code == 0 and "a page that nobody has" not in c.do("show", "last")[1], "late, of a run that has ended", code, said)

# -- the run's own prompt --
c = Case(RUNBOOK, OTHERS)
pid, fd = pty.fork()
if pid == 0:
    os.chdir(c.dir)
    os.execv(c.command()[0], c.command("run", "r.rb"))
seen = b""


def read_until(text):
    global seen
    end = time.time() + 50
    while text not in seen and time.time() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                seen += os.read(fd, 65536)
            except OSError:
                break
    return text in seen


asked = read_until(b"or no] ")
os.write(fd, b"ack\n")
refused = read_until(b"say who has it")
read_until(b"or no] ")
seen = b""
os.write(fd, b"no\n")
onward = read_until(b"nobody acknowledges it") and read_until(b"by chat #lead")
read_until(b"or no] ")
os.write(fd, b"ack kim is on it\n")
told = read_until(b"acknowledged by") and read_until(b"succeeded")
_, status = os.waitpid(pid, 0)
ok(asked and refused, "the prompt asks, and wants to know who has it", seen)
ok(onward, "no calls the next contact at once", seen)
ok(told and status == 0 and c.events("page.acknowledged")[0]["data"] == {"page": c.events("paged")[0]["data"]["page"], "note": "kim is on it", "source": "terminal"},
   "ack and a remark ends it", seen, c.events("page.acknowledged"))
done()
