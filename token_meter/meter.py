"""The meter: a batch of events in, usage rows out. Read this first.

    event --> records --> whole    --> exchange --> usage --> count --> row
    bytes     decode      bodies       bodies       what the  what is   one schema
                          joined       parsed       API said  missing

Pure: no I/O, no clock, no state. The Event Hub trigger, replay and the command line call the same function, so the
same events give the same rows whenever and wherever they are metered.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from token_meter.codes import Reason
from token_meter.decode import decode
from token_meter.events import Event
from token_meter.from_letters import lost_its_identity
from token_meter.observe import observe
from token_meter.options import DEFAULTS, MeterOptions
from token_meter.pieces import join_pieces
from token_meter.record import Ignored, Record, Rejected
from token_meter.row import UsageRow
from token_meter.shapes import Decoded, Shape, shapes_named


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

    def check(self) -> None:
        """Raise RuntimeError where promise 1 does not hold: nothing of such a batch may be kept."""
        if not self.balanced:
            raise RuntimeError("received is not metered + rejected + ignored; this is a defect of the meter")


def meter(batch: Iterable[Event], options: MeterOptions = DEFAULTS, refused: Collection[str] = ()) -> Outcome:
    """Return the rows of a batch of events, and which records gave none and why. One bad record harms no other.

    `refused` are the `EventId`s of rows that the store does not take: their records count as rejected.
    Raises UnknownShapeName where the options name a shape that there is none of.
    """
    rows: list[UsageRow] = []
    rejected: list[Rejected] = []
    ignored: list[Ignored] = []
    decoded = decode_batch(batch, options)
    for item in decoded:
        result = _observe(item, options, refused)
        if isinstance(result, UsageRow):
            rows.append(result)
        elif isinstance(result, Rejected):
            rejected.append(result)
        else:
            ignored.append(result)
    return Outcome(tuple(rows), tuple(rejected), tuple(ignored), len(decoded))


def decode_batch(batch: Iterable[Event], options: MeterOptions = DEFAULTS) -> list[Decoded]:
    """Return every record of a batch in order, bodies that came in pieces joined.

    Raises UnknownShapeName where the options name a shape that there is none of.
    """
    shapes = shapes_named(options.shape)
    return join_pieces([item for event in batch for item in _decode(event, shapes)])


def _decode(event: Event, shapes: tuple[Shape, ...]) -> list[Decoded]:
    """Return the records of an event; where the meter fails on it, the event as one rejected record."""
    try:
        return list(decode(event, shapes))
    except Exception as fault:  # noqa: BLE001 - promise 5: one bad event never harms its neighbours
        return [
            Rejected(
                reason=Reason.METER_FAULT,
                stage="decode",
                origin=event.origin,
                body=event.body,
                index=0 if event.origin.letter is None else event.origin.letter.index,
                detail=type(fault).__name__,
                whole=event.origin.letter is None or event.origin.letter.whole,
            )
        ]


def _observe(item: Decoded, options: MeterOptions, refused: Collection[str]) -> UsageRow | Rejected | Ignored:
    """Observe one record; a fault of the meter becomes its rejection, naming the exception's class and no content."""
    if not isinstance(item, Record):
        return item
    try:
        result = observe(item, options)
    except Exception as fault:  # noqa: BLE001 - promise 5: one bad record never harms its neighbours
        return _rejected(item, Reason.METER_FAULT, "observe", type(fault).__name__)
    if isinstance(result, UsageRow) and result.event_id in refused:
        return _rejected(item, Reason.ROW_REFUSED, "sink")
    if isinstance(result, UsageRow) and lost_its_identity(item, result):
        return _rejected(item, Reason.IDENTITY_REMOVED, "observe")
    return result


def _rejected(item: Record, reason: Reason, stage: str, detail: str = "") -> Rejected:
    return Rejected(reason=reason, stage=stage, origin=item.origin, body=item.body, index=item.index, detail=detail)
