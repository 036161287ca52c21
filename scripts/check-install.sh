#!/usr/bin/env bash
# The README on a clean machine: a Debian 12 root made with debootstrap, with what the README names and no more, a clone of this
# repository, and there the README's commands in order, timed: `make run` with the other four of its five, `make test`; then
# all of it again with the network off. With --deb also the package: made there, looked at by lintian, installed, run.
# Needs root, debootstrap and a Swift toolchain on PATH, about 12 GB and an hour. Not part of `make test`.
# Usage: check-install.sh [--deb] [--no-tests] [--keep FOLDER]; a kept folder is gone on with.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "check-install: needs root, for debootstrap and chroot" >&2; exit 69; }
# In a mount namespace of its own: whatever becomes of this script, no mount of it stays behind.
[ -n "${CHECK_INSTALL_ALONE:-}" ] || CHECK_INSTALL_ALONE=1 exec unshare -m "$0" "$@"

deb=0
tests=1
root=
while [ $# -gt 0 ]; do
  case $1 in
  --deb) deb=1 ;;
  --no-tests) tests=0 ;;
  --keep) root=$2 && shift ;;
  *) echo "check-install: unknown word '$1'" >&2 && exit 2 ;;
  esac
  shift
done
toolchain=$(swiftc -print-target-info | sed -nE '/runtimeLibraryPaths/{n;s/^ *"([^"]*)\/usr\/lib\/swift\/linux".*/\1/p}')
keep=$root
[ -n "$root" ] || root=$(mktemp -d /var/tmp/nexo-root-XXXXXX)
mkdir -p "$root"
host=
finish() {
  [ -z "$host" ] || kill "$host" 2>/dev/null || true
  for place in sys dev proc opt/swift; do umount -R -l "$root/$place" 2>/dev/null || true; done
  [ -z "$keep" ] && ! mountpoint -q "$root/opt/swift" && rm -rf --one-file-system "$root"
}
trap finish EXIT
say() { echo "check-install: $(date -u +%H:%M:%S) $*"; }
timed() {
  local began=$SECONDS
  local what=$1
  shift
  "$@" || { say "FAILED after $((SECONDS - began)) s: $what"; exit 1; }
  say "$what: $((SECONDS - began)) s"
}
# Nothing of this machine's environment, but the certificates it trusts: a company's proxy may stand before PyPI.
clean=(env -i HOME=/root LANG=C.UTF-8 PIP_CERT=/etc/trusted.crt SSL_CERT_FILE=/etc/trusted.crt
  PATH=/opt/swift/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
inside() { chroot "$root" "${clean[@]}" bash -c "cd /root/nexo 2>/dev/null || cd /; $1"; }

# The machine.
make_root() {
  [ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase bookworm "$root" >"$root.log" 2>&1
  mkdir -p "$root/opt/swift" "$root/proc" "$root/dev" "$root/sys"
  cp /etc/resolv.conf "$root/etc/"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/trusted.crt"
  printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >"$root/etc/hosts"
  if [ -e /etc/apt/sources.list.d/debian.sources ]; then
    rm -f "$root/etc/apt/sources.list" && cp -a /etc/apt/sources.list.d/debian.sources "$root/etc/apt/sources.list.d/"
  fi
  mount --bind "$toolchain" "$root/opt/swift"
  mount -o remount,bind,ro "$root/opt/swift"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
}
named=$(sed -nE '/^on Debian 12 with/{s/ and a Swift.*//;s/[^`]*`([^`]*)`/\1 /g;p;q}' README.md)
install_named() { inside "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $named >/dev/null 2>&1"; }
timed "a clean Debian root" make_root
timed "what the README names ($named)" install_named
[ -d "$root/root/nexo" ] || git clone -q . "$root/root/nexo"
say "revision $(git -C "$root/root/nexo" describe --always --dirty), $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg)"

# The README's five commands, from its text.
mapfile -t commands < <(awk '/^## From nothing/ { on = 1 } on && /^```console/ { inside = 1; next } inside && /^```/ { exit } inside { sub(/^\$ /, ""); print }' README.md)
[ "${#commands[@]}" = 5 ] || { say "the README has ${#commands[@]} commands, not 5"; exit 1; }

# start [WRAPPER...]: the first command, up to its `ready` line.
start() {
  rm -f "$root/root/out" "$root/root/err"
  : >"$root/root/out"
  "$@" chroot "$root" "${clean[@]}" bash -c "cd /root/nexo && exec ${commands[0]}" >"$root/root/out" 2>"$root/root/err" &
  host=$!
  while ! grep -q '^ready ' "$root/root/out"; do
    kill -0 "$host" 2>/dev/null || { tail -20 "$root/root/err"; return 1; }
    sleep 1
  done
  grep -qx 'ready agents=1 extensions_ok=3 extensions_disabled=0 extensions_invalid=0' "$root/root/out"
}
# Ctrl-C: the host drains, and `make` says nothing of an error.
stop() {
  kill -INT "$(pgrep -P "$host" || echo "$host")"
  wait "$host"
  host=
}
# The second to the fourth command, in the network namespace of the host that the first one started.
use() {
  local join=(nsenter -t "$host" -n chroot "$root" "${clean[@]}" bash -c)
  "${join[@]}" "cd /root/nexo && ${commands[1]}" | tee "$root/root/chat.json" | grep -q hello
  "${join[@]}" "cd /root/nexo && ${commands[2]}" | tee "$root/root/scraped" | grep -q '^messages_processed_total{agent="echo"} [1-9]'
  "${join[@]}" "cd /root/nexo && ${commands[3]}" | tee "$root/root/dropped" | tail -1 | grep -qi world
  inside "rm -rf extensions/weather /tmp/weather /tmp/jar"
}
offline() { unshare -n bash -c 'ip link set lo up; exec "$@"' - "$@"; }
offline_inside() { offline chroot "$root" "${clean[@]}" bash -c "cd /root/nexo && $1"; }
tests() { "$1" "make test" >"$root.$1.log" 2>&1 || { tail -40 "$root.$1.log"; return 1; }; }

timed "${commands[0]}" start
timed "an agent answers, a metric moved, a plugin dropped in" use
timed "Ctrl-C" stop
timed "${commands[4]}" inside "${commands[4]}"
[ $tests = 0 ] || timed "make test" tests inside

# Without a network: the same again, in namespaces that have a loopback interface and nothing else.
timed "${commands[0]}, offline" start unshare -n bash -c 'ip link set lo up; exec "$@"' -
timed "an agent answers, a metric moved, a plugin dropped in, offline" use
timed "Ctrl-C, offline" stop
timed "${commands[4]}, offline" offline_inside "${commands[4]}"
[ $tests = 0 ] || timed "make test, offline" tests offline_inside

if [ $deb = 1 ]; then
  timed "make deb" inside "make deb"
  timed "lintian" inside "apt-get install -y -qq --no-install-recommends lintian >/dev/null 2>&1 && lintian --fail-on error,warning --allow-root dist-deb/*.deb"
  timed "the package in a root without a toolchain" scripts/check-deb.sh "$root"/root/nexo/dist-deb/*.deb
fi
say "all well"
