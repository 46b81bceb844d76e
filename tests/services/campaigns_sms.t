#!/usr/bin/env python3
"""The SMS runbooks at Twilio, whose published API description is held against every request: Prism stands
between and looks, behind it a strict fake takes the messages. The description is the file
twilio-messages.openapi.json of $SPEC_DIR."""
import os, re, shutil, socket, subprocess, sys, time

sys.path.insert(0, "tests/lib")
from campaign import INPUTS, TEXT, arguments, phones, room, surge, until
from runs import TOP, done, ok
from twilio_fake import ACCOUNT, Twilio

SPEC = os.path.join(os.environ.get("SPEC_DIR", ""), "twilio-messages.openapi.json")
PRISM = os.path.abspath("build/services/node_modules/@stoplight/prism-cli/dist/index.js")


def skip(why):
    print("1..0 # SKIP " + why)
    sys.exit(0)


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Watched:
    """A fake behind Prism: url leads through Prism, `fake` is what is behind it."""

    def __enter__(self):
        self.fake = Twilio()
        self.fake.__enter__()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.path, self.url = os.path.join(TOP.name, "prism.log"), "http://127.0.0.1:%d" % port
        with open(self.path, "w") as log:
            self.prism = subprocess.Popen(["node", PRISM, "proxy", "-h", "127.0.0.1", "-p", str(port), SPEC, self.fake.url],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        if not until(lambda: answers(port) or self.prism.poll() is not None, 120) or self.prism.poll() is not None:
            self.__exit__()
            raise SystemExit("prism does not start:\n" + self.log())
        return self

    def __exit__(self, *args):
        self.prism.terminate()
        self.prism.wait()
        self.fake.__exit__()

    def log(self):
        with open(self.path) as f:
            return f.read()

    def seen(self, what):
        return len(re.findall(what + r"\S*\s+\S+\s+info\s+Request received", self.log()))


if not os.path.exists(SPEC):
    skip("no SPEC_DIR with twilio-messages.openapi.json")
if not (shutil.which("node") and os.path.exists(PRISM)):
    if os.environ.get("SERVICES"):
        ok(False, "prism is installed: make check-services does that")
        done()
        sys.exit(1)
    skip("prism not installed (make check-services installs it)")

MESSAGES = r"/2010-04-01/Accounts/%s/Messages" % ACCOUNT
with Watched() as watched:
    fake, people = watched.fake, phones(40)
    # --- a campaign and the next one: one person is refused, one says STOP ---
    fake.refuses[people[7]] = 21610
    case = room(fake, people, watched.url)
    code, said = case.do(*arguments(case, "sms-campaign-launch", **INPUTS))
    ok(code == 0, "a campaign", said)
    ok(sorted(fake.sent(TEXT)) == sorted(people[:7] + people[8:] + ["+447700900123"]), "each has it once, and staff the test", fake.sent(TEXT))
    ok("39 of 40 sent, 1 refused" in said, "whom Twilio refuses is told", said)
    fake.reply(people[3], "Stop")
    code, said = case.do(*arguments(case, "sms-campaign-launch", **INPUTS))
    ok(code == 0 and fake.sent(TEXT).count(people[3]) == 1, "who said STOP is not written to by the next one", said)

    # --- a surge of STOP replies: the launch is held, the incident ends the campaign ---
    people = ["+1555502%04d" % i for i in range(1, 31)]
    surge(fake, room(fake, people, watched.url), people)

    # --- what stood between ---
    ok(watched.seen("post " + MESSAGES) >= 39 + 39 + 31 and watched.seen("get " + MESSAGES) >= 3, "all of it went through Prism", watched.log()[-2000:])
    wrong = re.findall(r".*(?:Violation: request|Request terminated|did not pass).*", watched.log())
    ok(not wrong, "and the description allows every request", *wrong[:5])
    answer = subprocess.run(["curl", "-s", "-o", "/dev/null", watched.url + MESSAGES + ".json?PageSize=1001"], stdin=subprocess.DEVNULL) if shutil.which("curl") else None
    if answer:
        time.sleep(0.2)
        ok(until(lambda: "Violation: request" in watched.log(), 20), "a request that it does not allow would have been seen", watched.log()[-2000:])
done()
