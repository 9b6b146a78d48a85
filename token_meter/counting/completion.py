"""The completion side of a call: which formula counts what the model answered."""

from token_meter.codes import Kind, Note, Operation, Source
from token_meter.counting.anthropic import count_messages_completion
from token_meter.counting.chat_completion import count_chat_completion
from token_meter.counting.count import Count
from token_meter.counting.counter import Counter, unknown, unseen
from token_meter.counting.known_forms import doubted_completion
from token_meter.counting.models import model_of
from token_meter.counting.responses_completion import count_responses_completion
from token_meter.counting.tokenizer import TokenizerUnusable
from token_meter.exchange import Exchange
from token_meter.jsontypes import JsonObject, as_text


def count_completion(exchange: Exchange) -> Count:
    """Return the completion's tokens, or unknown where the answer is unseen or its operation has no formula."""
    if exchange.operation is Operation.EMBEDDINGS:
        return unknown() if exchange.kind is Kind.REQUEST else Count(0, Source.COUNTED)
    response = exchange.response
    if not response:
        return unseen(cut=exchange.response_cut)
    counter = {
        Operation.CHAT: count_chat_completion,
        Operation.COMPLETIONS: count_chat_completion,
        Operation.RESPONSES: count_responses_completion,
        Operation.MESSAGES: count_messages_completion,
        Operation.TRANSCRIPTION: _transcription,
    }.get(exchange.operation)
    if counter is None:
        return unknown()
    try:
        count = counter(exchange, response)
    except (TokenizerUnusable, RecursionError):
        return unknown(Note.COUNT_FAULT)
    return doubted_completion(count, exchange)


def _transcription(exchange: Exchange, response: JsonObject) -> Count:
    """The text that was heard; models that are charged by the minute have no tokens at all."""
    text = as_text(response.get("text"))
    name = model_of(exchange).name
    if not text or not name.startswith("gpt-"):
        return unknown()
    counter = Counter(model_of(exchange).family.encoding)
    counter.doubt(Note.UNCONFIRMED_FORMULA)
    counter.add(counter.text(text))
    return counter.result()
