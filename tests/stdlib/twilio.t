#!/usr/bin/env python3
"""sms through Twilio, against a strict fake of its Messages API: what is sent and refused, what became of
messages whose answer was lost, killed runs, batches, replies. Nobody is written to twice."""
import glob, os, signal, sys, time
sys.path.insert(0, "tests/lib")
from runs import Case, done, ok
from twilio_fake import ACCOUNT, NUMBER, SERVICE, TOKEN, Twilio

SITE = '''  timezone "UTC"
  secrets driver: "files", directory: "secrets"
  connect :sms, driver: "twilio", account_sid: "%s", auth_token: secret("token"), url: "%s", quiet: "", timeout: 5.seconds, settle: 300.milliseconds, %s'''
ana, bo, cy = "+15555010101", "+15555010102", "+15555010103"


def case(f, body, clauses="", token=TOKEN, sender='from: "%s"' % NUMBER):
    c = Case('runbook "r" do\n  use "sms"\n  step "Do" do\n%s\n%s\n    irreversible "said is said"\n  end\nend\n' % (clauses, body), SITE % (ACCOUNT, f.url, sender))
    c.file("secrets/token", token + "\n", 0o600)
    return c


def again(c, body, clauses=""):
    """The next run of the same journal."""
    c.file("r.rb", 'runbook "r" do\n  use "sms"\n  step "Do" do\n%s\n%s\n    irreversible "said is said"\n  end\nend\n' % (clauses, body))
    return c.run()


def error(c):
    return c.events("action.finished")[-1]["data"].get("error", {})


def untold(c, said=""):
    """The token stands in no file of the run, and was not shown."""
    files = [p for p in glob.glob(c.dir + "/**", recursive=True) if os.path.isfile(p) and not p.endswith("secrets/token")]
    return TOKEN not in said and all(TOKEN.encode() not in open(p, "rb").read() for p in files)


def send(to=ana, body="hello"):
    return '    m = sms.send(to: "%s", body: "%s")\n    show m.id, as: "id"' % (to, body)


def numbers(n):
    return "(1..%d).map { |i| \"+1555501\" + \"%%04d\" %% i }" % n


# --- one message ---
with Twilio() as f:
    c = case(f, send() + '\n    show sms.status(id: m.id).state, as: "first"\n    wait_until within: 20.seconds, every: 200.milliseconds do\n      sms.status(id: m.id).state == :delivered\n    end')
    code, said = c.run()
    ok(code == 0 and f.sent() == [ana] and f.messages[0]["sid"] in said and "first: queued" in said, "a message is sent, and delivered in the end", said, f.requests)
    ok(untold(c, said + str(c.events())), "the token stands in no file and on no screen")
    code, said = again(c, send(body="100 % & more + \u00e9"))
    ok(f.sent("100 % & more + \u00e9") == [ana], "a text arrives as it is", said, f.requests)
    code, said = again(c, '    show sms.status(id: "SM%s").state' % ("f" * 32))
    ok(code != 0 and "Twilio answers 404" in said and error(c).get("kind") == "validation", "a message that there is not", said)
    code, said = again(c, '    show sms.status(id: "../../x").state')
    ok("is no SID" in said, "what is no SID is not asked for", said)
    c = case(f, send(bo), sender='messaging_service: "%s", status_callback: "https://example.org/state"' % SERVICE)
    code, said = c.run()
    ok(code == 0 and f.messages[-1]["messaging_service_sid"] == SERVICE and "StatusCallback=https%3A%2F%2Fexample.org%2Fstate" in f.requests[-1], "a Messaging Service sends", said, f.requests[-1])
    for sender in ('from: "%s", messaging_service: "%s"' % (NUMBER, SERVICE), 'skew: 1.minute'):
        before = len(f.requests)
        code, said = case(f, send(), sender=sender).run()
        ok(code != 0 and "one of the two" in said and len(f.requests) == before, "both senders, or neither: nothing is sent", said)

# --- refusals ---
with Twilio() as f:
    f.refuses = {ana: 21610, bo: 21211, cy: 21408}
    c = case(f, send(ana))
    code, said = c.run()
    ok(error(c).get("kind") == "refused" and "21610" in said, "21610 is a refusal", said, error(c))
    posts = len([r for r in f.requests if r.startswith("POST")])
    code, said = again(c, send(ana))
    ok("suppressed since" in said and len([r for r in f.requests if r.startswith("POST")]) == posts, "  and who opted out there is suppressed here", said)
    for phone in (bo, cy):
        code, said = again(c, send(phone))
        ok(error(c).get("kind") == "validation", "%d is the number's fault" % f.refuses[phone], said, error(c))
    c = case(f, send("+15555010109"), token="wrong-token")
    code, said = c.run()
    ok(error(c).get("kind") == "permission" and "20003" in said and "wrong-token" not in said + str(c.events()), "a wrong token is no permission", said, error(c))
    code, said = case(f, send("+15555010109"), sender='from: "+15005550007"').run()
    ok("21606" in said and f.sent() == [], "a sender that is not ours", said)

    # --- failures that pass ---
    for fault in ("429", "429-bare", "cut", "503"):
        f.faults = [fault]
        phone = "+155550102%02d" % len(f.messages)
        c = case(f, send(phone), "    retries 2, backoff: 100.milliseconds, on: [:transient]")
        code, said = c.run()
        ok(code == 0 and f.sent().count(phone) == 1, "%s, not taken: sent on another attempt" % fault, said, f.requests[-6:])
    for fault in ("lost", "lost-503"):
        f.faults = [fault]
        phone = "+155550103%02d" % len(f.messages)
        c = case(f, send(phone), "    retries 2, backoff: 100.milliseconds, on: [:transient]")
        code, said = c.run()
        ok(code == 0 and f.sent().count(phone) == 1 and f.messages[-1]["sid"] in said, "%s, taken: found, and not sent again" % fault, said, f.requests[-6:])
    f.faults, f.list_faults = ["lost"], ["503"]
    c = case(f, send("+15555010401"))
    code, said = c.run()
    ok(code == 5 and f.sent().count("+15555010401") == 1, "when Twilio cannot be asked the run is in doubt", code, said)
    code, said = c.do("resume", "last")
    ok(code == 0 and f.sent().count("+15555010401") == 1, "  and a resume asks again", code, said)
    f.lag, f.faults = 0.2, ["lost"]
    code, said = case(f, send("+15555010402")).run()
    ok(code == 0 and f.sent().count("+15555010402") == 1, "a message that is listed late is found all the same", code, said)
    f.lag = 0
    c = case(f, send("+15555010403"))
    c.run()
    f.faults = ["cut"]
    code, said = again(c, send("+15555010403"), "    retries 2, backoff: 100.milliseconds, on: [:transient]")
    ok(code == 0 and f.sent().count("+15555010403") == 2, "the same text of an earlier run is not taken for this one's", code, said)

# --- killed ---
with Twilio() as f:
    f.hangs = [0]
    c = case(f, send())
    run = c.start("run", "r.rb")
    ok(f.held.wait(60), "a run has sent, and has no answer")
    run.kill()
    run.wait()
    f.release()
    code, said = c.do("resume", "last")
    ok(code == 0 and f.sent() == [ana] and f.messages[0]["sid"] in said, "killed there and resumed: found, nobody is written to twice", code, said, f.requests)
    ok(c.verified() and untold(c, said), "  the journal is whole, and has no token")

with Twilio() as f:
    f.page_size, f.fails = 60, {"+15555010007": 30005}
    f.hangs, f.refuses = [30, 90, 150], {"+15555010005": 21610, "+15555010006": 21614}
    c = case(f, '    b = sms.send_batch(to: %s, body: "to all", per_second: 200)\n    show "#{b.sent} #{b.refused.size} #{b.unsure.size}", as: "counts"\n    wait 1.second\n    show sms.batch(id: b.id).to_h, as: "batch"' % numbers(200), "    timeout 10.minutes")
    verb, kills = ("run", "r.rb"), 0
    while f.hangs:
        run = c.start(*verb)
        while not f.held.wait(0.2) and run.poll() is None:
            pass
        run.kill()
        run.wait()
        f.release()
        verb, kills = ("resume", "last"), kills + 1
    code, said = c.do(*verb)
    got = f.sent("to all")
    ok(code == 0 and kills == 3, "a batch of 200 that was killed three times comes to its end", code, kills, said)
    ok(len(got) == len(set(got)) == 198, "  everybody is written to once, but for who refused", len(got), len(set(got)))
    ok("counts: 198 2 0" in said, "  and so it is told", said)
    state = " ".join(said.split())
    ok(all(w in state for w in ("accepted 198", "delivered 197", "failed 1", "pending 0", "refused 2")), "  with what Twilio has of it, over several pages", said)
    ok(untold(c, said + str(c.events())), "  and no token anywhere")

    # --- replies ---
    f.reply("+15555010001", "STOP")
    f.reply("+15555010002", "is this real?")
    f.reply("+15555010003", "stop")
    f.page_size = 2
    code, said = again(c, '    r = sms.replies\n    show r.map { |one| "#{one.from} #{one.keyword.inspect}" }.join(","), as: "words"\n    show sms.suppressions.map { |one| one.to }.join(","), as: "list"')
    ok(code == 0 and "words: +15555010001 :stop,+15555010002 nil,+15555010003 :stop" in said, "replies come in, over several pages", said, f.requests[-4:])
    ok("list: +15555010005,+15555010001,+15555010003" in said, "  who says STOP is suppressed, as is who did so at Twilio", said)
    code, said = again(c, '    k = sms.clocks(to: ["+12025550101", "+15555010001"])\n    show "#{k.area_code} #{k.site} #{k.zone}", as: "clocks"')
    ok("clocks: 1 1 UTC" in said, "by whose clock quiet hours go", said)
    f.page_size = 1000
    f.reply("+15555010003", "START")
    code, said = again(c, '    r = sms.replies(since: now - 1.hour)\n    show r.size, as: "replies"\n    show sms.suppressed?(to: "+15555010003"), as: "third"\n    show sms.suppressed?(to: "+15555010001"), as: "first"')
    ok("replies: 4" in said and "third: false" in said and "first: true" in said, "START lifts it, and each reply is taken once", said)
    run = next(e for e in c.events("batch.started"))["data"]["batch"]
    code, said = again(c, '    s = sms.batch(id: "%s")\n    show s.stops, as: "stops"\n    sms.pause batch: "%s", reason: "look"\n    show sms.batch(id: "%s").paused, as: "paused"\n    show sms.failed(batch: "%s").map { |one| "#{one.to} #{one.error}" }.join(","), as: "failed"\n    show sms.failed.size, as: "in all"' % (run, run, run, run))
    ok("stops: 2" in said and "paused: true" in said, "a batch has its replies, and is paused", said)
    ok("failed: +15555010007 30005 Unreachable" in said and "in all: 1" in said, "  and the messages that failed, with Twilio's reason", said)
    first = next(m["sid"] for m in f.messages if m["to"] == "+15555010007")
    look = '    show sms.failed(batch: "%s").map { |one| "#{one.to} #{one.again}" }.join(","), as: "failed"' % run
    code, said = again(c, look)
    ok("failed: +15555010007 false" in said, "  to whom nothing went since", said)
    code, said = again(c, '    sms.send_batch(to: ["+15555010007"], body: "another")\n    sms.send_batch(to: ["+15555010007"], body: "to all")\n    wait 1.second\n' + look)
    ok("failed: +15555010007 false" in said and f.sent("to all").count("+15555010007") == 2, "  nor when that failed too", said)
    f.fails = {first: 30005}
    code, said = again(c, look)
    ok("failed: +15555010007 true" in said, "  until the same text went there again", said)
    f.list_faults = ["503"]
    code, said = again(c, "    r = sms.replies\n    show r.size")
    ok(code != 0 and error(c).get("kind") == "transient", "no list, no replies: it fails", said)

# --- a batch on a bad day ---
with Twilio() as f:
    f.faults = ["", "429", "", "lost", "429-bare", "lost-503"]
    c = case(f, '    b = sms.send_batch(to: %s, body: "to all", per_second: 50)\n    show "#{b.sent} #{b.refused.size} #{b.unsure.size}", as: "counts"' % numbers(20), "    timeout 5.minutes\n    retries 3, backoff: 100.milliseconds, on: [:transient]")
    code, said = c.run()
    got = f.sent()
    ok(code == 0 and len(got) == len(set(got)) == 20 and "counts: 20 0 0" in said, "limits, lost answers and wrong ones: everybody once", code, said, f.requests[-20:])
done()
