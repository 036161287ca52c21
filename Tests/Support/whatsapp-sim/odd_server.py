"""A second server, for checking that a client reads the protocol page and not our simulator: it differs in every permitted way.

Texts are never tokens, lists always 16 bits wide, addresses are plain text, every frame is compressed and cut at odd places, several
frames share a message; stanzas carry attributes and children that nobody knows; optional parts are missing; pushes come between a
request and its answer, and answers in another order than the questions. It shares the primitives with the simulator, not its sessions.

    odd_server.py          prints {"event": "listening", "ws", "control", "root_key"} and runs until SIGTERM
    POST /do/scan {"qr"}   the phone scans; POST /do/state: {"online", "problems", "acked", "answers"}

SPDX-License-Identifier: Apache-2.0
"""

import asyncio
import base64
import json
import random
import signal
import sys
import time
import zlib
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

sys.path.insert(0, str(Path(__file__).parent))

from whatsapp_sim import adv, certificate, codec, payload  # noqa: E402
from whatsapp_sim.frames import FrameReader, frame  # noqa: E402
from whatsapp_sim.node import Node  # noqa: E402
from whatsapp_sim.noise import Responder  # noqa: E402
from whatsapp_sim.primitives import KeyPair, random_bytes  # noqa: E402

SERVER = "s.whatsapp.net"
USER, DEVICE = "15550000009", 4


def binary(data: bytes) -> bytes:
    return b"\xfd" + len(data).to_bytes(3, "big") + data


def encode(node: Node) -> bytes:
    """The form of §3 that our encoders never write: 16-bit lists, raw texts, addresses as text."""
    attrs = list(node.attrs.items())
    random.shuffle(attrs)
    size = 1 + 2 * len(attrs) + (node.content is not None)
    out = b"\xf9" + size.to_bytes(2, "big") + binary(node.tag.encode())
    for name, value in attrs:
        out += binary(name.encode()) + binary(str(value).encode())
    if isinstance(node.content, list):
        out += b"\xf9" + len(node.content).to_bytes(2, "big") + b"".join(encode(child) for child in node.content)
    elif node.content is not None:
        out += binary(node.content if isinstance(node.content, bytes) else node.content.encode())
    return out


def strange(node: Node) -> Node:
    """The same stanza with what a later version of the server might add."""
    node.attrs |= {"verified_level": "unknown", "x-new": "1"}
    if isinstance(node.content, list):
        node.content = [*node.content, Node("later_addition", {"v": "2"}, [Node("inner", {}, b"\x00\xff")])]
    return node


class Server:
    def __init__(self) -> None:
        self.root, self.account = KeyPair.generate(), KeyPair.generate()
        self.noise: bytes | None = None
        self.online = False
        self.problems: list[str] = []
        self.acked: set[str] = set()
        self.answers: dict[str, str] = {}
        self.stream: "Stream | None" = None

    async def accept(self, request: web.Request) -> web.WebSocketResponse:
        if request.headers.get("Origin") != "https://web.whatsapp.com":
            self.problems.append(f"Origin {request.headers.get('Origin')!r}")
        socket = web.WebSocketResponse(compress=False, max_msg_size=16 << 20)
        await socket.prepare(request)
        self.stream = Stream(self, socket)
        await self.stream.run()
        return socket


class Stream:
    """One connection, unpaired or logged in by what its payload says."""

    def __init__(self, server: Server, socket: web.WebSocketResponse):
        self.server, self.socket = server, socket
        self.reader, self.queue = FrameReader(), asyncio.Queue()
        self.registration: Any = None
        self.offer: adv.Offer | None = None
        self.numbers = 0
        self.pending: list[bytes] = []

    async def run(self) -> None:
        pump = asyncio.ensure_future(self._pump())
        static = KeyPair.generate()
        responder = Responder(static)
        hello = responder.server_hello(await self.queue.get(), certificate.chain(self.server.root, static.public))
        # Fields of a later version behind ours: serverHello is field 3; 4 and 5 inside it, and 9 beside it.
        hello += b"\x4a\x02hi"
        await self._pieces(frame(hello))
        outcome = responder.finish(await self.queue.get())
        self.transport = outcome.transport
        client = payload.read(outcome.payload)
        self.registration = client.registration
        self.server.problems += [text for severity, _, text in client.problems if severity == "violation"]
        await (self._unpaired() if client.registration else self._login(client, outcome.client_static))
        self.client_static = outcome.client_static
        while (ciphertext := await self.queue.get()) is not None:
            await self._take(codec.decode(self.transport.decrypt(ciphertext)))
        pump.cancel()

    async def _pump(self) -> None:
        async for message in self.socket:
            if message.type is WSMsgType.BINARY:
                for whole in self.reader.push(message.data):
                    self.queue.put_nowait(whole)
        self.queue.put_nowait(None)

    async def _pieces(self, wire: bytes) -> None:
        """Odd cuts: one byte, then the middle, then the rest."""
        for piece in (wire[:1], wire[1:4], wire[4:len(wire) // 3 + 4], wire[len(wire) // 3 + 4:]):
            if piece and not self.socket.closed:
                await self.socket.send_bytes(piece)

    async def send(self, *nodes: Node) -> None:
        """All of them in one websocket stream of pieces, compressed, with a flag byte whose other bits are set."""
        wire = b"".join(frame(self.transport.encrypt(b"\x02" + zlib.compress(encode(strange(node)), 1))) for node in nodes)
        await self._pieces(wire)

    def ask(self, kind: str, content: list[Node] | None, **attrs: str) -> Node:
        self.numbers += 1
        return Node("iq", {"id": f"SRV:{self.numbers}/é", "type": kind, "from": SERVER, **attrs}, content)

    async def _unpaired(self) -> None:
        # A ping, routing and a question come before the references; the references before any answer.
        self.refs = [f"2@odd{number}{base64.b64encode(random_bytes(20)).decode()}" for number in range(4)]
        await self.send(
            self.ask("get", None, xmlns="urn:xmpp:ping"),
            Node("ib", {}, [Node("edge_routing", {}, [Node("routing_info", {}, b"\x08\x0c")]), Node("dirty", {"type": "groups"})]),
            self.ask("get", [Node("what_is_your_name")], xmlns="later"),
            self.ask("set", [Node("pair-device", {}, [Node("ref", {}, ref) for ref in self.refs])]))
        await self.send(Node("notification", {"id": "n-account", "type": "account_sync", "from": SERVER}, []))

    async def scan(self, qr: str) -> None:
        fields = qr.partition("#")[2].split(",")
        if len(fields) != 5 or fields[0] not in self.refs:
            raise ValueError("not the code of this stream")
        secret = base64.b64decode(fields[3])
        self.offer = adv.offer(self.server.account, self.registration.identity, secret, 5, int(time.time()), 9)
        self.server.noise = base64.b64decode(fields[1])
        # No t, no biz, no platform, no lid; the agent part in the address.
        await self.send(self.ask("set", [Node("pair-success", {}, [
            Node("device", {"jid": f"{USER}.0:{DEVICE}@{SERVER}"}), Node("device-identity", {}, self.offer.blob)])]))

    async def _login(self, client: Any, static: bytes) -> None:
        if static != self.server.noise or str(client.username) != USER or client.device != DEVICE:
            self.server.problems.append("another device logs in than was linked")
        # Success without lid, and what belongs behind it in front of it.
        await self.send(
            Node("ib", {"from": SERVER}, [Node("offline_preview", {"count": "3", "message": "1"})]),
            Node("success", {"t": str(int(time.time()) + 7)}),
            Node("message", {"id": "M1", "from": "100000000000009:2@lid", "participant": "15550000008@s.whatsapp.net", "recipient": "1@lid",
                             "type": "text", "offline": "1", "t": "1"}, [Node("enc", {"v": "2", "type": "msg"}, b"\x33")]),
            Node("receipt", {"id": "R1", "from": "15550000008@s.whatsapp.net", "type": "read", "offline": "2"}),
            Node("call", {"id": "C1", "from": "15550000008@s.whatsapp.net"}, [Node("offer", {"call-id": "c"})]),
            Node("notification", {"id": "N1", "from": SERVER, "type": "made_up_in_2031"}),
            Node("presence", {"from": "15550000008@s.whatsapp.net", "type": "unavailable"}),
            Node("chatstate", {"from": "15550000008@s.whatsapp.net"}, [Node("composing")]),
            Node("ib", {"from": SERVER}, [Node("offline", {"count": "3"})]),
            self.ask("get", [Node("ping")], xmlns="w:p"), self.ask("get", None, xmlns="urn:xmpp:ping"),
            self.ask("get", [Node("mystery")], xmlns="later"), self.ask("set", [Node("mystery")], xmlns="later"))

    async def _take(self, node: Node) -> None:
        kind = node.attr("type")
        if node.tag == "ack":
            self.server.acked.add(f"{node.attr('class')} {node.attr('id')} {node.attr('to')} {node.attr('type')}"
                                  f" {node.attr('participant')}".strip())
        elif node.tag == "iq" and kind in ("result", "error"):
            self.server.answers[node.attr("id")] = kind
            if sign := node.child("pair-device-sign"):
                await self._signed(sign)
        elif node.tag == "iq":
            await self._request(node)

    async def _signed(self, sign: Node) -> None:
        identity = sign.child("device-identity") or Node("")
        assert self.offer
        self.server.problems += [text for _, _, text in adv.answer_problems(self.offer, identity.data(), identity.attr("key-index"))]
        await self.send(Node("stream:error", {"code": "515"}, [Node("conflict", {"type": "none"})]))

    async def _request(self, node: Node) -> None:
        answer = Node("iq", {"id": node.attr("id"), "type": "result"}, None)
        if node.child("count"):
            # The answer comes late, behind pushes.
            await self.send(Node("notification", {"id": "N2", "from": SERVER, "type": "server_sync"}, []))
            await asyncio.sleep(0.2)
            answer.content = [Node("count", {"value": "0"})]
        if node.child("active"):
            self.server.online = True
            await self.send(Node("ib", {}, [Node("thread_metadata")]), answer, Node("ib", {}, [Node("later_news")]))
            return
        await self.send(answer)


async def main() -> None:
    server = Server()

    async def act(request: web.Request) -> web.Response:
        arguments = await request.json() if request.can_read_body else {}
        try:
            if request.match_info["name"] == "scan" and server.stream:
                await server.stream.scan(arguments["qr"])
            return web.json_response({"ok": True, "online": server.online, "problems": server.problems,
                                      "acked": sorted(server.acked), "answers": server.answers})
        except (ValueError, KeyError, AttributeError) as error:
            return web.json_response({"ok": False, "text": str(error)}, status=409)

    app = web.Application()
    app.router.add_get("/ws/chat", server.accept)
    app.router.add_post("/do/{name}", act)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"127.0.0.1:{runner.addresses[0][1]}"
    print(json.dumps({"event": "listening", "ws": f"ws://{address}", "control": f"http://{address}",
                      "root_key": server.root.public.hex()}), flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
