"""Which rows of a batch are counted, so that a call counts once although several records may tell of it.

Halves of a call come in different batches, to different processes, and a counter cannot be mended afterwards. So it is
settled beforehand which observation of a call counts: the one that bears the answer. The table, which folds all of
them, is the truth; counters are what is known of the call at once.
"""

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from token_meter.codes import Kind, Source
from token_meter.events import Origin
from token_meter.row import UsageRow
from token_meter.shapes import SHAPES
from token_meter.shapes.canonical import SHAPES as CANONICAL

LATEST = timedelta(hours=1)
"""A counter has no time but that of its sending. What reached the hub longer ago, as after an outage or when a hub is
read anew from its beginning, would look like traffic of this minute."""
TOKENS_TOLD_BY: Mapping[str, str] = {"S1-response": "S1-chargeback", "S14-gateway": "S14-llm"}
"""Where a policy writes several answers' records a call: the shape whose tokens do not count, and the one whose do."""
REQUEST_TOLD_BY: Mapping[str, str] = {
    "S1-chargeback": "S1-response",
    "S14-llm": "S14-gateway",
    "S15-response": "S15-summary",
}
"""The same for requests: of a call's records the one that is written for every answer, with its status if any has."""
Mark: TypeAlias = tuple[datetime, int]
"""The last event that was counted: when it reached the hub, and its number."""
KINDS = {shape.name: shape.kind for shape in SHAPES if shape not in CANONICAL}


def tells_tokens(row: UsageRow) -> bool:
    """Tell a row whose tokens count."""
    return row.record_shape not in TOKENS_TOLD_BY and bears_answer(row)


def tells_request(row: UsageRow) -> bool:
    """Tell a row that counts as a request."""
    return row.record_shape not in REQUEST_TOLD_BY and bears_answer(row)


def bears_answer(row: UsageRow) -> bool:
    """Tell an observation of a call's answer: by its shape's kind, in a canonical record by what only answers have."""
    kind = KINDS.get(row.record_shape)
    if kind is not None:
        return kind is not Kind.REQUEST
    reported = Source.REPORTED in {row.prompt_source, row.completion_source, row.total_source}
    answered = row.status_code is not None or row.completion_tokens is not None
    return reported or answered or bool(row.service_response_id or row.finish_reason)


class Progress:
    """How far each partition has been counted by this process, to tell what is delivered to it again."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self._marks: dict[tuple[str, str], Mark] = {}
        self._lock = threading.Lock()

    def is_new(self, origin: Origin, now: datetime) -> bool:
        """Tell an event that is neither late nor up to the mark; a hub made anew has lower numbers and later times."""
        if origin.enqueued_time is None:
            return True
        if now - origin.enqueued_time > LATEST:
            return False
        mark = self._marks.get((origin.hub, origin.partition))
        if mark is None or origin.sequence_number is None:
            return True
        return origin.enqueued_time > mark[0] or origin.sequence_number > mark[1]

    def advance(self, origins: Iterable[Origin]) -> None:
        """Set the marks to the last of some events, which were counted."""
        with self._lock:
            for origin in origins:
                if origin.partition and origin.sequence_number is not None and origin.enqueued_time is not None:
                    place = (origin.hub, origin.partition)
                    mark = (origin.enqueued_time, origin.sequence_number)
                    self._marks[place] = max(mark, self._marks.get(place, mark))


def origin_of(row: UsageRow) -> Origin:
    """Return where the event of a row was found."""
    return Origin(
        hub=row.event_hub,
        partition=row.partition,
        sequence_number=row.sequence_number,
        enqueued_time=row.enqueued_time,
    )
