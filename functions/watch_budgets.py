"""The timer that keeps what each budget's month comes to, for the alert."""

import logging
import os

import azure.functions as func

from token_meter.budgets import budget_rows
from token_meter.log_analytics import workspace_of
from token_meter.pipeline import utc_now
from token_meter.settings import Settings, SettingsUnusable
from token_meter.sinks import keep_all
from token_meter.sinks.logs_ingestion import logs_ingestion_sink

QUERY_SECONDS = 150
"""For each of three questions, which then end before host.json's `functionTimeout`."""

blueprint = func.Blueprint()
log = logging.getLogger("token_meter")


# Away from the full hour. A run looks as of the hour before, so that one that is repeated writes the same rows.
@blueprint.function_name("watch_budgets")
@blueprint.timer_trigger(arg_name="timer", schedule="0 40 */6 * * *", run_on_startup=False, use_monitor=True)
@blueprint.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:05:00")
def watch_budgets(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the worker hands it over by its name
    """Keep what each budget's month comes to; nothing where WATCH_BUDGETS does not ask for it or there is no budget.

    Raises where a setting is of no use, the costs cannot be read, or the rows are not accepted.
    """
    settings = Settings.read(os.environ)
    if not settings.watches_budgets:
        return
    if not settings.workspace_id:
        raise SettingsUnusable("WATCH_BUDGETS needs LOG_ANALYTICS_WORKSPACE_ID, where the costs are")
    ask = workspace_of(settings, QUERY_SECONDS).ask
    rows = list(budget_rows(ask, utc_now().replace(minute=0, second=0, microsecond=0)))
    keep_all(logs_ingestion_sink(settings), rows, "of budgets")
    log.info("looked at %d budgets, %d are over", len(rows), sum(row.status == "over" for row in rows))
