"""The timer that keeps what each budget's month comes to, for the alert."""

import logging
import os

import azure.functions as func

from token_meter.budgets import budget_rows
from token_meter.credentials import azure_identity
from token_meter.log_analytics import log_analytics
from token_meter.pipeline import utc_now
from token_meter.settings import Settings, SettingsUnusable
from token_meter.sinks.ingestion_failures import IngestionFailed
from token_meter.sinks.logs_ingestion import logs_ingestion_sink

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
    identity = azure_identity(settings.managed_identity_client_id)
    workspace = log_analytics(identity, settings.workspace_id, settings.query_endpoint)
    rows = list(budget_rows(workspace.ask, utc_now().replace(minute=0, second=0, microsecond=0)))
    refused = logs_ingestion_sink(settings).write(rows)
    if refused:
        raise IngestionFailed(f"Logs Ingestion refuses {len(refused)} of {len(rows)} rows of budgets: a defect")
    log.info("looked at %d budgets, %d are over", len(rows), sum(row.status == "over" for row in rows))
