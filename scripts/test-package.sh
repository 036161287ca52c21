#!/usr/bin/env bash
# The Debian package, made of the debug build: lintian has nothing to say, dpkg installs it, what it holds works, and a purge
# leaves nothing. It is installed over this machine's own files, in an overlay that nobody else sees; a clean Debian is
# check-deb.sh's. Run by scripts/test.sh.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test
if [ -z "${TEST_PACKAGE_ALONE:-}" ]; then
  # A mount namespace of its own, and without root a user namespace in which it is root.
  own=(unshare -m)
  [ "$(id -u)" = 0 ] || own=(unshare -rm)
  TEST_PACKAGE_ALONE=1 exec "${own[@]}" "$0" "$@"
fi
work=$(mktemp -d)
trap 'umount -R -l "$work/root/proc" "$work/root" "$work/layer" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
export NEXO_BUILD=${NEXO_BUILD:-.build/debug} NEXO_DIST=$work/dist NEXO_DEB=$work/deb
scripts/dist.sh >/dev/null
scripts/make-deb.sh >/dev/null
lintian --allow-root --fail-on error,warning "$work"/deb/*.deb
echo "test-package: lintian has no finding"

mkdir "$work/layer" "$work/root"
mount -t tmpfs tmpfs "$work/layer"
mkdir "$work/layer/upper" "$work/layer/work"
options=lowerdir=/,upperdir=$work/layer/upper,workdir=$work/layer/work
mount -t overlay overlay -o "$options" "$work/root" 2>/dev/null || mount -t overlay overlay -o "$options,userxattr" "$work/root"
mount --rbind /proc "$work/root/proc"
cp "$work"/deb/nexo_*.deb "$work/root/root/nexo.deb"
chroot "$work/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive dpkg --no-triggers -i /root/nexo.deb >"$work/install.log" 2>&1 ||
  { cat "$work/install.log"; exit 1; }
scripts/deb-life.sh "$work/root"
