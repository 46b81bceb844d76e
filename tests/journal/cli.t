#!/usr/bin/env python3
"""stepwise journal tail, show, verify, export, query: what they print, and what they refuse."""
import hashlib
import json
import os
import select
import sqlite3
import struct
import subprocess
import tempfile
import time

STEPWISE = os.environ["STEPWISE"]
WRITER = os.environ["BUILD"] + "/tests/journal.t"
count = 0


def ok(good, name, *why):
    global count
    count += 1
    print("%s %d - %s" % ("ok" if good else "not ok", count, name))
    for line in why if not good else ():
        print("#", str(line).replace("\n", "\n# "))


def run(*arguments, journal=None, env=None):
    command = [STEPWISE, "journal", *arguments] + (["--journal", journal] if journal else [])
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, env=env)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def write(path, runs, first):
    subprocess.run([WRITER, "write", path, str(runs), str(first)], check=True)


def prints(name, expected, *arguments, journal):
    code, out, err = run(*arguments, journal=journal)
    expected = expected.lstrip("\n")
    ok(code == 0 and out == expected and err == "", name, code, "expected:\n" + expected, "got:\n" + out, err)


def check_people(path):
    prints("tail", r'''
2100-01-01 UTC
     12 00:00:16.500 shown              20261102-0002 one rows [1,{"a":null}]
     13 00:00:18.000 run.held           20261102-0002 "reason":"done"
     14 00:00:19.500 run.started        20261102-0003 café
     15 00:00:21.000 step.started       20261102-0003 one One "quoted" \u001b...
     16 00:00:22.500 shown              20261102-0003 one rows [1,{"a":null}]
     17 00:00:24.000 run.rolled_back    20261102-0003 "reason":"done"
''', "tail", "-n", "6", journal=path)
    prints("show RUN", r'''
run 20261102-0001  café
started 2100-01-01 00:00:07 UTC by ana@ops
failed since 2100-01-01 00:00:12 UTC, event 9
2100-01-01 UTC
      6 00:00:07.500 run.started        café
      7 00:00:09.000 step.started       one One "quoted" \u001b[31m
      8 00:00:10.500 shown              one rows [1,{"a":null}]
      9 00:00:12.000 run.failed         "reason":"done"
''', "show", "20261102-0001", journal=path)
    last = run("show", "last", journal=path)[1]
    ok(last.startswith("run 20261102-0003  "), "show last", last)
    code, out, _ = run("show", "8", journal=path)
    hashes = [line.split()[1] for line in out.split("\n") if line.startswith(("  prev", "  hash"))]
    ok(code == 0 and out.startswith("event 8\n  time   2100-01-01 00:00:10.500000 UTC\n  run    20261102-0001\n"
                                    "  step   one\n  kind   shown\n  actor  ana@ops\n"), "show SEQ: its columns", out)
    ok(len(hashes) == 2 and all(len(h) == 64 for h in hashes), "show SEQ: its hashes", out)
    ok(out.endswith('  {\n    "as": "rows",\n    "value": [\n      1,\n      {\n        "a": null\n      }\n    ]\n  }\n'),
       "show SEQ: its data", out)
    head = json.loads(run("export", journal=path)[1].split("\n")[-2])["hash"]
    code, out, _ = run("verify", journal=path)
    ok(code == 0 and out == "%s: good\n  17 events, 4 runs, 5 texts\n  head %s\n" % (path, head), "verify", out)
    code, out, _ = run("verify", "--deep", journal=path)
    ok(code == 0 and "good" in out, "verify --deep", out)


def hashed_again(line):
    """The hash from an exported line alone: data is exported as it is stored."""
    event = json.loads(line)
    data = line[line.index(',"data":') + 8:line.rindex(',"prev":')]
    form = b"stepwise/event/1" + bytes.fromhex(event["prev"]) + struct.pack(">qq", event["seq"], event["time_us"])
    for text in (event["run"], event["step"], event["kind"], event["actor"], data):
        form += struct.pack(">I", len(text.encode())) + text.encode()
    return hashlib.sha256(form).hexdigest() == event["hash"]


def check_programs(path):
    code, out, _ = run("export", journal=path)
    lines = out.splitlines()
    ok(code == 0 and [json.loads(line)["seq"] for line in lines] == list(range(1, 18)), "export: a line an event", out)
    ok(all(hashed_again(line) for line in lines), "export: enough to check the hashes")
    event = json.loads(lines[5])
    ok(list(event) == ["seq", "time_us", "time", "run", "step", "kind", "actor", "data", "prev", "hash"]
       and event["time"] == "2100-01-01T00:00:07.500000Z" and event["data"]["runbook"] == "café", "export: its members", event)
    of_run = run("export", "20261102-0001", journal=path)[1]
    ok(of_run.splitlines() == lines[5:9], "export RUN", of_run)
    ok(run("show", "20261102-0001", "--json", journal=path)[1] == of_run, "show RUN --json is the same")
    ok(run("show", "8", "--json", journal=path)[1] == lines[7] + "\n", "show SEQ --json")
    ok(run("tail", "-n2", "--json", journal=path)[1].splitlines() == lines[15:], "tail --json")
    ok(run("tail", "--lines=0", journal=path)[1] == "", "tail of none")
    report = json.loads(run("verify", "--json", journal=path)[1])
    ok(report == {"journal": path, "good": True, "events": 17, "runs": 4, "texts": 5, "approvals": 0, "problems": [], "warnings": [], "checkpoints": [],
                  "note": "", "head": json.loads(lines[-1])["hash"]}, "verify --json", report)
    env = dict(os.environ, STEPWISE_JOURNAL=path)
    ok(run("show", "8", "--json", env=env)[1] == lines[7] + "\n", "STEPWISE_JOURNAL names the journal")
    with open("/dev/full", "w") as full:
        done = subprocess.run([STEPWISE, "journal", "export", "--journal", path], stdout=full, stderr=subprocess.PIPE)
    ok(done.returncode == 1 and b"cannot write the output" in done.stderr, "a full disk behind > is an error", done)


def check_refusals(path):
    def refused(code, words, *arguments):
        got, out, err = run(*arguments, journal=path)
        ok(got == code and words in err and out == "", "journal %s: %d" % (" ".join(arguments), code), got, out, err)

    refused(2, "cannot 'list'", "list")
    refused(2, "show needs a run's id", "show")
    refused(2, "unexpected 'x'", "verify", "x")
    refused(2, "unexpected 'y'", "export", "x", "y")
    refused(2, "tail takes no option --deep", "tail", "--deep")
    refused(2, "tail takes no option --frob", "tail", "--frob")
    refused(2, "-n needs a number", "tail", "-n", "many")
    refused(2, "-n needs a number", "tail", "-n", "99999999999999999999")
    refused(3, "no event 18", "show", "18")
    refused(3, "no event 0", "show", "0")
    refused(3, "no run nowhere", "show", "nowhere")
    refused(3, "no run nowhere", "export", "nowhere")
    refused(3, "several runs", "show", "20261102-")
    done = subprocess.run([STEPWISE, "journal", "verify", "--journal"], stderr=subprocess.PIPE)
    ok(done.returncode == 2 and b"--journal needs a value" in done.stderr, "--journal without a path", done)
    code, _, err = run("verify", env={"PATH": os.environ["PATH"]})
    ok(code == 9 and "HOME is not set" in err, "no HOME and no journal", code, err)
    code, _, err = run("verify", env={"HOME": os.path.dirname(path)})
    ok(code == 9 and "/.local/state/stepwise/journal.db" in err and not os.path.exists(os.path.dirname(path) + "/.local"),
       "the default journal is not made by reading", code, err)


def check_terminal_is_safe(path):
    """An event whose every text tries to command the terminal; the hash is right."""
    db = sqlite3.connect(path)
    seq, prev = db.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
    text = "e\x1b[2J\x07\u009b31mve\n"
    fields = [text, text, text, text, '{"text":"\x7f\u0085"}']
    form = b"stepwise/event/1" + prev + struct.pack(">qq", seq + 1, 5)
    for field in fields:
        form += struct.pack(">I", len(field.encode())) + field.encode()
    db.execute("INSERT INTO event VALUES(?, 5, ?, ?, ?, ?, ?, ?, ?)",
               (seq + 1, *fields, prev, hashlib.sha256(form).digest()))
    db.commit()
    db.close()
    for arguments in (("tail",), ("show", str(seq + 1))):
        out = run(*arguments, journal=path)[1]
        bad = [c for c in out if (ord(c) < 0x20 and c != "\n") or 0x7f <= ord(c) < 0xa0]
        ok(not bad and "e?[2J??31mve?" in out, "%s passes no control characters on" % arguments[0], out.encode())
    code, out, _ = run("verify", journal=path)
    ok(code == 0 and "warning: event %d is earlier than the one before it" % (seq + 1) in out,
       "a clock set back is a warning", out)
    ok(json.loads(run("show", str(seq + 1), "--json", journal=path)[1])["actor"] == text, "export quotes them")


def check_query(path):
    prints("query", """
seq  at                           kind          label
7    2100-01-01T00:00:09.000000Z  step.started  One "quoted" ?[31m
8    2100-01-01T00:00:10.500000Z  shown""" + " " * 9 + """
9    2100-01-01T00:00:12.000000Z  run.failed""" + " " * 4 + """
""", "query", "SELECT seq, utc(time_us) AS at, kind, data ->> '$.label' AS label FROM event WHERE seq IN (7, 8, 9)", journal=path)
    prints("query of nothing has a header", "seq  kind\n", "query", "SELECT seq, kind FROM event WHERE 0", journal=path)
    prints("query --json", """
{"a":1,"b":null,"c":"caf\u00e9 \\"x\\"\\u000a","d":"00ff","e":0.5}
""".replace("\\u00e9", "\u00e9"), "query", "--json", "SELECT 1 AS a, NULL AS b, 'caf\u00e9 \"x\"' || char(10) AS c, x'00ff' AS d, 0.5 AS e",
           journal=path)
    code, out, err = run("query", "--json", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
                         " SELECT i FROM n", journal=path)
    ok(code == 0 and len(out.splitlines()) == 5000, "recursion is a SELECT too", err)
    endless = subprocess.Popen([STEPWISE, "journal", "query", "--json", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
                                " FROM n) SELECT i FROM n", "--journal", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    ok(b'{"i":100}' in read_until(endless.stdout, b'{"i":100}'), "a query streams")
    endless.stdout.close()
    ok(endless.wait(30) != 0, "and ends when nobody reads")
    with open(path, "rb") as f:
        before = f.read()
    for sql in ("DELETE FROM run", "UPDATE run SET state = 'x'", "INSERT INTO text(sha256, body) VALUES('x', x'')", "DROP TABLE event",
                "PRAGMA user_version = 9", "PRAGMA user_version", "ATTACH 'other.db' AS o", "VACUUM", "VACUUM INTO 'copy.db'", "BEGIN",
                "CREATE TEMP TABLE t(x)", "SELECT 1; DELETE FROM run", "SELECT 1; SELECT 2", "EXPLAIN DELETE FROM run", "",
                "SELECT * FROM pragma_table_info('run')", "SELECT load_extension('x')", "DELETE FROM run RETURNING *"):
        code, out, err = run("query", sql, journal=path)
        ok(code == 3 and out == "" and "help: " in err, "refused: %s" % sql, code, out, err)
    for sql in ("SELECT nothing", "SELECT * FROM nowhere", "SELEC 1", "SELECT json('x')", "SELECT zeroblob(1000000000)"):
        code, out, err = run("query", sql, journal=path)
        ok(code == 3 and "the query cannot be answered: " in err, "no answer: %s" % sql, code, out, err)
    with open(path, "rb") as f:
        ok(f.read() == before, "the journal is as it was")
    ok(run("query", journal=path)[0] == 2, "a query wants a SELECT")


def read_until(stream, words, seconds=30):
    got, until = b"", time.monotonic() + seconds
    while words not in got and time.monotonic() < until:
        if select.select([stream], [], [], 0.1)[0]:
            got += os.read(stream.fileno(), 4096)
    return got


def check_follow(path):
    tail = subprocess.Popen([STEPWISE, "journal", "tail", "-f", "-n", "1", "--journal", path], stdout=subprocess.PIPE)
    try:
        first = read_until(tail.stdout, b"\n     17 ")
        ok(b"\n     17 " in first and b"     16 " not in first, "tail -f begins with the last", first)
        write(path, 1, 4)
        more = first + read_until(tail.stdout, b"     21 ")
        ok(all(b"     %d " % n in more for n in (18, 19, 20, 21)), "tail -f shows what is committed", more)
        write(path, 1, 5)
        ok(b"20261102-0005" in read_until(tail.stdout, b"     25 "), "and again")
        ok(more.count(b"     18 ") == 1, "each once", more)
    finally:
        tail.kill()
        tail.wait()


def main():
    with tempfile.TemporaryDirectory() as room:
        path = os.path.join(room, "journal.db")
        write(path, 4, 0)
        there = sorted(os.listdir(room))
        check_people(path)
        check_programs(path)
        check_refusals(path)
        check_query(path)
        ok(sorted(os.listdir(room)) == there, "reading leaves no file", os.listdir(room))
        check_follow(path)
        check_terminal_is_safe(path)
    print("1..%d" % count)


main()
