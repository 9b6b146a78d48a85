"""The nightly timer: the last whole days held against the services' own metrics."""

import logging
import os

import azure.functions as func

from token_meter.credentials import azure_identity
from token_meter.log_analytics import workspace_of
from token_meter.pipeline import utc_now
from token_meter.reconciliation.accounts import account_ids, accounts_of
from token_meter.reconciliation.days import last_whole_days, reconcile
from token_meter.settings import Settings, SettingsUnusable
from token_meter.sinks import keep_all
from token_meter.sinks.logs_ingestion import logs_ingestion_sink

DAYS = 3
"""Compared again each night: what arrives late, or is replayed within two days, mends the comparison."""
QUERY_SECONDS = 90
"""For each of three questions. With the five minutes that reading metrics may take they end before host.json's
`functionTimeout`."""

blueprint = func.Blueprint()
log = logging.getLogger("token_meter")


# At 06:30 UTC yesterday has been over for longer than it may still change (comparison.SETTLING). What fails is tried
# again a few times, and comes again the night after; rows of a repeated run have the same EventIds.
@blueprint.function_name("reconcile")
@blueprint.timer_trigger(arg_name="timer", schedule="0 30 6 * * *", run_on_startup=False, use_monitor=True)
@blueprint.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:05:00")
def reconcile_days(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the worker hands it over by its name
    """Compare the last days and keep the rows; nothing where no accounts are named.

    Raises where a setting is of no use, the meter's totals or the metrics cannot be read, or the rows are not accepted.
    """
    settings = Settings.read(os.environ)
    resource_ids = account_ids(settings.reconciled_accounts)
    if not resource_ids:
        return
    if not settings.workspace_id:
        raise SettingsUnusable("RECONCILED_ACCOUNTS needs LOG_ANALYTICS_WORKSPACE_ID, where the meter's totals are")
    # the trigger's cold start does without Resource Manager's client
    from token_meter.reconciliation.azure_metrics import azure_metrics  # noqa: PLC0415

    now = utc_now()
    accounts = accounts_of(resource_ids, settings.reconciled_backends)
    identity = azure_identity(settings.managed_identity_client_id)
    metrics = azure_metrics(identity, settings.management_endpoint, accounts.accounts[0].subscription)
    ask = workspace_of(settings, QUERY_SECONDS).ask
    rows = reconcile(ask, metrics.totals, accounts, last_whole_days(now, DAYS), now)
    keep_all(logs_ingestion_sink(settings), rows, "of comparisons")
    log.info("compared %d totals of %d days, %d differ", len(rows), DAYS, sum(row.difference != 0 for row in rows))
