"""The prompt side of a call: which formula counts what the caller sent."""

from token_meter.codes import Note, Operation
from token_meter.counting.anthropic import count_messages_prompt
from token_meter.counting.chat_prompt import count_chat_prompt
from token_meter.counting.count import Count
from token_meter.counting.counter import Counter, unknown, unseen
from token_meter.counting.known_forms import doubted_prompt
from token_meter.counting.models import model_of
from token_meter.counting.responses_prompt import count_responses_prompt
from token_meter.counting.tokenizer import TokenizerUnusable
from token_meter.exchange import Exchange
from token_meter.jsontypes import Json, JsonObject


def count_prompt(exchange: Exchange) -> Count:
    """Return the prompt's tokens, or unknown where the request is unseen or its operation has no formula."""
    request = exchange.request
    if not request:
        return unseen(cut=exchange.request_cut)
    counter = {
        Operation.CHAT: count_chat_prompt,
        Operation.COMPLETIONS: _completions,
        Operation.EMBEDDINGS: _embeddings,
        Operation.RESPONSES: count_responses_prompt,
        Operation.MESSAGES: count_messages_prompt,
        Operation.IMAGES: _images,
        Operation.SPEECH: _speech,
    }.get(exchange.operation)
    if counter is None:
        return unknown()
    try:
        count = counter(exchange, request)
    except (TokenizerUnusable, RecursionError):
        return unknown(Note.COUNT_FAULT)
    return doubted_prompt(count, exchange)


def _completions(exchange: Exchange, request: JsonObject) -> Count:
    """Σ T over the prompts; a list of token ids is its length."""
    unconfirmed = (Note.UNCONFIRMED_FORMULA,) if request.get("suffix") else ()
    return _texts(exchange, request.get("prompt"), *unconfirmed)


def _embeddings(exchange: Exchange, request: JsonObject) -> Count:
    """Σ T over the inputs; a list of token ids is its length; the empty string counts 1."""
    return _texts(exchange, request.get("input"), empty=1)


def _images(exchange: Exchange, request: JsonObject) -> Count:
    """The description of the picture; what else a model of images reads is not known."""
    return _texts(exchange, request.get("prompt"), Note.UNCONFIRMED_FORMULA)


def _speech(exchange: Exchange, request: JsonObject) -> Count:
    """The text to be spoken."""
    return _texts(exchange, request.get("input"), Note.UNCONFIRMED_FORMULA)


def _texts(exchange: Exchange, value: Json, *doubts: Note, empty: int = 0) -> Count:
    model = model_of(exchange)
    counter = Counter(model.family.encoding)
    counter.doubt(*model.notes, *doubts)
    if exchange.request_cut:
        counter.doubt(Note.CUT)
    values = value if isinstance(value, list) else [value]
    if not values:
        return unseen(cut=exchange.request_cut)
    if all(_is_token(item) for item in values):
        counter.add(len(values))
        return counter.result()
    for item in values:
        if isinstance(item, list) and item and all(_is_token(token) for token in item):
            counter.add(len(item))
        elif isinstance(item, str):
            counter.add(counter.text(item) if item else empty)
        else:
            return unknown()
    return counter.result()


def _is_token(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
