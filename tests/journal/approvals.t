#!/usr/bin/env python3
"""journal verify checks approvals again, from a copy of the journal alone: whoever writes the whole
chain anew still cannot make an approval that somebody did not sign."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from tamper import STEPWISE, Copy, hashed, ok, plan  # noqa: E402

RUNBOOK = """runbook "drains" do
  step "Drain" do
    approve "Drain it", by: :dba
    note "went on"
  end
end
"""
SITE = """site "ops" do
  role :dba, members: %w[kim lee], signed: true, keys: "signers"
end
"""
room = tempfile.TemporaryDirectory()
os.chdir(room.name)
os.environ.update(HOME=room.name, LC_ALL="C.UTF-8", TZ="UTC", NO_COLOR="1")
for name in ("SSH_AUTH_SOCK", "STEPWISE_JOURNAL", "STEPWISE_SITE"):
    os.environ.pop(name, None)


def put(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def public(name):
    with open(name + ".pub", encoding="utf-8") as f:
        return f.read()


def run(*args, journal="sound.db"):
    done = subprocess.run([STEPWISE, *args, "--journal", journal], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout.decode()


def verify(journal, *args):
    code, said = run("journal", "verify", "--json", *args, journal=journal)
    return code, json.loads(said)


def make():
    for name in ("kim", "eve"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name], check=True)
    put("signers", "kim " + public("kim"))
    put("site.rb", SITE)
    put("drains.rb", RUNBOOK)
    with open("said", "w") as said:
        waiting = subprocess.Popen([STEPWISE, "run", "drains.rb", "--journal", "sound.db", "--wait", "60s"],
                                   stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    for _ in range(600):
        if os.path.exists("sound.db") and "approval.requested" in run("journal", "export")[1] or waiting.poll() is not None:
            break
        time.sleep(0.05)
    code, said = run("approve", "last", "drain", "--yes", "--as", "kim", "--key", "kim", "--reason", "as planned")
    ok(code == 0 and waiting.wait(60) == 0, "kim signs, and the run goes on", said, open("said").read())


def rewritten(change):
    """A copy whose events of a kind were changed, and all hashes made anew."""
    shutil.copy("sound.db", "changed.db")
    copy = Copy("changed.db")
    prev = bytes(32)
    for (seq,) in copy.run("SELECT seq FROM event ORDER BY seq").fetchall():
        row = copy.row(seq)
        data = json.loads(row[6])
        change(row, data)
        row[6], row[7] = json.dumps(data), prev
        copy.put(hashed(row))
        prev = row[8]
    copy.close()
    return "changed.db"


def refused(name, change, words, *args):
    code, report = verify(rewritten(change), *args)
    problems = "\n".join(report["problems"])
    ok(code == 1 and "the approval of step drain of run" in problems and words in problems, name, report)


def of(kind, **fields):
    def change(row, data):
        if row[4] == kind:
            for field, value in fields.items():
                if value is None:
                    data.pop(field, None)
                else:
                    data[field] = value(data[field]) if callable(value) else value
    return change


def signed_by_eve(row, data):
    if row[4] != "approval.given":
        return
    put("text", data["text"])
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", "eve", "-n", "stepwise-approval", "text"], check=True,
                   stderr=subprocess.DEVNULL)
    with open("text.sig") as f:
        data["signature"] = f.read()
    os.remove("text.sig")


def main():
    make()
    code, said = run("journal", "verify")
    ok(code == 0 and "1 signed approval holds" in said, "it verifies from the journal alone", said)
    code, report = verify("sound.db", "--allowed-signers", "signers")
    ok(code == 0 and report["approvals"] == 1 and not report["warnings"], "and by an auditor's own list", report)
    put("others", "sam " + public("eve"))
    code, report = verify("sound.db", "--allowed-signers", "others")
    ok(code == 0 and "whom the allowed signers do not name" in "".join(report["warnings"]),
       "whom that list does not name is checked by the journal's, and told of", report)
    put("wrong", "kim " + public("eve"))
    code, report = verify("sound.db", "--allowed-signers", "wrong")
    ok(code == 1 and "does not hold" in "".join(report["problems"]), "a list with another key for kim", report)
    code, report = verify(rewritten(lambda row, data: None))
    ok(report["approvals"] == 1, "a chain written anew without a change still has it", report)

    changed = "the text that was signed is not what these events say"
    refused("a changed reason", of("approval.given", reason="as never planned"), changed)
    refused("a changed question", of("approval.requested", text="Drain all"), changed)
    refused("a changed plan", of("approval.requested", plan="0" * 64), changed)
    refused("a changed limit", of("approval.given", use_by_us=lambda us: us + 10 ** 12), changed)
    refused("another approver", of("approval.given", approver="lee"), changed)
    refused("a changed text", of("approval.given", text=lambda text: text.replace("Drain it", "Drain all")), changed)
    refused("somebody else's signature", signed_by_eve, "does not hold: ")
    refused("no signature", of("approval.given", signature=None), "was used and never given, or not signed")
    refused("used by one who gave none", of("approval.used", approvers=["kim", "lee"]), "by lee was used and never given")
    refused("used without anybody's", of("approval.used", approvers=[]), "by 0 of 1 was used too soon")
    refused("used by one where two were wanted", of("approval.requested", quorum=2), "by 1 of 2 was used too soon")
    refused("used without being asked for", of("approval.requested", nonce="00"), "nobody asked for it")
    code, report = verify(rewritten(lambda row, data: row.__setitem__(2, "other-run") if row[4] == "approval.given" else None))
    ok(code == 1, "moved to another run", report)
    plan()


try:
    if shutil.which("ssh-keygen"):
        main()
    else:
        print("1..0 # SKIP no ssh-keygen")
finally:
    os.chdir("/")
    room.cleanup()
