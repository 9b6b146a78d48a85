"""The registry of record shapes: what each is called, how it is recognised by content, how it is read.

A shape is one module with `recognise(value)` and `read(value, origin, index)`, and one line below. The first that
recognises an object reads it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from token_meter.events import Origin
from token_meter.jsontypes import JsonObject
from token_meter.record import Ignored, Record, Rejected
from token_meter.shapes import canonical

Decoded = Record | Rejected | Ignored


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of record: its name in `RecordShape`, and the two functions that know it."""

    name: str
    recognise: Callable[[JsonObject], bool]
    read: Callable[[JsonObject, Origin, int], Decoded]


SHAPES: tuple[Shape, ...] = (Shape(canonical.NAME, canonical.recognise, canonical.read),)


def shape_of(value: JsonObject) -> Shape | None:
    """Return the shape that explains an object, or None."""
    return next((shape for shape in SHAPES if shape.recognise(value)), None)
