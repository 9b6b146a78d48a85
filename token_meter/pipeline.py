"""A batch of events through the meter into its sinks, in the order that loses nothing.

The trigger, `consume`, replays and the command line all come through here. Nothing is done with a batch after its last
step, so whoever called may then move on: checkpoint, acknowledge, read the next.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from token_meter.batch_row import batch_rows
from token_meter.codes import Via
from token_meter.events import Event
from token_meter.meter import Outcome, meter
from token_meter.options import DEFAULTS, MeterOptions
from token_meter.rejected_row import rejected_row
from token_meter.sinks import Sink
from token_meter.sinks.dead_letters import DeadLetters


class Metrics(Protocol):
    """Counters beside the tables: approximate by design, and never a reason for a batch to fail."""

    def record(self, outcome: Outcome, via: Via, lag_seconds: float | None) -> None:
        """Count a batch whose rows were accepted. Never raises."""


class NoMetrics:
    """Counts nothing."""

    def record(self, outcome: Outcome, via: Via, lag_seconds: float | None) -> None:
        """Leave the batch uncounted."""


NO_METRICS = NoMetrics()


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Where batches come through, and the sinks they go to."""

    sink: Sink
    dead_letters: DeadLetters
    metrics: Metrics = NO_METRICS
    options: MeterOptions = DEFAULTS
    clock: Callable[[], datetime] = utc_now

    def process(self, events: Sequence[Event], via: Via) -> Outcome:
        """Meter a batch and return once everything of it is kept.

        Raises where a sink fails, so that the caller has the batch tried again, and RuntimeError where the outcome's
        counts do not balance (promise 1), before anything is stored.
        """
        started = self.clock()
        outcome = meter(events, self.options)
        outcome.check()
        # 1. what could not be metered is safe before anything says that it was met
        letter = self.dead_letters.store(outcome.rejected)
        # 2. the rows are accepted
        if outcome.rejected:
            self.sink.write([rejected_row(item, letter, started) for item in outcome.rejected])
        if outcome.rows:
            self.sink.write(outcome.rows)
        # 3. the ledger tells that they were
        if events:
            finished = self.clock()
            duration = (finished - started).total_seconds() * 1000
            self.sink.write(list(batch_rows(events, outcome, via, finished, duration)))
        # 4. the counters, which may be lost
        self.metrics.record(outcome, via, self._lag(events))
        return outcome

    def _lag(self, events: Sequence[Event]) -> float | None:
        """Return how long ago the last event reached its hub, in seconds; None where none came from a hub."""
        times = [event.origin.enqueued_time for event in events if event.origin.enqueued_time is not None]
        return max(0.0, (self.clock() - max(times)).total_seconds()) if times else None
