"""JSON that was cut off: everything before the cut, and where the cut is.

APIM cuts a message at 200 KB, GatewayLogs a body at 8,192 bytes, policies a body at 1,024 characters; none of it is
valid JSON any more. Only a text that ends too early is salvaged. One that is damaged in its middle is not JSON and
stays so.
"""

import re
from dataclasses import dataclass

import jiter

from token_meter.jsontypes import LONE_SURROGATE, Json, parse_json

STRING = re.compile(r'"(?:[^"\\]++|\\.)*+("?)', re.DOTALL)
"""A string and its end, which is missing where the text was cut inside it."""
UNFINISHED_SCALAR = re.compile(r"(?<=[\[:,\s])[-+0-9.eE]+$")


@dataclass(frozen=True, slots=True)
class Cut:
    """How a value ends: how many objects and lists were open at the cut, and whether a text was."""

    depth: int = 0
    in_text: bool = False

    def inner(self) -> "Cut":
        """Return the same cut as seen from the value that was open inside."""
        return Cut(max(self.depth - 1, 0), self.in_text)


WHOLE = Cut()


def salvage(text: str) -> tuple[Json, Cut] | None:
    """Return what stands before the end of a JSON text that ends too early, or None where that is not its fault.

    A text that was cut keeps its beginning; a number or name that was cut is left out, since its beginning means
    another thing.
    """
    cut = _cut_of(text)
    if cut is None:
        return None
    if not cut.in_text:
        text = UNFINISHED_SCALAR.sub("", text)
    kept = LONE_SURROGATE.sub(lambda _: "\\ufffd", text).encode("utf-8", "replace")
    try:
        value: Json = jiter.from_json(kept, partial_mode="trailing-strings")
        without_open_text: Json = jiter.from_json(kept, partial_mode="on")
    except ValueError:
        return None
    return value, Cut(cut.depth, in_text=value != without_open_text)


def read_json(text: str) -> tuple[Json, bool]:
    """Return the value of a body, and whether it is only the beginning of one; None where it is no JSON."""
    value = parse_json(text) if text else None
    salvaged = salvage(text) if value is None and text.lstrip().startswith("{") else None
    return (value, False) if salvaged is None else (salvaged[0], True)


def _cut_of(text: str) -> Cut | None:
    """Return how many containers a text leaves open, or None where it closes what it opened or opens nothing."""
    in_text = False
    outside = []
    end = 0
    for string in STRING.finditer(text):
        outside.append(text[end : string.start()])
        end = string.end()
        in_text = not string[1]
    marks = "".join(outside) + text[end:]
    depth = sum(marks.count(mark) for mark in "{[") - sum(marks.count(mark) for mark in "}]")
    return Cut(depth, in_text) if depth > 0 else None
