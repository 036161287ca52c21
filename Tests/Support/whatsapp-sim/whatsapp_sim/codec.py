"""The binary node codec (§3): frame plaintext (flag byte + node) to ``Node`` and back.

``decode`` is strict: unknown tags, values past the end, bytes left over, or nesting beyond 64 raise ``CodecError``.
The form a JID took on the wire is kept by its type: JID_PAIR, AD_JID and the others read as ``Jid``, tokens as ``str``.

SPDX-License-Identifier: Apache-2.0
"""

import json
import zlib
from pathlib import Path

from .node import Attribute, Jid, Node

_TABLES = json.loads((Path(__file__).parent / "data" / "tokens.json").read_text())
SINGLE: list[str] = _TABLES["single_byte"]
DOUBLE: list[list[str]] = _TABLES["double_byte"]
_SINGLE_INDEX = {token: i for i, token in enumerate(SINGLE) if i > 0}
_DOUBLE_INDEX = {token: (d, i) for d, table in enumerate(DOUBLE) for i, token in enumerate(table)}

LIST_EMPTY, DICT_0, DICT_3 = 0, 236, 239
INTEROP_JID, FB_JID, AD_JID, LIST_8, LIST_16 = 245, 246, 247, 248, 249
JID_PAIR, HEX_8, BINARY_8, BINARY_20, BINARY_32, NIBBLE_8 = 250, 251, 252, 253, 254, 255
FLAG_COMPRESSED = 0x02
PACKED_MAX = 127
MAX_DEPTH = 64
MAX_INFLATED = 32 << 20
NIBBLES, HEX_DIGITS = "0123456789-.", "0123456789ABCDEF"
_DOMAINS = {"s.whatsapp.net": 0, "lid": 1, "hosted": 128, "hosted.lid": 129}
_DOMAIN_NAMES = {number: name for name, number in _DOMAINS.items()}


class CodecError(ValueError):
    """The bytes are not a node."""


def encode(node: Node, compress: bool = False) -> bytes:
    """The frame plaintext, flag byte included."""
    out = bytearray()
    _put_node(out, node)
    return b"\x02" + zlib.compress(bytes(out)) if compress else b"\x00" + bytes(out)


def decode(plaintext: bytes) -> Node:
    """Reads one frame plaintext, flag byte included; ``CodecError`` for anything else."""
    if not plaintext:
        raise CodecError("empty frame")
    body = plaintext[1:]
    if plaintext[0] & FLAG_COMPRESSED:
        inflater = zlib.decompressobj()
        try:
            body = inflater.decompress(body, MAX_INFLATED)
        except zlib.error as error:
            raise CodecError(f"zlib: {error}") from None
        if not inflater.eof or inflater.unused_data:
            raise CodecError("compressed frame is cut short, too large, or followed by other bytes")
    reader = _Reader(body)
    node = reader.node(0)
    if reader.at != len(body):
        raise CodecError(f"{len(body) - reader.at} bytes after the node")
    return node


def _put_node(out: bytearray, node: Node) -> None:
    attrs = [(key, value) for key, value in node.attrs.items() if str(value)]
    _put_list(out, 1 + 2 * len(attrs) + (node.content is not None))
    _put_string(out, node.tag)
    for key, value in attrs:
        _put_string(out, key)
        _put_jid(out, value) if isinstance(value, Jid) else _put_string(out, value)
    if isinstance(node.content, list):
        _put_list(out, len(node.content))
        for child in node.content:
            _put_node(out, child)
    elif isinstance(node.content, bytes):
        _put_binary(out, node.content)
    elif node.content is not None:
        _put_string(out, node.content)


def _put_list(out: bytearray, size: int) -> None:
    if size == 0:
        out.append(LIST_EMPTY)
    elif size < 256:
        out += bytes([LIST_8, size])
    else:
        out += bytes([LIST_16]) + size.to_bytes(2, "big")


def _put_string(out: bytearray, text: str) -> None:
    if text in _SINGLE_INDEX:
        out.append(_SINGLE_INDEX[text])
    elif text in _DOUBLE_INDEX:
        dictionary, index = _DOUBLE_INDEX[text]
        out += bytes([DICT_0 + dictionary, index])
    elif 0 < len(text) <= PACKED_MAX and all(c in NIBBLES for c in text):
        _put_packed(out, NIBBLE_8, NIBBLES, text)
    elif 0 < len(text) <= PACKED_MAX and all(c in HEX_DIGITS for c in text):
        _put_packed(out, HEX_8, HEX_DIGITS, text)
    else:
        _put_binary(out, text.encode())


def _put_packed(out: bytearray, tag: int, alphabet: str, text: str) -> None:
    digits = [alphabet.index(c) for c in text]
    odd = len(digits) % 2
    if odd:
        digits.append(15)
    out += bytes([tag, len(digits) // 2 | (0x80 if odd else 0)])
    out += bytes(high << 4 | low for high, low in zip(digits[::2], digits[1::2]))


def _put_binary(out: bytearray, data: bytes) -> None:
    if len(data) < 256:
        out += bytes([BINARY_8, len(data)])
    elif len(data) < 1 << 20:
        out += bytes([BINARY_20]) + len(data).to_bytes(3, "big")
    else:
        out += bytes([BINARY_32]) + len(data).to_bytes(4, "big")
    out += data


def _put_jid(out: bytearray, jid: Jid) -> None:
    if jid.device > 0 or jid.server in ("hosted", "hosted.lid"):
        out += bytes([AD_JID, _DOMAINS[jid.server], jid.device])
        _put_string(out, jid.user)
        return
    out.append(JID_PAIR)
    if jid.user:
        _put_string(out, jid.user)
    else:
        out.append(LIST_EMPTY)
    _put_string(out, jid.server)


class _Reader:
    """A cursor over one node's bytes."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def node(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise CodecError("nested too deep")
        size = self.list_size(self.byte())
        tag = self.string(self.byte()) if size else ""
        if not tag or not isinstance(tag, str):
            raise CodecError("node without a tag")
        attrs: dict[str, Attribute] = {}
        for _ in range((size - 1) // 2):
            key = self.string(self.byte())
            value = self.string(self.byte())
            if not isinstance(key, str) or not key or key in attrs:
                raise CodecError(f"attribute name {key!r} of <{tag}> is empty, a JID, or twice there")
            attrs[key] = value
        return Node(tag, attrs, self.content(depth) if size % 2 == 0 else None)

    def content(self, depth: int) -> list[Node] | bytes | str | None:
        tag = self.byte()
        if tag == LIST_EMPTY:
            return None
        if tag in (LIST_8, LIST_16):
            count = self.list_size(tag)
            if count > len(self.data) - self.at:
                raise CodecError("more children than bytes left")
            return [self.node(depth + 1) for _ in range(count)]
        if tag in (BINARY_8, BINARY_20, BINARY_32):
            return self.binary(tag)
        return str(self.string(tag))

    def list_size(self, tag: int) -> int:
        if tag == LIST_EMPTY:
            return 0
        if tag == LIST_8:
            return self.byte()
        if tag == LIST_16:
            return int.from_bytes(self.take(2), "big")
        raise CodecError(f"tag {tag} where a list must be")

    def string(self, tag: int) -> Attribute:
        if tag == LIST_EMPTY:
            return ""
        if tag < len(SINGLE):
            return SINGLE[tag]
        if DICT_0 <= tag <= DICT_3:
            return DOUBLE[tag - DICT_0][self.byte()]
        if tag in (BINARY_8, BINARY_20, BINARY_32):
            try:
                return self.binary(tag).decode()
            except UnicodeDecodeError:
                raise CodecError("text is not UTF-8") from None
        if tag in (NIBBLE_8, HEX_8):
            return self.packed(NIBBLES if tag == NIBBLE_8 else HEX_DIGITS)
        return self.jid(tag)

    def jid(self, tag: int) -> Jid:
        if tag == JID_PAIR:
            user = self.text()
            return Jid(user, self.text())
        if tag == AD_JID:
            domain, device = self.take(2)
            return Jid(self.text(), _DOMAIN_NAMES.get(domain, "s.whatsapp.net"), device)
        if tag == FB_JID:
            user, device = self.text(), int.from_bytes(self.take(2), "big")
            return Jid(user, self.text(), device)
        if tag == INTEROP_JID:
            user, device = self.text(), int.from_bytes(self.take(2), "big")
            integrator = int.from_bytes(self.take(2), "big")
            return Jid(f"{integrator}-{user}", self.text() or "interop", device)
        raise CodecError(f"tag {tag} where a text must be")

    def text(self) -> str:
        value = self.string(self.byte())
        if isinstance(value, Jid):
            raise CodecError("a JID inside a JID")
        return value

    def packed(self, alphabet: str) -> str:
        start = self.byte()
        digits = [half for byte in self.take(start & 0x7F) for half in (byte >> 4, byte & 15)]
        if start & 0x80:
            if not digits or digits.pop() != 15:
                raise CodecError("odd packed text without its padding")
        if any(digit >= len(alphabet) for digit in digits):
            raise CodecError("packed digit outside its alphabet")
        return "".join(alphabet[digit] for digit in digits)

    def binary(self, tag: int) -> bytes:
        if tag == BINARY_8:
            return self.take(self.byte())
        if tag == BINARY_20:
            return self.take(int.from_bytes(self.take(3), "big") & 0xFFFFF)
        return self.take(int.from_bytes(self.take(4), "big"))

    def byte(self) -> int:
        return self.take(1)[0]

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise CodecError("cut short")
        self.at += count
        return self.data[self.at - count:self.at]
