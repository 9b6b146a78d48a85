"""The timer that keeps what budgets come to, run by Microsoft's worker library; identity and services are peers."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.azure_peers import identity_endpoint, identity_variables
from tests.ingestion_peer import RULE, Peer, ingestion_peer
from tests.log_analytics_peer import WORKSPACE, LogAnalyticsPeer, log_analytics_peer
from tests.loopback import serving
from tests.report_cases import call
from tests.stored_rows import load_stored
from tests.test_token_budget import HELPDESK, PLANNER
from token_meter.budgets import HAS_BUDGETS
from token_meter.kql import run_query
from token_meter.pipeline import utc_now
from token_meter.query_result import Value
from token_meter.sinks.duckdb_store import DuckDbStore

pytest.importorskip("azure_functions_runtime", reason="azure-functions-runtime is for Python 3.13 and later")

from tests.bicep_files import INFRA
from tests.worker import load

if TYPE_CHECKING:
    from tests.worker import Worker

pytestmark = pytest.mark.sockets
FUNCTION = "watch_budgets"
TABLE = "TokenMeterBudget_CL"


@dataclass
class Azure:
    """The services that the timer meets."""

    workspace: LogAnalyticsPeer
    ingestion: Peer

    def alerts(self) -> list[dict[str, Value]]:
        """Return what the alert's query answers from all that was stored: one that mails as soon as there is a row."""
        text = (INFRA / "modules" / "alerts.bicep").read_text(encoding="utf-8")
        query = text[text.index("name: 'budget-over'") :].split("query: '", 1)[1].split("'\n", 1)[0]
        with DuckDbStore(":memory:") as store:
            load_stored(store, TABLE, self.ingestion.stored(TABLE))
            return run_query(store, query).records()


@pytest.fixture(scope="module")
def worker() -> "Worker":
    """Return the app as the worker has loaded and indexed it."""
    return load(Path(__file__).parent.parent / "function_app.py")


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """Set the Function up as its settings would: this month one budget is over, by a call of 10^8 tokens."""
    with ExitStack() as stack:
        store = stack.enter_context(DuckDbStore(":memory:"))
        workspace = stack.enter_context(log_analytics_peer(store, tmp_path))
        ingestion = stack.enter_context(ingestion_peer())
        identity = stack.enter_context(serving(identity_endpoint()))
        for name, value in {
            "LOGS_INGESTION_ENDPOINT": ingestion.url,
            "LOGS_INGESTION_RULE_ID": RULE,
            "DEAD_LETTER_FOLDER": str(tmp_path / "letters"),
            "LOG_ANALYTICS_WORKSPACE_ID": WORKSPACE,
            "LOG_ANALYTICS_ENDPOINT": workspace.endpoint,
            "WATCH_BUDGETS": "on",
            "REQUESTS_CA_BUNDLE": str(workspace.certificate),
            **identity_variables(identity),
        }.items():
            monkeypatch.setenv(name, value)
        begun = utc_now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        store.write([call("dear", begun, 10**8 + 10**7, 0, app_id=HELPDESK), call("cheap", begun, app_id=PLANNER)])
        yield Azure(workspace, ingestion)


def test_the_host_is_told_of_a_timer(worker: "Worker") -> None:
    """Four times a day, not at every start of an instance."""
    (binding,) = [json.loads(item) for item in worker.functions[FUNCTION].raw_bindings]

    assert ("timerTrigger", "0 40 */6 * * *", False) == (binding["type"], binding["schedule"], binding["runOnStartup"])


def test_a_budget_that_is_over_alerts_once_for_its_owner_and_its_cost_centre(worker: "Worker", azure: Azure) -> None:
    """By the alert rule's own query over what the Function stored; a run that is repeated adds no identity."""
    if utc_now().day == 1 and utc_now().hour == 0:
        pytest.skip("in the month's first hour nothing of it is told yet")
    for _ in range(2):
        invoked = worker.invoke_by_timer(FUNCTION)
        assert invoked.ok, invoked.exception

    assert {("app", HELPDESK), ("cost-centre", "CC-1001")} == {
        (row["Dimension"], row["BudgetKey"]) for row in azure.alerts()
    }
    stored = azure.ingestion.stored(TABLE)
    assert 2 * len({row["EventId"] for row in stored}) == len(stored)
    assert {"over", "ok"} == {row["Status"] for row in stored}


def test_nothing_is_asked_unless_it_is_wanted(worker: "Worker", azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """A month's costs are a long question."""
    monkeypatch.delenv("WATCH_BUDGETS")

    assert worker.invoke_by_timer(FUNCTION).ok
    assert [] == azure.workspace.asked


def test_without_a_workspace_the_setting_is_named(
    worker: "Worker", azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is stored."""
    monkeypatch.delenv("LOG_ANALYTICS_WORKSPACE_ID")

    assert "LOG_ANALYTICS_WORKSPACE_ID" in worker.invoke_by_timer(FUNCTION).exception
    assert [] == azure.ingestion.paths


def test_costs_that_cannot_be_read_fail_the_run(worker: "Worker", azure: Azure) -> None:
    """The host tries again; the first question is a short one."""
    azure.workspace.failure = 403, {"error": {"code": "InsufficientAccessError", "message": "no access"}}

    invoked = worker.invoke_by_timer(FUNCTION)

    assert "Log Analytics Data Reader" in invoked.exception
    assert [HAS_BUDGETS] == [request["query"] for request in azure.workspace.asked]
    assert [] == azure.ingestion.paths
