"""KQL on the embedded store: the shipped functions and any query, the same text that runs in Log Analytics.

A function is a file of `kql/functions`: comment lines first, one of them `// Parameters: …` as a saved function takes
them, then the body. duckdb-kql translates and DuckDB answers.
"""

import functools
import json
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import duckdb_kql
from duckdb_kql.engine import schema
from duckdb_kql.stored_functions import ResolvedFunctions, parse_functions

from token_meter.query_result import QueryError, Result, Value, as_text
from token_meter.sinks.duckdb_store import DuckDbStore

IN_WHEEL = Path(__file__).parent / "kql"
IN_CHECKOUT = Path(__file__).parent.parent / "kql"
KUSTO_TYPES = {
    "VARCHAR": "string",
    "TINYINT": "int",
    "INTEGER": "int",
    "BIGINT": "long",
    "HUGEINT": "long",
    "DOUBLE": "real",
    "BOOLEAN": "bool",
    "TIMESTAMP": "datetime",
    "TIMESTAMP WITH TIME ZONE": "datetime",
    "INTERVAL": "timespan",
    "JSON": "dynamic",
}


@dataclass(frozen=True, slots=True)
class Function:
    """A shipped function: its name, its parameters as Log Analytics takes them, its body."""

    name: str
    parameters: str
    body: str


def kql_folder() -> Path:
    """Return the folder of the shipped KQL, in an installed package or in a checkout."""
    return IN_WHEEL if IN_WHEEL.is_dir() else IN_CHECKOUT


@functools.cache
def shipped_functions() -> tuple[Function, ...]:
    """Return the shipped functions in order of name."""
    return tuple(_read_function(path) for path in sorted((kql_folder() / "functions").glob("*.kql")))


def _read_function(path: Path) -> Function:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    header = [line.removeprefix("//").strip() for line in lines if line.startswith("//")]
    parameters = next(
        (line.removeprefix("Parameters:").strip() for line in header if line.startswith("Parameters:")), ""
    )
    return Function(path.stem, parameters, text)


def _named_in(kql: str, functions: tuple[Function, ...]) -> tuple[Function, ...]:
    """Return the functions that a query names, and those that they name."""
    named: dict[str, Function] = {}
    texts = [kql]
    while texts:
        text = texts.pop()
        for item in functions:
            if item.name not in named and re.search(rf"\b{item.name}\b", text):
                named[item.name] = item
                texts.append(item.body)
    return tuple(item for item in functions if item.name in named)


@functools.cache
def _parsed(functions: tuple[Function, ...]) -> ResolvedFunctions | None:
    """Return functions as duckdb-kql reads them; reading them, the price book above all, takes longer than a query."""
    return parse_functions([f"function {item.name}({item.parameters}) {{\n{item.body}\n}}" for item in functions])


def as_sql(store: DuckDbStore, kql: str, functions: tuple[Function, ...] | None = None) -> str:
    """Return a KQL query as the SQL that a store answers, with the shipped functions or others at hand.

    Raises QueryError where it is no query.
    """
    known = shipped_functions() if functions is None else functions
    try:
        tables = schema(store.connection)
        sql = duckdb_kql.to_sql(kql, schema=tables, allow_write=False, functions=_parsed(_named_in(kql, known)))
    except (duckdb_kql.KqlError, duckdb.Error) as fault:
        raise _query_error(fault) from fault
    return str(sql)


def run_query(store: DuckDbStore, kql: str, functions: tuple[Function, ...] | None = None) -> Result:
    """Answer a KQL query from a store, with the shipped functions or others at hand.

    Raises QueryError where it is no query.
    """
    sql = as_sql(store, kql, functions)
    try:
        with store.connection.cursor() as cursor:
            answer = cursor.execute(sql)
            described = answer.description or []
            rows = answer.fetchall()
    except duckdb.Error as fault:
        raise _query_error(fault) from fault
    types = tuple(KUSTO_TYPES.get(str(item[1]), "dynamic") for item in described)
    return Result(tuple(str(item[0]) for item in described), types, tuple(_row(row, types) for row in rows))


def _query_error(fault: Exception) -> QueryError:
    return QueryError(str(fault).strip().splitlines()[0])


def _row(row: tuple[object, ...], types: tuple[str, ...]) -> tuple[Value, ...]:
    return tuple(_value(value, kind) for value, kind in zip(row, types, strict=True))


def _value(value: object, kind: str) -> Value:
    if isinstance(value, datetime):
        return as_text(value)
    if kind == "dynamic" and isinstance(value, str):
        parsed: Value = json.loads(value)
        return parsed
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, list | tuple):
        return [_value(item, "") for item in value]
    return str(value)
