#!/usr/bin/env bash
# The Python packages that tests use, pinned in Tests/Support/requirements.txt, in .build/venv. Quick when it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=Tests/Support/requirements.txt
stamp=.build/venv/.installed
mkdir -p .build
exec 9>.build/venv.lock
flock 9
if [ ! -f "$stamp" ] || ! cmp -s "$wanted" "$stamp"; then
  python3 -m venv .build/venv
  .build/venv/bin/pip install --quiet --disable-pip-version-check -r "$wanted"
  cp "$wanted" "$stamp"
fi
