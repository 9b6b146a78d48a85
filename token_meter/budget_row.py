"""The budget row: the one definition of table `TokenMeterBudget_CL`.

What a budget's month came to when the Function looked: a row each time. An alert rule reads two days of data at most,
and no month; these rows say the month's state and are as fresh as the look.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from token_meter.columns import column, text
from token_meter.jsontypes import dump_json
from token_meter.names import digest

EVENT_ID_VERSION = "g1"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """What a budget's month has cost and will cost, seen at one time."""

    TABLE: ClassVar[str] = "TokenMeterBudget_CL"

    time_generated: datetime = column("datetime", "Sent equal to `AsOf`; serves to prune.")
    event_id: str = column("string", "Identity of the look: budget and time.")
    as_of: datetime = column("datetime", "Before which calls count.")
    month: datetime = column("datetime", "The month, UTC, by its first moment.")
    dimension: str = text("Whose budget it is: `app` or `cost-centre`.")
    budget_key: str = text("The application's id, or the cost centre.")
    name: str = text("The application's name, or the cost centre.")
    budget_nano: int | None = column("long", "The month's budget in nano-units of the currency.", default=None)
    spent_nano: int | None = column("long", "What the calls cost so far.", default=None)
    forecast_nano: int | None = column("long", "What they will by the month's end.", default=None)
    lacking_calls: int | None = column("long", "Calls of whose cost `SpentNano` lacks all or a part.", default=None)
    status: str = text("`over`, `at_risk` or `ok`.")
    currency: str = text("The price book's currency.")


def budget_event_id(dimension: str, key: str, as_of: datetime) -> str:
    """Return the identity of a look at a budget, the same where it is taken again."""
    return f"{EVENT_ID_VERSION}:{digest(dump_json([dimension, key, as_of.isoformat()]))}"
