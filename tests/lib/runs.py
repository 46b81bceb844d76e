"""What the python tests share: TAP, and a directory with a site, a runbook and a journal."""
import json, os, subprocess, tempfile
from tap import done, ok

STEPWISE = os.path.abspath(os.environ.get("STEPWISE", "build/stepwise"))
TOP = tempfile.TemporaryDirectory()
for name in [n for n in os.environ if n.startswith(("STEPWISE_", "XDG_")) or n.lower().endswith("_proxy")]:
    del os.environ[name]
os.environ.update(NO_COLOR="1", LC_ALL="C.UTF-8", TZ="UTC", TERM="dumb")
cases = 0


class Case:
    def __init__(self, runbook, site=None, **files):
        global cases
        cases += 1
        self.dir = os.path.join(TOP.name, str(cases))
        os.mkdir(self.dir)
        self.file("r.rb", runbook)
        if site is not None:
            self.file("site.rb", 'site "test" do\n%s\nend\n' % site)

    def file(self, name, text, mode=0o644):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def read(self, name):
        try:
            with open(os.path.join(self.dir, name)) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def command(self, *args):
        return [STEPWISE, *args, "--journal", os.path.join(self.dir, "j.db")]

    def do(self, *args):
        r = subprocess.run(self.command(*args), stdin=subprocess.DEVNULL, cwd=self.dir, capture_output=True, text=True, timeout=60)
        return r.returncode, r.stdout + r.stderr

    def run(self, *args):
        return self.do("run", "r.rb", *args)

    def start(self, *args):
        out = open(os.path.join(self.dir, "out"), "w")
        return subprocess.Popen(self.command(*args), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=self.dir)

    def events(self, *kinds):
        code, text = self.do("journal", "export")
        events = [json.loads(l) for l in text.splitlines() if l.startswith("{")]
        return [e for e in events if not kinds or e["kind"] in kinds]

    def standing(self):
        """What `show --json` says of how the run stands."""
        code, text = self.do("show", "last", "--brief", "--json")
        return next(o for o in map(json.loads, text.splitlines()) if "next" in o)

    def verified(self):
        code, said = self.do("journal", "verify")
        return code == 0
