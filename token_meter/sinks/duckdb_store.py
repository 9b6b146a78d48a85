"""The embedded store: DuckDB in one file, append-only as Log Analytics is, so that duplicates stay as they do there."""

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import duckdb

from token_meter.columns import as_columns, columns
from token_meter.jsontypes import dump_json
from token_meter.schema import DUCKDB_TYPES, column_sql, create_table_sql
from token_meter.tables import TABLES, Row

ROWS_A_STATEMENT = 2_000


class StoreUnusable(Exception):  # noqa: N818 - it names a state of the store, as the command line reports it
    """The store cannot be opened. The message is one clear line."""


class DuckDbStore:
    """The tables in a DuckDB file, or in memory as `:memory:`. A context manager; safe to use from several threads.

    The database has no access to files or the network beyond its own file, so no query can reach out of it.
    """

    def __init__(self, path: str) -> None:
        """Open a store, making it or the columns it lacks. Raises StoreUnusable where the file is no store."""
        try:
            self._connection = duckdb.connect(path)
            self._connection.execute("SET TimeZone = 'UTC'")
            self._connection.execute("SET enable_external_access = false")
            for row_type in TABLES:
                self._prepare(row_type.TABLE, row_type)
        except duckdb.Error as fault:
            raise StoreUnusable(f"{path}: not a store that can be opened ({type(fault).__name__})") from fault
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Return the open store."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the store; what was written is on disk."""
        self._connection.close()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open connection, for queries."""
        return self._connection

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Append rows of one table, all of them or none; none is ever refused.

        Raises duckdb.Error where the disk does not take them.
        """
        if not rows:
            return ()
        table, row_type = rows[0].TABLE, _type_of(rows[0])
        shape = dump_json([{item.name: DUCKDB_TYPES[item.kusto_type] for item in columns(row_type)}]).decode()
        statement = (
            f'INSERT INTO "{table}" BY NAME '  # noqa: S608 - names out of the row's definition, no input
            f"SELECT unnest(row) FROM (SELECT unnest(from_json_strict(?, '{shape}')) AS row)"
        )
        with self._lock, self._connection.cursor() as cursor:
            cursor.begin()
            for start in range(0, len(rows), ROWS_A_STATEMENT):
                values: list[dict[str, Any]] = [as_columns(row) for row in rows[start : start + ROWS_A_STATEMENT]]
                cursor.execute(statement, [dump_json(values).decode()])
            cursor.commit()
        return ()

    def _prepare(self, table: str, row_type: type) -> None:
        """Make a table, or add the columns that an older version of it lacks."""
        self._connection.execute(create_table_sql(table, row_type))
        known = {str(row[1]) for row in self._connection.execute(f"PRAGMA table_info('{table}')").fetchall()}
        for item in columns(row_type):
            if item.name not in known:
                self._connection.execute(f'ALTER TABLE "{table}" ADD COLUMN {column_sql(item)}')


def _type_of(row: Row) -> type:
    return type(row)
