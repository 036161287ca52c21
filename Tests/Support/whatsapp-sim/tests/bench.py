"""A simulator in the test's own process, with companions on it. SPDX-License-Identifier: Apache-2.0"""

import asyncio
import functools
import tempfile
from pathlib import Path

from companion import Companion
from whatsapp_sim.actions import perform
from whatsapp_sim.settings import Settings
from whatsapp_sim.simulator import Simulator

LIMIT_SECONDS = 30


class Bench:
    """``async with Bench(setting=...) as bench``: bench.companion(), bench.do("action"), bench.findings()."""

    def __init__(self, **settings):
        self._settings = Settings(close_seconds=0.05)
        self._settings.update(settings)
        self._folder = tempfile.TemporaryDirectory()
        self._companions = []

    async def __aenter__(self):
        self.simulator = Simulator(Path(self._folder.name), self._settings)
        self.addresses = await self.simulator.start()
        return self

    async def __aexit__(self, kind, *_):
        if kind:  # pytest shows this beside the failure
            for entry in [*self.simulator.journal.events, *self.simulator.journal.transcript]:
                print(str(entry)[:400])
        for companion in self._companions:
            await companion.close()
        await self.simulator.stop()
        errors = [e for e in self.simulator.journal.events if e["event"] == "simulator_error"]
        self._folder.cleanup()
        assert not errors, errors[0]["traceback"]

    def companion(self, *faults) -> Companion:
        self._companions.append(Companion(self.addresses, faults))
        return self._companions[-1]

    async def do(self, action, **arguments):
        return await perform(self.simulator, action, arguments)

    async def event(self, name, nth=1):
        """Waits for the nth event of this name and returns it."""
        while len(found := [e for e in self.simulator.journal.events if e["event"] == name]) < nth:
            last = self.simulator.journal.events[-1]["seq"]
            await self.simulator.journal.wait(last, LIMIT_SECONDS)
        return found[nth - 1]

    def happened(self, name):
        return sum(e["event"] == name for e in self.simulator.journal.events)

    def findings(self):
        """(clause, severity) of every finding."""
        return [(f["clause"], f["severity"]) for f in self.simulator.journal.findings]

    async def scan_and_link(self, *faults) -> Companion:
        """A companion that has been linked and has seen 515."""
        companion = self.companion(*faults)
        await companion.connect()
        await companion.take_refs()
        await self.do("scan", qr=companion.qr())
        assert await companion.answer_success() == ""
        assert (await companion.expect("stream:error")).attr("code") == "515"
        return companion

    async def online(self) -> Companion:
        companion = await self.scan_and_link()
        await companion.connect()
        await companion.go_online()
        return companion


def runs(test):
    """Lets pytest run an async test, with a limit."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), LIMIT_SECONDS))

    return run
