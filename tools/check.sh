#!/bin/bash
# Runs the given TAP tests with prove, quietly, and ends in its one summary.
# What a failing test said of what failed is shown; the rest is silent.
set -u
[ $# -gt 0 ] || { echo "no tests" >&2; exit 1; }
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
export PYTHONDONTWRITEBYTECODE=1 # the tree stays as it was cloned

# Each test ends: what hangs fails here, after $LIMIT s, instead of holding everything up. Many wait for
# a clock or a disk more than for a core: one more than there are cores.
LIMIT=${LIMIT:-300} SAID=$said prove -j"$(($(nproc) + 1))" --quiet --exec tools/check_one.sh "$@" && exit
status=$?
# In the order of the tests: its failures, each with the comments behind it.
for test in "$@"; do
  awk -v test="$test" '/^not ok/ && !/# TODO/ { print test ": " $0; shown = 1; next } /^#/ && shown { print; next } { shown = 0 }' \
    "$said/${test//\//_}"
done | head -200
exit $status
