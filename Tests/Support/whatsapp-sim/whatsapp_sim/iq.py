"""The iqs of a logged-in client, by (xmlns, type): prekeys are in prekeys.py, the rest here (§5.2, §5.7, §6).

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Awaitable, Callable

from .node import Jid, Node
from .prekeys import PrekeyDesk

if TYPE_CHECKING:
    from .login import LoginSession

Handler = Callable[[Node], Awaitable[None]]


class IqRouter:
    """Answers every iq: a known one properly, an unknown one with error 501 and the event ``iq_unknown``."""

    def __init__(self, session: LoginSession):
        self._session = session
        self.prekeys = PrekeyDesk(session)
        self._table: dict[tuple[str, str], Handler] = {
            ("encrypt", "get"): self.prekeys.get, ("encrypt", "set"): self.prekeys.set,
            ("passive", "set"): self._passive, ("md", "set"): self._remove_device, ("usync", "get"): self._usync,
            ("privacy", "get"): self._privacy, ("privacy", "set"): self._done, ("w:m", "set"): self._media_conn,
            ("urn:xmpp:whatsapp:dirty", "set"): self._done, ("w:sync:app:state", "set"): self._app_state,
            ("w:g2", "get"): self._groups, ("abt", "get"): self._props, ("w", "get"): self._props,
            ("w:stats", "set"): self._done, ("urn:xmpp:whatsapp:push", "get"): self._props,
        }

    @property
    def counted(self) -> bool:
        return self.prekeys.counted

    async def handle(self, iq: Node) -> None:
        handler = self._table.get((iq.attr("xmlns"), iq.attr("type")))
        if handler:
            return await handler(iq)
        self._session.connection.event("iq_unknown", xmlns=iq.attr("xmlns"), type=iq.attr("type"))
        await self._session.reply_error(iq, 501, "feature-not-implemented")

    async def _done(self, iq: Node) -> None:
        await self._session.reply(iq)

    async def _passive(self, iq: Node) -> None:
        active = iq.child("active") is not None
        self._session.connection.require(active or iq.child("passive") is not None, "§5.1",
                                         "passive iq with neither <active/> nor <passive/>")
        await self._session.reply(iq)
        if active:
            await self._session.went_active()

    async def _remove_device(self, iq: Node) -> None:
        session, require = self._session, self._session.connection.require
        removal = iq.child("remove-companion-device")
        if removal is None or session.device is None:
            return await session.reply_error(iq, 404, "item-not-found")
        own = session.simulator.accounts.phone(session.device.number).pn_jid(session.device.device)
        require(removal.attrs.get("jid") == own, "§5.7", f"jid {removal.attr('jid')!r} is not the own AD JID {own}")
        require(removal.attr("reason") == "user_initiated", "§5.7", f"reason {removal.attr('reason')!r}")
        session.connection.event("logged_out", number=own.user, device=own.device)
        await session.reply(iq)
        await session.removed()

    async def _usync(self, iq: Node) -> None:
        query = iq.child("usync") or Node("")
        asked = query.child("query") or Node("")
        users = [self._user(user.attrs.get("jid"), asked) for user in (query.child("list") or Node("")).children]
        attrs = {name: query.attr(name) for name in ("sid", "mode", "last", "index", "context")}
        await self._session.reply(iq, [Node("usync", attrs, [Node("list", {}, users)])])

    def _user(self, jid: object, asked: Node) -> Node:
        phones = self._session.simulator.accounts.phones.values()
        user = jid.user if isinstance(jid, Jid) else ""
        phone = next((phone for phone in phones if user in (phone.number, phone.lid)), None)
        children = []
        if phone and asked.child("devices"):
            devices = [Node("device", {"id": "0"})]
            for key, device in phone.devices.items():
                devices.append(Node("device", {"id": key, "key-index": str(device.key_index)}))
            children.append(Node("devices", {}, [Node("device-list", {"hash": "2:00000000"}, devices)]))
        if phone and asked.child("lid"):
            children.append(Node("lid", {"val": phone.lid_jid()}))
        return Node("user", {"jid": jid} if isinstance(jid, Jid) else {}, children)

    async def _privacy(self, iq: Node) -> None:
        names = ("readreceipts", "profile", "status", "online", "last", "groupadd", "calladd")
        categories = [Node("category", {"name": name, "value": "all"}) for name in names]
        await self._session.reply(iq, [Node("privacy", {}, categories)])

    async def _media_conn(self, iq: Node) -> None:
        host = Node("host", {"hostname": "mmg.whatsapp.net", "type": "primary"})
        attrs = {"auth": "simulated", "ttl": "3600", "auth_ttl": "21600", "max_buckets": "12"}
        await self._session.reply(iq, [Node("media_conn", attrs, [host])])

    async def _app_state(self, iq: Node) -> None:
        wanted = (iq.child("sync") or Node("")).children
        collections = [Node("collection", {
            "name": item.attr("name"), "version": item.attr("version") or "0", "has_more_patches": "false"})
            for item in wanted]
        await self._session.reply(iq, [Node("sync", {}, collections)])

    async def _groups(self, iq: Node) -> None:
        if iq.child("participating"):
            return await self._session.reply(iq, [Node("groups", {}, [])])
        await self._session.reply_error(iq, 404, "item-not-found")

    async def _props(self, iq: Node) -> None:
        await self._session.reply(iq, [Node("props", {"hash": "0"}, [])])
