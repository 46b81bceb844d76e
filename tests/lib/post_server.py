#!/usr/bin/env python3
"""A provider of letters for the tests of batches: honours keys, counts, and goes wrong as it is told.

Prints its port. Keeps a line a request in the file LOG: what it came to, the key, the recipient. What is to
go wrong stands in the file PLAN, read at each request; a line each, "TO WHAT [N]" for the first N requests
of that recipient only (TO may be * for everybody):

  429 [N] [SECONDS]   busy, with Retry-After when SECONDS are given
  500, 401, 403, 422  that status
  slow                answers after half a second
  hang                never answers, before it is sent;   lost: the same after it
  kill                kills the process named in the file PID before it is sent;   killed: after it
"""
import json, os, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

DIR = sys.argv[1]
lock = threading.Lock()
keys, tries = {}, {}


def plan(to, n):
    try:
        lines = open(os.path.join(DIR, "plan"), encoding="utf-8").read().split("\n")
    except FileNotFoundError:
        return []
    for words in (line.split() for line in lines):
        if words and words[0] in (to, "*") and (len(words) < 3 or n <= int(words[2])):
            return words[1:]
    return []


def log(what, key, to):
    with open(os.path.join(DIR, "log"), "a", encoding="utf-8") as f:
        f.write("%s %s %s\n" % (what, key, to))


def kill():
    time.sleep(0.5)  # those beside it are under way by now
    try:
        os.kill(int(open(os.path.join(DIR, "pid")).read()), signal.SIGKILL)
    except (OSError, ValueError):
        pass
    time.sleep(600)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, **headers):
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        key = parse_qs(urlparse(self.path).query).get("key", [""])[0]
        if os.path.exists(os.path.join(DIR, "mute")):
            return self.answer(200, {"known": "perhaps"})
        with lock:
            self.answer(200, {"known": "yes" if key in keys else "no", "id": keys.get(key)})

    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/stop":
            log("stop", sent["batch"], "-")
            return self.answer(200, {})
        key, to = self.headers.get("Idempotency-Key") or self.headers.get("X-Key"), sent["to"]
        with lock:
            n = tries[to] = tries.get(to, 0) + 1
        what = plan(to, n)
        word = what[0] if what else ""
        if word == "kill":
            kill()
        if word == "hang":
            time.sleep(600)
        if word == "slow":
            time.sleep(0.5)
        if word.isdigit():
            log(word, key, to)
            more = {"Retry_After": what[2]} if len(what) > 2 else {}
            return self.answer(int(word), {"message": "told to"}, **more)
        with lock:
            again = key in keys and self.path != "/once"
            keys.setdefault(key, "L%d" % (len(keys) + 1))
            log("again" if again else "sent", key, to)
        if word == "killed":
            kill()
        if word == "lost":
            time.sleep(600)
        self.answer(200, {"id": keys[key], "state": "queued"})


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass  # whoever asked is gone

    request_queue_size = 256


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
