#!/usr/bin/env bash
# The gate before the tests: format, imports, sizes and words, the header, the documents. Runs all, then says what failed.
set -uo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test || exit $?
failed=()
step() {
  local name=$1
  shift
  echo "== $name"
  "$@" || failed+=("$name")
}
sources() { for folder in Package.swift Sources Plugins Tests examples benchmarks; do [ -e "$folder" ] && echo "$folder"; done; }

step "format" swift format lint --strict -r -p $(sources)
step "sources" python3 scripts/check_sources.py
step "imports" scripts/check-imports.sh
for check in scripts/check-header.sh scripts/check-doc-links.sh scripts/check-doc-snippets.sh; do
  [ -x "$check" ] && step "$(basename "$check" .sh)" "$check"
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "check: failed: ${failed[*]}" >&2
  exit 1
fi
echo "check: all passed"
