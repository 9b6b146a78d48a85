"""What putting a stream together gives, and what all assemblers keep to."""

from dataclasses import dataclass

from token_meter.jsontypes import Json, JsonObject

MOST_PARTS = 1024
"""A bound on choices, tool calls, items and blocks; the services allow 128 (API reference, `n` and `tools`)."""
PROMPT_SIDE = ("prompt_", "input_", "cache_")
"""How the names of usage fields begin that tell of the prompt, in every API."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """A stream as one body, and whether the service finished it."""

    body: JsonObject
    finished: bool


def prompt_side(usage: JsonObject) -> dict[str, Json]:
    """Return what a usage says of the prompt: all that is final in one that a service stated before it had finished."""
    return {name: value for name, value in usage.items() if name.startswith(PROMPT_SIDE)}
