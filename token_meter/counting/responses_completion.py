"""The completion of a Responses call: its messages and function calls.

    text                T(text) + 1, and 1 more where tools were offered
    one call            T(" to=functions.NAME") + T(arguments) + 5; T(arguments) + 1 where the request forced it
    several at once     T(" to=multi_tool_use.parallel") + T({"tool_uses":[…]}) + 5

A model that can think shows by a `reasoning` item that it did; what it thought is charged and not shown. Without one
its answer is T(text) or T(" to=functions.NAME") + T(arguments), and a few tokens around them.
"""

from dataclasses import dataclass

from token_meter.codes import Note
from token_meter.counting.count import Count
from token_meter.counting.counter import Counter, unknown
from token_meter.counting.families import Family, Style
from token_meter.counting.messages import text_of
from token_meter.counting.models import model_of
from token_meter.counting.response_formats import responses_schema
from token_meter.counting.shared_usage import share_completion
from token_meter.counting.tool_history import PARALLEL, RECIPIENT, parallel_text
from token_meter.counting.tools import responses_tools
from token_meter.exchange import Exchange
from token_meter.jsontypes import JsonObject, as_list, as_object, as_text

STOP = 1
TOOLS_OFFERED = 1
CALL = 4
SCHEMA_NAME = 2
"""Beside the schema's name, at the beginning of a text that a model which can think writes under one."""


@dataclass(frozen=True, slots=True)
class _Output:
    """What an answer holds."""

    messages: list[JsonObject]
    calls: list[JsonObject]
    others: bool
    completed: bool


def count_responses_completion(exchange: Exchange, response: JsonObject) -> Count:
    """Return the tokens of a response's output; unknown where it has none. Raises RecursionError as `written`."""
    items = [as_object(item) for item in as_list(response.get("output"))]
    if not items:
        return unknown()
    calls = [item for item in items if item.get("type") == "function_call"]
    messages = [item for item in items if item.get("type") == "message"]
    others = len(calls) + len(messages) != len(items)
    output = _Output(messages, calls, others, completed=response.get("status") == "completed")
    model = model_of(exchange)
    counter = Counter(model.family.encoding)
    counter.doubt(*model.notes)
    if exchange.aborted:
        counter.doubt(Note.ABORTED)
    if exchange.response_cut:
        counter.doubt(Note.CUT)
    if output.others:
        counter.doubt(Note.LOWER_BOUND)
    if (calls and messages) or len(messages) > 1:
        counter.doubt(Note.UNCONFIRMED_FORMULA)
    if model.family.style is Style.REASONING:
        _add_of_thinker(counter, output, exchange, model.family)
    else:
        _add(counter, output, exchange)
    share_completion(counter, exchange, model.family)
    return counter.result()


def _add(counter: Counter, output: _Output, exchange: Exchange) -> None:
    """Add an answer of a model that does not think."""
    if exchange.azure:
        counter.doubt(Note.UNCONFIRMED_FORMULA)
    request = _request_of(counter, exchange)
    stop = STOP if output.completed else 0
    offered = TOOLS_OFFERED if responses_tools(request).offered else 0
    for message in output.messages:
        counter.add(counter.text(text_of(message.get("content"))) + stop + offered)
    if output.calls:
        counter.add(_calls(counter, output.calls, request, exchange) + stop)


def _add_of_thinker(counter: Counter, output: _Output, exchange: Exchange, family: Family) -> None:
    """Add an answer of a model that can think: a lower bound, except where it did not and all of it is shown."""
    unthought = None if output.others else family.responses.unthought_answer
    if unthought is None or not output.completed:
        counter.doubt(Note.LOWER_BOUND)
    around = family.responses.thought_answer if unthought is None else unthought
    if not output.completed:
        around = 0
    if len(output.calls) > 1:
        counter.doubt(Note.UNCONFIRMED_FORMULA)
    schema = responses_schema(_request_of(counter, exchange))
    named = SCHEMA_NAME + counter.name(as_text(schema.get("name"))) if schema is not None else 0
    for message in output.messages:
        counter.add(counter.text(text_of(message.get("content"))) + named + around)
    for call in output.calls:
        counter.add(counter.name(as_text(call.get("name")), RECIPIENT) + counter.text(as_text(call.get("arguments"))))
        counter.add(around + CALL)


def _request_of(counter: Counter, exchange: Exchange) -> JsonObject:
    """Return the request, else the answer, which repeats the request's tools, choice and schema."""
    if exchange.request is not None and not exchange.request_cut:
        return exchange.request
    response = as_object(exchange.response)
    if not isinstance(response.get("tools"), list):
        counter.doubt(Note.REQUEST_UNSEEN)
    return response


def _calls(counter: Counter, calls: list[JsonObject], request: JsonObject, exchange: Exchange) -> int:
    """Return the tokens of the calls of a model that does not think.

    One call may have been written as several at once are (2 of 110 recorded calls), and the answer does not show it.
    """
    if len(calls) > 1:
        return counter.text(PARALLEL) + counter.text(parallel_text(counter, calls)) + CALL
    name, arguments = as_text(calls[0].get("name")), as_text(calls[0].get("arguments"))
    choice = request.get("tool_choice")
    alone = choice == "required" and len(responses_tools(request).functions) == 1
    if as_object(choice).get("name") or alone:
        return counter.text(arguments)
    if as_object(exchange.response).get("parallel_tool_calls", request.get("parallel_tool_calls")) is not False:
        counter.doubt(Note.INEXACT_FORMULA)
    return counter.name(name, RECIPIENT) + counter.text(arguments) + CALL
