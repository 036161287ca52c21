"""The byte stream under the handshake (§1.2): the client's header once, then 3-byte lengths and payloads.

A websocket message may carry several frames or part of one, so bytes are pushed in as they come and frames taken out.

SPDX-License-Identifier: Apache-2.0
"""

INTRO = b"WA\x06\x03"
EDGE_PREFIX = b"ED\x00\x01"
MAX_FRAME = 1 << 24


class FrameError(ValueError):
    """The stream cannot be split: wrong header or a frame of length 0."""


def frame(payload: bytes) -> bytes:
    """``payload`` behind its 3-byte big-endian length."""
    if not 0 < len(payload) < MAX_FRAME:
        raise FrameError(f"a frame of {len(payload)} bytes")
    return len(payload).to_bytes(3, "big") + payload


class FrameReader:
    """Splits the client's stream. ``routing_info`` is set when an edge-routing pre-intro came (b"" is possible)."""

    def __init__(self, expect_header: bool = True):
        self.routing_info: bytes | None = None
        self._expect_header = expect_header
        self._buffer = bytearray()

    def push(self, data: bytes) -> list[bytes]:
        """Adds bytes and returns the frames that are now whole."""
        self._buffer += data
        if self._expect_header and not self._take_header():
            return []
        frames = []
        while len(self._buffer) >= 3:
            length = int.from_bytes(self._buffer[:3], "big")
            if length == 0:
                raise FrameError("a frame of length 0")
            if len(self._buffer) < 3 + length:
                break
            frames.append(bytes(self._buffer[3:3 + length]))
            del self._buffer[:3 + length]
        return frames

    def _take_header(self) -> bool:
        buffer, at = self._buffer, 0
        if buffer[:2] == EDGE_PREFIX[:2]:
            if len(buffer) < 7:
                return False
            if buffer[:4] != EDGE_PREFIX:
                raise FrameError(f"edge-routing pre-intro {buffer[:4].hex()} instead of {EDGE_PREFIX.hex()}")
            at = 7 + int.from_bytes(buffer[4:7], "big")
            if len(buffer) >= at:
                self.routing_info = bytes(buffer[7:at])
        if len(buffer) < at + 4:
            rest = bytes(buffer[at:])
            if not INTRO.startswith(rest) and not (at == 0 and EDGE_PREFIX.startswith(rest)):
                raise FrameError(f"intro begins {bytes(buffer[at:]).hex()}")
            return False
        if bytes(buffer[at:at + 4]) != INTRO:
            raise FrameError(f"intro {bytes(buffer[at:at + 4]).hex()} instead of {INTRO.hex()}")
        del buffer[:at + 4]
        self._expect_header = False
        return True
