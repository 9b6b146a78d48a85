"""A record into an exchange: bodies parsed, a stream put together, what the two sides name as their model."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from token_meter.codes import Kind, Operation
from token_meter.exchange import Exchange
from token_meter.jsontypes import Json, JsonObject, as_object, as_text, parse_json
from token_meter.operations import deployment_of_path, operation_of_bodies, operation_of_path
from token_meter.record import Record
from token_meter.salvage import salvage
from token_meter.sse import looks_like_sse, parse_sse
from token_meter.streams import assemble, operation_of_stream

OTHER_HOSTS = ("openai.com", "anthropic.com")
"""Hosts of the vendors' own services, which count a few things differently from Azure."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer's body, and what its form tells."""

    body: JsonObject | None = None
    operation: Operation = Operation.UNKNOWN
    streamed: bool | None = None
    cut: bool = False
    aborted: bool = False


def read_exchange(record: Record) -> Exchange:
    """Return the call that a record tells of, as usage and counting look at it."""
    request, request_cut = _read_request(record)
    by_path = operation_of_path(record.url)
    answer = _read_answer(record, by_path)
    operation = by_path or answer.operation or operation_of_bodies(None, answer.body)
    operation = operation or record.operation or operation_of_bodies(request, None)
    asked = as_object(request)
    azure = _is_azure(record)
    requested_model = as_text(asked.get("model")) or record.requested_model
    return Exchange(
        operation=operation,
        kind=record.kind,
        request=request,
        response=answer.body,
        is_stream=_is_stream(record, asked, answer),
        request_cut=request_cut,
        response_cut=answer.cut,
        aborted=answer.aborted,
        status=record.status,
        served_model=_served_model(record, operation, answer.body, requested_model, azure=azure),
        requested_model=requested_model,
        deployment=_deployment(record, operation, requested_model, answer.body),
        azure=azure,
        time=record.time or record.origin.enqueued_time,
    )


def _is_stream(record: Record, asked: JsonObject, answer: _Answer) -> bool | None:
    """Tell whether the answer was a stream: it shows, or the record says so, or the request asked for one."""
    if answer.streamed is not None:
        return answer.streamed
    if record.is_stream is not None:
        return record.is_stream
    return asked["stream"] is True if isinstance(asked.get("stream"), bool) else None


def _read_request(record: Record) -> tuple[JsonObject | None, bool]:
    """Return the request's JSON object, and whether it was cut."""
    body = record.request_body
    if isinstance(body, dict):
        return body, record.request_cut
    text = as_text(body)
    value, cut = _read_json(text)
    if isinstance(value, dict):
        return value, cut or record.request_cut
    return None, record.request_cut or text.lstrip().startswith("{")


def _read_json(text: str) -> tuple[Json, bool]:
    """Return the value of a body, and whether it is only the beginning of one."""
    value = parse_json(text) if text else None
    salvaged = salvage(text) if value is None and text.lstrip().startswith("{") else None
    return (value, False) if salvaged is None else (salvaged[0], True)


def _read_answer(record: Record, operation: Operation) -> _Answer:
    body = record.response_body
    if isinstance(body, dict):
        return _Answer(body, cut=record.response_cut)
    text = as_text(body)
    if not text.strip():
        return _Answer(cut=record.response_cut)
    if looks_like_sse(text):
        return _read_stream(record, text, operation)
    value, cut = _read_json(text)
    if isinstance(value, dict) and value:
        return _Answer(value, streamed=False if _succeeded(record) else None, cut=cut or record.response_cut)
    return _Answer(cut=record.response_cut or text.lstrip().startswith("{"))


def _read_stream(record: Record, text: str, operation: Operation) -> _Answer:
    stream = parse_sse(text)
    known = operation or operation_of_stream(stream.payloads) or record.operation
    assembled = assemble(known, stream.payloads)
    missing = record.response_cut or (record.response_bytes or 0) > len(text.encode())
    unfinished = not assembled.finished and not stream.done
    return _Answer(
        assembled.body,
        known,
        streamed=True,
        cut=stream.damaged or (unfinished and missing),
        aborted=unfinished and not missing and not stream.damaged and "error" not in assembled.body,
    )


def _succeeded(record: Record) -> bool:
    return record.status is None or 200 <= record.status < 300  # noqa: PLR2004 - the range of HTTP's successes


def _is_azure(record: Record) -> bool:
    """Tell Azure from the vendors' own hosts; a gateway in Azure serves Azure unless its backend says otherwise."""
    try:
        host = urlsplit(record.backend_url).hostname or ""
    except ValueError:
        return True
    return not any(host == other or host.endswith("." + other) for other in OTHER_HOSTS)


def _served_model(
    record: Record, operation: Operation, response: JsonObject | None, requested: str, *, azure: bool
) -> str:
    """Return the model that ran. Azure's Responses API echoes the deployment's name, which is no evidence of one."""
    named = record.response_headers.get("x-ms-served-model", "")
    if named:
        return named
    model = as_text(as_object(response).get("model")) or record.served_model
    echo = azure and operation is Operation.RESPONSES and requested in ("", model)
    return "" if echo else model


def _deployment(record: Record, operation: Operation, requested: str, response: JsonObject | None) -> str:
    """Return the deployment: of the path, else the record's word, else the request's model, else the answer's."""
    named = deployment_of_path(record.url) or record.deployment or deployment_of_path(record.backend_url)
    named = named or requested or record.response_headers.get("x-ms-deployment-name", "")
    if not named and operation is Operation.RESPONSES and record.kind is not Kind.REQUEST:
        return as_text(as_object(response).get("model")) or record.served_model
    return named
