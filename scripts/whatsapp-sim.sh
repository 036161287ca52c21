#!/usr/bin/env bash
# Runs the WhatsApp simulator: whatsapp-sim.sh --state DIR [options]. Makes its venv under .build/ on first use (needs
# PyPI once; offline afterwards). With --prepare it only makes the venv and prints the path of its python.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root="$(cd "$(dirname "$0")/.." && pwd)"
folder="$root/Tests/Support/whatsapp-sim"
venv="${WHATSAPP_SIM_VENV:-$root/.build/venv-whatsapp-sim}"
stamp="$venv/.requirements"
mkdir -p "$(dirname "$venv")"
exec 9>"$venv.lock"
flock 9
if ! cmp -s "$folder/requirements.txt" "$stamp"; then
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$folder/requirements.txt" >&2
  cp "$folder/requirements.txt" "$stamp"
fi
exec 9>&-
[ "${1:-}" = --prepare ] && { echo "$venv/bin/python"; exit 0; }
export PYTHONPATH="$folder" PYTHONDONTWRITEBYTECODE=1
exec "$venv/bin/python" -m whatsapp_sim "$@"
