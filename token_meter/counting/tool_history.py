"""Tool calls and their results in a conversation's history (P4), and tool calls as an answer writes them (C5)."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from token_meter.counting.counter import Counter
from token_meter.counting.messages import MESSAGE_FRAME, ROLE, text_of
from token_meter.jsontypes import Json, JsonObject, as_list, as_object, as_text, parse_json

RESULT_FRAME = 6
"""Around one tool's result, beside the called function's name and the content."""
PARALLEL_RESULTS_FRAME = 10
ESCAPED_UNTIL = datetime(2026, 3, 1, tzinfo=UTC)
"""Results of parallel calls were written with `\\u` escapes until between 2026-02-11 and 2026-03-12 (P4)."""


def compact(arguments: str) -> str:
    """Return JSON text without blanks between its parts; text that is no JSON as it is."""
    value = parse_json(arguments)
    if value is None:
        return arguments
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def called_functions(message: JsonObject) -> list[JsonObject]:
    """Return the function calls of an assistant's message, the older single `function_call` among them."""
    calls = [as_object(call) for call in as_list(message.get("tool_calls"))]
    functions = [as_object(call.get("function")) for call in calls]
    older = message.get("function_call")
    return functions + ([as_object(older)] if isinstance(older, dict) else [])


def parallel_text(functions: Sequence[JsonObject]) -> str:
    """Return the one call that several parallel calls are written as."""
    uses = [
        {
            "recipient_name": f"functions.{as_text(function.get('name'))}",
            "parameters": _parameters(as_text(function.get("arguments"))),
        }
        for function in functions
    ]
    return json.dumps({"tool_uses": uses}, separators=(",", ":"), ensure_ascii=False)


def _parameters(arguments: str) -> Json:
    value = parse_json(arguments)
    return arguments if value is None else value


def add_calls(counter: Counter, message: JsonObject, functions: Sequence[JsonObject]) -> None:
    """Add an assistant's message that calls functions."""
    content = text_of(message.get("content"))
    if content:
        counter.add(MESSAGE_FRAME + ROLE + counter.text(content))
    if len(functions) == 1:
        name, arguments = as_text(functions[0].get("name")), as_text(functions[0].get("arguments"))
        counter.add(MESSAGE_FRAME + ROLE)
        counter.add(counter.text(f" to=functions.{name}") + counter.text(compact(arguments)))
    else:
        counter.add(MESSAGE_FRAME + ROLE)
        counter.add(counter.text(" to=multi_tool_use.parallel") + counter.text(parallel_text(functions)))


def add_results(counter: Counter, names: Sequence[str], results: Sequence[JsonObject], when: datetime | None) -> None:
    """Add the results of one message's calls: one by itself, several as one list."""
    if len(names) == 1:
        for result in results:
            content = text_of(result.get("content"))
            counter.add(RESULT_FRAME + counter.text(names[0]) + counter.text(content))
        return
    outputs = [_output(text_of(result.get("content"))) for result in results]
    escaped = when is None or when < ESCAPED_UNTIL
    counter.add(PARALLEL_RESULTS_FRAME + counter.text(json.dumps(outputs, ensure_ascii=escaped)))


def _output(content: str) -> Json:
    value = parse_json(content)
    return value if isinstance(value, dict | list) else content
