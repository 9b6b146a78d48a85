"""The answer in a record: JSON, a stream that is put together, or one that the gateway's policy compacted."""

from dataclasses import dataclass

from token_meter.codes import Operation
from token_meter.compaction import read_compacted
from token_meter.extents import Extent, extent_of
from token_meter.jsontypes import JsonObject, as_text
from token_meter.operations import operation_of_bodies
from token_meter.record import Record
from token_meter.salvage import read_json
from token_meter.sse import looks_like_sse, parse_sse
from token_meter.streams import assemble, operation_of_stream

EVENT_STREAM = "event-stream"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer's body, and what its form tells."""

    body: JsonObject | None = None
    operation: Operation = Operation.UNKNOWN
    streamed: bool | None = None
    cut: bool = False
    aborted: bool = False
    extent: Extent | None = None


def read_answer(record: Record, operation: Operation) -> Answer:
    """Return the answer of a call whose path names an operation (or UNKNOWN)."""
    body = record.response_body
    if isinstance(body, dict):
        return Answer(body, cut=record.response_cut)
    text = as_text(body)
    if not text.strip():
        return Answer(cut=record.response_cut)
    extent = extent_of(
        text, size=record.response_bytes, compacted=record.response_compacted, cut_from=record.response_cut_from
    )
    if looks_like_sse(text):
        return _read_stream(record, text, operation, extent)
    value, salvaged = read_json(text)
    cut = salvaged or record.response_cut or extent is not None
    if not isinstance(value, dict) or not value:
        return Answer(cut=cut or text.lstrip().startswith("{"))
    if record.response_compacted:
        return _read_compacted(record, value, operation, extent, cut=cut)
    return Answer(value, streamed=_is_no_stream(record), cut=cut, extent=extent)


def _read_stream(record: Record, text: str, operation: Operation, extent: Extent | None) -> Answer:
    stream = parse_sse(text)
    known = operation or operation_of_stream(stream.payloads) or record.operation
    assembled = assemble(known, stream.payloads)
    unfinished = not assembled.finished and not stream.done
    cut = stream.damaged or extent is not None or (unfinished and record.response_cut)
    return Answer(assembled.body, known, streamed=True, cut=cut, aborted=unfinished and not cut, extent=extent)


def _read_compacted(
    record: Record, body: JsonObject, operation: Operation, extent: Extent | None, *, cut: bool
) -> Answer:
    known = operation or operation_of_bodies(None, body) or record.operation
    assembled = read_compacted(known, body)
    streamed = EVENT_STREAM in record.response_content_type.lower() or _is_no_stream(record)
    cut = cut or body.get("damaged") is True
    aborted = streamed is True and not cut and not assembled.finished and body.get("done") is not True
    return Answer(assembled.body, known, streamed, cut, aborted, extent)


def _is_no_stream(record: Record) -> bool | None:
    """Return False for an answer that came whole; an error tells nothing of what was asked for."""
    succeeded = record.status is None or 200 <= record.status < 300  # noqa: PLR2004 - the range of HTTP's successes
    return False if succeeded else None
