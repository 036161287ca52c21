"""One websocket: header, handshake, frames, stanzas. What the stanzas mean is the session's matter.

States:  open ──handshake()──▶ talking ──(PairingSession | LoginSession)──▶ closed
Any ``Refused``, bad frame or failed tag leads from every state to closed; ``run`` returns then.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING, Awaitable

from aiohttp import WSMsgType, web

from . import certificate, codec, payload
from .frames import FrameError, FrameReader, frame
from .journal import Refused
from .login import LoginSession
from .node import Node
from .noise import HandshakeError, Outcome, Responder, Transport
from .pairing import PairingSession
from .primitives import InvalidTag, KeyPair, random_bytes
from .session import Session

if TYPE_CHECKING:
    from .simulator import Simulator

HANDSHAKE_SECONDS = 20
"""Real seconds for each handshake message (§1.3)."""
CLOSED = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class Connection:
    """``number`` counts from 1 in a run and names the connection in events, findings and the transcript."""

    def __init__(self, simulator: Simulator, number: int, socket: web.WebSocketResponse, request: web.Request):
        self.simulator, self.number = simulator, number
        self.settings, self.journal, self.clock = simulator.settings, simulator.journal, simulator.clock
        self.session: Session | None = None
        self.client_static = b""
        self.closed = self.ending = False
        self._socket, self._request = socket, request
        self._reader, self._frames = FrameReader(), asyncio.Queue[bytes]()
        self._transport: Transport | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._corrupt_next = False

    @property
    def routing_info(self) -> bytes | None:
        """What came in the edge-routing pre-intro, None without one."""
        return self._reader.routing_info

    async def run(self) -> None:
        """Serves the client until either side closes."""
        try:
            await self._serve()
        except Refused:
            await self._refuse()
        except (FrameError, HandshakeError, codec.CodecError, InvalidTag) as error:
            plain = "§1.2" if isinstance(error, FrameError) else "§1.3"
            clause = "§3" if isinstance(error, codec.CodecError) else plain
            self.journal.finding(clause, str(error) or "AEAD tag does not verify", connection=self.number)
        except ConnectionError:
            pass
        except Exception:
            self.event("simulator_error", traceback=traceback.format_exc())
            raise
        finally:
            await self.close()
            for task in self._tasks:
                task.cancel()
            if self.session:
                self.session.ended()
            self.event("closed")

    async def send(self, *nodes: Node, compress: bool = False) -> None:
        """Sends stanzas, each as one frame; with frames="joined" all of them in one websocket message."""
        wires = []
        for node in nodes:
            self.journal.stanza(self.number, "to_client", node)
            wires.append(self._seal(codec.encode(node, compress)))
        if self.settings.frames == "joined":
            wires = [b"".join(wires)]
        for wire in wires:
            await self._put(wire)

    async def send_plaintext(self, plaintext: bytes) -> None:
        """Sends any bytes as one properly encrypted frame, for tests of the client's decoder."""
        await self._put(self._seal(plaintext))

    def corrupt_next(self) -> None:
        """The next frame's last byte is changed: the client's decryption must fail and it must reconnect (§1.3)."""
        self._corrupt_next = True

    async def close(self, abort: bool = False) -> None:
        """Ends the websocket, with a close frame or (``abort``) by dropping the TCP connection."""
        if self.closed:
            return
        self.closed = self.ending = True
        if abort:
            if self._request.transport:
                self._request.transport.abort()
            return
        try:
            await asyncio.wait_for(self._socket.close(), 2)
        except (TimeoutError, ConnectionError):
            pass

    def close_soon(self) -> None:
        """The last stanza is sent: the client gets ``close_seconds`` to read it and leave, then the socket is closed.

        From here on the connection is ``ending``: nothing the client sends is answered.
        """
        self.ending = True

        async def later() -> None:
            await asyncio.sleep(self.settings.close_seconds)
            await self.close()

        self.spawn(later())

    def spawn(self, work: Awaitable[None]) -> None:
        """Runs ``work`` beside the connection; it is cancelled when the connection ends."""
        task = asyncio.ensure_future(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def event(self, name: str, /, **details: object) -> None:
        self.journal.event(name, connection=self.number, **details)

    def warn(self, good: bool, clause: str, text: str) -> None:
        """Records a warning unless ``good``; never refuses."""
        if not good:
            self.journal.finding(clause, text, "warning", self.number)

    def require(self, good: bool, clause: str, text: str) -> bool:
        """Records a violation unless ``good``; raises ``Refused`` when strict, else returns ``good``."""
        if not good:
            self.journal.finding(clause, text, "violation", self.number)
            if self.settings.strict:
                raise Refused(text)
        return good

    async def _serve(self) -> None:
        outcome = await self._handshake()
        if outcome is None:
            return
        self.client_static, transport = outcome.client_static, outcome.transport
        self._transport = transport
        client = payload.read(outcome.payload)
        kind = "registration" if client.registration else "login"
        self.event("handshake", kind=kind, version=list(client.version), noise=self.client_static.hex(),
                   routing_info=None if self.routing_info is None else self.routing_info.hex())
        for severity, clause, text in client.problems:
            if severity == "violation":
                self.require(False, clause, text)
            else:
                self.warn(False, clause, text)
        self.session = PairingSession(self, client) if client.registration else LoginSession(self, client)
        await self.session.start()
        self.spawn(self.session.watch())
        while not self.closed:
            ciphertext = await self._next_frame(None)
            if ciphertext is None:
                return
            node = codec.decode(transport.decrypt(ciphertext))
            self.journal.stanza(self.number, "from_client", node)
            await self.session.receive(node)

    async def _handshake(self) -> Outcome | None:
        hello = await self._next_frame(HANDSHAKE_SECONDS)
        mode = self.settings.handshake
        if hello is None or mode == "close":
            return None
        if mode == "silent":
            await self._next_frame(None)
            return None
        static = KeyPair.generate()
        responder = Responder(static)
        chain = certificate.chain(self.simulator.root, static.public, self.settings.certificate)
        answer = responder.server_hello(hello, chain)
        if mode == "garbage":
            answer = random_bytes(len(answer))
        if mode == "bad_tag":
            answer = answer[:-1] + bytes([answer[-1] ^ 1])
        await self._put(frame(answer))
        finish = await self._next_frame(HANDSHAKE_SECONDS)
        if finish is None:
            self.event("handshake_abandoned", certificate=self.settings.certificate, handshake=mode)
            return None
        outcome = responder.finish(finish)
        accepted_bad = self.settings.certificate != "valid"
        self.require(not accepted_bad, "§1.4", f"the client accepted a certificate of form {self.settings.certificate}")
        return outcome

    async def _next_frame(self, seconds: float | None) -> bytes | None:
        """The next frame, or None when the client closed; ``HandshakeError`` after ``seconds`` without one."""
        while self._frames.empty():
            try:
                message = await asyncio.wait_for(self._socket.receive(), seconds)
            except TimeoutError:
                raise HandshakeError(f"no handshake message within {seconds} s") from None
            if message.type in CLOSED:
                return None
            if message.type is not WSMsgType.BINARY:
                raise FrameError(f"a websocket message of type {message.type.name}, only binary is allowed")
            for whole in self._reader.push(message.data):
                self._frames.put_nowait(whole)
            if self.session:
                self.session.alive()
        return self._frames.get_nowait()

    def _seal(self, plaintext: bytes) -> bytes:
        if self._transport is None:
            raise ConnectionError("the handshake is not done yet")
        sealed = self._transport.encrypt(plaintext)
        if self._corrupt_next:
            self._corrupt_next = False
            sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        return frame(sealed)

    async def _put(self, wire: bytes) -> None:
        pieces = {"split": [wire[:2], wire[2:len(wire) // 2 + 2], wire[len(wire) // 2 + 2:]],
                  "bytes": [wire[i:i + 1] for i in range(len(wire))]}.get(self.settings.frames, [wire])
        for piece in pieces:
            if piece and not self.closed:
                await self._socket.send_bytes(piece)

    async def _refuse(self) -> None:
        """A stream error where the client can read one, then the end."""
        if self._transport is not None and not self.closed:
            try:
                await self.send(Node("stream:error", {}, [Node("xml-not-well-formed")]))
                self.ending = True
                await asyncio.sleep(self.settings.close_seconds)
            except ConnectionError:
                pass
        self.event("refused")
        await self.close()

    async def _guard(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Refused:
            await self._refuse()
        except ConnectionError:
            pass
        except Exception:
            self.event("simulator_error", traceback=traceback.format_exc())
            raise
