#!/usr/bin/env python3
"""The two shipped import runbooks, end to end, from files of every kind to rows in a database."""
import json, os, shutil, signal, sqlite3, subprocess, sys, tempfile, time

STEPWISE = os.environ["STEPWISE"]
SAMPLE = "examples/data/sign-ups.csv"
work = tempfile.mkdtemp()
count = 0


def ok(good, name, *details):
    global count
    count += 1
    print(("ok" if good else "not ok"), count, "-", name)
    if not good:
        for d in details:
            for line in str(d).splitlines():
                print("#", line)


def command(runbook, inputs, answers):
    path = f"{work}/answers.json"
    with open(path, "w") as f:
        json.dump(answers, f)
    args = [STEPWISE, "run", f"runbooks/imports/{runbook}.rb", "--journal", f"{work}/journal.db", "--answers", path]
    for k, v in inputs.items():
        args += ["--set", f"{k}={v}"]
    return args


def give_up_held():
    """A run that was held or cut off keeps its lock until somebody ends it."""
    said = subprocess.run([STEPWISE, "runs", "--open", "--last", "1000", "--json", "--journal", f"{work}/journal.db"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    for line in said.splitlines():
        subprocess.run([STEPWISE, "abandon", json.loads(line)["run"], "--reason", "the next one is tried", "--journal",
                        f"{work}/journal.db"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(runbook, inputs, answers=None):
    give_up_held()
    p = subprocess.run(command(runbook, inputs, answers or {}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=60)
    return p.returncode, p.stdout.decode()


def sql(db, text):
    con = sqlite3.connect(db)
    try:
        return con.execute(text).fetchall()
    finally:
        con.close()


def last_import(db):
    return sql(db, "select id, state from stepwise_import order by started desc limit 1")[0]


def write(name, data):
    with open(f"{work}/{name}", "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return f"{work}/{name}"


HEADER = "First Name,Last Name,Email,Phone,Birth Date,Street,City,State,Zip,County,Registered On,Notes\n"
yes = {"preview-results": "yes", "review-duplicate-flags": "skip", "commit-import": "yes"}

# --- the sample, with its answers file, as the demo runs it ---
db = f"{work}/people.db"
p = subprocess.run([STEPWISE, "run", "runbooks/imports/spreadsheet-import.rb", "--journal", f"{work}/journal.db", "--answers",
                    "examples/data/sign-ups.answers.json", "--set", f"file={SAMPLE}", "--set", f"database={db}", "--set", "create=true"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
out = p.stdout.decode()
ok(p.returncode == 0 and "succeeded" in out, "the sample is imported with its answers file", out)
ok(sql(db, "select count(*), count(distinct email) from people") == [(18, 18)], "its good rows are there, each person once", sql(db, "select * from people"))
ok(sql(db, "select first_name, last_name, email, phone, birth_date, street, state, zip from people where id = 4")
   == [("Grace", "Kim", "grace.kim@example.org", "+15015550103", "1991-07-09", "310 Elm St", "AR", "72202")], "values are converted")
ok(sql(db, "select notes from people where id = 5") == [("call after six,\r\nnot on Sundays",)], "a line end in quotes is kept")
problems = sql(db, 'select row, "column" from stepwise_import_problem order by row')
ok(problems == [(10, "Email"), (11, "Phone"), (12, "Birth Date"), (18, ""), (21, "State"), (25, "First Name"), (28, "Email"), (29, "Phone")],
   "what was wrong is kept with row and column", problems)
ok(not [f for f in os.listdir(work) if f.endswith(".stage")], "nothing staged is left behind")
first = last_import(db)
ok(first[1] == "committed", "the import is committed", first)

# --- the same file again: everything is there already ---
code, out = run("spreadsheet-import", {"file": SAMPLE, "database": db}, yes)
ok(code == 0 and sql(db, "select count(*) from people") == [(18,)], "the same file again brings nothing new", out)
again = last_import(db)
sql_rows = sql(db, f"select flagged, created, skipped from stepwise_import where id = '{again[0]}'")
ok(sql_rows == [(21, 0, 21)], "each of its rows is flagged", sql_rows)

# --- update, then roll back by the id through import-failure ---
before = sql(db, "select * from people order by id")
changed = write("changed.csv", HEADER + "Grace,Kim,GRACE.KIM@example.org,,,1 New St,,,,,,moved\nNew,Person,new@example.org,501-555-0155,,,,,,,,\n")
code, out = run("spreadsheet-import", {"file": changed, "database": db}, dict(yes, **{"review-duplicate-flags": "update"}))
ok(code == 0 and sql(db, "select email, phone, street, notes from people where id = 4")
   == [("GRACE.KIM@example.org", "+15015550103", "1 New St", "moved")], "an update fills in what is new and keeps the rest", out)
ident = last_import(db)[0]
code, out = run("import-failure", {"database": db, "import": ident}, {"roll-back": "yes"})
ok(code == 0 and sql(db, "select * from people order by id") == before, "rolled back by its id, every earlier value is there again", out)
code, out = run("import-failure", {"database": db, "import": ident}, {"roll-back": "yes"})
ok(code == 1 and "rolled back already" in out, "a second time there is nothing to do", code, out)
code, out = run("import-failure", {"database": db, "import": "imp-unknown"}, {})
ok(code == 1 and "knows no import" in out, "an import that nobody knows", code, out)

# --- declined: nothing reaches the table ---
code, out = run("spreadsheet-import", {"file": changed, "database": db}, dict(yes, **{"commit-import": "no"}))
ok(code in (1, 8) and sql(db, "select * from people order by id") == before, "declined before the commit, the table is as it was", code, out)
declined = last_import(db)
ok(declined[1] == "staged", "its rows are staged still", declined)
code, out = run("import-failure", {"database": db, "import": declined[0]}, {"correct-mapping-or-data": "roll_back", "roll-back": "yes"})
ok(code == 0 and last_import(db)[1] == "discarded" and not [f for f in os.listdir(work) if f.endswith(".stage")], "given up, nothing is left of them", out)

# --- a step that staged nothing has nothing to undo ---
text = open("runbooks/imports/spreadsheet-import.rb").read()
undoing = text.replace("on_failure :hold", "on_failure :rollback")
first, preview = undoing.index('  step "Validate file structure"'), undoing.index('  step "Map columns"')
undoing = write("undoing.rb", undoing[:first] + undoing[preview:].replace("unused = found.columns - named", "unused = named - named"))
for name, source in [("missing", f"{work}/no-such-file.csv"), ("empty", write("header.csv", HEADER))]:
    base = f"{work}/undone-{name}.db"
    p = subprocess.run([STEPWISE, "run", undoing, "--journal", f"{work}/journal.db", "--set", f"file={source}", "--set", f"database={base}",
                        "--set", "create=true"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    out = p.stdout.decode()
    ok(p.returncode == 6 and "nil has no" not in out, f"undone after a file that is {name}: rolled back", p.returncode, out)
    ok(not [f for f in os.listdir(work) if f.startswith(f"undone-{name}") and f.endswith(".stage")], f"{name}: nothing staged is left", os.listdir(work))

policy = write("policy.rb", text.replace("on_failure :hold", "on_failure :rollback"))
p = subprocess.run([STEPWISE, "run", policy, "--journal", f"{work}/journal.db", "--set", f"file={SAMPLE}", "--set", f"database={work}/undone-none.db"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
ok(p.returncode == 6 and not [f for f in os.listdir(work) if f.startswith("undone-none")], "no database: rolled back, and nothing is there", p.returncode, p.stdout.decode())

# --- a failed commit, corrected and tried again ---
strict = f"{work}/strict.db"
sql(strict, "create table people(first_name, last_name, email unique, phone, birth_date, street, city, state, zip, county, registered_on, notes)")
code, out = run("spreadsheet-import", {"file": SAMPLE, "database": strict}, dict(yes, **{"review-duplicate-flags": "keep"}))
ok(code == 1 and "row 27" in out and "UNIQUE constraint failed: people.email" in out and sql(strict, "select count(*) from people") == [(0,)],
   "a commit that cannot be: the row is named, nothing is stored", code, out)
ident, state = last_import(strict)
ok(state == "failed", "the import has failed", state)
code, out = run("import-failure", {"database": strict, "import": ident},
                {"correct-mapping-or-data": ["bad_values", "email, phone, birth_date, state"], "retry-commit": ["skip", "yes"]})
ok(code == 0 and sql(strict, "select count(*) from people") == [(24,)] and last_import(strict) == (ident, "committed"),
   "its error log is read, bad values are left blank, the retry succeeds", code, out)

# --- a file cut short, corrected by another file; a column of another name ---
cut = write("cut.csv", HEADER + "Ana,Lopez,ana@example.org,501-555-0101,,,,,,,,\nBo,Bell,bo@example.org,,,\"1 Main St")
other = f"{work}/other.db"
sql(other, "create table people(first_name, last_name, email, phone, birth_date, street, city, state, zip, county, registered_on, notes)")
code, out = run("spreadsheet-import", {"file": cut, "database": other}, yes)
ok(code == 1 and "ends inside a quoted field in row 3, column 6 (Street), opened at line 3" in out and sql(other, "select count(*) from sqlite_schema") == [(1,)],
   "a file cut in the middle of a quoted field: said where, nothing written", code, out)
renamed = write("renamed.csv", HEADER.replace("First Name", "Given Name") + "Ana,Lopez,ana@example.org,501-555-0101,,,,,,,,\n")
code, out = run("spreadsheet-import", {"file": renamed, "database": other}, yes)
ok(code == 1 and 'has no column "First Name", which the mapping requires' in out, "a required column that is missing", code, out)

# --- other forms of file ---
tsv = write("people.tsv", HEADER.replace(",", "\t") + "Ana\tLopez\tana@example.org\t501-555-0101\t\t1 Main St, Apt 2\t\t\t\t\t\t\n")
code, out = run("spreadsheet-import", {"file": tsv, "database": f"{work}/tsv.db", "create": "true"}, yes)
ok(code == 0 and sql(f"{work}/tsv.db", "select street from people") == [("1 Main St, Apt 2",)], "a TSV file", out)
latin = write("latin.csv", (HEADER + "José,Müller,jose@example.org,501-555-0101,,,,,,,,\n").encode("latin-1"))
code, out = run("spreadsheet-import", {"file": latin, "database": f"{work}/latin.db", "create": "true"}, yes)
ok(code == 1 and "is not UTF-8: byte 0xE9 at line 2" in out and "windows-1252" in out and not os.path.exists(f"{work}/latin.db"),
   "a Latin-1 file: said what it is and how to convert it", code, out)
code, out = run("spreadsheet-import", {"file": latin, "database": f"{work}/latin.db", "create": "true", "encoding": "latin-1"}, yes)
ok(code == 0 and sql(f"{work}/latin.db", "select first_name, last_name from people") == [("José", "Müller")], "and with its encoding named it is read", out)

bad = [("a file that is not there", "missing.csv", None, "No such file"), ("an empty file", "empty.csv", "", "has no header"),
       ("no header", "nohead.csv", "Ana,Lopez,ana@example.org\nBo,Bell,bo@example.org\n", "has no header: row 1, column 3"),
       ("duplicate headers", "dup.csv", "Email,Name,e-mail\n", 'columns 1 and 3 are both named "e-mail"'),
       ("a NUL byte", "nul.csv", b"a,b\n1,\0\n", "a NUL byte at line 2")]
for name, file, data, said in bad:
    path = f"{work}/{file}" if data is None else write(file, data)
    code, out = run("spreadsheet-import", {"file": path, "database": f"{work}/never.db", "create": "true"}, yes)
    ok(code in (1, 3) and said in out and not os.path.exists(f"{work}/never.db"), f"{name}: said, and nothing written", code, out)
code, out = run("spreadsheet-import", {"file": work, "database": f"{work}/never.db", "create": "true"}, yes)
ok(code in (1, 3) and "directory" in out, "a directory instead of a file", code, out)
code, out = run("spreadsheet-import", {"file": SAMPLE, "database": f"{work}/never.db"}, yes)
ok(code == 1 and "never.db" in out and "help:" in out and not os.path.exists(f"{work}/never.db"), "a database that is not there and not to be made", code, out)
code, out = run("spreadsheet-import", {"file": SAMPLE, "database": SAMPLE}, yes)
ok(code == 1 and "file is not a database" in out, "a database that is none", code, out)

# --- killed at any moment, the table has all of an import or nothing of it ---
big = write("big.csv", HEADER + "".join(f"N{i},L{i},p{i}@example.org,501-{200 + i // 10000:03}-{i % 10000:04},1990-01-01,,,,,,,\n" for i in range(40000)))
kdb = f"{work}/killed.db"
sql(kdb, "create table people(id integer primary key, first_name, last_name, email, phone, birth_date, street, city, state, zip, county, registered_on, notes)")
states, wrong = set(), []
for i in range(10):
    p = subprocess.Popen(command("spreadsheet-import", {"file": big, "database": kdb}, yes), stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.04 + 0.06 * i)
    p.kill()
    p.wait()
    n = sql(kdb, "select count(*) from people")[0][0]
    known = sql(kdb, "select count(*) from sqlite_schema where name = 'stepwise_import'")[0][0]
    done = sql(kdb, "select count(*) from stepwise_import where state = 'committed'")[0][0] if known else 0
    if n != (40000 if done else 0):
        wrong.append((i, n, done))
    if done:
        break
ok(not wrong, "killed at ten moments, a table with all rows or none", wrong)
code, out = run("spreadsheet-import", {"file": big, "database": kdb}, yes)
ok(code == 0 and sql(kdb, "select count(*), count(distinct email) from people") == [(40000, 40000)], "and the import succeeds after that", out)
ok(sql(kdb, "pragma integrity_check") == [("ok",)], "the database is sound")

# --- stopped from another terminal while it runs ---
huge = write("huge.csv", HEADER + "".join(f"N{i},L{i},p{i}@example.org,,1990-01-01,,,,,,,\n" for i in range(300000)))
hdb = f"{work}/huge.db"
sql(hdb, "create table people(id integer primary key, first_name, last_name, email, phone, birth_date, street, city, state, zip, county, registered_on, notes)")
p = subprocess.Popen(command("spreadsheet-import", {"file": huge, "database": hdb}, yes), stdin=subprocess.DEVNULL,
                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
ident = None
while p.poll() is None and not ident:
    time.sleep(0.01)
    if sql(hdb, "select count(*) from sqlite_schema where name = 'stepwise_import'")[0][0]:
        ident = sql(hdb, "select max(id) from stepwise_import")[0][0]
code, out = run("import-failure", {"database": hdb, "import": ident}, {"correct-mapping-or-data": "roll_back", "roll-back": "yes"})
said = p.communicate(timeout=60)[0].decode()
ok(code == 0 and p.returncode == 1 and ident in said and sql(hdb, "select count(*) from people") == [(0,)] and last_import(hdb)[1] == "discarded",
   "an import that runs is stopped from another terminal", code, out, p.returncode, said)
ok(not [f for f in os.listdir(work) if f.startswith("huge.db-")], "and nothing staged is left of it", os.listdir(work))

# --- a runbook whose policy is rollback undoes the commit by itself ---
text = open("runbooks/imports/spreadsheet-import.rb").read()
text = text.replace("on_failure :hold", "on_failure :rollback").replace("expect counts.balanced", "expect !counts.balanced")
write("undo.rb", text)
udb = f"{work}/undo.db"
args = command("spreadsheet-import", {"file": SAMPLE, "database": udb, "create": "true"}, yes)
args[2] = f"{work}/undo.rb"
p = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
ok(p.returncode == 6 and last_import(udb)[1] == "rolled_back" and sql(udb, "select count(*) from sqlite_schema where name = 'people'") == [(0,)],
   "a failure after the commit, with the policy rollback: the commit is undone", p.returncode, p.stdout.decode())

p = subprocess.run([STEPWISE, "journal", "verify", "--journal", f"{work}/journal.db"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
ok(p.returncode == 0, "the journal of all these runs verifies", p.stdout.decode())

# --- what a database holds is not always text, and a secret is no path ---
look = write("look.rb", '''runbook "look" do
  title "Look at an import"
  use "imports"
  input :database, :string
  input :key, :string, secret: true, default: "k"
  input :import, :string
  step "Look" do
    row = imports.status(database: input.import == "x" ? input.key : input.database, import: input.import)
    show row.message.reverse, as: "message"
  end
end
''')
db = f"{work}/people.db"
id, _ = last_import(db)
con = sqlite3.connect(db)
con.execute("update stepwise_import set message = cast(x'636166e9' as text) where id = ?", (id,))
con.commit()
con.close()


def look_at(*sets):
    p = subprocess.run([STEPWISE, "run", look, "--journal", f"{work}/look.db"] + [a for s in sets for a in ("--set", s)],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return p.returncode, p.stdout.decode()


code, out = look_at(f"database={db}", f"import={id}")
ok(code == 0 and "\ufffdfac" in out, "text of a database that is no UTF-8 is mended", code, out)
code, out = look_at(f"database={db}", "import=x")
ok(code == 1 and "not secret" in out, "a secret is not taken for a path", code, out)

print(f"1..{count}")
shutil.rmtree(work)
