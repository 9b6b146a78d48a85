"""The embedded store: append-only, generic over the row's definition, closed to the outside."""

from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tests.usage_rows import NOON, observation
from token_meter.columns import columns
from token_meter.kql import run_query, shipped_functions
from token_meter.query_result import QueryError
from token_meter.row import UsageRow
from token_meter.sinks.duckdb_store import DuckDbStore, StoreUnusable


def test_a_row_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Every column, whatever its type, after the store was closed and opened again."""
    row = observation(
        "e'1",
        call_id='c"1;--',
        attempt=2,
        custom={"team": "Büro\N{GRINNING FACE}"},
        is_stream=True,
        duration_ms=1.5,
        prompt_tokens=2**40,
        notes=("cut", "aborted"),
        enqueued_time=datetime(2026, 10, 5, 12, 0, 0, 123456, tzinfo=UTC),
    )
    path = str(tmp_path / "usage.duckdb")
    with DuckDbStore(path) as store:
        store.write([row])
    with DuckDbStore(path) as store:
        result = run_query(store, "TokenUsage_CL")

    kept = dict(zip(result.columns, result.rows[0], strict=True))
    assert [item.name for item in columns(UsageRow)] == list(result.columns)
    assert ("e'1", 'c"1;--', 2, {"team": "Büro\N{GRINNING FACE}"}) == (
        kept["EventId"],
        kept["CallId"],
        kept["Attempt"],
        kept["Custom"],
    )
    assert (True, 1.5, 2**40, ["cut", "aborted"]) == (
        kept["IsStream"],
        kept["DurationMs"],
        kept["PromptTokens"],
        kept["Notes"],
    )
    assert ("2026-10-05T12:00:00.123456Z", None, "") == (
        kept["EnqueuedTime"],
        kept["CompletionTokens"],
        kept["Deployment"],
    )


def test_times_are_utc_on_a_machine_in_another_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop in Auckland answers as Log Analytics does."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    with DuckDbStore(":memory:") as store:
        store.write([observation(call_time=NOON)])

        result = run_query(store, "TokenUsage_CL | where CallTime == datetime(2026-10-05T12:00:00Z) | project CallTime")

    assert (("2026-10-05T12:00:00Z",),) == result.rows


def test_duplicates_stay() -> None:
    """Only the fold removes them, as in Log Analytics."""
    with DuckDbStore(":memory:") as store:
        store.write([observation(), observation()])

        assert ((2,),) == run_query(store, "TokenUsage_CL | count").rows


def test_an_older_store_gets_the_columns_it_lacks(tmp_path: Path) -> None:
    """Null in the old rows."""
    path = str(tmp_path / "usage.duckdb")
    with DuckDbStore(path) as store:
        store.write([observation("old")])
        store.connection.execute("ALTER TABLE TokenUsage_CL DROP COLUMN ImageTokens")
    with DuckDbStore(path) as store:
        store.write([observation("new", image_tokens=3)])

        result = run_query(store, "TokenUsage_CL | project EventId, ImageTokens | sort by EventId asc")

    assert (("new", 3), ("old", None)) == result.rows


def test_a_write_that_fails_leaves_nothing_of_itself() -> None:
    """All rows or none, so that a batch tried again starts clean."""
    with DuckDbStore(":memory:") as store:
        bad = observation(meter_revision=2**40)
        with pytest.raises(duckdb.Error):
            store.write([*[observation()] * 3_000, bad])

        assert ((0,),) == run_query(store, "TokenUsage_CL | count").rows


def test_a_file_that_is_no_store_is_said_to_be_so(tmp_path: Path) -> None:
    """In one line."""
    path = tmp_path / "notes.txt"
    path.write_text("hello" * 1000)

    with pytest.raises(StoreUnusable, match="not a store that can be opened"):
        DuckDbStore(str(path))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY TokenUsage_CL TO '/tmp/out.csv'",
        "SET enable_external_access = true",
        "ATTACH 'other.duckdb'",
    ],
)
def test_nothing_in_the_store_reaches_out_of_it(statement: str) -> None:
    """Neither files nor the network, and it cannot be switched on again."""
    with DuckDbStore(":memory:") as store, pytest.raises(duckdb.Error):
        store.connection.execute(statement)


@pytest.mark.parametrize(
    "kql",
    [
        "",
        "nonsense nonsense",
        "NoTable | count",
        "TokenUsage_CL | where",
        "externaldata(a:string)['/etc/passwd']",
        ".drop table TokenUsage_CL",
    ],
)
def test_what_is_no_query_is_said_to_be_so(kql: str) -> None:
    """One line, and the store is as it was."""
    with DuckDbStore(":memory:") as store:
        with pytest.raises(QueryError) as fault:
            run_query(store, kql)

        assert "\n" not in str(fault.value)
        assert ((0,),) == run_query(store, "TokenUsage_CL | count").rows


def test_every_field_of_a_row_has_a_type_and_a_meaning() -> None:
    """The documentation is made of them."""
    for item in fields(UsageRow):
        assert item.metadata["kusto_type"] in {"string", "int", "long", "real", "boolean", "datetime", "dynamic"}
        assert item.metadata["meaning"].endswith(".")


def test_the_shipped_functions_declare_their_parameters() -> None:
    """A saved function is deployed with them."""
    (function,) = [item for item in shipped_functions() if item.name == "TokenUsage"]

    assert "start:datetime = datetime(null), end:datetime = datetime(null)" == function.parameters
