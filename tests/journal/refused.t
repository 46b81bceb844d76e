#!/usr/bin/env python3
"""Journals that cannot be used: each ends in code 9 with what, where and what to do, in a few lines,
and leaves the place as it was. And places that can only be read: there reading works."""
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile

STEPWISE = os.environ["STEPWISE"]
WRITER = os.environ["BUILD"] + "/tests/journal.t"
NOBODY = 65534
count = 0


def ok(good, name, *why):
    global count
    count += 1
    print("%s %d - %s" % ("ok" if good else "not ok", count, name))
    for line in why if not good else ():
        print("#", str(line).replace("\n", "\n# "))


def plain_user():
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def file_limit(size):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # as a shell leaves it
    return limit


def run(*command, before=None):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, preexec_fn=before)
    return done.returncode, done.stdout.decode(errors="replace")


def write(path, runs=1, first=0, before=None):
    return run(WRITER, "write", path, str(runs), str(first), before=before)


def read(path, verb="verify", before=None):
    return run(STEPWISE, "journal", verb, "--journal", path, before=before)


def listing(directory):
    return sorted((name, os.stat(os.path.join(directory, name)).st_size) for name in os.listdir(directory))


def refused(name, path, words, writing=True, before=None):
    """Both reading and writing end in 9 and say `words`; nothing in the directory changes."""
    directory = os.path.dirname(path)
    there = listing(directory) if os.path.isdir(directory) else None
    tries = [("reading", read(path, before=before))]
    if writing:
        tries.append(("writing", write(path, before=before)))
    for doing, (code, said) in tries:
        good = code == 9 and words in said and "help: " in said and said.count("\n") <= 3
        ok(good, "%s: %s" % (name, doing), code, said)
    now = listing(directory) if os.path.isdir(directory) else None
    ok(there == now, name + ": nothing changed", there, now)


def make(room, name, runs=2):
    os.mkdir(os.path.join(room, name))
    os.chmod(os.path.join(room, name), 0o755)
    path = os.path.join(room, name, "journal.db")
    code, said = write(path, runs)
    assert code == 0, said
    return path


def check_not_journals(room):
    path = os.path.join(room, "no", "journal.db")
    code, said = write(path)
    ok(code == 9 and "cannot make it: No such file or directory" in said, "a missing directory: writing", code, said)
    code, said = read(path)
    ok(code == 9 and "there is no journal" in said, "a missing directory: reading", code, said)
    ok(not os.path.exists(os.path.dirname(path)), "a missing directory is not made")

    path = os.path.join(room, "missing.db")
    code, said = read(path)
    ok(code == 9 and "there is no journal" in said and not os.path.exists(path), "a missing file: reading", code, said)

    os.mkdir(os.path.join(room, "dir"))
    refused("a directory", os.path.join(room, "dir"), "it is a directory")
    refused("a device", "/dev/null", "it is no regular file")

    path = os.path.join(room, "text.db")
    with open(path, "w") as f:
        f.write("just a text, and long enough to be looked at as a database header would be\n" * 9)
    refused("a text", path, "it is not an SQLite database")

    path = os.path.join(room, "empty.db")
    open(path, "w").close()
    refused("an empty file", path, "it is empty", writing=False)
    ok(write(path)[0] == 0 and read(path)[0] == 0, "an empty file becomes a journal when written to")


def check_other_databases(room):
    path = os.path.join(room, "other.db")
    db = sqlite3.connect(path)
    db.executescript("PRAGMA application_id = 42; CREATE TABLE event(x)")
    db.close()
    refused("another application's database", path, "it is a database of another application (id 42)")

    path = os.path.join(room, "nobodys.db")
    db = sqlite3.connect(path)
    db.executescript("CREATE TABLE t(x)")
    db.close()
    refused("a database of no application", path, "it is a database of another application")

    path = make(room, "newer")
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 7")
    db.close()
    refused("a newer journal", path, "is newer than this program: its schema is version 7, we know 1 to 2")

    path = make(room, "cut", runs=40)
    os.truncate(path, os.path.getsize(path) // 2)
    code, said = read(path)
    ok(code in (1, 9) and said.count("\n") < 50, "a file cut in half: reading", code, said)
    code, said = write(path)
    ok(code == 9 and said.count("\n") <= 3, "a file cut in half: writing", code, said)

    path = make(room, "gutted")
    db = sqlite3.connect(path)
    db.executescript("DROP TABLE event")
    db.close()
    refused("a journal without its table", path, "no such table: event")


def check_full_disk(room):
    os.mkdir(os.path.join(room, "full"))
    path = os.path.join(room, "full", "journal.db")
    code, said = write(path, before=file_limit(1000))
    ok(code == 9 and "no room left" in said and os.listdir(os.path.dirname(path)) == [],
       "a new journal on a full disk leaves no file", code, said, os.listdir(os.path.dirname(path)))
    code, said = write(path)
    assert code == 0, said
    head = json.loads(run(STEPWISE, "journal", "verify", "--json", "--journal", path)[1])
    code, said = write(path, first=1, before=file_limit(20000))  # not enough for the -wal of a commit
    ok(code == 9 and "disk is full" in said, "a journal on a full disk refuses", code, said)
    again = json.loads(run(STEPWISE, "journal", "verify", "--json", "--journal", path)[1])
    ok(again == head and again["good"], "and nothing is half-written", head, again)


def check_permissions(room):
    path = make(room, "secret")
    os.chmod(path, 0)
    refused("a file that may not be read", path, "Permission denied", before=plain_user)

    path = make(room, "read-only-file")
    os.chmod(path, 0o444)
    code, said = write(path, before=plain_user)
    ok(code == 9 and "cannot be written: it is read-only for you" in said, "a read-only file: writing", code, said)

    path = make(room, "read-only-directory")
    os.chmod(path, 0o666)
    os.chmod(os.path.dirname(path), 0o555)
    code, said = write(path, before=plain_user)
    ok(code == 9 and "read" in said and "help: " in said, "a read-only directory: writing", code, said)
    code, said = write(os.path.join(os.path.dirname(path), "new.db"), before=plain_user)
    ok(code == 9 and "Permission denied" in said, "a new file in a read-only directory", code, said)


def readable(name, path, runs, before, note):
    there = listing(os.path.dirname(path))
    for verb in ("verify", "tail", "export"):
        code, said = read(path, verb, before=before)
        ok(code == 0, "%s: %s" % (name, verb), code, said)
        if verb == "verify":
            ok("%d runs" % runs in said and note in said, name + ": all is read", said)
    ok(listing(os.path.dirname(path)) == there, name + ": no file came or went", there, listing(os.path.dirname(path)))


def check_reading(room):
    path = make(room, "plain")
    readable("a journal nobody uses", path, 2, None, "good")

    path = make(room, "ro")
    os.chmod(path, 0o444)
    os.chmod(os.path.dirname(path), 0o555)
    readable("a read-only place", path, 2, plain_user, "as it lies, without locks")

    # A -wal stays while somebody else has the file open; its copy is what a crash leaves.
    live = make(room, "live")
    holder = sqlite3.connect(live)
    holder.execute("SELECT count(*) FROM event").fetchone()
    code, said = write(live, 3, first=2)
    assert code == 0, said
    assert os.path.getsize(live + "-wal") > 0
    for name, suffixes, note in (("wal", ("", "-wal"), "its -wal file was read too"), ("shm", ("", "-wal", "-shm"), "good")):
        os.mkdir(os.path.join(room, name))
        copy = os.path.join(room, name, "journal.db")
        for suffix in suffixes:
            shutil.copy(live + suffix, copy + suffix)
            os.chmod(copy + suffix, 0o444)
        os.chmod(os.path.dirname(copy), 0o555)
        readable("a read-only place with a left %s" % " and ".join(s for s in suffixes if s), copy, 5, plain_user, note)
    os.mkdir(os.path.join(room, "crashed"))
    copy = os.path.join(room, "crashed", "journal.db")
    for suffix in ("", "-wal"):
        shutil.copy(live + suffix, copy + suffix)
    wal = open(copy + "-wal", "rb").read()
    code, said = read(copy)
    ok(code == 0 and "5 runs" in said, "what a crash left is read", code, said)
    ok(open(copy + "-wal", "rb").read() == wal, "and stays as it was")
    readable("a journal in use", live, 5, None, "good")
    holder.close()


def check_strange_names(room):
    for name in ("a?b#c%41.db", "file:x.db", ":memory:", "sp ace.db"):
        at = os.getcwd()
        os.chdir(room)
        code, said = write(name)
        ok(code == 0 and os.path.exists(name) and read(name)[0] == 0, "a file named " + name.replace("#", "(hash)"), code, said)
        os.chmod(name, 0o444)
        code, said = read(os.path.join(room, name), before=plain_user)
        ok(code == 0, "and read-only", code, said)
        os.chdir(at)


def bring_programs(room):
    """Copies of the programs where a plain user may run them: the tree may lie in root's home."""
    global STEPWISE, WRITER
    os.mkdir(os.path.join(room, "bin"))
    STEPWISE, WRITER = (shutil.copy(p, os.path.join(room, "bin")) for p in (STEPWISE, WRITER))


def main():
    with tempfile.TemporaryDirectory() as room:
        os.chmod(room, 0o755)
        bring_programs(room)
        check_not_journals(room)
        check_other_databases(room)
        check_full_disk(room)
        check_permissions(room)
        check_reading(room)
        check_strange_names(room)
        for name in os.listdir(room):
            if os.path.isdir(os.path.join(room, name)):
                os.chmod(os.path.join(room, name), 0o755)
    print("1..%d" % count)


main()
