"""Where rows go. Each sink takes rows at least once; the fold makes of that exactly once."""

from collections.abc import Sequence
from typing import Protocol

from token_meter.tables import Row


class Sink(Protocol):
    """A place that keeps the tables."""

    def write(self, rows: Sequence[Row]) -> None:
        """Keep rows, all of one table.

        Raises where it could not, and may then have kept some of them: the caller writes all again.
        """
