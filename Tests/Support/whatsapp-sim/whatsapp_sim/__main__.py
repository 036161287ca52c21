"""Command line: starts a simulator, prints one JSON line with its addresses, runs until SIGTERM or SIGINT.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from .settings import Settings
from .simulator import Simulator


async def run(options: argparse.Namespace) -> int:
    scenario = json.loads(options.scenario.read_text()) if options.scenario else {}
    settings = Settings()
    settings.update(scenario.get("settings", {}))
    simulator = Simulator(options.state, settings)
    simulator.scenario.load(scenario.get("rules", []))
    simulator.clock.set_speed(options.speed)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    addresses = await simulator.start(options.port, options.plain_port, options.control_port, options.proxy_port)
    print(json.dumps({"event": "listening", **addresses}), flush=True)
    await stop.wait()
    await simulator.stop()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m whatsapp_sim", description="WhatsApp's server and phone, on loopback.")
    parser.add_argument("--state", type=Path, required=True, help="folder for keys, accounts and the journal")
    parser.add_argument("--scenario", type=Path, help='JSON file {"settings": {...}, "rules": [...]}')
    parser.add_argument("--port", type=int, default=0, help="TLS listener (wss); 0 is the kernel's choice")
    parser.add_argument("--plain-port", type=int, default=0, help="listener without TLS (ws)")
    parser.add_argument("--control-port", type=int, default=0, help="control interface")
    parser.add_argument("--proxy-port", type=int, default=0, help="CONNECT proxy that leads to the TLS listener")
    parser.add_argument("--speed", type=float, default=1.0, help="speed of the simulated clock; 0 stands still")
    options = parser.parse_args()
    try:
        return asyncio.run(run(options))
    except (ValueError, OSError) as error:
        print(f"whatsapp_sim: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
