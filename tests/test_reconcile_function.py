"""The nightly timer, run by Microsoft's worker library; its clients are real, identity and services are peers."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.azure_peers import identity_endpoint, identity_variables
from tests.ingestion_peer import RULE, Peer, ingestion_peer
from tests.log_analytics_peer import WORKSPACE, LogAnalyticsPeer, log_analytics_peer
from tests.loopback import serving
from tests.metrics_query_peer import MetricsQueryPeer, account_id, metrics_query_peer
from tests.stored_rows import load_stored
from tests.usage_rows import observation
from token_meter.kql import run_query
from token_meter.pipeline import utc_now
from token_meter.query_result import Value
from token_meter.sinks.duckdb_store import DuckDbStore

pytest.importorskip("azure_functions_runtime", reason="azure-functions-runtime is for Python 3.13 and later")

from functions import reconcile as edge
from tests.worker import load

if TYPE_CHECKING:
    from tests.worker import Worker

pytestmark = pytest.mark.sockets

FUNCTION = "reconcile"
TABLE = "TokenMeterReconciliation_CL"
CALLS = 3


def noon(days_ago: int) -> datetime:
    """Return noon of a day, UTC, before this one."""
    return datetime.combine(utc_now().date() - timedelta(days=days_ago), time(12), tzinfo=utc_now().tzinfo)


@dataclass
class Azure:
    """The services that the timer meets, and what the identity was asked for."""

    store: DuckDbStore
    workspace: LogAnalyticsPeer
    metrics: MetricsQueryPeer
    ingestion: Peer
    audiences: list[str]

    def answers(self) -> list[dict[str, Value]]:
        """Return what TokenReconciliation() answers from all that was stored, totals of tokens only."""
        with DuckDbStore(":memory:") as store:
            load_stored(store, TABLE, self.ingestion.stored(TABLE))
            return run_query(store, "TokenReconciliation() | where Measure == 'total_tokens'").records()


@pytest.fixture(scope="module")
def worker() -> "Worker":
    """Return the app as the worker has loaded and indexed it."""
    return load(Path(__file__).parent.parent / "function_app.py")


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """Set the Function up as its settings would: three calls the day before yesterday, on both sides."""
    audiences: list[str] = []
    for name in ("workspace", "metrics"):
        (tmp_path / name).mkdir()
    with ExitStack() as stack:
        store = stack.enter_context(DuckDbStore(":memory:"))
        workspace = stack.enter_context(log_analytics_peer(store, tmp_path / "workspace"))
        metrics = stack.enter_context(metrics_query_peer(tmp_path / "metrics", "aoai-sweden"))
        ingestion = stack.enter_context(ingestion_peer())
        identity = stack.enter_context(serving(identity_endpoint(audiences)))
        bundle = tmp_path / "peers.pem"
        bundle.write_bytes(workspace.certificate.read_bytes() + metrics.certificate.read_bytes())
        for name, value in {
            "LOGS_INGESTION_ENDPOINT": ingestion.url,
            "LOGS_INGESTION_RULE_ID": RULE,
            "DEAD_LETTER_FOLDER": str(tmp_path / "letters"),
            "LOG_ANALYTICS_WORKSPACE_ID": WORKSPACE,
            "LOG_ANALYTICS_ENDPOINT": workspace.endpoint,
            "MANAGEMENT_ENDPOINT": metrics.endpoint,
            "RECONCILED_ACCOUNTS": account_id("aoai-sweden"),
            "REQUESTS_CA_BUNDLE": str(bundle),
            **identity_variables(identity),
        }.items():
            monkeypatch.setenv(name, value)
        store.write(
            [
                observation(
                    f"e{number}",
                    f"c{number}",
                    call_time=noon(2),
                    backend="aoai-sweden.openai.azure.com",
                    deployment="Chat",
                    total_tokens=10,
                    total_source="reported",
                )
                for number in range(CALLS)
            ]
        )
        metrics.measure("aoai-sweden", "chat", noon(2), TokenTransaction=10 * CALLS, AzureOpenAIRequests=CALLS)
        yield Azure(store, workspace, metrics, ingestion, audiences)


def test_the_host_is_told_of_a_nightly_timer(worker: "Worker") -> None:
    """When yesterday no longer changes, not at every start of an instance, and again after a failure."""
    (binding,) = [json.loads(item) for item in worker.functions[FUNCTION].raw_bindings]
    retry = worker.functions[FUNCTION].retry_options

    assert ("timerTrigger", "0 30 6 * * *", False) == (binding["type"], binding["schedule"], binding["runOnStartup"])
    assert ("fixed_delay", 3) == (retry.retry_strategy, retry.max_retry_count)


def test_what_both_sides_have_matches(worker: "Worker", azure: Azure) -> None:
    """Day, account and deployment, whatever its capitals; each service is asked with a token of its own audience."""
    invoked = worker.invoke_by_timer(FUNCTION)

    assert invoked.ok, invoked.exception
    assert [("aoai-sweden", "chat", "matched", 30, 30)] == [
        (row["Account"], row["Deployment"], row["Status"], row["ServiceValue"], row["MeteredValue"])
        for row in azure.answers()
    ]
    assert {azure.workspace.endpoint, azure.metrics.endpoint} == {
        path.partition("resource=")[2] for path in azure.audiences
    }


def test_a_run_that_is_repeated_changes_nothing(worker: "Worker", azure: Azure) -> None:
    """Its rows have the same identities, and the newest of each is told."""
    worker.invoke_by_timer(FUNCTION)
    once = azure.answers()
    worker.invoke_by_timer(FUNCTION)

    assert 4 == len(azure.ingestion.stored(TABLE))
    assert [row["EventId"] for row in once] == [row["EventId"] for row in azure.answers()]


def test_a_difference_is_explained_and_mended_by_a_later_run(worker: "Worker", azure: Azure) -> None:
    """The service has a call that the meter gets late; the last days are compared again each night."""
    azure.metrics.measure("aoai-sweden", "chat", noon(2), TokenTransaction=10, AzureOpenAIRequests=1)
    worker.invoke_by_timer(FUNCTION)
    assert [("drift", 10, ["outside_the_gateway"])] == [
        (row["Status"], row["Difference"], row["Reasons"]) for row in azure.answers()
    ]

    late = observation("e9", "c9", call_time=noon(2), backend="aoai-sweden", deployment="chat", total_tokens=10)
    azure.store.write([late])
    worker.invoke_by_timer(FUNCTION)

    assert [("matched", 40, None)] == [(row["Status"], row["MeteredValue"], row["Reasons"]) for row in azure.answers()]


def test_only_the_last_whole_days_are_read(worker: "Worker", azure: Azure) -> None:
    """As far back as replays usually reach; today is not over."""
    worker.invoke_by_timer(FUNCTION)

    first, last = (utc_now().date() - timedelta(days=edge.DAYS), utc_now().date())
    assert {f"{first}T00:00:00Z/{last}T00:00:00Z"} == {asked["timespan"] for asked in azure.metrics.asked}


def test_without_accounts_nothing_is_asked(worker: "Worker", azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer is off until somebody names them."""
    monkeypatch.delenv("RECONCILED_ACCOUNTS")

    assert worker.invoke_by_timer(FUNCTION).ok
    assert ([], [], []) == (azure.metrics.asked, azure.workspace.asked, azure.ingestion.paths)


def test_accounts_without_a_workspace_are_told(worker: "Worker", azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the settings' names; metering goes on meanwhile."""
    monkeypatch.delenv("LOG_ANALYTICS_WORKSPACE_ID")

    invoked = worker.invoke_by_timer(FUNCTION)

    assert (False, []) == (invoked.ok, azure.metrics.asked)
    assert "LOG_ANALYTICS_WORKSPACE_ID" in invoked.exception


def test_metrics_that_cannot_be_read_fail_the_run(worker: "Worker", azure: Azure) -> None:
    """Nothing is stored, and the host tries again."""
    azure.metrics.refused = ("aoai-sweden",)

    invoked = worker.invoke_by_timer(FUNCTION)

    assert not invoked.ok
    assert "Monitoring Reader" in invoked.exception
    assert [] == azure.ingestion.paths


def test_totals_that_cannot_be_read_fail_the_run(worker: "Worker", azure: Azure) -> None:
    """A comparison with nothing would be an alarm."""
    azure.workspace.failure = 403, {"error": {"code": "InsufficientAccessError", "message": "no access"}}

    invoked = worker.invoke_by_timer(FUNCTION)

    assert not invoked.ok
    assert "Log Analytics Data Reader" in invoked.exception
    assert [] == azure.ingestion.paths


def test_rows_that_are_not_accepted_fail_the_run(worker: "Worker", azure: Azure) -> None:
    """The next try writes them all."""
    azure.ingestion.always = 403

    invoked = worker.invoke_by_timer(FUNCTION)

    assert not invoked.ok
    assert "IngestionFailed" in invoked.exception
