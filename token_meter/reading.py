"""A record into an exchange: bodies parsed, a stream put together, what the two sides name as their model."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from token_meter.codes import Kind, Operation
from token_meter.exchange import Exchange
from token_meter.jsontypes import Json, JsonObject, as_object, as_text, parse_json
from token_meter.operations import deployment_of_path, operation_of_bodies, operation_of_path
from token_meter.record import Record
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
    request, request_cut = _read_request(record.request_body)
    operation = operation_of_path(record.url)
    answer = _read_answer(record, operation)
    if operation is Operation.UNKNOWN:
        operation = answer.operation or operation_of_bodies(request, answer.body)
    asked = as_object(request)
    azure = _is_azure(record)
    requested_model = as_text(asked.get("model"))
    is_stream = answer.streamed
    if is_stream is None and isinstance(asked.get("stream"), bool):
        is_stream = asked["stream"] is True
    return Exchange(
        operation=operation,
        kind=record.kind,
        request=request,
        response=answer.body,
        is_stream=is_stream,
        request_cut=request_cut,
        response_cut=answer.cut,
        aborted=answer.aborted,
        status=record.status,
        served_model=_served_model(record, operation, answer.body, requested_model, azure=azure),
        requested_model=requested_model,
        deployment=_deployment(record, operation, asked, answer.body),
        azure=azure,
        time=record.time or record.origin.enqueued_time,
    )


def _read_request(body: Json) -> tuple[JsonObject | None, bool]:
    """Return the request's JSON object, and whether it was cut."""
    if isinstance(body, dict):
        return body, False
    text = as_text(body)
    value = parse_json(text) if text else None
    if isinstance(value, dict):
        return value, False
    return None, text.lstrip().startswith("{")


def _read_answer(record: Record, operation: Operation) -> _Answer:
    body = record.response_body
    if isinstance(body, dict):
        return _Answer(body)
    text = as_text(body)
    if not text.strip():
        return _Answer()
    if looks_like_sse(text):
        return _read_stream(record, text, operation)
    value = parse_json(text)
    if isinstance(value, dict):
        return _Answer(value, streamed=False if _succeeded(record) else None)
    return _Answer(cut=text.lstrip().startswith("{"))


def _read_stream(record: Record, text: str, operation: Operation) -> _Answer:
    stream = parse_sse(text)
    known = operation or operation_of_stream(stream.payloads)
    assembled = assemble(known, stream.payloads)
    missing = (record.response_bytes or 0) > len(text.encode())
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
    model = as_text(as_object(response).get("model"))
    echo = azure and operation is Operation.RESPONSES and model == requested
    return "" if echo else model


def _deployment(record: Record, operation: Operation, request: JsonObject, response: JsonObject | None) -> str:
    """Return the deployment: of the path, else the request's model, else as the service's headers or echo name it."""
    named = deployment_of_path(record.url) or as_text(request.get("model"))
    named = named or record.response_headers.get("x-ms-deployment-name", "")
    if not named and operation is Operation.RESPONSES and record.kind is not Kind.REQUEST:
        return as_text(as_object(response).get("model"))
    return named
