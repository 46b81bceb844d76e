#!/bin/bash
# Measures Stepwise against other programs that do the same work, as ratios within one run, and
# writes bench/RESULTS.md. Called by `make bench`. Every figure is the median of ROUNDS rounds in
# which the compared programs take turns (bench/measure.c). It reports; it does not judge a test.
#
# usage: BUILD=build ROUNDS=7 bench/run.sh [NAME...]     names: run lint import verify steps live list resume batch http secrets
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build} rounds=${ROUNDS:-7}
stepwise=$PWD/$build/stepwise tools=$PWD/$build/bench
work=$PWD/$build/bench/work
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
wanted=${*:-run lint import verify steps live list resume batch http secrets}
table=$work/table

# measure ROUNDS -- COMMAND...: one line each "median least most peakKiB"
measure() { "$tools/measure" "$@"; }
calc() { awk "BEGIN { printf \"$1\", $2 }"; }
meets() { awk "BEGIN { exit !($1) }" && echo yes || echo '**no**'; }
row() { # row WHAT OURS THEIRS FIGURE TARGET CONDITION
  printf '| %s | %s | %s | %s | %s | %s |\n' "$1" "$2" "$3" "$4" "$5" "$(meets "$6")" | tee -a "$table"
}
skip() { printf '| %s | - | - | %s | | - |\n' "$1" "$2" | tee -a "$table"; }
ms() { calc '%.1f ms' "$1 * 1000"; }
mib() { calc '%.1f MiB' "$1 / 1024"; }

bench_run() {
  measure "$((rounds * 3))" -- "$stepwise" run --journal "$work/journal.db" bench/ten_steps.rb -- bash bench/ten_true.sh >"$work/m"
  { read -r ours _ _ peak; read -r theirs _; } <"$work/m"
  row 'run of 10 steps, journal synced; bash, ten `/bin/true`' "$(ms "$ours")" "$(ms "$theirs")" \
    "$(calc '%.2fx' "$ours / $theirs")" 'at most 1.00x' "$ours <= $theirs"
  row 'its peak memory' "$(mib "$peak")" '' '' 'under 16 MiB' "$peak < 16 * 1024"
}

bench_lint() {
  bench/gen_runbook.sh 100000 >"$work/big.rb"
  lines=$(wc -l <"$work/big.rb")
  if command -v ruby >/dev/null; then
    measure "$rounds" -- "$stepwise" lint "$work/big.rb" -- ruby -wc "$work/big.rb" >"$work/m" 2>/dev/null
    { read -r ours _ _ peak; read -r theirs _ _ their_peak; } <"$work/m"
    row "lint of $lines lines; \`ruby -wc\`" "$(ms "$ours")" "$(ms "$theirs")" \
      "$(calc '%.1fx faster' "$theirs / $ours")" 'at least 2x' "$theirs >= 2 * $ours"
    row 'peak memory of the two' "$(mib "$peak")" "$(mib "$their_peak")" \
      "$(calc '%.2fx' "$peak / $their_peak")" 'under 0.50x' "$peak * 2 < $their_peak"
  else
    skip "lint of $lines lines" 'ruby is not installed'
  fi
  local files=() sizes="25000 50000 100000 200000"
  for n in $sizes; do
    bench/gen_runbook.sh "$n" >"$work/$n.rb"
    files+=(-- "$stepwise" lint "$work/$n.rb")
  done
  measure "$rounds" "${files[@]}" >"$work/m"
  # Between the smallest and the largest, each eight times as much: cost per line must stay.
  read -r t p < <(awk '{ t[NR] = $1; m[NR] = $4 } END { printf "%.2f %.2f\n", t[4] / t[1] / 8, (m[4] - m[1]) / (m[2] - m[1]) / 7 }' "$work/m")
  row "time per line, 200,000 lines against 25,000" "$(ms "$(sed -n 4p "$work/m" | cut -d' ' -f1)")" \
    "$(ms "$(sed -n 1p "$work/m" | cut -d' ' -f1)")" "${t}x" 'linear: at most 1.25x' "$t <= 1.25"
  row 'memory per further line, the same' '' '' "${p}x" 'linear: at most 1.25x' "$p <= 1.25"
}

bench_import() {
  "$tools/gen_csv" 1000000 >"$work/people.csv"
  # Both start without a database; the shell's import neither converts nor looks for duplicates.
  measure 5 -- sh -c 'rm -f "$1".*; exec "$2" run --journal "$1.journal" --set "file=$3" --set "database=$1.db" bench/import.rb' \
    sh "$work/ours" "$stepwise" "$work/people.csv" \
    -- sh -c 'rm -f "$1"; exec sqlite3 "$1" ".mode csv" ".import $2 people"' sh "$work/theirs.db" "$work/people.csv" >"$work/m"
  { read -r ours _ _ peak; read -r theirs _; } <"$work/m"
  row 'import of 1,000,000 rows x 12, three converters, duplicates; `sqlite3 .import`' "$(ms "$ours")" "$(ms "$theirs")" \
    "$(calc '%.2fx' "$ours / $theirs")" 'at most 4x' "$ours <= 4 * $theirs"
  row 'its peak memory' "$(mib "$peak")" '' '' 'under 128 MiB' "$peak < 128 * 1024"
  "$tools/gen_csv" 250000 >"$work/quarter.csv"
  measure 3 -- sh -c 'rm -f "$1".*; exec "$2" run --journal "$1.journal" --set "file=$3" --set "database=$1.db" bench/import.rb' \
    sh "$work/ours" "$stepwise" "$work/quarter.csv" >"$work/m"
  read -r _ _ _ quarter <"$work/m"
  row 'peak memory, 1,000,000 rows against 250,000' "$(mib "$peak")" "$(mib "$quarter")" "$(calc '%.2fx' "$peak / $quarter")" \
    'flat: at most 1.25x' "$peak <= 1.25 * $quarter"
}

bench_verify() {
  "$tools/journal_bench" 200000 "$rounds" >"$work/m"
  read -r ours bare ratio < <(sed -n 's/^verify  *\([0-9]*\) rows.s, bare loop \([0-9]*\) rows.s, ratio \([0-9.]*\)$/\1 \2 \3/p' "$work/m")
  row 'journal verify, 200,000 events; a bare loop over the same rows' "$ours rows/s" "$bare rows/s" \
    "${ratio}x" 'at least 0.85x' "$ratio >= 0.85"
  peak=$(sed -n 's/^verify  *peak memory \([0-9]*\) KiB$/\1/p' "$work/m")
  row 'its peak memory' "$(mib "$peak")" '' '' 'under 32 MiB' "$peak < 32 * 1024"
}

bench_steps() {
  TMPDIR=$work "$tools/steps" "$rounds" >"$work/m"
  read -r ours bare ratio < <(sed -n 's/^single  *\([0-9]*\) steps.s, bare rows \([0-9]*\).s, ratio \([0-9.]*\)$/\1 \2 \3/p' "$work/m")
  row 'durable steps of one run, a write action each; SQLite, one row a commit' "$ours steps/s" "$bare rows/s" \
    "${ratio}x" 'at least 0.80x' "$ratio >= 0.80"
  read -r many times group ratio events < <(sed -n 's/^many  *\([0-9]*\) steps.s, \([0-9.]*\) times single; bare rows in groups of 100 \([0-9]*\).s, ratio \([0-9.]*\), events \([0-9]*\).s$/\1 \2 \3 \4 \5/p' "$work/m")
  row '100 live runs of 100 such steps together; one run alone' "$many steps/s" "$ours steps/s" \
    "${times}x" 'at least 3x' "$times >= 3"
  row 'their events; SQLite rows, 100 a commit' "$events events/s" "$group rows/s" \
    "$(calc '%.2fx' "$events / $group")" 'at least 0.33x' "3 * $events >= $group"
}

bench_live() {
  TMPDIR=$work "$tools/live_runs" 1000 >"$work/m"
  for what in timers people; do
    read -r peak each < <(sed -n "s/^$what  1000 runs wait: process \([0-9]*\) KiB, each run \([0-9.]*\) KiB$/\1 \2/p" "$work/m")
    row "1,000 live runs in one process that wait, $what: its memory" "$(mib "$peak")" '' "$each KiB a run" 'under 64 MiB' "$peak < 64 * 1024"
  done
}

bench_list() {
  "$tools/gen_journal" "$work/list.db" 100000 10
  measure "$rounds" -- "$stepwise" runs --journal "$work/list.db" \
    -- "$stepwise" runs --state held --journal "$work/list.db" >"$work/m"
  { read -r all _ _ peak; read -r held _; } <"$work/m"
  row '`runs` in a journal of 100,000 runs' "$(ms "$all")" '' '' 'under 200 ms' "$all < 0.2"
  row '`runs --state held`, the same' "$(ms "$held")" '' '' 'under 200 ms' "$held < 0.2"
  # Ten thousand of its runs wait: another run must not notice.
  measure "$rounds" -- "$stepwise" run --journal "$work/list.db" bench/ten_steps.rb \
    -- "$stepwise" run --journal "$work/empty.db" bench/ten_steps.rb >"$work/m"
  { read -r beside _ _ peak; read -r alone _ _ least; } <"$work/m"
  row 'a run beside 10,000 parked ones; in an empty journal' "$(ms "$beside")" "$(ms "$alone")" \
    "$(calc '%.2fx' "$beside / $alone")" 'at most 1.5x' "$beside <= 1.5 * $alone"
  row 'its peak memory; in an empty journal' "$(mib "$peak")" "$(mib "$least")" \
    "$(calc '%.2fx' "$peak / $least")" 'at most 1.25x' "$peak <= 1.25 * $least"
  rm -f "$work"/list.db* "$work"/empty.db*
}

# A run of 100,000 events that waits for an answer at its end is gone on with, and waits again.
bench_resume() {
  "$stepwise" run --journal "$work/resume.db" --virtual-clock bench/many_events.rb >/dev/null 2>&1 </dev/null || [ $? = 4 ]
  events=$(sqlite3 "$work/resume.db" 'SELECT count(*) FROM event')
  measure "$rounds" -- bash -c "$stepwise resume last --journal $work/resume.db </dev/null >/dev/null 2>&1; [ \$? = 4 ]" >"$work/m"
  read -r ours _ _ peak <"$work/m"
  row "resume of a run with $events events" "$(ms "$ours")" '' '' 'under 1 s' "$ours < 1"
  row 'its peak memory' "$(mib "$peak")" '' '' '' 1
  rm -f "$work"/resume.db*
}

bench_batch() {
  command -v curl >/dev/null || { skip '9,000 items over HTTP' 'curl is not installed'; return; }
  mkdir "$work/batch"
  STEPWISE=$stepwise TOOLS=$tools bench/batch.sh "$work/batch" 9000 20 >"$work/m"
  { read -r ours; read -r theirs; read -r kills sent people most known; } <"$work/m"
  row 'a batch of 9,000 items over HTTP, 32 at a time, journaled; `curl --parallel`' \
    "$(calc '%.0f items/s' "9000 / $ours")" "$(calc '%.0f items/s' "9000 / $theirs")" \
    "$(calc '%.2fx' "$theirs / $ours")" 'at least 0.50x' "$ours <= 2 * $theirs"
  row "the same, killed $kills times at random and resumed: deliveries; recipients" "$sent" "$people" \
    "at most $most each; $known asked for again" 'everybody once' "$kills == 20 && $sent == 9000 && $people == 9000 && $most == 1"
  rm -rf "$work/batch"
}

# All three do 4,000 posts a round; how many arrived is looked at before anything is told.
bench_http() {
  local count=4000 at_least=$((rounds < 5 ? 5 : rounds))
  command -v curl >/dev/null || { skip 'HTTP actions a second' 'curl is not installed'; return; }
  mkdir "$work/http"
  STEPWISE=$stepwise TOOLS=$tools bench/http.sh "$work/http" "$count" "$at_least" >"$work/m"
  { read -r steps _; read -r batch _; read -r theirs _; read -r sent all; read -r wrk || wrk=; } <"$work/m"
  [ "$sent" = "$all" ] || { echo "run.sh: $sent posts arrived, not $all" >&2; return 1; }
  for what in "$steps HTTP actions, a step each, 64 in flight, journaled" "$batch the same posts, a batch"; do
    ours=${what%% *}
    row "${what#* }; \`curl --parallel\`" "$(calc '%.0f posts/s' "$count / $ours")" "$(calc '%.0f posts/s' "$count / $theirs")" \
      "$(calc '%.2fx' "$theirs / $ours")" 'at least 0.50x' "$ours <= 2 * $theirs"
  done
  [ -z "$wrk" ] || row 'what `wrk` reaches at that server' '' "$(calc '%.0f posts/s' "$wrk")" '' '' 1
  rm -rf "$work/http"
}

machine() {
  echo "- $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) cores, $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"
  echo "- $(uname -sr); $(. /etc/os-release && echo "$PRETTY_NAME"); $(findmnt -no FSTYPE -T "$work" 2>/dev/null || echo disk)"
  echo "- $("$stepwise" version); gcc $(gcc -dumpfullversion); bash ${BASH_VERSION%(*}; SQLite $(sqlite3 --version | cut -d' ' -f1); $(ruby -v 2>/dev/null | cut -d' ' -f1,2 || echo 'no ruby')"
}

# Ten outputs of 1 MB each, recorded and searched for 20 secrets; the same inputs when none is one.
bench_secrets() {
  awk 'BEGIN { srand(1); for (i = 0; i < 16000; i++) printf "2026-01-02T10:%02d:%02dZ host-%d app[%d]: request %08x took %d ms\n", i / 600 % 60, i % 60, i % 7, i, rand() * 4294967295, rand() * 900 }' |
    head -c 1000000 >"$work/output"
  bench/gen_secrets.sh string "$work/output" >"$work/none.rb"
  bench/gen_secrets.sh secret "$work/output" >"$work/twenty.rb"
  bench/gen_secrets.sh inputs >"$work/secrets.json"
  local one='rm -f "$2.db"*; exec "$0" run "$2.rb" --inputs "$1" --journal "$2.db" </dev/null'
  measure "$rounds" -- sh -c "$one" "$stepwise" "$work/secrets.json" "$work/twenty" \
    -- sh -c "$one" "$stepwise" "$work/secrets.json" "$work/none" >"$work/m"
  { read -r ours _ _ _; read -r theirs _; } <"$work/m"
  row 'a run of ten outputs of 1 MB that knows 20 secrets; that knows none' "$(ms "$ours")" "$(ms "$theirs")" \
    "$(calc '%.2fx' "$ours / $theirs")" 'at most 1.25x' "$ours <= 1.25 * $theirs"
  rm -f "$work"/none.db* "$work"/twenty.db*
}

for name in $wanted; do "bench_$name"; done
[ $# -gt 0 ] || {
  echo '# Measured'
  echo
  echo "\`make bench\` writes this page: medians of interleaved rounds in one run, so only the ratios mean anything."
  echo
  machine
  echo
  echo '| what; against what | Stepwise | the other | figure | target | met |'
  echo '|---|---|---|---|---|---|'
  cat "$table"
} >"$work/RESULTS.md"
[ $# -gt 0 ] || cp "$work/RESULTS.md" bench/RESULTS.md
