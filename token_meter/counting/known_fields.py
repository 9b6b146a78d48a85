"""What a request may hold for its count to be called `counted`: only what is counted, or is known to add nothing.

A field that no rule knows may bring text into the prompt (Azure's `data_sources` does), so it makes the count an
estimate. The number behind a field is how many recorded calls with known usage carry it and confirm that it adds
nothing (docs/accuracy.md); 0 stands for what the vendor's reference describes as a label or a switch of the transport.
"""

from collections.abc import Mapping
from dataclasses import replace

from token_meter.codes import Note, Operation, Source
from token_meter.counting.count import Count
from token_meter.exchange import Exchange
from token_meter.jsontypes import Json, JsonObject, as_list, as_object, as_text

SAMPLING = {
    "model": 4_000,
    "stream": 2_800,
    "temperature": 1_200,
    "n": 600,
    "max_tokens": 350,
    "stream_options": 339,
    "seed": 290,
    "top_p": 135,
    "stop": 158,
    "frequency_penalty": 109,
    "presence_penalty": 109,
    "logit_bias": 35,
    "logprobs": 15,
    "user": 19,
    "top_logprobs": 0,
    "metadata": 0,
    "safety_identifier": 0,
}
"""Fields of every API of OpenAI's that steer how an answer is drawn or sent."""
ADDS_NOTHING: Mapping[Operation, Mapping[str, int]] = {
    Operation.CHAT: {
        **SAMPLING,
        "parallel_tool_calls": 138,
        "max_completion_tokens": 83,
        "reasoning_effort": 33,
        "service_tier": 10,
        "prompt_cache_key": 4,
        "store": 2,
    },
    Operation.COMPLETIONS: SAMPLING,
    Operation.EMBEDDINGS: {"model": 140, "encoding_format": 116, "dimensions": 7, "user": 3, "temperature": 2},
    Operation.RESPONSES: {
        **SAMPLING,
        "store": 289,
        "include": 246,
        "max_output_tokens": 254,
        "service_tier": 183,
        "reasoning": 54,
        "prompt_cache_key": 3,
        "background": 2,
    },
}
COUNTED: Mapping[Operation, frozenset[str]] = {
    Operation.CHAT: frozenset({"messages", "tools", "functions", "tool_choice", "function_call", "response_format"}),
    Operation.COMPLETIONS: frozenset({"prompt", "best_of"}),
    Operation.EMBEDDINGS: frozenset({"input"}),
    Operation.RESPONSES: frozenset({"input", "instructions", "tools", "tool_choice", "text"}),
}
"""Fields that the rules read."""
HARMLESS_VALUES: Mapping[str, tuple[Json, ...]] = {"truncation": ("disabled",), "modalities": (["text"],)}
"""Fields that add nothing where they say what is so without them."""
OF_MESSAGES = frozenset(
    {"role", "content", "name", "tool_calls", "tool_call_id", "function_call", "refusal", "annotations", "audio"}
)
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
OF_ITEMS = frozenset({"type", "role", "content", "id", "status", "call_id", "name", "arguments", "output"})
OF_PARTS = frozenset(
    {"type", "text", "refusal", "image_url", "input_audio", "file", "detail", "annotations", "logprobs"}
)
"""Parts of any other type are media, which say for themselves whether they could be counted."""
IGNORED_IN_PARTS = frozenset({"additional_properties"})
"""42 recorded calls carry it: a client's own leftover, which the service drops."""


def doubted(count: Count, exchange: Exchange) -> Count:
    """Return a count, as an estimate where the request holds anything that no rule knows."""
    if count.source is not Source.COUNTED or not has_unknown_fields(exchange.operation, exchange.request or {}):
        return count
    return replace(count, source=Source.ESTIMATED, notes=(*count.notes, Note.UNKNOWN_FIELD))


def has_unknown_fields(operation: Operation, request: JsonObject) -> bool:
    """Tell whether a request holds anything that no rule knows."""
    nothing, counted = ADDS_NOTHING.get(operation, {}), COUNTED.get(operation, frozenset())
    strange = any(
        name not in nothing and name not in counted and value not in (None, False, [], {}, "")
        and value not in HARMLESS_VALUES.get(name, ())
        for name, value in request.items()
    )  # fmt: skip
    if operation is Operation.CHAT:
        return strange or any(_is_strange_message(item) for item in as_list(request.get("messages")))
    if operation is Operation.RESPONSES:
        unknown_text = bool(as_object(request.get("text")).keys() - {"format"})
        return strange or unknown_text or any(_is_strange_item(item) for item in as_list(request.get("input")))
    return strange


def _is_strange_message(message: Json) -> bool:
    if not isinstance(message, dict) or as_text(message.get("role")) not in ROLES:
        return True
    return _has_more(message, OF_MESSAGES) or _is_strange_content(message.get("content"))


def _is_strange_item(item: Json) -> bool:
    if not isinstance(item, dict):
        return True
    content = item.get("output") if item.get("type") == "function_call_output" else item.get("content")
    return _has_more(item, OF_ITEMS) or _is_strange_content(content)


def _is_strange_content(content: Json) -> bool:
    """Tell a content that is neither a text nor parts, or has parts with more than the rules read."""
    if content is None or isinstance(content, str):
        return False
    if not isinstance(content, list):
        return True
    return any(not isinstance(part, dict) or _has_more(part, OF_PARTS | IGNORED_IN_PARTS) for part in content)


def _has_more(fields: JsonObject, known: frozenset[str]) -> bool:
    return any(name not in known and value not in (None, False, [], {}, "") for name, value in fields.items())
