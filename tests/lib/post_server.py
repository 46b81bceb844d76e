#!/usr/bin/env python3
"""A provider of letters for the tests of batches: honours keys, counts, and goes wrong as it is told.

post_server.py DIRECTORY prints its port. The first word of a path is a room, a directory in there. It keeps
a line a request in the room's file `log`: what it came to, the key, the recipient ("asked" of a probe's). What is to go wrong
stands in the file `plan`, read at each request; a line each, "TO WHAT [N]" for the first N requests of that
recipient only (TO may be * for everybody):

  429 [N] [SECONDS]   busy, with Retry-After when SECONDS are given
  500, 401, 403, 422  that status
  kept                500, after it was sent
  slow                answers after half a second
  hang                never answers, before it is sent;   lost: the same after it
  kill                kills the process named in the file `pid` before it is sent;   killed: after it
"""
import json, os, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

DIR = sys.argv[1]
lock = threading.Lock()
rooms = {}


class Room:
    def __init__(self, name):
        self.dir = os.path.join(DIR, name)
        self.keys, self.tries = {}, {}

    def path(self, name):
        return os.path.join(self.dir, name)

    def plan(self, to, n):
        try:
            lines = open(self.path("plan"), encoding="utf-8").read().split("\n")
        except FileNotFoundError:
            return []
        for words in (line.split() for line in lines):
            if words and words[0] in (to, "*") and (len(words) < 3 or n <= int(words[2])):
                return words[1:]
        return []

    def log(self, what, key, to):
        with open(self.path("log"), "a", encoding="utf-8") as f:
            f.write("%s %s %s\n" % (what, key, to))

    def kill(self):
        time.sleep(0.5)  # those beside it are under way by now
        try:
            os.kill(int(open(self.path("pid")).read()), signal.SIGKILL)
        except (OSError, ValueError):
            pass
        time.sleep(600)


def room_of(path):
    name, _, rest = path.lstrip("/").partition("/")
    with lock:
        return rooms.setdefault(name, Room(name)), "/" + rest


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
        room, path = room_of(self.path)
        key = parse_qs(urlparse(path).query).get("key", [""])[0]
        room.log("asked", key, "-")
        if os.path.exists(room.path("mute")):
            return self.answer(200, {"known": "perhaps"})
        with lock:
            known = room.keys.get(key)
        self.answer(200, {"known": "yes" if known else "no", "id": known})

    def do_POST(self):
        room, path = room_of(self.path)
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if path == "/stop":
            room.log("stop", sent["batch"], "-")
            return self.answer(200, {})
        key, to = self.headers.get("Idempotency-Key") or self.headers.get("X-Key"), sent["to"]
        with lock:
            n = room.tries[to] = room.tries.get(to, 0) + 1
        what = room.plan(to, n)
        word = what[0] if what else ""
        if word == "kill":
            room.kill()
        if word == "hang":
            time.sleep(600)
        if word == "slow":
            time.sleep(0.5)
        if word.isdigit():
            room.log(word, key, to)
            more = {"Retry_After": what[2]} if len(what) > 2 else {}
            return self.answer(int(word), {"message": "told to"}, **more)
        with lock:
            again = key in room.keys and path != "/once"
            room.keys.setdefault(key, "L%d" % (len(room.keys) + 1))
            room.log("again" if again else "sent", key, to)
        if word == "killed":
            room.kill()
        if word == "lost":
            time.sleep(600)
        if word == "kept":
            return self.answer(500, {"message": "told to"})
        self.answer(200, {"id": room.keys[key], "state": "queued"})


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass  # whoever asked is gone

    request_queue_size = 256


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
