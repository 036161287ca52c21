#!/usr/bin/env bash
# A relocatable dist/: bin (agent, nexo, nexo-probe), lib (the Swift runtime), extensions, share/nexo/sdk for authors.
# Runs on a Debian 12 without a Swift toolchain that has the C libraries that docs/operations.md names. NEXO_DIST names another
# folder, NEXO_BUILD another build (a debug one, for trying the packaging itself).
set -euo pipefail
cd "$(dirname "$0")/.."
command -v chrpath >/dev/null || scripts/setup.sh dist
dist=${NEXO_DIST:-dist}
rm -rf "$dist"
mkdir -p "$dist/bin" "$dist/lib" "$dist/extensions" "$dist/share/nexo/sdk"
built=${NEXO_BUILD:-.build/release}
install -m 0755 "$built/agent" "$built/nexo-probe" "$dist/bin/"
ln -s agent "$dist/bin/nexo"
printf '%s\n' "$(git describe --always --dirty 2>/dev/null || echo unknown)" >"$dist/bin/nexo-revision"
for manifest in extensions/*/plugin.toml; do
  install -D -m 0644 "$manifest" "$dist/$manifest"
  reasons="$(dirname "$manifest")/reasons.json"
  [ ! -f "$reasons" ] || install -m 0644 "$reasons" "$dist/$reasons"
done
scripts/lay-plugins.sh "$built" "$dist/extensions"
# The source tree's SDK is made of links; here it is files.
cp -rL sdk/. "$dist/share/nexo/sdk/"
runtime=$(swiftc -print-target-info | sed -nE '/runtimeLibraryPaths/{n;s/^ *"([^"]*)".*/\1/p}')
needed() { { readelf -d "$@" 2>/dev/null || true; } | sed -nE 's/.*NEEDED.*\[(.*)\]/\1/p' | sort -u; }
pending=$(needed "$dist"/bin/* "$dist"/extensions/*/*.so)
while :; do
  copied=0
  for library in $pending; do
    if [ -f "$runtime/$library" ] && [ ! -f "$dist/lib/$library" ]; then
      install -m 0755 "$runtime/$library" "$dist/lib/"
      copied=1
    fi
  done
  [ $copied = 1 ] || break
  pending=$(needed "$dist"/lib/*.so)
done
ls "$dist/lib/libswiftCore.so" >/dev/null
# The build's own path to the toolchain makes room for ours, in place: it is longer.
for file in "$dist/bin/agent" "$dist/bin/nexo-probe"; do chrpath -r '$ORIGIN/../lib' "$file" >/dev/null; done
for file in "$dist"/extensions/*/*.so; do chrpath -r '$ORIGIN/../../lib' "$file" >/dev/null; done
for file in "$dist"/lib/*.so; do chrpath -l "$file" >/dev/null 2>&1 && chrpath -r '$ORIGIN' "$file" >/dev/null; done
strip --strip-unneeded "$dist"/lib/*.so "$dist"/extensions/*/*.so "$dist/bin/agent" "$dist/bin/nexo-probe"
du -sh "$dist" | cut -f1 | sed 's/^/dist: /'
