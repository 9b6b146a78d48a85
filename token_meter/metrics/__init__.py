"""Counters beside the tables, through OpenTelemetry: for charts and alerts of the minute, not for bills."""

from token_meter.metrics.counters import BatchCounters, Channel
from token_meter.metrics.options import Exporter, MetricsOptions
from token_meter.pipeline import NO_METRICS, Metrics


def metrics_of(options: MetricsOptions) -> Metrics:
    """Return the counters that an installation chose. Their libraries are loaded with the first batch, if at all."""
    if options.exporter is Exporter.OFF:
        return NO_METRICS

    def open_channel() -> Channel:
        from token_meter.metrics.exporters import open_meter  # noqa: PLC0415 - a third of a second

        return open_meter(options)

    return BatchCounters(options, open_channel)
