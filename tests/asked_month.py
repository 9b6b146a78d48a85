"""A month that is asked: the shipped queries for a period, on a store that folds its month only once."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.independent.month import Month
from tests.independent.price_files import read_book
from token_meter.kql import as_sql, kql_folder, run_query, shipped_functions
from token_meter.query_result import Result
from token_meter.sinks.duckdb_store import DuckDbStore

AS_OF = (None, datetime(2026, 10, 29, 15, 20, tzinfo=UTC))
PART = (datetime(2026, 10, 12, 6, 30, tzinfo=UTC), datetime(2026, 10, 20, 18, 45, 30, tzinfo=UTC))
Period = tuple[datetime | None, datetime | None]


def query_text(name: str, period: Period, **told: str) -> str:
    """Return a shipped query for a period, told what else is chosen. Raises ValueError where it asks no such thing."""
    text = (kql_folder() / "queries" / f"{name}.kql").read_text(encoding="utf-8")
    for parameter, bound in zip(("start", "end"), period, strict=True):
        own = f"let {parameter} = datetime(null);"
        text = _put(text, own, own if bound is None else f"let {parameter} = {literal(bound)};")
    for parameter, value in told.items():
        own = next((line for line in text.splitlines() if line.startswith(f"let {parameter} = '")), "")
        text = _put(text, own, f"let {parameter} = '{value}';")
    return text


def _put(text: str, own: str, instead: str) -> str:
    if not own or own not in text:
        raise ValueError(f"no line {own!r}")
    return text.replace(own, instead)


def literal(moment: datetime | None) -> str:
    """Return a moment as KQL writes it."""
    return f"datetime({moment.replace(tzinfo=None).isoformat() if moment else 'null'})"


def naive(period: Period) -> Period:
    """Return a period as the independent computation takes it."""
    start, end = (bound.replace(tzinfo=None) if bound else None for bound in period)
    return start, end


FOLDED = {"TokenUsage": "FoldedUsage", "TokenCost": "FoldedCost"}
"""The functions that all others build on, and the tables that hold their answers once they have been checked."""
IN_PERIOD = "(isnull(start) or CallTime >= start) and (isnull(end) or CallTime < end)"


def fold_once(store: DuckDbStore) -> None:
    """Keep what `TokenUsage()` and `TokenCost()` answer, so that not every query has to fold the month again."""
    for name, table in FOLDED.items():
        store.connection.execute(f'CREATE TABLE "{table}" AS {as_sql(store, f"{name}()")}')


def run_folded(store: DuckDbStore, kql: str) -> Result:
    """Answer a query with the shipped functions, but those two, which answer out of what was kept."""
    kept = [
        replace(item, body=f"{FOLDED[item.name]}\n| where {IN_PERIOD}") if item.name in FOLDED else item
        for item in shipped_functions()
    ]
    return run_query(store, kql, tuple(kept))


def as_rows(result: Result) -> list[dict[str, Any]]:
    """Return an answer as the independent computation gives it: times without a zone."""
    times = {name for name, kind in zip(result.columns, result.types, strict=True) if kind == "datetime"}
    return [
        {name: _time(value) if name in times else value for name, value in zip(result.columns, row, strict=True)}
        for row in result.rows
    ]


def _time(value: Any) -> Any:
    return None if value is None else datetime.fromisoformat(value.removesuffix("Z"))


def stored_month(store: DuckDbStore, now: datetime) -> Month:
    """Return the stored rows with the price files, as the independent computation takes them."""
    tables = ("TokenUsage_CL", "TokenMeterBatch_CL", "TokenMeterRejected_CL")
    usage, batches, rejected = (_rows_of(store, table) for table in tables)
    return Month(usage, batches, rejected, read_book(), now.replace(tzinfo=None))


def _rows_of(store: DuckDbStore, table: str) -> list[dict[str, Any]]:
    answer = store.connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a table of the project's own
    described = answer.description or []
    names = [str(item[0]) for item in described]
    packed = [place for place, item in enumerate(described) if str(item[1]) == "JSON"]
    rows = []
    for row in answer.fetchall():
        values = list(row)
        for place in packed:
            values[place] = None if values[place] is None else json.loads(values[place])
        rows.append(dict(zip(names, values, strict=True)))
    return rows
