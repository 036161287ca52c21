#!/usr/bin/env bash
# Checks nexo_plugin.h as authors will meet it: every compiler and standard, a thread tag on every function, every
# service in the guide's table. Part of `make check`.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."
include=Sources/PluginAPI/include
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Uses every macro, so that an expansion that a compiler dislikes is seen.
cat >"$work/use.c" <<'C'
#include <nexo_plugin.h>
#include <nexo_swift_entry.h>
NEXO_PLUGIN_NOTE("check", "0.1.0", NEXO_HTTP_1 "," NEXO_METRICS_1);
int has_end(const nexo_http_1 *http);
int has_end(const nexo_http_1 *http) { return NEXO_HAS(http, end) && nexo_fail(NULL, NEXO_E_OTHER, "no"); }
C
cat >"$work/entry.c" <<'C'
#include <nexo_swift_entry.h>
NEXO_SWIFT_PLUGIN("check", "0.1.0", NEXO_HTTP_1, check_plugin)
C
cp "$work/use.c" "$work/use.cpp"
flags="-Wall -Wextra -Werror -Wpedantic -I$include -c -o $work/out.o"
for compiler in gcc clang; do
  for standard in c11 c17; do
    for source in "$work/use.c" "$work/entry.c" Sources/PluginAPI/abi_lock_1.c; do
      $compiler -std=$standard $flags "$source"
    done
  done
done
for compiler in g++ clang++; do
  for standard in c++17 c++20; do $compiler -std=$standard $flags "$work/use.cpp"; done
done

python3 - "$include/nexo_plugin.h" "$include/nexo_swift_entry.h" docs/plugin-authors.md <<'PY'
import re, sys

faults = []
tag = re.compile(r"\[(control|event|any-thread)\]")
guide = open(sys.argv[3], encoding="utf-8").read()
functions = 0
for path in sys.argv[1:3]:
    text = open(path, encoding="utf-8").read()
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > 120:
            faults.append(f"{path}:{number}: {len(line)} columns, at most 120")
    # A declaration is what stands between two of ; { } once macros and inline functions are out.
    body = re.sub(r"^#.*(?:\\\n.*)*$", "", text, flags=re.M)
    body = re.sub(r"NEXO_UNUSED static inline.*?\n}\n", "", body, flags=re.S)
    for match in re.finditer(r"((?:/\*(?:[^*]|\*(?!/))*\*/|[^;{}/])*)([;{}])([ \t]*/\*(?:[^*]|\*(?!/))*\*/)?", body):
        declaration, behind = match.group(1), match.group(3) or ""
        bare = re.sub(r"/\*.*?\*/", "", declaration, flags=re.S)
        name = re.search(r"\(\*(\w+)\)\(", bare) or re.search(r"\b(nexo_\w+)\(", bare)
        if match.group(2) != ";" or not name or "typedef" in bare:
            continue
        functions += 1
        above = re.findall(r"/\*.*?\*/", declaration, flags=re.S)[-1:]
        if not tag.search("".join(above) + behind):
            line = text[: text.find(name.group(0))].count("\n") + 1
            faults.append(f"{path}:{line}: {name.group(1)} has no thread tag")
    for service in re.findall(r'#define NEXO_\w+_\d+ "(nexo\.[a-z]+/\d+)"', text):
        if f"| `{service}` |" not in guide:
            faults.append(f"docs/plugin-authors.md: the table of services lacks {service}")
print("\n".join(faults) or f"header: {functions} functions tagged")
sys.exit(bool(faults))
PY
