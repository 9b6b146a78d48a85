"""The prompt of a Responses call, as far as its record holds it.

Messages are written as in chat completions, the instructions as a system message before them. Tools and schema stand
apart from the system message, and calls are never written as one, however many there are.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from token_meter.codes import Note
from token_meter.counting.count import Count
from token_meter.counting.counter import Counter, unknown, unseen
from token_meter.counting.families import Family
from token_meter.counting.media import add_media
from token_meter.counting.messages import is_escaped, text_of
from token_meter.counting.models import model_of
from token_meter.counting.response_formats import is_confirmed, responses_schema, schema_section
from token_meter.counting.shared_usage import share_prompt
from token_meter.counting.tool_history import RECIPIENT
from token_meter.counting.tools import responses_tools, tools_block
from token_meter.exchange import Exchange
from token_meter.jsontypes import JsonObject, as_list, as_object, as_text

MESSAGE = 4
"""Around a message's content, its role among them."""
RESULT_FRAME = 3
"""Around a call's result, beside `functions.NAME` and the output."""
ELSEWHERE = {
    "previous_response_id": Note.PREVIOUS_RESPONSE_ID,
    "conversation": Note.PROMPT_ELSEWHERE,
    "prompt": Note.PROMPT_ELSEWHERE,
}
"""Fields that bring in text which is not in the record."""
PREAMBLE_UNTIL = datetime(2025, 4, 15, tzinfo=UTC)
"""In its first weeks the API wrote a text of its own before the caller's (recorded calls to 2025-03-28)."""
PREAMBLE, PREAMBLE_WITH_TOOLS = 18, 216


def count_responses_prompt(exchange: Exchange, request: JsonObject) -> Count:
    """Return the tokens of a Responses request's prompt; unknown where part of the prompt lies with the service."""
    elsewhere = [note for name, note in ELSEWHERE.items() if request.get(name)]
    if elsewhere:
        return unknown(*elsewhere)
    value = request.get("input")
    listed = [{"role": "user", "content": value}] if isinstance(value, str) else as_list(value)
    items = [item for item in listed if isinstance(item, dict)]
    if not items:
        return unseen(cut=exchange.request_cut)
    model = model_of(exchange)
    counter = Counter(model.family.encoding)
    counter.doubt(*model.notes)
    if exchange.request_cut:
        counter.doubt(Note.CUT)
    instructions = as_text(request.get("instructions"))
    if instructions:
        counter.add(MESSAGE + counter.text(instructions))
    _add_tools(counter, request, model.family, exchange.time)
    _add_schema(counter, request, exchange, model.family)
    _add_items(counter, items, model.family)
    counter.add(model.family.responses.reply)
    if exchange.time is not None and exchange.time < PREAMBLE_UNTIL:
        counter.add(PREAMBLE_WITH_TOOLS if responses_tools(request).functions else PREAMBLE)
        counter.doubt(Note.INEXACT_FORMULA)
    share_prompt(counter, exchange, model.family)
    return counter.result()


def _add_tools(counter: Counter, request: JsonObject, family: Family, when: datetime | None) -> None:
    tools = responses_tools(request)
    if tools.others:
        counter.doubt(Note.BUILT_IN_TOOL)
    if not tools.functions:
        return
    block = tools_block(tools.functions, when)
    counter.add(family.responses.tools + counter.text(block.text))
    bare = not all(isinstance(function.get("parameters"), dict) for function in tools.functions)
    counter.doubt(*block.doubts)
    if not family.tools_confirmed or (bare and not family.responses.bare_tools_confirmed):
        counter.doubt(Note.UNCONFIRMED_FORMULA)
    choice = request.get("tool_choice")
    name = as_text(as_object(choice).get("name"))
    if choice == "required" and len(tools.functions) == 1:
        name = as_text(tools.functions[0].get("name"))  # the one there is is forced as if by its name
    if name and family.responses.named_choice is not None:
        counter.add(family.responses.named_choice + counter.name(name, RECIPIENT))


def _add_schema(counter: Counter, request: JsonObject, exchange: Exchange, family: Family) -> None:
    schema = responses_schema(request)
    if schema is None:
        return
    section = schema_section(schema, escaped=is_escaped(exchange.time))
    counter.add(family.responses.schema + counter.text(section))
    if not is_confirmed(schema.get("schema")) or responses_tools(request).offered:
        counter.doubt(Note.UNCONFIRMED_FORMULA)


def _add_items(counter: Counter, items: Sequence[JsonObject], family: Family) -> None:
    names = {as_text(item.get("call_id")): as_text(item.get("name")) for item in items if "name" in item}
    kinds = [as_text(item.get("type")) or "message" for item in items]
    if "function_call" in kinds and not family.responses.history_confirmed:
        counter.doubt(Note.UNCONFIRMED_FORMULA)
    if ("function_call", "function_call") in pairwise(kinds) and not family.responses.calls_at_once_confirmed:
        counter.doubt(Note.UNCONFIRMED_FORMULA)
    for item, kind in zip(items, kinds, strict=True):
        if kind == "message":
            _add_message(counter, item, family)
        elif kind == "function_call":
            _add_call(counter, item, family)
        elif kind == "function_call_output":
            output = item.get("output")
            name = names.get(as_text(item.get("call_id")), "")
            counter.add(RESULT_FRAME + counter.name(name, "functions.") + counter.text(text_of(output)))
            add_media(counter, output, family, chat=False)
        else:
            counter.doubt(Note.PROMPT_ELSEWHERE)


def _add_message(counter: Counter, item: JsonObject, family: Family) -> None:
    content = item.get("content")
    if content == [] and item.get("role") == "assistant":
        return  # what held only calls, which are items of their own
    counter.add(MESSAGE + counter.text(text_of(content)))
    if item.get("role") == "assistant":
        counter.add(family.responses.answered)
    add_media(counter, content, family, chat=False)


def _add_call(counter: Counter, item: JsonObject, family: Family) -> None:
    counter.add(family.responses.call + counter.name(as_text(item.get("name")), RECIPIENT))
    counter.add(counter.text(as_text(item.get("arguments"))))
    if as_text(item.get("id")):
        if family.responses.stored_call is None:
            counter.doubt(Note.UNCONFIRMED_FORMULA)
        counter.add(family.responses.stored_call or 0)
