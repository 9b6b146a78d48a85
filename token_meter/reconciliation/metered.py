"""What the meter has of each day: totals by backend and deployment, and what it knows to be missing."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from token_meter.query_result import Ask, Value, as_bounds

A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Served:
    """What a day's calls at a backend and deployment came to: `counts` are TokenServed()'s columns."""

    day: date
    backend: str
    deployment: str
    counts: Counter[str]


@dataclass(frozen=True, slots=True)
class Missing:
    """What of the days is known not to be in the meter's totals, of all hubs."""

    events: Counter[date] = field(default_factory=Counter)
    rows: Counter[date] = field(default_factory=Counter)
    records: Counter[date] = field(default_factory=Counter)


def served(ask: Ask, first: date, after: date) -> list[Served]:
    """Return the totals of the days from `first` on and before `after`. Raises QueryError."""
    return [
        Served(
            _day(record["Day"]) or first,
            str(record["Backend"]),
            str(record["Deployment"]),
            Counter({name: value for name, value in record.items() if isinstance(value, int)}),
        )
        for record in ask(f"TokenServed({as_bounds(first, after)})").records()
    ]


def missing(ask: Ask, first: date, after: date) -> Missing:
    """Return what is missing of the days from `first` on and before `after`. Raises QueryError.

    A hole in the ledger lies between two batches, which may be of other days: it counts on every day that it may be of.
    """
    found = Missing()
    for hole in ask(f"TokenGaps({as_bounds(first - A_DAY, after + A_DAY)})").records():
        earliest, latest = _day(hole["NotBefore"]) or first, _day(hole["NotAfter"]) or after
        for day in each_day(earliest, latest):
            found.events[day] += _count(hole["MissingEvents"])
    days = as_bounds(first, after)
    unstored = f"TokenUnstored({days}) | extend Count = MissingObservations, Time = BatchTime"
    rejected = f"TokenRejected({days}) | where not(Recovered) | extend Count = 1, Time = RejectedTime"
    for counter, kql in ((found.rows, unstored), (found.records, rejected)):
        for record in ask(f"{kql} | summarize Count = sum(Count) by Day = startofday(Time)").records():
            counter[_day(record["Day"]) or first] += _count(record["Count"])
    return found


def each_day(first: date, last: date) -> Iterator[date]:
    """Yield the days from one to another, both of them."""
    while first <= last:
        yield first
        first += A_DAY


def _day(time: Value) -> date | None:
    return datetime.fromisoformat(time).astimezone(UTC).date() if isinstance(time, str) else None


def _count(value: Value) -> int:
    return value if isinstance(value, int) else 0
