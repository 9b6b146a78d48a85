"""The batch row: the one definition of table `TokenMeterBatch_CL`, the ledger in which every batch is accounted for.

It is written after the batch's rows were accepted, so a batch without a row in the ledger was not delivered, and gaps
between the ledger's sequence numbers are events that were never metered.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from token_meter.codes import Via
from token_meter.columns import column, text
from token_meter.events import Event
from token_meter.identity import bounded
from token_meter.jsontypes import dump_json
from token_meter.meter import Outcome
from token_meter.names import digest
from token_meter.rejected_row import place_of
from token_meter.version import METER_REVISION, VERSION

EVENT_ID_VERSION = "b1"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """What became of the events of one partition in one batch. Received = metered + rejected + ignored, in records."""

    TABLE: ClassVar[str] = "TokenMeterBatch_CL"

    time_generated: datetime = column("datetime", "Sent equal to `MeteredTime`; serves to prune.")
    event_id: str = column("string", "Identity of the batch: of its partition, its first and last event, their number.")
    via: Via = column("string", "What read the events.")
    metered_time: datetime = column("datetime", "When the batch's rows had been accepted.")
    duration_ms: float | None = column("real", "From the batch's arrival to then, in milliseconds.", default=None)
    event_hub: str = text("The hub (`namespace/hub`).")
    partition: str = text("The hub's partition.")
    first_sequence_number: int | None = column(
        "long",
        "The first event's number in its partition; null for records out of dead letters, which are parts of events.",
        default=None,
    )
    last_sequence_number: int | None = column("long", "The last event's.", default=None)
    first_enqueued_time: datetime | None = column("datetime", "When the first event reached the hub.", default=None)
    last_enqueued_time: datetime | None = column("datetime", "When the last one did.", default=None)
    events: int = column("long", "Different events in the batch.", default=0)
    received: int = column("long", "Records in them.", default=0)
    metered: int = column("long", "Records that gave a usage row.", default=0)
    rejected: int = column("long", "Records that went to the dead letters.", default=0)
    ignored: int = column("long", "Records that are understood and no usage.", default=0)
    observations: int = column(
        "long", "Different `EventId`s among the batch's usage rows: what the table must hold.", default=0
    )
    reasons: Mapping[str, int] | None = column(
        "dynamic", "Of the rejected and ignored records, how many by reason.", default=None
    )
    meter_version: str = text("The version of the meter that made the row.")
    meter_revision: int | None = column("int", "Raised when counting changes.", default=None)


def batch_rows(
    events: Sequence[Event], outcome: Outcome, via: Via, metered: datetime, duration_ms: float | None
) -> Iterator[BatchRow]:
    """Yield the ledger's rows of a batch: one a partition, and one for events that came from no hub."""
    partitions: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        partitions.setdefault((event.origin.hub, event.origin.partition), []).append(event)
    rows = [
        _batch_row(hub, partition, members, outcome, via, metered, duration_ms)
        for (hub, partition), members in partitions.items()
    ]
    if len(rows) == 1:
        # what was decoded, not the sum of what became of it: so that `Balanced` compares two counts
        rows = [replace(rows[0], received=outcome.received)]
    yield from rows


def _batch_row(  # noqa: PLR0913, PLR0917 - put together once
    hub: str,
    partition: str,
    events: Sequence[Event],
    outcome: Outcome,
    via: Via,
    metered: datetime,
    duration_ms: float | None,
) -> BatchRow:
    rows = [row for row in outcome.rows if (row.event_hub, row.partition) == (bounded(hub), bounded(partition))]
    rejected, ignored = (
        [item for item in items if (item.origin.hub, item.origin.partition) == (hub, partition)]
        for items in (outcome.rejected, outcome.ignored)
    )
    # a record out of a dead letter is part of an event, so its number is not one that the batch has metered
    whole = [event.origin for event in events if event.origin.letter is None]
    numbers = [origin.sequence_number for origin in whole if origin.sequence_number is not None]
    times = [event.origin.enqueued_time for event in events if event.origin.enqueued_time is not None]
    reasons = Counter(item.reason.value for item in (*rejected, *ignored))
    return BatchRow(
        time_generated=metered,
        event_id=_event_id(events),
        via=via,
        metered_time=metered,
        duration_ms=duration_ms,
        event_hub=bounded(hub),
        partition=bounded(partition),
        first_sequence_number=min(numbers, default=None),
        last_sequence_number=max(numbers, default=None),
        first_enqueued_time=min(times, default=None),
        last_enqueued_time=max(times, default=None),
        events=len(events) - (len(numbers) - len(set(numbers))),
        received=len(rows) + len(rejected) + len(ignored),
        metered=len(rows),
        rejected=len(rejected),
        ignored=len(ignored),
        observations=len({row.event_id for row in rows}),
        reasons=dict(sorted(reasons.items())) or None,
        meter_version=VERSION,
        meter_revision=METER_REVISION,
    )


def _event_id(events: Sequence[Event]) -> str:
    """Return which batch it is, the same whenever the same events are metered together again.

    A batch of records out of a dead letter is another one than that of the events which they are of.
    """
    ends = [[*place_of(event.origin), _identity_of(event)] for event in (events[0], events[-1])]
    content = dump_json([*ends, len(events)])
    return f"{EVENT_ID_VERSION}:{digest(content)}"


def _identity_of(event: Event) -> str:
    letter = event.origin.letter
    return hashlib.sha256(event.body).hexdigest() if letter is None else letter.record_id
