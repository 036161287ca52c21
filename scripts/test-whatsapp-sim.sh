#!/usr/bin/env bash
# Tests of the WhatsApp simulator: against the vectors and with a companion of its own. With --neonize also with neonize
# (whatsmeow), in a second venv and with a patched copy of its library. Further arguments go to pytest.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root="$(cd "$(dirname "$0")/.." && pwd)"
folder="$root/Tests/Support/whatsapp-sim"
python="$("$root/scripts/whatsapp-sim.sh" --prepare)"
export PYTHONDONTWRITEBYTECODE=1
ignore=(--ignore "$folder/tests/interop")
if [ "${1:-}" = --neonize ]; then
  shift
  ignore=()
  venv="$root/.build/venv-neonize"
  if ! cmp -s "$folder/requirements-neonize.txt" "$venv/.requirements"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$folder/requirements-neonize.txt"
    cp "$folder/requirements-neonize.txt" "$venv/.requirements"
  fi
  export WHATSAPP_SIM_NEONIZE="$venv/bin/python"
fi
exec "$python" -m pytest -q -p no:cacheprovider "${ignore[@]}" "$folder/tests" "$@"
