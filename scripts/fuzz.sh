#!/usr/bin/env bash
# Every fuzzer, FUZZ_SECONDS each (default 60).
set -euo pipefail
cd "$(dirname "$0")/.."
export FUZZ_SECONDS=${FUZZ_SECONDS:-60}
for fuzz in scripts/fuzz-*.sh; do
  echo "== $fuzz"
  "$fuzz"
done
