"""The completion side of a call: what the answer's text, refusals and tool calls cost (C1 to C9)."""

from token_meter.codes import Kind, Note, Operation, Source
from token_meter.counting.count import Count
from token_meter.counting.counter import Counter, unknown
from token_meter.counting.families import Style
from token_meter.counting.messages import text_of
from token_meter.counting.models import model_of
from token_meter.counting.response_formats import schema_of
from token_meter.counting.tokenizer import TokenizerUnusable
from token_meter.counting.tool_history import called_functions, parallel_text
from token_meter.counting.tools import functions_of
from token_meter.exchange import Exchange
from token_meter.jsontypes import JsonObject, as_list, as_object, as_text


def count_completion(exchange: Exchange) -> Count:
    """Return the completion's tokens, or unknown where the answer is unseen or its operation has no formula."""
    if exchange.operation is Operation.EMBEDDINGS:
        return unknown() if exchange.kind is Kind.REQUEST else Count(0, Source.COUNTED)
    response = exchange.response
    if not response:
        return unknown(Note.CUT) if exchange.response_cut else unknown()
    try:
        if exchange.operation in (Operation.CHAT, Operation.COMPLETIONS):
            return _choices(exchange, response)
        if exchange.operation is Operation.RESPONSES:
            return _output(exchange, response)
        if exchange.operation is Operation.MESSAGES:
            return _blocks(exchange, response)
    except TokenizerUnusable:
        return unknown(Note.COUNT_FAULT)
    return unknown()


def _started(exchange: Exchange) -> Counter:
    model = model_of(exchange)
    counter = Counter(model.family.encoding)
    if model.notes:
        counter.doubt(*model.notes)
    if exchange.aborted:
        counter.doubt(Note.ABORTED)
    if exchange.response_cut:
        counter.doubt(Note.CUT)
    if model.family.style is Style.REASONING:
        counter.doubt(Note.LOWER_BOUND)
    return counter


def _choices(exchange: Exchange, response: JsonObject) -> Count:
    choices = [as_object(choice) for choice in as_list(response.get("choices"))]
    if not choices:
        return unknown()
    counter = _started(exchange)
    request = exchange.request
    if request is None:
        counter.doubt(Note.REQUEST_UNSEEN)
    asked = as_object(request)
    for choice in choices:
        _add_choice(counter, choice, asked, exchange)
    return counter.result()


def _add_choice(counter: Counter, choice: JsonObject, request: JsonObject, exchange: Exchange) -> None:
    message = as_object(choice.get("message"))
    finish = as_text(choice.get("finish_reason"))
    functions = called_functions(message)
    text = as_text(choice.get("text")) or text_of(message.get("content")) or as_text(message.get("refusal"))
    counter.add(counter.text(text))
    if finish == "content_filter":
        counter.doubt(Note.LOWER_BOUND)
    if functions:
        counter.add(_calls(counter, functions, request, azure=exchange.azure))
        counter.add(3 if text else 0)
        return
    if exchange.operation is Operation.CHAT:
        offered = bool(functions_of(request))
        if offered:
            counter.add(1)
            schema = schema_of(request)
            if schema is not None:
                counter.add(2 + counter.text(as_text(schema.get("name"))))
        if exchange.azure and finish == "stop":
            counter.add(1)


def _calls(counter: Counter, functions: list[JsonObject], request: JsonObject, *, azure: bool) -> int:
    extra = 5 if azure else 4
    if len(functions) > 1:
        return counter.text(" to=multi_tool_use.parallel") + counter.text(parallel_text(functions)) + extra
    name, arguments = as_text(functions[0].get("name")), as_text(functions[0].get("arguments"))
    if isinstance(request.get("tool_choice"), dict) or isinstance(request.get("function_call"), dict):
        return counter.text(arguments)
    return counter.text(f" to=functions.{name}") + counter.text(arguments) + extra


def _output(exchange: Exchange, response: JsonObject) -> Count:
    items = [as_object(item) for item in as_list(response.get("output"))]
    if not items:
        return unknown()
    counter = _started(exchange)
    for item in items:
        kind = as_text(item.get("type"))
        if kind == "message":
            counter.add(counter.text(text_of(item.get("content"))))
        elif kind == "function_call":
            counter.add(counter.text(as_text(item.get("name"))) + counter.text(as_text(item.get("arguments"))))
            counter.doubt(Note.INEXACT_FORMULA)
        else:
            counter.doubt(Note.LOWER_BOUND)
    counter.doubt(Note.INEXACT_FORMULA)
    return counter.result()


def _blocks(exchange: Exchange, response: JsonObject) -> Count:
    blocks = [as_object(block) for block in as_list(response.get("content"))]
    if not blocks:
        return unknown()
    counter = _started(exchange)
    counter.doubt(Note.FOREIGN_TOKENIZER)
    for block in blocks:
        counter.add(counter.text(as_text(block.get("text")) or as_text(block.get("thinking"))))
    return counter.result()
