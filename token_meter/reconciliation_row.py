"""The reconciliation row: the one definition of table `TokenMeterReconciliation_CL`.

A day's total of a deployment as the meter has it beside what the service's own metrics say, with what may explain the
difference. A day is compared several times; every comparison is a row, and `TokenReconciliation()` keeps the newest.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from token_meter.codes import Attribution, DriftReason, Measure, Reconciled
from token_meter.columns import column, text
from token_meter.jsontypes import dump_json
from token_meter.names import digest

EVENT_ID_VERSION = "m1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationRow:
    """One comparison of a day's total of a deployment with the service's own metric."""

    TABLE: ClassVar[str] = "TokenMeterReconciliation_CL"

    time_generated: datetime = column("datetime", "Sent equal to `ReconciledTime`; serves to prune.")
    event_id: str = column("string", "Identity of what is compared: day, account, deployment and measure.")
    reconciled_time: datetime = column("datetime", "When it was compared; the same for all rows of one run.")
    day: datetime = column("datetime", "The day, UTC, by its first moment.")
    account_id: str = text("The account's resource id, in lower case; empty where calls could be any account's.")
    account: str = text("The account's name.")
    deployment: str = text("The deployment, in lower case: neither side tells capitals apart.")
    measure: Measure = column("string", "What is compared.")
    metric: str = text("Azure Monitor's metric that was read.")
    status: Reconciled = column("string", "How the two numbers stand to each other.")
    service_value: int | None = column("long", "The metric's total; null where it has none.", default=None)
    metered_value: int | None = column("long", "The meter's; null where it has no call.", default=None)
    difference: int | None = column("long", "The service's less the meter's; a missing one counts as 0.", default=None)
    not_reported_value: int | None = column(
        "long", "How much of the meter's was counted or estimated, and not reported by the service.", default=None
    )
    attribution: Attribution = column("string", "By what the account of the calls is known.", default=Attribution.NONE)
    reasons: tuple[DriftReason, ...] | None = column("dynamic", "What may explain the difference.", default=None)
    unknown_calls: int | None = column("long", "Charged calls that lack this number.", default=None)
    missing_events: int | None = column(
        "long", "Events that were never metered and may be of that day, of all hubs.", default=None
    )
    unstored_rows: int | None = column("long", "Rows of that day that were accepted and never stored.", default=None)
    rejected_records: int | None = column("long", "Records of that day that are rejected to this hour.", default=None)
    meter_version: str = text("The version of the meter that compared.")


def reconciliation_event_id(day: date, account_id: str, deployment: str, measure: Measure) -> str:
    """Return what is compared, the same whenever it is compared again."""
    content = dump_json([day.isoformat(), account_id, deployment, measure.value])
    return f"{EVENT_ID_VERSION}:{digest(content)}"
