"""A campaign by SMS at Twilio, for tests of the messaging runbooks: a room with a site, a segment and a
text, the inputs and answers of a launch."""
import datetime, json, os, time
from runs import Case, ok
from twilio_fake import ACCOUNT, NUMBER, TOKEN

TOP = os.getcwd()
ahead = 12 - datetime.datetime.now(datetime.timezone.utc).hour
ZONE = "Etc/GMT" + ("" if ahead == 0 else "%s%d" % ("-" if ahead > 0 else "+", abs(ahead)))  # where it is noon
TEXT = "The spring market opens on Saturday. Reply STOP to opt out."
os.environ["TWILIO_TOKEN"] = TOKEN
YES = {"verify-segment": "yes", "verify-consent": "leave_out", "send-test-message": "yes", "confirm-throttle": "yes",
       "approve launch-campaign": {"answer": "approve", "by": "lead-1"},
       "review-inbound-replies": "yes", "communicate-with-leadership": "nobody", "decide": ["terminate", "a list of last year"], "terminate-campaign": "yes"}
INPUTS = dict(campaign="spring", segment="market", test_phone="+447700900123", monitor="6s", throttle="100")


def room(fake, people, url=None):
    """url: where Twilio is looked for, when that is not the fake itself."""
    case = Case("", site='  timezone "%s"\n  role :messaging_lead, members: ["lead-1"], typed: true\n  role :leadership, members: ["head-1"]\n'
                '  connect :sms, driver: "twilio", account_sid: "%s", auth_token: env("TWILIO_TOKEN"), from: "%s", url: "%s", settle: 1.second' % (ZONE, ACCOUNT, NUMBER, url or fake.url))
    case.file("crm/campaigns/spring.sms.txt", TEXT + "\n")
    case.file("crm/segments/market.csv", "id,name,phone,consent,zone\n" + "".join("s-%d,Sample %d,%s,yes,%s\n" % (i, i, p, ZONE) for i, p in enumerate(people)))
    case.file("answers.json", json.dumps(YES))
    return case


def arguments(case, runbook, **inputs):
    sets = [a for k, v in inputs.items() for a in ("--set", "%s=%s" % (k, v))]
    return ["run", "%s/runbooks/messaging/%s.rb" % (TOP, runbook), "--site", os.path.join(case.dir, "site.rb"), "--answers", os.path.join(case.dir, "answers.json"), *sets]


def surge(fake, case, people):
    """A launch to 30 people of whom four say STOP: it is held, and the incident ends the campaign."""
    before = len(fake.sent(TEXT))
    run = case.start(*arguments(case, "sms-campaign-launch", **INPUTS))
    ok(until(lambda: len(fake.sent(TEXT)) == before + len(people) + 1), "a launch whose people do not like it", case.read("out"))
    for phone in people[:4]:
        fake.reply(phone, "STOP")
    ok(run.wait(60) == 1, "is held", case.read("out"))
    code, said = case.do("runs", "--json")
    states = {json.loads(line)["runbook"]: json.loads(line)["state"] for line in said.splitlines()}
    ok(states == {"sms-campaign-launch": "held", "sms-incident": "succeeded"}, "and the incident is dealt with", said)


def phones(n):
    return ["+1555501%04d" % i for i in range(1, n + 1)]


def until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return what()
