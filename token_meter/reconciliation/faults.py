"""Why nothing was compared; each message is one clear line."""


class ReconciliationFault(Exception):  # noqa: N818 - the family's name
    """Any of those below."""


class AccountsUnusable(ReconciliationFault):
    """Accounts or backends that cannot be meant."""


class DaysUnusable(ReconciliationFault):
    """Days that nothing can be compared on."""


class MetricsUnreadable(ReconciliationFault):
    """Metrics that were not read."""
