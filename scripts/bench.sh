#!/usr/bin/env bash
# Every benchmark: each folder in benchmarks/ has a run.sh that prints its figures with ratios.
set -euo pipefail
cd "$(dirname "$0")/.."
for run in benchmarks/*/run.sh; do
  echo "== $run"
  "$run"
done
