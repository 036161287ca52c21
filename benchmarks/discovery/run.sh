#!/usr/bin/env bash
# A sweep of 1,000 extensions against a C program that reads and hashes the same files. Goal: at most 2 times.
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
NEXO_PLUGIN_NOTE("ext0000", "0.1.0", "");
NEXO_EXPORT const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host) { (void)host; return 0; }
C
gcc -shared -fPIC -O2 -fvisibility=hidden -I Sources/PluginAPI/include -o "$work/template.so" "$work/ext.c"
for n in $(seq -f %04g 1 "$count"); do
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
  # One compilation serves all: in each copy the note gets the id of its manifest.
  sed "s/ext0000/ext$n/g" "$work/template.so" >"$folder/libext.so"
  chmod 755 "$folder/libext.so"
done
chmod 755 "$work/tree"
sleep 0.3 # past the clock step in which files are not remembered
python3 - "$work" .build/release/bench-sweep <<'PY'
import statistics, subprocess, sys

work, sweep = sys.argv[1:]
tree = f"{work}/tree"

def run(*command):
    """The numbers behind the names in a line of `name number` pairs."""
    words = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {name: value for name, value in zip(words[::2], words[1::2])}

# Each in a process of its own, in turn, as a host that starts does it: nothing is warm but the files.
pairs = [(run(f"{work}/readhash", tree, "1"), run(sweep, tree, "1")) for _ in range(15)]
def median(side, name):
    return statistics.median(float(pair[side][name]) for pair in pairs)
assert all(int(pair[1]["loadable"]) * 2 == int(pair[0]["files"]) for pair in pairs), pairs[0]
base, first = median(0, "ms"), median(1, "first_ms")
print(f"each in a new process: C reads and hashes {base:.1f} ms, first sweep {first:.1f} ms: ratio {first / base:.2f} (goal: at most 2), "
      f"by CPU of all threads {median(1, 'first_cpu_ms') / median(0, 'cpu_ms'):.2f}")
base, ours = run(f"{work}/readhash", tree), run(sweep, tree)
print(f"again and again in one process: C {float(base['ms']):.1f} ms, first sweep {float(ours['first_ms']):.1f} ms, unchanged "
      f"{float(ours['unchanged_ms']):.1f} ms: ratios {float(ours['first_ms']) / float(base['ms']):.2f} and "
      f"{float(ours['unchanged_ms']) / float(base['ms']):.2f}, unchanged by CPU "
      f"{float(ours['unchanged_cpu_ms']) / float(base['cpu_ms']):.2f}")
PY
