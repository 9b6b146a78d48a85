"""Old rows under new KQL, new rows under old KQL, and either meter before either rule: no order breaks a running meter.

`tests/schemas` keeps the tables' columns and the fold as earlier versions had them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.ingestion_client import sink_to
from tests.ingestion_peer import ingestion_peer
from tests.ingestion_service import STREAMS, StoredRow, as_stored
from tests.records import CALL_TIME
from tests.stored_rows import load_stored
from token_meter import meter
from token_meter.columns import as_columns, column_name, columns
from token_meter.jsontypes import dump_json
from token_meter.kql import run_query, shipped_functions
from token_meter.query_result import Result
from token_meter.row import UsageRow
from token_meter.schema import DUCKDB_TYPES
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.sinks.logs_ingestion import stream_of_table
from token_meter.sources.files import read_events
from token_meter.tables import TABLES

REPOSITORY = Path(__file__).parent.parent
SCHEMAS = Path(__file__).parent / "schemas"
USAGE = UsageRow.TABLE


@dataclass(frozen=True)
class Earlier:
    """An earlier version: the columns of its tables by type, and its fold."""

    name: str
    tables: Mapping[str, Mapping[str, str]]
    fold: str


def earlier_versions() -> Iterator[Earlier]:
    """Yield the versions that are kept."""
    for folder in sorted(SCHEMAS.iterdir()):
        tables = json.loads((folder / "tables.json").read_text(encoding="utf-8"))
        yield Earlier(folder.name, tables, (folder / "TokenUsage.kql").read_text(encoding="utf-8"))


EARLIER = list(earlier_versions())
READING = [item.name for item in shipped_functions() if "_CL" in item.body]
"""The functions that read a table themselves; all others ask these."""
each_version = pytest.mark.parametrize("earlier", EARLIER, ids=[item.name for item in EARLIER])


@pytest.fixture(scope="module")
def rows() -> Sequence[UsageRow]:
    """Return the rows of the samples: whole calls, halves, attempts, pieces, what was not charged."""
    return meter(read_events(str(REPOSITORY / "samples" / "gateway-events.jsonl"))).rows


def as_earlier(row: UsageRow, earlier: Earlier) -> dict[str, Any]:
    """Return what an earlier meter would have written of a row."""
    return {name: value for name, value in as_columns(row).items() if name in earlier.tables[USAGE]}


def make_earlier_store(path: Path, earlier: Earlier, rows: Sequence[UsageRow]) -> None:
    """Make a store as an earlier meter did, with its rows in it."""
    with duckdb.connect(str(path)) as connection:
        for table, kinds in earlier.tables.items():
            members = ", ".join(f'"{name}" {DUCKDB_TYPES[kind]}' for name, kind in kinds.items())
            connection.execute(f'CREATE TABLE "{table}" ({members})')
        shape = dump_json([{name: DUCKDB_TYPES[kind] for name, kind in earlier.tables[USAGE].items()}]).decode()
        values = dump_json([as_earlier(row, earlier) for row in rows]).decode()
        taken = f"SELECT unnest(from_json_strict(?, '{shape}')) AS row"
        statement = f'INSERT INTO "{USAGE}" BY NAME SELECT unnest(row) FROM ({taken})'  # noqa: S608 - the fixtures' names
        connection.execute(statement, [values])


@pytest.fixture(scope="module")
def old_stores(
    rows: Sequence[UsageRow], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, DuckDbStore]]:
    """Open a store of each earlier version with its rows in it."""
    folder = tmp_path_factory.mktemp("stores")
    with ExitStack() as stack:
        for earlier in EARLIER:
            make_earlier_store(folder / earlier.name, earlier, rows)
        yield {item.name: stack.enter_context(DuckDbStore(str(folder / item.name))) for item in EARLIER}


def by_call(result: Result) -> dict[Any, dict[str, Any]]:
    """Return an answer's rows as objects, by call."""
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    return {row["CallId"]: row for row in rows}


def new_columns(earlier: Earlier) -> set[str]:
    """Return the columns of the usage table that an earlier version did not have."""
    kind: type = UsageRow
    return {item.name for item in columns(kind)} - set(earlier.tables[USAGE])


@each_version
def test_a_column_is_added_and_never_removed_or_changed(earlier: Earlier) -> None:
    """That is what makes every other order safe; Log Analytics would refuse to change one's type."""
    now = {row_type.TABLE: STREAMS[stream_of_table(row_type.TABLE)] for row_type in TABLES}

    for table, kinds in earlier.tables.items():
        assert {} == {name: kind for name, kind in kinds.items() if now[table].get(name) != kind}


@each_version
def test_what_an_earlier_version_lacked_is_never_needed(earlier: Earlier) -> None:
    """A row without it is a whole row: it has a default."""
    needed = {column_name(item.name) for item in fields(UsageRow) if item.default is item.default_factory is MISSING}

    assert new_columns(earlier)
    assert set() == needed & new_columns(earlier)


@each_version
@pytest.mark.parametrize("function", READING)
def test_every_function_answers_over_old_rows_as_over_new_ones_that_say_as_little(
    earlier: Earlier, rows: Sequence[UsageRow], old_stores: Mapping[str, DuckDbStore], function: str
) -> None:
    """A store of an earlier meter is opened, gets its new columns and tables, and what was not written is unknown."""
    lacking = new_columns(earlier)
    unknown: dict[str, Any] = {
        item.name: item.default for item in fields(UsageRow) if column_name(item.name) in lacking
    }
    with DuckDbStore(":memory:") as today:
        today.write([replace(row, **unknown) for row in rows])
        expected = run_query(today, f"{function}()")

    actual = run_query(old_stores[earlier.name], f"{function}()")

    assert expected.columns == actual.columns
    assert sorted(map(repr, expected.rows)) == sorted(map(repr, actual.rows))


@each_version
def test_old_and_new_rows_of_a_call_fold_together(earlier: Earlier, rows: Sequence[UsageRow], tmp_path: Path) -> None:
    """A call that was metered before the upgrade and replayed after it counts once, with what is known now."""
    make_earlier_store(tmp_path / "old.duckdb", earlier, rows)
    with DuckDbStore(":memory:") as today:
        today.write(rows)
        expected = run_query(today, "TokenUsage() | summarize Calls = count(), Tokens = sum(TotalTokens)").rows

    with DuckDbStore(str(tmp_path / "old.duckdb")) as store:
        store.write(rows)

        assert expected == run_query(store, "TokenUsage() | summarize Calls = count(), Tokens = sum(TotalTokens)").rows


@each_version
def test_new_rows_fold_under_old_kql_as_old_ones_did(
    earlier: Earlier, rows: Sequence[UsageRow], tmp_path: Path
) -> None:
    """Whoever saved an earlier fold elsewhere goes on; what it does not know it leaves out."""
    saved = f"let start = datetime(null);\nlet end = datetime(null);\n{earlier.fold}"
    make_earlier_store(tmp_path / "old.duckdb", earlier, rows)
    with DuckDbStore(str(tmp_path / "old.duckdb")) as store:
        before = by_call(run_query(store, saved))
    with DuckDbStore(":memory:") as store:
        store.write(rows)

        assert before == by_call(run_query(store, saved))
    assert before


@pytest.mark.sockets
@each_version
def test_a_new_meter_before_a_new_rule_loses_new_columns_and_no_row(earlier: Earlier, rows: Sequence[UsageRow]) -> None:
    """The service drops what the stream does not declare and refuses nothing."""
    stream = stream_of_table(USAGE)
    with ingestion_peer() as peer:
        peer.clock = lambda: CALL_TIME
        peer.streams = {**STREAMS, stream: earlier.tables[USAGE]}
        refused = sink_to(peer).write(rows)
        stored = peer.stored(USAGE)

    assert ((), len(rows)) == (tuple(refused), len(stored))
    assert {frozenset(earlier.tables[USAGE])} == {frozenset(row) for row in stored}


@each_version
def test_an_old_meter_after_a_new_rule_stores_whole_rows(earlier: Earlier, rows: Sequence[UsageRow]) -> None:
    """What it does not send is empty, and the new fold answers as over an old table."""
    stream = STREAMS[stream_of_table(USAGE)]
    sent: list[StoredRow] = [json.loads(dump_json(as_earlier(row, earlier))) for row in rows]
    with DuckDbStore(":memory:") as today, DuckDbStore(":memory:") as store:
        today.write(rows)
        load_stored(store, USAGE, [as_stored(row, stream, CALL_TIME) for row in sent])
        question = "TokenUsage() | project CallId, AppId, Charged, TotalTokens, TotalSource"

        assert by_call(run_query(today, question)) == by_call(run_query(store, question))
