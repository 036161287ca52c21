"""Protobuf without schemas: a message is an ordered list of (field number, value).

Values read: ``int`` for varints and fixed fields, ``bytes`` for length-delimited ones.
Values written: ``int`` (varint), ``bool``, ``bytes``, ``str``, or an already encoded message as ``bytes``.
Groups do not occur and are refused.

SPDX-License-Identifier: Apache-2.0
"""

from typing import Iterable, Union

Value = Union[int, bytes]
WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_FIXED32 = 0, 1, 2, 5


class ProtobufError(ValueError):
    """The bytes are not a protobuf message, or a field has another type than the reader wants."""


class Message:
    """A decoded message. ``fields`` keeps wire order and repetitions."""

    def __init__(self, fields: list[tuple[int, Value]]):
        self.fields = fields

    @staticmethod
    def decode(data: bytes) -> "Message":
        fields: list[tuple[int, Value]] = []
        at = 0
        while at < len(data):
            key, at = _varint(data, at)
            number, wire = key >> 3, key & 7
            if number == 0:
                raise ProtobufError("field number 0")
            value: Value
            if wire == WIRE_VARINT:
                value, at = _varint(data, at)
            elif wire == WIRE_BYTES:
                length, at = _varint(data, at)
                value, at = _take(data, at, length)
            elif wire in (WIRE_FIXED32, WIRE_FIXED64):
                raw, at = _take(data, at, 4 if wire == WIRE_FIXED32 else 8)
                value = int.from_bytes(raw, "little")
            else:
                raise ProtobufError(f"wire type {wire} of field {number}")
            fields.append((number, value))
        return Message(fields)

    def has(self, number: int) -> bool:
        return any(found == number for found, _ in self.fields)

    def raw(self, number: int) -> bytes | None:
        """The last value of a length-delimited field, or None when absent."""
        value = self._last(number)
        if value is not None and not isinstance(value, bytes):
            raise ProtobufError(f"field {number} is a number, bytes expected")
        return value

    def number(self, number: int) -> int | None:
        """The last value of a numeric field, or None when absent."""
        value = self._last(number)
        if isinstance(value, bytes):
            raise ProtobufError(f"field {number} is bytes, a number expected")
        return value

    def text(self, number: int) -> str | None:
        value = self.raw(number)
        try:
            return None if value is None else value.decode()
        except UnicodeDecodeError:
            raise ProtobufError(f"field {number} is not UTF-8") from None

    def message(self, number: int) -> "Message | None":
        value = self.raw(number)
        return None if value is None else Message.decode(value)

    def numbers(self) -> set[int]:
        return {number for number, _ in self.fields}

    def _last(self, number: int) -> Value | None:
        return next((value for found, value in reversed(self.fields) if found == number), None)


def encode(fields: Iterable[tuple[int, int | bool | bytes | str | None]]) -> bytes:
    """Writes fields in the order given; a ``None`` value is left out."""
    out = bytearray()
    for number, value in fields:
        if value is None:
            continue
        if isinstance(value, int):
            out += _put_varint(number << 3 | WIRE_VARINT) + _put_varint(int(value))
        else:
            raw = value.encode() if isinstance(value, str) else value
            out += _put_varint(number << 3 | WIRE_BYTES) + _put_varint(len(raw)) + raw
    return bytes(out)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ProtobufError("varint is cut short or too long")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value & (2**64 - 1), at
        shift += 7


def _take(data: bytes, at: int, length: int) -> tuple[bytes, int]:
    if length > len(data) - at:
        raise ProtobufError("field runs past the end of its message")
    return data[at:at + length], at + length


def _put_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
