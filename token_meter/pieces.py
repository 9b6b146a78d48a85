"""Bodies in pieces: joined where all pieces are in one batch, else read apart, so that the fold can add them up.

A policy that logs long bodies writes a summary of the call and each body in several events. What was joined stands in the
summary's record, else in that of the body's first piece; the records that went into it are ignored as `joined`.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from token_meter.codes import Kind, Note, Operation, Reason
from token_meter.exchange import Exchange
from token_meter.jsontypes import as_text
from token_meter.record import Ignored, Record
from token_meter.shapes import Decoded
from token_meter.sse import looks_like_sse, parse_sse
from token_meter.streams import assemble, operation_of_stream

SUMMARY, REQUEST, RESPONSE = "S15-summary", "S15-request", "S15-response"
JOINED_PART = 1
"""`part` of a summary with bodies: another observation than the summary alone, which another batch may have seen."""
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
ESCAPE = re.compile(r'\\(u[0-9a-fA-F]{4}|["\\/bfnrt])')


@dataclass(slots=True)
class _Group:
    """The records of one call in a batch, by their places in it."""

    summaries: list[int] = field(default_factory=list)
    bodies: dict[str, dict[int, list[int]]] = field(default_factory=lambda: {REQUEST: {}, RESPONSE: {}})
    """By shape, then by piece: several places where the piece was delivered more than once."""


def join_pieces(decoded: Sequence[Decoded]) -> list[Decoded]:
    """Return a batch with the pieces of bodies joined, as many items as before and in their order."""
    groups: dict[str, _Group] = defaultdict(_Group)
    for place, item in enumerate(decoded):
        if isinstance(item, Record) and item.shape in (SUMMARY, REQUEST, RESPONSE):
            group = groups[item.own_id]
            if item.shape == SUMMARY:
                group.summaries.append(place)
            else:
                group.bodies[item.shape].setdefault(item.piece or 0, []).append(place)
    joined = list(decoded)
    for group in groups.values():
        _join(group, joined)
    return joined


def _join(group: _Group, decoded: list[Decoded]) -> None:
    """Put one call's bodies together, in place."""
    whole = {shape: record for shape in group.bodies if (record := _whole_body(group.bodies[shape], decoded))}
    if not whole:
        return
    request, response = whole.get(REQUEST), whole.get(RESPONSE)
    hosts = group.summaries
    if not hosts:
        first = min(place for shape in whole for places in group.bodies[shape].values() for place in places)
        hosts = [first]
    for shape in whole:
        for places in group.bodies[shape].values():
            for place in places:
                decoded[place] = _joined(decoded[place])
    for place in hosts:
        host = decoded[place] if group.summaries else request or response
        if isinstance(host, Record):
            decoded[place] = replace(
                host,
                kind=Kind.EXCHANGE if group.summaries or (request and response) else host.kind,
                part=JOINED_PART,
                request_body=request.request_body if request else None,
                response_body=response.response_body if response else None,
                request_cut=request is not None and request.request_cut,
                response_cut=response is not None and response.response_cut,
                piece=None,
                pieces=None,
            )


def _whole_body(pieces: dict[int, list[int]], decoded: Sequence[Decoded]) -> Record | None:
    """Return the first piece's record with the whole body, or None where pieces are missing."""
    records = [item for _, places in sorted(pieces.items()) if isinstance(item := decoded[places[0]], Record)]
    if not records or len(records) != (records[0].pieces or 1):
        return None
    first = records[0]
    return replace(
        first,
        request_body="".join(as_text(record.request_body) for record in records) or None,
        response_body="".join(as_text(record.response_body) for record in records) or None,
        request_cut=any(record.request_cut for record in records),
        response_cut=any(record.response_cut for record in records),
    )


def _joined(item: Decoded) -> Decoded:
    if not isinstance(item, Record):
        return item
    return Ignored(reason=Reason.JOINED, stage="join", origin=item.origin, body=item.body, index=item.index)


def read_piece(record: Record) -> Exchange:
    """Return a piece of a body as counting looks at it: its text, without the JSON around it as far as that shows.

    Counted as the prompt or the completion of a completions call, since the frame that a chat adds is in no piece.
    """
    text = as_text(record.request_body) or as_text(record.response_body)
    response = None
    if record.kind is Kind.RESPONSE:
        response = {"choices": [{"text": _said(text)}]}
    return Exchange(
        operation=Operation.COMPLETIONS,
        kind=record.kind,
        request={"prompt": _unescaped(text)} if record.kind is Kind.REQUEST else None,
        response=response,
        request_cut=record.kind is Kind.REQUEST,
        response_cut=record.kind is Kind.RESPONSE,
        status=record.status,
        time=record.origin.enqueued_time,
    )


def _said(text: str) -> str:
    """Return the text that a piece of an answer holds: of a stream's whole events, else all of it."""
    start = text.find("data:")
    if start < 0 or not looks_like_sse(text[start:]):
        return _unescaped(text)
    payloads = parse_sse(text[start:]).payloads
    body = assemble(operation_of_stream(payloads) or Operation.CHAT, payloads).body
    return " ".join(_texts_in(body))


def _texts_in(value: object) -> list[str]:
    """Return the texts that a model made, out of an assembled answer."""
    if isinstance(value, dict):
        own = [item for name in ("content", "text", "arguments", "refusal") if isinstance(item := value.get(name), str)]
        return own + [text for item in value.values() if isinstance(item, dict | list) for text in _texts_in(item)]
    return [text for item in value for text in _texts_in(item)] if isinstance(value, list) else []


def _unescaped(text: str) -> str:
    """Return a piece of JSON text with its escapes read."""

    def read(found: re.Match[str]) -> str:
        mark = found[1]
        return chr(int(mark[1:], 16)) if mark[0] == "u" else ESCAPES.get(mark, mark)

    plain = ESCAPE.sub(read, text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
