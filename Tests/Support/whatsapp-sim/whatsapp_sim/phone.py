"""The phone's hands: scanning a QR text, typing a code, unlinking a device.

A scan that a phone would not accept raises ``ScanRefused`` with a stable code; it changes nothing.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .accounts import Device
from .linkcode import CodeError
from .login import LoginSession
from .pairing import PairingSession

if TYPE_CHECKING:
    from .simulator import Simulator

URL_PREFIX = "https://wa.me/settings/linked_devices#"
CLIENT_TYPES = set("123456789") | set("cdef")
"""Fifth field (§4.2): 1-9, c macOS, e Android; d and f in newer lists. 0 is refused."""


class ScanRefused(Exception):
    """``code`` is one of qr_malformed, qr_client_type, ref_unknown, ref_expired, key_mismatch, qr_dead, stream_state,
    code_malformed, code_unexpected, number_malformed, device_unknown."""

    def __init__(self, code: str, text: str):
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class QrText:
    """The five fields; keys are 32 raw bytes."""

    ref: str
    noise: bytes
    identity: bytes
    adv_secret: bytes
    client_type: str


def read_qr(text: str) -> QrText:
    """Reads a QR text, with or without the URL in front (§4.2)."""
    fields = text.removeprefix(URL_PREFIX).split(",")
    if len(fields) != 5:
        raise ScanRefused("qr_malformed", f"{len(fields)} fields instead of 5")
    ref, *keys, client_type = fields
    if not ref or ref.startswith("http"):
        raise ScanRefused("qr_malformed", f"ref {ref[:40]!r}")
    if client_type not in CLIENT_TYPES:
        raise ScanRefused("qr_client_type", f"client type {client_type!r} is unknown or 0")
    raw = []
    for name, key in zip(("noise", "identity", "adv secret"), keys):
        try:
            raw.append(base64.b64decode(key, validate=True))
        except binascii.Error:
            raise ScanRefused("qr_malformed", f"{name} key is not padded standard base64") from None
        if len(raw[-1]) != 32 or base64.b64encode(raw[-1]).decode() != key:
            raise ScanRefused("qr_malformed", f"{name} key is not 32 bytes in canonical base64")
    return QrText(ref, raw[0], raw[1], raw[2], client_type)


class PhoneHands:
    """What a test's hand does on a simulated phone; ``number`` "" is the default phone."""

    def __init__(self, simulator: Simulator):
        self._simulator = simulator

    async def scan(self, text: str, number: str = "") -> dict[str, Any]:
        """Scans and confirms. Answers {"ok", "ref_index", "refs", "window", "age", "number"}."""
        session, qr, seen = self._find(text)
        if session.state != "refs":
            raise ScanRefused("stream_state", f"the stream is {session.state}")
        phone = self._simulator.accounts.phone(number)
        session.connection.event("scanned", number=phone.number, **seen)
        await session.scanned(phone, qr.adv_secret)
        return {"ok": True, "number": phone.number, **seen}

    def peek(self, text: str) -> dict[str, Any]:
        """Looks at a code as a camera would, without confirming; its secret counts as seen for a later refresh."""
        session, qr, seen = self._find(text)
        session.seen_secrets.add(qr.adv_secret)
        return {"ok": True, **seen}

    async def enter_code(self, code: str, number: str = "") -> dict[str, Any]:
        """Types a link code on the phone ``number``; the newest stream that waits for that number takes it."""
        phone = self._simulator.accounts.phone(number)
        for session in reversed(self._pairing_sessions()):
            if session.code.number == phone.number and session.state == "refs":
                try:
                    await session.code.typed(phone, code)
                except CodeError as error:
                    raise ScanRefused("code_malformed", str(error)) from None
                return {"ok": True, "number": phone.number}
        raise ScanRefused("code_unexpected", f"no companion waits for a code on {phone.number}")

    async def unlink(self, number: str = "", device: int = 0, form: str = "device_removed") -> dict[str, Any]:
        """Removes a linked device (0: the newest one of that phone); a connected one is told and closed."""
        entry = self.linked(number, device)
        for connection in self._simulator.live():
            session = connection.session
            if isinstance(session, LoginSession) and session.device is entry:
                await session.removed(form)
                return {"ok": True, "device": entry.device, "connected": True}
        self._simulator.accounts.unlink(entry)
        self._simulator.journal.event("removed", number=entry.number, device=entry.device)
        return {"ok": True, "device": entry.device, "connected": False}

    def linked(self, number: str = "", device: int = 0) -> Device:
        """A linked device of that phone; 0 is its newest."""
        phone = self._simulator.accounts.phone(number)
        key = str(device) if device else max(phone.devices, key=int, default="")
        if key not in phone.devices:
            raise ScanRefused("device_unknown", f"{phone.number} has no linked device {device or ''}")
        return phone.devices[key]

    def _find(self, text: str) -> tuple[PairingSession, QrText, dict[str, Any]]:
        qr = read_qr(text)
        session = next((item for item in self._pairing_sessions() if qr.ref in item.refs), None)
        if session is None:
            raise ScanRefused("ref_unknown", "no open stream has this ref")
        if (qr.noise, qr.identity) != (session.connection.client_static, session.registration.identity):
            session.connection.journal.finding(
                "§4.2", "the QR's keys are not those of the registration", connection=session.connection.number)
            raise ScanRefused("key_mismatch", "the keys are not those of the stream with this ref")
        index, age = session.refs.index(qr.ref), session.age()
        start, end = session.window(index)
        grace = session.settings.ref_grace
        if age > end + grace:
            raise ScanRefused("ref_expired", f"ref {index + 1} ended {age - end:.1f} s ago")
        session.connection.warn(age >= start - grace, "§4.3", f"ref {index + 1} shown {start - age:.1f} s too early")
        if qr.adv_secret in session.dead_secrets:
            raise ScanRefused("qr_dead", "a refresh was ordered since; this secret is dead (§4.3)")
        return session, qr, {"ref_index": index, "refs": len(session.refs), "window": [start, end],
                             "age": round(age, 3), "client_type": qr.client_type}

    def _pairing_sessions(self) -> list[PairingSession]:
        sessions = [connection.session for connection in self._simulator.live()]
        return [session for session in sessions if isinstance(session, PairingSession)]
