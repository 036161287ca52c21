#!/usr/bin/env bash
# The release build: binaries in .build/release, each shipped plugin's library beside its manifest in extensions/.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh build

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "building (release); the first time takes some minutes" >&2
if ! swift build -c release >"$log" 2>&1; then
  grep -E 'error:|warning:' "$log" >&2 || tail -40 "$log" >&2
  exit 1
fi
revision=$(git describe --always --dirty 2>/dev/null || echo unknown)
printf '%s\n' "$revision" >.build/release/nexo-revision
scripts/lay-plugins.sh .build/release extensions
