"""Events into records: whatever bytes a hub holds, every record in them comes out as a record or as a reason.

An event may hold one object, a list, newline-separated objects, `{"records": [...]}`, or one of the known texts that
are no JSON. What was cut off is salvaged. What cannot be opened counts as one record, so that the counts of promise 1
always add up.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from orjson import JSONEncodeError

from token_meter.codes import Reason
from token_meter.events import Event, FromLetter
from token_meter.from_letters import with_gaps
from token_meter.jsontypes import Json, dump_json, parse_json
from token_meter.record import Rejected
from token_meter.salvage import WHOLE, Cut, salvage
from token_meter.shapes import SHAPES, Arrived, Decoded, Shape, read
from token_meter.shapes.fields import normalised
from token_meter.shapes.learn_samples import comma_line, http_message

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NULL = b"null"
STAGE = "decode"
COMMAS = 4
"""In a line of values joined by them; a line with fewer that opens nothing is no record."""

FEW = 1_000
"""Values of an event that are told one by one, however short they are."""
SHORTEST_RECORD = 64
"""Bytes; a request id and a time take more. 200 KB of `1,1,1,…` would be 100,000 records, and as many dead letters."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A value in an event: how it ends, and its bytes where they are not simply the value's JSON."""

    value: Json
    raw: bytes = b""
    cut: Cut = WHOLE


def decode(event: Event, shapes: tuple[Shape, ...] = SHAPES) -> Iterator[Decoded]:
    """Yield every record of an event, each read, rejected or ignored; at least one, whatever the bytes are."""
    letter = event.origin.letter
    index = 0 if letter is None else letter.index
    body = event.body.removeprefix(BYTE_ORDER_MARK).strip()
    if not body:
        yield _rejected(Reason.EMPTY_EVENT, event, index=index)
        return
    found = _values(body) if letter is None else _values_of_letter(body, letter)
    if len(found) > FEW and len(body) < SHORTEST_RECORD * len(found):
        yield _rejected(Reason.NOT_A_RECORD, event, body, index, whole=True)
        return
    unopened = len(found) == 1 and found[0].value is None and (letter is None or letter.whole)
    for place, item in enumerate(found, start=index):
        yield _read(item, event, place, shapes, whole=unopened)


def _values_of_letter(body: bytes, letter: FromLetter) -> list[_Found]:
    """Return the one value that a dead letter keeps; all of its event where that could not be opened at all."""
    if letter.whole and letter.reason is Reason.TOO_DEEP:  # the event's others were read when it arrived
        return _values(body)[letter.index :][:1] or [_Found(None, body)]
    if letter.whole:
        return _values(body)
    value = parse_json(body)
    if value is not None:  # not opened again: an envelope among a list's members was found to be no record
        return [_Found(value)]
    return [_Found(None)] if body == NULL else _values(body)[-1:]  # of a list that was cut, its last member


def _values(body: bytes) -> list[_Found]:
    """Return each value in a body: the body's, else that of the text it is, else those of its lines."""
    value = parse_json(body)
    if value is not None:
        return _members(_Found(value))
    text = body.decode("utf-8", "replace")
    message = http_message(text)
    if message is not None:
        return [_Found(dict(message), body)]
    lines = [line for line in body.splitlines() if line.strip()]
    if parse_json(lines[0]) is None:
        salvaged = _salvaged(text, body)
        if salvaged:
            return salvaged
    found = [member for line in lines for member in _of_line(line)]
    return found if any(item.value is not None for item in found) else [_Found(None, body)]


def _of_line(line: bytes) -> list[_Found]:
    value = parse_json(line)
    if value is not None:
        return _members(_Found(value, line))
    if not line.lstrip().startswith((b"{", b"[")) and line.count(b",") < COMMAS:
        return [_Found(None, line)]
    text = line.decode("utf-8", "replace")
    plain = comma_line(text)
    if plain is not None:
        return [_Found(dict(plain), line)]
    return _salvaged(text, line) or [_Found(None, line)]


def _salvaged(text: str, raw: bytes) -> list[_Found]:
    """Return what stands before the end of a text that was cut off; nothing where it was not, or nothing does."""
    salvaged = salvage(text)
    return _members(_Found(salvaged[0], raw, salvaged[1])) if salvaged is not None and salvaged[0] else []


def _members(found: _Found) -> list[_Found]:
    """Return the records of a list or an envelope; anything else, and an empty list, is one record."""
    value, cut = found.value, found.cut
    if isinstance(value, dict):
        name = next((name for name, item in value.items() if normalised(name) == "records"), None)
        if name is None or not isinstance(value[name], list):
            return [found]
        cut = cut.inner() if name == next(reversed(value)) else WHOLE
        value = value[name]
    if not isinstance(value, list) or not value:
        return [_Found(value, found.raw, cut)]
    last = len(value) - 1
    return [
        _Found(member, found.raw, cut.inner()) if place == last and cut.depth > 1 else _Found(member)
        for place, member in enumerate(value)
    ]


def _read(found: _Found, event: Event, index: int, shapes: tuple[Shape, ...], *, whole: bool) -> Decoded:
    value = found.value
    if value is None:
        if not found.raw:  # a null among a list's members, which must not keep the whole list as its letter
            return _rejected(Reason.NOT_A_RECORD, event, NULL, index)
        return _rejected(Reason.NOT_JSON, event, found.raw, index, whole=whole)
    try:
        own = dump_json(value)
        if not isinstance(value, dict):
            return _rejected(Reason.NOT_A_RECORD, event, own, index)
        is_json = found.cut.depth == 0 and parse_json(found.raw or own) is not None
        raw = b"" if is_json else found.raw
        decoded = read(Arrived(value, event.origin, index, found.cut, raw), shapes)
    except JSONEncodeError:
        return _rejected(Reason.TOO_DEEP, event, index=index, whole=True)
    if decoded is not None:
        return with_gaps(decoded)
    return _rejected(Reason.UNKNOWN_SHAPE if is_json else Reason.NOT_JSON, event, raw or own, index)


def _rejected(reason: Reason, event: Event, body: bytes = b"", index: int = 0, *, whole: bool = False) -> Rejected:
    return Rejected(reason=reason, stage=STAGE, origin=event.origin, body=body or event.body, index=index, whole=whole)
