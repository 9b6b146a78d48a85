"""Where rows go. Each sink takes rows at least once; the fold makes of that exactly once."""

from collections.abc import Sequence
from typing import Protocol

from token_meter.tables import Row


class Sink(Protocol):
    """A place that keeps the tables."""

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Keep rows, all of one table; return those that the store refuses for what they are, and kept all others.

        Raises where it could not, and may then have kept some of them: the caller writes all again. A row that is
        returned would be refused again however often it is written. No rows are no work.
        """


class RowsRefused(Exception):  # noqa: N818 - it says what happened
    """A store refuses rows that come from no record, so that no letter can keep them: a defect to report."""


def keep_all(sink: Sink, rows: Sequence[Row], what: str) -> None:
    """Keep rows that come from no record; `what` says of what they are.

    Raises RowsRefused, and what the sink raises.
    """
    refused = sink.write(rows)
    if refused:
        raise RowsRefused(f"the store refuses {len(refused)} of {len(rows)} rows {what}: a defect to report")
