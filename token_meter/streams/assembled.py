"""What putting a stream together gives, and the bound that all assemblers keep."""

from dataclasses import dataclass

from token_meter.jsontypes import JsonObject

MOST_PARTS = 1024
"""A bound on choices, tool calls, items and blocks; the services allow 128 (API reference, `n` and `tools`)."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """A stream as one body, and whether the service finished it."""

    body: JsonObject
    finished: bool
