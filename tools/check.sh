#!/bin/sh
# Runs the given TAP tests with prove, quietly, and ends in its one summary.
# Output of failing tests is shown; the rest is silent.
set -eu
[ $# -gt 0 ] || { echo "no tests" >&2; exit 1; }
# Each test ends: what hangs fails here, after $LIMIT s, instead of holding everything up. Many wait for
# a clock or a disk more than for a core: one more than there are cores.
exec prove -j"$(($(nproc) + 1))" --quiet --exec "timeout -k 5 ${LIMIT:-300}" "$@"
