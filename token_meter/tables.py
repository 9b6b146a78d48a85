"""The tables that the meter writes."""

from typing import TypeAlias

from token_meter.batch_row import BatchRow
from token_meter.budget_row import BudgetRow
from token_meter.daily_row import DailyRow
from token_meter.reconciliation_row import ReconciliationRow
from token_meter.rejected_row import RejectedRow
from token_meter.row import UsageRow

Row: TypeAlias = UsageRow | RejectedRow | BatchRow | DailyRow | ReconciliationRow | BudgetRow
TABLES: tuple[type[Row], ...] = (UsageRow, RejectedRow, BatchRow, DailyRow, ReconciliationRow, BudgetRow)
"""The row types; each knows its table's name and columns."""
