"""S2: a call in two events that share a `message-id` and say their `event-type`."""

from token_meter.codes import Kind, Reason
from token_meter.shapes.fields import Fields
from token_meter.shapes.shape import Draft, Shape

ORIGIN = "Azure-Samples/openai-python-enterprise-logging: assets/apim-policy-event-hub-logging.xml"
IMAGE_RESULT = "get-a-generated-image-result"
"""The operation that fetches an image which an earlier call made."""
SHARED = {
    "own_id": ("message-id",),
    "time": ("event-time",),
    "backend_id": ("backend",),
    "operation_name": ("operation",),
}


def _finish(fields: Fields, _draft: Draft) -> Reason | None:
    """Leave out calls that fetch what was made before."""
    return Reason.NOT_A_MODEL_CALL if fields.text("operation").lower() == IMAGE_RESULT else None


SHAPES = (
    Shape(
        name="S2-request",
        family="S2",
        title="Typed message events: request",
        origin=ORIGIN,
        kind=Kind.REQUEST,
        requires=("event-type", "event-time", "message-id"),
        where={"event-type": ("request",)},
        tells={**SHARED, "requested_model": ("model",), "messages": ("messages",), "prompt": ("prompt",)},
        finish=_finish,
        limits="No caller and no deployment. The prompt is estimated where the request names no known model.",
    ),
    Shape(
        name="S2-response",
        family="S2",
        title="Typed message events: answer",
        origin=ORIGIN,
        kind=Kind.RESPONSE,
        requires=("event-type", "event-time", "message-id"),
        where={"event-type": ("response",)},
        tells={
            **SHARED,
            "api_id": ("apiId",),
            "product_id": ("productId",),
            "served_model": ("model",),
            "choices": ("choices",),
            "prompt_tokens": ("prompt_tokens",),
            "completion_tokens": ("completion_tokens",),
            "total_tokens": ("total_tokens",),
        },
        finish=_finish,
        limits="No caller, no deployment, no status. Only chat, completions and embeddings have usage.",
    ),
)
