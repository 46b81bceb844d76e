#!/usr/bin/env python3
"""Credentials of each source (files, the environment, Vault, pass) that providers say back in every form: Twilio in
its refusals, alone and of each of a batch; a mail server in its replies, to a letter and to a campaign; and in the
errors of the language itself, whose texts quote what they were given. A marker that is no secret takes the same ways."""
import base64, http.server, json, os, shutil, socket, sqlite3, subprocess, sys, tempfile, threading

sys.path.insert(0, "tests/lib")
from secret_forms import echoes, kinds
import tap
from tap import ok

STEPWISE = os.environ["STEPWISE"]
TOKEN = 'tok/en+91=aB~"x"?\\y&<7>'
VAULT_TOKEN = "hvs.CAESI-test-token/98+76"
MARKER = 'mark/er+82=cD~"z"?\\w&<6>'
ACCOUNT = "AC" + "0c" * 16
work = tempfile.mkdtemp()
os.chmod(work, 0o700)

# --- providers ---


class Web(http.server.BaseHTTPRequestHandler):
    """Twilio, which refuses, and Vault."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body):
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/v1/"):
            good = self.headers.get("X-Vault-Token") == VAULT_TOKEN
            return self.answer(200 if good else 403, json.dumps({"data": {"data": {"value": TOKEN}, "metadata": {"version": 1}}} if good else {"errors": ["no"]}))
        if self.path == "/say":
            return self.answer(200, json.dumps({"said": self.headers.get("X-Say")}))
        given = (self.headers.get("Authorization") or "").replace("Basic ", "")
        token = base64.b64decode(given).decode().partition(":")[2]
        seen.append(token)
        said = echoes({"token": token})["token"]
        also = echoes({"marker": MARKER})["marker"]
        # A form in each message, so that what a driver cuts off is another one each time.
        name = list(said)[len(seen) % len(said)]
        body = {"code": 20003, "status": 401, "message": f"Authenticate: {also[name]} is not {said[name]} ({given})", "more_info": [said, also]}
        self.answer(401, json.dumps(body))

    do_POST = do_GET


seen = []
web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
threading.Thread(target=web.serve_forever, daemon=True).start()
mail = socket.create_server(("127.0.0.1", 0))
passwords = []


def mail_serve(s):
    with s, s.makefile("rwb") as f:
        f.write(b"220 ready\r\n"), f.flush()
        for line in f:
            words = line.split()
            word = words[0].upper() if words else b""
            if word == b"EHLO":
                answer = b"250-here\r\n250 AUTH PLAIN\r\n"
            elif word == b"AUTH":
                if len(words) < 3:
                    f.write(b"334 \r\n"), f.flush()
                given = words[2] if len(words) > 2 else f.readline().strip()
                password = base64.b64decode(given).split(b"\0")[-1].decode()
                passwords.append(password)
                answer = b"235 in\r\n"
            elif word in (b"MAIL", b"RSET"):
                answer = b"250 yes\r\n"
            elif word == b"QUIT":
                answer = b"221 bye\r\n"
            else:  # each recipient is refused with another form
                said, also = echoes({"t": passwords[-1]})["t"], echoes({"m": MARKER})["m"]
                name = list(said)[len(passwords) % len(said)]
                passwords.append(passwords[-1])
                answer = f"550 5.7.1 not with {also[name]} nor {said[name]}\r\n".encode()
            f.write(answer), f.flush()


def mail_main():
    while True:
        s, _ = mail.accept()
        threading.Thread(target=mail_serve, args=(s,), daemon=True).start()


threading.Thread(target=mail_main, daemon=True).start()

# --- sources ---

os.makedirs(f"{work}/files", mode=0o700)
for path, text in (("files/token", TOKEN), ("vault-token", VAULT_TOKEN)):
    with open(os.open(f"{work}/{path}", os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(text + "\n")
at = f"http://127.0.0.1:{web.server_address[1]}"
SOURCES = {"files": (f'driver: "files", directory: "{work}/files"', {}), "env": ('driver: "env"', {"TOKEN": TOKEN}),
           "vault": (f'driver: "vault", address: "{at}", token_file: "{work}/vault-token"', {})}
if all(shutil.which(p) for p in ("pass", "gpg", "gpg-agent")):
    home = tempfile.mkdtemp(prefix="g")
    env = {**os.environ, "GNUPGHOME": home, "PASSWORD_STORE_DIR": f"{work}/pass"}
    quiet = dict(env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    subprocess.run(["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", "ops@example.org", "default", "default", "never"], **quiet)
    subprocess.run(["pass", "init", "ops@example.org"], **quiet)
    subprocess.run(["pass", "insert", "-m", "token"], input=(TOKEN + "\n").encode(), **quiet)
    SOURCES["pass"] = (f'driver: "pass", directory: "{work}/pass", gnupg_home: "{home}"', {})
elif os.environ.get("SERVICES") == "1":
    ok(False, "pass and gpg are installed")
else:
    ok(True, "pass # skip pass or gpg not installed")

PROVIDERS = r'''runbook "providers" do
  title "Providers that say everything back"
  use "sms"
  use "email"
  use "web"
  on_failure :continue
  input :marker, :string

  step "One message" do
    sms.send(to: "+15555010001", body: "hello")
    irreversible "it was sent"
  end
  step "A batch" do
    sms.send_batch(to: ["+15555010002", "+15555010003"], body: "hello", per_second: 100)
    irreversible "it was sent"
  end
  each_of ["+15555010004", "+15555010005", "+15555010006", "+15555010007", "+15555010008", "+15555010009", "+15555010010", "+15555010011", "+15555010012", "+15555010013"] do |phone|
    step "Each form" do
      sms.send(to: phone, body: "hello")
      irreversible "it was sent"
    end
  end
  step "Replies" do
    sms.replies
    irreversible "they were read"
  end
  step "A state" do
    show sms.status(id: "SM00000000000000000000000000000000").state
  end
  step "A letter" do
    email.send(to: "kim@example.org", subject: "Hello", text: "Hello")
    irreversible "it was sent"
  end
  step "A campaign" do
    sent = email.campaign(to: (1..12).map { |n| { email: "p#{n}@example.org" } }, subject: "Hello", text: "Hello {{unsubscribe}}", html: "<a href=\"{{unsubscribe}}\">x</a>",
                          unsubscribe: "https://example.org/u/{{email}}", per_second: 100)
    show sent.refused, as: "refused"
    irreversible "it was sent"
  end
  step "Any server" do
    web.get(url: "AT/any", headers: { "Authorization" => "Basic OnRvaw==" })
  end
end
'''
# What is taken from a program is a text like any other, and known to be the secret.
CORE = r'''runbook "core" do
  title "What the language says"
  use "shell"
  use "web"
  use "sms"
  use "email"
  on_failure :continue
  input :word, :secret
  input :marker, :string
  step "Ask" do
    told = shell.read(args: ["printenv", "W", "M"], env: { W: input.word, M: input.marker })
    said = told.out.lines.map { |line| line.strip }.join(" ")
    any = web.get(url: "AT/say", headers: { "X-Say" => said }).json["said"]
    on_failure :hold
  end
STEPS
end
'''
CORE_LINES = [
    'show({ "a" => 1 }.fetch(said))', 'show time(said)', 'expect said == "", "not #{said}"', 'fail! :broken, said', 'guard "no #{said}", false',
    'show shell.read(args: [said]).out', 'show shell.read(args: ["true"], dir: said).out', 'show shell.read(args: ["sh", "-c", "echo \\"$0\\" >&2; exit 3", said]).out',
    'show web.get(url: said).status', 'show web.get(url: "http://127.0.0.1:1/#{said}").status', 'show web.get(url: "AT/", headers: { said => "x" }).status',
    'show web.get(url: "AT/", headers: { "a" => told.out }).status', 'email.send(to: said, subject: "x", text: "x")\n    irreversible "x"',
    'sms.send(to: said, body: "x")\n    irreversible "x"', 'sms.send(to: "+15555010001", body: said * 200)\n    irreversible "x"', 'show sms.status(id: said).state',
    'show any + 1', 'show 1 + any', 'show any.first', 'show any["x"]["y"]', 'show [any, 1].max', 'show any.nothing', 'show [1].sum(any)', 'show "a".center(any)',
    'show any ? any.fetch("x") : 1', 'show sms.status(id: any.size).state', 'show [1, 2].fetch(any)', 'show any - 1.day', 'show now - any', 'show any.round',
]


def run(name, text, secrets, env, *more, keep=False):
    with open(f"{work}/{name}.rb", "w") as f:
        f.write(text.replace("AT/", at + "/"))
    with open(f"{work}/site.rb", "w") as f:
        f.write(f'''site "providers" do
  secrets {secrets}
  connect :sms, driver: "twilio", account_sid: "{ACCOUNT}", auth_token: secret("token"), from: "+15005550006", url: "{at}", quiet: "", settle: 0.1.seconds
  connect :email, driver: "smtp", url: "smtp://127.0.0.1:{mail.getsockname()[1]}", from: "ops@example.org", tls: :never, user: "ops", password: secret("token")
end
''')
    command = [STEPWISE, "run", f"{work}/{name}.rb", "--journal", f"{work}/{name}.db", "--site", f"{work}/site.rb", "--set", f"marker={MARKER}", *more]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=work, timeout=200, env={**os.environ, **env})
    return done.returncode, done.stdout, done.stderr


def written(name):
    """The journal, its log and what drivers keep: every byte."""
    data = b""
    for top, _, names in os.walk(work):
        for n in sorted(names):
            if n.startswith(name + ".db") or top.endswith("/state"):
                with open(os.path.join(top, n), "rb") as f:
                    data += f.read()
    return data


def clean(place, data, want):
    # What a part was cut off is found by its parts, but for those that the marker and the ways of writing share.
    cut = sorted(p for p in (TOKEN[i:i + 6] for i in range(len(TOKEN) - 5)) if p.encode() in data)
    ok(not cut, f"{place}: and no part of one", cut)
    found = {**{f"token {k}": 1 for k in kinds(data, TOKEN)}, **{f"vault {k}": 1 for k in kinds(data, VAULT_TOKEN)}}
    ok(not found, f"{place}: no secret", "found as: " + ", ".join(sorted(found)))
    missing = set(want) - kinds(data, MARKER)
    ok(not missing, f"{place}: and the marker is", "not found as: " + ", ".join(sorted(missing)), data[-1500:])


def search(name, source, want, shown=()):
    """A run with a reader of its journal, so that the log stays beside it; then with --json."""
    secrets, env = SOURCES[source]
    text, extra = (PROVIDERS, ()) if name == "providers" else (CORE.replace("STEPS", STEPS), ("--set", f"word={TOKEN}"))
    label = f"{name}-{source}"
    run(label, 'runbook "x" do\n  input :marker, :string\n  step "Begin" do\n    show 1\n  end\nend\n', secrets, env)
    reader = sqlite3.connect(f"{work}/{label}.db")
    reader.execute("BEGIN"), reader.execute("SELECT count(*) FROM event").fetchall()
    code, out, err = run(label, text, secrets, env, *extra)
    ok(code == 1, f"{name}, {source}: the run ends", code, out[-3000:], err[-2000:])
    log = open(f"{work}/{label}.db-wal", "rb").read()
    clean(f"{name}, {source}: the screen", out + err, want)
    ok(len(log) > 10000, f"{name}, {source}: there is a log", len(log))
    clean(f"{name}, {source}: the log of the journal", log, want)
    reader.close()
    clean(f"{name}, {source}: what is on the disk", written(label), want)
    if source == "files":
        code, jout, jerr = run(label, text, secrets, env, *extra, "--json")
        clean(f"{name}, {source}: --json", jout + jerr, want)
        for verb in (["show", "last", "--json"], ["show", "last"], ["journal", "export"]):
            done = subprocess.run([STEPWISE, *verb, "--journal", f"{work}/{label}.db"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
            clean(f"{name}, {source}: {' '.join(verb)}", done.stdout, ("raw",))
    return out + err


for source in SOURCES:
    seen.clear(), passwords.clear()
    out = search("providers", source, ("raw", "url", "hex", "base64 0"))
    ok(TOKEN in seen and TOKEN in passwords, f"providers, {source}: both providers had the secret itself", set(seen), set(passwords))
    ok(b"[secret token]" in out and b"20003" in out and b"550" in out, f"providers, {source}: it shows with its name, in what they refuse", out[-3000:])
STEPS = ""
for i, line in enumerate(CORE_LINES):
    STEPS += f'  step "Line {i}" do\n    {line}\n  end\n'
out = search("core", "files", ("raw",))
fails = out.count(b"FAILED")
ok(fails >= len(CORE_LINES) - 3, f"core, files: {fails} of {len(CORE_LINES)} lines fail", out.decode("utf-8", "replace")[-6000:])
if os.environ.get("SHOW"): print(out.decode("utf-8", "replace"))

# --- a setting that may not hold it ---

for line in ('account_sid: secret("token")', 'from: secret("token")', 'url: secret("token")'):
    with open(f"{work}/bad.rb", "w") as f:
        f.write(f'site "bad" do\n  secrets {SOURCES["files"][0]}\n  connect :sms, driver: "twilio", {line}\nend\n')
    done = subprocess.run([STEPWISE, "run", f"{work}/providers-files.rb", "--journal", f"{work}/bad.db", "--site", f"{work}/bad.rb", "--set", f"marker={MARKER}"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=work, timeout=60)
    ok(done.returncode == 3 and not kinds(done.stdout, TOKEN), f"{line}: refused, without its text", done.returncode, done.stdout)

if "pass" in SOURCES:
    subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=env)
    shutil.rmtree(home, ignore_errors=True)
if not os.environ.get("KEEP"): shutil.rmtree(work)
tap.done()
