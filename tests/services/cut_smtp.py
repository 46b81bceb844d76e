"""A mail server that hangs up in the middle of a message, or whose reply to a command has no end:
cut_smtp.py PORT [COMMAND]."""
import socket, sys

endless = sys.argv[2].encode() if len(sys.argv) > 2 else None
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen(8)
while True:
    c, _ = listener.accept()
    try:
        c.sendall(b"220 here\r\n")
        for line in c.makefile("rb"):
            word = line[:4].upper()
            while word == endless:
                c.sendall(b"250-and\r\n" * 10000)
            c.sendall(b"354 go on\r\n" if word == b"DATA" else b"250 yes\r\n")
            if word == b"DATA":
                c.recv(1000)
                break
    except OSError:
        pass
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    c.close()
