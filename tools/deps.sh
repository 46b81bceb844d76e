#!/bin/sh
# Installs the Debian packages that a target needs and that are missing, naming them first.
# usage: tools/deps.sh GROUP...   (groups of tools/packages.txt: build, test, demo, bench, optional, services)
# Ends 0 when all are there. Not root and no sudo: says the exact line to run, ends 1.
# STEPWISE_NO_INSTALL=1 only reports. Without dpkg it trusts you and says so. Nothing that is installed
# is removed for it, and no daemon is started that a package brings along.
set -eu
here=$(dirname "$0")
[ $# -gt 0 ] || { echo "usage: tools/deps.sh GROUP..." >&2; exit 2; }

# A second word is a command: where it is there already, the package is not needed.
wanted() {
  for group; do sed -n "s/^$group  *//p" "$here/packages.txt"; done | while read -r package command; do
    [ -n "$command" ] && command -v "$command" >/dev/null 2>&1 || echo "$package"
  done
}

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "stepwise: no dpkg here; make sure these are installed:" $(wanted "$@") >&2
  exit 0
fi

# Several targets may ask at once; the second finds what the first installed.
if command -v flock >/dev/null 2>&1; then
  exec 9<"$here/packages.txt"
  flock 9
fi

missing=
for package in $(wanted "$@"); do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

line="apt-get install -y --no-remove --no-install-recommends$missing"
echo "stepwise: missing Debian packages:$missing" >&2
if [ "${STEPWISE_NO_INSTALL:-}" = 1 ]; then
  echo "stepwise: install them with: $line" >&2
  exit 1
elif [ "$(id -u)" = 0 ]; then
  run=
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  run=sudo
else
  echo "stepwise: not root and no usable sudo. As root, run:" >&2
  echo "  apt-get update && $line" >&2
  exit 1
fi

# Debian asks this file whether a package may start its daemon; 101 is no.
policy=/usr/sbin/policy-rc.d
if [ -e $policy ]; then policy=
else $run sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
fi

log=$(mktemp)
trap 'rm -f "$log"; [ -z "$policy" ] || $run rm -f "$policy"' EXIT
try() {
  # shellcheck disable=SC2086
  $run env DEBIAN_FRONTEND=noninteractive $line >"$log" 2>&1
}
echo "stepwise: $run $line" >&2
if ! try; then
  $run apt-get update >/dev/null 2>&1 || true
  try || { cat "$log" >&2; echo "stepwise: could not install; as root, run: apt-get update && $line" >&2; exit 1; }
fi
