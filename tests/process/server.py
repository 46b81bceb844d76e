"""A web server that misbehaves on request: server.py LOG [CERT KEY]. Prints its port, ends with its
standard input. Each path's first word says what happens; LOG gets a line for each request and for
each connection that the client closed before it was answered."""
import email.utils, json, os, socket, ssl, sys, threading, time

log_path = sys.argv[1]
lock = threading.Lock()


def log(text):
    with lock, open(log_path, "a") as f:
        f.write(text + "\n")


def read_request(c):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = c.recv(65536)
        if not piece:
            return None
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    headers = {k.strip().lower(): v.strip() for k, v in (l.split(":", 1) for l in lines[1:])}
    while len(body) < int(headers.get("content-length", 0)):
        body += c.recv(65536)
    method, path, _ = lines[0].split(" ")
    return method, path, headers, body.decode("utf-8", "replace")


def answer(c, status, body, kind="text/plain", more="", length=None):
    length = len(body) if length is None else length
    c.sendall(f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n"
              f"Connection: close\r\n{more}\r\n".encode() + body)


def wait_closed(c, path):
    """Returns when the client closes; the test sees it in the log."""
    c.settimeout(30)
    try:
        closed = c.recv(1) == b""
    except OSError:
        closed = True
    log(("closed " if closed else "open ") + path)


def serve(c):
    try:
        request = read_request(c)
        if not request:
            return
        method, path, headers, body = request
        log(f"{method} {path}")
        word, _, rest = path.lstrip("/").partition("?")[0].partition("/")
        if word == "echo":
            said = {"method": method, "path": path, "headers": headers, "body": body}
            answer(c, 200, json.dumps(said).encode(), "application/json", "X-Two: a\r\nX-Two: b\r\n")
        elif word == "status":
            answer(c, int(rest), b"{\"why\": \"as asked\"}", "application/json")
        elif word == "busy":  # busy/SECONDS, or busy/@SECONDS for a date so far from now
            when = email.utils.formatdate(time.time() + int(rest[1:]), usegmt=True) if rest[0] == "@" else rest
            answer(c, 429, b"not now", more=f"Retry-After: {when}\r\n")
        elif word == "later":
            time.sleep(0.7)
            answer(c, int(rest), b"late")
        elif word == "redirect":
            n = int(rest)
            answer(c, 302, b"away", more=f"Location: /{'echo' if n == 1 else f'redirect/{n - 1}'}\r\n")
        elif word == "see":
            answer(c, int(rest), b"there", more="Location: /echo\r\n")
        elif word == "elsewhere":
            answer(c, 302, b"away", more=f"Location: http://localhost:{port}/echo\r\n")
        elif word == "keep":  # and what comes next on the connection is taken, without an answer
            c.sendall(b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\nok")
            again = read_request(c)
            if again:
                log(f"{again[0]} {again[1]} unanswered")
        elif word == "hang":
            wait_closed(c, path)
        elif word == "half":
            answer(c, 200, b"x" * 1000, length=5000)
            wait_closed(c, path)
        elif word == "cut":
            answer(c, 200, b"x" * 1000, length=5000)
        elif word == "drop":
            pass
        elif word == "bytes":
            answer(c, 200, b"caf\xe9 \x00 ok")
        elif word == "endless":
            c.sendall(b"HTTP/1.1 200 x\r\nContent-Type: text/plain\r\n\r\n")
            try:
                while True:
                    c.sendall(b"y" * 65536)
            except OSError:
                log("closed " + path)
        else:
            answer(c, 404, b"nothing here")
    except OSError:
        pass
    finally:
        c.close()


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 0))
listener.listen(64)
port = listener.getsockname()[1]
tls = None
if len(sys.argv) > 2:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[2], sys.argv[3])


def accept_all():
    while True:
        c, _ = listener.accept()
        try:
            if tls:
                c = tls.wrap_socket(c, server_side=True)
        except OSError:
            c.close()
            continue
        threading.Thread(target=serve, args=(c,), daemon=True).start()


threading.Thread(target=accept_all, daemon=True).start()
print(port, flush=True)
sys.stdin.read()
