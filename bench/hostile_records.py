"""How long the meter takes over records made to keep it busy: `python bench/hostile_records.py [--only NAME]`.

Each is as large as Event Hubs carries (1 MB) and spends it on one way of making work. An ordinary record of that size
is measured beside them in the same run; what counts is the ratio, not this machine's seconds.
"""

import argparse
import base64
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from token_meter import Event, meter

SIZE = 1_000_000
MODEL = "gpt-4o-2024-08-06"
USER = {"role": "user", "content": "Hi"}
Made = tuple[dict[str, Any], dict[str, Any]]
"""A request's body and an answer's."""


def chat(request: dict[str, Any], answer: dict[str, Any] | None = None) -> Made:
    """Return a chat call of these fields."""
    message = {"role": "assistant", "content": "Hello"}
    whole = {"object": "chat.completion", "model": MODEL, "choices": [{"message": message, "finish_reason": "stop"}]}
    return {"messages": [USER], **request}, {**whole, **(answer or {})}


def function(parameters: dict[str, Any], name: str = "f") -> dict[str, Any]:
    """Return a tool."""
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def ordinary() -> Made:
    """Return a long prompt of prose."""
    return chat({"messages": [{"role": "user", "content": "The quick brown fox jumps. " * (SIZE // 28)}]})


def results_of_a_long_name() -> Made:
    """Return many results of one call whose function has a name of half the record."""
    call = {"id": "1", "type": "function", "function": {"name": "n" * (SIZE // 2), "arguments": "{}"}}
    results = [{"role": "tool", "content": ""}] * (SIZE // 70)
    return chat({"messages": [USER, {"role": "assistant", "tool_calls": [call]}, *results]})


def calls_of_many_turns() -> Made:
    """Return as many turns as fit, each with a call and its result."""
    call = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
    return chat({"messages": [call, {"role": "tool", "content": "1"}] * (SIZE // 120)})


def choices_under_many_tools() -> Made:
    """Return many choices, each of which looks into many tools."""
    tools = [function({}, "f")] * (SIZE // 2 // 70)
    choices = [{"message": {"content": "a"}, "finish_reason": "stop"}] * (SIZE // 2 // 60)
    return chat({"tools": tools}, {"choices": choices})


def choices_under_a_long_schema_name() -> Made:
    """Return many choices under a schema whose name is half the record."""
    schema = {"type": "json_schema", "json_schema": {"name": "n" * (SIZE // 2), "schema": {}}}
    choices = [{"message": {"content": "a"}, "finish_reason": "stop"}] * (SIZE // 2 // 60)
    return chat({"response_format": schema, "tools": [function({})]}, {"choices": choices})


def references_to_a_large_enumeration() -> Made:
    """Return many references to one enumeration of half the record."""
    properties = {f"p{number}": {"$ref": "#/$defs/e"} for number in range(SIZE // 2 // 30)}
    definitions = {"e": {"enum": ["v" * 8] * (SIZE // 2 // 12)}}
    return chat({"tools": [function({"type": "object", "properties": properties, "$defs": definitions})]})


def references_to_a_large_object() -> Made:
    """Return many references to one object of half the record."""
    members = {f"m{number}": {"type": "string"} for number in range(SIZE // 2 // 30)}
    properties = {f"p{number}": {"$ref": "#/$defs/o"} for number in range(SIZE // 2 // 30)}
    definitions = {"o": {"type": "object", "properties": members}}
    return chat({"tools": [function({"type": "object", "properties": properties, "$defs": definitions})]})


def references_to(large: dict[str, Any]) -> Made:
    """Return a few thousand references to one schema."""
    properties = {f"p{number}": {"$ref": "#/$defs/large"} for number in range(3_000)}
    return chat({"tools": [function({"type": "object", "properties": properties, "$defs": {"large": large}})]})


def references_to_required_names() -> Made:
    """Return references to an object that requires one name very often."""
    return references_to({"properties": {"a": {"type": "string"}}, "type": "object", "required": ["a"] * (SIZE // 7)})


def references_to_blanks() -> Made:
    """Return references to a description of blanks."""
    return references_to({"type": "string", "description": " " * (SIZE * 3 // 4)})


def references_of_slashes() -> Made:
    """Return references to a reference of very many steps."""
    return references_to({"$ref": "#" + "/" * (SIZE // 2)})


def a_small_schema_without_end() -> Made:
    """Return a few hundred characters that unfold into more than any memory holds."""
    node = {"type": "object", "properties": {name: {"$ref": "#/$defs/n"} for name in "abcd"}}
    return chat({"tools": [function({"type": "object", "properties": {"a": node}, "$defs": {"n": node}})]})


def references_to_the_root() -> Made:
    """Return references that lead back to the root."""
    properties = {f"p{number}": {"$ref": "#/"} for number in range(SIZE // 30)}
    return chat({"tools": [function({"type": "object", "properties": properties})]})


def many_functions_that_unfold() -> Made:
    """Return many functions, each of which unfolds into much."""
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(12):
        deep = {"type": "object", "properties": {"a": {"anyOf": [deep, {"type": "null"}]}}}
    return chat({"tools": [function(deep, f"f{number}") for number in range(SIZE // 1_000)]})


def lists_of_types() -> Made:
    """Return properties of as many types as fit."""
    kinds = ["string", "null"] * 200
    properties = {f"p{number}": {"type": kinds, "description": "d"} for number in range(SIZE // 4_000)}
    return chat({"tools": [function({"type": "object", "properties": properties})]})


def nested_alternatives() -> Made:
    """Return alternatives inside of alternatives."""
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(400):
        deep = {"anyOf": [deep, {"type": "null"}], "description": "d" * 1_000}
    return chat({"tools": [function({"type": "object", "properties": {"a": deep}})]})


def long_descriptions_of_lines() -> Made:
    """Return a description of nothing but line ends."""
    return chat({"tools": [{"type": "function", "function": {"name": "f", "description": "\n" * (SIZE // 2)}}]})


def outputs_of_a_long_name() -> Made:
    """Return Responses outputs of one call whose function has a long name."""
    call = {"type": "function_call", "call_id": "1", "name": "n" * (SIZE // 2), "arguments": "{}"}
    outputs = [{"type": "function_call_output", "call_id": "1", "output": ""}] * (SIZE // 2 // 70)
    output = [{"type": "message", "content": [{"type": "output_text", "text": "a"}]}]
    return {"input": [call, *outputs]}, {"object": "response", "model": MODEL, "output": output, "status": "completed"}


def calls_named_at_length() -> Made:
    """Return as many Responses calls as fit."""
    call = {"type": "function_call", "name": "f", "arguments": "{}"}
    answer = {"object": "response", "model": "gpt-5", "status": "completed", "output": [call] * (SIZE // 60)}
    return {"input": "a"}, answer


def one_character() -> Made:
    """Return a prompt of one letter, repeated."""
    return chat({"messages": [{"role": "user", "content": "=" * SIZE}]})


def blanks() -> Made:
    """Return a prompt of blanks."""
    return chat({"messages": [{"role": "user", "content": " " * SIZE}]})


def tiny_messages() -> Made:
    """Return as many messages as fit."""
    return chat({"messages": [{"role": "user", "content": ""}] * (SIZE // 32)})


def many_images() -> Made:
    """Return as many small images as fit."""
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\2\0\0\0").decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}}
    return chat({"messages": [{"role": "user", "content": [part] * (SIZE // 140)}]})


def a_large_broken_image() -> Made:
    """Return one JPEG whose header never ends."""
    data = base64.b64encode(b"\xff\xd8" + b"\xff\xff" * (SIZE // 3)).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}
    return chat({"messages": [{"role": "user", "content": [part]}]})


def calls_at_once() -> Made:
    """Return one turn with as many calls as fit, and as many results."""
    calls = [{"function": {"name": "f", "arguments": '{"a":1}'}}] * (SIZE // 2 // 60)
    results = [{"role": "tool", "content": "{}"}] * (SIZE // 2 // 40)
    return chat({"messages": [{"role": "assistant", "tool_calls": calls}, *results]})


def anthropic_blocks() -> Made:
    """Return as many of Anthropic's blocks as fit."""
    block = {"type": "tool_use", "name": "f", "input": {"a": 1}}
    request = {"anthropic_version": "1", "messages": [{"role": "user", "content": [block] * (SIZE // 60)}]}
    return request, {"type": "message", "model": "claude-sonnet-4-5", "content": [{"type": "text", "text": "a"}]}


CASES: tuple[Callable[[], Made], ...] = (
    results_of_a_long_name,
    calls_of_many_turns,
    choices_under_many_tools,
    choices_under_a_long_schema_name,
    references_to_a_large_enumeration,
    references_to_a_large_object,
    references_to_required_names,
    references_to_blanks,
    references_of_slashes,
    a_small_schema_without_end,
    references_to_the_root,
    many_functions_that_unfold,
    lists_of_types,
    nested_alternatives,
    long_descriptions_of_lines,
    outputs_of_a_long_name,
    calls_named_at_length,
    one_character,
    blanks,
    tiny_messages,
    many_images,
    a_large_broken_image,
    calls_at_once,
    anthropic_blocks,
)


def seconds(make: Callable[[], Made]) -> tuple[float, str]:
    """Return how long a record takes, and what became of its prompt."""
    request, answer = make()
    record = {
        "version": 1,
        "kind": "exchange",
        "requestId": "r",
        "time": "2026-10-05T12:00:00Z",
        "status": 200,
        "requestBody": json.dumps(request),
        "responseBody": json.dumps(answer),
    }
    body = json.dumps(record).encode()
    started = time.perf_counter()
    outcome = meter([Event(body)])
    took = time.perf_counter() - started
    row = outcome.rows[0]
    return took, f"{len(body):>9,} bytes  {row.prompt_source}/{row.completion_source} {','.join(row.notes or ())}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    only = parser.parse_args().only
    seconds(ordinary)
    usual, _ = seconds(ordinary)
    print(f"{'ordinary':<36} {usual:7.3f} s  ratio  1.0")
    for case in CASES:
        if only in case.__name__:
            took, told = seconds(case)
            print(f"{case.__name__:<36} {took:7.3f} s  ratio {took / usual:5.1f}  {told}", flush=True)


if __name__ == "__main__":
    main()
