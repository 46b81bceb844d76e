#!/usr/bin/env python3
"""Bars of batches on a terminal: drawn in place, out of the way of other output and of questions, as wide as
the terminal is; and what there is instead where there is no terminal."""
import fcntl, os, pty, re, select, struct, subprocess, sys, tempfile, termios, time

STEPWISE = os.environ.get("STEPWISE", "build/stepwise")
DIR = tempfile.TemporaryDirectory()
count = 0


def ok(good, name, more=""):
    global count
    count += 1
    print(("ok" if good else "not ok"), count, "-", name)
    if not good:
        print("\n".join("# " + l for l in str(more).splitlines()))


def file(name, text):
    path = os.path.join(DIR.name, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


class Screen:
    """As much of a terminal as a bar needs: it wraps, goes up, goes back and clears to the end of a line."""

    def __init__(self, width):
        self.width, self.lines, self.row, self.column, self.rest = width, [""], 0, 0, ""
        self.wrapped = self.coloured = 0
        self.strange = []

    def put(self, c):
        if self.column == self.width:
            self.wrapped += 1
            self.row, self.column = self.row + 1, 0
        while len(self.lines) <= self.row:
            self.lines.append("")
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + c + line[self.column + 1:]
        self.column += 1

    def feed(self, text):
        text, self.rest = self.rest + text, ""
        at = 0
        while at < len(text):
            c = text[at]
            if c == "\x1b":
                found = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])").match(text, at)
                if not found:
                    self.rest = text[at:]
                    return
                self.steer(*found.groups())
                at = found.end()
                continue
            if c == "\n":
                self.row, self.lines = self.row + 1, self.lines + [""] * (self.row + 2 - len(self.lines))
            elif c == "\r":
                self.column = 0
            else:
                self.put(c)
            at += 1

    def steer(self, number, what):
        if what == "A":
            self.row -= int(number or 1)
        elif what == "K" and not number:
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif what == "m":
            self.coloured += 1
        else:
            self.strange.append(number + what)

    def bars(self):
        return [i for i, line in enumerate(self.lines) if re.search(r"\d of \d", line) and not re.search("sent|stopped|of a|of b", line)]


def size(fd, width):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))


def run(name, text, width=80, answers=(), resize=None, more=(), **env):
    """Runs it on a terminal of its own; what stood there each time something was drawn, and at the end."""
    rb = file(name + ".rb", text)
    sized, tell = os.pipe()
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update({"TERM": "xterm", **env})
        if "NO_COLOR" not in env:
            os.environ.pop("NO_COLOR", None)
        os.read(sized, 1)  # until the terminal has its size
        os.execv(STEPWISE, ["stepwise", "run", rb, "--journal", os.path.join(DIR.name, name + ".db"), *more])
    size(fd, width)
    os.write(tell, b"x")
    os.close(tell), os.close(sized)
    screen, seen, raw, answers = Screen(width), [], "", list(answers)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        ready, _, _ = select.select([fd], [], [], 1)
        try:
            got = os.read(fd, 65536) if ready else None
        except OSError:
            break
        if got == b"":
            break
        if got is None:
            continue
        screen.feed(got.decode(errors="replace"))
        raw += got.decode(errors="replace")
        seen.append((time.monotonic(), list(screen.lines)))
        if answers and answers[0][0] in screen.lines[screen.row]:
            seen.append((0, list(screen.lines)))
            time.sleep(0.7)  # nothing may be drawn over the question meanwhile
            os.write(fd, answers.pop(0)[1])
        if resize and len(screen.bars()) and any(re.search(r"\b[1-9]\d of ", l) for l in screen.lines):
            size(fd, resize)
            screen.width, resize, screen.wrapped = resize, None, 0
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    screen.raw, screen.seen, screen.code = raw, seen, os.waitstatus_to_exitcode(status)
    return screen


def bars_of(lines):
    return [line for line in lines if re.search(r"^.*?\[[#.]+\] [\d,]+ of [\d,]+", line)]


file("letters.rb", """binding :letters, "Letters" do
  action :send, effect: :write, repeat: :by_key, each: :to, rate: :per_second, at_once: 4 do
    takes :to, [:string]
    takes :per_second, :integer
    gives :sent, :integer
    gives :refused, :array
  end
end
driver :paper, for: :letters, default: true do
  perform(:send) { |to, per_second| file.append(path: "sent", text: "#{to}\\n", state: true) }
end
""")


def batch(n, rate):
    return 'letters.send(to: (1..%d).map { |i| "p#{i}" }, per_second: %d)' % (n, rate)


def step(title, *body):
    return "  step \"%s\" do\n%s\n    irreversible \"it stays\"\n  end\n" % (title, "\n".join("    " + l for l in body))


def runbook(name, *parts):
    return 'runbook "%s" do\n  use "letters"\n%send\n' % (name, "".join(parts))


# --- one batch ---
one = runbook("one", step("Send", 'note "before"', "a = " + batch(120, 40), 'note "after"'))
s = run("one", one)
ok(s.code == 0, "a batch on a terminal", s.raw)
drawn = [bars_of(lines) for _, lines in s.seen if bars_of(lines)]
ok(len(drawn) >= 8, "its bar is drawn again and again", len(drawn))
ok(all(len(bars) == 1 for bars in drawn), "in place: there is never a second one", drawn)
done = [int(re.search(r"(\d+) of 120", bars[0]).group(1)) for bars in drawn]
ok(done == sorted(done) and done[-1] > done[0], "it grows", done)
ok(all(bars[0].count("#") == n * len(re.search(r"\[([#.]+)\]", bars[0]).group(1)) // 120 for bars, n in zip(drawn, done)), "as the number does", drawn)
ok(not s.bars() and not bars_of(s.lines), "nothing of it is left at the end", "\n".join(s.lines))
text = "\n".join(s.lines)
ok("      before\n" in text and "      after\n" in text and "letters.send: 120 of 120 sent, " in text, "what else was told is whole", text)
ok(not s.wrapped and not s.strange, "no line is wider than the terminal", (s.wrapped, s.strange))
late = [re.search(r"(\d+) of 120, (\d+) a second, ([\d.]+) (ms|seconds?) left", bars[0]) for bars, n in zip(drawn, done) if 40 <= n < 110]
ok(late and all(late), "it tells the rate and the time that is left", drawn)
late = [(int(m.group(1)), int(m.group(2)), float(m.group(3)) / (1000 if m.group(4) == "ms" else 1)) for m in late if m]
ok(all(rate <= 44 for _, rate, _ in late), "the rate is no more than it may be", late)
ok(all(abs(left - max(1, (120 - n) / rate)) <= 0.3 for n, rate, left in late), "the time left is what is left at that rate", late)

# --- as wide as the terminal is ---
for width in (200, 60, 40, 24):
    s = run("wide%d" % width, one.replace('"one"', '"w%d"' % width), width)
    drawn = [line for _, lines in s.seen for line in lines if re.search(r"\d+ of 120", line) and "sent" not in line]
    ok(s.code == 0 and not s.bars() and (drawn or width < 30), "%d columns: drawn and gone" % width, "\n".join(s.lines))
    ok(all(len(line) < width for line in drawn), "  no bar is wider", drawn[:3])
    if width >= 30:
        ok(len(drawn) and all(re.search(r"\d+ of 120", line) for line in drawn), "  the number is there", drawn[:3])
s = run("resized", one.replace('"one"', '"resized"'), 80, resize=40)
after = [l for _, lines in s.seen[len(s.seen) // 2:] for l in lines if re.search(r"\d+ of 120", l) and "sent" not in l]
ok(s.code == 0 and s.wrapped <= 2 and len(after[-1]) < 40, "a terminal that becomes narrower has a narrower bar", (s.wrapped, after[-1:]))
ok(not s.bars(), "and nothing of it at the end", "\n".join(s.lines))

# --- colours ---
s = run("plain", one.replace('"one"', '"plain"'), NO_COLOR="1")
ok(s.coloured == 0 and any(bars_of(l) for _, l in s.seen), "NO_COLOR: a bar without colours", s.coloured)
s = run("dumb", one.replace('"one"', '"dumb"'), TERM="dumb")
ok("\x1b" not in s.raw and not any(bars_of(l) for _, l in s.seen), "a dumb terminal has none", s.raw)

# --- two at once, and a question ---
two = runbook("two", "  parallel do\n", step("First", "a = " + batch(120, 40)), step("Second", "b = " + batch(60, 20), 'note "second is over"'), "  end\n")
s = run("two", two, 100)
most = max(len(bars_of(lines)) for _, lines in s.seen)
ok(s.code == 0 and most == 2, "two batches side by side have two bars", most)
both = [bars_of(lines) for _, lines in s.seen if len(bars_of(lines)) == 2]
ok(both and all("First" in a and "Second" in b or "Second" in a and "First" in b for a, b in both), "each with its branch's name", both[:2])
text = "\n".join(s.lines)
ok(not bars_of(s.lines) and text.count("of 120 sent") == 1 and text.count("of 60 sent") == 1, "both are gone, and told", text)
ok(not s.wrapped, "no line is wider", s.wrapped)

asks = runbook("asks", "  parallel do\n", step("First", "a = " + batch(120, 40)), step("Second", "wait 500.milliseconds", 'confirm "Is all well?"', 'note "good"'), "  end\n")
s = run("asks", asks, 100, answers=[("Is all well?", b"y\n")])
text = "\n".join(s.lines)
ok(s.code == 0 and "good" in text, "a question beside a batch", text)
asked = [lines for at, lines in s.seen if at == 0]
ok(asked and not bars_of(asked[0]), "the bar makes way for it", "\n".join(asked[0] if asked else []))
spot = next((i for i, (at, _) in enumerate(s.seen) if at == 0), 0)
answered = [lines for _, lines in s.seen[spot + 1:]]
ok(answered and any(bars_of(lines) for lines in answered), "and is back when it is answered", text)
ok("Is all well? [yes/no] y" in text.replace("  ", " "), "the question stands as it was asked", text)
ok(not bars_of(s.lines), "nothing of it is left", text)

# --- no terminal ---
s = run("json", one.replace('"one"', '"json"'), more=["--json"])
ok(s.code == 0 and "\x1b[A" not in s.raw and not any(bars_of(l) for _, l in s.seen), "--json has no bar", s.raw[:500])
rb = file("minutes.rb", runbook("minutes", step("Send", "timeout 1.hour", "a = " + batch(400, 2))))
said = subprocess.run([STEPWISE, "run", rb, "--virtual-clock", "--journal", os.path.join(DIR.name, "minutes.db")],
                      stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**os.environ, "TERM": "xterm"})
lines = re.findall(r"^      letters\.send: (\d+) of 400, .* left$", said.stdout, re.M)
ok(said.returncode == 0 and len(lines) == 3 and "\x1b" not in said.stdout, "without a terminal there is a line a minute", said.stdout + said.stderr)
ok([abs(int(n) - 120 * (i + 1)) <= 5 for i, n in enumerate(lines)] == [True] * 3, "  of how far it was then", lines)

print("1..%d" % count)
