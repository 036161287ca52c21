"""What happened: events, findings (violations of the page by the client) and the transcript of stanzas.

All three are lists of JSON objects in memory, and lines in ``<state>/journal.jsonl``. Readers may wait for more.

SPDX-License-Identifier: Apache-2.0
"""

import asyncio
import json
import time
from collections import deque
from pathlib import Path
from typing import Any, Callable

from .node import Node

KEPT = 20_000


class Refused(Exception):
    """The client broke a rule and strict is on: the connection ends. The finding is already recorded."""


class Journal:
    """Events are numbered (seq) from 1; ``on_event`` is called with each one (the scenario listens there)."""

    def __init__(self, folder: Path | None = None):
        self.events: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.findings: list[dict[str, Any]] = []
        self.transcript: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.on_event: Callable[[dict[str, Any]], None] = lambda event: None
        self._count = 0
        self._grown = asyncio.Event()
        self._file = open(folder / "journal.jsonl", "a", encoding="utf-8") if folder else None

    def event(self, name: str, /, **details: Any) -> None:
        self._count += 1
        entry = {"seq": self._count, "event": name, "at": round(time.time(), 3), **details}
        self.events.append(entry)
        self._write(entry)
        self._grown.set()
        self._grown = asyncio.Event()
        self.on_event(entry)

    def finding(self, clause: str, text: str, severity: str = "violation", connection: int | None = None) -> None:
        """``clause`` is a section of the protocol page; ``severity`` is ``violation`` or ``warning``."""
        entry = {"clause": clause, "finding": text, "severity": severity, "connection": connection}
        self.findings.append(entry)
        self.event("finding", **entry)

    def stanza(self, connection: int, direction: str, node: Node) -> None:
        """``direction`` is ``from_client`` or ``to_client``."""
        entry = {"connection": connection, "direction": direction, "at": round(time.time(), 3), "node": node.to_json()}
        self.transcript.append(entry)
        self._write(entry)

    async def wait(self, since: int, seconds: float) -> list[dict[str, Any]]:
        """Events with a seq above ``since``; waits up to ``seconds`` (real) for the first of them."""
        deadline = time.monotonic() + seconds
        while self._count <= since and (left := deadline - time.monotonic()) > 0:
            grown = self._grown
            try:
                await asyncio.wait_for(grown.wait(), left)
            except TimeoutError:
                break
        return [entry for entry in self.events if entry["seq"] > since]

    def violations(self) -> list[dict[str, Any]]:
        return [entry for entry in self.findings if entry["severity"] == "violation"]

    def clear(self) -> None:
        """Forgets findings and transcript; event numbers go on."""
        self.findings.clear()
        self.transcript.clear()
        self.events.clear()

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _write(self, entry: dict[str, Any]) -> None:
        if self._file:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
