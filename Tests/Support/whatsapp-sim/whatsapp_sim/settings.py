"""Everything about a run that a scenario or the control API may change, with defaults, bounds and meanings.

Unknown names and values outside a setting's choices are errors. README.md lists the same table.

SPDX-License-Identifier: Apache-2.0
"""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from . import adv, certificate

CHOICES = {
    "certificate": tuple(certificate.FORMS),
    "handshake": ("normal", "silent", "close", "garbage", "bad_tag"),
    "frames": ("whole", "split", "bytes", "joined"),
    "on_scan": ("pair", "passkey", "refresh", "downgrade", "nothing"),
    "pair_success": tuple(adv.FORMS),
    "after_pair": ("restart", "close", "duplicate", "nothing"),
    "on_expiry": ("end", "close", "nothing"),
    "refresh_form": ("companion_reg_refresh", "pair-device-rotate-qr", "malformed"),
}


@dataclass
class Settings:
    """One run's settings. Times are seconds of the simulated clock unless they say real."""

    strict: bool = True
    """Refuse (close or error) at a violation; false records it only."""
    certificate: str = "valid"
    """Form of the Noise certificate chain (§1.4)."""
    handshake: str = "normal"
    """silent: no server hello; close: close instead; garbage: random frame; bad_tag: last byte of the hello changed."""
    frames: str = "whole"
    """How frames are cut into websocket messages (§1.2)."""
    compress: bool = True
    """Send <success> with flag 02 (§3, §5.1)."""
    refs: int = 6
    """Refs in a pair-device (§4.1)."""
    first_ref_seconds: float = 60
    """Life of ref 1 in a batch of 6 or more (§4.3)."""
    ref_seconds: float = 20
    """Life of every other ref."""
    ref_grace: float = 5
    """How long after its time a ref can still be scanned, and the stream stays open."""
    on_expiry: str = "end"
    """end: xmlstreamend then close; close; nothing."""
    on_scan: str = "pair"
    """What a scan leads to. refresh: the first scan only orders a new secret (§4.3), the next one pairs."""
    refresh_form: str = "companion_reg_refresh"
    pair_success: str = "good"
    """Form of the pair-success blob (§4.4)."""
    after_pair: str = "restart"
    """After pair-device-sign. restart: 515; close: without 515; duplicate: the same pair-success again, then 515."""
    failure: dict[str, Any] = field(default_factory=dict)
    """{"reason", "on": "login"|"registration"|"any", "times": n (absent: always), "attrs": {...}} (§5.6)."""
    link_code_error: int = 0
    """iq error code for companion_hello, e.g. 400 or 429; 0 is none (§4.5)."""
    min_version: list[int] = field(default_factory=lambda: [2, 3000, 0])
    """Clients below it get <failure reason="405">."""
    server_prekeys: int = -1
    """Count reported by <count/>; -1 is the true count (§5.3)."""
    server_ping_seconds: float = 0
    """Real seconds between server pings to a logged-in client; 0 is none (§5.2)."""
    answer_pings: bool = True
    """False: the client's keepalives get no answer, a dead socket (§5.4)."""
    mute: bool = False
    """True: nothing at all is answered."""
    answer_seconds: float = 20
    """Real seconds for the client to answer a server iq or to ack a stanza."""
    keepalive_seconds: float = 75
    """Real seconds without any frame from the client before it is a finding (§5.4: every 20-30 s)."""
    close_seconds: float = 0.3
    """Real seconds between a last stanza (stream:error, failure, xmlstreamend) and the close; 0 closes at once."""
    edge_routing: bool = True
    """Send routing info after login, to come back as the ED header (§1.2)."""
    success_attrs: dict[str, str] = field(default_factory=dict)
    """Extra or other attributes of <success>."""

    def update(self, changes: dict[str, Any]) -> None:
        """Applies all of ``changes`` or, with a ``ValueError`` that names every wrong one, nothing."""
        wrong = [problem for name, value in changes.items() if (problem := self._problem(name, value))]
        if wrong:
            raise ValueError("; ".join(wrong))
        for name, value in changes.items():
            setattr(self, name, value)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def ref_times(self) -> list[float]:
        """The life of each ref in order; fewer than 6 refs get the short time each (§4.3)."""
        first = self.first_ref_seconds if self.refs >= 6 else self.ref_seconds
        return [first] + [self.ref_seconds] * (self.refs - 1)

    def _problem(self, name: str, value: Any) -> str | None:
        if name not in {item.name for item in fields(self)}:
            return f"unknown setting {name!r}"
        if name in CHOICES and value not in CHOICES[name]:
            return f"{name} must be one of {', '.join(CHOICES[name])}, not {value!r}"
        default = getattr(self, name)
        number = isinstance(default, (int, float)) and not isinstance(default, bool)
        kind = (int, float) if number else type(default)
        if not isinstance(value, kind) or (number and isinstance(value, bool)):
            return f"{name} must be {type(default).__name__}, not {value!r}"
        return "refs must be 1 to 20" if name == "refs" and not 1 <= value <= 20 else None
