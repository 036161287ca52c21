#!/usr/bin/env bash
# Messages a second through channel -> ledger -> agent (echo) -> ledger -> channel, with the time from offer to reply, durable
# (state folder on the disk) and not (on tmpfs); against the same number of synced SQLite transactions with the same number of
# rows, and against Redis streams doing the same steps (appendfsync everysec and always).
# Needs gcc, redis-server (Debian) and `make build`. BENCH_MESSAGES (default 20000), NEXO_BIN (default .build/release).
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 benchmarks/agents/measure.py
