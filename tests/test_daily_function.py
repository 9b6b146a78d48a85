"""The timer that stores sums of days, run by Microsoft's worker library; its clients are real, peers are on sockets."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.azure_peers import identity_endpoint, identity_variables
from tests.days import DAY, asked, asking, day_of, in_order
from tests.ingestion_peer import RULE, Peer, ingestion_peer
from tests.log_analytics_peer import WORKSPACE, LogAnalyticsPeer, log_analytics_peer
from tests.loopback import serving
from tests.stored_rows import load_stored
from tests.usage_rows import observation
from token_meter.pipeline import utc_now
from token_meter.sinks.duckdb_store import DuckDbStore

pytest.importorskip("azure_functions_runtime", reason="azure-functions-runtime is for Python 3.13 and later")

from tests.worker import load

if TYPE_CHECKING:
    from tests.worker import Worker

pytestmark = pytest.mark.sockets
FUNCTION = "daily_usage"
TABLE = "TokenUsageDaily_CL"


@pytest.fixture(scope="module")
def worker() -> "Worker":
    """Return the app as the worker has loaded and indexed it."""
    return load(Path(__file__).parent.parent / "function_app.py")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[LogAnalyticsPeer]:
    """Return a workspace with three calls of a day that ended a while ago."""
    noon = day_of(utc_now() - 3 * DAY) + timedelta(hours=12)
    rows = [
        observation(f"e{number}", f"c{number}", call_time=noon, app_id=app, prompt_tokens=10,
                    completion_tokens=number, prompt_source="reported", completion_source="reported",
                    served_model="gpt-4o-2024-11-20", status_code=200)
        for number, app in enumerate("aab")
    ]  # fmt: skip
    with DuckDbStore(":memory:") as store:
        store.write(rows)
        with log_analytics_peer(store, tmp_path) as running:
            yield running


@pytest.fixture
def ingestion(
    workspace: LogAnalyticsPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Peer, list[str]]]:
    """Set the Function up as its settings would; return the peer that takes rows, and what the identity was asked."""
    audiences: list[str] = []
    with ingestion_peer() as peer, serving(identity_endpoint(audiences)) as identity:
        for name, value in {
            "LOGS_INGESTION_ENDPOINT": peer.url,
            "LOGS_INGESTION_RULE_ID": RULE,
            "DEAD_LETTER_FOLDER": str(tmp_path / "letters"),
            "LOG_ANALYTICS_WORKSPACE_ID": WORKSPACE,
            "LOG_ANALYTICS_ENDPOINT": workspace.endpoint,
            "REQUESTS_CA_BUNDLE": str(workspace.certificate),
            **identity_variables(identity),
        }.items():
            monkeypatch.setenv(name, value)
        yield peer, audiences


def test_the_host_is_told_of_a_timer(worker: "Worker") -> None:
    """Once an hour, and not at every start of an instance."""
    (binding,) = [json.loads(item) for item in worker.functions[FUNCTION].raw_bindings]

    assert ("timerTrigger", "0 20 * * * *") == (binding["type"], binding["schedule"])
    assert not binding.get("runOnStartup")
    assert worker.functions[FUNCTION].retry_options is None


def test_a_day_is_read_from_the_workspace_and_its_sums_are_sent_to_it(
    worker: "Worker", workspace: LogAnalyticsPeer, ingestion: tuple[Peer, list[str]]
) -> None:
    """Once they are stored, months are answered from them, exactly, and the next run has nothing to do."""
    peer, audiences = ingestion
    invoked = worker.invoke_by_timer(FUNCTION)
    assert invoked.ok, invoked.exception
    assert [("a", 2, 20), ("b", 1, 10)] == sorted(
        (row["AppId"], row["Calls"], row["PromptTokens"]) for row in peer.rows_of(TABLE)
    )
    assert audiences
    assert all(path.endswith(workspace.endpoint) for path in audiences)

    load_stored(workspace.store, TABLE, peer.stored(TABLE))
    again = worker.invoke_by_timer(FUNCTION)
    assert again.ok, again.exception
    assert 2 == len(peer.rows_of(TABLE))
    assert [True] == [state["IsCurrent"] for state in asked(workspace.store, "TokenDayStates()")]
    ask = asking(workspace.store)
    assert in_order(ask("TokenDaily()")) == in_order(ask("TokenDays()"))


def test_it_computes_nothing_where_it_is_switched_off(
    worker: "Worker", workspace: LogAnalyticsPeer, ingestion: tuple[Peer, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a workspace is named because something else reads it."""
    monkeypatch.setenv("DAILY_USAGE", "off")

    invoked = worker.invoke_by_timer(FUNCTION)

    assert (True, [], []) == (invoked.ok, workspace.asked, ingestion[0].rows_of(TABLE))


def test_what_log_analytics_does_not_take_fails_the_run(
    worker: "Worker", workspace: LogAnalyticsPeer, ingestion: tuple[Peer, list[str]]
) -> None:
    """And what it does not answer; the host counts it, and the next run does it."""
    peer, _ = ingestion
    peer.answers[:] = [403]
    refused = worker.invoke_by_timer(FUNCTION)
    workspace.failure = 403, {"error": {"code": "InsufficientAccessError", "message": "no access"}}
    unanswered = worker.invoke_by_timer(FUNCTION)
    workspace.failure = None
    done = worker.invoke_by_timer(FUNCTION)

    assert (False, False, True) == (refused.ok, unanswered.ok, done.ok), done.exception
    assert "IngestionFailed" in refused.exception
    assert "Log Analytics Data Reader" in unanswered.exception
    assert 2 == len(peer.rows_of(TABLE))


def test_without_a_workspace_the_timer_does_nothing(
    worker: "Worker",
    workspace: LogAnalyticsPeer,
    ingestion: tuple[Peer, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """But for a line in the log."""
    peer, _ = ingestion
    monkeypatch.delenv("LOG_ANALYTICS_WORKSPACE_ID")
    with caplog.at_level("INFO", "token_meter"):
        invoked = worker.invoke_by_timer(FUNCTION)

    assert invoked.ok, invoked.exception
    assert ["no sums of days: LOG_ANALYTICS_WORKSPACE_ID names no workspace to ask"] == caplog.messages
    assert ([], []) == (peer.paths, workspace.asked)
