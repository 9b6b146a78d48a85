"""S3: request, answer and error as separate events with headers in lines, answers without their bodies."""

from token_meter.codes import Kind, Note, Reason
from token_meter.jsontypes import as_text
from token_meter.shapes.fields import Fields
from token_meter.shapes.shape import Draft, Shape

ORIGIN = "Azure-Samples/openai-python-enterprise-logging: deploy-terraform/apim.tf"
SHARED = {
    "request_id": ("RequestId",),
    "time": ("EventTime",),
    "client_ip": ("RequestIp",),
    "method": ("RequestMethod",),
    "operation_name": ("OperationUrl", "OperationName"),
    "api_id": ("ApiName",),
    "duration_ms": ("Duration",),
}
STREAMING = {"streaming": True, "not-streaming": False}


def _join_path(fields: Fields, draft: Draft) -> Reason | None:
    """Put the path and the query together."""
    draft["url"] = fields.text("RequestPath") + fields.text("RequestQuery")
    return None


def _read_streaming(fields: Fields, draft: Draft) -> Reason | None:
    """Take the word that stands for the body as what it says: whether the answer was a stream."""
    draft["is_stream"] = STREAMING.get(as_text(fields.raw("ResponseBody")).strip().lower())
    if draft["is_stream"] is not None:
        draft["notes"] = {Note.PLACEHOLDER}
    return None


SHAPES = (
    Shape(
        name="S3-request",
        family="S3",
        title="Logged HTTP events: request",
        origin=ORIGIN,
        kind=Kind.REQUEST,
        requires=("Type", "EventTime", "RequestId", "RequestBody"),
        where={"Type": ("request",)},
        any_api=True,
        tells={**SHARED, "request_headers": ("Headers",), "request_body": ("RequestBody",)},
        finish=_join_path,
        limits="The body ends after 1,024 characters: a longer prompt is estimated from its beginning.",
    ),
    Shape(
        name="S3-response",
        family="S3",
        title="Logged HTTP events: answer",
        origin=ORIGIN,
        kind=Kind.RESPONSE,
        requires=("Type", "EventTime", "RequestId", "ResponseStatusCode"),
        where={"Type": ("response",)},
        any_api=True,
        tells={
            **SHARED,
            "status": ("ResponseStatusCode",),
            "response_headers": ("Headers",),
            "request_body": ("RequestBody",),
            "response_body": ("ResponseBodyPayload", "ResponseBody"),
        },
        finish=_read_streaming,
        limits="No usage and mostly no answer: the completion stays unknown. The whole request is here, not there.",
    ),
    Shape(
        name="S3-error",
        family="S3",
        title="Logged HTTP events: error",
        origin=ORIGIN,
        kind=Kind.RESPONSE,
        requires=("Type", "EventTime", "RequestId", "LastErrorMessage"),
        where={"Type": ("error",)},
        tells=SHARED,
        limits="Says that a policy failed, not with which status: whether the call was charged is unknown.",
    ),
)
