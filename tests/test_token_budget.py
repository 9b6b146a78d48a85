"""`TokenBudget()` and `token-meter budget`: spent, forecast and status, held against plain Python."""

import csv
import io
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.report_cases import call
from token_meter.cli.moments import month_of
from token_meter.kql import run_query
from token_meter.query_result import as_text
from token_meter.row import UsageRow
from token_meter.sinks.duckdb_store import DuckDbStore

COMMAND = str(Path(sys.executable).with_name("token-meter"))
HELPDESK = "118c5bbb-809f-5e38-ae8b-fa0b9c10a4b9"
SEARCH = "3ea6cb7d-d96c-5bc9-90e0-3db8c2a49b3c"
CLASSIFIER = "d78b50e0-b958-5dc7-aad0-abeccede5eca"
PLANNER = "fbe62d60-9e47-5281-897c-f2cd22c7a442"
BUDGETS = {HELPDESK: 250, SEARCH: 120.5, PLANNER: 400}
"""As prices/applications.csv says, a month, in USD; the classifier is of the search's cost centre and has none."""
AS_OF = datetime(2026, 10, 20, 15, tzinfo=UTC)
FOUR_WEEKS = 28


def spending(app: str, day: datetime, dollars: int) -> UsageRow:
    """Return a call that costs so many dollars: 400,000 prompt tokens of gpt-4o each."""
    return call(f"{app} {day}", day, dollars * 400_000, 0, app_id=app)


def calls() -> list[UsageRow]:
    """Return two months of spending: one is over, one will be, one is fine, one has no budget."""
    rows = []
    for number in range(60):
        day = AS_OF.replace(hour=9) - timedelta(days=number)
        rows.append(spending(HELPDESK, day, 20 if day.weekday() < 5 else 2))
        rows.append(spending(CLASSIFIER, day, 1))
        if number < 18:
            rows.append(spending(SEARCH, day, 4 + number % 3))
        if number % 5 == 0:
            rows.append(spending(PLANNER, day, 7))
    rows.append(call("later", AS_OF, 10**8, 0, app_id=PLANNER))
    rows.append(call("unpriced", AS_OF.replace(hour=8), app_id=PLANNER, served_model="no-such-model"))
    return rows


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DuckDbStore, Path]]:
    """Return a store of that spending, and a copy of it on disk for the command."""
    path = tmp_path_factory.mktemp("budget") / "usage.duckdb"
    with DuckDbStore(str(path)) as on_disk:
        on_disk.write(calls())
    with DuckDbStore(":memory:") as opened:
        opened.write(calls())
        yield opened, path


@pytest.fixture(scope="module")
def budgets(store: tuple[DuckDbStore, Path]) -> dict[str, dict[str, Any]]:
    """Return the budgets by application."""
    answer = run_query(store[0], f"TokenBudget(datetime({as_text(AS_OF)}))").records()
    return {str(row["Key"]): row for row in answer}


def forecast(app: str) -> int:
    """Return what an application will have cost by the month's end, worked out without any KQL; nano-units."""
    today = AS_OF.date()
    costs: dict[date, int] = defaultdict(int)
    for row in calls():
        if row.app_id == app and row.call_time < AS_OF and row.served_model != "no-such-model":
            costs[row.call_time.date()] += (row.prompt_tokens or 0) * 2_500
    weeks = [today - timedelta(days=back) for back in range(FOUR_WEEKS, 0, -1)]
    first = min(day for day in costs if day >= weeks[0])
    seen = [day for day in weeks if day >= first]
    total = sum(cost for day, cost in costs.items() if date(2026, 10, 1) <= day < today)
    for ahead in range(12):
        day = today + timedelta(days=ahead)
        like = [costs[past] for past in seen if past.weekday() == day.weekday()]
        mean = (sum(like) + len(like) // 2) // len(like)
        total += max(mean, costs[today]) if ahead == 0 else mean
    return total


@pytest.mark.parametrize("app", [HELPDESK, SEARCH, CLASSIFIER, PLANNER])
def test_the_forecast_is_the_mean_of_each_weekday(budgets: dict[str, dict[str, Any]], app: str) -> None:
    """To the last nano-unit; what is called after the time asked for is in neither."""
    assert forecast(app) == budgets[app]["ForecastNano"]


def test_what_is_spent_is_the_months(budgets: dict[str, dict[str, Any]]) -> None:
    """From its first day until the time asked for."""
    october = [row for row in calls() if datetime(2026, 10, 1, tzinfo=UTC) <= row.call_time < AS_OF]
    spent = sum((row.prompt_tokens or 0) * 2_500 for row in october if row.app_id == HELPDESK)

    assert spent == budgets[HELPDESK]["SpentNano"]


def test_every_status_is_told(budgets: dict[str, dict[str, Any]]) -> None:
    """Spent more, will spend more, will not; and nobody has set a budget."""
    expected = {HELPDESK: "over", SEARCH: "at_risk", PLANNER: "ok", CLASSIFIER: "no_budget"}

    assert expected == {key: row["Status"] for key, row in budgets.items()}
    assert {app: int(budget * 10**9) for app, budget in BUDGETS.items()} == {
        key: row["BudgetNano"] for key, row in budgets.items() if row["BudgetNano"] is not None
    }
    assert (1, 0) == (budgets[PLANNER]["LackingCalls"], budgets[HELPDESK]["LackingCalls"])


def test_a_cost_centres_budget_is_its_applications(
    store: tuple[DuckDbStore, Path], budgets: dict[str, dict[str, Any]]
) -> None:
    """What one of them without a budget spends counts against it."""
    answer = run_query(store[0], f"TokenBudget(datetime({as_text(AS_OF)}), 'cost-centre')").records()
    legal = {str(row["Key"]): row for row in answer}["CC-2040"]

    assert budgets[SEARCH]["BudgetNano"] == legal["BudgetNano"]
    assert budgets[SEARCH]["SpentNano"] + budgets[CLASSIFIER]["SpentNano"] == legal["SpentNano"]


def test_the_months_end_belongs_to_the_month(store: tuple[DuckDbStore, Path]) -> None:
    """As of midnight nothing is to come: the forecast is what is spent."""
    _, end = month_of("2026-10")
    answer = run_query(store[0], f"TokenBudget(datetime({as_text(end)}))").records()

    assert {"2026-10-01T00:00:00Z"} == {row["Month"] for row in answer}
    assert [row["SpentNano"] for row in answer] == [row["ForecastNano"] for row in answer]


def run(store: tuple[DuckDbStore, Path], *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command over the store on disk."""
    command = [COMMAND, "budget", "--store", str(store[1]), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_tells_what_is_over_by_its_exit_status(store: tuple[DuckDbStore, Path]) -> None:
    """1 where any budget is; the table has it first, in the currency."""
    done = run(store, "--month", "2026-10", "--as-of", "2026-10-20T15:00:00Z")

    assert (1, "3 budgets: 1 over, 1 at risk, 1 ok\n") == (done.returncode, done.stderr)
    assert "Budget USD" in done.stdout
    assert done.stdout.index("helpdesk-assistant") < done.stdout.index("contract-search")
    assert "292.00" in done.stdout


def test_the_command_is_done_where_none_is_over(store: tuple[DuckDbStore, Path]) -> None:
    """A budget at risk is none that is over. JSON and CSV say the same, whole."""
    options = ("--as-of", "2026-10-08", "--by", "app")
    as_json, as_csv = run(store, *options, "--format", "json"), run(store, *options, "--format", "csv")
    rows = json.loads(as_json.stdout)

    assert (0, 0) == (as_json.returncode, as_csv.returncode)
    assert "over" not in {row["Status"] for row in rows}
    assert [str(row["SpentNano"]) for row in rows] == [
        row["SpentNano"] for row in csv.DictReader(io.StringIO(as_csv.stdout))
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--month", "2026-12", "--as-of", "2026-10-20"), "is not in 2026-12"),
        (("--as-of", "soon"), "--as-of must be a time"),
        (("--by", "model"), "--by app or --by cost-centre"),
    ],
)
def test_what_cannot_be_told_is_refused(store: tuple[DuckDbStore, Path], options: tuple[str, ...], told: str) -> None:
    """In one line, before anything is asked."""
    done = run(store, *options)

    assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
    assert told in done.stderr
