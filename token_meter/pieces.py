"""Bodies in pieces: joined where all pieces are in one batch, else read apart, so that the fold can add them up.

A policy that logs long bodies writes a summary of the call and each body in several events. What was joined stands in
the summary's record, else in that of the body's first piece; the records that went into it are ignored as `joined`.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from token_meter.codes import Kind, Operation, Reason
from token_meter.exchange import Exchange
from token_meter.jsontypes import Json, as_text, parse_json
from token_meter.record import Ignored, Record
from token_meter.shapes import Decoded
from token_meter.sse import parse_sse
from token_meter.streams import assemble, operation_of_stream

SUMMARY, REQUEST, RESPONSE = "S15-summary", "S15-request", "S15-response"
JOINED_PART = 1
"""`part` of a summary with bodies: another observation than the summary alone, which another batch may have seen."""
TEXT_FIELDS = ("content", "text", "arguments", "refusal", "prompt", "input")
STRING = r'((?:[^"\\]++|\\.)*+)'
TEXT_FIELD = re.compile(rf'(?<!\\)"(?:{"|".join(TEXT_FIELDS)})"\s*:\s*"{STRING}', re.DOTALL)
UP_TO_QUOTE = re.compile(STRING, re.DOTALL)
USAGE = re.compile(r'(?<!\\)"usage"\s*:\s*(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})')
DANGLING_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:u[0-9a-fA-F]{0,3})?$")


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
    """Return a piece of a body as counting looks at it: its texts, without the JSON around them.

    Counted as the prompt or the completion of a completions call, since the frame that a chat adds is in no piece.
    Usage that stands whole in a piece of an answer is the service's own.
    """
    is_answer = record.kind is Kind.RESPONSE
    text = as_text(record.response_body if is_answer else record.request_body)
    if is_answer and "data:" in text:
        texts, usage = _read_stream(text)
    else:
        texts, usage = _texts_of_json(text, record.piece or 0), _usage_in(text) if is_answer else None
    joined = "\n".join(texts)
    return Exchange(
        operation=Operation.COMPLETIONS,
        kind=record.kind,
        request=None if is_answer else {"prompt": joined},
        response={"choices": [{"text": joined}], "usage": usage} if is_answer else None,
        request_cut=not is_answer,
        response_cut=is_answer,
        status=record.status,
        time=record.origin.enqueued_time,
    )


def _usage_in(text: str) -> Json:
    """Return the last usage that stands whole in a piece; its name is never inside a text, where quotes are escaped."""
    found = USAGE.findall(text)
    return parse_json(found[-1]) if found else None


def _read_stream(text: str) -> tuple[list[str], Json]:
    """Return the texts in the whole events of a piece of a stream, and the usage that it reports.

    The beginning of a message has a usage too, of which only the prompt is final; other streams have one at their end,
    in an event that a seam may have cut.
    """
    payloads = parse_sse(text[text.find("data:") :]).payloads
    operation = operation_of_stream(payloads)
    body = assemble(operation or Operation.CHAT, payloads).body
    return _texts_in(body), body.get("usage") if operation is Operation.MESSAGES else _usage_in(text)


def _texts_in(value: object) -> list[str]:
    """Return the texts that a model made, out of an assembled answer."""
    if isinstance(value, dict):
        own = [item for name in TEXT_FIELDS if isinstance(item := value.get(name), str)]
        return own + [text for item in value.values() if isinstance(item, dict | list) for text in _texts_in(item)]
    return [text for item in value for text in _texts_in(item)] if isinstance(value, list) else []


def _texts_of_json(text: str, piece: int) -> list[str]:
    """Return the texts in a piece of JSON: of the fields that hold any, and of one that began in another piece."""
    found = [_unescaped(string) for string in TEXT_FIELD.findall(text)]
    if piece:
        began_before = UP_TO_QUOTE.match(text)
        found.insert(0, _unescaped(began_before[0] if began_before else ""))
    return found


def _unescaped(text: str) -> str:
    """Return the text that a JSON string stands for, also where its last escape was cut."""
    whole = DANGLING_ESCAPE.sub(r"\1", text)
    value = parse_json(f'"{whole}"')
    return value if isinstance(value, str) else text
