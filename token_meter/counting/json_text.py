"""JSON as the service writes it again: what a caller sent is parsed and written out anew, by Python's own rules."""

import json
from dataclasses import dataclass

from token_meter.jsontypes import Json

COMPACT = (",", ":")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON value; by itself, None could be JSON's `null` as well as no JSON."""

    value: Json


def parsed(text: str) -> Parsed | None:
    """Return the JSON value that a text is, or None where it is none. Raises RecursionError of too deep nesting."""
    try:
        return Parsed(json.loads(text))
    except ValueError:  # also of numbers with more digits than Python converts
        return None


def written(value: object, *, spaced: bool = False, escaped: bool = False) -> str:
    """Return a value as JSON text: with or without blanks, beyond ASCII as it is or escaped.

    Raises RecursionError where it is nested too deeply, and TypeError where it is no JSON value.
    """
    return json.dumps(value, separators=None if spaced else COMPACT, ensure_ascii=escaped)


def compact(text: str) -> str:
    """Return JSON text without blanks between its parts; text that is no JSON as it is. Raises RecursionError."""
    value = parsed(text)
    return text if value is None else written(value.value)
