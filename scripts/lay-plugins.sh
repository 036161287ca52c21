#!/usr/bin/env bash
# Copies the libraries that the manifests in a folder name from a build folder to beside the manifest:
# lay-plugins.sh BUILD EXTENSIONS. Written to a temporary name and renamed, so that a running host sees it whole.
set -euo pipefail
build=$1
extensions=$2
for manifest in "$extensions"/*/plugin.toml; do
  library=$(sed -nE 's/^library *= *"([^"]+)".*/\1/p' "$manifest")
  [ -n "$library" ] && [ -f "$build/$library" ] || continue
  target=$(dirname "$manifest")/$library
  cmp -s "$build/$library" "$target" && continue
  install -m 0755 "$build/$library" "$target.tmp-$$"
  mv -f "$target.tmp-$$" "$target"
done
