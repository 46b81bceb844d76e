#!/bin/sh
# Every expression of ruby.txt means in Stepwise what it means in Ruby: both are run, each in one
# process, and what inspect shows is compared, line by line.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
count=$(grep -vc '^# ' "$here/ruby.txt")
if ! command -v ruby >/dev/null 2>&1; then
  echo "1..0 # SKIP no ruby to compare $count expressions with"
  exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
grep -v '^# ' "$here/ruby.txt" >"$dir/exprs"
LC_ALL=C.UTF-8 ruby -W0 "$here/ruby.rb" "$here/ruby.txt" >"$dir/ruby"
"$STEPWISE" eval --lines "$dir/exprs" >"$dir/stepwise" || true
echo "1..$count"
awk -v ours="$dir/stepwise" -v exprs="$dir/exprs" '
  { getline mine <ours; getline expr <exprs; gsub(/#/, "\\#", expr)
    same = $0 == mine || ($0 == "error" && mine ~ /^error/)
    printf "%sok %d - %s\n", same ? "" : "not ", NR, expr }
  !same { printf "# ruby:     %s\n# stepwise: %s\n", $0, mine; bad = 1 }
  END { exit bad }' "$dir/ruby"
