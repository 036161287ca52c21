"""The whole of a run: settings, clock, journal, accounts, the listeners and the live connections.

``Simulator.start()`` binds every listener on 127.0.0.1 and returns the addresses; ``stop()`` ends everything.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from . import proxy, tls
from .accounts import Accounts
from .clock import Clock
from .connection import Connection
from .journal import Journal
from .login import LoginSession
from .phone import PhoneHands
from .primitives import KeyPair
from .scenario import Scenario
from .settings import Settings

HOST = "127.0.0.1"
ORIGIN = "https://web.whatsapp.com"
MAX_MESSAGE = 16 << 20
STOP_SECONDS = 60
"""Real seconds during which a client that was told to stop must stay away; afterwards a user may have acted."""
WIPE_REASONS = ("failure 401", "failure 403", "failure 406", "device_removed")
"""After these a client deletes its credentials (§5.6)."""


class Simulator:
    """One simulated WhatsApp with its phones."""

    def __init__(self, state: Path, settings: Settings | None = None):
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.state = state
        self.settings, self.clock, self.journal = settings or Settings(), Clock(), Journal(state)
        self.accounts = Accounts(state)
        self.root = _root_key(state / "root.key")
        self.hands = PhoneHands(self)
        self.scenario = Scenario(self)
        self.refused_keys: set[bytes] = set()
        self.addresses: dict[str, Any] = {}
        self.wiped: dict[bytes, str] = {}
        """Noise keys of clients that were told to delete their credentials, and why."""
        self._stop_orders: dict[bytes, tuple[str, float]] = {}
        self._failures_left: int | None = None
        self._connections: list[Connection] = []
        self._runners: list[web.AppRunner] = []
        self._proxy: asyncio.Server | None = None
        self._accepted = 0

    async def start(self, port: int = 0, plain_port: int = 0, control_port: int = 0,
                    proxy_port: int = 0) -> dict[str, Any]:
        """Binds all listeners (0: the kernel's choice) and returns their addresses, the root key and the CA file."""
        from .control import control_app
        ca_file, context = tls.make(self.state)
        app = web.Application()
        app.router.add_get("/ws/chat", self._accept)
        app.router.add_get("/sw.js", self._service_worker)
        app.router.add_get("/", self._service_worker)
        secure = await self._listen(app, port, context)
        plain = await self._listen(app, plain_port, None)
        control = await self._listen(control_app(self), control_port, None)
        server = await proxy.serve(HOST, proxy_port, secure)
        proxy_number = server.sockets[0].getsockname()[1]
        self._proxy = server
        self.addresses = {
            "ws": f"ws://{HOST}:{plain}/ws/chat", "wss": f"wss://{HOST}:{secure}/ws/chat",
            "control": f"http://{HOST}:{control}", "proxy": f"http://{HOST}:{proxy_number}",
            "root_key": self.root.public.hex(), "ca_file": str(ca_file.resolve())}
        self.journal.event("listening", **self.addresses)
        return self.addresses

    async def stop(self) -> None:
        for connection in list(self._connections):
            await connection.close(abort=True)
        if self._proxy:
            self._proxy.close()
        for runner in self._runners:
            await runner.cleanup()
        self.journal.close()

    def live(self) -> list[Connection]:
        """Open connections that are not ending, oldest first."""
        return [connection for connection in self._connections if not connection.ending]

    def connection(self, number: int = 0) -> Connection:
        """The open connection with this number; 0 is the newest. ``LookupError`` without one."""
        found = [item for item in self.live() if number in (0, item.number)]
        if not found:
            raise LookupError(f"no open connection {number or ''}".strip())
        return found[-1]

    def take_failure(self, kind: str, version: tuple[int, int, int]) -> tuple[int, dict[str, str]] | None:
        """The failure that this login or registration must get, counting down its ``times``; None to let it in."""
        if list(version) < self.settings.min_version:
            return 405, {}
        failure = self.settings.failure
        if not failure or failure.get("on", "login") not in (kind, "any"):
            return None
        if "times" in failure:
            left = self._failures_left if self._failures_left is not None else failure["times"]
            if left <= 0:
                return None
            self._failures_left = left - 1
        return failure["reason"], {key: str(value) for key, value in failure.get("attrs", {}).items()}

    def update_settings(self, changes: dict[str, Any]) -> None:
        """Changes settings for what happens from now on; a new ``failure`` starts its count again."""
        self.settings.update(changes)
        if "failure" in changes:
            self._failures_left = None

    def order_stop(self, noise: bytes, reason: str, seconds: float = STOP_SECONDS) -> None:
        """Remembers that the client with this noise key was told to stay away for ``seconds`` (real), and why."""
        self._stop_orders[noise] = (reason, time.monotonic() + min(seconds, STOP_SECONDS))
        if reason in WIPE_REASONS:
            self.wiped[noise] = reason

    def stop_order(self, noise: bytes) -> str | None:
        """Why this client should not be logging in now, or None."""
        reason, until = self._stop_orders.get(noise, ("", 0.0))
        return reason if time.monotonic() < until else None

    async def replace_others(self, session: LoginSession) -> None:
        """A second login of a device ends the first one with conflict replaced (§5.6)."""
        for other in self.live():
            old = other.session
            if isinstance(old, LoginSession) and old is not session and old.device and old.device is session.device:
                await old.replaced()

    def reset(self) -> None:
        """Forgets phones, findings, settings, rules and orders; the root key, listeners and event numbers stay."""
        self.settings.update(Settings().to_json())
        self._failures_left = None
        self._stop_orders.clear()
        self.wiped.clear()
        self.refused_keys.clear()
        self.scenario.clear()
        self.accounts.clear()
        self.journal.clear()

    async def _listen(self, app: web.Application, port: int, context: Any) -> int:
        runner = next((item for item in self._runners if item.app is app), None)
        if runner is None:
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
            await runner.setup()
            self._runners.append(runner)
        listener = socket.create_server((HOST, port))
        await web.SockSite(runner, listener, ssl_context=context).start()
        return listener.getsockname()[1]

    async def _accept(self, request: web.Request) -> web.StreamResponse:
        self._accepted += 1
        number = self._accepted
        self.journal.event("connected", connection=number, secure=request.secure, origin=request.headers.get("Origin"))
        problems = []
        if request.headers.get("Origin") != ORIGIN:
            problems.append(f"Origin {request.headers.get('Origin')!r} instead of {ORIGIN!r}")
        if "Sec-WebSocket-Protocol" in request.headers:
            problems.append("a subprotocol was offered, there is none")
        for problem in problems:
            self.journal.finding("§1.1", problem, connection=number)
        if problems and self.settings.strict:
            return web.Response(status=403, text="; ".join(problems))
        stream = web.WebSocketResponse(compress=False, max_msg_size=MAX_MESSAGE, timeout=2)
        await stream.prepare(request)
        connection = Connection(self, number, stream, request)
        self._connections.append(connection)
        try:
            await connection.run()
        finally:
            self._connections.remove(connection)
        return stream

    async def _service_worker(self, request: web.Request) -> web.Response:
        return web.Response(text='{"client_revision":1047769893}', content_type="text/javascript")


def _root_key(path: Path) -> KeyPair:
    """The test root's key, made once per state folder (mode 0600) so that a restart keeps its clients."""
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(KeyPair.generate().private)
    return KeyPair.from_private(path.read_bytes())
