"""Months closed out of a real store, by the command line and out of a workspace, with late records and new prices."""

import json
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.monitor.query import LogsQueryClient

from tests.days import asked, asking, day, divided, simulated_rows
from tests.log_analytics_peer import WORKSPACE, Signed, log_analytics_peer
from tests.usage_rows import NOON, observation
from token_meter import kql
from token_meter.batch_row import BatchRow
from token_meter.closing.close import Month, close_month, health_of
from token_meter.closing.documents import Content
from token_meter.closing.folder import check_folder
from token_meter.closing.lines import SUMS, Lines
from token_meter.codes import Via
from token_meter.daily_usage import compute_days
from token_meter.log_analytics import LogAnalytics
from token_meter.row import UsageRow
from token_meter.sinks.duckdb_store import DuckDbStore

COMMAND = str(Path(sys.executable).with_name("token-meter"))
MONTH = Month(day("2026-10-01"), day("2026-11-01"))
CLOSED = datetime(2026, 11, 3, tzinfo=UTC)
SURE = {"prompt_source": "reported", "completion_source": "reported", "status_code": 200, "region": "Sweden Central"}


def live(store: DuckDbStore) -> dict[str, int]:
    """Return what the calls of the month come to, without the days that are stored."""
    calls = asked(store, "TokenCost(datetime(2026-10-01), datetime(2026-11-01))")
    sums = {name: sum(call[name] or 0 for call in calls) for name in SUMS if name in calls[0]}
    return {"Calls": len(calls), **sums}


def stated(lines: Lines, like: dict[str, int]) -> dict[str, int]:
    """Return what documents come to, of the sums that another has."""
    sums = {name: sum(values[place] for values in lines.values()) for place, name in enumerate(SUMS)}
    return {name: sums[name] for name in like}


def why(content: Content) -> set[str]:
    """Return all reasons that an adjustment gives."""
    return {reason for line in content["lines"] for reason in line["reasons"]}


def call(name: str, **fields: object) -> UsageRow:
    """Return the observation of a call."""
    usual = {"app_id": "a", "prompt_tokens": 1000, "completion_tokens": 100, "served_model": "gpt-4o-2024-11-20"}
    return observation(name, name, **{**usual, **SURE, **fields})


def dearer(functions: Iterable[kql.Function]) -> tuple[kql.Function, ...]:
    """Return the shipped functions with another price book: twice the price of GPT-4o's prompts."""

    def changed(item: kql.Function) -> kql.Function:
        body = item.body.replace("datetime(null), 2500000,", "datetime(null), 5000000,")
        if item.name == "TokenPrices":
            begin, _, _ = body.rpartition("PriceBook = ")
            body = f"{begin}PriceBook = '2026-12-01 another'\n"
        elif item.name == "TokenMethod":
            body = "print Method = 'another'"
        return kql.Function(item.name, item.parameters, body)

    return tuple(map(changed, functions))


def test_a_closed_month_and_its_adjustments_are_what_the_store_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through late halves and calls of a made-up company, stored days, a better meter, and another price book."""
    early, late = divided(simulated_rows(day("2026-10-30"), day("2026-11-01"), 300), share=0.1)
    with DuckDbStore(":memory:") as store:
        ask = asking(store)
        store.write([*early, call("one"), call("two", app_id="b")])
        assert 2 == len(close_month(ask, MONTH, CLOSED, tmp_path).files)
        compute_days(ask, store, CLOSED, lambda: 0.0, timedelta(days=7))

        store.write([*late, *late, call("two", app_id="b", prompt_tokens=1001, meter_revision=2)])
        close_month(ask, MONTH, CLOSED + timedelta(days=1), tmp_path)
        (chain,) = check_folder(tmp_path)
        now = live(store)
        assert now == stated(chain.lines, now)
        assert {"late_calls", "revised_records", "shared_capacity"} == why(chain.documents[1])
        assert [1, 2] == chain.documents[1]["meterRevisions"]

        functions = dearer(kql.shipped_functions())
        monkeypatch.setattr(kql, "shipped_functions", lambda: functions)
        close_month(ask, MONTH, CLOSED + timedelta(days=2), tmp_path)
        (chain,) = check_folder(tmp_path)
        dear = live(store)
        assert now["CostNano"] < dear["CostNano"]
        assert dear == stated(chain.lines, dear)
        assert ({"prices"}, 3) == (why(chain.documents[2]), len(chain.documents))


@pytest.mark.sockets
def test_a_workspace_and_a_store_give_the_same_statement(tmp_path: Path) -> None:
    """To the last byte, so a digest can be checked against either."""
    with DuckDbStore(":memory:") as store:
        store.write([call("one"), call("none", prompt_tokens=None, served_model="no-such-model")])
        with log_analytics_peer(store, tmp_path) as peer:
            client = LogsQueryClient(
                Signed(), endpoint=peer.endpoint, connection_verify=str(peer.certificate), retry_total=0
            )
            closings = [
                close_month(ask, MONTH, CLOSED, tmp_path / name)
                for name, ask in (("workspace", LogAnalytics(client, WORKSPACE).ask), ("store", asking(store)))
            ]

    first, second = ([path.read_bytes() for path in closing.files] for closing in closings)
    assert first == second


def close(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `token-meter close` in a folder."""
    return subprocess.run([COMMAND, "close", *options], cwd=folder, capture_output=True, text=True, check=False)


def batch(first: int, partition: str = "0", time: datetime = NOON, events: int = 10) -> BatchRow:
    """Return the ledger's row of a batch of ten numbers."""
    return BatchRow(
        time_generated=time, event_id=f"b{partition}{first}", via=Via.TRIGGER, metered_time=time, event_hub="h",
        partition=partition, first_sequence_number=first, last_sequence_number=first + 9, first_enqueued_time=time,
        last_enqueued_time=time, events=events,
    )  # fmt: skip


def test_a_hole_counts_where_it_may_be_the_months() -> None:
    """Across its last midnight too, and inside of a batch with nothing before it; not one of the month after."""
    october, november = day("2026-10-31"), day("2026-11-01") + timedelta(hours=1)
    with DuckDbStore(":memory:") as store:
        store.write([batch(0, "edge", october), batch(12, "edge", november)])
        store.write([batch(0, "later", november), batch(14, "later", november)])
        within_the_month = health_of(asking(store), MONTH)["MissingEvents"]
        store.write([batch(10, "inside", october, events=4)])
        with_a_hole_inside = health_of(asking(store), MONTH)["MissingEvents"]

    assert 2 == within_the_month
    assert isinstance(with_a_hole_inside, int)
    assert with_a_hole_inside > 2


def test_a_month_with_events_that_were_never_metered_is_closed_only_with_a_note(tmp_path: Path) -> None:
    """Which the statement keeps, with what spoke against it."""
    with DuckDbStore(str(tmp_path / "usage.duckdb")) as store:
        store.write([call("one")])
        store.write([batch(0), batch(17)])
    refused = close(tmp_path, "--month", "2026-10", "--as-of", "2026-11-03")
    said = "token-meter: 7 events were never metered: kql/queries/events_never_metered.kql says which\n"
    assert (2, said) == (refused.returncode, refused.stderr)
    assert not (tmp_path / "statements").exists()

    done = close(tmp_path, "--month", "2026-10", "--as-of", "2026-11-03", "--anyway", "the hub was reset")
    assert 0 == done.returncode, done.stderr
    statement = json.loads((tmp_path / "statements" / "statement-2026-10.json").read_bytes())
    assert "the hub was reset" == statement["note"]
    assert 1 == len(statement["objections"])
    assert f"closed 2026-10: 1 calls, 1,100 tokens, 0.003500000 USD, digest {statement['digest']}" in done.stdout

    checked = close(tmp_path, "--verify", "statements")
    assert (0, f"2026-10: the statement and 0 adjustments, digest {statement['digest']}\n") == (
        checked.returncode, checked.stdout,
    )  # fmt: skip
    (tmp_path / "statements" / "statement-2026-10.csv").write_text("")
    damaged = close(tmp_path, "--verify", "statements")
    assert 2 == damaged.returncode
    assert damaged.stderr.startswith("token-meter: statement-2026-10.json has a CSV beside it")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "close takes --month 2026-10, or --verify FOLDER"),
        (["--month", "2026-10", "--verify", "x"], "close takes --month 2026-10, or --verify FOLDER"),
        (["--month", "October"], "'October' is no month such as 2026-10"),
        (["--month", "2026-10"], "usage.duckdb: no such store; `token-meter run` makes one"),
        (["--month", "2026-10", "--as-of", "soon"], "--as-of must be a time such as 2026-11-02T08:00:00Z"),
        (["--verify", "nowhere"], "nowhere: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path: Path, options: list[str], said: str) -> None:
    """With exit status 2."""
    done = close(tmp_path, *options)

    assert (2, f"token-meter: {said}\n") == (done.returncode, done.stderr)


def test_a_month_that_is_not_over_is_not_closed(tmp_path: Path) -> None:
    """As of the moment that is given, nothing is asked of the store."""
    DuckDbStore(str(tmp_path / "usage.duckdb")).close()
    done = close(tmp_path, "--month", "2026-10", "--as-of", "2026-10-31T23:59:59Z")

    assert (2, "token-meter: 2026-10 is not over before 2026-11-01\n") == (done.returncode, done.stderr)
