"""The timer trigger: sums of the days that have ended, out of Log Analytics and back into it."""

import logging
import os
import time

import azure.functions as func

from token_meter.daily_usage import QUERY_SECONDS, compute_days
from token_meter.log_analytics import workspace_of
from token_meter.pipeline import utc_now
from token_meter.settings import Settings
from token_meter.sinks.logs_ingestion import logs_ingestion_sink

EVERY_HOUR = "0 20 * * * *"
"""At twenty past, away from the full hour. The first run after midnight is then within `GRACE` and skips the day."""

blueprint = func.Blueprint()
log = logging.getLogger("token_meter")


# The host runs a timer on one instance at a time. What a run left undone, or did not do since it failed, is due again.
@blueprint.function_name("daily_usage")
@blueprint.timer_trigger(arg_name="timer", schedule=EVERY_HOUR)
def daily_usage(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the worker hands it over by its name
    """Compute the days that are due, where a workspace is named and the settings do not say otherwise.

    Raises where Log Analytics does not answer or does not take the lines, so that the host counts a failure.
    """
    settings = Settings.read(os.environ)
    if not settings.keeps_days:
        return
    if not settings.workspace_id:
        log.info("no sums of days: LOG_ANALYTICS_WORKSPACE_ID names no workspace to ask")
        return
    ask = workspace_of(settings, QUERY_SECONDS).ask
    computed = compute_days(ask, logs_ingestion_sink(settings), utc_now(), time.monotonic)
    log.info(
        "computed the sums of %d days, left %d to the next run, looked back to %s",
        len(computed.days),
        computed.left,
        computed.looked_from.date(),
    )
