"""Every name that a counter goes out under, and nothing else: instruments, dimensions, the GenAI convention's.

Token counters are called as API Management's own policy `azure-openai-emit-token-metric` calls them, so that whoever
knows those charts can read these. docs/metrics.md is generated from here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from token_meter.codes import Operation
from token_meter.row import UsageRow

NAMESPACE: Final = "openai-metrics"
OTHER: Final = "other"
"""Stands for every value of a combination of dimensions beyond the cap."""
SERVICE: Final = "apim-token-meter"


@dataclass(frozen=True, slots=True)
class Instrument:
    """A counter, or a histogram where it has bounds."""

    name: str
    """What it is called on the wire."""
    unit: str
    """In UCUM, as OpenTelemetry asks for."""
    meaning: str
    bounds: tuple[float, ...] = ()
    """Of a histogram's buckets; Azure Monitor keeps sum, count, least and greatest."""

    @property
    def key(self) -> str:
        """Its name within OpenTelemetry, which allows no spaces there."""
        return self.name.lower().replace(" ", "_")


PROMPT_TOKENS = Instrument("Prompt Tokens", "{token}", "Tokens of prompts, cached ones among them.")
COMPLETION_TOKENS = Instrument("Completion Tokens", "{token}", "Tokens of completions, reasoning among them.")
TOTAL_TOKENS = Instrument("Total Tokens", "{token}", "Prompt and completion together.")
REQUESTS = Instrument("Requests", "{request}", "Calls that were answered, whatever the answer.")
THROTTLED_REQUESTS = Instrument("Throttled Requests", "{request}", "Of those, the ones answered with 429.")
REJECTED_EVENTS = Instrument("Rejected Events", "{event}", "Records that went to the dead letters.")
LAG = Instrument(
    "Metering Lag",
    "s",
    "How long before the end of its batch the last event had reached its hub.",
    (1, 5, 10, 30, 60, 120, 300, 900, 3_600, 21_600, 86_400),
)
INSTRUMENTS = (
    PROMPT_TOKENS,
    COMPLETION_TOKENS,
    TOTAL_TOKENS,
    REQUESTS,
    THROTTLED_REQUESTS,
    REJECTED_EVENTS,
    LAG,
)


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension of the token and request counters: its name, what it says, how it is read out of a row."""

    name: str
    meaning: str
    read: Callable[[UsageRow], str]


DIMENSIONS: Mapping[str, Dimension] = {
    item.name: item
    for item in (
        Dimension("appId", "The calling application.", lambda row: row.app_id),
        Dimension(
            "model", "The model that ran, else the one that was asked for.",
            lambda row: row.served_model or row.requested_model,
        ),
        Dimension("deployment", "The deployment that was called.", lambda row: row.deployment),
        Dimension("backend", "The backend that served the call.", lambda row: row.backend),
        Dimension("region", "The region that served the call.", lambda row: row.region),
        Dimension("client_ip", "The caller's address, as `CLIENT_IP` leaves it: many.", lambda row: row.client_ip),
        Dimension("operation", "`chat`, `embeddings`, `responses` and others.", lambda row: row.operation_name),
        Dimension("product", "APIM's id of the product.", lambda row: row.product),
        Dimension("subscription", "APIM's id of the subscription.", lambda row: row.apim_subscription),
        Dimension(
            "source", "Where the total comes from: `reported`, `counted`, `estimated`, `unknown`.",
            lambda row: str(row.total_source),
        ),
    )
}  # fmt: skip
USUAL_DIMENSIONS = ("appId", "model", "deployment", "backend", "region")
REASON: Final = "reason"
HUB: Final = "hub"
PARTITION: Final = "partition"

GEN_AI_USAGE = Instrument(
    "gen_ai.client.token.usage",
    "{token}",
    "Tokens of a call, by `gen_ai.token.type`: `input` or `output`.",
    tuple(4.0**power for power in range(14)),
)
"""OpenTelemetry's convention for generative AI (open-telemetry/semantic-conventions-genai, status Development)."""
GEN_AI_OPERATION: Final = "gen_ai.operation.name"
GEN_AI_PROVIDER: Final = "gen_ai.provider.name"
GEN_AI_TYPE: Final = "gen_ai.token.type"
GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
GEN_AI_RESPONSE_MODEL: Final = "gen_ai.response.model"
GEN_AI_INPUT: Final = "input"
GEN_AI_OUTPUT: Final = "output"
GEN_AI_ATTRIBUTES = (GEN_AI_OPERATION, GEN_AI_PROVIDER, GEN_AI_TYPE, GEN_AI_REQUEST_MODEL, GEN_AI_RESPONSE_MODEL)
GEN_AI_OPERATIONS: Mapping[str, str] = {
    Operation.COMPLETIONS.value: "text_completion",
    Operation.RESPONSES.value: "chat",
    Operation.MESSAGES.value: "chat",
}
"""What the convention calls our operations, where it does so otherwise."""


def gen_ai_attributes(row: UsageRow) -> dict[str, str]:
    """Return the convention's attributes of a call, less the type of token; absent ones are empty."""
    return {
        GEN_AI_OPERATION: GEN_AI_OPERATIONS.get(row.operation_name, row.operation_name),
        GEN_AI_PROVIDER: "anthropic" if row.operation_name == Operation.MESSAGES.value else "azure.ai.openai",
        GEN_AI_REQUEST_MODEL: row.requested_model or row.deployment,
        GEN_AI_RESPONSE_MODEL: row.served_model,
    }
