#!/usr/bin/env python3
"""Whatever ends a writer, the journal is good afterwards and what was committed is in it: killed at
any moment, several at once, or out of disk at any size."""
import json
import os
import resource
import signal
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


def writer(path, runs, first, before=None):
    return subprocess.Popen([WRITER, "write", path, str(runs), str(first)], stdout=subprocess.PIPE, preexec_fn=before)


def verified(path):
    done = subprocess.run([STEPWISE, "journal", "verify", "--deep", "--json", "--journal", path],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return json.loads(done.stdout) if done.stdout.startswith(b"{") else {"good": False, "said": done.stdout}


def check_killed(room):
    path = os.path.join(room, "killed.db")
    events = 0
    for round in range(12):
        killed = [writer(path, 100000, round * 1000000 + n * 100000) for n in range(1 + round % 2)]
        time.sleep(0.004 * (1 + round))
        for process in killed:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        if os.path.exists(path):
            report = verified(path)
            ok(report["good"] and report["events"] >= events, "killed, round %d" % round, report)
            events = report.get("events", events)
    left = [name for name in os.listdir(room) if ".new-" not in name]
    ok(set(left) <= {"killed.db", "killed.db-wal", "killed.db-shm"}, "nothing else is left", left)
    done = writer(path, 1, 99000000)
    done.communicate()
    report = verified(path)
    ok(done.returncode == 0 and report["good"] and report["events"] > events, "and the next writer goes on", report)


def check_no_room(room):
    """The file size limit stands for the disk's end; every size is one failing write or another."""
    refusals = 0
    for size in [512, 4096, 20000] + list(range(36000, 120000, 7000)):
        path = os.path.join(room, "%d.db" % size)
        done = writer(path, 60, 0, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
        said = done.communicate()[0].decode()
        refusals += done.returncode == 9
        good = not os.path.exists(path) or verified(path)["good"]
        ok(good and done.returncode in (0, 9) and (done.returncode == 0 or "disk" in said), "a disk of %d bytes" % size,
           done.returncode, said)
        if os.path.exists(path):
            done = writer(path, 60, 1000)
            done.communicate()
            ok(done.returncode == 0 and verified(path)["good"], "and with room again")
    ok(refusals >= 3, "the limits were met", refusals)


def main():
    with tempfile.TemporaryDirectory() as room:
        check_killed(room)
    with tempfile.TemporaryDirectory() as room:
        check_no_room(room)
    print("1..%d" % count)


main()
