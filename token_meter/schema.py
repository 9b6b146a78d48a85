"""What is generated from a row's definition: the embedded store's table, the KQL schema, the documentation."""

from enum import StrEnum

from token_meter.batch_row import BatchRow
from token_meter.budget_row import BudgetRow
from token_meter.codes import AppIdSource, Attribution, Charged, DriftReason, Measure, Note, Reason, Reconciled, Source
from token_meter.columns import Column, columns
from token_meter.daily_row import DailyRow
from token_meter.reconciliation_row import ReconciliationRow
from token_meter.rejected_row import RejectedRow
from token_meter.row import UsageRow

DUCKDB_TYPES = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "boolean": "BOOLEAN",
    "datetime": "TIMESTAMP",
    "dynamic": "JSON",
}
"""Kusto's types in DuckDB. Times are UTC and carry no zone, as Kusto's are."""


def create_table_sql(table: str, row_type: type) -> str:
    """Return the statement that makes the embedded store's table of a row type, where it is not there yet."""
    parts = ", ".join(column_sql(item) for item in columns(row_type))
    return f'CREATE TABLE IF NOT EXISTS "{table}" ({parts})'


def column_sql(item: Column) -> str:
    """Return a column of the embedded store; a text that a row lacks is empty, as Kusto has no null texts."""
    default = " DEFAULT ''" if item.kusto_type == "string" else ""
    return f'"{item.name}" {DUCKDB_TYPES[item.kusto_type]}{default}'


def kusto_schema(table: str, row_type: type) -> str:
    """Return a table's schema as Kusto writes it: `Table:(Name:type, …)`."""
    kusto = {"boolean": "bool"}
    parts = ", ".join(f"{item.name}:{kusto.get(item.kusto_type, item.kusto_type)}" for item in columns(row_type))
    return f"{table}:({parts})"


def schema_markdown() -> str:
    """Return docs/schema.md: every column and every code, with what it means."""
    return "\n".join(
        [
            "<!-- generated from token_meter/{row,*_row,codes}.py by `make generate`; edit those -->",
            "",
            "# The tables",
            "",
            "Strings are never null, absent is `''`. A number that is not known is null, never 0.",
            "",
            f"## `{UsageRow.TABLE}`",
            "",
            "One row is one observation of a call. `TokenUsage(start, end)` folds observations into one row a call;",
            "ask that function rather than the table, which may hold a call several times.",
            "",
            *_column_lines(UsageRow),
            f"## `{RejectedRow.TABLE}`",
            "",
            "One row is what became of a record that could not be metered; later rows tell that a replay read it.",
            "",
            *_column_lines(RejectedRow),
            f"## `{BatchRow.TABLE}`",
            "",
            "The ledger: one row a batch and partition, written after its rows were accepted. A retried batch is there",
            "again under the same `EventId`.",
            "",
            *_column_lines(BatchRow),
            f"## `{DailyRow.TABLE}`",
            "",
            "Sums of whole days, a line a combination of properties. A day that changed is computed again as a whole;",
            "`TokenDays(start, end)` answers from what holds (docs/closing.md).",
            "",
            *_column_lines(DailyRow),
            f"## `{ReconciliationRow.TABLE}`",
            "",
            "One row is one comparison of a day's total of a deployment with the service's own metric;",
            "`TokenReconciliation(start, end)` keeps the newest of each (docs/reconciliation.md).",
            "",
            *_column_lines(ReconciliationRow),
            f"## `{BudgetRow.TABLE}`",
            "",
            "One row is one look at a budget's month, for the alert (docs/report.md).",
            "",
            *_column_lines(BudgetRow),
            "## Codes",
            "",
            _values("Sources", Source, "of `PromptSource`, `CompletionSource`, `TotalSource`, best first"),
            _values("AppIdSource", AppIdSource, "what vouches for the application"),
            _values("Charged", Charged, "whether the service charges the call"),
            _values("Measure", Measure, "what is compared with a service's own metrics"),
            _values("Status", Reconciled, "how the meter's number and the service's metric stand to each other"),
            _values(
                "Attribution", Attribution, "by what the account of compared calls is known, empty where it is not"
            ),
            "### Notes",
            "",
            "| code | meaning |",
            "| --- | --- |",
            *(f"| `{note.value}` | {note.meaning} |" for note in Note),
            "",
            "### Reasons of rejected and ignored records",
            "",
            "| code | meaning |",
            "| --- | --- |",
            *(f"| `{reason.value}` | {reason.meaning} |" for reason in Reason),
            "",
            "### Reasons of differences",
            "",
            "| code | meaning |",
            "| --- | --- |",
            *(f"| `{reason.value}` | {reason.meaning} |" for reason in DriftReason),
            "",
        ]
    )


def _column_lines(row_type: type) -> list[str]:
    lines = [f"| `{item.name}` | {item.kusto_type} | {item.meaning} |" for item in columns(row_type)]
    return ["| column | type | meaning |", "| --- | --- | --- |", *lines, ""]


def _values(title: str, codes: type[StrEnum], what: str) -> str:
    return f"### {title}\n\n{what}: " + ", ".join(f"`{code.value}`" for code in codes) + "\n"
