#!/usr/bin/env python3
"""The SMS runbooks against a strict fake of Twilio: what arrived there, whom it refuses, a surge of STOP
replies, answers that are lost, and a launch that is killed."""
import json, os, signal, sys

sys.path.insert(0, "tests/lib")
from campaign import INPUTS, TEXT, arguments, phones, room, surge, until
from runs import done, ok
from twilio_fake import Twilio

# --- a campaign, one of whose people Twilio knows to have unsubscribed, and the next one ---
with Twilio() as fake:
    people = phones(40)
    fake.refuses[people[7]] = 21610
    case = room(fake, people)
    code, said = case.do(*arguments(case, "sms-campaign-launch", **INPUTS))
    ok(code == 0, "a campaign at Twilio", said)
    ok(sorted(fake.sent(TEXT)) == sorted(people[:7] + people[8:] + ["+447700900123"]), "each has it once, and staff the test", fake.sent(TEXT))
    ok("39 of 40 sent, 1 refused" in said and "1 refused: " in said, "whom Twilio refuses is told", said)
    fake.reply(people[3], "Stop")
    code, said = case.do(*arguments(case, "sms-campaign-launch", **INPUTS))
    ok(code == 0, "the next campaign", said)
    ok("39 people have it. Launch it again? yes" in said, "was asked about, for it has the same text", said)
    twice = fake.sent(TEXT)
    ok(twice.count(people[3]) == 1 and twice.count(people[7]) == 0 and all(twice.count(p) == 2 for p in people if p not in (people[3], people[7])),
       "who said STOP to Twilio since then is not written to again, everybody else is", twice)

# --- answers that are lost, a service that says later ---
with Twilio() as fake:
    people = phones(30)
    case = room(fake, people)
    fake.faults = ["", "", "lost", "429", "503", "lost", "lost-503", "cut"]
    code, said = case.do(*arguments(case, "sms-campaign-launch", **INPUTS))
    ok(code == 0 and not fake.faults, "a service with bad moments: the launch asks what became of each, and goes on", said)
    ok(sorted(fake.sent(TEXT)) == sorted(people + ["+447700900123"]), "everybody has it, and nobody twice", fake.sent(TEXT))

# --- a surge of STOP replies ---
with Twilio() as fake:
    people = phones(30)
    case = room(fake, people)
    surge(fake, case, people)
    code, said = case.do("abandon", "last", "--reason", "given up")
    code, said = case.do(*arguments(case, "sms-campaign-launch", **dict(INPUTS, campaign="spring")))
    ok(all(fake.sent(TEXT).count(p) == 1 for p in people[:4]), "who said STOP is not written to again", said)

# --- killed in the middle ---
with Twilio() as fake:
    people = phones(60)
    case = room(fake, people)
    run = case.start(*arguments(case, "sms-campaign-launch", **dict(INPUTS, throttle="20")))
    ok(until(lambda: len(fake.sent(TEXT)) > 15), "a launch is under way")
    run.send_signal(signal.SIGKILL)
    run.wait()
    code, said = case.do("runs", "--json")
    code, said = case.do("resume", json.loads(said.splitlines()[0])["run"], "--answers", os.path.join(case.dir, "answers.json"))
    ok(code == 0, "it is killed, and resumed", said)
    ok(sorted(fake.sent(TEXT)) == sorted(people + ["+447700900123"]), "everybody has it, and nobody twice", fake.sent(TEXT))
done()
