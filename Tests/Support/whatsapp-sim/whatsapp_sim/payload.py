"""The ClientPayload of the handshake (§2): reads it and names everything that is not as the page says.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
from dataclasses import dataclass, field

from . import proto, xeddsa

PLATFORM_WEB = 14
PLATFORM_TYPES = range(25)
SUBPLATFORMS_CLOSED = (3, 4, 5)
"""DARWIN, WIN32, WIN_HYBRID: unpaired registration is closed with 428 (§2)."""

Problem = tuple[str, str, str]
"""(severity, clause, text)"""


@dataclass
class Registration:
    """devicePairingData: keys are 32 raw bytes; ``name`` is what the phone lists."""

    registration_id: int
    identity: bytes
    signed_prekey_id: int
    signed_prekey: bytes
    name: str
    platform_type: int


@dataclass
class ClientPayload:
    """A read payload. ``registration`` is None for a login, which has ``username`` and ``device`` instead."""

    version: tuple[int, int, int] = (0, 0, 0)
    sub_platform: int = 0
    username: int | None = None
    device: int | None = None
    registration: Registration | None = None
    problems: list[Problem] = field(default_factory=list)

    def require(self, good: bool, text: str, severity: str = "violation") -> None:
        if not good:
            self.problems.append((severity, "§2", text))


def read(data: bytes) -> ClientPayload:
    """Never raises: bytes that are no payload come back with that as their problem."""
    out = ClientPayload()
    try:
        message = proto.Message.decode(data)
        _read_common(out, message)
        pairing = message.message(19)
        if pairing is not None:
            _read_registration(out, message, pairing)
        else:
            _read_login(out, message)
    except proto.ProtobufError as error:
        out.require(False, f"ClientPayload: {error}")
    return out


def _read_common(out: ClientPayload, message: proto.Message) -> None:
    agent, web = message.message(5), message.message(6)
    out.require(agent is not None, "no userAgent (5)")
    out.require(web is not None, "no webInfo (6)")
    if agent is not None:
        version = agent.message(2) or proto.Message([])
        out.version = (version.number(1) or 0, version.number(2) or 0, version.number(3) or 0)
        out.require(all(out.version[:2]), f"appVersion {out.version} is not primary.secondary.tertiary")
        out.require(agent.number(1) == PLATFORM_WEB, f"userAgent.platform {agent.number(1)} instead of WEB 14")
        out.require(agent.text(3) == "000", f"mcc {agent.text(3)!r} instead of '000'")
        out.require(agent.text(4) == "000", f"mnc {agent.text(4)!r} instead of '000'")
        out.require(not agent.number(10), f"releaseChannel {agent.number(10)} instead of RELEASE 0")
        for number, name, usual in ((5, "osVersion", "0.1"), (7, "device", "Desktop"), (8, "osBuildNumber", "0.1")):
            out.require(agent.text(number) == usual, f"{name} {agent.text(number)!r}, usual is {usual!r}", "warning")
        out.require(len(agent.text(11) or "") == 2, f"localeLanguage {agent.text(11)!r}")
        out.require(len(agent.text(12) or "") == 2, f"localeCountry {agent.text(12)!r}")
    out.sub_platform = (web.number(4) if web else None) or 0
    out.require(message.number(12) == 1, f"connectType {message.number(12)} instead of WIFI_UNKNOWN 1")
    out.require(message.number(13) in (1, 3, 5), f"connectReason {message.number(13)} is not 1, 3 or 5")


def _read_registration(out: ClientPayload, message: proto.Message, pairing: proto.Message) -> None:
    for number, name in ((1, "username"), (18, "device")):
        out.require(not message.has(number), f"a registration with {name} ({number})")
    for number, name in ((3, "passive"), (33, "pull")):
        out.require(not message.number(number), f"a registration with {name} ({number}) true")
    sizes = {1: 4, 2: 1, 3: 32, 4: 3, 5: 32, 6: 64, 7: 16}
    values = {number: pairing.raw(number) or b"" for number in sizes}
    for number, size in sizes.items():
        out.require(len(values[number]) == size,
                    f"devicePairingData field {number}: {len(values[number])} bytes instead of {size}")
    out.require(values[2] == b"\x05", f"eKeytype {values[2].hex()} instead of 05")
    out.require(xeddsa.verify(values[3], b"\x05" + values[5], values[6]),
                "eSkeySig does not verify over 05‖eSkeyVal with eIdent")
    text = ".".join(str(part) for part in out.version)
    out.require(values[7] == hashlib.md5(text.encode()).digest(), f"buildHash is not the MD5 of {text!r}")
    out.require(out.sub_platform <= 5, f"webSubPlatform {out.sub_platform} is unknown")
    props = pairing.message(8)
    out.require(props is not None, "no deviceProps (8)")
    props = props or proto.Message([])
    out.require(bool(props.text(1)), "deviceProps.os is empty: the phone would list a nameless device")
    out.require((props.number(3) or 0) in PLATFORM_TYPES, f"platformType {props.number(3)} is unknown")
    out.require(props.has(2), "deviceProps without a version (2)", "warning")
    out.registration = Registration(
        int.from_bytes(values[1], "big"), values[3], int.from_bytes(values[4], "big"), values[5],
        props.text(1) or "", props.number(3) or 0)


def _read_login(out: ClientPayload, message: proto.Message) -> None:
    out.username, out.device = message.number(1), message.number(18)
    out.require(out.username is not None, "neither devicePairingData (19) nor username (1)")
    out.require(out.device is not None, "a login without device (18)")
    out.require(bool(message.number(3)), "a login with passive (3) not true")
    out.require(bool(message.number(33)), "a login with pull (33) not true", "warning")
