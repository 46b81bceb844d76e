#!/usr/bin/env python3
"""Runs every row of docs/differences.md in Stepwise, and in Ruby where there is one."""
import os, re, shutil, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
page = open(os.path.join(here, "../../docs/differences.md"), encoding="utf-8").read()
rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in page.splitlines() if line.startswith("| `")]
rows = [[cell.strip().replace("\\|", "|") for cell in row] for row in rows]
SLOW = 'a string', 'hours', '`100000000`'  # Ruby would build it; the row says what it is


def code(cell):
    return cell[1:-1] if cell.startswith("`") and cell.endswith("`") else cell


def lines(command, exprs):
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as f:
        f.write("".join(e + "\n" for e in exprs))
        f.flush()
        env = dict(os.environ, LC_ALL="C.UTF-8")
        out = subprocess.run(command + [f.name], stdout=subprocess.PIPE, env=env, timeout=120)
        return out.stdout.decode().split("\n")[:-1]


exprs = [code(r[0]) for r in rows]
ours = lines([os.environ["STEPWISE"], "eval", "--lines"], exprs)
theirs = []
if shutil.which("ruby"):
    quick = [e if r[1] not in SLOW else "nil" for e, r in zip(exprs, rows)]
    theirs = lines(["ruby", "-W0", os.path.join(here, "ruby.rb")], quick)
print(f"1..{2 * len(rows)}")
n = failed = 0


def check(ok, name, want, have):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'' if ok else 'not '}ok {n} - {name}".replace("#", "\\#"))
    if not ok:
        print(f"# want: {want}\n# have: {have}")


for i, (row, expr) in enumerate(zip(rows, exprs)):
    want = code(row[2])
    have = re.sub(r"^error at \d+:", "error:", ours[i]) if i < len(ours) else "nothing"
    check(len(row) == 4 and have == want, f"Stepwise: {expr}", want, have)
    if not theirs or row[1] in SLOW:
        n += 1
        print(f"ok {n} # SKIP {'no ruby' if not theirs else 'too much for Ruby'}")
    else:
        check(theirs[i] == code(row[1]), f"Ruby: {expr}", code(row[1]), theirs[i])
sys.exit(failed > 0)
