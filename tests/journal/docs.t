#!/usr/bin/env python3
"""docs/journal.md says what the program does: its tables of kinds and states are event.def's, its
schema is what a new journal has, its example hashes to what it says.

usage: docs.t [--write]      --write makes the two tables anew
"""
import hashlib
import os
import re
import sqlite3
import subprocess
import sys
import tempfile

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
PAGE = os.path.join(TOP, "docs/journal.md")


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def event_kinds():
    found = re.findall(r'^EVENT\((\w+),\s*"([^"]+)",\s*RUN_(\w+),\s*((?:"[^"]*"\s*)+)\)', read("runtime/event.def"), re.M)
    assert len(found) == len(re.findall(r"^EVENT\(", read("runtime/event.def"), re.M)), "every EVENT line is read"
    return [(kind, state.lower(), "".join(re.findall(r'"([^"]*)"', fields))) for _, kind, state, fields in found]


def states_table():
    return "".join("| `%s` | `%s` |\n" % (kind, state) for kind, state, _ in event_kinds() if state != "none")


def kinds_table():
    return "".join("| `%s` | %s |\n" % (kind, re.sub(r"(\w+\??):", r"`\1`:", fields).replace("|", "\\|"))
                   for kind, _, fields in event_kinds())


TABLES = {"| kind | state |\n|---|---|\n": states_table, "| kind | data |\n|---|---|\n": kinds_table}


def table_after(page, head):
    begin = page.index(head) + len(head)
    end = begin
    while page.startswith("| ", end):
        end = page.index("\n", end) + 1
    return begin, end


def write():
    page = read("docs/journal.md")
    for head, make in TABLES.items():
        begin, end = table_after(page, head)
        page = page[:begin] + make() + page[end:]
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(page)


count = 0


def is_equal(got, expected, name):
    global count
    count += 1
    print("%s %d - %s" % ("ok" if got == expected else "not ok", count, name))
    if got != expected:
        for label, text in (("got", got), ("expected", expected)):
            print("# %s:\n# %s" % (label, str(text).replace("\n", "\n# ")))


def main():
    page = read("docs/journal.md")
    for head, make in TABLES.items():
        begin, end = table_after(page, head)
        is_equal(page[begin:end], make(), "the table of %s is that of event.def (tests/journal/docs.t --write)"
                 % head.split("|")[2].strip())

    with tempfile.TemporaryDirectory() as room:
        path = os.path.join(room, "journal.db")
        subprocess.run([os.environ["BUILD"] + "/tests/journal.t", "write", path, "0", "0"], check=True)
        db = sqlite3.connect(path)
        made = [sql for (sql,) in db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")]
        ids = [db.execute("PRAGMA " + name).fetchone()[0] for name in ("application_id", "user_version", "journal_mode")]
        db.close()
    documented = re.search(r"```sql\n(CREATE TABLE event.*?)```", page, re.S).group(1)
    is_equal(documented, "".join(sql + ";\n" for sql in made), "the schema on the page is that of a new journal")
    is_equal(ids, [0x53574A4C, 2, "wal"], "and so are its ids and its mode")

    dump = re.search(r"```\n(73 74 65.*?)```", page, re.S).group(1)
    example = bytes.fromhex("".join(re.match(r"(?:[0-9a-f]{2}(?: |$))*", line).group(0) for line in dump.splitlines()))
    size, documented = re.search(r"has (\d+) bytes:.*?and the hash `([0-9a-f]{64})`", page, re.S).groups()
    is_equal(len(example), int(size), "the example is as long as it says")
    is_equal(hashlib.sha256(example).hexdigest(), documented, "and hashes to what it says")
    print("1..%d" % count)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        main()
