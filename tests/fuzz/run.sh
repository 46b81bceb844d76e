#!/bin/bash
# Lets every libFuzzer target in a directory work for some seconds each, two at a time, starting
# from its corpus. usage: run.sh DIRECTORY SECONDS. What is found stays in DIRECTORY/NAME.found/.
set -u
dir=$1 seconds=$2 failed=0
one() {
  local name=$1 found=$dir/$1.found
  mkdir -p "$found" "$dir/$name.grown"
  if timeout -k 5 $((seconds + 60)) "$dir/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -max_len=16384 -artifact_prefix="$found/" "$dir/$name.grown" "tests/fuzz/corpus/$name" >"$dir/$name.log" 2>&1; then
    echo "ok   $name: $(sed -n 's/^Done \([0-9]* runs\).*/\1/p' "$dir/$name.log")"
  else
    echo "FAIL $name: see $dir/$name.log and $found"
    tail -25 "$dir/$name.log" | sed 's/^/     /'
    return 1
  fi
}
for source in tests/fuzz/fuzz_*.c; do
  name=${source##*/fuzz_}
  one "${name%.c}" &
  [ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n || failed=1
done
while [ -n "$(jobs -rp)" ]; do wait -n || failed=1; done
exit $failed
