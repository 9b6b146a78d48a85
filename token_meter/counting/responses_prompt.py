"""The prompt of a Responses call, as far as its record holds it (formula P9)."""

from token_meter.codes import Note
from token_meter.counting.count import Count
from token_meter.counting.counter import Counter, unknown
from token_meter.counting.families import Style
from token_meter.counting.messages import MESSAGE_FRAME, REPLY_PRIMING, ROLE, media_of, text_of
from token_meter.counting.models import model_of
from token_meter.counting.tool_history import compact
from token_meter.counting.tools import tools_block
from token_meter.exchange import Exchange
from token_meter.jsontypes import JsonObject, as_list, as_object, as_text

ELSEWHERE = ("previous_response_id", "conversation", "prompt")
"""Fields that bring in text which is not in the record."""


def count_responses_prompt(exchange: Exchange, request: JsonObject) -> Count:
    """Return the tokens of a Responses request's prompt; unknown where part of the prompt lies with the service."""
    if any(request.get(name) for name in ELSEWHERE):
        return unknown(Note.PROMPT_ELSEWHERE)
    model = model_of(exchange)
    counter = Counter(model.family.encoding)
    if model.notes:
        counter.doubt(*model.notes)
    reasoning = model.family.style is Style.REASONING
    tools = [as_object(tool) for tool in as_list(request.get("tools"))]
    functions = [tool for tool in tools if as_text(tool.get("type")) == "function"]
    if len(functions) != len(tools):
        counter.doubt(Note.BUILT_IN_TOOL)
    block = tools_block(functions) if functions else ""
    instructions = as_text(request.get("instructions"))
    system = "\n\n".join(part for part in (instructions, block) if part)
    if system:
        counter.add(MESSAGE_FRAME + ROLE + counter.text(system))
    value = request.get("input")
    for item in [{"role": "user", "content": value}] if isinstance(value, str) else as_list(value):
        _add_item(counter, as_object(item), reasoning=reasoning)
    counter.add(2 if reasoning else REPLY_PRIMING)
    if functions:
        counter.doubt(Note.INEXACT_FORMULA)
    return counter.result()


def _add_item(counter: Counter, item: JsonObject, *, reasoning: bool) -> None:
    kind = as_text(item.get("type")) or "message"
    if kind == "message":
        counter.add(MESSAGE_FRAME + ROLE + counter.text(text_of(item.get("content"))))
        if reasoning and item.get("role") == "assistant":
            counter.add(2)
        if media_of(item.get("content")):
            counter.doubt(Note.MEDIA_NOT_COUNTED)
    elif kind == "function_call":
        counter.add(MESSAGE_FRAME + ROLE + counter.text(f" to=functions.{as_text(item.get('name'))}"))
        counter.add(counter.text(compact(as_text(item.get("arguments")))))
    elif kind == "function_call_output":
        counter.add(6 + counter.text(as_text(item.get("output"))))
        counter.doubt(Note.INEXACT_FORMULA)
    else:
        counter.doubt(Note.PROMPT_ELSEWHERE)
