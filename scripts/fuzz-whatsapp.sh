#!/usr/bin/env bash
# Fuzzes the readers of the WhatsApp wire with libFuzzer and AddressSanitizer (docs: Tests/Fuzz/whatsapp/FuzzTargets.swift).
# Usage: scripts/fuzz-whatsapp.sh [seconds per target, default FUZZ_SECONDS or 120] [target ...]
# A target runs until the time is over or RUNS inputs (default 1000000) were tried. Crashing inputs stay in .build/fuzz-whatsapp.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-${FUZZ_SECONDS:-120}}"
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(node protobuf frames handshake qr record page machine)
out=.build/fuzz-whatsapp
mkdir -p "$out"

swiftc -O -g -sanitize=fuzzer,address -use-ld=lld -parse-as-library -swift-version 6 -package-name nexo \
  -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault \
  -I Sources/System/CCrypto -I Sources/System/CSodium -I Sources/System/CZlib -I Sources/PluginAPI/include \
  Sources/PluginKit/{JSON,JSONParser,PluginError}.swift \
  Tests/Fuzz/whatsapp/FuzzTargets.swift $(find Plugins/WhatsApp/Protocol -name '*.swift') -o "$out/fuzz"

# The vectors are the seeds: every frame, payload and text that a real peer made.
python3 - "$out/seeds" <<'PY'
import json, os, sys
root, vectors = sys.argv[1], "Tests/Fixtures/WhatsApp/vectors"
def load(name): return json.load(open(f"{vectors}/{name}"))
def put(target, number, data):
    os.makedirs(f"{root}/{target}", exist_ok=True)
    open(f"{root}/{target}/{number}", "wb").write(data)
for n, item in enumerate(load("binary_nodes.json")): put("node", n, bytes.fromhex(item["hex"]))
full, payload, adv = load("noise_full_deterministic.json"), load("client_payload.json"), load("adv_pairing.json")
for n, text in enumerate([payload["registration"], payload["login"], full["cert_chain"]]): put("protobuf", n, bytes.fromhex(text))
put("frames", 0, b"\x02" + bytes.fromhex("".join(full["server_frames_0_1"])))
put("handshake", 0, bytes.fromhex(full["wire_server_hello"])[3:])
put("handshake", 1, bytes.fromhex(load("cert_chain_real.json")["chain"]))
put("handshake", 2, bytes.fromhex(adv["cases"][0]["pair_success_device_identity"]))
put("page", 0, json.dumps({"phone": "+57 300 111 2222", "x": [1, -2.5e3, True, None, "\u00e9\\"]}).encode())
qr = load("qr.json")
for n, key in enumerate(["with_url", "without_url", "legacy_four_fields"]): put("qr", n, qr[key].encode())
PY

for target in "${targets[@]}"; do
  mkdir -p "$out/corpus/$target" "$out/seeds/$target"
  echo "== $target"
  WHATSAPP_FUZZ="$target" SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 nice "$out/fuzz" \
    "$out/corpus/$target" "$out/seeds/$target" -max_total_time="$seconds" -runs="${RUNS:-1000000}" -max_len=4096 \
    -timeout=60 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$out/crash-$target-" 2>&1 |
    grep -E "^==|ERROR|SUMMARY|Fatal|number_of_executed_units|peak_rss_mb|Test unit written" || exit 1
done
