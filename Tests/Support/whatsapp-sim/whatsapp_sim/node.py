"""Stanzas: ``Jid`` and ``Node``, and their JSON form (the one of binary_nodes.json).

JSON: ``{"tag", "attrs": {name: text | {"jid": text}}, "children": [...] | "bytes": hex | "text": text}``.

SPDX-License-Identifier: Apache-2.0
"""

from dataclasses import dataclass, field
from typing import Any, Union

SERVER_NAME = "s.whatsapp.net"


@dataclass(frozen=True)
class Jid:
    """``user[:device]@server``; an empty user is a server itself. ``str()`` is the text form."""

    user: str
    server: str = SERVER_NAME
    device: int = 0

    @staticmethod
    def parse(text: str) -> "Jid":
        user, _, server = text.rpartition("@")
        name, _, device = user.partition(":")
        if device and not device.isdigit():
            raise ValueError(f"device of {text!r} is not a number")
        return Jid(name, server, int(device or 0))

    def bare(self) -> "Jid":
        return Jid(self.user, self.server)

    def __str__(self) -> str:
        device = f":{self.device}" if self.device else ""
        return f"{self.user}{device}@{self.server}" if self.user else self.server


SERVER = Jid("")
Attribute = Union[str, Jid]
Attributes = dict[str, Any]
"""Names to ``Attribute`` values."""


@dataclass
class Node:
    """One stanza. ``content`` is None, a list of nodes, bytes (binary on the wire) or text (a token or packed)."""

    tag: str
    attrs: Attributes = field(default_factory=dict)
    content: Union[None, list["Node"], bytes, str] = None

    @property
    def children(self) -> list["Node"]:
        return self.content if isinstance(self.content, list) else []

    def child(self, tag: str) -> "Node | None":
        return next((node for node in self.children if node.tag == tag), None)

    def attr(self, name: str) -> str:
        """The attribute's text form, "" when absent."""
        return str(self.attrs.get(name, ""))

    def data(self) -> bytes:
        """The content as bytes: readers accept text and binary alike (§3); b"" when absent or children."""
        if isinstance(self.content, str):
            return self.content.encode()
        return self.content if isinstance(self.content, bytes) else b""

    def to_json(self) -> dict[str, Any]:
        attrs = {k: {"jid": str(v)} if isinstance(v, Jid) else v for k, v in self.attrs.items()}
        out: dict[str, Any] = {"tag": self.tag, "attrs": attrs}
        if isinstance(self.content, list):
            out["children"] = [node.to_json() for node in self.content]
        elif isinstance(self.content, bytes):
            out["bytes"] = self.content.hex()
        elif isinstance(self.content, str):
            out["text"] = self.content
        return out

    @staticmethod
    def from_json(value: dict[str, Any]) -> "Node":
        attrs = {k: Jid.parse(v["jid"]) if isinstance(v, dict) else str(v) for k, v in value.get("attrs", {}).items()}
        content: Any = None
        if "children" in value:
            content = [Node.from_json(item) for item in value["children"]]
        elif "bytes" in value:
            content = bytes.fromhex(value["bytes"])
        elif "text" in value:
            content = value["text"]
        return Node(value["tag"], attrs, content)
