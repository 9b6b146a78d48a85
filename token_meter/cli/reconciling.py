"""`token-meter reconcile`: the meter's totals held against the services' own metrics, day by day."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial

from token_meter.cli.asking import answering, opened_store
from token_meter.cli.moments import month_of
from token_meter.cli.querying import Format, print_result
from token_meter.columns import as_columns, columns
from token_meter.credentials import azure_identity
from token_meter.kql import run_query
from token_meter.pipeline import utc_now
from token_meter.query_result import Ask, Result, Value, as_text
from token_meter.reconciliation.accounts import Accounts, account_ids, accounts_of
from token_meter.reconciliation.azure_metrics import azure_metrics
from token_meter.reconciliation.days import reconcile
from token_meter.reconciliation.metered import A_DAY, each_day
from token_meter.reconciliation_row import ReconciliationRow
from token_meter.settings import PUBLIC_MANAGEMENT, Settings
from token_meter.sinks import keep_all
from token_meter.sinks.logs_ingestion import logs_ingestion_sink
from token_meter.sources import InputUnusable

SHOWN = frozenset(
    {
        "Day",
        "Account",
        "Deployment",
        "Measure",
        "Status",
        "ServiceValue",
        "MeteredValue",
        "Difference",
        "Reasons",
    }
)
"""Columns that a table on a terminal has; JSON and CSV have all."""


def reconcile_days(
    days: Sequence[date], resource_ids: Sequence[str], store: str, workspace: str, *, save: bool
) -> Result:
    """Compare days and return the rows, which the store keeps, or with `save` the workspace's table.

    Without resource ids the accounts are RECONCILED_ACCOUNTS; RECONCILED_BACKENDS and MANAGEMENT_ENDPOINT count as for
    the Function. Raises AccountsUnusable, DaysUnusable, InputUnusable, MetricsUnreadable, QueryError, SettingsUnusable.
    """
    named = resource_ids or account_ids(os.environ.get("RECONCILED_ACCOUNTS", ""))
    accounts = accounts_of(named, os.environ.get("RECONCILED_BACKENDS", ""))
    if workspace:
        settings = Settings.read(os.environ) if save else None
        with answering(store, workspace) as ask:
            rows = _compared(ask, accounts, days)
        if settings is not None:
            keep_all(logs_ingestion_sink(settings), rows, "of comparisons")
        return _result(rows)
    with opened_store(store) as opened:
        rows = _compared(partial(run_query, opened), accounts, days)
        opened.write(rows)
    return _result(rows)


def days_of(day: str, month: str) -> tuple[date, ...]:
    """Return the days that are asked for: one, or those of a month that have begun. Raises InputUnusable."""
    if bool(day) == bool(month):
        raise InputUnusable("reconcile takes --day 2026-10-05 or --month 2026-10 (days are UTC)")
    if month:
        start, end = month_of(month)
        last = min(end.date() - A_DAY, utc_now().date())
        return tuple(each_day(start.date(), max(last, start.date())))
    try:
        return (date.fromisoformat(day),)
    except ValueError:
        raise InputUnusable(f"{day!r} is no day such as 2026-10-05") from None


def print_comparison(result: Result, output: Format) -> None:
    """Print a comparison on standard output: JSON and CSV with every column, a table with those that one reads."""
    if output is not Format.TABLE:
        print_result(result, output)
        return
    places = [place for place, name in enumerate(result.columns) if name in SHOWN]
    print_result(
        Result(
            tuple(result.columns[place] for place in places),
            tuple(result.types[place] for place in places),
            tuple(tuple(_shown(row[place]) for place in places) for row in result.rows),
        ),
        output,
    )
    differing = sum(row[result.columns.index("Status")] != "matched" for row in result.rows)
    sys.stdout.write(f"{len(result.rows)} totals compared, {differing} of them differ or may still change\n")


def _compared(ask: Ask, accounts: Accounts, days: Sequence[date]) -> list[ReconciliationRow]:
    endpoint = os.environ.get("MANAGEMENT_ENDPOINT", "") or PUBLIC_MANAGEMENT
    identity = azure_identity(os.environ.get("AZURE_CLIENT_ID", ""))
    metrics = azure_metrics(identity, endpoint, accounts.accounts[0].subscription)
    return reconcile(ask, metrics.totals, accounts, days, utc_now())


def _result(rows: Sequence[ReconciliationRow]) -> Result:
    kinds = columns(ReconciliationRow)
    return Result(
        tuple(item.name for item in kinds),
        tuple(item.kusto_type for item in kinds),
        tuple(tuple(_value(value) for value in as_columns(row).values()) for row in rows),
    )


def _value(value: object) -> Value:
    if isinstance(value, datetime):
        return as_text(value.astimezone(UTC))
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return value if value is None or isinstance(value, int) else str(value)


def _shown(value: Value) -> Value:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
