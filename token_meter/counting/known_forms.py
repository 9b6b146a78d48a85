"""Whether a call holds nothing but what the counting rules know: its fields by `known_fields`, and how they stand.

A field that holds nothing (null, false, 0, an empty text, list or object) is as if it were not there.
"""

from collections.abc import Callable
from dataclasses import replace

from token_meter.codes import Note, Operation, Source
from token_meter.counting.count import Count
from token_meter.counting.known_fields import (
    ANSWER,
    CALLS,
    CALLS_OF_RESPONSES,
    CHOICE,
    CHOICES,
    FINISHED,
    FORMATS,
    FUNCTIONS,
    HARMLESS,
    IGNORED_IN_PARTS,
    ITEMS,
    MESSAGES,
    NAMED_SCHEMA,
    OF_A_CALL,
    OUTPUT_MESSAGE,
    OUTPUT_PARTS,
    PARTS,
    REQUESTS,
    RESPONSES_FUNCTIONS,
    SPEAKERS,
    TOOLS,
    Known,
)
from token_meter.exchange import Exchange
from token_meter.jsontypes import Json, JsonObject, as_list, as_object, as_text
from token_meter.streams.assembled import MOST_PARTS

NAMED = "json_schema"
NOTHING: tuple[Json, ...] = (None, False, "", [], {})


def doubted_prompt(count: Count, exchange: Exchange) -> Count:
    """Return a prompt's count, as an estimate where the request holds anything that no rule knows."""
    return _doubted(count, lambda: knows_request(exchange) and knows_prompt(exchange))


def doubted_completion(count: Count, exchange: Exchange) -> Count:
    """Return a completion's count, as an estimate where request or answer hold anything that no rule knows."""
    return _doubted(count, lambda: knows_request(exchange) and knows_answer(exchange))


def _doubted(count: Count, knows: Callable[[], bool]) -> Count:
    if count.source is not Source.COUNTED or knows():
        return count
    return replace(count, source=Source.ESTIMATED, notes=(*count.notes, Note.UNKNOWN_FIELD))


def knows_request(exchange: Exchange) -> bool:
    """Tell whether every field of a request is known, whatever it holds. An unseen request holds none."""
    known = REQUESTS.get(exchange.operation)
    return known is None or all(
        name in known or value in NOTHING or value in HARMLESS.get(name, ())
        for name, value in as_object(exchange.request).items()
    )


def knows_prompt(exchange: Exchange) -> bool:
    """Tell whether what stands in a prompt is of known form: messages, parts, calls, tools, choice and schema."""
    request = as_object(exchange.request)
    if exchange.operation is Operation.CHAT:
        return (
            all(map(_is_message, as_list(request.get("messages"))))
            and all(_holds_only(tool, TOOLS) and _is_function(tool) for tool in as_list(request.get("tools")))
            and all(_is_named(tool, FUNCTIONS) for tool in as_list(request.get("functions")))
            and _is_choice(request.get("tool_choice"))
            and _is_choice(request.get("function_call"))
            and _is_format(request.get("response_format"), NAMED)
        )
    if exchange.operation is Operation.RESPONSES:
        text = as_object(request.get("text"))
        return (
            all(map(_is_item, as_list(request.get("input"))))
            and all(_is_named(tool, RESPONSES_FUNCTIONS) for tool in as_list(request.get("tools")))
            and _is_choice(request.get("tool_choice"))
            and _holds_only(text, {"format": ""})
            and _is_format(text.get("format"), "")
        )
    return True


def knows_answer(exchange: Exchange) -> bool:
    """Tell whether an answer is of known form: its choices, or its output's messages and calls."""
    response = as_object(exchange.response)
    if exchange.operation in (Operation.CHAT, Operation.COMPLETIONS):
        choices = as_list(response.get("choices"))
        may_go_on = exchange.operation is Operation.COMPLETIONS
        return len(choices) < MOST_PARTS and all(_is_answer(choice, may_go_on=may_go_on) for choice in choices)
    if exchange.operation is Operation.RESPONSES:
        items = as_list(response.get("output"))
        return len(items) < MOST_PARTS and all(map(_is_output, items))
    return True


def _holds_only(fields: Json | JsonObject, known: Known) -> bool:
    return isinstance(fields, dict) and all(name in known or value in NOTHING for name, value in fields.items())


def _is_named(fields: Json | JsonObject, known: Known) -> bool:
    """Tell something of known form that has a name."""
    return _holds_only(fields, known) and bool(as_text(as_object(fields).get("name")))


def _is_message(message: Json) -> bool:
    if not isinstance(message, dict):
        return False
    known = MESSAGES.get(as_text(message.get("role")))
    if known is None or not _holds_only(message, known):
        return False
    return _is_content(message.get("content")) and _has_calls(message)


def _is_item(item: Json) -> bool:
    """Tell an item of known form; one of another type says for itself that it is not counted."""
    if not isinstance(item, dict):
        return False
    known = ITEMS.get(as_text(item.get("type")))
    if known is None:
        return True
    if "role" in known and as_text(item.get("role")) not in SPEAKERS:
        return False
    return _holds_only(item, known) and _is_content(item.get("content")) and _is_content(item.get("output"))


def _is_content(content: Json) -> bool:
    """Tell a text, or parts of known form; a part of another type says for itself that it is not counted."""
    if content is None or isinstance(content, str):
        return True
    return isinstance(content, list) and all(map(_is_part, content))


def _is_part(part: Json) -> bool:
    kind = as_text(as_object(part).get("type"))
    known = PARTS.get(kind)
    if not isinstance(part, dict) or known is None:
        return bool(kind)
    texts = all(isinstance(part[name], str) for name in ("text", "refusal") if name in part)
    return texts and _holds_only({name: part[name] for name in part if name not in IGNORED_IN_PARTS}, known)


def _has_calls(message: JsonObject) -> bool:
    """Tell a message whose calls, if it has any, are calls of functions and no more than a stream would keep."""
    calls, older = as_list(message.get("tool_calls")), message.get("function_call")
    if message.get("tool_calls") not in (*NOTHING, calls) or len(calls) >= MOST_PARTS:
        return False
    if not all(_holds_only(call, CALLS) and _is_function(call, OF_A_CALL) for call in calls):
        return False
    return older in NOTHING or _is_named(older, OF_A_CALL)


def _is_function(fields: Json, known: Known = FUNCTIONS) -> bool:
    """Tell a chat's tool, or a call of one, that is a function's."""
    found = as_object(fields)
    return found.get("type", "function") == "function" and _is_named(found.get("function"), known)


def _is_choice(choice: Json) -> bool:
    """Tell a choice by word, or of one function by its name."""
    if not isinstance(choice, dict):
        return choice is None or as_text(choice) in CHOICES
    named = as_object(choice.get("function")).get("name", choice.get("name"))
    return choice.get("type", "function") == "function" and isinstance(named, str)


def _is_format(wanted: Json, inside: str) -> bool:
    """Tell a format of an answer; `inside` is the field that holds the named schema, unless that is the format."""
    if wanted in NOTHING:
        return True
    named = wanted if not inside else as_object(wanted).get(inside, {})
    known = {"type": "", inside: ""} if inside else NAMED_SCHEMA
    kind = as_text(as_object(wanted).get("type"))
    if kind != NAMED:
        return kind in FORMATS and _holds_only(wanted, {"type": ""})
    return _holds_only(wanted, known) and _is_named(named, NAMED_SCHEMA)


def _is_answer(choice: Json, *, may_go_on: bool) -> bool:
    """Tell a choice of known form. Those of the older API may have no finish reason (1 of 1 recorded calls)."""
    if not _holds_only(choice, CHOICE):
        return False
    found = as_object(choice)
    if as_text(found.get("finish_reason")) not in FINISHED and not may_go_on:
        return False
    message = found.get("message")
    if message is None:
        return isinstance(found.get("text"), str)
    is_text = not isinstance(as_object(message).get("content"), list)
    return is_text and _holds_only(message, ANSWER) and _has_calls(as_object(message))


def _is_output(item: Json) -> bool:
    """Tell an item of an answer's output; one of another type says for itself that it is not counted."""
    found = as_object(item)
    kind = found.get("type")
    if kind == "function_call":
        return _is_named(found, CALLS_OF_RESPONSES)
    if kind != "message":
        return True
    parts = as_list(found.get("content"))
    return _holds_only(found, OUTPUT_MESSAGE) and all(
        _holds_only(part, OUTPUT_PARTS.get(as_text(as_object(part).get("type")), {})) for part in parts
    )
