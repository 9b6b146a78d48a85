"""The sums of whole days into `TokenUsageDaily_CL`: which days lack them, what they are, by KQL alone.

The days that are due follow from the tables themselves, so nothing is kept between runs and a run may be repeated, cut
short or missed: the next one finds what is left.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from token_meter.daily_row import DayState, daily_rows, day_of
from token_meter.query_result import Ask, Value, as_bounds
from token_meter.sinks import Sink, keep_all

DAY = timedelta(days=1)
LOOKED_BACK = timedelta(days=390)
"""Days before that stay as they were computed; less than the least that the tables are kept (infra: 400)."""
WEEK = timedelta(days=7)
"""What the fold reads around a day (docs/folding.md)."""
GRACE = timedelta(minutes=30)
"""Accepted rows take minutes to show in Log Analytics, so a day that ended just now is left to the next run."""
DAYS_A_LOOK = 31
"""Days whose states are asked for at once, which where nothing is stored yet means a look at every call of theirs."""
DAYS_A_QUERY = 8
"""The fold of one day reads the two weeks around it, so neighbours are computed together; more would strain the
service's memory where there are millions of calls a day."""
RUN_SECONDS = 180.0
"""No query begins later in a run, so that with QUERY_SECONDS the last ends within `functionTimeout` (host.json)."""
QUERY_SECONDS = 240

log = logging.getLogger("token_meter")


@dataclass(frozen=True, slots=True)
class DaysComputed:
    """What a run did: the days that it computed, how many it left, and from which day on it looked for them."""

    days: tuple[datetime, ...]
    left: int
    looked_from: datetime


def compute_days(
    ask: Ask, sink: Sink, now: datetime, seconds: Callable[[], float], back: timedelta = LOOKED_BACK
) -> DaysComputed:
    """Compute the days that are due, the newest first, as far as the time goes; `back` is how far it looks for them.

    Raises QueryError where the store does not answer, and what the sink raises; what was written until then holds.
    """
    began = seconds()
    ended = _midnight(now - GRACE)
    after = ended
    done: list[datetime] = []
    left = 0
    while after > ended - back and not left and seconds() - began <= RUN_SECONDS:
        first = max(after - DAYS_A_LOOK * DAY, ended - back)
        due = days_due(ask, first, after, ended)
        left = len(due)
        for span in spans(due):
            if seconds() - began > RUN_SECONDS:
                break
            _compute(ask, sink, span, now)
            done += [state.day for state in span]
            left -= len(span)
        after = first
    return DaysComputed(tuple(done), left, after)


def days_due(ask: Ask, first: datetime, after: datetime, ended: datetime) -> list[DayState]:
    """Return the days, from one on and before another, whose sums are not there or not what their calls come to.

    A day near which something came is computed once more when a week has passed until `ended`, so that later
    questions need not look whether it was the day's.
    """
    states = ask(f"TokenDayStates({as_bounds(first, after)})").records()
    due = [state for state in states if not state["IsCurrent"] or _is_to_settle(state, ended)]
    return sorted(map(_state, due), key=lambda state: state.day)


def _is_to_settle(state: dict[str, Value], ended: datetime) -> bool:
    return not state["IsSettled"] and day_of(state["Day"]) + DAY + WEEK <= ended


def spans(due: Sequence[DayState]) -> Iterator[Sequence[DayState]]:
    """Yield the days that are computed together, neighbours of each other, the newest first."""
    begins = [0, *(place for place, (one, next_one) in enumerate(pairwise(due), 1) if next_one.day - one.day > DAY)]
    for first, after in reversed(list(pairwise([*begins, len(due)]))):
        for end in range(after, first, -DAYS_A_QUERY):
            yield due[max(first, end - DAYS_A_QUERY) : end]


def _compute(ask: Ask, sink: Sink, span: Sequence[DayState], now: datetime) -> None:
    """Compute days from the calls, and write each.

    What the states counted is older than the sums, so what arrives between the two makes a day due again.
    """
    sums: dict[datetime, list[dict[str, Value]]] = {state.day: [] for state in span}
    for line in ask(f"TokenDaySums({as_bounds(span[0].day, span[-1].day + DAY)})").records():
        sums[day_of(line["Day"])].append(line)
    for state in reversed(span):
        keep_all(sink, daily_rows(state, sums[state.day], now), f"of the day {state.day:%Y-%m-%d}")


def _state(said: dict[str, Value]) -> DayState:
    return DayState(
        day=day_of(said["Day"]),
        call_rows=int(str(said["CallRows"])),
        window_rows=int(str(said["WindowRows"])),
        method=str(said["Method"]),
    )


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
