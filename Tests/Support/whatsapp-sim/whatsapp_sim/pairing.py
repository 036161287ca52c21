"""An unpaired stream (§4): refs and their clock, the scan, pair-success and the check of its answer, refresh, passkey.

    refs ──scan() | code_finished()──▶ offered ──answer good──▶ linked ──515──▶ (closed)
     │                                    └──iq error──▶ refused (the client must leave)
     └──last ref's time──▶ expired ──▶ (closed)

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

from . import adv
from .accounts import Device, Phone
from .linkstages import LinkCodeStages
from .node import SERVER, Node
from .payload import SUBPLATFORMS_CLOSED, ClientPayload
from .primitives import random_bytes
from .session import Session

if TYPE_CHECKING:
    from .connection import Connection

LEAVE_SECONDS = 5
"""Real seconds for a client that refused a pair-success to disconnect (§4.4)."""


class PairingSession(Session):
    """``state`` is refs, offered, linked, refused or expired."""

    def __init__(self, connection: Connection, client: ClientPayload):
        super().__init__(connection)
        assert client.registration is not None
        self.client, self.registration = client, client.registration
        self.state = "refs"
        self.refs: list[str] = []
        self.refs_at = 0.0
        self.refs_acked = False
        self.seen_secrets: set[bytes] = set()
        self.dead_secrets: set[bytes] = set()
        self.refreshes = 0
        self.code = LinkCodeStages(self)
        self._offer: adv.Offer | None = None
        self._device: Device | None = None

    async def start(self) -> None:
        if failure := self.simulator.take_failure("registration", self.client.version):
            return await self.failure(failure[0], **failure[1])
        if self.client.sub_platform in SUBPLATFORMS_CLOSED:
            self.connection.warn(False, "§2", f"registration as webSubPlatform {self.client.sub_platform} is closed")
            return await self.failure(428)
        self.connection.warn(self.connection.client_static not in self.simulator.refused_keys, "§4.4",
                             "after a refused pair-success the client came back with the same noise key")
        wiped = self.simulator.wiped.get(self.connection.client_static)
        self.connection.warn(wiped is None, "§5.6", f"credentials are used again that {wiped} ordered to be deleted")
        self.connection.event("registered", name=self.registration.name, platform_type=self.registration.platform_type,
                              identity=self.registration.identity.hex())
        self.refs = ["2@" + base64.b64encode(random_bytes(63)).decode() for _ in range(self.settings.refs)]
        self.refs_at = self.clock.now()
        nodes = [Node("ref", {}, ref.encode()) for ref in self.refs]
        iq = Node("iq", {"from": SERVER, "type": "set", "xmlns": "md"}, [Node("pair-device", {}, nodes)])
        await self.ask(iq, self._refs_answered)
        self.connection.event("refs_sent", count=len(self.refs), seconds=self.settings.ref_times())
        self.connection.spawn(self._run_out())

    def window(self, index: int) -> tuple[float, float]:
        """When ref ``index`` is to be shown, as simulated seconds since the refs were sent: [from, to)."""
        times = self.settings.ref_times()
        return sum(times[:index]), sum(times[:index + 1])

    def age(self) -> float:
        return self.clock.now() - self.refs_at

    async def scanned(self, phone: Phone, adv_secret: bytes) -> None:
        """The phone confirmed a code; what follows is the setting ``on_scan``."""
        self.seen_secrets.add(adv_secret)
        what = self.settings.on_scan
        if what == "refresh" and self.refreshes == 0:
            await self.refresh(self.settings.refresh_form)
        elif what == "passkey":
            await self.passkey()
        elif what == "downgrade":
            await self.connection.send(Node("ib", {"from": SERVER}, [Node("downgrade_webclient")]))
        elif what != "nothing":
            await self.offer(phone, adv_secret)

    async def offer(self, phone: Phone, adv_secret: bytes) -> None:
        """Sends pair-success in the form that the settings name."""
        form = self.settings.pair_success
        number, key_index = self.simulator.accounts.reserve(phone)
        registration = self.registration
        self._offer = adv.offer(phone.key, registration.identity, adv_secret, phone.raw_id, self.clock.unix(),
                                key_index, form)
        self._device = Device(
            phone.number, number, self.connection.client_static.hex(), registration.identity.hex(),
            registration.registration_id, registration.signed_prekey_id, registration.signed_prekey.hex(), key_index,
            registration.name)
        self.state = "offered"
        await self.ask(self._success(phone), self._success_answered)
        self.connection.event("pair_success_sent", form=form, number=phone.number, device=number)

    async def refresh(self, form: str) -> None:
        """Orders a new ADV secret (§4.3). Every secret scanned so far is dead, unless the order is malformed."""
        self.refreshes += 1
        if form == "malformed":
            note = self.notification("companion_reg_refresh", [Node("something-else")])
        else:
            note = self.notification("companion_reg_refresh", [Node(form)])
            self.dead_secrets |= self.seen_secrets
        await self.deliver(note)
        self.connection.event("refresh_sent", form=form)

    async def passkey(self) -> None:
        """The passkey gate (§4.6): what the server sends in place of pair-success."""
        options = b'{"challenge":"AAAA","rpId":"whatsapp.com","userVerification":"required","timeout":60000}'
        await self.deliver(self.notification(
            "passkey_prologue_request", [Node("passkey_request_options", {}, options)]))
        self.connection.event("passkey_sent")

    async def handle_iq(self, node: Node) -> None:
        if node.attr("xmlns") == "md" and node.child("link_code_companion_reg"):
            await self.code.handle(node)
            return
        self.connection.require(node.attr("xmlns") == "md", "§4", f"iq {node.attr('xmlns')!r} on an unpaired stream")
        await self.reply_error(node, 404, "item-not-found")

    async def handle_other(self, node: Node) -> None:
        # Telemetry may follow pair-device-sign at once, before 515 has arrived (§5.1 step 5; whatsmeow does it).
        early = node.tag == "ib" and self.state == "linked"
        self.connection.require(early, "§4", f"<{node.tag}> on an unpaired stream")

    def _success(self, phone: Phone) -> Node:
        assert self._offer and self._device
        form, device = self.settings.pair_success, self._device.device
        children = [Node("device-identity", {}, self._offer.blob)] if form != "missing_identity" else []
        if phone.business_name:
            children.append(Node("biz", {"name": phone.business_name}))
        if form != "missing_device":
            children.append(Node("device", {"jid": phone.pn_jid(device), "lid": phone.lid_jid(device)}))
        children.append(Node("platform", {"name": phone.platform}))
        return Node("iq", {"from": SERVER, "type": "set", "t": str(self.clock.unix())},
                    [Node("pair-success", {}, children)])

    async def _refs_answered(self, node: Node) -> None:
        self.connection.require(node.attr("type") == "result", "§4.1", "pair-device was answered with an error")
        self.connection.require(not node.children, "§4.1", "the answer to pair-device has children")
        self.refs_acked = True
        self.connection.event("refs_acked")

    async def _success_answered(self, node: Node) -> None:
        form = self.settings.pair_success
        expected = adv.EXPECTED_ERRORS.get(form)
        if node.attr("type") == "error":
            error = node.child("error") or Node("error")
            got = (int(error.attr("code") or 0), error.attr("text"))
            self.connection.event("pair_refused", code=got[0], text=got[1], form=form)
            self.connection.require(expected is not None, "§4.4", f"a good pair-success was refused: {got}")
            self.connection.require(got == expected, "§4.4", f"refused with {got} instead of {expected}")
            self.state = "refused"
            self.simulator.refused_keys.add(self.connection.client_static)
            self.connection.spawn(self._must_leave())
            return
        self.connection.require(expected is None, "§4.4", f"the client accepted a pair-success of form {form}")
        await self._check_sign(node)

    async def _check_sign(self, node: Node) -> None:
        assert self._offer and self._device
        sign = node.child("pair-device-sign") or Node("")
        identity = sign.child("device-identity")
        self.connection.require(identity is not None, "§4.4 step 6", "no pair-device-sign/device-identity")
        if identity is None:
            return
        for severity, clause, text in adv.answer_problems(self._offer, identity.data(), identity.attr("key-index")):
            if severity == "violation":
                self.connection.require(False, clause, text)
            self.connection.warn(severity == "violation", clause, text)
        self.state = "linked"
        self.simulator.accounts.link(self._device)
        self.connection.event("linked", number=self._device.number, device=self._device.device, name=self._device.name)
        after = self.settings.after_pair
        if after == "duplicate":
            await self.ask(self._success(self.simulator.accounts.phone(self._device.number)), self._duplicate_answered)
        if after in ("restart", "duplicate"):
            await self.stream_error(code=515)
        elif after == "close":
            self.connection.close_soon()

    async def _duplicate_answered(self, node: Node) -> None:
        self.connection.warn(False, "§4.7", f"a duplicate pair-success was answered with {node.attr('type')}")

    async def _must_leave(self) -> None:
        await asyncio.sleep(LEAVE_SECONDS)
        if not self.connection.closed:
            self.connection.warn(False, "§4.4", "the client did not disconnect after it refused pair-success")

    async def _run_out(self) -> None:
        """Marks each rotation and, when the last ref's time is over, ends the stream (§4.3)."""
        for index, seconds in enumerate(self.settings.ref_times()):
            self.connection.event("ref_window", index=index, seconds=seconds)
            await self.clock.sleep_until(self.refs_at + self.window(index)[1])
        await self.clock.sleep_until(self.refs_at + sum(self.settings.ref_times()) + self.settings.ref_grace)
        if self.state != "refs":
            return
        self.state = "expired"
        self.connection.event("expired")
        if self.settings.on_expiry == "end":
            await self.connection.send(Node("xmlstreamend"))
            self.connection.close_soon()
        elif self.settings.on_expiry == "close":
            await self.connection.close()
