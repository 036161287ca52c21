"""Rules that act on events without a driver: {"on": event, "where": {...}, "nth": n, "after": s, "do": [actions]}.

``where`` compares event details; ``nth`` (default: every one) counts matching events from 1; ``after`` is
simulated seconds.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .simulator import Simulator

KEYS = {"on", "where", "nth", "after", "do"}


@dataclass
class Rule:
    """One rule; ``matched`` counts its events."""

    on: str
    do: list[dict[str, Any]]
    where: dict[str, Any] = field(default_factory=dict)
    nth: int = 0
    after: float = 0
    matched: int = 0

    def takes(self, event: dict[str, Any]) -> bool:
        if event["event"] != self.on or any(event.get(key) != value for key, value in self.where.items()):
            return False
        self.matched += 1
        return self.nth in (0, self.matched)


class Scenario:
    """The rules in force. An action that fails becomes the event ``rule_failed``."""

    def __init__(self, simulator: Simulator):
        self._simulator = simulator
        self._rules: list[Rule] = []
        self._running: set[asyncio.Task[None]] = set()
        simulator.journal.on_event = self._happened

    def load(self, rules: list[dict[str, Any]]) -> None:
        """Replaces all rules; ``ValueError`` for a malformed one."""
        made = []
        for rule in rules:
            if not isinstance(rule, dict) or not {"on", "do"} <= set(rule) <= KEYS:
                raise ValueError(f"rule {rule!r}: needs on and do, may have where, nth, after")
            if not all(isinstance(step, dict) and "action" in step for step in rule["do"]):
                raise ValueError(f"rule {rule!r}: every step of do needs an action")
            made.append(Rule(**rule))
        self._rules = made

    def clear(self) -> None:
        self._rules = []

    def _happened(self, event: dict[str, Any]) -> None:
        for rule in self._rules:
            if rule.takes(event):
                task = asyncio.ensure_future(self._act(rule))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _act(self, rule: Rule) -> None:
        from .actions import ActionError, perform
        await self._simulator.clock.sleep(rule.after)
        for step in rule.do:
            arguments = {key: value for key, value in step.items() if key != "action"}
            try:
                await perform(self._simulator, step["action"], arguments)
            except ActionError as error:
                self._simulator.journal.event("rule_failed", action=step["action"], code=error.code, text=str(error))
