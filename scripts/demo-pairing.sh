#!/usr/bin/env bash
# Host and simulated phone side by side: open the two addresses it prints and press Scan on the phone. With --check it
# scans by itself and exits 0 once the device is online. The host must be built (make build), or given with --host.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
python="$(scripts/whatsapp-sim.sh --prepare)"
PYTHONDONTWRITEBYTECODE=1 exec "$python" Tests/Support/whatsapp-sim/demo_pairing.py "$@"
