#!/usr/bin/env bash
# A Debian package from dist/ (make dist): nexo_VERSION_ARCH.deb in dist-deb/. Needs debhelper; compiles nothing. NEXO_DIST and
# NEXO_DEB name other folders.
# The work is done in a copy, because debhelper wants a folder `debian` at the top.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."
dist=${NEXO_DIST:-dist}
target=${NEXO_DEB:-dist-deb}
[ -x "$dist/bin/agent" ] || { echo "make-deb: there is no dist/; run 'make dist' first" >&2; exit 69; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/nexo
mkdir -p "$tree/examples"
cp -a "$dist" "$tree/dist"
cp -a docs deploy README.md "$tree/"
cp -a examples/config "$tree/examples/"
cp -a deploy/debian "$tree/debian"
(cd "$tree" && dpkg-buildpackage -b -us -uc -rfakeroot >"$work/log" 2>&1) || { tail -40 "$work/log" >&2; exit 1; }
mkdir -p "$target"
rm -f "$target"/*.deb
cp "$work"/nexo_*.deb "$target/"
ls "$target"/*.deb
