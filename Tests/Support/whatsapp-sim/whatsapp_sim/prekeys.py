"""The server's prekey desk (§5.3): count, upload with its checks, rotation. Nobody else's bundle is known.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import xeddsa
from .accounts import Device
from .node import Node

if TYPE_CHECKING:
    from .login import LoginSession

MAX_ID = 1 << 24


class PrekeyDesk:
    """``counted`` turns true when the client has asked for its count."""

    def __init__(self, session: LoginSession):
        self._session = session
        self.counted = False

    async def get(self, iq: Node) -> None:
        device = self._device()
        if iq.child("count"):
            self.counted = True
            override = self._session.settings.server_prekeys
            count = len(device.prekeys) if override < 0 else override
            await self._session.reply(iq, [Node("count", {"value": str(count)})])
        elif key := iq.child("key"):
            error = Node("error", {"code": "404", "text": "item-not-found"})
            users = [Node("user", {"jid": user.attrs.get("jid", "")}, [error]) for user in key.children]
            await self._session.reply(iq, [Node("list", {}, users)])
        else:
            await self._session.reply_error(iq, 404, "item-not-found")

    async def set(self, iq: Node) -> None:
        if rotate := iq.child("rotate"):
            self._take_signed(self._device(), rotate.child("skey"))
        else:
            self._upload(iq)
        self._session.simulator.accounts.save()
        await self._session.reply(iq)

    def _upload(self, iq: Node) -> None:
        device, require = self._device(), self._session.connection.require
        registration = self._data(iq, "registration")
        require(registration == device.registration_id.to_bytes(4, "big"), "§5.3",
                f"registration {registration.hex()} is not the registered {device.registration_id:08x}")
        require(self._data(iq, "type") == b"\x05", "§5.3", "type is not 05")
        require(self._data(iq, "identity").hex() == device.identity, "§5.3", "identity is not the registered one")
        keys = (iq.child("list") or Node("")).children
        require(bool(keys), "§5.3", "an upload without prekeys")
        first = not device.prekeys
        for key in keys:
            number, value = int.from_bytes(self._data(key, "id"), "big"), self._data(key, "value")
            require(len(self._data(key, "id")) == 3, "§5.3", "a prekey id that is not 3 bytes")
            require(len(value) == 32, "§5.3", f"prekey {number}: {len(value)} bytes instead of 32")
            rising = device.last_prekey_id < number < MAX_ID or (number == 1 and device.last_prekey_id > MAX_ID - 1000)
            require(rising, "§5.3", f"prekey id {number} after {device.last_prekey_id}: ids rise and are never reused")
            require(value.hex() not in device.prekeys.values(), "§5.3", f"prekey {number} has the value of another one")
            device.prekeys[str(number)] = value.hex()
            device.last_prekey_id = number
        self._take_signed(device, iq.child("skey"))
        self._session.connection.event("prekeys_uploaded", count=len(keys), first=first)

    def _take_signed(self, device: Device, skey: Node | None) -> None:
        require = self._session.connection.require
        require(skey is not None, "§5.3", "no <skey>")
        if skey is None:
            return
        value, signature = self._data(skey, "value"), self._data(skey, "signature")
        require(len(self._data(skey, "id")) == 3 and len(value) == 32, "§5.3", "skey id or value of a wrong length")
        require(xeddsa.verify(bytes.fromhex(device.identity), b"\x05" + value, signature), "§5.3",
                "the signed prekey's signature does not verify with the identity")
        device.signed_prekey = value.hex()
        device.signed_prekey_id = int.from_bytes(self._data(skey, "id"), "big")

    def _device(self) -> Device:
        assert self._session.device
        return self._session.device

    @staticmethod
    def _data(node: Node, tag: str) -> bytes:
        return (node.child(tag) or Node("")).data()
