#!/bin/bash
# Proves the package list: does what a newcomer does, on a Debian that has git and make and nothing
# else. By hand, as root, with debootstrap installed; uses this machine's own Debian mirror.
#
# usage: tools/clean-room.sh [DIR]
# DIR (kept, so that a second run is quick) holds the bare system; without it a temporary one is used.
# What is committed is cloned. Ends 0 when the clone's `make demo` and `make check` both end 0.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
suite=bookworm

fail() { echo "clean room: $1" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "needs root, for chroot"
command -v debootstrap >/dev/null || fail "needs debootstrap: apt-get install debootstrap"
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
  awk -v suite="$suite" '$2 == suite { print $1; exit }')
[ -n "$mirror" ] || fail "this machine's apt has no source for $suite; add one to /etc/apt"

if [ $# -gt 0 ]; then
  dir=$1
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
else
  dir=$(mktemp -d)
fi
room=$dir/room
clean() {
  rm -rf --one-file-system "$room"
  [ $# -eq 0 ] || rm -rf --one-file-system "$dir"
}
if [ $# -gt 0 ]; then trap clean EXIT; else trap 'clean all' EXIT; fi

if [ ! -e "$dir/base/.made" ]; then
  rm -rf --one-file-system "$dir/base"
  echo "clean room: $suite, minimal, with git and make"
  debootstrap --variant=minbase --include=git,make "$suite" "$dir/base" "$mirror" >"$dir/debootstrap.log" 2>&1 ||
    { tail -20 "$dir/debootstrap.log" >&2; fail "debootstrap failed"; }
  touch "$dir/base/.made"
fi
clean
cp -a "$dir/base" "$room"
cp /etc/resolv.conf "$room/etc/resolv.conf"
git -C "$top" bundle create -q "$room/root/stepwise.bundle" HEAD

# In a mount namespace of its own, so that nothing stays mounted whatever happens.
inside() {
  unshare --mount --pid --fork sh -c '
    mount -t proc proc "$1/proc" && mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts" &&
      ln -sf pts/ptmx "$1/dev/ptmx" && exec chroot "$1" /usr/bin/env -i HOME=/root TERM=dumb \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /bin/sh -c "$2"' sh "$room" "$1"
}
step() {
  echo "clean room: $1"
  local began=$SECONDS
  inside "$2" </dev/null || fail "failed: $1"
  echo "clean room: $1: $((SECONDS - began)) s"
}

step 'git clone' 'cd /root && git -c advice.detachedHead=false clone -q stepwise.bundle stepwise'
step 'without root and sudo: the apt line' '
  cp -r /root/stepwise /var/lib/stepwise && chown -R nobody /var/lib/stepwise && cd /var/lib/stepwise &&
  ! runuser -u nobody -- make demo >/root/refused 2>&1 && grep "apt-get install" /root/refused'
step 'make demo' 'cd /root/stepwise && make demo'
step 'make check' 'cd /root/stepwise && make check && git status --porcelain | { ! grep . ; }'
step 'make install' 'cd /root/stepwise && make -s install && cd / && stepwise version && stepwise help >/dev/null'
echo "clean room: passed"
