"""The whole of it: days compared, from the questions to the rows."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import TypeAlias

from token_meter.query_result import Ask
from token_meter.reconciliation.accounts import Account, Accounts
from token_meter.reconciliation.comparison import compare
from token_meter.reconciliation.faults import DaysUnusable
from token_meter.reconciliation.metered import A_DAY, missing, served
from token_meter.reconciliation.metric_names import KEPT_DAYS, MetricTotal
from token_meter.reconciliation_row import ReconciliationRow

ReadMetrics: TypeAlias = Callable[[Account, date, date], Sequence[MetricTotal]]
"""What reads an account's metrics for the days from the first date on and before the second."""


def reconcile(
    ask: Ask, read_metrics: ReadMetrics, accounts: Accounts, days: Sequence[date], now: datetime
) -> list[ReconciliationRow]:
    """Compare consecutive days, UTC, of accounts; return a row a day, account, deployment and measure.

    Raises DaysUnusable, QueryError where the meter's totals are not to be had, MetricsUnreadable where metrics are not.
    """
    first, after, today = min(days), max(days) + A_DAY, now.astimezone(UTC).date()
    if first > today:
        raise DaysUnusable(f"{first.isoformat()} has not begun (days are UTC)")
    if first <= today - A_DAY * KEPT_DAYS:
        raise DaysUnusable(
            f"Azure Monitor no longer has all metrics of {first.isoformat()}: it keeps them for {KEPT_DAYS} days"
        )
    totals = {account: read_metrics(account, first, after) for account in accounts.accounts}
    metered = served(ask, first - A_DAY, after)  # calls of the day before may end on the first
    return compare(accounts, totals, metered, missing(ask, first, after), days, now=now)


def last_whole_days(now: datetime, count: int) -> tuple[date, ...]:
    """Return the last days, UTC, that are over at a moment, the earliest first."""
    today = now.astimezone(UTC).date()
    return tuple(today - A_DAY * back for back in range(count, 0, -1))
