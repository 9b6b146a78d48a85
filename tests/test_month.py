"""A month of 20,000 simulated calls: every shipped function and query answers what plain Python computes beside it."""

import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests import independent
from tests.asked_month import (
    AS_OF,
    PART,
    Period,
    as_rows,
    fold_once,
    literal,
    naive,
    query_text,
    run_folded,
    stored_month,
)
from tests.independent.answers import FUNCTIONS, QUERIES, differences, in_order
from tests.independent.month import Month
from tests.metered_month import meter_month, simulate
from token_meter.kql import kql_folder, run_query, shipped_functions
from token_meter.sinks.duckdb_store import DuckDbStore

CALLS = 20_000
SHIPPED_FUNCTIONS = {item.name for item in shipped_functions()}
SHIPPED_QUERIES = {path.stem for path in (kql_folder() / "queries").glob("*.kql")}
ELSEWHERE = {
    "TokenBudget": "test_token_budget.py",
    "TokenDayLines": "test_daily_rows.py",
    "TokenDayStates": "test_daily_rows.py",
    "TokenDaySums": "test_daily_rows.py",
    "TokenDays": "test_daily_usage.py",
    "TokenFocus": "test_token_focus.py",
    "TokenMethod": "test_price_method.py",
    "TokenReconciliation": "test_token_reconciliation.py",
    "reconciliation": "test_token_reconciliation.py",
}
"""Functions and queries whose answers another test file holds against an independent computation, and which one."""
DIMENSIONS = ("CostCentre", "AppId", "Deployment", "Model", "Product", "Backend", "Region")
OF_DAYS = DIMENSIONS[:5]
TOLD: list[tuple[str, dict[str, str]]] = [
    *(("month_to_date", {"By": name}) for name in DIMENSIONS),
    *(("trend", {"By": name}) for name in DIMENSIONS),
    *(("top_callers", {"By": name}) for name in ("AppId", "UserObjectId", "ApimSubscription", "CostCentre")),
    *(("forecast", {"By": name}) for name in OF_DAYS),
    *(("anomalies", {"By": name, "Measure": "Cost"}) for name in OF_DAYS),
    *(("anomalies", {"By": "Deployment", "Measure": name}) for name in ("TotalTokens", "Calls")),
    *(("silent_callers", {"By": name}) for name in ("AppId", "ApimSubscription", "Deployment", "Product")),
]
PRICE_BOOK = "PriceBook"
INDEPENDENT = Path(independent.__file__).parent
TESTS = INDEPENDENT.parent


@dataclass(frozen=True)
class Metered:
    """The store, its rows, and the truth about every call."""

    store: DuckDbStore
    month: Month
    truth: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def metered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metered]:
    """Return the month, metered once and folded once."""
    folder = tmp_path_factory.mktemp("month")
    events, truth = simulate(folder, CALLS)
    with DuckDbStore(":memory:") as store, truth.open(encoding="utf-8") as lines:
        meter_month(store, events, folder / "dead-letters")
        month = stored_month(store, datetime.now(UTC))
        fold_once(store)
        yield Metered(store, month, {call["CallId"]: call for call in map(json.loads, lines)})


def test_the_independent_computation_imports_nothing_of_the_project() -> None:
    """Or it would make the same mistakes."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in INDEPENDENT.glob("*.py")}
    named = {
        alias.name
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {str(node.module) for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {"tests"} == {name.split(".")[0] for name in named} - sys.stdlib_module_names
    assert all(name.startswith("tests.independent") for name in named if name.startswith("tests"))


def test_everything_that_is_shipped_is_computed_a_second_time() -> None:
    """Here, or in the test file that is named."""
    assert SHIPPED_QUERIES | SHIPPED_FUNCTIONS == set(QUERIES) | set(FUNCTIONS) | set(ELSEWHERE)
    for name, file in ELSEWHERE.items():
        assert name in (TESTS / file).read_text(encoding="utf-8")


def test_the_month_is_what_the_simulator_says_is_true(metered: Metered) -> None:
    """Every column of the truth that a record can tell, of every call: both computations are of the right month."""
    calls = {call["CallId"]: call for call in metered.month.costs}
    compared = set(next(iter(metered.truth.values()))) - {"CallTime", "AppName"} - {"Region", "IsStream"}
    wrong = [
        (call_id, name, calls[call_id][name], true[name])
        for call_id, true in metered.truth.items()
        for name in compared
        if calls[call_id][name] != true[name]
    ]

    assert CALLS == len(metered.truth)
    assert [] == wrong[:5]


def test_the_month_has_what_matters(metered: Metered) -> None:
    """Or the tests below would show little."""
    costs = metered.month.costs
    statuses = {
        "priced",
        "allocated",
        "lower_bound",
        "total_only",
        "unknown_tokens",
        "unpriced",
        "inconsistent",
        "not_charged",
    }

    assert statuses == {row["PriceStatus"] for row in costs}
    assert {"reported", "counted", "estimated", "unknown"} == {row["TotalSource"] for row in costs}
    assert {None, 200, 400, 401, 429, 500} == {row["StatusCode"] for row in costs}
    assert {"yes", "no", "unknown"} == {row["Charged"] for row in costs}
    assert any(row["Attempts"] > 1 for row in costs)
    assert any(row["CachedPart"] for row in costs)
    assert any(row["ReasoningTokens"] for row in costs)
    assert any(row["FinishReason"] == "content_filter" for row in costs)
    assert any(row["Deployment"] == "chat-provisioned" and row["DeploymentType"] == "Regional" for row in costs)
    for name in ("forecast", "anomalies", "silent_callers", "new_apps", "events_never_metered", "rows_never_stored"):
        assert QUERIES[name](metered.month, *naive(AS_OF))


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"TokenCostBy"}))
def test_a_function_answers_what_is_computed(metered: Metered, name: str) -> None:
    """Every column of every row of the whole store."""
    answer = as_rows(run_folded(metered.store, f"{name}()"))

    assert [] == differences(in_order(FUNCTIONS[name](metered.month, None, None)), in_order(answer), [PRICE_BOOK])


@pytest.mark.parametrize("name", ["TokenUsage", "TokenCost", "TokenPtu", "TokenHealth", "TokenGaps", "TokenRejected"])
def test_a_function_answers_what_is_computed_of_a_part_of_the_month(metered: Metered, name: str) -> None:
    """From the middle of an hour to the middle of another one."""
    answer = as_rows(run_query(metered.store, f"{name}({literal(PART[0])}, {literal(PART[1])})"))

    assert [] == differences(in_order(FUNCTIONS[name](metered.month, *naive(PART))), in_order(answer), [PRICE_BOOK])


def test_calls_can_be_added_up_by_what_no_query_names(metered: Metered) -> None:
    """By the operation, for one."""
    period = f"{literal(PART[0])}, {literal(PART[1])}"
    answer = as_rows(run_folded(metered.store, f"TokenCostBy({period}, 'OperationName')"))
    expected = FUNCTIONS["TokenCostBy"](metered.month, *naive(PART), "OperationName")

    assert [] == differences(in_order(expected), in_order(answer), [PRICE_BOOK])


@pytest.mark.parametrize("period", [AS_OF, PART], ids=["as of", "part"])
@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_query_answers_what_is_computed(metered: Metered, name: str, period: Period) -> None:
    """Every column of every row, in order."""
    answer = as_rows(run_folded(metered.store, query_text(name, period)))

    assert [] == differences(QUERIES[name](metered.month, *naive(period)), answer)


@pytest.mark.parametrize(
    ("name", "told"), TOLD, ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else value
)
def test_a_query_answers_by_whatever_it_is_told(metered: Metered, name: str, told: dict[str, str]) -> None:
    """As of a moment in the month."""
    expected = QUERIES[name](metered.month, *naive(AS_OF), **{key.lower(): value for key, value in told.items()})

    assert [] == differences(expected, as_rows(run_folded(metered.store, query_text(name, AS_OF, **told))))


def test_a_dimension_that_there_is_none_of_is_told(metered: Metered) -> None:
    """It is no row of its own among others."""
    (row,) = as_rows(run_folded(metered.store, query_text("month_to_date", AS_OF, By="Team")))

    assert "no such dimension: Team" == row["Key"]


def test_every_row_names_the_price_book(metered: Metered) -> None:
    """One book, by the newest day on which a price was checked."""
    (book,) = {row[PRICE_BOOK] for row in as_rows(run_folded(metered.store, "TokenCost() | distinct PriceBook"))}

    assert book.startswith(metered.month.book.checked_on)
