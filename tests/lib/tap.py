"""What a test says, as TAP: ok() for each thing that was looked at, done() at its end."""
import sys

count = failed = 0


def ok(good, name, *details):
    global count, failed
    count += 1
    failed += not good
    print("ok" if good else "not ok", count, "-", name)
    for d in details if not good else ():
        for line in str(d).splitlines():
            print("#", line[:2000])
    sys.stdout.flush()


def skip(name, why):
    global count
    count += 1
    print("ok", count, "-", name, "# skip", why, flush=True)


def done():
    print("1..%d" % count)
    sys.exit(failed != 0)
