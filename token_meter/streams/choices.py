"""Streams of chat completions and completions: choices out of deltas."""

from collections.abc import Iterable

from token_meter.jsontypes import Json, JsonObject, as_list, as_object, as_text, as_whole_number
from token_meter.streams.assembled import MOST_PARTS, Assembled, prompt_side

DELTA_TEXTS = ("content", "refusal", "reasoning_content")
LOGPROBS = ("content", "refusal", "tokens")
"""What lists the answer's tokens: of chats the first two, of completions the last."""


class _Choice:
    """One choice of a stream while its deltas arrive."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {name: [] for name in (*DELTA_TEXTS, "text")}
        self.role = ""
        self.finish_reason = ""
        self.logprobs: dict[str, list[Json]] = {}
        self.tool_calls: dict[int, _ToolCall] = {}
        self.function_call: _ToolCall | None = None
        self.filtered = False

    def add(self, choice: JsonObject) -> None:
        """Take in one chunk's choice."""
        delta = as_object(choice.get("delta"))
        self.role = self.role or as_text(delta.get("role"))
        for name in DELTA_TEXTS:
            self.texts[name].append(as_text(delta.get(name)))
        self.texts["text"].append(as_text(choice.get("text")))
        self.finish_reason = as_text(choice.get("finish_reason")) or self.finish_reason
        self.filtered = self.filtered or "content_filter_results" in choice
        logprobs = as_object(choice.get("logprobs"))
        for name in LOGPROBS:
            if isinstance(logprobs.get(name), list):
                self.logprobs.setdefault(name, []).extend(as_list(logprobs[name]))
        for place, call in enumerate(as_list(delta.get("tool_calls"))):
            self._add_tool_call(as_object(call), place)
        if isinstance(delta.get("function_call"), dict):
            self.function_call = self.function_call or _ToolCall()
            self.function_call.add(as_object(delta["function_call"]))

    def _add_tool_call(self, call: JsonObject, place: int) -> None:
        index = as_whole_number(call.get("index"))
        key = place if index is None else index
        if key not in self.tool_calls and len(self.tool_calls) >= MOST_PARTS:
            return
        known = self.tool_calls.setdefault(key, _ToolCall())
        known.identity = known.identity or as_text(call.get("id"))
        known.kind = as_text(call.get("type")) or known.kind
        known.add(as_object(call.get("function")))

    def body(self, index: int) -> JsonObject:
        """Return the choice as it stands in a whole body."""
        texts = {name: "".join(parts) for name, parts in self.texts.items()}
        body: dict[str, Json] = {"index": index, "finish_reason": self.finish_reason or None}
        if texts["text"]:
            body["text"] = texts["text"]
        else:
            message: dict[str, Json] = {"role": self.role or "assistant", "content": texts["content"] or None}
            message |= {name: texts[name] for name in DELTA_TEXTS[1:] if texts[name]}
            if self.tool_calls:
                message["tool_calls"] = [call.body() for _, call in sorted(self.tool_calls.items())]
            if self.function_call:
                message["function_call"] = self.function_call.function()
            body["message"] = message
        if self.logprobs:
            body["logprobs"] = dict(self.logprobs)
        if self.filtered:
            body["content_filter_results"] = {}
        return body


class _ToolCall:
    """One tool call while its name and arguments arrive."""

    def __init__(self) -> None:
        self.identity = ""
        self.kind = "function"
        self.name: list[str] = []
        self.arguments: list[str] = []

    def add(self, function: JsonObject) -> None:
        """Take in one delta's `function` or `function_call`."""
        self.name.append(as_text(function.get("name")))
        self.arguments.append(as_text(function.get("arguments")))

    def function(self) -> dict[str, Json]:
        """Return the call's name and arguments."""
        return {"name": "".join(self.name), "arguments": "".join(self.arguments)}

    def body(self) -> dict[str, Json]:
        """Return the call as it stands in a whole body."""
        return {"id": self.identity, "type": self.kind, "function": self.function()}


def assemble_choices(payloads: Iterable[JsonObject]) -> Assembled:
    """Return the body of a chat completion or completion; finished where every choice has its finish reason.

    Usage in a chunk that also has choices is a running one (vLLM's `continuous_usage_stats`), final only if the stream
    was finished.
    """
    body: dict[str, Json] = {}
    choices: dict[int, _Choice] = {}
    running = False
    for payload in payloads:
        _keep_envelope(body, payload)
        if payload.get("usage") is not None:
            running = bool(as_list(payload.get("choices")))
        for place, item in enumerate(as_list(payload.get("choices"))):
            choice = as_object(item)
            index = as_whole_number(choice.get("index"))
            key = place if index is None else index
            if key in choices or len(choices) < MOST_PARTS:
                choices.setdefault(key, _Choice()).add(choice)
    body["choices"] = [dict(choice.body(index)) for index, choice in sorted(choices.items())]
    finished = bool(choices) and all(choice.finish_reason for choice in choices.values())
    if running and not finished:
        body["usage"] = prompt_side(as_object(body.get("usage")))
    return Assembled(body, finished)


def _keep_envelope(body: dict[str, Json], payload: JsonObject) -> None:
    """Keep a chunk's fields around the choices: the first name of each, the last usage."""
    for name in ("id", "model", "object", "created", "service_tier"):
        if payload.get(name) and not body.get(name):
            body[name] = payload[name]
    for name in ("usage", "error", "prompt_filter_results"):
        if payload.get(name) is not None:
            body[name] = payload[name]
