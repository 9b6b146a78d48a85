"""S11: a proxy in front of the service that logs each chat completion, and counts streams itself."""

from token_meter.codes import Note, Operation, Reason, Source
from token_meter.shapes.fields import Fields
from token_meter.shapes.shape import Draft, Shape


def _finish(_fields: Fields, draft: Draft) -> Reason | None:
    """Mark the numbers of a stream, which the proxy counted with a tokenizer; only chats go through it."""
    draft["operation"] = Operation.CHAT
    if draft["is_stream"] and draft["stated"].reported:
        draft["stated_source"] = Source.ESTIMATED
        draft["notes"] = {Note.GATEWAY_COUNTED}
    return None


SHAPES = (
    Shape(
        name="S11-exchange",
        family="S11",
        title="Log helper proxy",
        origin="mattfeltonma/openai-log-helper-proxy: loghelper/processor.py",
        requires=("Type", "prompt", "completion"),
        where={"Type": ("openai-logger",)},
        tells={
            "own_id": ("message_guid",),
            "request_headers": ("req_headers",),
            "response_headers": ("resp_headers",),
            "deployment": ("model",),
            "is_stream": ("streaming",),
            "completion": ("completion",),
            "prompt_tokens": ("prompt_tokens",),
            "completion_tokens": ("completion_tokens",),
            "total_tokens": ("total_tokens",),
            "client_ip": ("client_ip",),
        },
        finish=_finish,
        limits="No time but that of arrival. The prompt's text is its first message only. Of a "
        "stream the proxy counted that and the completion itself: "
        "estimated. Only answers with status 200 and some completion.",
    ),
)
