#!/usr/bin/env bash
# Has the compiler refuse an import that Package.swift does not allow: the arrows of the module map point only downward.
set -euo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! swift build --explicit-target-dependency-import-check error >"$log" 2>&1; then
  grep -E 'error:' "$log" >&2 || tail -20 "$log" >&2
  exit 1
fi
