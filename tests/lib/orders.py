"""A server that takes orders and heeds idempotency keys: orders.py LOG. Prints its port, ends with its
standard input. POST /orders carries an order out, once for each key; LOG gets a line for each request
("POST /orders KEY") and one for each order carried out ("order BODY"). Anything else is echoed."""
import json, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

lock = threading.Lock()
done = {}


def log(text):
    with lock, open(sys.argv[1], "a") as f:
        f.write(text + "\n")


class Orders(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, said):
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        key = self.headers.get("Idempotency-Key")
        log(f"{self.command} {self.path} {key or '-'}")
        if self.path != "/orders" or self.command != "POST":
            headers = {k.lower(): v for k, v in self.headers.items()}
            return self.answer(200, {"method": self.command, "path": self.path, "headers": headers, "body": body})
        with lock:
            known = key in done if key else False
            if not known:
                done[key or f"order {len(done)}"] = len(done) + 1
        if not known:
            log("order " + body)
        self.answer(201, {"order": done.get(key, len(done))})

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_PURGE = any


server = ThreadingHTTPServer(("127.0.0.1", 0), Orders)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
