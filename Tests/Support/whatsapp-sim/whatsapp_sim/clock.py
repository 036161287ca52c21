"""The simulated clock that refs, codes and bans run on. It may be sped up, stopped, and moved forward.

Watches over the client's own timers (answers, keepalive) use real time instead: the client's clock is not ours to move.

SPDX-License-Identifier: Apache-2.0
"""

import asyncio
import time


class Clock:
    """Seconds since the simulator's start, times ``speed``, plus what ``advance`` added. Speed 0 stands still."""

    def __init__(self, speed: float = 1.0):
        self._wall_start = time.time()
        self._base, self._mark, self._speed = 0.0, time.monotonic(), speed
        self._moved = asyncio.Event()

    def now(self) -> float:
        return self._base + (time.monotonic() - self._mark) * self._speed

    def unix(self) -> int:
        """Simulated unix time in whole seconds, for ``t`` attributes."""
        return int(self._wall_start + self.now())

    def advance(self, seconds: float) -> None:
        """Moves the clock forward; every sleeper whose time has come wakes."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self._rebase(seconds, self._speed)

    def set_speed(self, speed: float) -> None:
        if speed < 0:
            raise ValueError("the clock only moves forward")
        self._rebase(0, speed)

    async def sleep(self, seconds: float) -> None:
        """Returns once ``seconds`` of simulated time have passed."""
        await self.sleep_until(self.now() + seconds)

    async def sleep_until(self, deadline: float) -> None:
        """Returns once ``now()`` has reached ``deadline``."""
        while (left := deadline - self.now()) > 0:
            moved = self._moved
            try:
                await asyncio.wait_for(moved.wait(), left / self._speed if self._speed else None)
            except TimeoutError:
                continue

    def _rebase(self, seconds: float, speed: float) -> None:
        self._base, self._mark, self._speed = self.now() + seconds, time.monotonic(), speed
        self._moved.set()
        self._moved = asyncio.Event()
