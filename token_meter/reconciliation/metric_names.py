"""Azure Monitor's metrics of an account, by what they are compared with.

Names, dimensions, aggregation Total and one-minute grain: learn.microsoft.com/azure/azure-monitor/reference/
supported-metrics/microsoft-cognitiveservices-accounts-metrics (of 2026-07-31). `TokenTransaction` is the prompt's and
the completion's tokens; `AzureOpenAIRequests` and `ModelRequests` count calls whatever their status.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from token_meter.codes import Measure

NAMESPACE = "Microsoft.CognitiveServices/accounts"
DIMENSION = "ModelDeploymentName"
KEPT_DAYS = 93
"""Days that platform metrics are kept (learn.microsoft.com/azure/azure-monitor/metrics/data-platform-metrics)."""


@dataclass(frozen=True, slots=True)
class Family:
    """Metrics that count the same calls, one for each measure."""

    metrics: Mapping[Measure, str]
    counts_cached_apart: bool
    """Whether cached tokens may have metrics of their own (`cacheReadInputTokens` and others, of Anthropic)."""

    def measure_of(self, metric: str) -> Measure | None:
        """Return what a metric measures; the service writes names as it likes."""
        return next((measure for measure, name in self.metrics.items() if name.lower() == metric.lower()), None)


AZURE_OPENAI = Family(
    {
        Measure.PROMPT_TOKENS: "ProcessedPromptTokens",
        Measure.COMPLETION_TOKENS: "GeneratedTokens",
        Measure.TOTAL_TOKENS: "TokenTransaction",
        Measure.CALLS: "AzureOpenAIRequests",
    },
    counts_cached_apart=False,
)
MODELS = Family(
    {
        Measure.PROMPT_TOKENS: "InputTokens",
        Measure.COMPLETION_TOKENS: "OutputTokens",
        Measure.TOTAL_TOKENS: "TotalTokens",
        Measure.CALLS: "ModelRequests",
    },
    counts_cached_apart=True,
)
"""Those of Foundry's models in general. A deployment that both families know is read from Azure OpenAI's."""


@dataclass(frozen=True, slots=True)
class MetricTotal:
    """What one metric came to on a day, at a deployment (in lower case)."""

    day: date
    deployment: str
    family: Family
    measure: Measure
    value: int
