"""Events into records: whatever bytes a hub holds, every record in them comes out as a record or as a reason.

An event may hold one object, a list, newline-separated objects, or `{"records": [...]}`. What cannot be opened counts
as one record, so that the counts of promise 1 always add up.
"""

from collections.abc import Iterator

from orjson import JSONEncodeError

from token_meter.codes import Reason
from token_meter.events import Event
from token_meter.jsontypes import Json, dump_json, parse_json
from token_meter.record import Rejected
from token_meter.shapes import Decoded, shape_of

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
STAGE = "decode"


def decode(event: Event) -> Iterator[Decoded]:
    """Yield every record of an event, each read, rejected or ignored; at least one, whatever the bytes are."""
    body = event.body.removeprefix(BYTE_ORDER_MARK).strip()
    if not body:
        yield _rejected(Reason.EMPTY_EVENT, event)
        return
    for index, (value, text) in enumerate(_values(body)):
        yield _read(value, text, event, index)


def _values(body: bytes) -> Iterator[tuple[Json, bytes]]:
    """Yield each value in a body, and the line it stood on where lines separate the values."""
    value = parse_json(body)
    if value is not None:
        yield from ((member, b"") for member in _members(value))
        return
    lines = [line for line in body.splitlines() if line.strip()]
    values = [parse_json(line) for line in lines]
    if all(value is None for value in values):
        yield None, body
        return
    for line, value in zip(lines, values, strict=True):
        yield from ((member, line) for member in _members(value))


def _members(value: Json) -> list[Json]:
    """Return the records of a list or an envelope; anything else, and an empty list, is one record."""
    if isinstance(value, dict) and isinstance(value.get("records"), list):
        value = value["records"]
    return value if isinstance(value, list) and value else [value]


def _read(value: Json, text: bytes, event: Event, index: int) -> Decoded:
    try:
        if value is None:
            return _rejected(Reason.NOT_JSON, event, text, index)
        if not isinstance(value, dict):
            return _rejected(Reason.NOT_A_RECORD, event, dump_json(value), index)
        shape = shape_of(value)
        if shape is None:
            return _rejected(Reason.UNKNOWN_SHAPE, event, dump_json(value), index)
        return shape.read(value, event.origin, index)
    except JSONEncodeError:
        return _rejected(Reason.TOO_DEEP, event, index=index)


def _rejected(reason: Reason, event: Event, body: bytes = b"", index: int = 0) -> Rejected:
    return Rejected(reason=reason, stage=STAGE, origin=event.origin, body=body or event.body, index=index)
