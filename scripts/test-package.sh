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
  "${own[@]}" true 2>/dev/null && TEST_PACKAGE_ALONE=1 exec "${own[@]}" "$0" "$@"
fi
cannot() { echo "test-package: NOT INSTALLED, only judged: this machine allows no $1; scripts/check-deb.sh installs it in a clean root"; exit 0; }
work=$(mktemp -d)
trap 'umount -R -l "$work/root/proc" "$work/root" "$work/layer" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
export NEXO_BUILD=${NEXO_BUILD:-.build/debug} NEXO_DIST=$work/dist NEXO_DEB=$work/deb
scripts/dist.sh >/dev/null
scripts/make-deb.sh >/dev/null
lintian --allow-root --fail-on error,warning "$work"/deb/*.deb
echo "test-package: lintian has no finding"

[ -n "${TEST_PACKAGE_ALONE:-}" ] || cannot "namespace of mounts"
mkdir "$work/layer" "$work/root"
mount -t tmpfs tmpfs "$work/layer" || cannot "mount of tmpfs"
mkdir "$work/layer/upper" "$work/layer/work"
options=lowerdir=/,upperdir=$work/layer/upper,workdir=$work/layer/work
mount -t overlay overlay -o "$options" "$work/root" 2>/dev/null || mount -t overlay overlay -o "$options,userxattr" "$work/root" ||
  cannot "overlay"
mount --rbind /proc "$work/root/proc"
cp "$work"/deb/nexo_*.deb "$work/root/root/nexo.deb"
chroot "$work/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive dpkg --no-triggers -i /root/nexo.deb >"$work/install.log" 2>&1 ||
  { cat "$work/install.log"; exit 1; }
scripts/deb-life.sh "$work/root"
