"""Sinks that begin nothing after a moment, for whoever is ended by a host that takes too long for a failure.

Each step of a batch has an end of its own. That all of them end in time follows only where none begins too late.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from token_meter.record import Rejected
from token_meter.sinks import Sink
from token_meter.sinks.dead_letters import DeadLetters
from token_meter.tables import Row


class OutOfTime(Exception):  # noqa: N818 - it says what happened
    """A step of a batch was not begun, since the time was over; the batch is to be tried again."""


@dataclass(frozen=True, slots=True)
class End:
    """A moment, in seconds of a clock."""

    moment: float
    clock: Callable[[], float]

    def check(self) -> None:
        """Raise OutOfTime where the moment is over."""
        if self.clock() > self.moment:
            raise OutOfTime(
                "the stores are slow: the batch would outlast functionTimeout (host.json); it is tried again"
            )


@dataclass(frozen=True, slots=True)
class SinkInTime:
    """A sink that is written to until an end."""

    sink: Sink
    end: End

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Keep rows as the sink does. Raises OutOfTime where it is too late to begin."""
        self.end.check()
        return self.sink.write(rows)


@dataclass(frozen=True, slots=True)
class LettersInTime:
    """Dead letters that are stored until an end."""

    letters: DeadLetters
    end: End

    def store(self, rejected: Sequence[Rejected]) -> str:
        """Keep rejected records as the store does. Raises OutOfTime where it is too late to begin."""
        self.end.check()
        return self.letters.store(rejected)
