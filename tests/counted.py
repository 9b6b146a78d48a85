"""Calls to count, and the tokens of texts, for the tests of counting."""

from datetime import UTC, datetime
from typing import Any

from token_meter.codes import Operation
from token_meter.counting import Count, count_completion, count_prompt
from token_meter.counting.tokenizer import load_encoding
from token_meter.exchange import Exchange

GPT_4O, GPT_41, GPT_35 = "gpt-4o-2024-08-06", "gpt-4.1-2025-04-14", "gpt-3.5-turbo-0125"
GPT_5, GPT_54, GPT_4_0613, O3_MINI = "gpt-5-2025-08-07", "gpt-5.4-2026-03-05", "gpt-4-0613", "o3-mini-2025-01-31"
TODAY = datetime(2026, 9, 1, tzinfo=UTC)

USER = {"role": "user", "content": "Is it cold in Oslo?"}
SYSTEM = {"role": "system", "content": "Answer in one sentence."}
WEATHER = {
    "name": "get_weather",
    "description": "Current weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
WEATHER_TYPE = "// Current weather of a city\ntype get_weather = (_: { city: string }) => any;\n\n"


def tokens(text: str, encoding: str = "o200k_base") -> int:
    """Return how many tokens a text is."""
    return len(load_encoding(encoding).encode_ordinary(text))


def block(*declarations: str) -> str:
    """Return the tools block around declarations of functions."""
    return "# Tools\n\n## functions\n\nnamespace functions {\n\n" + "".join(declarations) + "} // namespace functions"


def tool(function: dict[str, Any]) -> dict[str, Any]:
    """Return a function as a chat request offers it."""
    return {"type": "function", "function": function}


def declared(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a tool `f` with the given properties, all of them required."""
    return tool(
        {"name": "f", "parameters": {"type": "object", "properties": properties, "required": [*properties], **more}}
    )


def called(name: str, arguments: str) -> dict[str, Any]:
    """Return a call as a chat message holds it."""
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


def exchange(operation: Operation, model: str, **fields: Any) -> Exchange:
    """Return a call of api.openai.com, served by a model."""
    return Exchange(operation=operation, **{"served_model": model, "azure": False, "time": TODAY, **fields})


def chat_prompt(model: str, *messages: dict[str, Any], when: datetime = TODAY, **request: Any) -> Count:
    """Count the prompt of a chat request."""
    return count_prompt(exchange(Operation.CHAT, model, request={"messages": [*messages], **request}, time=when))


def chat_completion(model: str, message: dict[str, Any], finish: str = "stop", **fields: Any) -> Count:
    """Count a chat answer of one choice; the request is a plain one unless given."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    fields = {"request": {"messages": [USER]}, **fields}
    return count_completion(exchange(Operation.CHAT, model, response={"choices": [choice]}, **fields))


def responses_prompt(model: str, *items: Any, when: datetime = TODAY, **request: Any) -> Count:
    """Count the prompt of a Responses request."""
    return count_prompt(exchange(Operation.RESPONSES, model, request={"input": [*items], **request}, time=when))


def responses_completion(model: str, *items: Any, request: Any = None, status: str = "completed") -> Count:
    """Count the output of a Responses answer."""
    response = {"object": "response", "status": status, "output": [*items]}
    return count_completion(exchange(Operation.RESPONSES, model, request=request or {"input": "x"}, response=response))
