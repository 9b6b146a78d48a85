"""The registry of record shapes: the first that explains an object by its content reads it.

A shape is a module with its SHAPES, one line below, and a golden sample in tests/golden/shapes.
"""

from dataclasses import replace

from token_meter.shapes import (
    assorted_records,
    base64_http_events,
    batch_files,
    buffered_exchanges,
    canonical,
    chunked_bodies,
    diagnostic_logs,
    hub_gateway_usage,
    learn_samples,
    log_helper_proxy,
    logged_calls,
    logged_http_events,
    message_id_events,
    multi_app_requests,
    pii_processing,
    policy_stream_records,
    sse_proxy,
    stored_messages,
    subscription_key_exchanges,
    typed_message_events,
    usage_tracking,
)
from token_meter.shapes.fields import Fields
from token_meter.shapes.shape import Arrived, Decoded, Shape

__all__ = ["SHAPES", "Arrived", "Decoded", "Shape", "UnknownShapeName", "read", "shapes_named"]

SHAPES: tuple[Shape, ...] = (
    *canonical.SHAPES,
    *message_id_events.SHAPES,
    *typed_message_events.SHAPES,
    *logged_http_events.SHAPES,
    *stored_messages.SHAPES,
    *hub_gateway_usage.SHAPES,
    *pii_processing.SHAPES,
    *usage_tracking.SHAPES,
    *subscription_key_exchanges.SHAPES,
    *buffered_exchanges.SHAPES,
    *logged_calls.SHAPES,
    *log_helper_proxy.SHAPES,
    *sse_proxy.SHAPES,
    *policy_stream_records.SHAPES,
    *diagnostic_logs.SHAPES,
    *chunked_bodies.SHAPES,
    *base64_http_events.SHAPES,
    *learn_samples.SHAPES,
    *multi_app_requests.SHAPES,
    *batch_files.SHAPES,
    *assorted_records.SHAPES,
)
"""The more specific before the more general, where two could explain one object."""


class UnknownShapeName(ValueError):  # noqa: N818 - it says what is wrong with a setting
    """A setting names a shape or family that there is none of."""


def shapes_named(name: str) -> tuple[Shape, ...]:
    """Return the shapes that a setting asks for: all where it is empty, those of a family (`S4`), or one by its name.

    A shape that is asked for by its name (`S4-usage`) reads every object, for copies of a policy that leave out what
    tells the shape. Raises UnknownShapeName.
    """
    if not name:
        return SHAPES
    by_name = next((shape for shape in SHAPES if shape.name.lower() == name.lower() and shape.ignored is None), None)
    if by_name is not None:
        return (replace(by_name, requires=(), one_of=(), lacks=(), only=(), where={}),)
    family = tuple(shape for shape in SHAPES if shape.family.lower() == name.lower())
    if not family:
        raise UnknownShapeName(f"no shape of record is called {name!r}")
    return family


def read(arrived: Arrived, shapes: tuple[Shape, ...] = SHAPES) -> Decoded | None:
    """Return what the first of some shapes that explains an object makes of it; None where none explains it."""
    fields = Fields(arrived.value, arrived.cut)
    shape = next((shape for shape in shapes if shape.explains(fields)), None)
    return None if shape is None else shape.read(arrived, fields)
