"""The stored sums of days: which computation of a day holds, and which days must be computed again."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.days import DAY, asked, asking, call_rows, day, day_of
from tests.usage_rows import observation
from token_meter.columns import columns
from token_meter.daily_row import SAID, DailyRow, DayState, daily_rows
from token_meter.daily_usage import DAYS_A_QUERY, compute_days, days_due, spans
from token_meter.query_result import QueryError, Result
from token_meter.row import UsageRow
from token_meter.sinks import RowsRefused
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.tables import Row

MONDAY = day("2026-10-05")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STATE = DayState(day=MONDAY, call_rows=3, window_rows=9, method="m")


def line(app_id: str = "a", **sums: Any) -> dict[str, Any]:
    """Return a line as `TokenDaySums()` says it."""
    kinds = {item.name: item.kusto_type for item in columns(DailyRow) if item.attribute in SAID}
    empty = {name: "" if kind == "string" else 0 for name, kind in kinds.items()}
    return {**empty, "AppId": app_id, "Calls": 1, **sums}


def computed(minutes: int, *lines: dict[str, Any], state: DayState = STATE) -> list[DailyRow]:
    """Return a day's computation so many minutes after the first possible one."""
    return daily_rows(state, lines, NOW + timedelta(minutes=minutes))


def held(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """Return the application and tokens of the lines that hold, of a store with rows."""
    with DuckDbStore(":memory:") as store:
        store.write(rows)
        return sorted((item["AppId"], item["TotalTokens"]) for item in asked(store, "TokenDayLines()"))


def test_a_line_is_known_by_its_day_and_what_it_is_a_line_of() -> None:
    """Whatever its sums are and whenever it is computed; no two lines of a day are the same."""
    first, second = computed(0, line("a", TotalTokens=1), line("b")), computed(5, line("a", TotalTokens=2))
    another_day = DayState(MONDAY + DAY, 3, 9, "m")

    assert 2 == len({row.event_id for row in first})
    assert {row.event_id for row in second} < {row.event_id for row in first}
    assert not {row.event_id for row in first} & {row.event_id for row in computed(0, line("a"), state=another_day)}


def test_a_computation_is_known_by_what_it_says() -> None:
    """The same sums again are the same computation."""
    same = {row.computation for minutes in (0, 7) for row in computed(minutes, line(TotalTokens=1))}

    assert 1 == len(same)
    assert not same & {row.computation for row in computed(0, line(TotalTokens=2))}


def test_the_newest_computation_of_a_day_voids_all_of_the_older_ones() -> None:
    """A line that it does not have any more does not linger."""
    older, newer = (
        computed(0, line("a", TotalTokens=1), line("b", TotalTokens=9)),
        computed(9, line("a", TotalTokens=2)),
    )

    assert [("a", 2)] == held([*newer, *older])


def test_a_computation_that_was_written_in_part_is_none_yet() -> None:
    """The older one holds until the newer is whole."""
    older, newer = computed(0, line("a", TotalTokens=1)), computed(9, line("a", TotalTokens=2), line("b"))

    assert [("a", 1)] == held([*older, newer[0]])
    assert [("a", 2), ("b", 0)] == held([*older, *newer])


def test_a_day_whose_calls_moved_away_is_computed_too() -> None:
    """Its only line counts no call, so that it does not look like a day that was never computed."""
    (only,) = computed(9)

    assert (0, 0, 1) == (only.calls, only.cost_nano, only.lines)
    assert [("", 0)] == held([*computed(0, line("a", TotalTokens=1)), only])


computations = st.lists(
    st.tuples(st.integers(0, 9), st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), max_size=3)),
    min_size=1,
    max_size=4,
    unique_by=lambda item: item[0],
)


@settings(max_examples=25)
@given(computations, st.randoms(use_true_random=False))
def test_whatever_order_and_however_often_lines_are_stored_the_newest_whole_day_holds(
    history: list[tuple[int, dict[str, int]]], chance: Any
) -> None:
    """Held against plain Python."""
    made = [computed(minutes, *(line(app, TotalTokens=n) for app, n in apps.items())) for minutes, apps in history]
    stored = [row for rows in made for row in rows if chance.random() < 0.8]
    stored += [row for row in stored if chance.random() < 0.3]
    chance.shuffle(stored)
    whole = [rows for rows in made if {row.event_id for row in rows} <= present(stored, rows[0].computation)]
    newest = max(whole, key=lambda rows: last_seen(stored, rows[0].computation), default=[])

    assert sorted((row.app_id, row.total_tokens) for row in newest) == held(stored)


def present(stored: Sequence[DailyRow], computation: str) -> set[str]:
    """Return which lines of a computation are there."""
    return {row.event_id for row in stored if row.computation == computation}


def last_seen(stored: Sequence[DailyRow], computation: str) -> tuple[datetime, str]:
    """Return when a computation was made last, as far as it is there."""
    return max(row.computed_time for row in stored if row.computation == computation), computation


moments = st.integers(0, 30).map(lambda hours: MONDAY + timedelta(hours=8 * hours))
observations = st.lists(st.tuples(st.sampled_from("uvwxyz"), moments | st.just(day("1970-01-01"))), max_size=12)


def seen(calls: Sequence[tuple[str, datetime]]) -> list[UsageRow]:
    """Return an observation of each call at each time."""
    return [
        observation(f"e{number}", call, call_time=time, time_generated=max(time, MONDAY))
        for number, (call, time) in enumerate(calls)
    ]


@settings(max_examples=20)
@given(observations)
def test_a_days_state_counts_what_is_stored_of_its_calls(calls: list[tuple[str, datetime]]) -> None:
    """Also what lies on other days; held against plain Python, day by day."""
    rows = seen(calls)
    with DuckDbStore(":memory:") as store:
        store.write(rows)
        states = asked(store, "TokenDayStates(datetime(2026-10-01), datetime(2026-10-30))")

    days = {day_of(row.call_time) for row in rows} - {day("1970-01-01")}
    expected = {f"{one:%Y-%m-%d}T00:00:00Z": call_rows(rows, one) for one in days}
    assert expected == {state["Day"]: state["CallRows"] for state in states}


def states_after(rows: Sequence[UsageRow], later: Sequence[UsageRow], **changed: Any) -> dict[str, tuple[bool, bool]]:
    """Return of each day whether it is current and settled, when rows came after all days were computed."""
    with DuckDbStore(":memory:") as store:
        store.write(rows)
        for state in days_due(asking(store), MONDAY, NOW, NOW):
            kept = {"call_rows": state.call_rows, "window_rows": state.window_rows, "method": state.method, **changed}
            store.write(daily_rows(DayState(day=state.day, **kept), [line()], NOW))
        store.write(later)
        return {
            item["Day"][8:10]: (item["IsCurrent"], item["IsSettled"])
            for item in asked(store, "TokenDayStates(datetime(2026-10-01), datetime(2026-11-01))")
        }


ROWS = seen([("u", MONDAY), ("v", MONDAY + DAY), ("w", MONDAY + 2 * DAY), ("x", MONDAY + 20 * DAY)])


def test_a_day_that_nothing_came_near_is_settled() -> None:
    """No look at single calls is needed then."""
    assert dict.fromkeys(("05", "06", "07", "25"), (True, True)) == states_after(ROWS, [])


def test_a_late_call_changes_its_own_day_only() -> None:
    """Of the days around it, it is known that the row is none of theirs."""
    later = [observation("late", "late", call_time=MONDAY + DAY)]

    assert {"05": (True, False), "06": (False, False), "07": (True, False), "25": (True, True)} == states_after(
        ROWS, later
    )


def test_a_late_half_changes_every_day_that_the_call_was_seen_on() -> None:
    """The call's time is the earliest of its observations', so it may move from one day to another."""
    later = [observation("half", "w", call_time=MONDAY)]

    assert {"05": (False, False), "06": (True, False), "07": (False, False), "25": (True, True)} == states_after(
        ROWS, later
    )


def test_another_method_makes_every_day_due() -> None:
    """Prices or arithmetic have changed."""
    assert dict.fromkeys(("05", "06", "07", "25"), (False, False)) == states_after(ROWS, [], method="older")


def test_a_day_whose_observations_have_outlived_their_retention_stands() -> None:
    """What it was computed from cannot be read again, whatever the method."""
    state = states_after(ROWS, [], call_rows=99, window_rows=999, method="older")

    assert dict.fromkeys(("05", "06", "07", "25"), (True, False)) == state


def test_neighbours_are_computed_together_and_the_newest_first() -> None:
    """At most so many at once."""
    numbers = [0, 1, 4, *range(10, 10 + DAYS_A_QUERY + 1)]
    due = [DayState(MONDAY + number * DAY, 1, 1, "m") for number in numbers]
    found = [[(state.day - MONDAY).days for state in span] for span in spans(due)]

    assert [list(range(11, 11 + DAYS_A_QUERY)), [10], [4], [0, 1]] == found
    assert [] == list(spans([]))


def test_days_are_due_once_they_have_ended_and_had_time_to_arrive() -> None:
    """Half an hour after midnight; before, what was accepted may not show yet."""
    with DuckDbStore(":memory:") as store:
        store.write(seen([("u", MONDAY)]))
        due = [
            compute_days(asking(store), store, MONDAY + DAY + timedelta(minutes=minutes), out_of_time(), 31 * DAY).left
            for minutes in (-60, 29, 30)
        ]

    assert [0, 0, 1] == due


def out_of_time() -> Callable[[], float]:
    """Return a clock by which there is time to look which days are due, and no more."""
    ticks = iter((0.0, 0.0))
    return lambda: next(ticks, 1000.0)


def test_a_run_leaves_what_it_has_no_time_for_to_the_next() -> None:
    """And says how many days those are, as far as it has looked."""
    with DuckDbStore(":memory:") as store:
        store.write(ROWS)
        done = compute_days(asking(store), store, NOW, out_of_time(), 62 * DAY)

    assert ((), 1, day("2026-10-20")) == (done.days, done.left, done.looked_from)


class Refusing:
    """A store that refuses every line: nothing real does on demand."""

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Return all rows."""
        return rows


def test_lines_that_the_store_refuses_fail_the_run() -> None:
    """The day would never be whole, and nobody would know why."""
    with DuckDbStore(":memory:") as store:
        store.write(ROWS[:1])
        with pytest.raises(RowsRefused, match=r"2026-10-05"):
            compute_days(asking(store), Refusing(), MONDAY + 2 * DAY, lambda: 0.0)


def test_a_store_that_does_not_answer_fails_the_run() -> None:
    """With what it says."""

    def silent(_kql: str) -> Result:
        raise QueryError("Log Analytics cannot be reached")

    with pytest.raises(QueryError, match="cannot be reached"):
        compute_days(silent, Refusing(), NOW, lambda: 0.0)
