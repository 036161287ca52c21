"""A paired stream (§5): the login's check, what the server sends first, delivery, and the ways it ends.

    login ──known device, right key──▶ success ──<active/>──▶ online ──removed() | replaced() | logout──▶ (closed)
      └──failure setting, unknown device or wrong key──▶ failure (closed)

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

from .accounts import Device
from .iq import IqRouter
from .node import SERVER, Node
from .payload import ClientPayload
from .primitives import random_bytes
from .session import Session

if TYPE_CHECKING:
    from .connection import Connection


class LoginSession(Session):
    """``device`` is None until the login is accepted; ``online`` once the client went active."""

    def __init__(self, connection: Connection, client: ClientPayload):
        super().__init__(connection)
        self.client = client
        self.device: Device | None = None
        self.online = False
        self.router = IqRouter(self)

    async def start(self) -> None:
        device = self._known_device()
        noise = self.connection.client_static
        if reason := self.simulator.stop_order(noise):
            self.connection.warn(False, "§5.6", f"the client logged in again after {reason}")
        if failure := self.simulator.take_failure("login", self.client.version):
            if failure[0] not in (500, 503):
                self.simulator.order_stop(noise, f"failure {failure[0]}", float(failure[1].get("expire", "inf")))
            return await self.failure(failure[0], **failure[1])
        if device is None or device.noise != noise.hex():
            self.connection.event("login_refused", username=self.client.username, device=self.client.device,
                                  known=device is not None)
            self.simulator.order_stop(noise, "failure 401")
            return await self.failure(401)
        self.device = device
        if self.connection.routing_info is not None:
            self.connection.warn(self.connection.routing_info.hex() == device.routing_info, "§1.2",
                                 "routing info in the pre-intro is not the last one sent")
        await self.simulator.replace_others(self)
        self.connection.event("logged_in", number=device.number, device=device.device)
        await self._greet(device)
        if self.settings.server_ping_seconds:
            self.connection.spawn(self._ping_client())

    async def handle_iq(self, node: Node) -> None:
        await self.router.handle(node)

    async def handle_other(self, node: Node) -> None:
        self.connection.event("stanza", tag=node.tag, type=node.attr("type"), id=node.attr("id"))
        if node.tag in ("message", "receipt"):
            attrs = {"class": node.tag, "id": node.attr("id"), "from": node.attrs.get("to", SERVER),
                     "t": str(self.clock.unix())}
            await self.connection.send(Node("ack", attrs))

    def undelivered(self, node: Node) -> None:
        if self.device:
            self.device.queue.append(node.to_json())
            self.simulator.accounts.save()

    async def went_active(self) -> None:
        """``<active/>`` came: from here the session is live (§5.1)."""
        assert self.device
        self.connection.warn(self.router.counted, "§5.1", "active before <count/> was asked")
        self.connection.warn(len(self.device.prekeys) >= 5 or self.settings.server_prekeys >= 5, "§5.1",
                             "active before prekeys were uploaded")
        self.online = True
        self.device.active = True
        self.simulator.accounts.save()
        self.connection.event("online", number=self.device.number, device=self.device.device)

    async def removed(self, form: str = "device_removed") -> None:
        """The device is no longer linked: stream error 401 device_removed, or the older 516 (§5.6)."""
        assert self.device
        self.simulator.accounts.unlink(self.device)
        self.simulator.order_stop(self.connection.client_static, "device_removed")
        self.connection.event("removed", number=self.device.number, device=self.device.device)
        if form == "516":
            await self.stream_error(code=516)
        else:
            await self.stream_error(Node("conflict", {"type": "device_removed"}), code=401)

    async def replaced(self) -> None:
        """The same credentials connected elsewhere (§5.6)."""
        self.connection.event("replaced")
        await self.stream_error(Node("conflict", {"type": "replaced"}))

    def _known_device(self) -> Device | None:
        if self.client.username is None or self.client.device is None:
            return None
        return self.simulator.accounts.device(str(self.client.username), self.client.device)

    async def _greet(self, device: Device) -> None:
        phone = self.simulator.accounts.phone(device.number)
        attrs = {
            "t": str(self.clock.unix()), "props": "27", "location": "frc", "lid": phone.lid_jid(device.device),
            "abprops": "10", "creation": str(self.clock.unix() - 86_400),
            "companion_enc_static": base64.b64encode(random_bytes(32)).decode(), **self.settings.success_attrs}
        queue = [Node.from_json(entry) for entry in device.queue]
        device.queue = []
        await self.connection.send(Node("success", attrs), compress=self.settings.compress)
        first = [Node("offline_preview", {
            "count": str(len(queue)), "message": _count(queue, "message"),
            "notification": _count(queue, "notification"), "receipt": _count(queue, "receipt"), "appdata": "0"})]
        await self.connection.send(Node("ib", {"from": SERVER}, first))
        for rank, node in enumerate(queue):
            node.attrs["offline"] = str(rank)
            await self.deliver(node)
        last = [Node("ib", {"from": SERVER}, [Node("offline", {"count": str(len(queue))})]),
                Node("ib", {"from": SERVER}, [Node("dirty", {"type": "account_sync", "timestamp": attrs["t"]})])]
        if self.settings.edge_routing:
            info = random_bytes(12)
            device.routing_info = info.hex()
            last.append(Node("ib", {"from": SERVER}, [Node("edge_routing", {}, [Node("routing_info", {}, info)])]))
        self.simulator.accounts.save()
        await self.connection.send(*last)

    async def _ping_client(self) -> None:
        while not self.connection.closed:
            await asyncio.sleep(self.settings.server_ping_seconds)
            await self.ping()

    async def ping(self) -> None:
        """A server ping; the answer is checked and becomes the event ``pong`` (§5.2)."""
        await self.ask(Node("iq", {"from": SERVER, "type": "get", "xmlns": "urn:xmpp:ping"}), self._ponged)

    async def _ponged(self, node: Node) -> None:
        self.connection.require(node.attr("type") == "result", "§5.2", "a server ping was answered with an error")
        self.connection.event("pong")


def _count(nodes: list[Node], tag: str) -> str:
    return str(sum(node.tag == tag for node in nodes))
