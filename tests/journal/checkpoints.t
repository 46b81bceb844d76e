#!/usr/bin/env python3
"""Checkpoints: what they say, where they go, and what they show that a chain cannot: each by its own
name, by both verifiers.

The sound journal has 24 events: journal.created, 2 runs (2 to 9), checkpoint of 9 events (10), 2 runs
(11 to 18), checkpoint of 18 events (19), 1 run (20 to 23), checkpoint of 23 events (24)."""
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from tamper import STEPWISE, WRITER, Copy, both, hashed, ok, plan  # noqa: E402

room = tempfile.TemporaryDirectory()
os.chdir(room.name)
os.environ.update(HOME=room.name, GIT_CONFIG_NOSYSTEM="1", LC_ALL="C.UTF-8", TZ="UTC")
for name in ("SSH_AUTH_SOCK", "STEPWISE_JOURNAL", "GIT_DIR"):
    os.environ.pop(name, None)


def run(*args, journal="sound.db"):
    done = subprocess.run([STEPWISE, "journal", *args, "--journal", journal], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def write(path, runs, first):
    subprocess.run([WRITER, "write", path, str(runs), str(first), "now"], check=True)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def put(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def make_keys():
    for name in ("ana", "eve"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name], check=True)
    put("allowed", 'ana@ops namespaces="stepwise-checkpoint" ' + read("ana.pub"))


def make_sound():
    """Notes of 9, 18 and 23 events; early.db is the journal as it was with 14."""
    write("sound.db", 2, 0)
    said = [run("checkpoint", "--key", "ana", "--to", "file:notes")]
    write("sound.db", 1, 10)
    shutil.copy("sound.db", "early.db")
    write("sound.db", 1, 11)
    said.append(run("checkpoint", "--key", "ana.pub", "--to", "notes"))
    write("sound.db", 1, 20)
    said.append(run("checkpoint", "--key", "ana", "--to", "notes", "--json"))
    ok(all(code == 0 for code, _, _ in said[::2]), "checkpoints are made", said)
    report = json.loads(said[2][1])
    ok(report["size"] == 23 and report["signed"] and report["key"].startswith("SHA256:"), "--json says what it is", report)
    return said


def check_text():
    notes = read("notes").split("\n\n")
    ok(len(notes) == 4 and notes[3] == "", "a note a checkpoint, an empty line after each", notes)
    lines = notes[1].split("\n")
    db = sqlite3.connect("sound.db")
    origin = json.loads(db.execute("SELECT data FROM event WHERE seq = 1").fetchone()[0])["origin"]
    head = db.execute("SELECT lower(hex(hash)) FROM event WHERE seq = 18").fetchone()[0]
    events = [json.loads(data) for (data,) in db.execute("SELECT data FROM event WHERE kind = 'journal.checkpointed'")]
    db.close()
    ok(lines[:4] == ["stepwise checkpoint 1", "origin " + origin, "size 18", "head " + head]
       and re.fullmatch(r"time \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", lines[4]), "the text is as documented", lines)
    ok([e["size"] for e in events] == [9, 18, 23] and events[1]["head"] == head and events[0]["to"] == ["file:notes"],
       "the journal records them", events)
    page = read(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/journal.md"))
    recipe = re.search(r"```\n(awk.*?)```", page, re.S).group(1).replace(" checkpoints ", " notes ")
    done = subprocess.run(["bash", "-e", "-c", recipe], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    ok(done.returncode == 0 and b'Good "stepwise-checkpoint" signature for ana@ops' in done.stdout,
       "ssh-keygen alone verifies a note, as the page says", done.stdout)


def check_unsigned():
    shutil.copy("sound.db", "unsigned.db")
    code, out, err = run("checkpoint", journal="unsigned.db")
    ok(code == 0 and "\nunsigned\n\n" in out and "not signed" in err, "without a key it is not signed, and says so", out, err)
    put("loose", out)
    both("unsigned.db", "good", "an unsigned checkpoint is compared", ["loose"])
    both("unsigned.db", None, "but proves nothing to who asks for signatures", ["loose"], "allowed")
    code, out, err = run("verify", "--checkpoint", "notes")
    ok(code == 0 and "signatures of the checkpoints were not checked" in out and "3 of 3 agree" in out,
       "unchecked signatures are told of", out)
    code, out, err = run("verify", "--checkpoint", "notes", "--key", "ana.pub")
    ok(code == 0 and "signed by" in out, "one public key is enough", out, err)
    code, out, err = run("verify", "--checkpoint", "notes", "--key", "eve")
    ok(code == 1 and "signature that does not hold" in out, "the wrong one is not", out, err)


def check_places():
    subprocess.run(["git", "init", "-q", "repo"], check=True)
    shutil.copy("sound.db", "places.db")
    first = run("checkpoint", "--key", "ana", "--to", "git:repo", journal="places.db")
    second = run("checkpoint", "--to", "git:repo", journal="places.db")
    log = subprocess.run(["git", "-C", "repo", "log", "--format=%s"], stdout=subprocess.PIPE).stdout.decode().split("\n")
    kept = [name for name in os.listdir("repo") if name.endswith(".checkpoints")]
    ok(first[0] == second[0] == 0 and len(kept) == 1 and len(log) == 3 and "25 events" in log[0], "kept in git", first, second, log)
    both("places.db", "good", "and compared from there", [os.path.join("repo", kept[0])])
    ok(run("checkpoint", "--to", "git:.", journal="places.db")[0] == 1, "what is no repository is refused")

    sink = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sink.bind("log.sock")
    sink.settimeout(10)
    code, out, err = run("checkpoint", "--key", "ana", "--to", "syslog:log.sock", journal="places.db")
    line = sink.recv(65536).decode()
    ok(code == 0 and re.match(r"<37>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d stepwise\[\d+\]: stepwise checkpoint 1 origin ", line),
       "sent to the system log", line, err)
    put("syslog", "Nov  2 10:00:00 ops cron[7]: nothing\nNov  2 10:00:01 ops " + line[4:] + "\nNov  2 10:00:02 ops x: y\n")
    code, out, err = run("verify", "--checkpoint", "syslog", "--allowed-signers", "allowed", journal="places.db")
    ok(code == 0 and "1 of 1 agree" in out and "signed by ana@ops" in out, "and read from there", out, err)
    sink.close()
    code, out, err = run("checkpoint", "--to", "more", "--to", "syslog:gone.sock", journal="places.db")
    ok(code == 1 and "system log gone.sock" in err, "a log that nobody reads is an error", out, err)
    code, out, _ = run("query", "SELECT data ->> '$.to' FROM event ORDER BY seq DESC LIMIT 1", journal="places.db")
    ok(out.splitlines()[1:] == ['["more"]'], "the journal records where it did get", out)
    for target, code in (("ftp://x", 3), ("", 3), ("missing/notes", 1)):
        ok(run("checkpoint", "--to", target, journal="places.db")[0] == code, "--to '%s'" % target)
    ok(run("checkpoint", "--key", "none", "--to", "more", journal="places.db")[0] != 0, "a key that is not there")
    ok(run("checkpoint", journal="none.db")[0] == 9 and not os.path.exists("none.db"), "no journal is made for it")
    put("other", "something else\n")
    code, out, err = run("checkpoint", "--to", "other", journal="places.db")
    ok(code == 3 and read("other") == "something else\n", "a file of something else is left alone", code, err)


# What was done to the journal, and what both verifiers say with the notes: (number, how).
cases = []


def case(expected, without="good"):
    return lambda fn: cases.append((expected, without, fn)) or fn


def cut(j, last):
    j.run("DELETE FROM event WHERE seq > ?", last)
    j.runs_follow()


def rewrite(j, first, change=None, thorough=True):
    """Every hash from `first` on, made anew; the journal's own record of its checkpoints too."""
    for (seq,) in j.run("SELECT seq FROM event WHERE seq >= ? ORDER BY seq", first).fetchall():
        row = j.row(seq)
        row[7] = j.row(seq - 1)[8] if seq > 1 else bytes(32)
        if seq == first and change:
            change(row)
        if row[4] == "journal.checkpointed" and thorough:
            said = json.loads(row[6])
            said["head"] = j.row(said["size"])[8].hex()
            row[6] = json.dumps(said)
        j.put(hashed(row))
    j.runs_follow()


def relabel(row):
    row[6] = row[6].replace("One", "Two")


@case("good")
def nothing(j):
    pass


for last in (9, 17, 22, 23):
    @case((last + 1, "cut") if last < 23 else "good")
    def tail_cut(j, last=last):
        cut(j, last)


@case((1, "rewritten"))
def chain_rewritten_from_the_first_run(j):
    rewrite(j, 3, relabel)


@case((10, "rewritten"))
def chain_rewritten_after_a_checkpoint(j):
    rewrite(j, 12, relabel)


@case((10, "rewritten"), (10, "rewritten"))
def chain_rewritten_but_not_what_it_says_of_itself(j):
    rewrite(j, 12, relabel, thorough=False)


@case((10, "rewritten"))
def an_event_removed_and_the_rest_rewritten(j):
    j.run("DELETE FROM event WHERE seq = 12")
    j.shift(13, -1)
    for old, new in ((18, 17), (23, 22)):
        j.run("UPDATE event SET data = replace(data, ?, ?) WHERE kind = 'journal.checkpointed'", '"size":%d' % old, '"size":%d' % new)
    rewrite(j, 12)
    j.run("UPDATE run SET first_seq = (SELECT min(seq) FROM event WHERE event.run = run.run)")
    j.runs_follow()


@case((10, "rewritten"))
def rewritten_and_written_on(j):
    rewrite(j, 12, relabel)
    last = j.row(24)
    j.put(hashed([25, last[1] + 1, "", "", "noted", "eve@ops", "{}", last[8], b""]))


def check_cases():
    for i, (expected, without, fn) in enumerate(cases):
        path = "%d.db" % i
        shutil.copy("sound.db", path)
        copy = Copy(path)
        fn(copy)
        copy.close()
        name = fn.__name__.replace("_", " ")
        both(path, without, name + ", without checkpoints")
        both(path, expected, name, ["notes"], "allowed")
    code, out, err = run("verify", journal="0.db")
    ok(code == 0 and "taken apart and put back" in out, "triggers that were off are told of", out)


def check_copies():
    """An older copy put back: no event tells, only what is missing."""
    both("early.db", (15, "restored"), "an old copy restored", ["notes"], "allowed")
    shutil.copy("early.db", "on.db")
    write("on.db", 1, 50)
    both("on.db", (15, "restored"), "restored and written on, still shorter", ["notes"], "allowed")
    write("on.db", 3, 51)
    both("on.db", "good", "restored and written on: a chain alone shows nothing")
    both("on.db", (15, "restored"), "restored and written on", ["notes"], "allowed")
    code, out, err = run("checkpoint", "--key", "ana", "--to", "notes", journal="on.db")
    ok(code == 1 and "is not what it was" in err and read("notes").count("origin") == 3,
       "it gets no checkpoint on top of those", out, err)
    db = sqlite3.connect("sound.db")
    db.execute("VACUUM INTO 'vacuumed.db'")
    with sqlite3.connect("backup.db") as to:
        db.backup(to)
    db.close()
    both("vacuumed.db", "good", "a vacuumed copy", ["notes"], "allowed")
    both("backup.db", "good", "a copy by .backup", ["notes"], "allowed")
    code, out, err = run("verify", "--checkpoint", "notes", journal="backup.db")
    ok("taken apart" not in out, "neither looks tampered with", out)
    write("new.db", 5, 0)
    both("new.db", (1, "replaced"), "another journal in its place", ["notes"], "allowed")


def check_forged():
    text = read("notes")
    put("moved", text.replace("size 18", "size 17"))
    code, out, err = run("verify", "--checkpoint", "moved", "--allowed-signers", "allowed")
    ok(code == 1 and "moved:13 of" in out and "does not hold: " in out and "not the one that was signed" in out,
       "a changed note is not trusted", out, err)
    ok(run("verify", "--checkpoint", "moved")[0] == 1, "nor does it agree")
    rewritten = "resigned.db"
    shutil.copy("sound.db", rewritten)
    copy = Copy(rewritten)
    rewrite(copy, 12, relabel)
    copy.close()
    ok(run("checkpoint", "--key", "eve", "--to", "theirs", journal=rewritten)[0] == 0, "eve signs what eve rewrote")
    both(rewritten, None, "eve's key is not among the allowed", ["theirs"], "allowed")
    both(rewritten, (10, "rewritten"), "the old notes still tell", ["notes"], "allowed")
    for name, bad in (("cut off", text[:-60]), ("without its signature", "\n".join(text.split("\n")[:5]) + "\n"),
                      ("of another time form", text.replace("Z\n", "+00:00\n", 1)), ("with something between", text + "x\n"),
                      ("none at all", "hello\n"), ("with a size of zero", text.replace("size 9\n", "size 0\n"))):
        put("bad", bad)
        code, out, err = run("verify", "--checkpoint", "bad")
        ok(code == 3 and "bad" in err and "help: " in err, "notes " + name, code, out, err)
    code, out, err = run("verify", "--checkpoint", "nowhere")
    ok(code == 3 and "nowhere" in err, "notes that are not there", code, err)


def check_site():
    """The site says where, how often and by which key; a run that ends writes one when it is time."""
    os.mkdir("there")
    put("there/hello.rb", 'runbook "hello" do\n  step "Say" do\n    note "hello"\n  end\nend\n')
    site = 'site "ops" do\n  journal "journal.db"\n  checkpoint to: ["file:notes", "git:kept"], key: "../ana", every: %s\nend\n'
    subprocess.run(["git", "init", "-q", "there/kept"], check=True)

    def hello(every, expected):
        put("there/site.rb", site % every)
        done = subprocess.run([STEPWISE, "run", "there/hello.rb"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)
        made = read("there/notes").count("origin") if os.path.exists("there/notes") else 0
        ok(done.returncode == 0 and made == expected, "every: %s, %d checkpoints" % (every, expected), done.stdout.decode(), made)
        return done.stdout.decode()

    hello("1.hour", 1)
    hello("1.hour", 1)
    hello("0.001.seconds", 2)
    kept = [name for name in os.listdir("there/kept") if name.endswith(".checkpoints")]
    both("there/journal.db", "good", "by file and by git", ["there/notes", "there/kept/" + kept[0]], "allowed")
    os.rename("there/kept", "there/gone")
    said = hello("0.001.seconds", 3)
    ok("not in all its places" in said, "a place that is gone is told of, and the run is as it was", said)
    put("there/nightly.rb", 'runbook "nightly" do\n  schedule "30 */8 * * *"\n  step "Say" do\n    note "hello"\n  end\nend\n')
    put("there/site.rb", 'site "ops" do\n  checkpoint to: ["file:watched"], key: "../ana", every: 0.001.seconds\nend\n')
    done = subprocess.run([STEPWISE, "watch", "there/nightly.rb", "--site", "there/site.rb", "--journal", "watched.db", "--virtual-clock",
                           "--at", "2026-11-20T00:00Z", "--for", "1d"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    made = read("there/watched").count("origin") if os.path.exists("there/watched") else 0
    ok(done.returncode == 0 and made == 3, "watch writes one after each of its runs", done.stdout.decode(), made)
    both("watched.db", "good", "watched runs", ["there/watched"])
    code, out, err = run("checkpoint", "--site", "there/site.rb", "--to", "file:elsewhere", journal="there/journal.db")
    ok(code == 0 and "signed by SHA256:" in out and os.path.exists("elsewhere"), "--to instead of the site's places, with its key", out, err)


def main():
    make_keys()
    make_sound()
    check_text()
    check_unsigned()
    check_cases()
    check_copies()
    check_forged()
    check_places()
    check_site()
    plan()


try:
    main()
finally:
    os.chdir("/")
    room.cleanup()
