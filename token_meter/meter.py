"""The meter: a batch of events in, usage rows out. Read this first.

    event --> records --> exchange --> usage --> count --> row
    bytes     decode      bodies       what the  what is   one schema
                          parsed       API said  missing

Pure: no I/O, no clock, no state. The Event Hub trigger, replay and the command line call the same function, so the
same events give the same rows whenever and wherever they are metered.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from orjson import JSONEncodeError

from token_meter.codes import Reason
from token_meter.decode import decode
from token_meter.events import Event
from token_meter.jsontypes import dump_json
from token_meter.observe import observe
from token_meter.record import Ignored, Record, Rejected
from token_meter.row import UsageRow


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch. Every record received is in exactly one of the three, in the order of the events."""

    rows: tuple[UsageRow, ...]
    rejected: tuple[Rejected, ...]
    ignored: tuple[Ignored, ...]
    received: int
    """Records, counted as they were decoded; promise 1 is that the three add up to it."""

    @property
    def balanced(self) -> bool:
        """Whether promise 1 holds: received = metered + rejected + ignored."""
        return self.received == len(self.rows) + len(self.rejected) + len(self.ignored)


def meter(batch: Iterable[Event]) -> Outcome:
    """Return the rows of a batch of events, and which records gave none and why. One bad record harms no other."""
    rows: list[UsageRow] = []
    rejected: list[Rejected] = []
    ignored: list[Ignored] = []
    received = 0
    for event in batch:
        for decoded in decode(event):
            received += 1
            result = _observe(decoded, event) if isinstance(decoded, Record) else decoded
            if isinstance(result, UsageRow):
                rows.append(result)
            elif isinstance(result, Rejected):
                rejected.append(result)
            else:
                ignored.append(result)
    return Outcome(tuple(rows), tuple(rejected), tuple(ignored), received)


def _observe(record: Record, event: Event) -> UsageRow | Rejected | Ignored:
    """Observe one record; a fault of the meter becomes its rejection, naming the exception's class and no content."""
    try:
        return observe(record)
    except Exception as fault:  # noqa: BLE001 - promise 5: one bad record never harms its neighbours
        return Rejected(
            reason=Reason.METER_FAULT,
            stage="observe",
            origin=record.origin,
            body=_bytes_of(record, event),
            index=record.index,
            detail=type(fault).__name__,
        )


def _bytes_of(record: Record, event: Event) -> bytes:
    """Return the record's own bytes; the whole event's where it is nested too deeply to be written again."""
    try:
        return dump_json(record.value)
    except JSONEncodeError:
        return event.body
