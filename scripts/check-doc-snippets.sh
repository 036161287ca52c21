#!/usr/bin/env bash
# Builds what docs/plugin-authors.md shows, from the page's own text: the plugin in C with its test, the one in Swift
# against the same test, and the note in Rust. Part of `make check`.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
page=docs/plugin-authors.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# snippet LANGUAGE WORD: the first fenced block of that language with the word in it.
snippet() {
  awk -v fence="\`\`\`$1" -v word="$2" '
    $0 == fence { inside = 1; text = ""; next }
    inside && $0 == "```" { if (index(text, word)) { printf "%s", text; exit } inside = 0; next }
    inside { text = text $0 "\n" }' "$page"
}

for language in c swift; do mkdir "$work/$language"; done
for folder in "$work/c" "$work/swift"; do
  snippet toml 'id = "hello"' >"$folder/plugin.toml"
  snippet c nexo_test_load >"$folder/test.c"
done
snippet c NEXO_PLUGIN_NOTE >"$work/c/hello.c"
printf 'ID = hello\nSOURCES = hello.c\ninclude $(NEXO_SDK)/plugin.mk\n' >"$work/c/Makefile"
snippet swift 'struct Hello' >"$work/swift/Hello.swift"
snippet c NEXO_SWIFT_PLUGIN >"$work/swift/entry.c"
snippet make 'ID = hello' >"$work/swift/Makefile"
for language in c swift; do
  make -s -C "$work/$language" test NEXO_SDK="$root/sdk" CFLAGS="-O2 -Wall -Wextra -Werror"
  echo "snippets: $language builds and passes its test"
done

# The page's own compiler line, with -I and the rest as it stands there.
(cd "$work/c" && snippet_line=$(cd "$root" && snippet sh 'cc -std=gnu11' | sed -n '1,2p') && NEXO_SDK="$root/sdk" sh -ec "$snippet_line")
[ "$(nm -D --defined-only "$work/c/libhello.so" | awk '{ print $3 }')" = nexo_plugin_entry_1 ]
echo "snippets: the compiler line makes a library with one symbol"

# The thread that blocks its signals, put into the plugin as an author would.
(snippet c 'static int start_thread'; cat "$work/c/hello.c"; echo 'int used(pthread_t *t) { return start_thread(t, 0, 0); }') >"$work/c/thread.c"
cc -std=gnu11 -O2 -Wall -Wextra -Werror -fsyntax-only -Isdk/include "$work/c/thread.c"
echo "snippets: the thread with its signals blocked compiles"

(snippet rust link_section; snippet rust 'fn start_thread') >"$work/note.rs"
(cd "$work" && rustc --edition 2021 --crate-type cdylib -o libnote.so note.rs)
readelf -n "$work/libnote.so" | grep -q NEXO
echo "snippets: the Rust note is a note, the Rust thread compiles"
