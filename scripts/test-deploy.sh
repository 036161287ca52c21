#!/usr/bin/env bash
# The operator's pack in deploy/ judged by the real tools, and its queries by a running host's own catalogue and scrape.
# Needs the debug build; run by scripts/test.sh.
#
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
cd "$(dirname "$0")/.."
scripts/python-env.sh || exit $?
export VENV=$PWD/.build/venv AGENT=$PWD/.build/debug/agent PYTHONDONTWRITEBYTECODE=1
work=$(mktemp -d)
trap 'kill "$host" 2>/dev/null; wait "$host" 2>/dev/null; rm -rf "$work"' EXIT

mkdir -p "$work/config" "$work/extensions"
"$AGENT" run --config "$work/config" --state-dir "$work/state" --extensions "$work/extensions" --metrics-listen 127.0.0.1:0 \
  --http-listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 >"$work/out" 2>"$work/err" &
host=$!
for _ in $(seq 600); do grep -q '^ready ' "$work/out" && break; sleep 0.1; done
address=$(sed -nE 's/^listening role=metrics address=//p' "$work/out")
[ -n "$address" ] || { echo "test-deploy: the host did not start:"; cat "$work/err"; exit 1; }
"$AGENT" help metrics --json >"$work/catalogue.json"
curl -fsS "http://$address/metrics" >"$work/scrape.txt" || exit 1
kill "$host"

export CATALOGUE=$work/catalogue.json SCRAPE=$work/scrape.txt
cd Tests/Support/deploy && "$VENV/bin/python" -m unittest test_queries test_dashboard test_pack test_commands test_service test_distribution "$@"
