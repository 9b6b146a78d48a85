"""Whether the service charges a call, and how its answer ended."""

from token_meter.codes import Charged, Kind
from token_meter.exchange import Exchange
from token_meter.jsontypes import Json, JsonObject, as_list, as_object, as_text
from token_meter.usage import Usage

CONTENT_FILTER = "content_filter"
BAD_REQUEST = 400
OUTPUT_FIELDS = ("choices", "output", "content", "data")
"""Where the APIs put what the model made; any of it there means that the model ran."""


def charged_of(exchange: Exchange, usage: Usage) -> Charged:
    """Return whether the service charges the call.

    It does for an answer of the 2xx range, for a prompt that its content filter refused with a 400 (Azure OpenAI,
    "Content streaming": the evaluation is charged), and wherever it reported usage or output before something ended
    the call. Other statuses are not charged. Without a status nothing is known.
    """
    if usage.reported or is_filtered_prompt(exchange) or has_output(exchange.response):
        return Charged.YES
    if exchange.kind is Kind.REQUEST or exchange.status is None:
        return Charged.UNKNOWN
    return Charged.YES if 200 <= exchange.status < 300 else Charged.NO  # noqa: PLR2004 - HTTP's successes


def is_filtered_prompt(exchange: Exchange) -> bool:
    """Tell a 400 of the service's content filter: the prompt was evaluated, and nothing was generated."""
    error = as_object(as_object(exchange.response).get("error"))
    return exchange.status == BAD_REQUEST and as_text(error.get("code")) == CONTENT_FILTER


def has_output(response: JsonObject | None) -> bool:
    """Tell whether an answer holds anything that a model made."""
    return response is not None and any(as_list(response.get(name)) for name in OUTPUT_FIELDS)


def finish_reason_of(exchange: Exchange) -> str:
    """Return why the answer ended, in the service's own word; several choices' different words joined by a comma."""
    response = as_object(exchange.response)
    if is_filtered_prompt(exchange):
        return CONTENT_FILTER
    reasons = {as_text(as_object(choice).get("finish_reason")) for choice in as_list(response.get("choices"))}
    if reasons - {""}:
        return ",".join(sorted(reasons - {""}))
    incomplete: Json = as_object(response.get("incomplete_details")).get("reason")
    if response.get("object") == "response":
        return as_text(incomplete) or as_text(response.get("status"))
    return as_text(response.get("stop_reason"))
