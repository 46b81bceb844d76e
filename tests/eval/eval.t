#!/bin/sh
# stepwise eval: where text comes from, how values and errors are shown, exit codes.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
n=0
ok() { # ok NAME: the last command's status
  if [ $? -eq 0 ]; then n=$((n + 1)); echo "ok $n - $1"; else
    n=$((n + 1)); echo "not ok $n - $1"; sed 's/^/# out: /' out; sed 's/^/# err: /' err; fi
}
run() { # run CODE ARGUMENTS...: runs eval, keeps out and err, compares the exit code
  want=$1; shift
  "$STEPWISE" eval "$@" >out 2>err </dev/null
  [ $? -eq "$want" ]
}
shows() { [ "$(cat out)" = "$1" ] && [ ! -s err ]; }
says() { printf '%s\n' "$1" | cmp -s - err && [ ! -s out ]; }

run 0 '1 + 1' && shows 2; ok 'prints what inspect shows'
run 0 -- '-5.abs' && shows 5; ok 'an expression may begin with a minus after --'
run 0 '-5.abs' && shows 5; ok 'or without it'
run 0 --json '{ a: [1, nil, 2.5, "x\n"], "b" => :c }' && shows '{"a":[1,null,2.5,"x\n"],"b":"c"}'; ok '--json'
run 0 --json '[90.seconds, time("2026-11-02T09:00:00.5Z"), 1..2, /a/i, 0.0 / 0]' &&
  shows '["1 minute 30 seconds","2026-11-02T09:00:00.5Z","1..2","/a/i",null]'; ok '--json of what JSON lacks'
printf 'x = [1, 2]\nx.sum\n' | "$STEPWISE" eval - >out 2>err && shows 3; ok '- reads standard input'
printf 'nil\n2 +\n3\n' >f; "$STEPWISE" eval --lines f >out 2>err; [ $? -eq 3 ] && [ "$(wc -l <out)" = 3 ] && [ "$(sed -n 3p out)" = 3 ]; ok '--lines goes on after an error'
printf '1 + 1\n"a" * 2\n' >f; run 0 --lines f && shows '2
"aa"'; ok '--lines'

run 3 'n = [0, "a"].first; 1 + 10 / n' && says "expression:1:25: error: divided by 0
 1 | n = [0, \"a\"].first; 1 + 10 / n
   |                         ^~~~~~"; ok 'an error shows its place'
printf 'x = [1, 2, 3].map do |i|\n  10 / (i - 2)\nend\n' | "$STEPWISE" eval - >out 2>err
[ $? -eq 3 ] && says 'standard input:2:3: error: divided by 0
 2 |   10 / (i - 2)
   |   ^~~~~~~~~~~~'; ok 'the innermost place'
run 3 '{ alpha: 1 }.fetch(:alpah)' && grep -q 'help: did you mean "alpha"?' err; ok 'help follows'
run 3 '[1].frist' && grep -q 'RB202' err && grep -q 'did you mean `first`' err; ok 'what the checker sees is told before anything runs'
run 3 '1 +' && [ -s err ] && [ ! -s out ]; ok 'an unfinished expression'
run 3 'confirm "sure?"' && [ -s err ]; ok 'no statements'
run 2 && grep -q usage err; ok 'nothing to evaluate'
run 2 1 2 && grep -q 'one expression' err; ok 'two expressions'
run 2 --frob 1 && grep -q -e --frob err; ok 'an unknown option'
run 3 --lines missing && grep -q missing err; ok 'a missing file'
run 3 "$(printf '"\377"')" && [ -s err ]; ok 'invalid UTF-8'

# Long and deep: an answer or an error, never a crash.
awk 'BEGIN { printf "1"; for (i = 0; i < 200; i++) printf " + 1"; print "" }' >f
"$STEPWISE" eval - <f >out 2>err && shows 201; ok 'a sum of 200 terms'
awk 'BEGIN { printf "1"; for (i = 0; i < 20000; i++) printf " + 1"; print "" }' >f
"$STEPWISE" eval - <f >out 2>err; [ $? -eq 3 ] && grep -q 'nested more than 256' err; ok 'a sum of 20,000 terms is refused'
awk 'BEGIN { printf "1"; for (i = 0; i < 5000; i++) printf ".abs"; print "" }' >f
"$STEPWISE" eval - <f >out 2>err; [ $? -eq 3 ] && grep -q 'error' err; ok 'a chain of 5,000 calls is refused'
awk 'BEGIN { for (i = 0; i < 200; i++) printf "["; for (i = 0; i < 200; i++) printf "]"; print "" }' >f
"$STEPWISE" eval - <f >out 2>err && [ "$(wc -c <out)" = 401 ]; ok 'arrays 200 deep'
awk 'BEGIN { for (i = 0; i < 60; i++) printf "[1].map { |a%d| ", i; printf "1"; for (i = 0; i < 60; i++) printf " }"; print "" }' >f
"$STEPWISE" eval - <f >out 2>err; grep -q '1' out && ! [ -s err ]; ok 'blocks 60 deep'
echo "1..$n"
