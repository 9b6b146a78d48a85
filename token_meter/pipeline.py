"""A batch of events through the meter into its sinks, in the order that loses nothing.

The trigger, `consume`, replays and the command line all come through here. Nothing is done with a batch after its last
step, so whoever called may then move on: checkpoint, acknowledge, read the next.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from token_meter.batch_row import batch_rows
from token_meter.codes import Reason, Via
from token_meter.events import Event
from token_meter.meter import Outcome, meter
from token_meter.options import DEFAULTS, MeterOptions
from token_meter.record import Rejected
from token_meter.rejected_row import rejected_row
from token_meter.sinks import Sink
from token_meter.sinks.dead_letters import DeadLetters
from token_meter.tables import Row

log = logging.getLogger("token_meter")


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


class RowsRefused(Exception):  # noqa: N818 - it says what happened
    """The store refused a row about rejected records or the batch; the batch stays untold until that is mended."""


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

        Raises where a sink fails, so that the caller has the batch tried again; RowsRefused where the store will not
        take the meter's own books; RuntimeError where the outcome's counts do not balance (promise 1), before anything
        is stored.
        """
        started = self.clock()
        outcome = meter(events, self.options)
        outcome.check()
        # 1. what could not be metered is safe before anything says that it was met
        self._set_aside(outcome.rejected, started)
        # 2. the rows are accepted; one that the store refuses is a record that could not be metered after all
        refused = {row.event_id for row in self._write(outcome.rows)}
        if refused:
            outcome = meter(events, self.options, refused)
            outcome.check()
            self._set_aside([item for item in outcome.rejected if item.reason is Reason.ROW_REFUSED], started)
        # 3. the ledger tells that they were
        finished = self.clock()
        duration = (finished - started).total_seconds() * 1000
        self._keep(list(batch_rows(events, outcome, via, finished, duration)))
        # 4. the counters, which may be lost
        self.metrics.record(outcome, via, self._lag(events))
        return outcome

    def _set_aside(self, rejected: Sequence[Rejected], observed: datetime) -> None:
        """Keep rejected records as a dead letter, and a row of each."""
        letter = self.dead_letters.store(rejected)
        self._keep([rejected_row(item, letter, observed) for item in rejected])

    def _keep(self, rows: Sequence[Row]) -> None:
        """Keep the meter's own rows. One that is refused could not be set aside without making the next of its kind."""
        refused = self._write(rows)
        if refused:
            fault = RowsRefused(f"the store refused {len(refused)} row(s) of {rows[0].TABLE}: a defect to report")
            log.error("%s", fault)
            raise fault

    def _write(self, rows: Sequence[Row]) -> Sequence[Row]:
        return self.sink.write(rows) if rows else ()

    def _lag(self, events: Sequence[Event]) -> float | None:
        """Return how long ago the last event reached its hub, in seconds; None where none came from a hub."""
        times = [event.origin.enqueued_time for event in events if event.origin.enqueued_time is not None]
        return max(0.0, (self.clock() - max(times)).total_seconds()) if times else None
