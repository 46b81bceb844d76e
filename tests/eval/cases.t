#!/bin/sh
# Runs cases/*.txt: each line is `expression # => what eval shows`; all of a file in one process.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat "$here"/cases/*.txt | grep -v '^# ' >"$dir/cases"
sed 's/ # => .*//' "$dir/cases" >"$dir/exprs"
"$STEPWISE" eval --lines "$dir/exprs" >"$dir/got" || true
echo "1..$(wc -l <"$dir/cases")"
awk -v got="$dir/got" '
  { at = index($0, " # => "); expr = substr($0, 1, at - 1); want = substr($0, at + 6)
    have = "nothing"; getline have <got
    name = expr; gsub(/#/, "\\#", name)
    printf "%sok %d - %s\n", have == want ? "" : "not ", NR, name }
  have != want { printf "# want: %s\n# have: %s\n", want, have; bad = 1 }
  END { exit bad }' "$dir/cases"
