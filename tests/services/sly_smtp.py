"""A mail server, or somebody in its place, that tries to get hold of a password: sly_smtp.py PORT LOG HOW [CERT KEY].
It offers to take one, and LOG gets every line that it was sent, those in TLS with "tls " before them.

HOW: stripped (says nothing of STARTTLS), refused (says no to it), injected (its yes has replies behind it that are to
count as said in TLS), clear (says yes, and goes on without TLS), gone (says yes, and hangs up)."""
import socket, ssl, sys

port, log_path, how = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def log(text):
    with open(log_path, "a") as f:
        f.write(text + "\n")


def offer(inside):
    more = b"" if how == "stripped" or inside else b"250-STARTTLS\r\n"
    return b"250-mail.example.org\r\n" + more + b"250 AUTH PLAIN LOGIN\r\n"


def talk(c, inside):
    """Until it is gone, or asks for TLS: True."""
    data, asked = b"", False
    while True:
        while b"\n" not in data:
            piece = c.recv(4096)
            if not piece:
                return False
            data += piece
        line, data = data.split(b"\n", 1)
        log(("tls " if inside else "") + line.decode("latin-1").rstrip("\r"))
        word = line.split()[0].upper() if line.split() else b""
        if word == b"STARTTLS":
            return True
        if word in (b"EHLO", b"HELO"):
            c.sendall(offer(inside))
        elif word == b"AUTH" or asked:
            asked = word == b"AUTH" and len(line.split()) < 3
            c.sendall(b"334 \r\n" if asked else b"235 welcome\r\n")
        elif word == b"DATA":
            c.sendall(b"354 go on\r\n")
        elif word == b"QUIT":
            c.sendall(b"221 bye\r\n")
            return False
        else:
            c.sendall(b"250 yes\r\n")


def serve(c):
    c.sendall(b"220 mail.example.org\r\n")
    if not talk(c, False):
        return
    if how == "refused":
        c.sendall(b"502 5.5.1 not here\r\n")
    elif how == "injected":
        c.sendall(b"220 go on\r\n" + offer(True) + b"235 welcome\r\n")
    elif how != "gone":
        c.sendall(b"220 go on\r\n")
    if how == "clear":
        c.sendall(offer(True))
    if how == "injected":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[4], sys.argv[5])
        with context.wrap_socket(c, server_side=True) as inside:
            log("TLS")
            talk(inside, True)
    elif how != "gone":
        talk(c, False)


listener = socket.create_server(("127.0.0.1", port), backlog=16)
while True:
    c, _ = listener.accept()
    c.settimeout(20)
    try:
        serve(c)
    except OSError:
        pass
    finally:
        c.close()
