#!/bin/sh
# Each fuzz target over its corpus, cut and changed a little; a crash found once stays in the corpus.
echo "1..$(ls tests/fuzz/fuzz_*.c | wc -l)"
n=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for source in tests/fuzz/fuzz_*.c; do
  name=${source##*/fuzz_}
  name=${name%.c}
  n=$((n + 1))
  if timeout 60 "$BUILD/fuzz/$name" tests/fuzz/corpus/"$name"/* >"$log" 2>&1; then
    echo "ok $n - $name"
  else
    echo "not ok $n - $name"
    tail -20 "$log" | sed 's/^/# /' >&2
  fi
done
