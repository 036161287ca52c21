"""Starts the simulator and the host, and pairs them: in the browser by one click on the simulated phone, or by itself.

Called by scripts/demo-pairing.sh (``make demo-pairing``); with ``--check`` it scans by itself and exits 0 once online.
Everything lives in a temporary folder and is gone at the end.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import asyncio
import os
import re
import shlex
import signal
import sys
import tempfile
from pathlib import Path

from whatsapp_sim.actions import ActionError, perform
from whatsapp_sim.simulator import Simulator

READY_SECONDS = 30
"""How long the host may take to print its listener, and (--check) each step of pairing."""
HTTP_LISTENER = re.compile(r"listening role=http address=(\S+)")


def write_config(folder: Path, addresses: dict[str, str]) -> None:
    """config/plugins/whatsapp.yaml with the four keys that point the plugin at the simulator (whatsapp.md)."""
    plugins = folder / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "whatsapp.yaml").write_text(
        "whatsapp:\n  instance: default\n"
        f"  endpoint: \"{addresses['wss']}\"\n"
        f"  ca_file: \"{addresses['ca_file']}\"\n"
        f"  root_key: \"{addresses['root_key']}\"\n")


async def http_address(host: asyncio.subprocess.Process) -> str:
    """The address in the host's ``listening role=http`` line; its other lines are passed on."""
    while line := (await host.stdout.readline()).decode(errors="replace"):
        print(line, end="", flush=True)
        if found := HTTP_LISTENER.search(line):
            return found.group(1)
    raise RuntimeError("the host ended before it listened")


async def check(simulator: Simulator, picture: str) -> int:
    """Scans what the host shows, until it can, and waits for the companion to be online."""
    for _ in range(READY_SECONDS * 2):
        try:
            await perform(simulator, "scan_picture", {"url": picture})
            break
        except ActionError as error:
            last = error
            await asyncio.sleep(0.5)
    else:
        print(f"demo-pairing: nothing could be scanned at {picture}: {last}", file=sys.stderr)
        return 1
    seen = 0
    while entries := await simulator.journal.wait(seen, READY_SECONDS):
        seen = entries[-1]["seq"]
        if any(entry["event"] == "online" for entry in entries):
            findings = simulator.journal.findings
            print(f"demo-pairing: linked and online, {len(findings)} findings")
            for finding in findings:
                print(f"  {finding['severity']} {finding['clause']}: {finding['finding']}")
            return 1 if simulator.journal.violations() else 0
    print("demo-pairing: the companion did not come online", file=sys.stderr)
    return 1


async def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default=".build/release/agent", help="the host's program, with leading arguments")
    parser.add_argument("--check", action="store_true", help="scan by itself, exit 0 once online")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="demo-pairing-") as name:
        folder = Path(name)
        simulator = Simulator(folder / "simulator")
        addresses = await simulator.start()
        write_config(folder / "config", addresses)
        host = await asyncio.create_subprocess_exec(
            *shlex.split(options.host), "run", "--config", str(folder / "config"), "--state-dir", str(folder / "state"),
            "--http-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
            stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": ""})
        try:
            address = await asyncio.wait_for(http_address(host), READY_SECONDS)
            picture = f"http://{address}/whatsapp/default/pair/qr.png"
            if options.check:
                return await check(simulator, picture)
            print(f"\n  1. the host's page:     http://{address}/whatsapp/pair"
                  f"\n  2. the simulated phone: {addresses['control']}/?picture={picture}   (press Scan)"
                  "\n  Ctrl-C ends both.\n", flush=True)
            stop = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            await asyncio.wait({asyncio.ensure_future(stop.wait()), asyncio.ensure_future(host.wait())},
                               return_when=asyncio.FIRST_COMPLETED)
            return 0
        except (RuntimeError, TimeoutError) as error:
            print(f"demo-pairing: {error or 'the host did not listen in time'}", file=sys.stderr)
            return 1
        finally:
            if host.returncode is None:
                host.terminate()
            await host.wait()
            await simulator.stop()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
