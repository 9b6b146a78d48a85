"""Each shipped function and query, and what answers it a second time."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from tests.independent import callers, details, ledger, spending, tables, trust
from tests.independent.functions import HOUR, daily, ptu
from tests.independent.month import Month, between

Row = dict[str, Any]
Bound = datetime | None

QUERIES: dict[str, Callable[..., list[Row]]] = {
    answer.__name__: answer
    for answer in (
        spending.month_to_date,
        spending.trend,
        spending.top_callers,
        spending.forecast,
        spending.anomalies,
        details.cached_and_reasoning_share,
        details.throttled_and_failed,
        details.content_filter_charges,
        details.ptu_utilisation,
        details.estimated_share_by_app,
        details.unpriced_usage,
        callers.chargeback,
        callers.tokens_by_app_and_deployment_by_day,
        callers.errors_and_throttling,
        callers.estimated_and_unknown_share,
        callers.latency_and_speed,
        callers.silent_callers,
        callers.new_apps,
        trust.health,
        trust.events_never_metered,
        trust.rows_never_stored,
        trust.lag_by_partition,
        trust.rejected_records,
    )
}
"""By the query's name; each takes a month, the period's bounds, and what else the query can be told."""


def token_cost_by(month: Month, start: Bound, end: Bound, dimension: str = "CostCentre") -> list[Row]:
    """Return what each call costs, and its value of a dimension."""
    return [
        row | {"Key": row[dimension], "Name": row["AppName"] if dimension == "AppId" else row[dimension]}
        for row in between(month.costs, start, end)
    ]


def token_ptu(month: Month, start: Bound, end: Bound) -> list[Row]:
    """Return the hours of provisioned capacity."""
    since, until = details.whole_hours(start, end)
    costs = between(month.costs, since, until)
    return ptu(costs, month.book, month.hour_nano, since, until - HOUR if until else None)


FUNCTIONS: dict[str, Callable[..., Sequence[Row]]] = {
    "TokenUsage": lambda month, start, end: between(month.calls, start, end),
    "TokenCost": lambda month, start, end: between(month.costs, start, end),
    "TokenCostBy": token_cost_by,
    "TokenDaily": lambda month, start, end: daily(between(month.costs, start, end)),
    "TokenPtu": token_ptu,
    "TokenServed": lambda month, start, end: trust.served(between(month.calls, start, end)),
    "TokenHealth": trust.health,
    "TokenBatches": lambda month, start, end: between(month.batches, start, end, "BatchTime"),
    "TokenRejected": lambda month, start, end: between(month.rejects, start, end, "RejectedTime"),
    "TokenGaps": trust.events_never_metered,
    "TokenUnstored": trust.rows_never_stored,
    "CountingAccuracy": lambda month, start, end: ledger.accuracy(between(month.observations, start, end)),
    "TokenPrices": lambda month, _start, _end: tables.prices(month.book),
    "TokenApps": lambda month, _start, _end: tables.apps(month.book),
    "TokenDeployments": lambda month, _start, _end: tables.deployments(month.book),
}
"""By the function's name; the order of the rows says nothing."""


def differences(
    expected: Sequence[Row], answer: Sequence[Row], ignored: Sequence[str] = (), most: int = 5
) -> list[str]:
    """Return what an answer has else than was expected, cell by cell and in order; the first few."""
    if len(expected) != len(answer):
        return [f"{len(answer)} rows, {len(expected)} expected"]
    found: list[str] = []
    for number, (wanted, got) in enumerate(zip(expected, answer, strict=True)):
        if set(wanted) != set(got) - set(ignored):
            return [f"other columns: {sorted(set(wanted) ^ (set(got) - set(ignored)))}"]
        found += [
            f"row {number} {name}: {got[name]!r}, {wanted[name]!r} expected"
            for name in wanted
            if wanted[name] != got[name]
        ]
        if len(found) >= most:
            break
    return found[:most]


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Return rows in an order of their own, for answers that have none."""
    return sorted(rows, key=lambda row: [str(row[name]) for name in sorted(row) if not isinstance(row[name], float)])
