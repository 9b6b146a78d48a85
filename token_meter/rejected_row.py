"""The rejected row: the one definition of table `TokenMeterRejected_CL`, and how a set-aside record becomes one.

One row says what became of a record that once could not be metered: first `rejected`, later, once a replay has read it,
`metered` or `ignored` under the same `EventId`.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from token_meter.codes import Reason, RejectedOutcome
from token_meter.columns import column, text
from token_meter.events import FromLetter, Origin
from token_meter.identity import bounded
from token_meter.jsontypes import dump_json
from token_meter.names import digest
from token_meter.record import Rejected, SetAside
from token_meter.version import METER_REVISION, VERSION

EVENT_ID_VERSION = "r1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """One observation of a record that could not be metered: why, where it is, what became of it."""

    TABLE: ClassVar[str] = "TokenMeterRejected_CL"

    time_generated: datetime = column("datetime", "Sent equal to `ObservedTime`; serves to prune.")
    event_id: str = column("string", "Identity of the record: of its place on its hub or in its file, and its bytes.")
    outcome: RejectedOutcome = column("string", "What became of the record when it was observed.")
    observed_time: datetime = column("datetime", "When the meter met the record.")
    reason: Reason = column("string", "Why it was rejected.")
    stage: str = text("Which stage rejected it.")
    detail: str = text("The class of the fault, where it was one; never content.")
    dead_letter: str = text("Name of the dead letter that keeps it.")
    size_bytes: int | None = column("long", "How many bytes the record has.", default=None)
    event_hub: str = text("The hub (`namespace/hub`) that the event came from.")
    partition: str = text("The hub's partition.")
    sequence_number: int | None = column("long", "The event's number in its partition.", default=None)
    enqueued_time: datetime | None = column("datetime", "When the event reached the hub.", default=None)
    record_index: int | None = column("int", "The record's place in its event, from 0.", default=None)
    meter_version: str = text("The version of the meter that made the row.")
    meter_revision: int | None = column("int", "Raised when counting changes.", default=None)


def rejected_row(item: Rejected, dead_letter: str, observed: datetime) -> RejectedRow:
    """Return the row of a record that was rejected just now and lies in a dead letter."""
    return RejectedRow(
        time_generated=observed,
        event_id=rejected_event_id(item),
        outcome=RejectedOutcome.REJECTED,
        observed_time=observed,
        reason=item.reason,
        stage=item.stage,
        detail=bounded(item.detail),
        dead_letter=bounded(dead_letter),
        size_bytes=len(item.body),
        event_hub=bounded(item.origin.hub),
        partition=bounded(item.origin.partition),
        sequence_number=item.origin.sequence_number,
        enqueued_time=item.origin.enqueued_time,
        record_index=item.index,
        meter_version=VERSION,
        meter_revision=METER_REVISION,
    )


def recovered_row(origin: Origin, letter: FromLetter, outcome: RejectedOutcome, observed: datetime) -> RejectedRow:
    """Return the row of a record that was rejected once and has been read out of its dead letter just now."""
    return RejectedRow(
        time_generated=observed,
        event_id=letter.record_id,
        outcome=outcome,
        observed_time=observed,
        reason=letter.reason,
        stage=bounded(letter.stage),
        detail=bounded(letter.detail),
        dead_letter=bounded(letter.letter),
        event_hub=bounded(origin.hub),
        partition=bounded(origin.partition),
        sequence_number=origin.sequence_number,
        enqueued_time=origin.enqueued_time,
        record_index=letter.index,
        meter_version=VERSION,
        meter_revision=METER_REVISION,
    )


def rejected_event_id(item: SetAside) -> str:
    """Return which record it is, the same whenever and in whatever batch it is met again.

    What comes out of a dead letter is what went into it, also where its bytes lack the secrets that they had.
    """
    letter = item.origin.letter
    if letter is not None and letter.index == item.index:
        return letter.record_id
    identity = [*place_of(item.origin), item.index, hashlib.sha256(item.body).hexdigest()]
    return f"{EVENT_ID_VERSION}:{digest(dump_json(identity))}"


def place_of(origin: Origin) -> list[str | int | None]:
    """Return where an event is, the same whenever it is read again: on its hub, else in its file.

    The enqueued time is taken to the second, as Capture has it; a file goes by its name, wherever the folder lies.
    """
    second = origin.enqueued_time.strftime("%Y%m%dT%H%M%SZ") if origin.enqueued_time else ""
    if origin.hub and origin.sequence_number is not None:
        return [origin.hub.lower(), origin.partition, origin.sequence_number, second]
    return [origin.file_name, origin.line]
