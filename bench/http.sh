#!/bin/bash
# COUNT posts to one server (bench/key_server.c), 64 in flight, by turns: a journaled step for each, a journaled
# batch, and curl. One line each: median, least and most seconds. Then a line of what the server counted:
# deliveries, and how many there should be. Last, where wrk is installed, requests a second that it makes.
#
# usage: STEPWISE=build/stepwise TOOLS=build/bench bench/http.sh DIRECTORY COUNT ROUNDS
set -eu
dir=$1 count=$2 rounds=$3
cp bench/http_steps.rb bench/http_batch.rb bench/http_binding.rb "$dir"
mkfifo "$dir/in"
sleep 3600 >"$dir/in" &
holder=$!
"$TOOLS/key_server" <"$dir/in" >"$dir/port" &
server=$!
trap 'kill $holder $server 2>/dev/null || true' EXIT
until [ -s "$dir/port" ]; do sleep 0.05; done
url="http://127.0.0.1:$(cat "$dir/port")"

# Ours begin with an empty journal. curl's answers go nowhere, and all its posts are the same one.
ours='rm -f "$1".db*; exec "$2" run "$1.rb" --journal "$1.db" --set "count=$3" --set "url=$4" </dev/null'
"$TOOLS/measure" "$rounds" \
  -- sh -c "$ours" sh "$dir/http_steps" "$STEPWISE" "$count" "$url/send" \
  -- sh -c "$ours" sh "$dir/http_batch" "$STEPWISE" "$count" "$url/send" \
  -- curl --parallel --parallel-max 64 --silent --no-progress-meter --output /dev/null \
  --json '{"to":"1"}' "$url/send?[1-$count]"
echo "$(curl --silent "$url/" | cut -d' ' -f1) $(((rounds + 1) * 3 * count))" # a round warms up

command -v wrk >/dev/null || exit 0
for _ in $(seq "$rounds"); do
  wrk --connections 64 --threads 1 --duration 1s --script bench/http_wrk.lua "$url/send" | sed -n 's/^Requests.sec: *//p'
done | sort -n | sed -n "$(((rounds + 1) / 2))p"
