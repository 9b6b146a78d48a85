"""The prompt of a chat completion: messages, tools, history and schema as the service writes them (P1 to P5)."""

from datetime import datetime

from token_meter.codes import Note
from token_meter.counting.count import Count
from token_meter.counting.counter import Counter
from token_meter.counting.families import Style
from token_meter.counting.messages import MESSAGE_FRAME, REPLY_PRIMING, ROLE, media_of, text_of
from token_meter.counting.models import Model, model_of
from token_meter.counting.response_formats import schema_of, schema_section
from token_meter.counting.tool_history import add_calls, add_results, called_functions
from token_meter.counting.tools import functions_of, tools_block
from token_meter.exchange import Exchange
from token_meter.jsontypes import JsonObject, as_list, as_object, as_text

SYSTEM_ROLES = frozenset({"system", "developer"})
RESULT_ROLES = frozenset({"tool", "function"})


def count_chat_prompt(exchange: Exchange, request: JsonObject) -> Count:
    """Return the tokens of a chat request's prompt."""
    model = model_of(exchange)
    counter = Counter(model.family.encoding)
    if model.notes:
        counter.doubt(*model.notes)
    if exchange.request_cut:
        counter.doubt(Note.CUT)
    messages = [as_object(item) for item in as_list(request.get("messages"))]
    reasoning = model.family.style is Style.REASONING
    schema = schema_of(request)
    functions = functions_of(request)
    tools = tools_block(functions) if functions else ""
    in_system = [tools] if tools and not model.name.startswith("gpt-5") else []
    in_system += [schema_section(schema)] if schema is not None else []
    _add_messages(counter, messages, in_system, model, exchange.time)
    if tools and not reasoning:
        counter.add(-1)
    counter.add(2 if reasoning else REPLY_PRIMING)
    if tools and model.name.startswith("gpt-5"):
        counter.add(82 + MESSAGE_FRAME + ROLE + counter.text(tools) - 1)
    if schema is not None and not functions:
        counter.add(2 + counter.text(as_text(schema.get("name"))))
    _add_tool_choice(counter, request, reasoning=reasoning)
    return counter.result()


def _add_messages(
    counter: Counter, messages: list[JsonObject], in_system: list[str], model: Model, when: datetime | None
) -> None:
    reasoning = model.family.style is Style.REASONING
    pending: list[str] = []
    results: list[JsonObject] = []

    def flush() -> None:
        if results:
            add_results(counter, pending or [as_text(results[0].get("name"))], results, when)
            results.clear()

    if in_system and not any(as_text(message.get("role")) in SYSTEM_ROLES for message in messages):
        counter.add(MESSAGE_FRAME + ROLE + counter.text("\n\n".join(in_system)))
        in_system = []
    for message in messages:
        role = as_text(message.get("role"))
        if role in RESULT_ROLES:
            results.append(message)
            continue
        flush()
        functions = called_functions(message)
        if functions:
            pending = [as_text(function.get("name")) for function in functions]
            add_calls(counter, message, functions)
            continue
        text = text_of(message.get("content"))
        if in_system and role in SYSTEM_ROLES:
            text = "\n\n".join([text, *in_system])
            in_system = []
        counter.add(MESSAGE_FRAME + ROLE + counter.text(text))
        if reasoning and role == "assistant":
            counter.add(2)
        _add_name(counter, message, role)
        if media_of(message.get("content")):
            counter.doubt(Note.MEDIA_NOT_COUNTED)
    flush()


def _add_name(counter: Counter, message: JsonObject, role: str) -> None:
    name = as_text(message.get("name"))
    if name:
        counter.add(1 if name == role else 1 + counter.text(name))


def _add_tool_choice(counter: Counter, request: JsonObject, *, reasoning: bool) -> None:
    choice = request.get("tool_choice")
    older = request.get("function_call")
    if reasoning:
        return
    if "none" in (choice, older):
        counter.add(1)
    if isinstance(choice, dict):
        counter.add(4 + counter.text(f" to=functions.{as_text(as_object(choice.get('function')).get('name'))}"))
    if isinstance(older, dict):
        counter.add(1 + counter.text(f" to=functions.{as_text(older.get('name'))}"))
