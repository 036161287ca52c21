"""What paired and unpaired streams have in common: ids, server iqs, acks, keepalive, deadlines, stream ends (§5).

A session is given stanzas by its ``Connection`` one after another; ``handle_iq`` and ``handle_other``
are the subclass's.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Awaitable, Callable

from .node import SERVER, Jid, Node

if TYPE_CHECKING:
    from .connection import Connection

ACKED = ("message", "receipt", "notification", "call")
COPIED = ("participant", "recipient")
Answer = Callable[[Node], Awaitable[None]]


class Session:
    """Base of ``PairingSession`` and ``LoginSession``."""

    def __init__(self, connection: Connection):
        self.connection = connection
        self.settings, self.clock, self.simulator = connection.settings, connection.clock, connection.simulator
        self.pings = 0
        self._sent, self._last_alive = 0, time.monotonic()
        self._seen_ids: set[str] = set()
        self._waiting: dict[str, tuple[float, Answer]] = {}
        self._unacked: dict[str, tuple[float, Node]] = {}

    async def start(self) -> None:
        raise NotImplementedError

    async def handle_iq(self, node: Node) -> None:
        raise NotImplementedError

    async def handle_other(self, node: Node) -> None:
        raise NotImplementedError

    def undelivered(self, node: Node) -> None:
        """A delivered stanza was not acked in time; a login queues it again."""

    def alive(self) -> None:
        """Bytes came: any received frame counts as life (§5.4)."""
        self._last_alive = time.monotonic()

    def next_id(self) -> str:
        self._sent += 1
        return f"{self.clock.unix()}-{self._sent}"

    async def receive(self, node: Node) -> None:
        """One stanza from the client."""
        if self.settings.mute or self.connection.ending:
            return
        if node.tag == "iq" and node.attr("type") in ("result", "error"):
            await self._answered(node)
        elif node.tag == "iq":
            self._check_request(node)
            if node.attr("xmlns") == "w:p" and node.attr("type") == "get":
                await self._pong(node)
            else:
                await self.handle_iq(node)
        elif node.tag == "ack":
            self._acked(node)
        elif node.tag == "xmlstreamend":
            self.connection.event("client_stream_end")
        else:
            if node.tag == "receipt":
                self._receipted(node)
            await self.handle_other(node)

    async def ask(self, iq: Node, then: Answer) -> str:
        """Sends a server iq (its id is put in); ``then`` gets the client's result or error. Returns the id."""
        identifier = self.next_id()
        iq.attrs["id"] = identifier
        self._waiting[identifier] = (time.monotonic(), then)
        await self.connection.send(iq)
        return identifier

    async def deliver(self, node: Node) -> str:
        """Sends a stanza that the client must ack or, for a message, receipt (§5.5). Returns its id."""
        node.attrs.setdefault("id", self.next_id())
        if node.tag in ACKED:
            self._unacked[node.attr("id")] = (time.monotonic(), node)
        await self.connection.send(node)
        return node.attr("id")

    async def reply(self, request: Node, children: list[Node] | None = None, **attrs: str) -> None:
        """The result of a client's iq."""
        head = {"from": request.attrs.get("to", SERVER), "id": request.attr("id"), "type": "result", **attrs}
        await self.connection.send(Node("iq", head, children))

    async def reply_error(self, request: Node, code: int, text: str) -> None:
        error = Node("error", {"code": str(code), "text": text})
        await self.connection.send(
            Node("iq", {"from": request.attrs.get("to", SERVER), "id": request.attr("id"), "type": "error"}, [error]))

    async def stream_error(self, *children: Node, code: int | None = None, close: bool = True) -> None:
        """``<stream:error>`` and, as the server does, the end of the stream (§5.6)."""
        await self.connection.send(Node("stream:error", {"code": str(code)} if code else {}, list(children) or None))
        self.connection.event("stream_error_sent", code=code, children=[child.tag for child in children])
        if close:
            self.connection.close_soon()

    async def failure(self, reason: int, **attrs: str) -> None:
        """``<failure>`` in place of ``<success>`` or refs, then the end (§5.6)."""
        self.connection.event("failure_sent", reason=reason)
        await self.connection.send(Node("failure", {"reason": str(reason), "location": "frc", **attrs}))
        self.connection.close_soon()

    def notification(self, kind: str, children: list[Node]) -> Node:
        return Node("notification", {"from": SERVER, "type": kind, "t": str(self.clock.unix())}, children)

    async def watch(self) -> None:
        """Looks every second (real) at the client's deadlines: answers, acks, signs of life."""
        reported = False
        while not self.connection.ending:
            await asyncio.sleep(1)
            now, limit = time.monotonic(), self.settings.answer_seconds
            for identifier, (sent, _) in list(self._waiting.items()):
                if now - sent > limit:
                    del self._waiting[identifier]
                    self.connection.warn(False, "§5.2", f"server iq {identifier} was not answered within {limit:g} s")
            for identifier, (sent, node) in list(self._unacked.items()):
                if now - sent > limit:
                    del self._unacked[identifier]
                    self.undelivered(node)
                    self.connection.warn(False, "§5.5", f"<{node.tag}> {identifier} was not acked within {limit:g} s")
            if now - self._last_alive > self.settings.keepalive_seconds and not reported:
                reported = True
                self.connection.warn(False, "§5.4", f"no frame for {self.settings.keepalive_seconds:g} s")

    def ended(self) -> None:
        """The connection is over: what was not acked is undelivered."""
        for _, node in self._unacked.values():
            self.undelivered(node)
        self._unacked.clear()

    def _check_request(self, node: Node) -> None:
        require, identifier = self.connection.require, node.attr("id")
        require(bool(identifier), "§5.2", f"iq {node.attr('xmlns')} without an id")
        require(identifier not in self._seen_ids, "§3", f"iq id {identifier} used twice")
        self._seen_ids.add(identifier)
        require(node.attr("type") in ("get", "set"), "§5.2", f"iq type {node.attr('type')!r}")
        require(bool(node.attr("xmlns")), "§5.2", "iq request without xmlns")
        require(isinstance(node.attrs.get("to"), Jid), "§3",
                f"iq 'to' {node.attr('to')!r} is not written as a JID (the server is JID_PAIR with an empty user)")

    async def _answered(self, node: Node) -> None:
        self.connection.require(node.attrs.get("to") == SERVER, "§3",
                                f"iq answer 'to' {node.attrs.get('to')!r} is not the server as JID_PAIR without user")
        waiting = self._waiting.pop(node.attr("id"), None)
        if waiting is None:
            self.connection.warn(False, "§5.2", f"an iq answer with an id nobody waits for: {node.attr('id')!r}")
            return
        await waiting[1](node)

    async def _pong(self, node: Node) -> None:
        self.pings += 1
        self.connection.event("ping", count=self.pings)
        self.connection.require(node.attrs.get("to") == SERVER, "§5.4", "keepalive not addressed to the server")
        if self.settings.answer_pings:
            await self.reply(node, t=str(self.clock.unix()))

    def _acked(self, node: Node) -> None:
        waiting = self._unacked.pop(node.attr("id"), None)
        if waiting is None:
            self.connection.warn(False, "§5.5", f"ack for {node.attr('id')!r}, which was not sent or is acked already")
            return
        sent, require = waiting[1], self.connection.require
        require(node.attr("class") == sent.tag, "§5.5", f"ack class {node.attr('class')!r} instead of {sent.tag!r}")
        require(node.attrs.get("to") == sent.attrs.get("from"), "§5.5",
                f"ack to {node.attr('to')!r} instead of {sent.attr('from')!r}")
        for name in COPIED:
            require(node.attr(name) == sent.attr(name), "§5.5",
                    f"ack {name} {node.attr(name)!r} instead of {sent.attr(name)!r}")
        if sent.tag != "message":
            require(node.attr("type") == sent.attr("type"), "§5.5",
                    f"ack type {node.attr('type')!r} instead of {sent.attr('type')!r}")
        self.connection.event("acked", tag=sent.tag, id=sent.attr("id"), error=node.attr("error"))

    def _receipted(self, node: Node) -> None:
        waiting = self._unacked.get(node.attr("id"))
        if waiting and waiting[1].tag == "message" and node.attr("type") != "retry":
            del self._unacked[node.attr("id")]
            self.connection.event("receipted", id=node.attr("id"), type=node.attr("type"))
