"""What a call may hold for its numbers to be called `counted`, by list: what no rule knows makes them estimates.

A field that no rule knows may bring text into the prompt (Azure's `data_sources` does) or be charged beside the answer
(rejected predictions are). Beside each name stands why it is known: how many recorded calls with known usage say
something in it and were counted exactly (docs/accuracy.md), or, where none does, what it is.
"""

from collections.abc import Mapping

from token_meter.codes import Operation
from token_meter.jsontypes import Json

Known = Mapping[str, int | str]

SAMPLING: Known = {
    "model": 3_668,
    "stream": 536,
    "stream_options": 339,
    "temperature": 688,
    "n": 603,
    "max_tokens": 350,
    "seed": 281,
    "stop": 132,
    "top_p": 136,
    "user": 22,
    "frequency_penalty": 9,
    "presence_penalty": 9,
    "logit_bias": "weights of the tokens that may be drawn",
    "logprobs": "whether the answer lists its tokens",
    "top_logprobs": "how many others it lists beside each",
    "metadata": "labels that the service stores",
    "safety_identifier": "a label of the caller's user",
    "prompt_cache_key": 7,
    "prompt_cache_retention": "how long the cache keeps the prompt",
    "service_tier": 193,
    "store": 4,
    "parallel_tool_calls": 5,
}
"""Fields of every API of OpenAI's that steer how an answer is drawn, sent or stored."""
REQUESTS: Mapping[Operation, Known] = {
    Operation.CHAT: {
        **SAMPLING,
        "messages": 2_761,
        "tools": 1_511,
        "tool_choice": 608,
        "functions": 29,
        "function_call": 25,
        "response_format": 247,
        "max_completion_tokens": 83,
        "reasoning_effort": 33,
    },
    Operation.COMPLETIONS: {**SAMPLING, "prompt": 66, "best_of": "drafts: of the answer they are a lower bound"},
    Operation.EMBEDDINGS: {"model": 140, "input": 145, "encoding_format": 113, "dimensions": 7, "user": 3},
    Operation.RESPONSES: {
        **SAMPLING,
        "input": 845,
        "instructions": 113,
        "tools": 359,
        "tool_choice": 45,
        "text": 86,
        "include": 169,
        "max_output_tokens": 254,
        "reasoning": 54,
        "background": 2,
        "max_tool_calls": "a bound on calls of tools that the service runs",
    },
}
HARMLESS: Mapping[str, tuple[Json, ...]] = {
    "truncation": ("disabled",),
    "modalities": (["text"],),
    "verbosity": ("medium",),
}
"""Fields that add nothing where they say what is so without them."""

MESSAGES: Mapping[str, Known] = {
    "system": {"role": 1_314, "content": 1_314},
    "developer": {"role": 189, "content": 189},
    "user": {"role": 2_752, "content": 2_752, "name": 124},
    "assistant": {"role": 1_024, "content": 477, "name": 120, "tool_calls": 782, "function_call": 5},
    "tool": {"role": 782, "content": 782, "tool_call_id": 782, "name": 79},
    "function": {"role": 5, "content": 5, "name": 5},
}
"""A chat's messages, by role."""
OF_A_MESSAGE: Known = {"type": 127, "role": 845, "content": 845, "status": 115, "id": 2}
ITEMS: Mapping[str, Known] = {
    "message": OF_A_MESSAGE,
    "": OF_A_MESSAGE,
    "function_call": {"type": 140, "call_id": 140, "name": 140, "arguments": 140, "status": 77, "id": 37},
    "function_call_output": {"type": 140, "call_id": 140, "output": 140, "status": 40, "id": "the item's own name"},
}
"""Items of a Responses request's input, by type; items of other types say for themselves that they are not counted."""
SPEAKERS = frozenset({"system", "developer", "user", "assistant"})
"""Roles of the messages among them."""
OF_AN_IMAGE: Known = {
    "type": "",
    "image_url": "counted by its size",
    "detail": "read with it",
    "width": "a size that a gateway's policy wrote in place of the image",
    "height": "the same",
}
PARTS: Mapping[str, Known] = {
    "text": {"type": 249, "text": 249},
    "input_text": {"type": 459, "text": 459},
    "output_text": {"type": 35, "text": 35},
    "refusal": {"type": "", "refusal": "text of the model's own"},
    "image_url": OF_AN_IMAGE,
    "input_image": OF_AN_IMAGE,
    "input_audio": {"type": "", "input_audio": "counted by its length"},
}
"""Parts of a content, by type. Those of other types are media that say for themselves that they are not counted."""
IGNORED_IN_PARTS = frozenset({"additional_properties"})
"""42 recorded calls carry it: a client's own leftover, which the service drops."""

TOOLS: Known = {"type": 1_511, "function": 1_511}
FUNCTIONS: Known = {"name": 1_511, "parameters": 1_511, "description": 1_445, "strict": 226}
"""A chat's functions, in `tools` and in the older `functions`."""
RESPONSES_FUNCTIONS: Known = {**FUNCTIONS, "type": 359, "function": 61}
CHOICES = frozenset({"auto", "none", "required"})
FORMATS = frozenset({"text", "json_object"})
NAMED_SCHEMA: Known = {"type": 82, "name": 198, "schema": 198, "strict": 195, "description": 28}
"""`json_schema` in a chat's `response_format`, and `text.format` of Responses, where it asks for one."""

CALLS: Known = {"id": 947, "type": 947, "function": 947, "index": "its place in a stream"}
OF_A_CALL: Known = {"name": 947, "arguments": 947}
CALLS_OF_RESPONSES: Known = {"type": 225, "id": 225, "call_id": 225, "name": 225, "arguments": 225, "status": 225}
CHOICE: Known = {
    "index": 36,
    "message": 2_761,
    "text": 66,
    "finish_reason": 2_827,
    "logprobs": "the answer's own list of its tokens",
    "content_filter_results": 172,
    "content_filter_result": 1,
}
ANSWER: Known = {"role": 2_761, "content": 1_787, "refusal": 2, "tool_calls": 947, "function_call": 29}
FINISHED = frozenset({"stop", "length", "tool_calls", "function_call", "content_filter"})
OUTPUT_MESSAGE: Known = {"type": 611, "id": 611, "role": 611, "status": 611, "content": 611, "phase": 97}
OUTPUT_PARTS: Mapping[str, Known] = {
    "output_text": {"type": 611, "text": 608, "logprobs": "the text's own list of its tokens"},
    "refusal": {"type": "", "refusal": "text of the model's own"},
}
