"""Strict fakes of Slack's incoming webhooks and PagerDuty's Events API v2, on loopback: they enforce
the documented rules and remember what arrived.

    with Fakes() as f:
        f.url                    # http://127.0.0.1:PORT
        f.faults = ["500", "429"]    # what the next requests meet, one each; then none
        f.posts, f.incidents, f.requests
"""
import http.server, json, threading

WEBHOOKS = {"/services/T000/B000/ops-secret": "#ops", "/services/T000/B000/data-secret": "#data"}
ARCHIVED = "/services/T000/B000/archived-secret"
KEYS = {"R" * 32: "desk", "M" * 32: "messaging"}
SEVERITIES = ("critical", "error", "warning", "info")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, kind="application/json", **headers):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        fakes = self.server.fakes
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with fakes.lock:
            fakes.requests.append((self.path, body.decode("utf-8", "replace")))
            fault = fakes.faults.pop(0) if fakes.faults else ""
            if fault in ("cut", "lost"):
                if fault == "lost":  # taken, and the answer never comes
                    self.wfile = open("/dev/null", "wb")
                    self.serve(fakes, body)
                self.close_connection = True
                self.connection.close()
            elif fault == "hold":  # taken, and no answer until whoever asked is gone
                fakes.held = True
                out, self.wfile = self.wfile, open("/dev/null", "wb")
                self.serve(fakes, body)
                self.wfile = out
                self.connection.settimeout(30)
                try:
                    self.connection.recv(1)
                except OSError:
                    pass
                self.close_connection = True
            elif fault == "500":
                self.answer(500, "server error", "text/plain")
            elif fault == "429":
                self.answer(429, {"status": "throttle exceeded"}, Retry_After="7")
            elif fault == "garbage":
                self.answer(200, "<html>\x00 welcome</html>", "text/html")
            else:
                self.serve(fakes, body)

    def serve(self, fakes, body):
        if self.path == "/v2/enqueue":
            self.enqueue(fakes, body)
        else:
            self.webhook(fakes, body)

    def webhook(self, fakes, body):
        def say(status, word):
            self.answer(status, word, "text/plain")
        if self.path == ARCHIVED:
            return say(410, "channel_is_archived")
        if self.path not in WEBHOOKS:
            return say(404, "no_service")
        if not self.headers.get("Content-Type", "").startswith("application/json"):
            return say(400, "invalid_payload")
        try:
            said = json.loads(body)
        except ValueError:
            return say(400, "invalid_payload")
        if not isinstance(said, dict) or not set(said) <= {"text", "blocks", "thread_ts"}:
            return say(400, "invalid_payload")
        if not said.get("text") and not said.get("blocks"):
            return say(400, "no_text")
        text = said["text"]
        if len(text) > 40000 or len(said.get("blocks", [])) > 50:
            return say(400, "msg_too_long")
        for mark in ("<", ">"):
            if mark in text:
                return say(400, "invalid_payload")  # unescaped markup
        if any(not part.startswith(("amp;", "lt;", "gt;")) for part in text.split("&")[1:]):
            return say(400, "invalid_payload")
        fakes.posts.append((WEBHOOKS[self.path], text))
        say(200, "ok")

    def enqueue(self, fakes, body):
        errors = []
        try:
            e = json.loads(body)
        except ValueError:
            return self.answer(400, {"status": "invalid event", "message": "Event object is invalid", "errors": ["JSON cannot be parsed"]})
        key, action, dedup = e.get("routing_key"), e.get("event_action"), e.get("dedup_key")
        if len(body) > 512 * 1024:
            errors.append("the event is larger than 512 KB")
        if key not in KEYS:
            errors.append("'routing_key' is invalid")
        if action not in ("trigger", "acknowledge", "resolve"):
            errors.append("'event_action' is invalid")
        if dedup is not None and (not isinstance(dedup, str) or not 1 <= len(dedup) <= 255):
            errors.append("'dedup_key' is invalid")
        if action == "trigger":
            p = e.get("payload") or {}
            if not isinstance(p.get("summary"), str) or not 1 <= len(p["summary"]) <= 1024:
                errors.append("'payload.summary' is missing, blank or too long")
            if not p.get("source"):
                errors.append("'payload.source' is missing or blank")
            if p.get("severity") not in SEVERITIES:
                errors.append("'payload.severity' is invalid")
        elif not dedup:
            errors.append("'dedup_key' is missing")
        if errors:
            return self.answer(400, {"status": "invalid event", "message": "Event object is invalid", "errors": errors})
        dedup = dedup or "made-by-the-server-%d" % len(fakes.incidents)
        known = fakes.incidents.get((KEYS[key], dedup))
        if action == "trigger" and (not known or known["state"] == "resolved"):
            fakes.opened += 1
            fakes.incidents[KEYS[key], dedup] = {"state": "triggered", "alerts": 1, "payload": e["payload"]}
        elif action == "trigger":
            known["alerts"] += 1
        elif known and known["state"] != "resolved":
            known["state"] = action + "d" if action.endswith("e") else action + "ed"
        self.answer(202, {"status": "success", "message": "Event processed", "dedup_key": dedup})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that was killed resets its connection


class Fakes:
    def __enter__(self):
        self.lock = threading.Lock()
        self.requests, self.posts, self.incidents, self.faults, self.opened = [], [], {}, [], 0
        self.server, self.held = Server(("127.0.0.1", 0), Handler), False
        self.server.fakes = self
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
