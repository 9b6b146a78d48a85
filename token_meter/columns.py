"""How a table's row is defined: a frozen dataclass whose fields say their Kusto type and meaning.

Everything that has a table's columns is generated from the row types: the embedded store, the data collection rule's
streams, the infrastructure's tables, `docs/schema.md`.
"""

import dataclasses
import functools
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from token_meter.jsontypes import Json


def column(kusto_type: str, meaning: str, **default: Any) -> Any:
    """Declare a field of a row: its type in Kusto, what it says, and its default (`default=` or `default_factory=`)."""
    return field(metadata={"kusto_type": kusto_type, "meaning": meaning}, **default)


def text(meaning: str) -> Any:
    """Declare a string column; absent is `""`, never null."""
    return column("string", meaning, default="")


def tokens(meaning: str) -> Any:
    """Declare a number of tokens; unknown is null."""
    return column("long", meaning, default=None)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, as generated artefacts need it."""

    name: str
    kusto_type: str
    meaning: str
    attribute: str


def column_name(attribute: str) -> str:
    """Return the column's name of a field: `client_ip` is `ClientIp`."""
    return "".join(part.capitalize() for part in attribute.split("_"))


@functools.cache
def columns(row_type: type) -> tuple[Column, ...]:
    """Return the columns of a row type in order."""
    return tuple(
        Column(column_name(item.name), item.metadata["kusto_type"], item.metadata["meaning"], item.name)
        for item in dataclasses.fields(row_type)
    )


def as_columns(row: Any) -> dict[str, Json | datetime]:
    """Return a row as column name → value, in the order of the table, ready for JSON or SQL."""
    row_type: type = type(row)
    return {item.name: getattr(row, item.attribute) for item in columns(row_type)}
