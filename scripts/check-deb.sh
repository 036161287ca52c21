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
  umount -l "$root/proc" 2>/dev/null || true
  [ -z "$made" ] || rm -rf --one-file-system "$made" "$made.log"
}
trap finish EXIT
[ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase bookworm "$root" >"$root.log" 2>&1
cp /etc/resolv.conf "$root/etc/"
if [ -d /etc/apt/sources.list.d ]; then rm -f "$root/etc/apt/sources.list" && cp -a /etc/apt/sources.list.d "$root/etc/apt/"; fi
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
inside() { chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }

cp "$package" "$root/root/nexo.deb"
inside apt-get update -qq
inside apt-get install -y -qq --no-install-recommends /root/nexo.deb curl >"$root/root/install.log" 2>&1 || { cat "$root/root/install.log"; exit 1; }
scripts/deb-life.sh "$root"
