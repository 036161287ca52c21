"""A small companion written from the protocol page, to test the simulator with: handshake, pairing, login, prekeys.

``faults`` is a set of names; each makes the companion break one rule. It stops at nothing the simulator does not stop.

SPDX-License-Identifier: Apache-2.0
"""

import asyncio
import base64
import hashlib
import os
import ssl

import aiohttp

from whatsapp_sim import codec, proto, xeddsa
from whatsapp_sim.linkcode import wrap, unwrap
from whatsapp_sim.node import SERVER, Jid, Node
from whatsapp_sim.noise import SymmetricState, Transport
from whatsapp_sim.primitives import (
    KeyPair, aes_gcm_encrypt, agree, hkdf, hmac_sha256, random_bytes)

ORIGIN = "https://web.whatsapp.com"
VERSION = (2, 3000, 1035194821)


class Ended(Exception):
    """The server closed the stream; ``nodes`` are what was not taken before."""


class Companion:
    """One device: ``connect`` registers or logs in, ``expect`` takes stanzas, the rest are steps of the page."""

    def __init__(self, addresses: dict, faults: tuple[str, ...] = ()):
        self.addresses, self.faults = addresses, set(faults)
        self.noise, self.identity, self.prekey = KeyPair.generate(), KeyPair.generate(), KeyPair.generate()
        self.registration_id = int.from_bytes(os.urandom(2), "big")
        self.adv_secret = random_bytes(32)
        self.jid: Jid | None = None
        self.refs: list[str] = []
        self.inbox: asyncio.Queue[Node | None] = asyncio.Queue()
        self._ids = 0
        self._buffer = bytearray()
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task | None = None

    async def connect(self, secure: bool = False) -> None:
        """Opens the socket, shakes hands with the payload that fits, and starts reading."""
        await self.close()
        self.inbox, self._buffer = asyncio.Queue(), bytearray()
        self._session = aiohttp.ClientSession()
        context = ssl.create_default_context(cafile=self.addresses["ca_file"]) if secure else None
        headers = {} if "no_origin" in self.faults else {"Origin": ORIGIN}
        self._socket = await self._session.ws_connect(
            self.addresses["wss" if secure else "ws"], headers=headers, ssl=context or True, max_msg_size=1 << 24)
        await self._handshake()
        self._task = asyncio.ensure_future(self._read())

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
        if self._session:
            await self._session.close()

    async def expect(self, tag: str, child: str = "", seconds: float = 5) -> Node:
        """The next stanza with this tag (and first child); others are skipped. ``Ended`` when the stream is over."""
        while True:
            node = await asyncio.wait_for(self.inbox.get(), seconds)
            if node is None:
                self.inbox.put_nowait(None)
                raise Ended(f"stream over while waiting for <{tag}>")
            if node.tag == tag and (not child or node.child(child)):
                return node

    async def send(self, node: Node) -> None:
        sealed = self.transport.encrypt(codec.encode(node))
        await self._socket.send_bytes(len(sealed).to_bytes(3, "big") + sealed)

    async def ask(self, kind: str, xmlns: str, *children: Node) -> Node:
        self._ids += 1
        number = "same" if "repeated_id" in self.faults else f"12.34-{self._ids}"
        to = "s.whatsapp.net" if "server_as_text" in self.faults else SERVER
        await self.send(Node("iq", {"id": number, "to": to, "type": kind, "xmlns": xmlns}, list(children)))
        while (answer := await self.expect("iq")).attr("id") != number:
            pass
        return answer

    async def take_refs(self) -> None:
        iq = await self.expect("iq", "pair-device")
        self.refs = [ref.data().decode() for ref in iq.child("pair-device").children]
        await self.send(Node("iq", {"to": SERVER, "id": iq.attr("id"), "type": "result"}))

    def qr(self, index: int = 0) -> str:
        keys = [base64.b64encode(key).decode() for key in (self.noise.public, self.identity.public, self.adv_secret)]
        return "https://wa.me/settings/linked_devices#" + ",".join([self.refs[index], *keys, "1"])

    async def answer_success(self) -> str:
        """Takes pair-success, checks it (§4.4), answers; returns "" or the error text that was sent."""
        iq = await self.expect("iq", "pair-success")
        success = iq.child("pair-success")
        head = {"to": SERVER, "id": iq.attr("id")}
        error, sign = self._judge(success)
        if error and "gullible" not in self.faults:
            code = "500" if error == "internal-error" else "401"
            await self.send(Node("iq", {**head, "type": "error"}, [Node("error", {"code": code, "text": error})]))
            return error
        await self.send(Node("iq", {**head, "type": "result"}, [Node("pair-device-sign", {}, [sign])]))
        self.jid = success.child("device").attrs["jid"]
        return ""

    async def upload_prekeys(self, count: int = 30, first: int = 1) -> Node:
        keys = [Node("key", {}, [Node("id", {}, (first + i).to_bytes(3, "big")),
                                 Node("value", {}, KeyPair.generate().public)]) for i in range(count)]
        signer = KeyPair.generate() if "bad_skey" in self.faults else self.identity
        skey = Node("skey", {}, [
            Node("id", {}, (1).to_bytes(3, "big")), Node("value", {}, self.prekey.public),
            Node("signature", {}, xeddsa.sign(signer.private, b"\x05" + self.prekey.public))])
        return await self.ask(
            "set", "encrypt", Node("registration", {}, self.registration_id.to_bytes(4, "big")),
            Node("type", {}, b"\x05"), Node("identity", {}, self.identity.public), Node("list", {}, keys), skey)

    async def go_online(self) -> None:
        await self.expect("success")
        await self.ask("get", "encrypt", Node("count"))
        await self.upload_prekeys()
        await self.ask("set", "passive", Node("active"))

    async def link_code_hello(self, number: str, code: str, display: str = "Chrome (Linux)") -> Node:
        self._code_pair, self._code = KeyPair.generate(), code
        return await self.ask("set", "md", Node("link_code_companion_reg", {
            "jid": Jid(number), "stage": "companion_hello", "should_show_push_notification": "true"}, [
            Node("link_code_pairing_wrapped_companion_ephemeral_pub", {}, wrap(code, self._code_pair.public)),
            Node("companion_server_auth_key_pub", {}, self.noise.public),
            Node("companion_platform_id", {}, b"1"), Node("companion_platform_display", {}, display.encode()),
            Node("link_code_pairing_nonce", {}, b"\0")]))

    async def link_code_finish(self, number: str) -> Node:
        note = await self.expect("notification", "link_code_companion_reg")
        await self.ack(note)
        reg = note.child("link_code_companion_reg")
        primary = reg.child("primary_identity_pub").data()
        theirs = unwrap(self._code, reg.child("link_code_pairing_wrapped_primary_ephemeral_pub").data())
        shared, salt, nonce, rand = agree(self._code_pair.private, theirs), *map(random_bytes, (32, 12, 32))
        key = hkdf(shared, salt, b"link_code_pairing_key_bundle_encryption_key", 32)
        bundle = salt + nonce + aes_gcm_encrypt(key, nonce, self.identity.public + primary + rand)
        self.adv_secret = hkdf(shared + agree(self.identity.private, primary) + rand, None, b"adv_secret", 32)
        return await self.ask("set", "md", Node("link_code_companion_reg", {
            "jid": Jid(number), "stage": "companion_finish"}, [
            Node("link_code_pairing_wrapped_key_bundle", {}, bundle),
            Node("companion_identity_public", {}, self.identity.public),
            Node("link_code_pairing_ref", {}, reg.child("link_code_pairing_ref").data())]))

    async def ack(self, node: Node, **changes: str) -> None:
        attrs = {"class": node.tag, "id": node.attr("id"), "to": node.attrs["from"]}
        attrs |= {key: node.attrs[key] for key in ("participant", "recipient") if key in node.attrs}
        if node.tag != "message":
            attrs["type"] = node.attr("type")
        await self.send(Node("ack", attrs | changes))

    def _judge(self, success: Node) -> tuple[str, Node]:
        blob, device = success.child("device-identity"), success.child("device")
        if not blob or not device:
            return "internal-error", Node("device-identity")
        box = proto.Message.decode(blob.data())
        prefix = b"\x06\x05" if box.number(3) == 1 else b""
        if hmac_sha256(self.adv_secret, prefix + box.raw(1)) != box.raw(2):
            return "hmac-mismatch", Node("device-identity")
        identity = proto.Message.decode(box.raw(1))
        details, account = identity.raw(1), identity.raw(2)
        try:
            inner = proto.Message.decode(details)
        except proto.ProtobufError:
            return "internal-error", Node("device-identity")
        prefix = b"\x06\x05" if inner.number(5) == 1 else b"\x06\x00"
        good = xeddsa.verify(account, prefix + details + self.identity.public, identity.raw(3))
        tail = b"" if "short_signature_input" in self.faults else account
        mine = xeddsa.sign(self.identity.private, b"\x06\x01" + details + self.identity.public + tail)
        kept = [(2, account)] if "keeps_account_key" in self.faults else []
        answer = proto.encode([(1, details), *kept, (3, identity.raw(3)), (4, mine)])
        index = "99" if "wrong_key_index" in self.faults else str(inner.number(3))
        return "" if good else "signature-mismatch", Node("device-identity", {"key-index": index}, answer)

    def _payload(self) -> bytes:
        agent = proto.encode([
            (1, 14), (2, proto.encode([(1, VERSION[0]), (2, VERSION[1]), (3, VERSION[2])])), (3, "000"), (4, "000"),
            (5, "0.1"), (6, ""), (7, "Desktop"), (8, "0.1"), (9, ""), (10, 0), (11, "en"), (12, "US")])
        web = proto.encode([(4, 4 if "as_win32" in self.faults else 0)])
        if self.jid:
            return proto.encode([(1, int(self.jid.user)), (3, True), (5, agent), (6, web), (12, 1), (13, 1),
                                 (18, self.jid.device), (33, True)])
        version = b"2.0.0" if "wrong_build_hash" in self.faults else ".".join(map(str, VERSION)).encode()
        props = proto.encode([(1, "nexo"), (2, proto.encode([(1, 0), (2, 1), (3, 0)])), (3, 1)])
        pairing = proto.encode([
            (1, self.registration_id.to_bytes(4, "big")), (2, b"\x05"), (3, self.identity.public),
            (4, (1).to_bytes(3, "big")), (5, self.prekey.public),
            (6, xeddsa.sign(self.identity.private, b"\x05" + self.prekey.public)),
            (7, hashlib.md5(version).digest()), (8, props)])
        return proto.encode([(3, False), (5, agent), (6, web), (12, 1), (13, 1), (19, pairing), (33, False)])

    async def _handshake(self) -> None:
        state, ephemeral = SymmetricState(), KeyPair.generate()
        state.mix_hash(ephemeral.public)
        intro = b"WA\x06\x02" if "wrong_intro" in self.faults else b"WA\x06\x03"
        await self._put(proto.encode([(2, proto.encode([(1, ephemeral.public)]))]), intro)
        hello = proto.Message.decode(await self._frame()).message(3)
        theirs = hello.raw(1)
        state.mix_hash(theirs)
        state.mix_key(agree(ephemeral.private, theirs))
        server_static = state.decrypt(hello.raw(2))
        state.mix_key(agree(ephemeral.private, server_static))
        self.certificate = state.decrypt(hello.raw(3))
        if "any_certificate" not in self.faults:
            self._check_certificate(server_static)
        static = state.encrypt(self.noise.public)
        state.mix_key(agree(self.noise.private, theirs))
        await self._put(proto.encode([(4, proto.encode([(1, static), (2, state.encrypt(self._payload()))]))]))
        write, read = state.split()
        self.transport = Transport(write, read)

    def _check_certificate(self, server_static: bytes) -> None:
        chain = proto.Message.decode(self.certificate)
        root = bytes.fromhex(self.addresses["root_key"])
        leaf, middle = chain.message(1), chain.message(2)
        if not middle or not xeddsa.verify(root, middle.raw(1), middle.raw(2) or b""):
            raise ValueError("certificate")
        if leaf.message(1).raw(3) != server_static:
            raise ValueError("certificate")

    async def _put(self, payload: bytes, before: bytes = b"") -> None:
        await self._socket.send_bytes(before + len(payload).to_bytes(3, "big") + payload)

    async def _frame(self) -> bytes:
        while len(self._buffer) < 3 or len(self._buffer) < 3 + int.from_bytes(self._buffer[:3], "big"):
            message = await self._socket.receive()
            if message.type is not aiohttp.WSMsgType.BINARY:
                raise Ended(str(message.type))
            self._buffer += message.data
        length = int.from_bytes(self._buffer[:3], "big")
        payload = bytes(self._buffer[3:3 + length])
        del self._buffer[:3 + length]
        return payload

    async def _read(self) -> None:
        try:
            while True:
                self.inbox.put_nowait(codec.decode(self.transport.decrypt(await self._frame())))
        except Ended:
            self.inbox.put_nowait(None)
