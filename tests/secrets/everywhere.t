#!/usr/bin/env python3
"""Secrets that come back from programs and servers in every form are nowhere in what is written. A marker that is
no secret takes the same ways beside each of them and is found everywhere: so the search would have found a secret."""
import base64, glob, http.server, json, os, shutil, subprocess, sys, tempfile, threading, time

sys.path.insert(0, "tests/lib")
from secret_forms import echoes, kinds
import tap
from tap import ok

STEPWISE = os.environ["STEPWISE"]
TOKEN = 'tok/en+91=aB~x?y&<7>'
WORD = 'p"w \\ %C3 é€😀 d\'x &amp;'
MADE = 'made-4711-by/driver+'
MARKER = 'mark/er+82=cD~z?w&<6>'
work = tempfile.mkdtemp()

# --- a server that says everything back ---


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        token = (self.headers.get("Authorization") or "").replace("Bearer ", "")
        seen.append(token)
        texts = {"token": token, "marker": self.headers.get("X-Marker") or "", "body": body}
        answer = json.dumps({"said": echoes(texts), "headers": dict(self.headers)}, ensure_ascii=False).encode()
        if self.path.startswith("/fail"):
            answer = (f"bad token {token}, marker {texts['marker']}: " + json.dumps(echoes(texts))).encode()
        self.send_response(500 if self.path.startswith("/fail") else 200)
        self.send_header("Content-Type", "application/json" if not self.path.startswith("/fail") else "text/plain")
        self.send_header("X-Said", base64.b64encode(f"{token} {texts['marker']}".encode()).decode())
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET


seen = []
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
threading.Thread(target=server.serve_forever, daemon=True).start()

# --- what is run ---

os.makedirs(f"{work}/secrets/api", mode=0o700)
os.chmod(f"{work}/secrets", 0o700)
with open(os.open(f"{work}/secrets/api/token", os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
    f.write(TOKEN + "\n")
with open(f"{work}/site.rb", "w") as f:
    f.write(f'''site "everywhere" do
  secrets driver: "files", directory: "secrets"
  connect :web, driver: "http", base: "http://127.0.0.1:{server.server_address[1]}", bearer: secret("api/token")
end
''')
with open(f"{work}/say.py", "w") as f:
    f.write('''import base64, html, json, os, sys, urllib.parse
for name in sys.argv[2:] or ["PASS", "MARK", "MADE"]:
    t = os.environ.get(name)
    if t is None: continue
    b = t.encode()
    lines = [t, json.dumps(t), json.dumps(t, ensure_ascii=False), json.dumps(json.dumps(t)), urllib.parse.quote(t, safe=""), urllib.parse.quote_plus(t),
             "".join("%%%02X" % c for c in b), html.escape(t), b.hex(), b.hex().upper()]
    lines += [base64.b64encode(p + b + b"-end").decode() for p in (b"", b"u", b"us")]
    lines += [base64.urlsafe_b64encode(p + b).decode() for p in (b"", b"u", b"us")]
    lines += [base64.encodebytes(b * 8).decode()]
    for line in lines:
        print(line)
        print(line, file=sys.stderr)
sys.exit(int(sys.argv[1]))
''')
with open(f"{work}/make.rb", "w") as f:
    f.write(f'''binding :maker, "Makes keys" do
  action :make, effect: :write, repeat: :by_key do
    gives :key, :secret
    gives :note, :string
  end
  action :tell, effect: :read do
    takes :word, :secret
    gives :said, :string
  end
end

driver :maker, for: :maker do
  perform :make do
    made = exec.run(args: ["printf", "%s", {json.dumps(MADE[:9])} + {json.dumps(MADE[9:])}])
    {{ key: made.out, note: "made it for {MARKER}" }}
  end
  perform :tell do |word|
    told = exec.read(args: ["python3", "{work}/say.py", "0", "MADE", "MARK"], env: {{ MADE: word, MARK: "{MARKER}" }})
    {{ said: told.out }}
  end
end
''')
BODY = r'''
  step "Ask a server" do
    echo = web.get(url: "/echo", headers: { "X-Marker" => input.marker })
    show echo.body, as: "body"
    show echo.json, as: "json"
    show echo.headers
    note "it said #{echo.json["said"]["token"]["raw"]} and #{echo.json["said"]["marker"]["raw"]}"
    expect echo.body.size > 100, "short: #{echo.body}"
  end

  step "Post a word" do
    sent = web.post(url: "/echo", headers: { "X-Marker" => input.marker }, form: { word: input.word, marker: input.marker })
    show sent.body
    again = web.post(url: "/echo", headers: { "X-Marker" => input.marker }, json: { word: input.word, marker: input.marker })
    show again.body
    irreversible "it was sent"
  end

  step "Ask one that fails" do
    web.get(url: "/fail", headers: { "X-Marker" => input.marker })
    on_failure :continue
  end

  step "Run programs" do
    said = shell.read(args: ["python3", "WORK/say.py", "0"], env: { PASS: input.word, MARK: input.marker })
    show said.out
    finding "the program wrote #{said.err}"
    follow_up "look at #{said.out}", owner: "ops"
    env = shell.read(args: ["env"], env: { PASS: input.word, MARK: input.marker })
    show env.out
    fed = shell.read(args: ["cat"], stdin: "#{input.word} #{input.marker}")
    show fed.out
  end

  step "Run one that fails" do
    shell.run(args: ["python3", "WORK/say.py", "3"], env: { PASS: input.word, MARK: input.marker })
    irreversible "it ran"
    on_failure :continue
  end

  step "Say it in one's own words" do
    said = shell.read(args: ["printenv", "PASS", "MARK"], env: { PASS: input.word, MARK: input.marker })
    confirm "Is it #{said.out}?"
    answer = ask "What is #{said.out}?", :string
    show answer
    fail! :broken, "it is #{said.out}"
    on_failure :continue
  end

  step "Make a key" do
    made = maker.make
    note made.note
    told = maker.tell(word: made.key)
    show told.said
    irreversible "keys stay"
  end

  step "Write much" do
    many = shell.read(args: ["python3", "-c", "import os; t = os.environ['PASS'] + ' ' + os.environ['MARK'] + ' '; print('\"\\\\' * 200000 + t + '\"' * 200000 + t)"],
                      env: { PASS: input.word, MARK: input.marker })
    size = many.out.size
    show size
  end
'''
HEAD = r'''runbook "everywhere" do
  title "Secrets everywhere"
  use "web"
  use "shell"
  use "make"
  on_failure :rollback
  input :marker, :string
  input :word, :secret
'''
UNDONE = r'''
  step "Do what is undone" do
    shell.repeat(args: ["python3", "WORK/say.py", "0"], env: { PASS: input.word, MARK: input.marker })
    rollback do
      undo = shell.repeat(args: ["python3", "WORK/say.py", "0"], env: { PASS: input.word, MARK: input.marker })
      note undo.out
      note "x" * SIZE
      note undo.err
    end
  end

  step "Break" do
    said = shell.read(args: ["python3", "WORK/say.py", "0"], env: { PASS: input.word, MARK: input.marker })
    fail! :broken, said.out
  end
'''
SLOW = r'''
  step "Wait and go on" do
    said = shell.read(args: ["python3", "WORK/say.py", "0"], env: { PASS: input.word, MARK: input.marker })
    show said.out
    shell.repeat(args: ["sh", "-c", "if [ -e WORK/slow ]; then rm WORK/slow; echo > WORK/there; sleep 60; fi"])
    shell.repeat(args: ["python3", "WORK/say.py", "0"], env: { PASS: input.word, MARK: said.out })
    irreversible "it ran"
  end
'''


def runbook(name, body, **words):
    text = HEAD + body.replace("WORK", work) + "end\n"
    for key, value in words.items():
        text = text.replace(key, str(value))
    with open(f"{work}/{name}.rb", "w") as f:
        f.write(text)
    return f"{work}/{name}.rb"


with open(f"{work}/answers.json", "w") as f:
    json.dump({"say-it-in-one-s-own-words": [True, f"{WORD} and {MARKER}"]}, f)


def stepwise(*args, limit=None, stdin=None):
    command = [STEPWISE, *args]
    if limit: command = ["sh", "-c", f"ulimit -f {limit}; exec \"$@\"", "sh", *command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL if stdin is None else None, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          cwd=work, timeout=300)
    return done.returncode, done.stdout, done.stderr


def run(file, journal, *more, limit=None):
    return stepwise("run", file, "--journal", f"{work}/{journal}", "--site", f"{work}/site.rb", "--set", f"marker={MARKER}",
                    "--set", f"word={WORD}", "--answers", f"{work}/answers.json", *more, limit=limit)


def files(journal):
    """The journal and all that stands beside it, one after the other."""
    found = {}
    for path in glob.glob(f"{work}/{journal}*") + glob.glob(f"{work}/state/**", recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as f:
                found[os.path.basename(path)] = f.read()
    return found


ALL = {"raw", "json", "url", "hex", "HEX"}


def clean(place, data, want=("raw",)):
    """The secrets are not there, and the marker that went the same way is, in these forms at least."""
    for name, secret in (("token", TOKEN), ("word", WORD), ("made key", MADE)):
        found = kinds(data, secret)
        ok(not found, f"{place}: no {name}", "found as: " + ", ".join(sorted(found)))
    missing = set(want) - kinds(data, MARKER)
    ok(not missing, f"{place}: and the marker is", "not found as: " + ", ".join(sorted(missing)), data[:500])


# --- the search itself ---

everything = json.dumps({"a": [echoes({"x": s}) for s in (TOKEN, WORD, MADE)]}, ensure_ascii=False).encode()
for name, secret in (("token", TOKEN), ("word", WORD), ("made key", MADE)):
    missed = {"raw", "json", "url", "url plus", "html", "hex", "HEX", "base64 0", "base64 5"} - kinds(everything, secret)
    ok(not missed, f"the search finds the {name} where it stands", sorted(missed))

# --- a run to its end ---

book = runbook("whole", BODY)
code, out, err = run(book, "whole.db")
ok(code == 1 and b"[8/8] Write much" in out, "the runbook runs to its end; three of its steps fail", out[-3000:], err)
ok(TOKEN in seen, "and the server got the token itself")
FORMS = ("raw", "json", "url", "hex", "HEX", "html", "base64 0", "base64 2", "base64 4", "url all")
clean("the screen", out + err, FORMS)
ok(b"[secret api/token]" in out and b"[secret word]" in out and b"[secret maker" in out, "each shows with its name", out[-2000:])
beside = files("whole.db")
clean("the journal", b"".join(beside.values()), FORMS)
texts = subprocess.run(["sqlite3", f"{work}/whole.db", "SELECT body FROM text WHERE length(body) > 1048576"], stdout=subprocess.PIPE).stdout
ok(len(texts) > 1 << 20, "one value was too large for an event", len(texts))
clean("the table of texts", texts, ("json",))
for verb in (["show", "last"], ["show", "last", "--json"], ["journal", "export"], ["journal", "show", "last"], ["journal", "tail", "-n", "500"]):
    code, out, err = stepwise(*verb, "--journal", f"{work}/whole.db")
    clean(" ".join(verb), out + err, ("raw",) if "tail" not in verb and verb != ["journal", "show", "last"] else ())
code, out, err = stepwise("journal", "verify", "--deep", "--journal", f"{work}/whole.db")
ok(code == 0, "the journal is good", out, err)
bad = 0
for line in stepwise("journal", "export", "--journal", f"{work}/whole.db")[1].splitlines():
    bad += not isinstance(json.loads(line), dict)
ok(not bad, "each event is JSON")

code, out, err = run(book, "json.db", "--json")
ok(code == 1, "with --json", err)
clean("--json", out, FORMS)
clean("what people see meanwhile", err, ("raw",))
ok(all(isinstance(json.loads(line), dict) for line in out.splitlines()), "and each line is JSON")

# --- a plan ---

for more in ([], ["--json"]):
    code, out, err = stepwise("plan", book, "--site", f"{work}/site.rb", "--set", f"marker={MARKER}", "--set", f"word={WORD}",
                              "--all", "--journal", f"{work}/none.db", *more)
    clean("plan " + " ".join(more), out + err)
    if more: ok(all(isinstance(json.loads(line), dict) for line in out.splitlines()), "and each line is JSON")

# --- undone, with the journal and without ---

code, out, err = run(runbook("undone", UNDONE, SIZE=10), "undone.db")
ok(code == 6, "a run is undone", code, out, err)
clean("a rollback", out + err + b"".join(files("undone.db").values()), FORMS)
code, out, err = run(runbook("spare", UNDONE, SIZE=130000), "spare.db", limit=300)
spare = [d for n, d in files("spare.db").items() if ".spare-" in n]
ok(code == 9 and len(spare) == 1, "the journal takes no more, and the rollback goes on", code, out, err)
clean("the spare file", b"".join(spare), ("raw",))
clean("the screen then", out + err)
code, out, err = stepwise("journal", "merge", "--journal", f"{work}/spare.db")
ok(code == 0, "and comes back into the journal", out, err)
clean("the journal with it", b"".join(files("spare.db").values()), ("raw",))

# --- killed, and gone on with ---

open(f"{work}/slow", "w").close()
process = subprocess.Popen([STEPWISE, "run", runbook("slow", SLOW), "--journal", f"{work}/slow.db", "--site", f"{work}/site.rb", "--set", f"marker={MARKER}",
                            "--set", f"word={WORD}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=work, start_new_session=True)
until = time.monotonic() + 60
while not os.path.exists(f"{work}/there") and time.monotonic() < until:
    time.sleep(0.05)
time.sleep(0.3)
process.kill()
out = process.communicate()[0]
beside = files("slow.db")
ok("slow.db-wal" in beside and len(beside["slow.db-wal"]) > 0, "killed, the journal has a log beside it", sorted(beside))
clean("the log", beside.get("slow.db-wal", b""), FORMS)
clean("the screen until then", out, FORMS)
code, out, err = stepwise("resume", "last", "--journal", f"{work}/slow.db")
ok(code == 3 and b"word" in out + err, "the secret is to be given again", code, out, err)
code, out, err = stepwise("resume", "last", "--journal", f"{work}/slow.db", "--set", f"word={WORD}")
ok(code == 0, "and then the run goes on: what is said again agrees with what was recorded", code, out, err)
clean("the resumed run", out + err + b"".join(files("slow.db").values()), ("raw",))

# --- an error that ends a run before it begins, and one in the middle ---

code, out, err = run(runbook("broken", '''
  step "Break" do
    said = shell.read(args: ["printenv", "PASS", "MARK"], env: { PASS: input.word, MARK: input.marker })
    expect said.out == "", "not #{said.out}"
  end
'''), "broken.db")
ok(code in (1, 6), "an expectation that fails", code, out, err)
clean("its error", out + err + b"".join(files("broken.db").values()))

# --- who used it ---

for name, secret, want in (("the token", TOKEN, 0), ("the word", WORD, 0), ("what the driver made", MADE, 0), ("another one", "tok/en+91", 1), ("the marker", MARKER, 1)):
    code, out, err = stepwise("journal", "credential", "--journal", f"{work}/whole.db", stdin=(secret + "\n").encode())
    ok(code == want and (want or len(out.splitlines()) == 2), f"journal credential: {name}", code, out, err)
code, out, err = stepwise("journal", "credential", "--json", "last", "--journal", f"{work}/slow.db", stdin=WORD.encode())
ok(code == 0 and len(out.splitlines()) == 1, "once a run, resumed or not", out, err)
event = json.loads(out)["data"]
mac = subprocess.run(["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:" + event["salt"]], input=WORD.encode(), stdout=subprocess.PIPE).stdout
ok(event["hmac"].encode() in mac and event["name"] == "word" and event["driver"] == "input", "its digest is what openssl makes of it", event, mac)

if not os.environ.get("KEEP"): shutil.rmtree(work)
tap.done()
