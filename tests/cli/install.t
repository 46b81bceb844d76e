#!/bin/sh
# `make install PREFIX= DESTDIR=`: what is installed runs from there, without the source tree.
set -u
echo 1..6
n=0
ok() { # ok STATUS NAME
  n=$((n + 1))
  if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
make --no-print-directory -s install MODE="${MODE:-release}" STEPWISE_NO_INSTALL=1 PREFIX=/opt/sw DESTDIR="$dir/root" >"$dir/log" 2>&1
ok $? 'make install' || true
[ -s "$dir/log" ] && sed 's/^/# /' "$dir/log"
installed=$dir/root/opt/sw/bin/stepwise
(cd "$dir" && "$installed" version >"$dir/version")
ok $? 'the installed program starts'
[ "$(cat "$dir/version")" = "stepwise $(cat VERSION)" ]
ok $? 'and says the version of this tree'
cmp -s "$installed" "$STEPWISE"
ok $? 'it is the program that was built'
(cd "$dir" && "$installed" help lint >/dev/null) || "$installed" help version >/dev/null
ok $? 'its help works'
make --no-print-directory -s uninstall PREFIX=/opt/sw DESTDIR="$dir/root" >>"$dir/log" 2>&1
left=$(find "$dir/root" -type f | head -3)
[ -z "$left" ]
ok $? 'make uninstall leaves no file'
[ -z "$left" ] || echo "# $left"
