"""In which tier the service processed a call, and whether provisioned capacity was full: what its price depends on."""

from token_meter.exchange import Exchange
from token_meter.jsontypes import as_object, as_text
from token_meter.record import Record

BATCH = "batch"
STANDARD = "standard"
NAMES_OF_STANDARD = frozenset({"", "auto", "default", "scale", STANDARD})
"""What the services call their standard tier; `scale` is capacity bought from OpenAI, not a price of a call."""
TIER_HEADER = "azureai-processed-tier"
SPILLED_HEADER = "x-ms-is-spilled-over"
SPILLED_WORDS = {"true": True, "false": False}


def service_tier_of(record: Record, exchange: Exchange) -> str:
    """Return the tier that processed a call, in lower case: `standard`, `priority`, `batch`, …; '' where nothing tells.

    A line of a batch file was processed in a batch. Azure's header speaks before the answer's `service_tier` (OpenAI's
    beside the usage, Anthropic's inside it). Both are what was processed, never what was asked for.
    """
    if record.shape.startswith(BATCH):
        return BATCH
    answer = as_object(exchange.response)
    named = (
        record.response_headers.get(TIER_HEADER, "")
        or as_text(answer.get("service_tier"))
        or as_text(as_object(answer.get("usage")).get("service_tier"))
    )
    tier = named.strip().lower()
    return STANDARD if tier and tier in NAMES_OF_STANDARD else tier


def is_spilled_over(record: Record) -> bool | None:
    """Return whether a standard deployment stood in for a full provisioned one; None where the header is missing."""
    return SPILLED_WORDS.get(record.response_headers.get(SPILLED_HEADER, "").strip().lower())
