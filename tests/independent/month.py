"""A stored month: its rows as they lie in the tables, and what follows of them."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.independent import ledger
from tests.independent.cost import cost
from tests.independent.fold import fold
from tests.independent.functions import day_of
from tests.independent.price_files import Book, Listed
from tests.independent.price_lookup import Pricing

Row = dict[str, Any]
NANO = 10**9


@dataclass(frozen=True)
class Month:
    """The rows of the three tables, the price files, and what time it is."""

    observations: Sequence[Row]
    batch_rows: Sequence[Row]
    rejected_rows: Sequence[Row]
    book: Book
    now: datetime

    @functools.cached_property
    def calls(self) -> list[Row]:
        """The billing rows."""
        return fold(self.observations)

    @functools.cached_property
    def costs(self) -> list[Row]:
        """The billing rows with their costs."""
        return cost(self.calls, self.book)

    @functools.cached_property
    def batches(self) -> list[Row]:
        """The ledger."""
        return ledger.batches(self.batch_rows)

    @functools.cached_property
    def rejects(self) -> list[Row]:
        """What could not be metered."""
        return ledger.rejected(self.rejected_rows, self.observations, self.now)

    def hour_nano(self, hour: datetime, listed: Listed) -> int | None:
        """Return what an hour of a listed deployment costs."""
        priced = Pricing(self.book).hour_price(hour.date(), listed)
        return priced[0] if priced else None


def between(rows: Sequence[Row], start: datetime | None, end: datetime | None, column: str = "CallTime") -> list[Row]:
    """Return the rows of a period; a bound that is None is open."""
    return [row for row in rows if (start is None or row[column] >= start) and (end is None or row[column] < end)]


def money(nano: int | None) -> float | None:
    """Return nano-units as they are shown."""
    return None if nano is None else nano / NANO


def ratio(part: float, whole: float) -> float | None:
    """Return a share; of nothing there is none."""
    return part / whole if whole > 0 else None


def first_of_month(moment: datetime, months: int = 0) -> datetime:
    """Return the first of its month, or of one so many months later."""
    number = moment.year * 12 + moment.month - 1 + months
    return day_of(moment.replace(year=number // 12, month=number % 12 + 1, day=1))
