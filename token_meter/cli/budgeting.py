"""`token-meter budget`: what each budget's month has cost, what it will cost, and whether that is within the budget."""

import sys
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from token_meter.budgets import DIMENSIONS
from token_meter.cli.asking import answering
from token_meter.cli.moments import moment_of, month_of
from token_meter.cli.output import standard_error, standard_output
from token_meter.cli.querying import Format
from token_meter.harmless_texts import shown
from token_meter.query_result import Result, Value, as_literal
from token_meter.report.amounts import counted, digits_of, money, share
from token_meter.report.month import Dimension
from token_meter.sources import InputUnusable

WORDS = {"over": "over", "at_risk": "at risk", "ok": "ok", "no_budget": "no budget"}


def print_budgets(  # noqa: PLR0913 - one argument an option
    month: str, by: Dimension, as_of: str, output: Format, *, store: str, workspace: str
) -> bool:
    """Print a month's budgets, those that are over first; return whether any is.

    Raises InputUnusable, MonthUnusable, QueryError.
    """
    if by not in DIMENSIONS:
        raise InputUnusable("budgets are of applications and cost centres: --by app or --by cost-centre")
    with answering(store, workspace) as ask:
        answer = ask(question(_moment(month, as_of), by))
    if output is Format.JSON:
        sys.stdout.write(answer.as_json() + "\n")
    elif output is Format.CSV:
        sys.stdout.write(answer.as_csv())
    else:
        standard_output().print(_table(answer, by))
    return _tell(answer)


def question(moment: datetime, by: Dimension) -> str:
    """Return the question, in KQL: the gravest first, then the dearest."""
    return f"""TokenBudget({as_literal(moment)}, '{by.value}')
| extend Order = case(Status == 'over', 0, Status == 'at_risk', 1, Status == 'ok', 2, 3)
| sort by Order asc, SpentNano desc, Key asc
| project-away Order"""


def _moment(month: str, as_of: str) -> datetime:
    """Return before which calls count: the time asked for, else now, and never after the end of the month asked for."""
    moment = moment_of(as_of, "--as-of")
    if not month:
        return moment
    start, end = month_of(month)
    if not as_of:
        moment = min(moment, end)
    if not start < moment <= end:
        raise InputUnusable(f"{moment:%Y-%m-%d %H:%M} UTC is not in {month}: nothing of it can be told")
    return moment.astimezone(UTC)


def _table(answer: Result, by: Dimension) -> Table:
    rows = answer.records()
    currency = next((str(row["Currency"]) for row in rows if row["Currency"]), "")
    table = Table()
    table.add_column(by.noun.capitalize(), overflow="fold")
    for heading in ("Budget", "Spent", "Of budget", "Forecast", "Lacking calls"):
        amount = heading in {"Budget", "Spent", "Forecast"} and currency
        table.add_column(f"{heading} {currency}" if amount else heading, justify="right")
    table.add_column("Status")
    digits = digits_of(currency)
    for row in rows:
        budget, spent = row["BudgetNano"], _number(row["SpentNano"])
        cells = [
            shown(str(row["Name"])) or f"no {by.noun}",
            money(budget, digits) if isinstance(budget, int) else "",
            money(spent, digits),
            share(spent, budget) if isinstance(budget, int) else "",
            money(_number(row["ForecastNano"]), digits),
            f"{_number(row['LackingCalls']):,}",
            WORDS[str(row["Status"])],
        ]
        table.add_row(*map(Text, cells))
    return table


def _tell(answer: Result) -> bool:
    status = [row["Status"] for row in answer.records()]
    over, at_risk = status.count("over"), status.count("at_risk")
    budgets = len(status) - status.count("no_budget")
    standard_error().print(
        f"{counted(budgets, 'budget')}: {over} over, {at_risk} at risk, {budgets - over - at_risk} ok"
    )
    return over > 0


def _number(value: Value) -> int:
    return value if isinstance(value, int) else 0
