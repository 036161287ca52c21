#!/usr/bin/env bash
# Measures the ledger against bare SQLite transactions and against redis streams (redis-server of Debian).
# Usage: benchmarks/broker/run.sh [messages]. Writes to a folder on the disk that TMPDIR names, /var/tmp by default.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
messages=${1:-20000}
swift build -c release --product bench-ledger >/dev/null
folder=$(mktemp -d "${TMPDIR:-/var/tmp}/bench-ledger.XXXXXX")
trap 'rm -rf "$folder"; [ -z "${redis:-}" ] || kill "$redis" 2>/dev/null || true' EXIT
for durability in full normal; do
  for lanes in 1 16 128; do
    count=$messages; [ "$lanes" = 1 ] && count=$((messages / 10))
    mkdir "$folder/$durability-$lanes"
    .build/release/bench-ledger "$folder/$durability-$lanes" "$count" "$lanes" "$durability"
  done
done
command -v redis-server >/dev/null || { echo "redis-server is not installed: no comparison"; exit 0; }
text=$(printf 'x%.0s' $(seq 300))
for fsync in always everysec; do
  redis-server --port 0 --unixsocket "$folder/redis.sock" --dir "$folder" --appendonly yes --appendfsync "$fsync" \
    --save '' --logfile "$folder/redis.log" &
  redis=$!
  until redis-cli -s "$folder/redis.sock" ping >/dev/null 2>&1; do sleep 0.1; done
  redis-cli -s "$folder/redis.sock" xgroup create s g '$' mkstream >/dev/null
  for lanes in 1 16 128; do
    count=$messages; [ "$lanes" = 1 ] && count=$((messages / 10))
    # Three commands a message, as the ledger has three writes: add, read for a group, acknowledge.
    for command in "xadd s * p $text" "xreadgroup group g c count 1 streams s >" "xack s g 0-1"; do
      set -f; redis-benchmark -s "$folder/redis.sock" -n "$count" -c "$lanes" -q $command | tr '\r' '\n' | tail -2; set +f
    done | sed "s/^/redis $fsync, $lanes clients, /"
  done
  redis-cli -s "$folder/redis.sock" shutdown nosave >/dev/null 2>&1 || true
  wait "$redis" || true; redis=
  rm -rf "$folder"/appendonlydir
done
