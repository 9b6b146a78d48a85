"""`token-meter query`: KQL on the embedded store or in Log Analytics, as a table, JSON or CSV."""

import sys
from enum import StrEnum
from pathlib import Path

from rich.table import Table
from rich.text import Text

from token_meter.cli.asking import answering
from token_meter.cli.output import standard_output, visible
from token_meter.query_result import Result
from token_meter.sources import InputUnusable

NUMERIC_TYPES = frozenset({"int", "long", "real"})
LONGEST_KEPT_WHOLE = 36
"""Characters; a GUID's."""


class Format(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def print_answer(kql: str, store: str, workspace: str, output: Format) -> None:
    """Run a query, given as text or as the name of a .kql file, and print its answer on standard output.

    Raises InputUnusable where the file or the store is not there, QueryError where the query is none.
    """
    with answering(store, workspace) as ask:
        result = ask(_text_of(kql))
    print_result(result, output)


def print_result(result: Result, output: Format) -> None:
    """Print an answer on standard output."""
    if output is Format.JSON:
        sys.stdout.write(result.as_json() + "\n")
    elif output is Format.CSV:
        sys.stdout.write(result.as_csv())
    else:
        print_table(result)


def _text_of(kql: str) -> str:
    if not kql.endswith(".kql"):
        return kql
    try:
        return Path(kql).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise InputUnusable(f"{kql}: cannot be read") from fault


def print_table(result: Result) -> None:
    """Print an answer as a table; whatever the data holds is shown as text, never as markup.

    On a terminal it fits the width and short texts (ids among them) stay whole; elsewhere it is as wide as it needs.
    """
    table = Table()
    for place, (name, kind) in enumerate(zip(result.columns, result.types, strict=True)):
        number = kind in NUMERIC_TYPES
        short = all(len(str(row[place])) <= LONGEST_KEPT_WHOLE for row in result.rows)
        table.add_column(name, justify="right" if number else "left", overflow="fold", no_wrap=short and not number)
    for row in result.rows:
        table.add_row(*(Text("" if value is None else visible(str(value))) for value in row))
    standard_output().print(table)
