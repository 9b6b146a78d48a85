"""Where rows go. Each sink takes rows at least once; the fold makes of that exactly once."""

from collections.abc import Sequence
from typing import Protocol

from token_meter.row import UsageRow


class Sink(Protocol):
    """A place that keeps usage rows."""

    def write(self, rows: Sequence[UsageRow]) -> None:
        """Keep rows. Raises where it could not, and may then have kept some of them: the caller writes all again."""
