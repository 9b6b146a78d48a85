"""Dead letters back into events: each record as it was kept, with the place where it was found first."""

import base64
import binascii
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import IO

from token_meter.codes import Reason
from token_meter.events import Event, FromLetter, Origin
from token_meter.jsontypes import JsonObject, as_object, as_text, as_whole_number, parse_json
from token_meter.times import parse_time

RECORD_ID = re.compile(r"r1:[0-9a-f]{32}")
LONGEST_LINE = 64 * 1024 * 1024
"""Far over what a hub carries (1 MB an event) in base64."""
REASONS = {reason.value: reason for reason in Reason}
LARGEST_INDEX, LARGEST_NUMBER = 2**31 - 1, 2**63 - 1
"""What the tables' columns hold (int, long)."""


class Unreplayable(StrEnum):
    """Why a line of a letter gives no event."""

    IN_DOUBT = "in_doubt"
    """Its bytes were not kept, since secrets may have been left in them."""
    DAMAGED = "damaged"
    """It is no record of a dead letter."""


def read_letter(stream: IO[bytes], letter: str) -> Iterator[Event | Unreplayable]:
    """Yield what each line of a dead letter of this name holds, in order; one of any length that is none is DAMAGED."""
    above: tuple[bytes, bool] | None = None
    while line := stream.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            yield Unreplayable.DAMAGED
            return
        fields = as_object(parse_json(line))
        whole = fields.get("whole") is True
        kept = above if fields.get("bodyAbove") is True else _kept(fields)
        if whole:
            above = kept
        yield _event(fields, letter, kept, whole=whole)


def _kept(fields: JsonObject) -> tuple[bytes, bool] | None:
    """Return a record's bytes and whether secrets were taken out of them; None where there are none."""
    body = fields.get("body")
    if not isinstance(body, str):
        return None
    try:
        return base64.b64decode(body, validate=True), fields.get("scrubbed") is not False
    except (binascii.Error, ValueError):
        return None


def _event(fields: JsonObject, letter: str, kept: tuple[bytes, bool] | None, *, whole: bool) -> Event | Unreplayable:
    record_id, reason = as_text(fields.get("id")), REASONS.get(as_text(fields.get("reason")))
    index, number = as_whole_number(fields.get("index")), as_whole_number(fields.get("sequenceNumber"))
    if not RECORD_ID.fullmatch(record_id) or reason is None:
        return Unreplayable.DAMAGED
    if index is None or not 0 <= index <= LARGEST_INDEX or (number is not None and abs(number) > LARGEST_NUMBER):
        return Unreplayable.DAMAGED
    if kept is None:
        return Unreplayable.IN_DOUBT if fields.get("body") is None else Unreplayable.DAMAGED
    body, scrubbed = kept
    origin = Origin(
        hub=as_text(fields.get("hub")),
        partition=as_text(fields.get("partition")),
        sequence_number=number,
        enqueued_time=parse_time(as_text(fields.get("enqueuedTime"))),
        file=as_text(fields.get("file")),
        line=as_whole_number(fields.get("line")),
        letter=FromLetter(
            record_id=record_id,
            letter=letter,
            reason=reason,
            stage=as_text(fields.get("stage")),
            detail=as_text(fields.get("detail")),
            index=index,
            whole=whole,
            scrubbed=scrubbed,
        ),
    )
    return Event(body, origin)
