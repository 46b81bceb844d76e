#!/usr/bin/env python3
"""Secrets on their way to a door: cut by a driver, in two writes of a program or two chunks of an answer, in a
question, in the key of an item, in what a mail server or a webhook says. A marker takes the same ways."""
import base64, http.server, json, os, pty, shutil, socket, subprocess, sys, tempfile, threading, urllib.parse

sys.path.insert(0, "tests/lib")
import tap
from tap import ok

STEPWISE = os.environ["STEPWISE"]
TOKEN = "tok/en+91=aB~x&7qZ"
MARKER = "mark/er+82=cD~z&6rY"
work = tempfile.mkdtemp()


def parts(text):
    """Every part of six characters of the ways a text may be written."""
    raw = text.encode()
    ways = [text, urllib.parse.quote(text, safe=""), base64.b64encode(raw).decode().rstrip("=")[:-1],
            base64.b64encode(b"\0" + text.encode() + b"\0").decode().rstrip("=")[2:-3]]
    return {w[i:i + 6].encode() for w in ways for i in range(len(w) - 5)}


def clean(place, data, marked=True):
    found = sorted(p for p in parts(TOKEN) if p in data)
    ok(not found, f"{place}: no part of the secret", found, data[-3000:])
    if marked: ok(MARKER[:6].encode() in data, f"{place}: and the marker is there", data[-3000:])


# --- servers ---


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        said = f"{MARKER} ".ljust(90, ".") + TOKEN + "." * 40
        if self.path == "/v2/enqueue":
            key = json.loads(body)["routing_key"]
            said = json.dumps({"status": "no", "message": f"{MARKER} bad key {key} {base64.b64encode(key.encode()).decode()}",
                               "errors": [urllib.parse.quote(key, safe=""), json.dumps(key)]})
        self.send_response(400)
        self.send_header("Content-Type", "application/json" if said[0] == "{" else "text/plain")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())

    def do_GET(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for text in (f"a {MARKER} b {TOKEN[:7]}", f"{TOKEN[7:]} c {urllib.parse.quote(TOKEN, safe='')[:5]}", urllib.parse.quote(TOKEN, safe="")[5:]):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text.encode()))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")


web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
threading.Thread(target=web.serve_forever, daemon=True).start()
mail = socket.create_server(("127.0.0.1", 0))


def mail_serve(s):
    f = s.makefile("rwb")
    f.write(b"220 ready\r\n"), f.flush()
    for line in f:
        word = line.split()[0].upper() if line.split() else b""
        if word == b"EHLO": answer = b"250-here\r\n250 AUTH PLAIN\r\n"
        elif word == b"AUTH":
            if len(line.split()) < 3: f.write(b"334 \r\n"), f.flush()
            given = line.split()[2] if len(line.split()) > 2 else f.readline().strip()
            plain = base64.b64decode(given).split(b"\0")[-1]
            # Long: what is kept of a reply ends within the secret.
            pad = MARKER.encode() + b" " + b"no such pair " * 12
            answer = b"".join(b"535-%s\r\n" % (pad + given + b" " + plain) for _ in range(2)) + b"535 " + b"x" * 20 + plain * 8 + b"\r\n"
        elif word == b"QUIT": answer = b"221 bye\r\n"
        else: answer = b"530 first log in\r\n"
        f.write(answer), f.flush()
    s.close()


def mail_main():
    while True:
        s, _ = mail.accept()
        threading.Thread(target=mail_serve, args=(s,), daemon=True).start()


threading.Thread(target=mail_main, daemon=True).start()

# --- runs ---

with open(os.open(f"{work}/token", os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
    f.write(TOKEN + "\n")
os.chmod(work, 0o700)
port, post = web.server_address[1], mail.getsockname()[1]
with open(f"{work}/site.rb", "w") as f:
    f.write(f'''site "doors" do
  secrets driver: "files", directory: "."
  connect :web, driver: "http", base: "http://127.0.0.1:{port}", bearer: secret("token")
  connect :chat, driver: "slack", url: "http://127.0.0.1:{port}/hook"
  connect :pager, driver: "pagerduty", url: "http://127.0.0.1:{port}", routing_key: secret("token")
  connect :email, driver: "smtp", url: "smtp://127.0.0.1:{post}", from: "ops@example.org", tls: :never, user: "ops", password: secret("token")
end
''')


def runbook(name, body):
    with open(f"{work}/{name}.rb", "w") as f:
        f.write(f'runbook "{name}" do\n  title "{name}"\n  use "web"\n  use "shell"\n  use "chat"\n  use "pager"\n  use "email"\n'
                f'  input :word, :secret\n  input :marker, :string\n{body}end\n')
    return f"{work}/{name}.rb"


def command(file, name, *more):
    return [STEPWISE, "run", file, "--journal", f"{work}/{name}.db", "--site", f"{work}/site.rb", "--set", f"word={TOKEN}", "--set", f"marker={MARKER}", *more]


def run(name, body, *more):
    done = subprocess.run(command(runbook(name, body), name, *more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=work, timeout=120)
    return done.returncode, done.stdout + done.stderr


def journal(name):
    done = subprocess.run([STEPWISE, "journal", "export", "--journal", f"{work}/{name}.db"], stdout=subprocess.PIPE, timeout=60)
    return done.stdout


code, out = run("driver", '''
  step "Tell a channel" do
    web.get(url: "/")
    chat.post(text: "hello")
    irreversible "it is said"
    on_failure :continue
  end
  step "Page" do
    pager.trigger(summary: "hello", severity: :critical, source: "here")
    irreversible "it is said"
    on_failure :continue
  end
  step "Write" do
    email.send(to: "kim@example.org", subject: "Hello", text: "Hello")
    irreversible "it is said"
    on_failure :continue
  end
''')
ok(b"answers 400" in out and b"[secret" in out, "webhooks that answer with the secret", code, out)
clean("the screen", out)
clean("the journal", journal("driver"))
ok(b"535" in out and out.count(MARKER[:6].encode()) >= 3, "and so did the mail server", out)

code, out = run("chunks", '''
  step "Read" do
    got = web.get(url: "/")
    show got.body
    wrote = shell.read(args: ["python3", "-c", "import os, sys, time; t = os.environ['T']; m = os.environ['M']; sys.stdout.write(m + ' ' + t[:7]); sys.stdout.flush(); time.sleep(0.2); sys.stdout.write(t[7:]); sys.stderr.write(m + t[:3]); sys.stderr.flush(); time.sleep(0.2); sys.stderr.write(t[3:])"], env: { T: input.word, M: input.marker })
    show wrote.out
    show wrote.err
    show wrote.out[0..24], as: "cut"
    show wrote.out[22, 60], as: "from within"
    show wrote.out[22..25], as: "inside"
    show wrote.out[0..10], as: "before"
  end
''')
ok(code == 0 and out.count(b"[secret") >= 7, "a secret in two chunks and in two writes", code, out)
clean("the screen", out)
clean("the journal", journal("chunks"))

code, out = run("keys", '''
  step "Ask" do
    said = shell.read(args: ["printenv", "T"], env: { T: input.word })
  end
  each_of [input.marker, said.out.strip] do |word|
    step "Look" do
      show 1
    end
  end
''')
ok(code not in (0, 3) and b"key of an item of each_of holds a secret" in out, "the key of an item may not hold one", code, out)
clean("the screen", out, False)
clean("the journal", journal("keys"))

code, out = run("urls", '''
  step "Ask nobody" do
    web.get(url: "http://ops:" + "sea-horse" + "-77@127.0.0.1:1/x")
    on_failure :continue
  end
''')
ok(b"GET http://127.0.0.1:1/x" in out and b"sea-horse-77" not in out, "what failed is told without the password of its URL", code, out)

# --- a question, at a terminal ---

book = runbook("asks", '''
  step "Choose" do
    said = shell.read(args: ["printenv", "T", "M"], env: { T: input.word, M: input.marker })
    picked = choose "Which of #{said.out}?", [said.out.strip, "none"]
    show picked
    confirm "Is it #{said.out}?"
  end
''')
pid, fd = pty.fork()
if pid == 0:
    os.chdir(work)
    os.execv(STEPWISE, command(book, "asks"))
seen, told = b"", 0
while True:
    try: piece = os.read(fd, 65536)
    except OSError: break
    if not piece: break
    seen += piece
    if told == 0 and b"2" in seen and b"none" in seen: os.write(fd, b"1\n"); told = 1
    if told == 1 and b"Is it" in seen: os.write(fd, b"y\n"); told = 2
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
ok(status == 0 and b"[secret word]" in seen, "questions that hold it are answered by number", status, seen)
clean("the terminal", seen)
clean("the journal", journal("asks"))

if not os.environ.get("KEEP"): shutil.rmtree(work)
tap.done()
