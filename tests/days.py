"""What tests of days and of closed months share: days of a made-up company, and the state of a day in plain Python."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from token_meter.events import Event, Origin
from token_meter.kql import run_query
from token_meter.meter import meter
from token_meter.query_result import Result
from token_meter.row import UsageRow
from token_meter.simulation import events_of, simulated_calls
from token_meter.sinks.duckdb_store import DuckDbStore

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def day(text: str) -> datetime:
    """Return a day's first moment."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def simulated_rows(start: datetime, end: datetime, calls: int, seed: int = 1) -> list[UsageRow]:
    """Return the observations of a made-up company's calls in a period, halves, retries and lost answers among them."""
    events = [
        Event(body, Origin(hub="h", partition="0", sequence_number=number, enqueued_time=call.time))
        for number, call in enumerate(simulated_calls(start, end, calls, seed))
        for body in events_of(call)
    ]
    return list(meter(events).rows)


def divided(rows: Sequence[UsageRow], share: float, seed: int = 1) -> tuple[list[UsageRow], list[UsageRow]]:
    """Return rows in two lists, so that a share of them is in the second, whatever calls they are of."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    late = [chance.random() < share for _ in rows]
    return (
        [row for row, is_late in zip(rows, late, strict=True) if not is_late],
        [row for row, is_late in zip(rows, late, strict=True) if is_late],
    )


def day_of(moment: datetime) -> datetime:
    """Return the UTC day of a moment."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def touched(rows: Iterable[UsageRow], new: Iterable[UsageRow]) -> set[datetime]:
    """Return the days that new rows may change: those of all observations of their calls."""
    calls = {row.call_id for row in new}
    return {day_of(row.call_time) for row in rows if row.call_id in calls}


def call_rows(rows: Sequence[UsageRow], of: datetime) -> int:
    """Return the observations, within a week of a day, of the calls that have one on the day."""
    calls = {row.call_id for row in rows if day_of(row.call_time) == of}
    near = Counter(
        row.call_id
        for row in rows
        if of - WEEK <= day_of(row.call_time) <= of + WEEK or day_of(row.call_time) == day("1970-01-01")
    )
    return sum(near[call] for call in calls)


def asked(store: DuckDbStore, kql: str) -> list[dict[str, Any]]:
    """Return an answer's rows."""
    return run_query(store, kql).records()


def in_order(answer: Result) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Return an answer whose rows may be in any order, such that equal answers are equal."""
    return answer.columns, answer.types, sorted(map(repr, answer.rows))


def asking(store: DuckDbStore) -> partial[Result]:
    """Return what answers from a store."""
    return partial(run_query, store)
