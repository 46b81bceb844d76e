"""A proxy before a web server that lets things go wrong: fault_proxy.py PORT LOG [CERT KEY [CLIENT_CA]].
Prints its own port, ends with its standard input. With CERT it speaks TLS, with CLIENT_CA only to
clients that show a certificate of that CA.

/@FAULT/PATH suffers the fault, /@FAULT:N/PATH the first N times that it is asked for; then PATH is asked
of the server at PORT. Requests to a proxy (with a whole URL, and CONNECT) are passed on; LOG has them. A host
NNN.refuse.invalid it answers with the status NNN, and at drop.invalid it hangs up."""
import ctypes, email.utils, os, re, socket, ssl, struct, sys, threading, time, zlib

upstream_port, log_path = int(sys.argv[1]), sys.argv[2]
lock = threading.Lock()
seen = {}


def log(text):
    with lock, open(log_path, "a") as f:
        f.write(text + "\n")


def read_head(c):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = c.recv(65536)
        if not piece:
            return None, b""
        data += piece
    return data.split(b"\r\n\r\n", 1)


def read_request(c):
    """The whole request: method, target, the lines of its head, its body."""
    head, body = read_head(c)
    if head is None:
        return None
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ")
    length = next((int(l.split(":")[1]) for l in lines if l.lower().startswith("content-length:")), 0)
    while len(body) < length:
        piece = c.recv(65536)
        if not piece:
            return None
        body += piece
    return method, target, lines[1:], body


def ask(host, port, method, path, lines, body):
    """What the server says, all of it, and that the connection ends with it."""
    hop = ("connection:", "proxy-connection:", "proxy-authorization:")
    lines = [l for l in lines if not l.lower().startswith(hop)] + ["Connection: close"]
    with socket.create_connection((host, port)) as s:
        s.sendall("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1") + body)
        data = b""
        while piece := s.recv(65536):
            data += piece
    return data.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


def say(c, status, body=b"", *headers):
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", "Connection: close", *headers]
    c.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def reset(c):
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()


def wait_closed(c):
    c.settimeout(30)
    try:
        while c.recv(4096):
            pass
    except OSError:
        pass


def pour(c, head, piece):
    c.sendall(head)
    while True:
        c.sendall(piece)


def packed(data, how):
    if how == "br":  # libcurl depends on the package that has this library
        lib, out = ctypes.CDLL("libbrotlienc.so.1"), ctypes.create_string_buffer(len(data) + 1024)
        size = ctypes.c_size_t(len(out))
        if not lib.BrotliEncoderCompress(5, 22, 0, ctypes.c_size_t(len(data)), data, ctypes.byref(size), out):
            raise OSError("brotli")
        return out.raw[: size.value]
    z = zlib.compressobj(9, zlib.DEFLATED, {"gzip": 31, "deflate": 15}[how])
    return z.compress(data) + z.flush()


def fail(c, fault, answer, target):
    """One fault; answer() asks the server, so that what was asked is done all the same."""
    name, _, more = fault.partition("=")
    if name == "slow":
        for byte in answer():
            c.sendall(bytes([byte]))
            time.sleep(0.001)
    elif name == "cut":
        data = answer()
        c.sendall(data[: len(data) - 5])
    elif name == "stall":
        c.sendall(answer()[:60])
        wait_closed(c)
    elif name == "half_closed":
        c.sendall(answer()[:60])
        c.shutdown(socket.SHUT_WR)
        wait_closed(c)
    elif name == "lost":
        answer()
    elif name == "drop":
        pass
    elif name == "reset":
        reset(c)
    elif name == "reset_late":
        answer()
        reset(c)
    elif name == "status":
        say(c, more, b'{"why": "as asked"}', "Content-Type: application/json")
    elif name == "busy":
        when = email.utils.formatdate(time.time() + int(more[1:]), usegmt=True) if more[0] == "@" else more
        say(c, 429, b"", f"Retry-After: {when}")
    elif name == "garbage":
        c.sendall(b"\x16\x03\x01 what is this? \x00\xff\n\n" * 20)
    elif name == "bad_chunks":
        c.sendall(b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n")
    elif name == "endless_body":
        pour(c, b"HTTP/1.1 200 x\r\n\r\n", b"y" * 65536)
    elif name == "endless_headers":
        pour(c, b"HTTP/1.1 200 x\r\n", b"X-More: " + b"y" * 1000 + b"\r\n")
    elif name == "endless_header":
        pour(c, b"HTTP/1.1 200 x\r\nX-More: ", b"y" * 65536)
    elif name == "endless_continue":
        pour(c, b"", b"HTTP/1.1 100 Continue\r\nX-More: y\r\n\r\n")
    elif name == "bomb":
        data = packed(bytes(128 << 20), more)
        log(f"bomb {more} {len(data)}")
        say(c, 200, data, f"Content-Encoding: {more}")
    elif name == "packed":
        say(c, 200, packed(b"unpacked", more), f"Content-Encoding: {more}")
    elif name == "badly_packed":
        say(c, 200, b"this is not gzip", "Content-Encoding: gzip")
    elif name == "elsewhere":
        say(c, more or 302, b"", f"Location: http://localhost:{port}/there")
    elif name == "loop":
        say(c, 302, b"", f"Location: {target}")
    else:
        say(c, 500, f"no fault {name}".encode())


def tunnel(c, host, to):
    with socket.create_connection((host, to)) as s:
        c.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

        def copy(a, b):
            try:
                while piece := a.recv(65536):
                    b.sendall(piece)
                b.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        one = threading.Thread(target=copy, args=(c, s), daemon=True)
        one.start()
        copy(s, c)
        one.join(5)


def serve(c):
    request = read_request(c)
    if not request:
        return
    method, target, lines, body = request
    log(f"{method} {target}")
    for line in lines:
        if line.lower().startswith(("proxy-authorization:", "authorization:", "cookie:", "x-")):
            log("  " + line)
    refuse = re.match(r"(?:http://)?(\d+)\.refuse\.invalid[:/]", target)
    if refuse:
        return say(c, refuse[1], b"as asked", *(['Proxy-Authenticate: Basic realm="x"'] if refuse[1] == "407" else []))
    if "//drop.invalid/" in target or target.startswith("drop.invalid:"):
        return
    if method == "CONNECT":
        host, _, to = target.rpartition(":")
        return tunnel(c, host, int(to))
    whole = re.match(r"http://([^/:]+)(?::(\d+))?(/.*)$", target)
    if whole:
        return c.sendall(ask(whole[1], int(whole[2] or 80), method, whole[3], lines, body))
    found = re.match(r"/@([^/]+)(/.*)$", target)
    fault, count, path = None, 0, target
    if found:
        path = found[2]
        fault, _, count = found[1].partition(":")
        with lock:
            seen[target] = seen.get(target, 0) + 1
            if count and seen[target] > int(count):
                fault = None
    answer = lambda: ask("127.0.0.1", upstream_port, method, path, lines, body)
    if fault:
        fail(c, fault, answer, target)
    else:
        c.sendall(answer())


listener = socket.create_server(("127.0.0.1", 0), backlog=128)
port = listener.getsockname()[1]
tls = None
if len(sys.argv) > 3:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[3], sys.argv[4])
    if len(sys.argv) > 5:
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_verify_locations(sys.argv[5])


def take(c):
    try:
        if tls:
            c = tls.wrap_socket(c, server_side=True)
        serve(c)
    except OSError:
        pass
    finally:
        c.close()


def accept_all():
    while True:
        c, _ = listener.accept()
        threading.Thread(target=take, args=(c,), daemon=True).start()


threading.Thread(target=accept_all, daemon=True).start()
print(port, flush=True)
sys.stdin.read()
