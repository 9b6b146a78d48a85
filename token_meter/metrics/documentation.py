"""docs/metrics.md, out of the names."""

from token_meter.metrics import names
from token_meter.metrics.counted import LATEST, REQUEST_TOLD_BY, TOKENS_TOLD_BY
from token_meter.metrics.flush import PATIENCE, PAUSE
from token_meter.metrics.options import LONGEST_NAME, MOST_DIMENSIONS

ABOUT = """\
<!-- generated from token_meter/metrics by `make generate`; edit that -->

# Counters

Beside the tables, each batch is counted: for charts and alerts of the minute. **Counters are approximate; the table is
the truth.** A counter cannot be mended and has no time but that of its sending, so it counts what is known of a call
when its answer comes: estimates as they are, prompts only where the answer's record tells them. Halves that join later,
calls metered anew and corrections are in `TokenUsage()` and in no counter. Bill from the table.

They go to Application Insights, or as OTLP over HTTP to any OpenTelemetry receiver (Prometheus, Grafana, a collector):
`METRICS` and the settings after it ([Settings](configuration.md)). Application Insights keeps dimensions only where
custom metrics with dimensions are switched on; the infrastructure does that.
"""
COUNTED = f"""\
## What is counted when

- A call counts once, by the observation that bears its answer: an exchange or a response, never the request alone.
- Where a policy writes several records of an answer, one of them counts for its tokens and one as the request:
  {{told}}.
- A replay counts nothing. Nor does an event that reached its hub over {LATEST.total_seconds() / 60:g} minutes ago, as
  after an outage or when a hub is read from its beginning, or one that the same worker process has counted before.
  Another process may count it again.
- It happens after the rows were accepted. Counters are sent with every batch, which waits {PATIENCE:g} seconds for it
  at most. What goes wrong is logged once a kind and costs the batch nothing; for {PAUSE:g} seconds nothing is sent
  then, and what is counted meanwhile goes out with the next sending.

## Few series

A metrics store charges, and breaks down, by combinations of dimension values. A worker process tells
`METRICS_MOST_SERIES` of them apart; in further ones every value is `{names.OTHER}`, which is logged once. Values end
after {LONGEST_NAME} characters; what is not known is left out. No metric has more than {MOST_DIMENSIONS} dimensions,
which is what Azure Monitor keeps.
"""


def metrics_markdown() -> str:
    """Return docs/metrics.md: every metric and dimension, and what is counted when."""
    usual = ", ".join(f"`{name}`" for name in names.USUAL_DIMENSIONS)
    tokens, requests = (
        ", ".join(f"`{other}` instead of `{shape}`" for shape, other in told_by.items())
        for told_by in (TOKENS_TOLD_BY, REQUEST_TOLD_BY)
    )
    return "\n".join(
        [
            ABOUT,
            f"## Metrics\n\nNamespace `{names.NAMESPACE}` (`METRICS_NAMESPACE`). Counters are sent as differences.\n",
            "| name | unit | counts | dimensions |",
            "| --- | --- | --- | --- |",
            *(f"| `{item.name}` | {item.unit} | {item.meaning} | {_dimensions(item)} |" for item in names.INSTRUMENTS),
            "\n`Metering Lag` is a histogram: its greatest value a minute is what to watch.\n",
            f"## Dimensions\n\nOf tokens and requests, as `METRICS_DIMENSIONS` chooses; without it {usual}.\n",
            "| name | says |",
            "| --- | --- |",
            *(f"| `{item.name}` | {item.meaning} |" for item in names.DIMENSIONS.values()),
            "",
            COUNTED.format(told=f"tokens {tokens}; requests {requests}"),
            _gen_ai(),
        ]
    )


def _dimensions(instrument: names.Instrument) -> str:
    if instrument is names.REJECTED_EVENTS:
        return f"`{names.REASON}`"
    if instrument is names.LAG:
        return f"`{names.HUB}`, `{names.PARTITION}`"
    return "those chosen"


def _gen_ai() -> str:
    attributes = ", ".join(f"`{name}`" for name in names.GEN_AI_ATTRIBUTES)
    return f"""\
## OpenTelemetry's convention

`METRICS_GEN_AI` `on` adds the histogram `{names.GEN_AI_USAGE.name}`: {names.GEN_AI_USAGE.meaning}
Its dimensions are {attributes}, beside those chosen.
The convention is in development and may rename it.
"""
