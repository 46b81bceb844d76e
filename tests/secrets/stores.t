#!/usr/bin/env python3
"""Where secrets come from: files whose modes are checked, the environment, Vault (a strict stand-in that follows the
documented rules of KV version 2), and pass with gpg when they are installed."""
import glob, http.server, json, os, pwd, shutil, stat, subprocess, sys, tempfile, threading, time, urllib.parse

sys.path.insert(0, "tests/lib")
import tap
from tap import ok, skip

work = tempfile.mkdtemp()
os.chmod(work, 0o755)
# Another account runs it too, and may not come to where it was built.
STEPWISE = shutil.copy(os.environ["STEPWISE"], work)
for module in glob.glob(os.path.dirname(os.environ["STEPWISE"]) + "/stepwise-*.so"):
    shutil.copy(module, work)


def write(path, text, mode=0o600):
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)


RUNBOOK = '''runbook "stores" do
  title "Fetch a secret"
  use "drivers"
  step "Show how long they are" do
    show one.size, as: "one"
  end
end
'''
DRIVERS = '''binding :one, "Has a secret" do
  action :size, effect: :read do
    gives :integer
  end
end

driver :own, for: :one do
  setting :token, :secret
  setting :more,  :secret, optional: true
  perform :size do
    told = exec.read(args: ["sh", "-c", "printf '%s|%s' \\"$T\\" \\"$M\\" > told; echo done"], env: { T: setting.token, M: setting.more }, dir: "PLACE")
    told.out.size
  end
end
'''
number = 0


def fetch(secrets, token, more=None, env=None, user=None, place=None, args=()):
    """Runs a runbook whose driver has these secrets: exit code, what was told, and what the driver got."""
    global number
    number += 1
    place = place or f"{work}/{number}"
    os.makedirs(place, exist_ok=True)
    write(f"{place}/stores.rb", RUNBOOK, 0o644)
    write(f"{place}/drivers.rb", DRIVERS.replace("PLACE", place), 0o644)
    settings = f'token: secret("{token}")' + (f', more: secret("{more}")' if more else "")
    write(f"{place}/site.rb", f'site "s" do\n  {secrets}\n  connect :one, driver: "own", {settings}\nend\n', 0o644)
    if os.path.exists(f"{place}/told"): os.remove(f"{place}/told")
    command = [STEPWISE, "run", "stores.rb", "--journal", f"{place}/journal.db", "--site", "site.rb", *args]
    how = {}
    if user:
        os.chown(place, user.pw_uid, user.pw_gid)
        how = dict(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
    done = subprocess.run(command, cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "HOME": place, **(env or {})}, timeout=120, **how)
    told = open(f"{place}/told").read() if os.path.exists(f"{place}/told") else None
    return done.returncode, done.stdout.decode(), told


def is_refused(name, result, *words):
    code, said, told = result
    ok(code == 3 and told is None and all(w in said for w in words), name, code, said, told)


# --- the environment ---

code, said, told = fetch('secrets driver: "env"', "twilio/auth-token.x", env={"TWILIO_AUTH_TOKEN_X": "sesame-41"})
ok(code == 0 and told == "sesame-41|", "a variable of the environment", code, said, told)
code, said, told = fetch('secrets driver: "env", prefix: "OPS_"', "Api", env={"OPS_API": "sesame-42"})
ok(code == 0 and told == "sesame-42|", "with a prefix", code, said, told)
is_refused("both that are missing are told", fetch('secrets driver: "env"', "first/one", "second/one"), "no FIRST_ONE", "no SECOND_ONE")

# --- files ---

store = f"{work}/files"
write(f"{store}/api/token", "sesame-43\n")
FILES = f'secrets driver: "files", directory: "{store}"'
code, said, told = fetch(FILES, "api/token")
ok(code == 0 and told == "sesame-43|", "a file", code, said, told)
for mode, words in ((0o604, ("read by everybody", "chmod o-rwx")), (0o602, ("changed by everybody",)), (0o620, ("changed by its group", "chmod g-rwx"))):
    os.chmod(f"{store}/api/token", mode)
    is_refused(f"mode {mode:o} is refused", fetch(FILES, "api/token"), *words)
os.chmod(f"{store}/api/token", 0o600)
for directory, mode in ((f"{store}/api", 0o770), (store, 0o702)):
    before = stat.S_IMODE(os.stat(directory).st_mode)
    os.chmod(directory, mode)
    is_refused(f"a directory of mode {mode:o} is refused", fetch(FILES, "api/token"), "the directory of secrets", "chmod")
    os.chmod(directory, before)
os.symlink("token", f"{store}/api/same")
code, said, told = fetch(FILES, "api/same")
ok(code == 0 and told == "sesame-43|", "a link within", code, said, told)
write(f"{work}/outside", "sesame-44")
os.symlink(f"{work}/outside", f"{store}/api/out")
is_refused("a link that leads out", fetch(FILES, "api/out"), "leads out of")
os.symlink(work, f"{store}/way")
is_refused("a directory that is one", fetch(FILES, "way/outside"), "leads out of")
os.mkfifo(f"{store}/pipe", 0o600)
is_refused("a pipe is no file", fetch(FILES, "pipe"), "is not a file")
write(f"{store}/empty", "\n")
is_refused("an empty one", fetch(FILES, "empty"), "is empty")
with open(f"{store}/bytes", "wb") as f: f.write(b"\xff\xfe secret")
os.chmod(f"{store}/bytes", 0o600)
is_refused("one that is no text", fetch(FILES, "bytes"), "no text in UTF-8")
write(f"{store}/long", "x" * (1 << 20) + "\n")
is_refused("one that is too long", fetch(FILES, "long"), "is larger than 1 MiB")
write(f"{store}/most", "x" * (1 << 20))
code, said, told = fetch(FILES, "most")
ok("larger than" not in said and "Argument list too long" in said, "the longest there may be comes to the driver", code, said, told)
for bad in ("../outside", "api/../../outside", ".hidden", "/etc/hostname", "api//token"):
    is_refused(f"{bad} names none", fetch(FILES, bad), "names no secret")
is_refused("those that are missing, all of them", fetch(FILES, "no/one", "no/two"), "no/one", "no/two", "No such file")

if os.getuid() == 0:
    nobody = pwd.getpwnam("nobody")
    os.chmod(store, 0o755), os.chmod(f"{store}/api", 0o755)
    is_refused("another user reads nothing that is not meant for it", fetch(FILES, "api/token", user=nobody), "Permission denied")
    os.chown(f"{store}/api/token", 0, nobody.pw_gid), os.chmod(f"{store}/api/token", 0o640)
    code, said, told = fetch(FILES, "api/token", user=nobody)
    ok(code == 0 and told == "sesame-43|", "a file of root's that its group may read", code, said, told)
    own = f"{work}/own"
    write(f"{own}/token", "sesame-45")
    for path in (own, f"{own}/token"): os.chown(path, nobody.pw_uid, nobody.pw_gid)
    code, said, told = fetch(f'secrets driver: "files", directory: "{own}"', "token", user=nobody)
    ok(code == 0 and told == "sesame-45|", "one of one's own", code, said, told)
    os.chmod(f"{own}/token", 0o640)
    is_refused("one's own that the group may read", fetch(f'secrets driver: "files", directory: "{own}"', "token", user=nobody), "read by its group", "chmod g-rwx")
    os.chmod(f"{own}/token", 0o600)
    is_refused("another user's, even for root", fetch(f'secrets driver: "files", directory: "{own}"', "token"), "belongs to user")
else:
    print("# not root: what other users may read is not tried")

# --- Vault ---

TOKEN = "hvs.CAESI-test-token-0123456789"


class Vault(http.server.BaseHTTPRequestHandler):
    """KV version 2 as its documentation has it: GET /v1/MOUNT/data/PATH."""
    protocol_version = "HTTP/1.1"
    data = {"twilio": [{"sid": "AC-1", "auth_token": "sesame-51-old"}, {"sid": "AC-1", "auth_token": "sesame-52"}],
            "one": [{"anything": "sesame-53"}], "value": [{"value": "sesame-54", "note": "x"}], "number": [{"pin": 48151623}],
            "deep": [{"field": {"a": 1}}], "a b/ü": [{"k": "sesame-55"}], "gone": [None]}
    state = "open"
    asked = []

    def log_message(self, *args):
        pass

    def reply(self, status, body, **headers):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for k, v in headers.items(): self.send_header(k, v)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        try: self.wfile.write(raw)
        except BrokenPipeError: pass  # it did not wait

    def do_GET(self):
        Vault.asked.append(self.path)
        if Vault.state == "slow": time.sleep(3)
        if Vault.state == "sealed": return self.reply(503, {"errors": ["Vault is sealed"]})
        if Vault.state == "garbage": return self.reply(200, b"<html>sesame-garbage</html>")
        if Vault.state == "moved": return self.reply(307, b"", Location=f"http://localhost:{vault.server_address[1]}{self.path}")
        if self.headers.get("X-Vault-Request") != "true": return self.reply(400, {"errors": ["request without X-Vault-Request"]})
        token = self.headers.get("X-Vault-Token")
        if not token: return self.reply(400, {"errors": ["missing client token"]})
        if token != TOKEN: return self.reply(403, {"errors": [f"permission denied for {token}"]})
        url = urllib.parse.urlsplit(self.path)
        parts = urllib.parse.unquote(url.path).split("/", 4)
        mount = (self.headers.get("X-Vault-Namespace") or "") + "/" + parts[2] if len(parts) > 2 else ""
        if parts[:2] != ["", "v1"] or mount not in ("/secret", "team/kv"): return self.reply(404, {"errors": ["no handler for route"]})
        if len(parts) < 5 or parts[3] != "data": return self.reply(404, {"errors": []})
        versions = Vault.data.get(parts[4])
        if not versions: return self.reply(404, {"errors": []})
        wanted = int(urllib.parse.parse_qs(url.query).get("version", ["0"])[0]) or len(versions)
        if wanted > len(versions): return self.reply(404, {"errors": []})
        held = versions[wanted - 1]
        answer = {"request_id": "1", "data": {"data": held, "metadata": {"version": wanted, "destroyed": False,
                                                                         "deletion_time": "" if held else "2026-01-01T00:00:00Z"}}}
        self.reply(200 if held else 404, answer)


vault = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Vault)
threading.Thread(target=vault.serve_forever, daemon=True).start()
ADDRESS = f"http://127.0.0.1:{vault.server_address[1]}"
write(f"{work}/vault-token", TOKEN + "\n")
BY_FILE = f'secrets driver: "vault", address: "{ADDRESS}/", token_file: "{work}/vault-token"'
BY_ENV = f'secrets driver: "vault", address: "{ADDRESS}"'

code, said, told = fetch(BY_FILE, "twilio#auth_token", "twilio#sid")
ok(code == 0 and told == "sesame-52|AC-1", "two fields of a secret of Vault", code, said, told)
ok(len(Vault.asked) == 1, "and Vault is asked once", Vault.asked)
for token, want in (("twilio#auth_token@1", "sesame-51-old"), ("one", "sesame-53"), ("value", "sesame-54"), ("number#pin", "48151623"), ("a b/ü#k", "sesame-55")):
    code, said, told = fetch(BY_ENV, token, env={"VAULT_TOKEN": TOKEN})
    ok(code == 0 and told == want + "|", f"{token}", code, said, told)
code, said, told = fetch(BY_ENV + ', token: env("OPS_VAULT"), mount: "kv", namespace: "team"', "one", env={"OPS_VAULT": TOKEN})
ok(code == 0 and told == "sesame-53|", "another mount, a namespace, a token of the environment", code, said, told)
is_refused("a token that is not valid", fetch(BY_ENV, "one", env={"VAULT_TOKEN": "hvs.other-token-987"}), "Vault denies", "read on secret/data/one", "[secret vault.token]")
code, said, told = fetch(BY_ENV, "one", env={"VAULT_TOKEN": "hvs.other-token-987"})
ok("hvs.other-token-987" not in said, "which is not shown, though Vault says it back", said)
is_refused("no token", fetch(BY_ENV, "one"), "there is no token for Vault", "VAULT_TOKEN")
os.close(os.open(f"{work}/empty-token", os.O_WRONLY | os.O_CREAT, 0o600))
is_refused("an empty token", fetch(BY_FILE.replace("vault-token", "empty-token"), "one"), "empty-token is empty")
is_refused("a path that is not there", fetch(BY_FILE, "none#x"), "Vault has nothing at secret/data/none")
is_refused("a version that is not there", fetch(BY_FILE, "twilio#sid@7"), "version 7")
is_refused("one that was deleted", fetch(BY_FILE, "gone#x"), "that version was deleted")
is_refused("another mount", fetch(BY_FILE + ', mount: "kv1"', "one"), "is no mount of KV version 2")
is_refused("a field that is not there", fetch(BY_FILE, "twilio#token"), "it has no such field", "sid, auth_token")
is_refused("several, and none is named", fetch(BY_FILE, "twilio"), "it has several fields")
is_refused("one that is no text", fetch(BY_FILE, "deep#field"), "not a text")
is_refused("a name without a path", fetch(BY_FILE, "#x"), "names no secret of Vault")
Vault.state = "sealed"
is_refused("a sealed Vault", fetch(BY_FILE, "one"), "Vault is sealed", "unseal")
Vault.state = "garbage"
code, said, told = fetch(BY_FILE, "one")
ok(code == 3 and "is no JSON" in said and "sesame-garbage" not in said, "an answer that is no JSON", code, said)
Vault.state = "moved"
is_refused("a redirect to another server", fetch(BY_FILE, "one"), "redirected to another server")
Vault.state = "slow"
is_refused("one that does not answer", fetch(BY_FILE + ", timeout: 1.second", "one"), "no whole answer within 1")
Vault.state = "open"
os.chmod(f"{work}/vault-token", 0o644)
is_refused("a token that everybody may read", fetch(BY_FILE, "one"), "Vault's token", "read by everybody")
code, said, told = fetch(BY_ENV.replace(ADDRESS, "http://127.0.0.1:9"), "one", env={"VAULT_TOKEN": TOKEN})
ok(code == 3 and "127.0.0.1:9" in said and TOKEN not in said, "nobody there", code, said)

# --- pass ---

needed = [p for p in ("pass", "gpg", "gpg-agent") if not shutil.which(p)]
if needed and os.environ.get("SERVICES") != "1":
    for _ in range(6):
        skip("pass", f"{', '.join(needed)} not installed")
else:
    home, passwords = tempfile.mkdtemp(prefix="g"), f"{work}/pass"
    os.chmod(home, 0o700)
    env = {**os.environ, "GNUPGHOME": home, "PASSWORD_STORE_DIR": passwords}
    quiet = dict(env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    for name, phrase in (("ops@example.org", ""), ("locked@example.org", "correct horse")):
        subprocess.run(["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", phrase, "--quick-gen-key", name, "default", "default", "never"], **quiet)
    subprocess.run(["pass", "init", "ops@example.org"], **quiet)
    subprocess.run(["pass", "init", "-p", "locked", "locked@example.org"], **quiet)
    for name, text in (("api/token", "sesame-61\nuser: ops\n"), ("locked/token", "sesame-62\n")):
        subprocess.run(["pass", "insert", "-m", name], input=text.encode(), **quiet)
    subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=env)
    PASS = f'secrets driver: "pass", directory: "{passwords}", gnupg_home: "{home}"'
    code, said, told = fetch(PASS, "api/token")
    ok(code == 0 and told == "sesame-61|", "the first line of an entry of pass", code, said, told)
    is_refused("one that is not there", fetch(PASS, "api/none"), "it is not in the password store")
    is_refused("a key that is locked", fetch(PASS + ", timeout: 5.seconds", "locked/token"), "cannot read the secret locked/token", "the key is locked", "unlock the key")
    empty = tempfile.mkdtemp(prefix="g")
    os.chmod(empty, 0o700)
    is_refused("no key for it", fetch(PASS.replace(home, empty), "api/token"), "gpg has no key for it")
    is_refused("no store", fetch(PASS.replace(passwords, f"{work}/nowhere"), "api/token"), "api/token")
    code, said, told = fetch(PASS, "api/token", env={"PATH": "/nowhere"})
    ok(code == 3 and "apt-get install pass" in said, "no pass", code, said)
    for h in (home, empty):
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env={**env, "GNUPGHOME": h})
        shutil.rmtree(h, ignore_errors=True)

# --- short ones ---

code, said, told = fetch('secrets driver: "env"', "pin", env={"PIN": "4711"})
ok(code == 0 and told == "4711|" and "pin is shorter than 6 bytes" in said, "a short secret is told of", code, said)

if not os.environ.get("KEEP"): shutil.rmtree(work)
tap.done()
