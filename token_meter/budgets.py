"""What every budget's month comes to, asked by KQL: `TokenBudget()` is the one place where that is worked out."""

from collections.abc import Iterator
from datetime import datetime

from token_meter.budget_row import BudgetRow, budget_event_id
from token_meter.query_result import Ask, QueryError, Value, as_literal
from token_meter.times import parse_time

DIMENSIONS = ("app", "cost-centre")
"""Whose budgets there are, as `TokenBudget()` takes it."""
HAS_BUDGETS = "TokenApps() | where isnotnull(BudgetNano) | count"


def budget_rows(ask: Ask, as_of: datetime) -> Iterator[BudgetRow]:
    """Yield a row a budget; nothing, and no long question, where there is none. Raises QueryError."""
    if not ask(HAS_BUDGETS).rows[0][0]:
        return
    for dimension in DIMENSIONS:
        question = f"TokenBudget({as_literal(as_of)}, '{dimension}') | where Status != 'no_budget'"
        for answer in ask(question).records():
            yield _row(dimension, answer, as_of)


def _row(dimension: str, answer: dict[str, Value], as_of: datetime) -> BudgetRow:
    month = parse_time(str(answer["Month"]))
    if month is None:
        raise QueryError(f"TokenBudget answers {answer['Month']!r} for a month")
    key = str(answer["Key"])
    return BudgetRow(
        time_generated=as_of,
        event_id=budget_event_id(dimension, key, as_of),
        as_of=as_of,
        month=month,
        dimension=dimension,
        budget_key=key,
        name=str(answer["Name"]),
        budget_nano=_whole(answer, "BudgetNano"),
        spent_nano=_whole(answer, "SpentNano"),
        forecast_nano=_whole(answer, "ForecastNano"),
        lacking_calls=_whole(answer, "LackingCalls"),
        status=str(answer["Status"]),
        currency=str(answer["Currency"] or ""),
    )


def _whole(answer: dict[str, Value], column: str) -> int:
    value = answer[column]
    if isinstance(value, bool) or not isinstance(value, int):
        raise QueryError(f"TokenBudget answers {value!r} for {column}")
    return value
