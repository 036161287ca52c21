#!/usr/bin/env bash
# The whole host, release build: a plugin's route against the host's own, the scrape against nginx serving the same bytes,
# time to /health and /ready, memory and CPU when idle with 0, 5 and 50 plugins; then drop-ins, and replacements of a library under load
# (BENCH_REPLACEMENTS, default 100; 1,000 is the figure of the goal). Not part of it: cycles.py, 10,000 loads of known bytes.
# Needs wrk and nginx (Debian: wrk, nginx-light) and `make build`. BENCH_SECONDS per measurement (default 4).
set -euo pipefail
cd "$(dirname "$0")/../.."
python3 benchmarks/host/measure.py
python3 benchmarks/host/dropin.py
exec python3 benchmarks/host/replace.py "${BENCH_REPLACEMENTS:-100}"
