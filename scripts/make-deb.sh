#!/usr/bin/env bash
# A Debian package from dist/ (make dist): nexo_VERSION_ARCH.deb in dist-deb/. Needs debhelper; compiles nothing.
# The work is done in a copy, because debhelper wants a folder `debian` at the top.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x dist/bin/agent ] || { echo "make-deb: there is no dist/; run 'make dist' first" >&2; exit 69; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/nexo
mkdir -p "$tree/examples"
cp -a dist docs deploy README.md "$tree/"
cp -a examples/config "$tree/examples/"
cp -a deploy/debian "$tree/debian"
(cd "$tree" && dpkg-buildpackage -b -us -uc -rfakeroot >"$work/log" 2>&1) || { tail -40 "$work/log" >&2; exit 1; }
mkdir -p dist-deb
rm -f dist-deb/*.deb
cp "$work"/nexo_*.deb dist-deb/
ls dist-deb/*.deb
