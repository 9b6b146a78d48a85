"""Counting survives what the wire brings: wrong types anywhere, hostile schemas, deep nesting."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.counted import GPT_4O, GPT_5, GPT_41, USER, chat_prompt, declared, exchange, responses_prompt, tool
from token_meter.codes import Kind, Note, Operation, Source
from token_meter.counting import Count, count_completion, count_prompt
from token_meter.exchange import Exchange

WORDS = st.sampled_from(
    [
        "messages",
        "tools",
        "functions",
        "tool_calls",
        "function",
        "function_call",
        "name",
        "content",
        "role",
        "type",
        "text",
        "parameters",
        "properties",
        "items",
        "anyOf",
        "enum",
        "$ref",
        "#/properties/a",
        "$defs",
        "required",
        "default",
        "description",
        "title",
        "minimum",
        "json_schema",
        "response_format",
        "schema",
        "tool_choice",
        "required",
        "none",
        "input",
        "instructions",
        "output",
        "arguments",
        "call_id",
        "image_url",
        "url",
        "input_audio",
        "data",
        "choices",
        "message",
        "finish_reason",
        "stop",
        "tool_calls",
        "logprobs",
        "refusal",
        "user",
        "system",
        "assistant",
        "tool",
        "array",
        "object",
        "string",
        "null",
        "call_1",
        "{}",
        "[1]",
        "input_text",
        "output_text",
        "image_url",
        "input_image",
        "input_audio",
        "file",
        "reasoning",
        "function_call_output",
        "status",
        "completed",
        "response_format",
        "prompt",
        "n",
        "best_of",
        "audio",
        "usage",
        "index",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)
OBJECTS = st.dictionaries(WORDS, VALUES, max_size=6)
MODELS = st.sampled_from([GPT_4O, GPT_5, GPT_41, "gpt-4-0613", "o3-mini", "gpt-5.4", "claude-3", "", "gpt-35-turbo"])


def sound(count: Count) -> bool:
    """Tell whether a count keeps its promises."""
    known = count.tokens is not None
    return known == (count.source is not Source.UNKNOWN) and (not known or (count.tokens or 0) >= 0)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(operation=st.sampled_from(list(Operation)), model=MODELS, request=OBJECTS, response=OBJECTS, azure=st.booleans())
def test_any_bodies_give_a_sound_count(
    operation: Operation, model: str, request: Any, response: Any, azure: bool
) -> None:
    """Whatever stands where: a number or unknown, never an error, and no reported usage read."""
    call = Exchange(operation=operation, request=request, response=response, served_model=model, azure=azure)

    assert sound(count_prompt(call))
    assert sound(count_completion(call))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(model=MODELS, messages=st.lists(VALUES, max_size=4), parameters=VALUES, schema=VALUES, choice=VALUES)
def test_any_parts_of_a_chat_give_a_sound_count(
    model: str, messages: Any, parameters: Any, schema: Any, choice: Any
) -> None:
    """The same, nearer to what is counted."""
    request = {
        "messages": messages,
        "tools": [tool({"name": "f", "parameters": parameters}), parameters],
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
        "tool_choice": choice,
    }
    response = {
        "choices": [{"message": messages[0] if messages else choice, "finish_reason": "stop"}],
        "output": messages,
    }
    for operation in (Operation.CHAT, Operation.RESPONSES):
        call = Exchange(operation=operation, request=request, response=response, served_model=model)
        assert sound(count_prompt(call))
        assert sound(count_completion(call))


@given(usage=OBJECTS)
def test_reported_usage_is_never_read(usage: Any) -> None:
    """Counting is what is done without it."""
    choices = [{"message": {"content": "Yes"}, "finish_reason": "stop"}]

    def count(**more: Any) -> Count:
        return count_completion(exchange(Operation.CHAT, GPT_4O, request={}, response={"choices": choices, **more}))

    assert count(usage=usage) == count()


def test_references_that_go_round_end() -> None:
    """A type within itself is written as deep as the meter goes, and called an estimate."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "value": {"type": "string"}}}

    count = chat_prompt(GPT_4O, USER, tools=[declared({"a": {"$ref": "#/$defs/Node"}}, **{"$defs": {"Node": node}})])

    assert count.source is Source.ESTIMATED


@pytest.mark.parametrize(
    "definitions",
    [
        {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}},
        {"A": {"type": "object", "properties": {str(n): {"$ref": "#/$defs/A"} for n in range(20)}}},
        {"A": {"anyOf": [{"$ref": "#/$defs/A"}] * 20}},
        {"A": {"type": "array", "items": {"$ref": "#/$defs/A"}}},
        {
            "A": {
                "type": "object",
                "description": "long " * 10_000,
                "properties": {"x": {"$ref": "#/$defs/A"}, "y": {"$ref": "#/$defs/A"}},
            }
        },
    ],
)
def test_schemas_that_unfold_without_end_are_bounded(definitions: dict[str, Any]) -> None:
    """Wide or long ones are not written out: their JSON is counted in their place, and the note says so."""
    count = chat_prompt(GPT_4O, USER, tools=[declared({"a": {"$ref": "#/$defs/A"}}, **{"$defs": definitions})])

    assert count.source is Source.ESTIMATED


def test_many_tools_share_one_bound() -> None:
    """A thousand functions that each unfold a little are one request."""
    wide = {"type": "object", "properties": {str(n): {"type": "string", "description": "x" * 200} for n in range(100)}}
    tools = [declared({"a": {"$ref": "#/$defs/W"}}, **{"$defs": {"W": wide}}) for _ in range(1_000)]

    count = chat_prompt(GPT_4O, USER, tools=tools)

    assert count.source is Source.ESTIMATED
    assert Note.SCHEMA_TOO_LARGE in count.notes


def nested(depth: int) -> Any:
    """Return a schema as deep as that."""
    schema: Any = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


@pytest.mark.parametrize("depth", [30, 300, 900])
def test_deep_schemas_give_no_error(depth: int) -> None:
    """In tools and in response formats."""
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": nested(depth)}}

    assert (
        chat_prompt(GPT_4O, USER, tools=[tool({"name": "f", "parameters": nested(depth)})]).source is Source.ESTIMATED
    )
    assert (chat_prompt(GPT_4O, USER, response_format=wanted).source is Source.COUNTED) == (depth < 100)


def test_deep_or_odd_arguments_give_no_error() -> None:
    """Arguments and results are texts from models and tools; either may be anything."""
    for arguments in ("[" * 100_000, "[" * 900 + "]" * 900, "1" * 10_000, "NaN", '"\\ud800"', "\ud800", "null"):
        call = {"type": "function", "function": {"name": "f", "arguments": arguments}}
        message = {"role": "assistant", "tool_calls": [call, call]}
        result = {"role": "tool", "content": arguments}
        answer = {"choices": [{"message": message, "finish_reason": "tool_calls"}]}

        assert sound(chat_prompt(GPT_4O, message, result, result))
        assert sound(count_completion(exchange(Operation.CHAT, GPT_4O, response=answer, kind=Kind.RESPONSE)))


def test_a_list_of_types_as_long_as_a_book_is_bounded() -> None:
    """Each type would carry a copy of its schema."""
    kinds = {"type": ["string"] * 100_000, **{str(n): n for n in range(100)}}

    count = chat_prompt(GPT_4O, USER, tools=[declared({"a": kinds})])

    assert (count.source, count.notes) == (Source.ESTIMATED, (Note.SCHEMA_TOO_LARGE,))


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.text(max_size=30), max_size=4))
def test_more_messages_never_cost_less(texts: list[str]) -> None:
    """Each adds at least its frame."""
    messages = [{"role": "user", "content": text} for text in texts]
    counts = [chat_prompt(GPT_4O, *messages[:end]).tokens or 0 for end in range(1, len(messages) + 1)]
    items = [responses_prompt(GPT_4O, *messages[:end]).tokens or 0 for end in range(1, len(messages) + 1)]

    assert all(after >= before + 4 for before, after in itertools.pairwise(counts))
    assert counts == items


@settings(max_examples=100, deadline=None)
@given(
    properties=st.dictionaries(
        st.text(max_size=5), st.sampled_from([{"type": "string"}, {"type": "integer"}]), max_size=5
    )
)
def test_the_order_of_required_names_changes_nothing(properties: dict[str, Any]) -> None:
    """Only whether a name is among them."""
    forward, backward = [*properties], [*properties][::-1]

    def count(required: list[str]) -> Count:
        parameters = {"type": "object", "properties": properties, "required": required}
        return chat_prompt(GPT_4O, USER, tools=[tool({"name": "f", "parameters": json.loads(json.dumps(parameters))})])

    assert count(forward) == count(backward)
