"""A query's answer, whichever engine gives it: the embedded store (kql.py) or Log Analytics (log_analytics.py)."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from token_meter.harmless_texts import disarmed

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"


class QueryError(Exception):
    """A query that cannot be answered. The message is one clear line."""


@dataclass(frozen=True, slots=True)
class Result:
    """An answer: names and Kusto types of the columns, and the rows. Times are ISO 8601 texts."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    def records(self) -> list[dict[str, Value]]:
        """Return each row as a mapping from the columns' names."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def as_json(self) -> str:
        """Return the rows as a JSON array of objects."""
        return json.dumps(self.records(), ensure_ascii=False)

    def as_csv(self) -> str:
        """Return the rows as CSV with a header; nulls are empty, dynamic values are JSON, no number has an exponent.

        A text that a sheet would take for a formula has an apostrophe before it: callers choose some of the texts.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        for row in self.rows:
            writer.writerow([_as_cell(value) for value in row])
        return text.getvalue()


Ask: TypeAlias = Callable[[str], Result]
"""What answers KQL, the shipped functions at hand. Raises QueryError where there is no whole answer."""


def as_text(time: datetime) -> str:
    """Return a time, UTC, as answers have it."""
    return time.replace(tzinfo=None).isoformat() + "Z"


def as_literal(moment: date) -> str:
    """Return a time, UTC, or a day as KQL writes it."""
    return f"datetime({as_text(moment) if isinstance(moment, datetime) else moment.isoformat()})"


def as_bounds(start: date, end: date) -> str:
    """Return a period as the shipped functions take it: from its start on and before its end."""
    return f"{as_literal(start)}, {as_literal(end)}"


def _as_cell(value: Value) -> Value:
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    if isinstance(value, str):
        return disarmed(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
