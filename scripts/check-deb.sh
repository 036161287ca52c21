#!/usr/bin/env bash
# Installs the Debian package with apt in a clean Debian 12 root without a toolchain, runs the host there, and takes it out
# again. Usage: check-deb.sh FILE.deb [ROOT]; without ROOT one is made with debootstrap and removed. Needs root.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "check-deb: needs root, for debootstrap and chroot" >&2; exit 69; }
package=$1
root=${2:-}
made=
if [ -z "$root" ]; then
  root=$(mktemp -d /var/tmp/nexo-deb-XXXXXX)
  made=$root
fi
finish() {
  [ -z "${host:-}" ] || kill "$host" 2>/dev/null || true
  umount -l "$root/proc" 2>/dev/null || true
  [ -z "$made" ] || rm -rf "$made"
}
trap finish EXIT
[ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase bookworm "$root" >"$root.log" 2>&1
cp /etc/resolv.conf "$root/etc/"
if [ -d /etc/apt/sources.list.d ]; then rm -f "$root/etc/apt/sources.list" && cp -a /etc/apt/sources.list.d "$root/etc/apt/"; fi
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
inside() { chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
must() { "$@" || { echo "check-deb: FAILED: $*"; exit 1; }; }

cp "$package" "$root/root/nexo.deb"
inside apt-get update -qq
must inside apt-get install -y -qq --no-install-recommends /root/nexo.deb curl >"$root/root/install.log" 2>&1
must inside agent version
must inside nexo version
must inside test -d /usr/local/lib/nexo/extensions
must inside sh -c 'zcat /usr/share/man/man1/agent.1.gz | grep -q "^.SH COMMANDS"'
must inside bash -c '. /usr/share/bash-completion/completions/agent && complete -p nexo >/dev/null'

# As the unit starts it, on other ports.
chroot "$root" env -i HOME=/root PATH=/usr/bin:/bin /usr/bin/agent run --config /etc/nexo --state-dir /var/lib/nexo-check --metrics-listen 127.0.0.1:0 \
  --http-listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 >"$root/root/out" 2>"$root/root/err" &
host=$!
for _ in $(seq 120); do grep -q '^ready ' "$root/root/out" && break; sleep 0.5; done
must grep -qx 'ready agents=1 extensions_ok=3 extensions_disabled=0 extensions_invalid=0' "$root/root/out"
metrics=$(sed -nE 's/^listening role=metrics address=//p' "$root/root/out")
must inside sh -c "curl -fsS http://$metrics/metrics | grep -q '^nexo_ready 1'"
kill "$host"
must wait "$host"
host=
must inside apt-get purge -y -qq nexo >"$root/root/purge.log" 2>&1
must inside sh -c '! test -e /usr/bin/agent && ! test -e /etc/nexo && ! test -e /usr/lib/nexo'
echo "check-deb: installed, ran, drained and purged"
