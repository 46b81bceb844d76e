#!/bin/sh
# Imports the sample spreadsheet into a new SQLite database, then shows the run, the rows and the
# journal's verification. On a terminal the runbook asks; without one it answers from the file that
# is shipped with the sample.
# usage: tools/demo.sh STEPWISE DIRECTORY (made anew)
set -eu
stepwise=$1 dir=$2
sample=examples/data/sign-ups.csv
runbook=runbooks/imports/spreadsheet-import.rb
rm -rf "$dir"
mkdir -p "$dir"
export STEPWISE_JOURNAL="$dir/journal.db"

say() { printf '\n==> %s\n\n' "$1"; }

set -- --set "file=$sample" --set "database=$dir/people.db" --set create=true
if [ -t 0 ] && [ -t 1 ]; then
  echo "Stepwise will ask before anything reaches the database. Answer as you like."
else
  set -- "$@" --answers examples/data/sign-ups.answers.json
fi
say "stepwise run $runbook $*"
code=0
"$stepwise" run "$runbook" "$@" || code=$?
say 'stepwise show last'
"$stepwise" show last
if [ -f "$dir/people.db" ] && [ $code = 0 ]; then
  say "sqlite3 $dir/people.db"
  sqlite3 -header -column "$dir/people.db" \
    "SELECT first_name, last_name, email, phone, birth_date, city, state FROM people ORDER BY rowid LIMIT 8;
     SELECT count(*) AS rows_in_people FROM people;"
fi
say 'stepwise journal verify'
"$stepwise" journal verify
printf '\nlook again: %s show last --journal %s\n' "$stepwise" "$STEPWISE_JOURNAL"
[ $code = 0 ] || echo "the run ended with code $code; \`make demo\` begins again with an empty database"
exit $code
