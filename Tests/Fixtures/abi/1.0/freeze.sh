#!/bin/sh
# Made the libraries beside this file: the examples as they were when ABI 1.0 was released, with the header, the kit and
# the toolchain of that day, stripped. Run once, at the release, and never again: what later hosts must go on running is
# the binary, not what a later compiler makes of its source. `sources/` is that day's text, for whoever has to debug one.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$here/sources"
for language in c swift; do
  id=weather-$language
  [ ! -e "$here/$id" ] || { echo "$here/$id: frozen already" >&2; exit 1; }
  cp -r "$root/examples/$id" "$work/"
  make -s -C "$work/$id" clean all NEXO_SDK="$root/sdk"
  mkdir -p "$here/$id" "$here/sources/$id"
  strip -o "$here/$id/lib$id.so" "$work/$id/lib$id.so"
  cp "$work/$id/plugin.toml" "$here/$id/"
  cp "$work/$id/"*.c "$work/$id/"*.swift "$work/$id/Makefile" "$here/sources/$id/" 2>/dev/null || true
done
cp "$root/Sources/PluginAPI/include/nexo_plugin.h" "$here/sources/"
