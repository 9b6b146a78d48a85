"""Stored days answer as the calls do, over days of a made-up company of which some records arrive late."""

from datetime import UTC, datetime, timedelta

from tests.days import DAY, asked, asking, day, day_of, divided, in_order, simulated_rows, touched
from tests.usage_rows import observation
from token_meter.daily_usage import compute_days, days_due
from token_meter.row import UsageRow
from token_meter.sinks.duckdb_store import DuckDbStore

START, END = day("2026-10-28"), day("2026-11-05")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONTH = 31 * DAY
OCTOBER = "(datetime(2026-10-01), datetime(2026-11-01))"
CUT = "(datetime(2026-10-29T13:00:00), datetime(2026-11-02T07:30:00))"
SURE = {"prompt_source": "reported", "completion_source": "reported", "status_code": 200, "region": "Sweden Central"}


def late_rows() -> list[UsageRow]:
    """Return what arrives late: calls, another price's call, a call of another application's cost centre."""
    return [
        observation("late 1", "late 1", call_time=START + timedelta(hours=3), app_id="late", prompt_tokens=10,
                    completion_tokens=7, served_model="gpt-4o-2024-11-20", custom={"costCentre": "CC-9"}, **SURE),
        observation("late 2", "late 2", call_time=END - timedelta(hours=3), app_id="late", prompt_tokens=300_000,
                    completion_tokens=7, served_model="gpt-5.6-luna", **SURE),
        observation("late 3", "late 3", call_time=START + timedelta(hours=5), app_id="late", prompt_tokens=10,
                    completion_tokens=7, served_model="no-such-model", **SURE),
    ]  # fmt: skip


def test_stored_days_answer_as_the_calls_do_whatever_arrives_late() -> None:
    """Row by row, column by column: with some days changed since they were stored, and once all are stored again."""
    early, held_back = divided(simulated_rows(START, END, 700), share=0.05)
    late = [*held_back, *late_rows()]
    with DuckDbStore(":memory:") as store:
        ask = asking(store)
        store.write(early)
        first = compute_days(ask, store, NOW, lambda: 0.0, MONTH)
        assert (8, 0) == (len(first.days), first.left)
        assert [] == days_due(ask, START - DAY, NOW, NOW)

        store.write(late)
        due = {state.day for state in days_due(ask, START - DAY, NOW, NOW)}
        assert touched([*early, *late], late) <= due
        assert in_order(ask(f"TokenDaily{CUT}")) == in_order(ask(f"TokenDays{CUT}"))

        second = compute_days(ask, store, NOW + DAY, lambda: 0.0, MONTH)
        assert due == set(second.days)
        states = asked(store, "TokenDayStates()")
        assert all(state["IsCurrent"] and state["IsSettled"] for state in states)
        assert in_order(ask(f"TokenDaily{OCTOBER}")) == in_order(ask(f"TokenDays{OCTOBER}"))


def test_every_call_of_a_day_is_in_its_sums() -> None:
    """Calls, tokens and cost, held against the calls themselves, and nothing of a failed write counts."""
    rows = [*simulated_rows(START, START + DAY, 60), *late_rows()]
    with DuckDbStore(":memory:") as store:
        store.write(rows)
        compute_days(asking(store), store, NOW, lambda: 0.0, MONTH)
        calls = asked(store, "TokenCost()")
        lines = asked(store, "TokenDayLines()")

    for one in {day_of(row.call_time) for row in rows}:
        name = f"{one:%Y-%m-%d}"
        of_calls = [call for call in calls if call["CallTime"].startswith(name)]
        of_lines = [line for line in lines if line["Day"].startswith(name)]
        assert len(of_calls) == sum(line["Calls"] for line in of_lines)
        for column in ("PromptTokens", "CompletionTokens", "TotalTokens", "CachedTokens", "CostNano", "LowNano"):
            expected = sum(call[column] or 0 for call in calls if call["CallTime"].startswith(name))
            assert expected == sum(line[column] for line in of_lines), column
