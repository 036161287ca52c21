"""Everything a test can make the simulator do, by name: the control interface and scenarios both call ``perform``.

An action takes keyword arguments from JSON and answers a JSON object. Wrong arguments raise ``ActionError``.
``connection`` arguments are connection numbers; left out, the newest open connection is meant.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from .login import LoginSession
from .node import Node
from .pairing import PairingSession
from .phone import ScanRefused
from .picture import NoCode, read_code
from .session import Session

if TYPE_CHECKING:
    from .simulator import Simulator


class ActionError(Exception):
    """``code`` is stable: unknown_action, bad_arguments, no_code, no_connection, wrong_state, or ``ScanRefused``'s."""

    def __init__(self, code: str, text: str):
        super().__init__(text)
        self.code = code


class Actions:
    """Each public method is one action."""

    def __init__(self, simulator: Simulator):
        self._simulator = simulator

    async def set(self, **settings: Any) -> None:
        """Changes settings (README: table of settings)."""
        self._simulator.update_settings(settings)

    async def reset(self) -> None:
        """Back to the start: no phones, no findings, default settings, no rules."""
        self._simulator.reset()

    async def scan(self, qr: str, number: str = "") -> dict[str, Any]:
        """The phone scans a QR text and confirms."""
        return await self._simulator.hands.scan(qr, number)

    async def scan_picture(self, png_base64: str = "", url: str = "", number: str = "") -> dict[str, Any]:
        """The phone's camera: reads the one QR code of a picture (base64, or http on loopback), and scans."""
        return await self._simulator.hands.scan(await read_code(png_base64, url), number)

    async def peek(self, qr: str) -> dict[str, Any]:
        """Looks at a QR text without confirming: which ref, its window, its age."""
        return self._simulator.hands.peek(qr)

    async def enter_code(self, code: str, number: str = "") -> dict[str, Any]:
        """The phone's user types a link code."""
        return await self._simulator.hands.enter_code(code, number)

    async def unlink(self, number: str = "", device: int = 0, form: str = "device_removed") -> dict[str, Any]:
        """The phone removes a linked device (0: its newest)."""
        return await self._simulator.hands.unlink(number, device, form)

    async def refresh(self, form: str = "companion_reg_refresh", connection: int = 0) -> None:
        """Orders a new ADV secret in mid-pairing."""
        await self._pairing(connection).refresh(form)

    async def passkey(self, connection: int = 0) -> None:
        """Sends the passkey request."""
        await self._pairing(connection).passkey()

    async def order_new_code(self, connection: int = 0) -> None:
        """Sends stage="refresh_code": the companion must show a new link code."""
        await self._pairing(connection).code.order_new_code()

    async def downgrade(self, connection: int = 0) -> None:
        """Sends <downgrade_webclient/>: the phone scanned without multi-device."""
        await self._session(connection).connection.send(Node("ib", {}, [Node("downgrade_webclient")]))

    async def ping(self, connection: int = 0) -> None:
        """Sends a server ping; its answer becomes the event pong."""
        await self._login(connection).ping()

    async def deliver(self, node: dict[str, Any], connection: int = 0) -> dict[str, Any]:
        """Sends a message, receipt, notification or call that must be acked; an unacked one comes again at login."""
        return {"id": await self._session(connection).deliver(Node.from_json(node))}

    async def queue(self, node: dict[str, Any], number: str = "", device: int = 0) -> None:
        """Keeps a stanza for a device's (0: the newest one's) next login, where it comes with offline="N"."""
        self._simulator.hands.linked(number, device).queue.append(Node.from_json(node).to_json())
        self._simulator.accounts.save()

    async def send(self, node: dict[str, Any], compress: bool = False, connection: int = 0) -> None:
        """Sends any stanza as it is."""
        await self._session(connection).connection.send(Node.from_json(node), compress=compress)

    async def send_raw(self, hex: str, connection: int = 0) -> None:
        """Sends any frame plaintext, flag byte included."""
        await self._session(connection).connection.send_plaintext(bytes.fromhex(hex))

    async def corrupt_next(self, connection: int = 0) -> None:
        """Spoils the next frame's AEAD tag."""
        self._session(connection).connection.corrupt_next()

    async def stream_error(self, code: int = 0, conflict: str = "", child: str = "", connection: int = 0) -> None:
        """Sends <stream:error> with a code, a <conflict type>, or any other empty child, and closes."""
        session = self._session(connection)
        nodes = [Node("conflict", {"type": conflict})] if conflict else [Node(child)] if child else []
        if conflict:
            self._simulator.order_stop(session.connection.client_static, conflict)
        await session.stream_error(*nodes, code=code or None)

    async def end_stream(self, connection: int = 0) -> None:
        """Sends xmlstreamend and closes."""
        session = self._session(connection)
        await session.connection.send(Node("xmlstreamend"))
        session.connection.close_soon()

    async def close(self, abort: bool = False, connection: int = 0) -> None:
        """Closes a connection; abort drops the TCP connection without a close frame."""
        try:
            await self._simulator.connection(connection).close(abort)
        except LookupError as error:
            raise ActionError("no_connection", str(error)) from None

    async def advance(self, seconds: float) -> dict[str, Any]:
        """Moves the simulated clock forward."""
        self._simulator.clock.advance(seconds)
        return {"now": self._simulator.clock.now()}

    async def speed(self, factor: float) -> None:
        """Lets the simulated clock run faster, slower, or (0) stand still."""
        self._simulator.clock.set_speed(factor)

    async def rules(self, rules: list[dict[str, Any]]) -> None:
        """Replaces the scenario's rules (README: scenario)."""
        self._simulator.scenario.load(rules)

    def _session(self, number: int) -> Session:
        try:
            session = self._simulator.connection(number).session
        except LookupError as error:
            raise ActionError("no_connection", str(error)) from None
        if session is None:
            raise ActionError("wrong_state", "the connection is still in its handshake")
        return session

    def _pairing(self, number: int) -> PairingSession:
        session = self._session(number)
        if not isinstance(session, PairingSession):
            raise ActionError("wrong_state", "the connection is not an unpaired one")
        return session

    def _login(self, number: int) -> LoginSession:
        session = self._session(number)
        if not isinstance(session, LoginSession) or session.device is None:
            raise ActionError("wrong_state", "the connection is not logged in")
        return session


async def perform(simulator: Simulator, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Runs one action; the answer always has "ok": true. Raises ``ActionError``."""
    actions = Actions(simulator)
    method = None if name.startswith("_") else getattr(actions, name, None)
    if method is None:
        known = [key for key in vars(Actions) if not key.startswith("_")]
        raise ActionError("unknown_action", f"{name!r}; known: {', '.join(known)}")
    try:
        inspect.signature(method).bind(**arguments)
        return {"ok": True, **(await method(**arguments) or {})}
    except NoCode as error:
        raise ActionError("no_code", str(error)) from None
    except (TypeError, ValueError, KeyError) as error:
        raise ActionError("bad_arguments", f"{name}: {error}") from None
    except ScanRefused as error:
        raise ActionError(error.code, str(error)) from None
    except ConnectionError as error:
        raise ActionError("no_connection", str(error)) from None
