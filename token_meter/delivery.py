"""A batch's outcome into its sinks, in the order that loses nothing: dead letters first, then rows."""

from dataclasses import dataclass

from token_meter.meter import Outcome
from token_meter.sinks import Sink
from token_meter.sinks.dead_letters import DeadLetters


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the outcomes of batches go."""

    rows: Sink
    dead_letters: DeadLetters

    def deliver(self, outcome: Outcome) -> None:
        """Store what was rejected, then the rows.

        Raises where a sink fails, so that the caller has the batch tried again, and RuntimeError where the outcome's
        counts do not balance (promise 1), before anything is stored.
        """
        if not outcome.balanced:
            raise RuntimeError("received is not metered + rejected + ignored; this is a defect of the meter")
        self.dead_letters.store(outcome.rejected)
        if outcome.rows:
            self.rows.write(outcome.rows)
