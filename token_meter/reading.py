"""A record into an exchange: bodies parsed, a stream put together, what the two sides name as their model."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from token_meter.answers import Answer, read_answer
from token_meter.codes import Kind, Note, Operation
from token_meter.exchange import Exchange
from token_meter.extents import Extent, extent_of, without_media
from token_meter.jsontypes import JsonObject, as_object, as_text
from token_meter.names import Names
from token_meter.operations import deployment_of_path, operation_of_bodies, operation_of_path
from token_meter.options import DEFAULTS, MeterOptions
from token_meter.record import Record
from token_meter.salvage import read_json

OTHER_HOSTS = ("openai.com", "anthropic.com")
"""Hosts of the vendors' own services, which count a few things differently from Azure."""
SPILLED_OVER = "x-ms-is-spilled-over"
"""Azure's header of an answer that another deployment gave, since the provisioned one was busy."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The request's JSON object, and how much of it there is."""

    body: JsonObject | None = None
    cut: bool = False
    extent: Extent | None = None


def read_exchange(record: Record, options: MeterOptions = DEFAULTS) -> Exchange:
    """Return the call that a record tells of, as usage and counting look at it."""
    asked = _read_request(record)
    by_path = operation_of_path(record.url) or operation_of_path(record.backend_url)
    answer = read_answer(record, by_path)
    operation = by_path or answer.operation or operation_of_bodies(None, answer.body)
    operation = operation or record.operation or operation_of_bodies(asked.body, None)
    azure = _is_azure(record)
    names = Names()
    requested = names.identifier(as_text(as_object(asked.body).get("model")) or record.requested_model)
    deployment = names.identifier(_deployment(record, operation, requested, answer.body))
    notes = [Note.SPILLED_OVER] if record.response_headers.get(SPILLED_OVER, "").lower() == "true" else []
    served = names.identifier(_served_model(record, operation, answer.body, requested, azure=azure))
    return Exchange(
        operation=operation,
        kind=record.kind,
        request=asked.body,
        response=answer.body,
        is_stream=_is_stream(record, as_object(asked.body), answer),
        request_cut=asked.cut,
        response_cut=answer.cut,
        request_extent=asked.extent,
        response_extent=answer.extent,
        aborted=answer.aborted,
        status=record.status,
        served_model=served,
        requested_model=requested,
        deployment=deployment,
        mapped_model=options.model_of(deployment, requested),
        azure=azure,
        time=record.time or record.origin.enqueued_time,
        notes=(*notes, Note.NOT_A_NAME) if names.refused else tuple(notes),
    )


def _is_stream(record: Record, asked: JsonObject, answer: Answer) -> bool | None:
    """Tell whether the answer was a stream: it shows, or the record says so, or the request asked for one."""
    if answer.streamed is not None:
        return answer.streamed
    if record.is_stream is not None:
        return record.is_stream
    return asked["stream"] is True if isinstance(asked.get("stream"), bool) else None


def _read_request(record: Record) -> _Asked:
    body = record.request_body
    if isinstance(body, dict):
        return _Asked(body, record.request_cut)
    text = as_text(body)
    extent = extent_of(
        text, size=record.request_bytes, compacted=record.request_compacted, cut_from=record.request_cut_from
    )
    value, salvaged = read_json(text)
    cut = salvaged or record.request_cut or extent is not None
    if not isinstance(value, dict):
        return _Asked(None, cut or text.lstrip().startswith("{"))
    # where pictures and sounds stand in their own bytes, tokens do not go with bytes
    is_even = record.request_compacted or without_media(value) == value
    return _Asked(value, cut, extent if is_even else None)


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
