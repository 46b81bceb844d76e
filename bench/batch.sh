#!/bin/bash
# A batch against a provider that honours keys (bench/key_server.c), as three lines: seconds of the batch
# alone, seconds of curl with as many at a time, and of the batch that is killed at random and resumed: its
# kills, deliveries, recipients, the most that one of them got, and requests that the provider knew already.
#
# usage: STEPWISE=build/stepwise TOOLS=build/bench bench/batch.sh DIRECTORY COUNT KILLS
set -eu
dir=$1 count=$2 kills=$3
cp bench/batch.rb bench/batch_binding.rb "$dir"
mkfifo "$dir/in"
sleep 3600 >"$dir/in" &
holder=$!
trap 'kill $holder $server 2>/dev/null || true' EXIT

# Each part has a server of its own.
serve() {
  "$TOOLS/key_server" <"$dir/in" >"$dir/port" &
  server=$!
  until [ -s "$dir/port" ]; do sleep 0.05; done
  url="http://127.0.0.1:$(cat "$dir/port")"
}
unserve() { kill "$server"; wait "$server" 2>/dev/null || true; : >"$dir/port"; }
now() { date +%s.%N; }
begin() { exec "$STEPWISE" run "$dir/batch.rb" --journal "$dir/$1.db" --set count="$count" --set url="$url/send" >/dev/null </dev/null; }

serve
from=$(now)
(begin alone)
took=$(awk "BEGIN { print $(now) - $from }")
echo "$took"
unserve

serve
for i in $(seq "$count"); do
  printf 'url="%s/send"\nheader="Idempotency-Key: %d"\ndata="{\\"to\\":\\"%d\\"}"\noutput="/dev/null"\nnext\n' "$url" "$i" "$i"
done | sed '$d' >"$dir/config"
from=$(now)
curl --parallel --parallel-max 32 --silent --no-progress-meter -K "$dir/config"
awk "BEGIN { print $(now) - $from }"
unserve

serve
killed=0
while [ "$killed" -lt "$kills" ]; do
  if [ "$killed" = 0 ]; then
    begin killed &
  else
    "$STEPWISE" resume last --journal "$dir/killed.db" >/dev/null </dev/null &
  fi
  victim=$!
  sleep "$(awk "BEGIN { srand($killed + $$); print 0.05 + rand() * $took / $kills * 1.6 }")"
  kill -9 "$victim" 2>/dev/null || break
  wait "$victim" 2>/dev/null || true
  killed=$((killed + 1))
done
"$STEPWISE" resume last --journal "$dir/killed.db" >/dev/null </dev/null || true
echo "$killed $(curl --silent "$url/")"
unserve
