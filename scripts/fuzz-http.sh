#!/usr/bin/env bash
# Fuzzes the HTTP request parser with libFuzzer and the address sanitizer: scripts/fuzz-http.sh [SECONDS]
# Starts from the corpus in Tests/Fixtures/http; what is found is kept in .build/fuzz-http/.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
work=.build/fuzz-http
mkdir -p "$work/corpus"
python3 - "$work/corpus" <<'PYTHON'
import importlib.util, pathlib, sys, types
sys.modules["h11"] = types.ModuleType("h11")
spec = importlib.util.spec_from_file_location("corpus", "Tests/Support/http/compare_h11.py")
corpus = importlib.util.module_from_spec(spec)
spec.loader.exec_module(corpus)
number = 0
for path in sorted(corpus.FOLDER.glob("*.tsv")):
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            raw = line.split("\t")[3]
            data = b"" if raw == "-" else corpus.unescape(raw)
            if len(data) < 2048:
                pathlib.Path(sys.argv[1], f"seed{number}").write_bytes(bytes([number % 256]) + data)
            number += 1
PYTHON
swiftc -O -g -sanitize=fuzzer,address -use-ld=lld -parse-as-library -package-name nexo \
  -enable-upcoming-feature ExistentialAny \
  Tests/Fuzz/HTTPParserFuzz.swift Sources/Host/HTTP/HTTPLimits.swift Sources/Host/HTTP/Parser/*.swift \
  -o "$work/fuzz-http"
SWIFT_BACKTRACE=enable=no "$work/fuzz-http" -max_total_time="$seconds" -max_len=2048 -print_final_stats=1 \
  -artifact_prefix="$work/" "$work/corpus"
