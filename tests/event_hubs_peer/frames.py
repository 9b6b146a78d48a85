"""Frames of an AMQP 1.0 connection (OASIS, part 2), and the performatives in them.

Every performative that is sent has its full length: azure-eventhub reads fields by their place and fails on a list that
ends early, as other brokers send it.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.event_hubs_peer.amqp_values import ULong, decode, encode

AMQP_HEADER, SASL_HEADER = b"AMQP\x00\x01\x00\x00", b"AMQP\x03\x01\x00\x00"
OPEN, BEGIN, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH, END, CLOSE = range(0x10, 0x19)
SASL_MECHANISMS, SASL_INIT, SASL_OUTCOME = 0x40, 0x41, 0x44
LENGTHS = {
    OPEN: 10, BEGIN: 8, ATTACH: 14, FLOW: 11, TRANSFER: 11, DISPOSITION: 6, DETACH: 3, END: 1, CLOSE: 1,
    SASL_MECHANISMS: 1, SASL_INIT: 3, SASL_OUTCOME: 2,
}  # fmt: skip
HEAD = struct.Struct(">IBBH")
DATA_OFFSET = 2
LARGEST_FRAME = 65_536
SASL = 1


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that arrived: what it says, in full length, and what follows."""

    channel: int
    code: int
    fields: list[Any]
    payload: bytes = b""


def frame(channel: int, code: int, fields: Sequence[Any], payload: bytes = b"", kind: int = 0) -> bytes:
    """Return a frame's bytes."""
    said = b"\x00\x53" + bytes([code]) + encode([*fields, *[None] * (LENGTHS[code] - len(fields))])
    return HEAD.pack(HEAD.size + len(said) + len(payload), DATA_OFFSET, kind, channel) + said + payload


def read_frame(channel: int, body: bytes) -> Frame | None:
    """Return a frame out of what follows its head; None for an empty one, which only keeps the connection alive."""
    if not body:
        return None
    described, end = decode(body)
    if not isinstance(described.descriptor, ULong) or described.descriptor not in LENGTHS:
        raise ValueError("no performative")
    fields = described.value
    fields += [None] * (LENGTHS[described.descriptor] - len(fields))
    return Frame(channel, int(described.descriptor), fields, body[end:])
