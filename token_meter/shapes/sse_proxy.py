"""S12: a Function that proxies chat completions and logs each with the usage that the service reported."""

from token_meter.codes import Operation, Reason
from token_meter.shapes.fields import Fields
from token_meter.shapes.shape import Draft, Shape


def _finish(fields: Fields, draft: Draft) -> Reason | None:
    """Tell a stream by the record's type; only chat completions go through the proxy."""
    draft["operation"] = Operation.CHAT
    draft["is_stream"] = fields.text("type").lower() == "stream_completion"
    return None


SHAPES = (
    Shape(
        name="S12-completion",
        family="S12",
        title="SSE proxy",
        origin="hieumoscow/Function-SSE-Proxy: function_app.py",
        requires=("type", "content", "model"),
        where={"type": ("completion", "stream_completion")},
        tells={
            "time": ("timestamp",),
            "duration_ms": ("latency_ms", "streaming_duration_ms"),
            "requested_model": ("model",),
            "messages": ("prompt",),
            "completion": ("content",),
            "usage": ("usage",),
            "region": ("region",),
        },
        finish=_finish,
        limits="No id of the call: its place on the hub is taken. No caller. `model` is what was asked for, on Azure a "
        "deployment's name.",
    ),
)
