#!/usr/bin/env bash
# The README on a clean machine: a Debian 12 root made with debootstrap, with what the README names and no more, a clone of this
# repository, and the README's own commands in order, timed; then again with the network off. With --deb also the package:
# made there, looked at by lintian, installed, run. Needs root, debootstrap and a Swift toolchain on PATH, about 8 GB and
# half an hour. Usage: check-install.sh [--deb] [--keep FOLDER]. Not part of `make test`.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."
deb=0
root=
while [ $# -gt 0 ]; do
  case $1 in
  --deb) deb=1 ;;
  --keep) root=$2 && shift ;;
  *) echo "check-install: unknown word '$1'" >&2 && exit 2 ;;
  esac
  shift
done
[ "$(id -u)" = 0 ] || { echo "check-install: needs root, for debootstrap and chroot" >&2; exit 69; }
toolchain=$(swiftc -print-target-info | sed -nE '/runtimeLibraryPaths/{n;s/^ *"([^"]*)\/usr\/lib\/swift\/linux".*/\1/p}')
keep=$root
[ -n "$root" ] || root=$(mktemp -d /var/tmp/nexo-root-XXXXXX)
host=
finish() {
  [ -z "$host" ] || kill "$host" 2>/dev/null || true
  for place in sys dev proc opt/swift; do umount -l "$root/$place" 2>/dev/null || true; done
  [ -n "$keep" ] || rm -rf "$root"
}
trap finish EXIT
say() { echo "check-install: $*"; }
timed() {
  local began=$SECONDS
  local what=$1
  shift
  "$@" || { say "FAILED: $what"; exit 1; }
  say "$what: $((SECONDS - began)) s"
}
inside() { chroot "$root" env -i HOME=/root LANG=C.UTF-8 "PATH=/opt/swift/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin" bash -c "cd /root/nexo 2>/dev/null || cd /; $1"; }

# The machine.
make_root() {
  [ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase bookworm "$root" >"$root.log" 2>&1
  mkdir -p "$root/opt/swift" "$root/proc" "$root/dev" "$root/sys"
  cp /etc/resolv.conf "$root/etc/"
  if [ -d /etc/apt/sources.list.d ]; then rm -f "$root/etc/apt/sources.list" && cp -a /etc/apt/sources.list.d "$root/etc/apt/"; fi
  mount --bind "$toolchain" "$root/opt/swift"
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
  mount --bind /sys "$root/sys"
}
named=$(sed -nE '/^on Debian 12 with/{s/ and a Swift.*//;s/[^`]*`([^`]*)`/\1 /g;p;q}' README.md)
install_named() { inside "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $named ca-certificates >/dev/null"; }
timed "a clean Debian root" make_root
timed "what the README names ($named)" install_named
[ -d "$root/root/nexo" ] || git clone -q . "$root/root/nexo"

# The README's five commands, from its text.
mapfile -t commands < <(awk '/^## From nothing/ { on = 1 } on && /^```console/ { inside = 1; next } inside && /^```/ { exit } inside { sub(/^\$ /, ""); print }' README.md)
[ "${#commands[@]}" = 5 ] || { say "the README has ${#commands[@]} commands, not 5"; exit 1; }

start() {
  rm -f "$root/root/out" "$root/root/err"
  "$@" chroot "$root" env -i HOME=/root LANG=C.UTF-8 "PATH=/opt/swift/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    bash -c "cd /root/nexo && exec ${commands[0]}" >"$root/root/out" 2>"$root/root/err" &
  host=$!
  while ! grep -q '^ready ' "$root/root/out"; do
    kill -0 "$host" 2>/dev/null || { tail -20 "$root/root/err"; return 1; }
    sleep 1
  done
  grep -q '^ready agents=1 extensions_ok=3 extensions_disabled=0 extensions_invalid=0$' "$root/root/out"
}
stop() {
  local agent
  agent=$(pgrep -P "$host" || echo "$host")
  kill -INT $agent
  wait "$host" 2>/dev/null
  host=
}
check() {
  inside "${commands[1]}" | tee "$root/root/chat.json" | grep -q hello
  inside "${commands[2]}" | grep -q '^messages_processed_total{agent="echo"} [1-9]'
  inside "${commands[3]}" | tail -1 | grep -qi world
}
timed "${commands[0]}" start
timed "an agent answers, a metric moved, a plugin dropped in" check
timed "${commands[4]}" inside "${commands[4]}"
stop
inside "rm -rf extensions/weather /tmp/weather"

# Without a network: the same again, in a namespace that has loopback only.
offline() {
  unshare -n bash -c 'ip link set lo up 2>/dev/null || ifconfig lo up; exec "$@"' - "$@"
}
timed "make run, offline" start unshare -n --
stop
timed "make demo-pairing, offline" offline chroot "$root" env -i HOME=/root "PATH=/opt/swift/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
  bash -c "cd /root/nexo && ${commands[4]}"

if [ $deb = 1 ]; then
  timed "make deb" inside "make deb"
  timed "lintian" inside "apt-get install -y -qq --no-install-recommends lintian >/dev/null && lintian --fail-on error,warning --allow-root dist-deb/*.deb"
  timed "the package in a root without a toolchain" scripts/check-deb.sh "$root"/root/nexo/dist-deb/*.deb
fi
say "all well"
