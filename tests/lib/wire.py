"""A wire that is tapped: wire.py PORT FILE. Prints its own port, ends with its standard input. What comes in
goes to PORT of this machine and back; FILE gets every byte that the client sends."""
import socket, sys, threading

to, path = int(sys.argv[1]), sys.argv[2]


def copy(a, b, tap):
    try:
        while piece := a.recv(65536):
            if tap:
                with open(path, "ab") as f:
                    f.write(piece)
            b.sendall(piece)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def carry(c):
    with c, socket.create_connection(("127.0.0.1", to)) as s:
        one = threading.Thread(target=copy, args=(c, s, True), daemon=True)
        one.start()
        copy(s, c, False)
        one.join(20)


def accept_all():
    while True:
        c, _ = listener.accept()
        threading.Thread(target=carry, args=(c,), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0), backlog=64)
threading.Thread(target=accept_all, daemon=True).start()
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
