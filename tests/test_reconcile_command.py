"""`token-meter reconcile` as a user runs it; identity and services are peers over sockets."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.azure_peers import identity_endpoint, identity_variables
from tests.ingestion_peer import RULE, ingestion_peer
from tests.log_analytics_peer import WORKSPACE, log_analytics_peer
from tests.loopback import serving
from tests.metrics_query_peer import MetricsQueryPeer, account_id, metrics_query_peer
from tests.usage_rows import observation
from token_meter.cli.reconciling import days_of
from token_meter.kql import run_query
from token_meter.pipeline import utc_now
from token_meter.reconciliation.accounts import accounts_of
from token_meter.reconciliation.days import reconcile
from token_meter.reconciliation.faults import DaysUnusable
from token_meter.reconciliation_row import ReconciliationRow
from token_meter.row import UsageRow
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.sources import InputUnusable

COMMAND = Path(sys.executable).with_name("token-meter")
MONDAY, TUESDAY = date(2026, 10, 5), date(2026, 10, 6)
REPOSITORY = Path(__file__).parent.parent


@pytest.fixture
def store() -> Iterator[DuckDbStore]:
    """Return an empty store."""
    with DuckDbStore(":memory:") as opened:
        yield opened


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[MetricsQueryPeer]:
    """Return a peer with an account that measured a call on the day before yesterday."""
    with metrics_query_peer(tmp_path, "aoai-sweden") as running:
        running.measure("aoai-sweden", "chat", noon(), TokenTransaction=10, AzureOpenAIRequests=1)
        yield running


def noon() -> datetime:
    """Return noon of the day before yesterday, UTC: it is over, and the services still have its metrics."""
    return utc_now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)


def call(event_id: str = "e1", **fields: object) -> UsageRow:
    """Return an observation of a call at the peer's account."""
    usual = {"deployment": "chat", "backend": "aoai-sweden", "total_tokens": 10, "total_source": "reported"}
    return observation(event_id, event_id, **{"call_time": noon(), **usual, **fields})


def token_meter(
    folder: Path, peer: MetricsQueryPeer, *arguments: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run the command with an identity's endpoint and the peer as Resource Manager."""
    with serving(identity_endpoint()) as identity:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            "REQUESTS_CA_BUNDLE": str(peer.certificate),
            **identity_variables(identity),
            "MANAGEMENT_ENDPOINT": peer.endpoint,
            **settings,
        }
        command = [str(COMMAND), *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
        )


@pytest.mark.sockets
def test_a_store_is_compared_and_keeps_the_comparison(tmp_path: Path, peer: MetricsQueryPeer) -> None:
    """JSON has every column; TokenReconciliation() then answers from the store."""
    with DuckDbStore(str(tmp_path / "s.duckdb")) as store:
        store.write([call(total_tokens=8)])
    account = account_id("aoai-sweden")

    done = token_meter(
        tmp_path, peer, "reconcile", "--day", f"{noon():%Y-%m-%d}", "--account", account, "--store", "s.duckdb",
        "--format", "json",
    )  # fmt: skip

    assert 0 == done.returncode, done.stderr
    assert [("total_tokens", "drift", 10, 8), ("calls", "matched", 1, 1)] == [
        (row["Measure"], row["Status"], row["ServiceValue"], row["MeteredValue"]) for row in json.loads(done.stdout)
    ]
    with DuckDbStore(str(tmp_path / "s.duckdb")) as store:
        (row,) = run_query(store, "TokenReconciliation() | where Measure == 'total_tokens'").records()
    assert ("aoai-sweden", 2, 0.2, ["unexplained"]) == (
        row["Account"],
        row["Difference"],
        row["DriftShare"],
        row["Reasons"],
    )


@pytest.mark.sockets
def test_accounts_are_the_settings_where_none_are_named(tmp_path: Path, peer: MetricsQueryPeer) -> None:
    """And backends too; a month is its days so far, CSV has a line a total."""
    with DuckDbStore(str(tmp_path / "usage.duckdb")) as store:
        store.write([call(backend="pool-1")])

    done = token_meter(
        tmp_path, peer, "reconcile", "--month", f"{noon():%Y-%m}", "--format", "csv",
        RECONCILED_ACCOUNTS=account_id("aoai-sweden"), RECONCILED_BACKENDS="pool-1=aoai-sweden",
    )  # fmt: skip

    assert 0 == done.returncode, done.stderr
    assert [("total_tokens", "matched", "backend"), ("calls", "matched", "backend")] == [
        (line["Measure"], line["Status"], line["Attribution"]) for line in csv.DictReader(io.StringIO(done.stdout))
    ]


@pytest.mark.sockets
def test_a_workspace_is_compared_and_takes_the_rows_on_request(tmp_path: Path, peer: MetricsQueryPeer) -> None:
    """With the Function's settings; the table tells how many totals differ."""
    (tmp_path / "workspace").mkdir()
    with (
        DuckDbStore(":memory:") as store,
        log_analytics_peer(store, tmp_path / "workspace") as workspace,
        ingestion_peer() as ingestion,
    ):
        store.write([call()])
        bundle = tmp_path / "peers.pem"
        bundle.write_bytes(workspace.certificate.read_bytes() + peer.certificate.read_bytes())
        done = token_meter(
            tmp_path, peer, "reconcile", "--day", f"{noon():%Y-%m-%d}", "--account", account_id("aoai-sweden"),
            "--workspace", WORKSPACE, "--save",
            REQUESTS_CA_BUNDLE=str(bundle), LOG_ANALYTICS_ENDPOINT=workspace.endpoint,
            LOGS_INGESTION_ENDPOINT=ingestion.url, LOGS_INGESTION_RULE_ID=RULE, DEAD_LETTER_FOLDER="letters",
        )  # fmt: skip

        assert 0 == done.returncode, done.stderr
        assert "2 totals compared, 0 of them differ" in done.stdout
        assert ["total_tokens", "calls"] == [row["Measure"] for row in ingestion.stored(ReconciliationRow.TABLE)]


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--day", "2026-10-05", "--account", "aoai-sweden"], "is no resource id of an account"),
        (["--account", account_id("aoai-sweden")], "takes --day"),
        (["--day", "2020-01-01", "--account", account_id("aoai-sweden"), "--store", ":memory:"], "no such store"),
    ],
)
def test_what_is_unusable_ends_in_one_line(
    tmp_path: Path, peer: MetricsQueryPeer, arguments: list[str], line: str
) -> None:
    """On standard error, with status 2."""
    done = token_meter(tmp_path, peer, "reconcile", *arguments)

    assert (2, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines()))
    assert line in done.stderr


@pytest.mark.parametrize(("day", "month"), [("", ""), ("2026-10-05", "2026-10"), ("5 October", "")])
def test_days_are_one_or_a_months(day: str, month: str) -> None:
    """Neither and both are neither."""
    with pytest.raises(InputUnusable):
        days_of(day, month)


def test_a_month_has_all_its_days() -> None:
    """Leap years are theirs."""
    days = days_of("", "2024-02")

    assert (date(2024, 2, 1), date(2024, 2, 29), 29) == (days[0], days[-1], len(days))


@pytest.mark.parametrize(("days_ago", "why"), [(-2, "has not begun"), (93, "keeps them for 93 days")])
def test_days_without_metrics_are_refused(store: DuckDbStore, days_ago: int, why: str) -> None:
    """They would all seem to be calls that only the meter knows."""
    accounts = accounts_of([account_id("aoai-sweden")])
    day = (utc_now() - timedelta(days=days_ago)).date()

    with pytest.raises(DaysUnusable, match=why):
        reconcile(partial(run_query, store), lambda *_: [], accounts, [day], utc_now())
