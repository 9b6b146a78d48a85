"""The services' own metrics, which the meter is held against each night: whether the identity may read them."""

from collections.abc import Iterator
from datetime import timedelta

from azure.core.credentials import TokenCredential

from token_meter.doctor.check import Check, failed, ok
from token_meter.doctor.cures import TAKES, grant, set_setting
from token_meter.pipeline import utc_now
from token_meter.reconciliation.accounts import account_ids, accounts_of
from token_meter.reconciliation.azure_metrics import azure_metrics
from token_meter.reconciliation.faults import AccountsUnusable, MetricsUnreadable
from token_meter.settings import Settings

NAME = "accounts' metrics"
READER = "Monitoring Reader"


def metrics_checks(settings: Settings, credential: TokenCredential, assignee: str) -> Iterator[Check]:
    """Yield a check an account that is reconciled: yesterday's metrics are read."""
    try:
        accounts = accounts_of(account_ids(settings.reconciled_accounts), settings.reconciled_backends).accounts
    except AccountsUnusable as fault:
        yield failed(NAME, str(fault), f"set it as it says: {set_setting('RECONCILED_ACCOUNTS', 'ID;ID')}")
        return
    metrics = azure_metrics(credential, settings.management_endpoint, accounts[0].subscription)
    today = utc_now().date()
    for account in accounts:
        try:
            totals = metrics.totals(account, today - timedelta(days=1), today)
        except MetricsUnreadable as fault:
            role = grant(READER, assignee, account.resource_id)
            yield failed(f"{NAME}: {account.name}", str(fault), f"grant the role: {role} {TAKES}")
        else:
            yield ok(f"{NAME}: {account.name}", f"can be read; yesterday has {len(totals)} totals")
