"""Messages as bytes: what a client sends becomes events, and an event becomes what a consumer is sent.

An event's own sections are kept as they came; only the service's annotations are made here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.event_hubs_peer.amqp_values import Described, Long, Symbol, Timestamp, ULong, decode, encode, extent

BATCHED = 0x80013700
"""Message format of a batch: every data section is a whole message (Event Hubs' AMQP protocol guide)."""
ANNOTATIONS, PROPERTIES, APPLICATION_PROPERTIES, DATA, VALUE = 0x72, 0x73, 0x74, 0x75, 0x77
KEPT = frozenset({PROPERTIES, APPLICATION_PROPERTIES, DATA, 0x76, VALUE})
"""The sections that are the sender's; headers and annotations are of one hop."""
PARTITION_KEY = Symbol("x-opt-partition-key")


@dataclass(frozen=True, slots=True)
class Sent:
    """One event as it was sent: its partition key, and the sections that are kept."""

    key: str | None
    sections: bytes


@dataclass(frozen=True, slots=True)
class _Section:
    code: int
    whole: bytes
    content: int
    """Where the value begins within the whole."""


def _sections(message: bytes) -> Iterator[_Section]:
    at = 0
    while at < len(message):
        descriptor, content = decode(message, at + 1)
        if message[at] != 0 or not isinstance(descriptor, ULong):
            raise ValueError("no section of a message")
        _, end = extent(message[content], message, content + 1)
        yield _Section(int(descriptor), message[at:end], content - at)
        at = end


def events_in(message: bytes, message_format: int) -> list[Sent]:
    """Return the events of one transfer. Raises ValueError or IndexError where it is no message."""
    sections = list(_sections(message))
    if message_format != BATCHED:
        return [_event(sections)]
    inner = [decode(section.whole, section.content)[0] for section in sections if section.code == DATA]
    return [_event(list(_sections(item))) for item in inner]


def _event(sections: list[_Section]) -> Sent:
    key = None
    for section in sections:
        if section.code == ANNOTATIONS:
            key = decode(section.whole, section.content)[0].get(PARTITION_KEY)
    return Sent(key, b"".join(section.whole for section in sections if section.code in KEPT))


def data_of(body: bytes) -> bytes:
    """Return a body as the sections of an event."""
    return encode(Described(ULong(DATA), body))


def delivered(event: Sent, sequence_number: int, offset: str, enqueued: int) -> bytes:
    """Return an event as a consumer is sent it; `enqueued` is in milliseconds since 1970."""
    annotations: dict[Symbol, Any] = {
        Symbol("x-opt-sequence-number"): Long(sequence_number),
        Symbol("x-opt-offset"): offset,
        Symbol("x-opt-enqueued-time"): Timestamp(enqueued),
    }
    if event.key is not None:
        annotations[PARTITION_KEY] = event.key
    return encode(Described(ULong(ANNOTATIONS), annotations)) + event.sections


@dataclass(frozen=True, slots=True)
class Request:
    """A request to `$cbs` or `$management`."""

    message_id: Any
    application: dict[str, Any]


def request_in(message: bytes) -> Request:
    """Return a request's identity and its application properties."""
    values = {section.code: decode(section.whole, section.content)[0] for section in _sections(message)}
    return Request((values.get(PROPERTIES) or [None])[0], values.get(APPLICATION_PROPERTIES) or {})


def response_to(request: Request, application: dict[str, Any], value: Any) -> bytes:
    """Return an answer's bytes: properties in full length, of which only the correlation id is set."""
    properties = [None, None, None, None, None, request.message_id, *[None] * 7]
    parts = ((PROPERTIES, properties), (APPLICATION_PROPERTIES, application), (VALUE, value))
    return b"".join(encode(Described(ULong(code), part)) for code, part in parts)
