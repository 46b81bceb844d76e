#!/usr/bin/env python3
"""Looks that fail in a way that passes: watch, wait_until and verify go on, people are told, and what was
told stays told when the run is killed and resumed."""
import os, signal, sys, time

sys.path.insert(0, "tests/lib")
from runs import Case, done, ok

DESK = '''
binding :desk, "A desk" do
  action :ask, effect: :read do
    takes :nth, :integer
    takes :fails, :array
    takes :kind, :symbol, default: :transient
    takes :after, :any, default: nil
    gives :integer
  end
end
driver :real, for: :desk, default: true do
  perform :ask do |nth, fails, kind, after|
    fail! kind, "nobody at the desk (#{nth})", retry_after: after if fails.include?(nth)
    nth
  end
end
'''


def book(body, clauses=""):
    return 'runbook "looks" do\n  step "Look" do\n%s%s  end\nend\n%s' % (clauses, body, DESK)


def watch(fails, options, kind=":transient"):
    return book('''    nth = 0
    watch every: 1.minute, for: 10.minutes%s do
      nth += 1
      got = desk.ask(nth: nth, fails: %s, kind: %s)
      note "look #{got}"
    end
''' % (options, fails, kind))


def looks(case):
    return [e["data"] for e in case.events("look.failed")]


case = Case(watch("[2, 3]", ", tolerate: 5.minutes"))
code, said = case.run("--virtual-clock")
ok(code == 0 and "look 1" in said and "look 11" in said and "look 2\n" not in said, "a watch goes on after looks that fail", said)
ok(said.count("this look failed, and another follows: nobody at the desk") == 2, "  each is told", said)
kept = looks(case)
ok(len(kept) == 2 and kept[0]["since_us"] == kept[1]["since_us"] and kept[0]["error"]["kind"] == "transient", "  and is in the journal, with since when", kept)
ok(case.verified(), "  which is whole")

case = Case(watch("[2, 3, 4, 5, 6, 7, 8, 9]", ", tolerate: 5.minutes"))
code, said = case.run("--virtual-clock")
ok(code == 1 and "nobody at the desk (7)" in said, "looks that fail for longer end it", said)
ok(len(looks(case)) == 5, "  after as many as that time has", looks(case))

case = Case(watch("[2, 3, 4, 6, 7, 8]", ", tolerate: 3.minutes"))
code, said = case.run("--virtual-clock")
ok(code == 0, "one that succeeds begins the time anew", said)

case = Case(watch("[2]", ""))
code, said = case.run("--virtual-clock")
ok(code == 1 and not looks(case), "without tolerate: the first failure ends it", said)
case = Case(watch("[2]", ", tolerate: 5.minutes", ":provider"))
code, said = case.run("--virtual-clock")
ok(code == 1 and not looks(case), "and so does a failure that does not pass", said)

case = Case(book('''    nth = 0
    wait_until within: 10.minutes, every: 1.minute do
      nth += 1
      desk.ask(nth: nth, fails: [1, 2, 4], after: nth == 1 ? 3.minutes : nil) == 5
    end
    note "after #{nth}"
'''))
code, said = case.run("--virtual-clock")
ok(code == 0 and "after 5" in said, "a condition that cannot be looked at does not hold yet", said)
events = case.events("action.started")
ok(events[1]["time_us"] - events[0]["time_us"] >= 180_000_000, "  a failure that says when is heeded", events)
case = Case(book('''    wait_until within: 3.minutes, every: 1.minute do
      desk.ask(nth: 1, fails: [1]) == 5
    end
'''))
code, said = case.run("--virtual-clock")
ok(code == 1 and "nobody at the desk (1)" in said, "when the time is up, what failed is said", said)
case = Case(book('''    nth = 0
    verify "somebody is there", within: 5.minutes, every: 1.minute do
      nth += 1
      desk.ask(nth: nth, fails: [1, 2]) == 3
    end
'''))
code, said = case.run("--virtual-clock")
ok(code == 0 and "verified: somebody is there" in said, "verify is as patient", said)

# --- killed while looks fail ---
case = Case(book('''    nth = 0
    watch every: 0.2.seconds, for: 1.second, tolerate: 1.hour do
      nth += 1
      desk.ask(nth: nth, fails: [1, 2, 3])
    end
    watch every: 0.2.seconds, for: 2.seconds, tolerate: 1.hour do
      nth += 1
      desk.ask(nth: nth, fails: [8, 9, 10, 11, 12, 13])
    end
'''))
run = case.start("run", "r.rb")
end = time.monotonic() + 30
while case.read("out").count("this look failed") < 5 and time.monotonic() < end:
    time.sleep(0.02)
run.send_signal(signal.SIGKILL)
run.wait()
before = looks(case)
code, said = case.do("resume", "last")
ok(code == 0, "a run that is killed meanwhile goes on", said)
after = looks(case)
ok(len(before) >= 4 and after[:len(before)] == before, "  what was told is not told again", before, after)
ok(len({e["since_us"] for e in after[3:]}) == 1, "  and its time counts from when it began", after)
ok(case.verified(), "  the journal is whole")
done()
