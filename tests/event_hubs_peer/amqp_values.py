"""AMQP 1.0's type system (OASIS, part 1), as far as Event Hubs' clients and the peer speak it.

Python's own types stand for null, boolean, string, binary, list, map and uuid; numbers, symbols and described values
have classes here, since a number's width is part of what is said.
"""

import struct
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Symbol(str):
    """A name out of ASCII."""

    __slots__ = ()


class UByte(int):
    """One byte, unsigned."""


class UShort(int):
    """Two bytes, unsigned."""


class UInt(int):
    """Four bytes, unsigned."""


class ULong(int):
    """Eight bytes, unsigned."""


class Int(int):
    """Four bytes."""


class Long(int):
    """Eight bytes."""


class Timestamp(int):
    """Milliseconds since 1970."""


class Array(list[Any]):
    """Values of one type: here, symbols or strings."""


@dataclass(frozen=True, slots=True)
class Described:
    """A value and what kind of thing it is."""

    descriptor: Any
    value: Any


NUMBERS: Mapping[type, tuple[int, struct.Struct]] = {
    UByte: (0x50, struct.Struct(">B")),
    UShort: (0x60, struct.Struct(">H")),
    UInt: (0x70, struct.Struct(">I")),
    ULong: (0x80, struct.Struct(">Q")),
    Int: (0x71, struct.Struct(">i")),
    Long: (0x81, struct.Struct(">q")),
    Timestamp: (0x83, struct.Struct(">q")),
}
SMALLER: Mapping[int, tuple[type, struct.Struct]] = {
    0x51: (Int, struct.Struct(">b")),
    0x52: (UInt, struct.Struct(">B")),
    0x53: (ULong, struct.Struct(">B")),
    0x54: (Int, struct.Struct(">b")),
    0x55: (Long, struct.Struct(">b")),
    0x61: (Int, struct.Struct(">h")),
    0x72: (float, struct.Struct(">f")),
    0x82: (float, struct.Struct(">d")),
}
FIXED: Mapping[int, Any] = {0x40: None, 0x41: True, 0x42: False, 0x43: UInt(0), 0x44: ULong(0), 0x45: []}
READERS: Mapping[int, tuple[type, struct.Struct]] = {
    **SMALLER,
    **{code: (kind, layout) for kind, (code, layout) in NUMBERS.items()},
}
WIDTHS = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}
"""Bytes of a value by the upper half of its constructor; what is variable says its own size in one byte or four."""
SMALL_SIZES, LARGE_SIZES = (0xA, 0xC, 0xE), (0xB, 0xD, 0xF)
UINT32 = struct.Struct(">I")


def encode(value: Any) -> bytes:
    """Return a value's bytes, its constructor first. Raises KeyError for a type that is not spoken."""
    return ENCODERS[type(value)](value)


def _encode_ulong(value: ULong) -> bytes:
    """Return it in one byte where it fits: azure-eventhub reads a descriptor in no other form."""
    return b"\x53" + bytes([value]) if value <= 0xFF else _encode_number(value)


def _encode_number(value: int) -> bytes:
    code, layout = NUMBERS[type(value)]
    return bytes([code]) + layout.pack(value)


def _sized(code: int, content: bytes) -> bytes:
    return bytes([code]) + UINT32.pack(len(content)) + content


def _encode_list(values: Sequence[Any]) -> bytes:
    return _compound(0xD0, [encode(item) for item in values])


def _encode_map(values: Mapping[Any, Any]) -> bytes:
    return _compound(0xD1, [encode(part) for item in values.items() for part in item])


def _encode_array(values: Array) -> bytes:
    """Return an array whose members are strings of either kind: one constructor for all."""
    members = [encode(item) for item in values] or [encode(Symbol(""))]
    count, constructor = UINT32.pack(len(values)), members[0][:1]
    return _sized(0xF0, count + constructor + b"".join(item[1:] for item in members[: len(values)]))


def _compound(code: int, members: list[bytes]) -> bytes:
    return _sized(code, UINT32.pack(len(members)) + b"".join(members))


ENCODERS: Mapping[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"\x40",
    bool: lambda value: b"\x41" if value else b"\x42",
    str: lambda value: _sized(0xB1, value.encode()),
    Symbol: lambda value: _sized(0xB3, value.encode("ascii")),
    bytes: lambda value: _sized(0xB0, value),
    float: lambda value: b"\x82" + struct.pack(">d", value),
    uuid.UUID: lambda value: b"\x98" + value.bytes,
    list: _encode_list,
    dict: _encode_map,
    Array: _encode_array,
    Described: lambda value: b"\0" + encode(value.descriptor) + encode(value.value),
    **dict.fromkeys(NUMBERS, _encode_number),
    ULong: _encode_ulong,
}


def decode(buffer: bytes, at: int = 0) -> tuple[Any, int]:
    """Return the value that begins at a place, and the place after it."""
    code = buffer[at]
    if code == 0:
        descriptor, at = decode(buffer, at + 1)
        value, at = decode(buffer, at)
        return Described(descriptor, value), at
    return _decode(code, buffer, at + 1)


def _decode(code: int, buffer: bytes, at: int) -> tuple[Any, int]:
    if code in FIXED:
        return FIXED[code], at
    start, end = extent(code, buffer, at)
    content = buffer[start:end]
    if code in READERS:
        kind, layout = READERS[code]
        return kind(layout.unpack(content)[0]), end
    if code >> 4 in {0xC, 0xD, 0xE, 0xF}:
        return _decode_compound(code, content), end
    return _plain(code, content), end


def _plain(code: int, content: bytes) -> Any:
    if code == 0x56:
        return content == b"\x01"
    if code == 0x98:
        return uuid.UUID(bytes=content)
    if code & 0xF == 1:
        return content.decode()
    return Symbol(content.decode("ascii")) if code & 0xF == 3 else content


def _decode_compound(code: int, content: bytes) -> Any:
    small = code >> 4 in SMALL_SIZES
    count, at = (content[0], 1) if small else (UINT32.unpack_from(content)[0], 4)
    values: list[Any] = []
    if code in {0xE0, 0xF0}:
        of, at = content[at], at + 1
        for _ in range(count):
            value, at = _decode(of, content, at)
            values.append(value)
        return Array(values)
    for _ in range(count):
        value, at = decode(content, at)
        values.append(value)
    return values if code in {0xC0, 0xD0} else dict(zip(values[::2], values[1::2], strict=True))


def extent(code: int, buffer: bytes, at: int) -> tuple[int, int]:
    """Return where a value's content begins and ends, given its constructor and the place after that."""
    if code >> 4 in SMALL_SIZES:
        return at + 1, at + 1 + buffer[at]
    if code >> 4 in LARGE_SIZES:
        return at + 4, at + 4 + UINT32.unpack_from(buffer, at)[0]
    return at, at + WIDTHS[code >> 4]
