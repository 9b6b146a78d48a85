"""What a message on the replay queue asks for, and doing as much of it as fits into one invocation.

Messages are hostile until they are read: a message that is none is refused with a reason, and nothing of it is used.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from token_meter.dated_names import CaptureNames
from token_meter.jsontypes import Json, JsonObject, as_object, as_text, as_whole_number, dump_json, parse_json
from token_meter.period import Period
from token_meter.pipeline import Pipeline
from token_meter.replay import replay
from token_meter.sources.replayable import START, Position, Replayable
from token_meter.sources.stores import Store
from token_meter.times import parse_time

LARGEST_MESSAGE = 64 * 1024
"""Bytes; a queue takes no larger one (Azure Queue Storage limits)."""
LONGEST_NAME = 1_024
"""Characters of a blob's name (Azure Blob Storage limits)."""
MOST_SLICES = 10_000
"""A replay that goes on for longer than this is going in circles: at 3 minutes a slice it would be three weeks."""
SLICE_SECONDS = 180.0
"""No batch begins later in an invocation. One takes minutes where the stores are failing, and `functionTimeout`
(host.json) is ten."""
KNOWN_FIELDS = frozenset({"kind", "prefix", "start", "end", "after", "slice"})

log = logging.getLogger("token_meter")


class RequestUnusable(ValueError):  # noqa: N818 - it names a state of the message
    """A message that asks for nothing that can be done. The text says what is wrong, without what the message said."""


class Kind(StrEnum):
    """What is to be metered again."""

    DEAD_LETTERS = "dead_letters"
    CAPTURE = "capture"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """What is to be metered again, and how far that is done."""

    kind: Kind
    prefix: str = ""
    """What blobs' names begin with; empty for all."""
    period: Period = field(default_factory=Period)
    after: Position = START
    slice_number: int = 0

    def to_message(self) -> str:
        """Return the message that asks for this."""
        values = {
            "kind": self.kind,
            "prefix": self.prefix,
            "start": self.period.start,
            "end": self.period.end,
            "after": {"name": self.after.name, "number": self.after.number},
            "slice": self.slice_number,
        }
        return dump_json(values).decode()


def read_request(message: bytes) -> ReplayRequest:
    """Return what a message asks for. Raises RequestUnusable."""
    value = parse_json(message) if len(message) <= LARGEST_MESSAGE else None
    if not isinstance(value, dict):
        raise RequestUnusable('a replay message is a JSON object such as {"kind": "dead_letters"}')
    if not value.keys() <= KNOWN_FIELDS:
        raise RequestUnusable(f"a replay message has no other fields than {', '.join(sorted(KNOWN_FIELDS))}")
    kind = as_text(value.get("kind"))
    if kind not in {item.value for item in Kind}:
        raise RequestUnusable(f"`kind` must be one of {', '.join(Kind)}")
    period = Period(_moment(value, "start"), _moment(value, "end"))
    if period.start is not None and period.end is not None and period.start >= period.end:
        raise RequestUnusable("`start` must be before `end`")
    after = value.get("after")
    if after is not None and not isinstance(after, dict):
        raise RequestUnusable("`after` must be an object")
    return ReplayRequest(
        kind=Kind(kind),
        prefix=_name(value.get("prefix"), "prefix"),
        period=period,
        after=_position(as_object(after)),
        slice_number=_number(value, "slice"),
    )


def _position(after: JsonObject) -> Position:
    name = _name(after.get("name"), "after.name")
    return Position(name, None if "number" in after and after["number"] is None else _number(after, "number"))


def _moment(value: JsonObject, name: str) -> datetime | None:
    given = value.get(name)
    moment = parse_time(as_text(given))
    if given is not None and moment is None:
        raise RequestUnusable(f"`{name}` must be a time such as 2026-11-23T10:00:00Z")
    return moment


def _name(value: Json, name: str) -> str:
    text = as_text(value)
    if (value is not None and not isinstance(value, str)) or len(text) > LONGEST_NAME or not (text.isprintable()):
        raise RequestUnusable(f"`{name}` must be a blob's name or its beginning")
    return text


def _number(value: JsonObject, name: str) -> int:
    given = value.get(name)
    number = 0 if given is None else as_whole_number(given)
    if number is None or number < 0:
        raise RequestUnusable(f"`{name}` must be a number from 0")
    return number


def replay_slice(
    request: ReplayRequest,
    store: Store,
    names: CaptureNames,
    pipeline: Pipeline,
    clock: Callable[[], float],
) -> ReplayRequest | None:
    """Meter again what a request asks for, until it is done or the time is up; return what is left, if anything.

    Done twice, it changes nothing. `clock` gives seconds. Raises what the stores raise, and RequestUnusable where a
    request has come back far too often.
    """
    if request.slice_number >= MOST_SLICES:
        raise RequestUnusable("went on for too many slices")
    end = clock() + SLICE_SECONDS
    replayable = Replayable(store=store, period=request.period, names=names, after=request.after)
    for batch in replayable.batches():
        if batch.events:
            outcome = replay(pipeline, batch.events, batch.letter)
            log.info(
                "replayed a batch: received %d, metered %d, rejected %d, ignored %d",
                outcome.received,
                len(outcome.rows),
                len(outcome.rejected),
                len(outcome.ignored),
            )
        if batch.unreplayable or batch.problem:
            log.warning("not replayed: %s %s", dict(batch.unreplayable), batch.problem)
        if clock() >= end:
            return replace(request, after=batch.ends, slice_number=request.slice_number + 1)
    return None
