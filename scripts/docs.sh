#!/usr/bin/env bash
# The reference of the Swift modules as static pages in .build/docs, by the toolchain's DocC.
set -euo pipefail
cd "$(dirname "$0")/.."
graphs=.build/symbol-graphs
rm -rf "$graphs" .build/docs
mkdir -p "$graphs"
swift package dump-symbol-graph --minimum-access-level package >/dev/null
find .build -path '*symbolgraph/*.symbols.json' ! -name '*Tests*' -exec cp {} "$graphs" \;
docc convert --transform-for-static-hosting --additional-symbol-graph-dir "$graphs" --fallback-display-name nexo \
  --fallback-bundle-identifier nexo --output-path .build/docs
echo ".build/docs"
