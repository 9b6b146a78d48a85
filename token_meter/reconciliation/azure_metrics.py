"""Azure Monitor's metrics of an account: each day's totals by deployment, read through Resource Manager.

Resource Manager asks for Monitoring Reader on the account alone; the batch endpoint of the metrics' data plane would
ask for it on the whole subscription (docs/adr/0004-metrics-through-resource-manager.md).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.monitor import MonitorManagementClient
from azure.mgmt.monitor.models import Metric, Response, TimeSeriesElement

from token_meter.azure_faults import first_line, meaning
from token_meter.codes import Measure
from token_meter.reconciliation.accounts import Account
from token_meter.reconciliation.faults import MetricsUnreadable
from token_meter.reconciliation.metric_names import AZURE_OPENAI, DIMENSION, MODELS, NAMESPACE, Family, MetricTotal

MOST_SERIES = 10_000
"""Deployments of an account at most; the service gives 10 series where it is not told (`top`, Metrics - List)."""
LONGEST_WHOLE = 2**53
"""The service gives doubles; up to this one every whole number is one."""
NOT_THERE = "Failed to find metric configuration"
"""How the service says that it has no such metric, as clouds that are behind may not have the newest ones."""
CONNECTION_TIMEOUT, READ_TIMEOUT = 10, 60
LONGEST_PAUSE = 30.0
LONGEST_READ = 300.0
"""Seconds. The last is for all requests of a run; the Function has ten minutes (host.json)."""
MIDNIGHT = datetime.min.time()
CURES: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the identity's token is not taken; is it of the account's tenant?",
    HTTPStatus.FORBIDDEN: "the identity needs the role Monitoring Reader on the account",
    HTTPStatus.NOT_FOUND: "there is no such account",
    HTTPStatus.TOO_MANY_REQUESTS: "Resource Manager is at its limit for the identity; try later",
}


class BoundedRetries(RetryPolicy[HttpRequest, HttpResponse]):
    """The SDK's retries, which sleep as long as they are asked to, but for one that would outlast the Function."""

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        """Tell whether to try again after an answer."""
        asked = self.get_retry_after(response) or 0.0
        return asked <= LONGEST_PAUSE and super().is_retry(settings, response)


@dataclass(frozen=True, slots=True)
class AzureMetrics:
    """What reads metrics: the SDK's client, and until when on a clock in seconds it may go on."""

    client: MonitorManagementClient
    deadline: float
    clock: Callable[[], float] = time.monotonic

    def totals(self, account: Account, first: date, after: date) -> list[MetricTotal]:
        """Return what an account's metrics came to on the days from `first` on and before `after`.

        Raises MetricsUnreadable where any of them cannot be read.
        """
        found = list(_totals(self._read(account, AZURE_OPENAI, first, after), AZURE_OPENAI, first, after))
        try:
            answer = self._read(account, MODELS, first, after)
        except MetricsUnreadable as fault:
            if NOT_THERE not in str(fault):
                raise
            return found
        return found + list(_totals(answer, MODELS, first, after))

    def _read(self, account: Account, family: Family, first: date, after: date) -> Response:
        left = self.deadline - self.clock()
        if left <= 0:
            raise MetricsUnreadable(f"metrics of {account.name}: the time for reading metrics was over")
        try:
            return self.client.metrics.list(
                account.resource_id.removeprefix("/"),
                timespan=f"{_moment(first)}/{_moment(after)}",
                interval="P1D",
                metricnames=",".join(family.metrics.values()),
                aggregation="Total",
                top=MOST_SERIES,
                filter=f"{DIMENSION} eq '*'",
                metricnamespace=NAMESPACE,
                timeout=left,
            )
        except AzureError as fault:
            raise MetricsUnreadable(f"metrics of {account.name}: {meaning(fault, CURES)}") from fault


def azure_metrics(credential: TokenCredential, endpoint: str, subscription: str) -> AzureMetrics:
    """Return what reads metrics from Resource Manager at an endpoint, another one in other clouds than the public."""
    client = MonitorManagementClient(
        credential,
        subscription,
        base_url=endpoint.rstrip("/"),
        credential_scopes=[f"{endpoint.rstrip('/')}/.default"],
        retry_policy=BoundedRetries(),
        connection_timeout=CONNECTION_TIMEOUT,
        read_timeout=READ_TIMEOUT,
    )
    return AzureMetrics(client, time.monotonic() + LONGEST_READ)


def _moment(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _totals(answer: Response, family: Family, first: date, after: date) -> Iterator[MetricTotal]:
    for metric in answer.value or ():
        name = str(metric.name.value)
        measure = family.measure_of(name)
        if measure is None:
            raise MetricsUnreadable(f"the service answers with a metric that it was not asked for: {name[:64]}")
        if (metric.error_code or "Success") != "Success":
            raise MetricsUnreadable(first_line(f"metric {name}: {metric.error_code} {metric.error_message or ''}"))
        yield from _totals_of(metric, family, measure, first, after)


def _totals_of(metric: Metric, family: Family, measure: Measure, first: date, after: date) -> Iterator[MetricTotal]:
    for series in metric.timeseries or ():
        deployment = _deployment_of(series)
        for point in series.data or ():
            if point.total is None:
                continue  # nothing was measured then
            moment = _utc(point.time_stamp)
            if moment.time() != MIDNIGHT or not first <= moment.date() < after:
                raise MetricsUnreadable(f"a total is given for {moment.isoformat()}, which begins no day asked for")
            yield MetricTotal(moment.date(), deployment, family, measure, _whole(point.total))


def _deployment_of(series: TimeSeriesElement) -> str:
    values = {str(item.name.value).lower(): item.value for item in series.metadatavalues or () if item.name}
    if DIMENSION.lower() not in values:
        raise MetricsUnreadable(f"the service gives a series without its {DIMENSION}")
    return str(values[DIMENSION.lower()] or "").lower()


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _whole(total: float) -> int:
    if not 0 <= total <= LONGEST_WHOLE or total != int(total):
        raise MetricsUnreadable(f"a total of {total} is no whole number that a double holds exactly")
    return int(total)
