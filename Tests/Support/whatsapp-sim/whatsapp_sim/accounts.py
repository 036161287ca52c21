"""Phones (accounts) and their linked devices: the server's table, kept in ``<state>/accounts.json`` (mode 0600).

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .node import Jid
from .primitives import KeyPair, random_bytes

DEFAULT_NUMBER = "15550000001"


@dataclass
class Device:
    """A linked companion. Byte strings are hex; ``prekeys``: id to public key; ``queue``: stanzas not delivered."""

    number: str
    device: int
    noise: str
    identity: str
    registration_id: int
    signed_prekey_id: int
    signed_prekey: str
    key_index: int
    name: str = ""
    active: bool = False
    prekeys: dict[str, str] = field(default_factory=dict)
    last_prekey_id: int = 0
    routing_info: str = ""
    queue: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Phone:
    """An account's primary device: its number, LID, identity key (private, hex) and linked devices by id."""

    number: str
    lid: str
    identity: str
    raw_id: int
    platform: str = "android"
    business_name: str = ""
    next_device: int = 1
    next_key_index: int = 1
    devices: dict[str, Device] = field(default_factory=dict)

    @property
    def key(self) -> KeyPair:
        return KeyPair.from_private(bytes.fromhex(self.identity))

    def pn_jid(self, device: int = 0) -> Jid:
        return Jid(self.number, device=device)

    def lid_jid(self, device: int = 0) -> Jid:
        return Jid(self.lid, "lid", device)


class Accounts:
    """All phones by number. Every change is saved before the method returns."""

    def __init__(self, folder: Path):
        self._path = folder / "accounts.json"
        self.phones: dict[str, Phone] = {}
        if self._path.exists():
            for entry in json.loads(self._path.read_text()):
                devices = {key: Device(**value) for key, value in entry.pop("devices").items()}
                self.phones[entry["number"]] = Phone(**entry, devices=devices)

    def phone(self, number: str = "") -> Phone:
        """The phone with this number; made on first use. Its LID is 100000000000000 plus its rank."""
        number = number or DEFAULT_NUMBER
        if not number.isdigit() or len(number) <= 6 or number.startswith("0"):
            raise ValueError(f"{number!r} is not an international number: digits only, more than 6, no leading 0")
        if number not in self.phones:
            lid = str(100_000_000_000_000 + len(self.phones) + 1)
            raw_id = int.from_bytes(random_bytes(4), "big")
            self.phones[number] = Phone(number, lid, KeyPair.generate().private.hex(), raw_id)
            self.save()
        return self.phones[number]

    def device(self, number: str, device: int) -> Device | None:
        phone = self.phones.get(number)
        return phone.devices.get(str(device)) if phone else None

    def reserve(self, phone: Phone) -> tuple[int, int]:
        """Takes the next (device id, key index) of a phone."""
        taken = (phone.next_device, phone.next_key_index)
        phone.next_device += 1
        phone.next_key_index += 1
        self.save()
        return taken

    def link(self, device: Device) -> None:
        self.phones[device.number].devices[str(device.device)] = device
        self.save()

    def unlink(self, device: Device) -> None:
        self.phones[device.number].devices.pop(str(device.device), None)
        self.save()

    def all_devices(self) -> list[Device]:
        return [device for phone in self.phones.values() for device in phone.devices.values()]

    def clear(self) -> None:
        self.phones.clear()
        self.save()

    def save(self) -> None:
        """Writes beside and renames, so that a reader sees the old or the new table."""
        beside = self._path.with_suffix(".new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump([asdict(phone) for phone in self.phones.values()], file)
        beside.replace(self._path)
