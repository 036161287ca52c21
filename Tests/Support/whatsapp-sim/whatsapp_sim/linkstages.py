"""Phone-number pairing on the wire (§4.5): companion_hello, the typed code, companion_finish.

    idle ──companion_hello──▶ shown ──typed()──▶ exchanging ──companion_finish──▶ (pair-success, or wrong code)

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from . import linkcode
from .accounts import Phone
from .node import Jid, Node
from .primitives import random_bytes

if TYPE_CHECKING:
    from .pairing import PairingSession

REG = "link_code_companion_reg"
WRAPPED_COMPANION = "link_code_pairing_wrapped_companion_ephemeral_pub"


class LinkCodeStages:
    """The link-code attempt of one unpaired stream; ``number`` is whose phone was named, "" before the hello."""

    def __init__(self, session: PairingSession):
        self._session = session
        self.number = ""
        self._ref, self._wrapped = "", b""
        self._phone: Phone | None = None
        self._exchange: linkcode.Exchange | None = None

    async def handle(self, iq: Node) -> None:
        """Both iqs of the companion, by their stage."""
        stage = (iq.child(REG) or Node("")).attr("stage")
        if stage == "companion_hello":
            await self._hello(iq)
        elif stage == "companion_finish":
            await self._finish(iq)
        else:
            self._session.connection.require(False, "§4.5", f"stage {stage!r}")

    async def typed(self, phone: Phone, code: str) -> None:
        """The phone's user typed ``code``; ``CodeError`` when nothing waits for this phone or the text is no code."""
        if self.number != phone.number:
            raise linkcode.CodeError(f"no companion waits for a code on {phone.number}")
        self._phone = phone
        self._exchange = linkcode.Exchange.start(phone.key, code, self._wrapped)
        await self._session.deliver(self._session.notification(REG, [Node(REG, {"stage": "primary_hello"}, [
            Node("link_code_pairing_ref", {}, self._ref.encode()),
            Node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, self._exchange.wrapped_primary),
            Node("primary_identity_pub", {}, phone.key.public)])]))
        self._session.connection.event("code_entered", number=phone.number)

    async def order_new_code(self) -> None:
        """stage="refresh_code": the companion must show a new code (§4.5)."""
        attrs = {"stage": "refresh_code", "force_manual_refresh": "true"}
        child = Node(REG, attrs, [Node("link_code_pairing_ref", {}, self._ref.encode())])
        await self._session.deliver(self._session.notification(REG, [child]))
        self._session.connection.event("code_refresh_sent")

    async def _hello(self, iq: Node) -> None:
        session, require = self._session, self._session.connection.require
        reg = iq.child(REG) or Node("")
        require(session.refs_acked, "§4.5", "companion_hello before pair-device was answered")
        require(iq.attr("type") == "set", "§4.5", f"companion_hello as iq {iq.attr('type')!r}")
        jid = reg.attrs.get("jid")
        good_jid = isinstance(jid, Jid) and jid.server == "s.whatsapp.net" and jid.device == 0
        require(good_jid, "§4.5", f"jid {reg.attr('jid')!r} is not PN@s.whatsapp.net")
        user = jid.user if isinstance(jid, Jid) else ""
        require(user.isdigit() and len(user) > 6 and not user.startswith("0"), "§4.5",
                f"number {user!r}: digits only, international, more than 6, no leading 0")
        require(reg.attr("should_show_push_notification") in ("true", "false"), "§4.5",
                "should_show_push_notification is missing")
        wrapped = self._bytes(reg, WRAPPED_COMPANION, linkcode.WRAPPED_BYTES)
        server_auth = self._bytes(reg, "companion_server_auth_key_pub", 32)
        require(server_auth == session.connection.client_static, "§4.5",
                "companion_server_auth_key_pub is not the noise key of this stream")
        require(self._text(reg, "companion_platform_id") not in ("", "0"), "§4.5", "companion_platform_id is 0 or \"\"")
        require(reg.child("link_code_pairing_nonce") is not None, "§4.5", "link_code_pairing_nonce is missing")
        if code := session.settings.link_code_error:
            session.connection.event("link_code_error_sent", code=code)
            return await session.reply_error(iq, code, {429: "rate-overlimit"}.get(code, "bad-request"))
        display = self._text(reg, "companion_platform_display")
        if not linkcode.DISPLAY_NAME.fullmatch(display):
            session.connection.journal.finding(
                "§4.5", f"companion_platform_display {display!r} is not 'Browser (OS)'",
                connection=session.connection.number)
            return await session.reply_error(iq, 400, "bad-request")
        self.number, self._wrapped, self._exchange = user, wrapped, None
        self._ref = "3@" + base64.b64encode(random_bytes(30)).decode()
        ref = Node("link_code_pairing_ref", {}, self._ref.encode())
        await session.reply(iq, [Node(REG, {"stage": "companion_hello"}, [ref])])
        session.connection.event("link_code_hello", number=user, display=display)

    async def _finish(self, iq: Node) -> None:
        session, require = self._session, self._session.connection.require
        reg = iq.child(REG) or Node("")
        if not require(self._exchange is not None, "§4.5", "companion_finish before the code was typed"):
            return
        assert self._exchange and self._phone
        require(reg.attr("jid") == str(self._phone.pn_jid()), "§4.5", f"jid {reg.attr('jid')!r} in companion_finish")
        ref = reg.child("link_code_pairing_ref")
        require(ref is not None and ref.data() == self._ref.encode(), "§4.5", "another link_code_pairing_ref")
        identity = self._bytes(reg, "companion_identity_public", 32)
        require(identity == session.registration.identity, "§4.5",
                "companion_identity_public is not the identity of the registration")
        bundle = (reg.child("link_code_pairing_wrapped_key_bundle") or Node("")).data()
        exchange, self._exchange = self._exchange, None
        try:
            secret = exchange.finish(bundle, identity)
        except linkcode.CodeError as error:
            session.connection.event("code_wrong", text=str(error))
            return await session.reply_error(iq, 400, "bad-request")
        await session.reply(iq)
        session.connection.event("link_code_finish", number=self._phone.number)
        await session.scanned(self._phone, secret)

    def _bytes(self, reg: Node, tag: str, size: int) -> bytes:
        data = (reg.child(tag) or Node("")).data()
        self._session.connection.require(len(data) == size, "§4.5", f"{tag}: {len(data)} bytes instead of {size}")
        return data

    @staticmethod
    def _text(reg: Node, tag: str) -> str:
        return (reg.child(tag) or Node("")).data().decode(errors="replace")
