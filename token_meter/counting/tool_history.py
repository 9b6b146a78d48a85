"""Tool calls and their results in a chat's history, and several calls at once as the service writes them.

one call            to=functions.NAME{arguments}
several at once     to=multi_tool_use.parallel{"tool_uses":[{"recipient_name":"functions.NAME","parameters":{…}},…]}
their results       as one list: ["first", {"second": …}]
"""

from collections.abc import Sequence
from datetime import datetime

from token_meter.codes import Note
from token_meter.counting.counter import Counter
from token_meter.counting.dialects import ChatDialect
from token_meter.counting.json_text import compact, parsed, written
from token_meter.counting.messages import is_escaped, name_tokens, text_of
from token_meter.jsontypes import Json, JsonObject, as_list, as_object, as_text

RESULT_FRAME = 6
"""Around one tool's result, beside the called function's name and the content."""
PARALLEL_RESULTS_FRAME = 10
FUNCTION_MESSAGE_FRAME = 3
"""Around a message of the older role `function`, beside its `:name` and content."""
PARALLEL = " to=multi_tool_use.parallel"
RECIPIENT = " to=functions."
"""What a call writes before the name of the function it goes to."""


def called_functions(message: JsonObject) -> list[JsonObject]:
    """Return the function calls of an assistant's message, the older single `function_call` among them.

    A call of a custom tool stands there as a function, with its input for arguments.
    """
    calls = [as_object(call) for call in as_list(message.get("tool_calls"))]
    called = [as_object(call.get("function") or _of_custom(call.get("custom"))) for call in calls]
    older = message.get("function_call")
    return [function for function in called if function] + ([as_object(older)] if isinstance(older, dict) else [])


def _of_custom(custom: Json) -> dict[str, Json]:
    found = as_object(custom)
    return {"name": found.get("name"), "arguments": found.get("input")} if found else {}


def parallel_text(counter: Counter, functions: Sequence[JsonObject]) -> str:
    """Return the one call that several calls at once are written as. Raises RecursionError as `written`."""
    uses = [
        {
            "recipient_name": f"functions.{as_text(function.get('name'))}",
            "parameters": _value(counter, as_text(function.get("arguments"))),
        }
        for function in functions
    ]
    return written({"tool_uses": uses})


def add_calls(counter: Counter, message: JsonObject, functions: Sequence[JsonObject], dialect: ChatDialect) -> None:
    """Add an assistant's message that calls functions; its text, if it has one, is a message of its own before."""
    content, named = text_of(message.get("content")), name_tokens(counter, message)
    if content:
        counter.add(dialect.message + named + counter.text(content))
    counter.add(dialect.call + dialect.calling_turn + named)
    if len(functions) == 1:
        name, arguments = as_text(functions[0].get("name")), as_text(functions[0].get("arguments"))
        counter.add(counter.name(name, RECIPIENT) + counter.text(_rewritten(counter, arguments)))
    else:
        counter.add(counter.text(PARALLEL) + counter.text(parallel_text(counter, functions)))
    if not dialect.history_confirmed:
        counter.doubt(Note.UNCONFIRMED_FORMULA)


def add_results(counter: Counter, called: Sequence[str], results: Sequence[JsonObject], when: datetime | None) -> None:
    """Add the results of one message's calls: one by itself, several as one list."""
    if called and len(called) != len(results):
        counter.doubt(Note.UNCONFIRMED_FORMULA)
    if len(called) > 1:
        outputs = [_value(counter, text_of(result.get("content"))) for result in results]
        counter.add(PARALLEL_RESULTS_FRAME + counter.text(written(outputs, spaced=True, escaped=is_escaped(when))))
        return
    for result in results:
        content = text_of(result.get("content"))
        if not called:
            counter.add(FUNCTION_MESSAGE_FRAME + name_tokens(counter, result) + counter.text(content))
            counter.doubt(Note.INEXACT_FORMULA)
        else:
            counter.add(RESULT_FRAME + counter.name(called[0]) + counter.text(content))


def _value(counter: Counter, text: str) -> Json:
    """Return the JSON value that a text is, or the text itself: the service embeds either."""
    try:
        value = parsed(text)
    except RecursionError:
        counter.doubt(Note.INEXACT_FORMULA)
        return text
    return text if value is None else value.value


def _rewritten(counter: Counter, arguments: str) -> str:
    """Return arguments as the service writes them anew; nested beyond reading, as they are."""
    try:
        return compact(arguments)
    except RecursionError:
        counter.doubt(Note.INEXACT_FORMULA)
        return arguments
