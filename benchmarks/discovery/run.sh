#!/usr/bin/env bash
# A sweep of 1,000 extensions against a C program that reads and hashes the same files. Goal: at most 2 times, unchanged.
# Usage: benchmarks/discovery/run.sh [COUNT]
set -eu
cd "$(dirname "$0")/../.."
count=${1:-1000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
swift build -c release --product bench-sweep 2>&1 | tail -1
gcc -O2 -Wno-deprecated-declarations -o "$work/readhash" benchmarks/discovery/readhash.c -lcrypto
mkdir -p "$work/tree"
cat >"$work/ext.c" <<C
#include "nexo_plugin.h"
NEXO_PLUGIN_NOTE("ext1", "0.1.0", "");
NEXO_EXPORT const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host) { (void)host; return 0; }
C
gcc -shared -fPIC -O2 -fvisibility=hidden -I Sources/PluginAPI/include -o "$work/template.so" "$work/ext.c"
for n in $(seq 1 "$count"); do
  folder=$work/tree/ext$n
  mkdir -m 755 "$folder"
  cat >"$folder/plugin.toml" <<TOML
[plugin]
id = "ext$n"
version = "0.1.0"
description = "One of many"
[capabilities]
routes = ["/ext$n/*"]
tools = ["get_ext$n"]
[transport]
kind = "library"
library = "libext.so"
TOML
  # One compilation serves all: every other note names another id than its manifest, which costs the same to judge.
  cp "$work/template.so" "$folder/libext.so"
done
chmod 755 "$work/tree"
sleep 0.3 # past the clock step in which files are not remembered
c=$("$work/readhash" "$work/tree")
ours=$(.build/release/bench-sweep "$work/tree")
echo "C reads and hashes: $c"
echo "sweep:              $ours"
python3 - "$c" "$ours" <<'PY'
import sys
base = float(sys.argv[1].split()[3])
words = sys.argv[2].split()
first, unchanged = float(words[3]), float(words[5])
print(f"ratio first sweep {first / base:.2f}, unchanged {unchanged / base:.2f} (goal: at most 2)")
base, first, unchanged = float(sys.argv[1].split()[7]), float(words[7]), float(words[9])
print(f"ratio by CPU, all threads: first sweep {first / base:.2f}, unchanged {unchanged / base:.2f}")
PY
