"""Metering again: the same pipeline, and for records out of dead letters a word on what became of them.

It changes nothing that was right: every row has the `EventId` that it would have had at once, and the fold keeps one.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from token_meter.codes import RejectedOutcome, Via
from token_meter.events import Event
from token_meter.meter import Outcome
from token_meter.pipeline import Pipeline, RowsRefused
from token_meter.rejected_row import RejectedRow, recovered_row, rejected_event_id
from token_meter.sinks.dead_letters import AlreadyKept


def replay(pipeline: Pipeline, events: Sequence[Event], letter: str = "") -> Outcome:
    """Meter a batch again and return once everything of it is kept; `letter` names the dead letter that it is from.

    Records that are rejected again stay in their letter; where there is none, they go to the pipeline's dead letters.
    Raises what `Pipeline.process` raises: then the batch is to be replayed again.
    """
    if not letter:
        return pipeline.process(events, Via.REPLAY)
    outcome = replace(pipeline, dead_letters=AlreadyKept(letter)).process(events, Via.REPLAY)
    # only now that the rows are accepted may anything say that their records were recovered
    recovered = recovered_rows(events, outcome, pipeline.clock())
    if recovered and pipeline.sink.write(recovered):
        raise RowsRefused("the store refused rows about recovered records: a defect to report")
    return outcome


def recovered_rows(events: Sequence[Event], outcome: Outcome, observed: datetime) -> list[RejectedRow]:
    """Return a row of each record out of a dead letter that was metered or ignored this time."""
    rejected, ignored = ({rejected_event_id(item) for item in items} for items in (outcome.rejected, outcome.ignored))
    return [
        recovered_row(
            event.origin,
            letter,
            RejectedOutcome.IGNORED if letter.record_id in ignored else RejectedOutcome.METERED,
            observed,
        )
        for event in events
        if (letter := event.origin.letter) is not None and letter.record_id not in rejected
    ]
