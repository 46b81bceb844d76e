#!/bin/sh
# What `make demo` runs, without a terminal: the sample into a database, the run, the rows, the check.
set -u
command -v sqlite3 >/dev/null || { echo '1..0 # SKIP sqlite3 is not installed'; exit 0; }
echo 1..5
n=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ok() { # ok STATUS NAME
  n=$((n + 1))
  if [ "$1" = 0 ]; then echo "ok $n - $2"; else
    echo "not ok $n - $2"
    tail -40 "$dir/log" | sed 's/^/# /' >&2
  fi
}
tools/demo.sh "$STEPWISE" "$dir/demo" >"$dir/log" 2>&1 </dev/null
ok $? 'the demo ends well'
grep -q '^succeeded after' "$dir/log"
ok $? 'the run succeeded'
[ "$(sqlite3 "$dir/demo/people.db" 'SELECT count(*) FROM people')" = 18 ]
ok $? '18 people are in the database'
STEPWISE_JOURNAL=$dir/demo/journal.db "$STEPWISE" journal verify >>"$dir/log" 2>&1
ok $? 'its journal verifies'
tools/demo.sh "$STEPWISE" "$dir/demo" >"$dir/log" 2>&1 </dev/null &&
  [ "$(sqlite3 "$dir/demo/people.db" 'SELECT count(*) FROM people')" = 18 ]
ok $? 'a second time begins anew'
