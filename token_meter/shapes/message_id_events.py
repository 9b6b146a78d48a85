"""S1: a call in three events that share a `message-id`: the request, the answer's choices, and the tokens."""

from token_meter.codes import Kind
from token_meter.shapes.shape import Shape

ORIGIN = "mattfeltonma/azure-openai-apim: apim-policies/apim-policy-event-hub-logging.xml"
SHARED = {
    "own_id": ("message-id",),
    "time": ("event-time",),
    "app_id": ("appid",),
    "backend_id": ("backend",),
}

SHAPES = (
    Shape(
        name="S1-chargeback",
        family="S1",
        title="Message events: chargeback",
        origin=ORIGIN,
        kind=Kind.RESPONSE,
        requires=("event-time", "message-id", "total_tokens"),
        lacks=("event-type", "choices"),
        tells={
            **SHARED,
            "answer_object": ("operation",),
            "served_model": ("model",),
            "prompt_tokens": ("prompt_tokens",),
            "completion_tokens": ("completion_tokens",),
            "total_tokens": ("total_tokens",),
        },
        limits="No deployment, no status, no stream flag. Only written for whole answers that report usage.",
    ),
    Shape(
        name="S1-response",
        family="S1",
        title="Message events: answer",
        origin=ORIGIN,
        kind=Kind.RESPONSE,
        requires=("event-time", "message-id", "choices"),
        lacks=("event-type",),
        tells={
            **SHARED,
            "answer_object": ("operation",),
            "served_model": ("model",),
            "choices": ("choices",),
        },
        limits="No deployment and no usage: the completion is estimated, since the request is in another event.",
    ),
    Shape(
        name="S1-request",
        family="S1",
        title="Message events: request",
        origin=ORIGIN,
        kind=Kind.REQUEST,
        requires=("event-time", "message-id"),
        one_of=("prompt", "messages"),
        lacks=("event-type", "choices", "total_tokens"),
        tells={
            **SHARED,
            "operation_name": ("operationname",),
            "messages": ("messages",),
            "prompt": ("prompt",),
        },
        limits="No model and no deployment: the prompt is estimated. Tools and the like are not logged.",
    ),
)
