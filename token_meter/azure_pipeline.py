"""The pipeline into Azure that settings describe: the Function's, and the command line's for Log Analytics."""

from token_meter.metrics import metrics_of
from token_meter.options import MeterOptions
from token_meter.pipeline import Pipeline
from token_meter.settings import Settings
from token_meter.sinks.dead_letter_blobs import dead_letters
from token_meter.sinks.logs_ingestion import logs_ingestion_sink


def azure_pipeline(settings: Settings, options: MeterOptions) -> Pipeline:
    """Return the meter with its sinks: Log Analytics, the settings' place for dead letters, the settings' counters."""
    return Pipeline(
        sink=logs_ingestion_sink(settings),
        dead_letters=dead_letters(settings),
        metrics=metrics_of(settings.metrics_options),
        options=options,
    )
