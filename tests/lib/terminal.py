"""A program on a terminal of its own: started, read until it says something, waited for."""
import os, pty, select, signal


def start(args, cwd=None, term="dumb", quiet=()):
    """(pid, descriptor) of it, with the signals of `quiet` ignored. args: the program's path, then its words."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = term
        for s in quiet:
            signal.signal(s, signal.SIG_IGN)
        if cwd:
            os.chdir(cwd)
        os.execv(args[0], args)
    return pid, fd


def until(fd, text, seen=b""):
    """What was seen and what came then, up to the text at least; less when it ends or is silent for half a minute."""
    while text not in seen:
        ready, _, _ = select.select([fd], [], [], 30)
        try:
            got = os.read(fd, 65536) if ready else b""
        except OSError:
            got = b""
        if not got:
            break
        seen += got
    return seen


def end(pid):
    """Its exit code, or minus the signal that ended it."""
    status = os.waitpid(pid, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
