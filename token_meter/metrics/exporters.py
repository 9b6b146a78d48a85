"""How counters leave the process: OpenTelemetry's SDK, and the exporter that the settings choose.

The libraries take a third of a second to load, so each is loaded where it is used.
"""

import logging
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
)
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from token_meter.credentials import azure_identity
from token_meter.metrics.names import GEN_AI_USAGE, INSTRUMENTS, SERVICE, Instrument
from token_meter.metrics.options import Exporter, MetricsOptions, connection_of, is_without_tls
from token_meter.version import VERSION

TIMEOUT = 4
"""Seconds for a request; less than a batch waits, so that a dead endpoint is told as what it is."""
AZURE_SWITCHES = {
    "APPLICATIONINSIGHTS_METRIC_NAMESPACE_OPT_IN": "true",  # without it no namespace goes out
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",  # no telemetry about the exporter itself
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",  # nor into the customer's; ending it after a 400 takes 30 s
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",  # nor its polling for what it should do
}
"""Of the Azure exporter, which takes them from nowhere but the environment. Whoever set one has the last word."""
THEIR_LOGS = ("azure.monitor.opentelemetry.exporter", "opentelemetry.exporter.otlp", "opentelemetry.sdk.metrics")
"""They log every failure anew, and the Azure exporter with what was to be sent; ours are logged once a kind."""


@dataclass(slots=True)
class Answer:
    """What the endpoint said last."""

    status: int | None = None

    @property
    def told(self) -> str:
        """The answer in a few words."""
        return "no answer" if self.status is None else f"status {self.status}"


class OpenMeter:
    """OpenTelemetry's instruments that count, and how what they counted is sent."""

    def __init__(self, meter: Meter, reader: InMemoryMetricReader, exporter: MetricExporter, answer: Answer) -> None:
        """Take the meter, what reads it, what sends what was read, and where the answer is noted."""
        self._reader = reader
        self._exporter = exporter
        self._answer = answer
        self._counters = {
            item: meter.create_counter(item.key, item.unit, item.meaning) for item in INSTRUMENTS if not item.bounds
        }
        self._histograms = {
            item: meter.create_histogram(item.key, item.unit, item.meaning)
            for item in (*INSTRUMENTS, GEN_AI_USAGE)
            if item.bounds
        }

    def add(self, instrument: Instrument, amount: float, dimensions: Mapping[str, str]) -> None:
        """Count an amount under dimensions."""
        if instrument in self._counters:
            self._counters[instrument].add(amount, dimensions)
        else:
            self._histograms[instrument].record(amount, dimensions)

    def send(self) -> str:
        """Send what was counted since the last time; return what went wrong, or nothing."""
        counted = self._reader.get_metrics_data()
        if counted is None:
            return ""
        self._answer.status = None
        result = self._exporter.export(counted, timeout_millis=TIMEOUT * 1000)
        return "" if result is MetricExportResult.SUCCESS else self._answer.told


def open_meter(options: MetricsOptions) -> OpenMeter:
    """Return what counts and sends, as an installation chose. Raises what the exporters' libraries raise."""
    for name in THEIR_LOGS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    make = {Exporter.AZURE_MONITOR: _azure_monitor, Exporter.OTLP: _otlp}[options.exporter]
    answer = Answer()
    temporality = AggregationTemporality.CUMULATIVE if options.cumulative else AggregationTemporality.DELTA
    reader = InMemoryMetricReader(preferred_temporality={Counter: temporality, Histogram: temporality})
    provider = MeterProvider(
        metric_readers=[reader],
        resource=_resource(options),
        views=[_view(instrument) for instrument in (*INSTRUMENTS, GEN_AI_USAGE)],
        shutdown_on_exit=False,
    )
    return OpenMeter(provider.get_meter(options.namespace, VERSION), reader, make(options, answer), answer)


def _resource(options: MetricsOptions) -> Resource:
    """Return who sends. Processes must be told apart where sums go on growing; elsewhere it would only make series."""
    who = {"service.name": SERVICE, "service.version": VERSION}
    return Resource(who | {"service.instance.id": str(uuid.uuid4())} if options.cumulative else who)


def _view(instrument: Instrument) -> View:
    """Return what gives an instrument its name, which may have spaces there only, and its buckets."""
    aggregation = ExplicitBucketHistogramAggregation(instrument.bounds) if instrument.bounds else None
    return View(instrument_name=instrument.key, name=instrument.name, aggregation=aggregation)


def _azure_monitor(options: MetricsOptions, answer: Answer) -> MetricExporter:
    for name, value in AZURE_SWITCHES.items():
        os.environ.setdefault(name, value)
    from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter  # noqa: PLC0415

    def note(response: Any) -> None:
        answer.status = response.http_response.status_code

    endpoint = connection_of(options.connection_string).get("ingestionendpoint", "")
    exporter: MetricExporter = AzureMonitorMetricExporter(
        connection_string=options.connection_string,
        # a peer on this machine, the only one without TLS that settings take, is sent no token
        credential=None if is_without_tls(endpoint) else azure_identity(options.identity_client_id),
        disable_offline_storage=True,
        retry_total=0,  # the SDK would sleep for minutes
        timeout=TIMEOUT,
        read_timeout=TIMEOUT,
        raw_response_hook=note,
    )
    return exporter


def _otlp(options: MetricsOptions, answer: Answer) -> MetricExporter:
    import requests  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415

    def note(response: requests.Response, **_: object) -> None:
        answer.status = response.status_code

    session = requests.Session()
    session.hooks["response"].append(note)
    return OTLPMetricExporter(endpoint=f"{options.otlp_endpoint}/v1/metrics", timeout=TIMEOUT, session=session)
