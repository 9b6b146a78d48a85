"""The counters' way: a zero is counted and sent by the exporter that the Function uses."""

import re
from collections.abc import Iterator

from token_meter.doctor.check import Check, failed, ok, skipped
from token_meter.doctor.cures import CONNECTION, INSIGHTS_SCOPE, TAKES, grant
from token_meter.metrics.names import REJECTED_EVENTS
from token_meter.metrics.options import Exporter, MetricsOptions, connection_of

NAME = "counters"
PUBLISHER = "Monitoring Metrics Publisher"
USUAL_INSIGHTS = "https://dc.services.visualstudio.com"
"""Where a connection string without an address sends (Microsoft Learn, "Connection strings")."""
REFUSED = re.compile(r"status 40[13]")


def counters_endpoint(options: MetricsOptions) -> str:
    """Return the address that counters go to; empty where they go nowhere."""
    if options.exporter is Exporter.AZURE_MONITOR:
        return connection_of(options.connection_string).get("ingestionendpoint", "") or USUAL_INSIGHTS
    return options.otlp_endpoint


def counters_checks(options: MetricsOptions, assignee: str) -> Iterator[Check]:
    """Yield the check of the endpoint that counters go to."""
    if options.exporter is Exporter.OFF:
        yield skipped(NAME, "METRICS is off")
        return
    from token_meter.metrics.exporters import open_meter  # noqa: PLC0415 - a third of a second

    meter = open_meter(options)
    meter.add(REJECTED_EVENTS, 0, {})
    told = meter.send()
    if not told:
        yield ok(NAME, f"{options.exporter.value} takes them: a zero was sent")
    elif options.exporter is Exporter.OTLP:
        yield failed(NAME, f"the OTLP receiver says: {told}", "check OTEL_EXPORTER_OTLP_ENDPOINT and _HEADERS")
    elif REFUSED.search(told):
        role = grant(PUBLISHER, assignee, INSIGHTS_SCOPE)
        yield failed(NAME, f"Application Insights says: {told}", f"grant the role: {role} {TAKES}")
    else:
        yield failed(
            NAME,
            f"Application Insights says: {told}",
            f"take the connection string anew: `{CONNECTION}`",
        )
