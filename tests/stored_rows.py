"""What a Logs Ingestion peer has stored, in the embedded store: then the shipped KQL can be asked what it says."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tests.ingestion_service import StoredRow
from token_meter.columns import columns
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.tables import TABLES, Row


def load_stored(store: DuckDbStore, table: str, rows: Iterable[StoredRow]) -> None:
    """Append stored rows of a table to the embedded store, with the times that the service gave them."""
    (row_type,) = (item for item in TABLES if item.TABLE == table)
    store.write([_as_row(row_type, row) for row in rows])


def _as_row(row_type: type[Row], row: StoredRow) -> Row:
    kind: type = row_type
    values = {item.attribute: _value(row[item.name], item.kusto_type) for item in columns(kind)}
    return row_type(**values)


def _value(value: Any, kusto_type: str) -> Any:
    return datetime.fromisoformat(value) if kusto_type == "datetime" and value is not None else value
