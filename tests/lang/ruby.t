#!/bin/sh
# What Stepwise accepts is Ruby, and is read as Ruby reads it: some thousand made texts, and every
# example, shipped runbook and module, have the same tree in both.
set -eu
if ! command -v ruby >/dev/null 2>&1 || ! ruby -e 'exit RUBY_VERSION.start_with?("3.1")'; then
  echo "1..0 # SKIP no ruby 3.1 to compare 4000 texts with"
  exit 0
fi
here=$(cd "$(dirname "$0")" && pwd)
BUILD=${BUILD:-build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export LC_ALL=C.UTF-8
ruby "$here/shape.rb" make 4000 >"$dir/made"
find examples runbooks stdlib tests/lang/ast -name '*.rb' | sort | while read -r file; do
  cat "$file"
  printf '\n%%%%\n'
done >"$dir/files"
for texts in made files; do
  "$BUILD/tests/lang_shape.t" "$dir/$texts" >"$dir/$texts.shapes"
done
{
  ruby "$here/shape.rb" compare 5 "$dir/made" "$dir/made.shapes"
  ruby "$here/shape.rb" compare 2 "$dir/files" "$dir/files.shapes"
} | awk '/^1\.\./ { next } /^(not )?ok/ { sub(/ok [0-9]+/, "ok " ++n); if (/^not/) bad = 1 } { print } END { print "1.." n; exit bad }'
