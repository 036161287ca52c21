#!/usr/bin/env bash
# Has every link of the documents lead somewhere, and the tour's module map be Package.swift's. `--update` writes the map.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 scripts/check_docs.py "$@"
