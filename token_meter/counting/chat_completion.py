"""The completion of a chat or of the older completions API: every choice's text, refusal and calls.

    text                T(text), and 1 where tools were offered
    one call            T(" to=functions.NAME") + T(arguments) + 4; T(arguments) where the request forced the function
    several at once     T(" to=multi_tool_use.parallel") + T({"tool_uses":[…]}) + 4

and the token that ends an answer, where the host counts it.
"""

import json
from dataclasses import dataclass

from token_meter.codes import Note, Operation
from token_meter.counting.count import Count
from token_meter.counting.counter import Counter, unseen
from token_meter.counting.families import Style
from token_meter.counting.json_text import compact, parsed
from token_meter.counting.messages import text_of
from token_meter.counting.models import Model, model_of
from token_meter.counting.response_formats import chat_schema
from token_meter.counting.stop_tokens import counts_stop_token
from token_meter.counting.tool_choice import REQUIRED, choice_of
from token_meter.counting.tool_history import PARALLEL, RECIPIENT, called_functions, parallel_text
from token_meter.counting.tools import chat_tools
from token_meter.exchange import Exchange
from token_meter.jsontypes import Json, JsonObject, as_list, as_object, as_text, as_whole_number

TOOLS_OFFERED = 1
"""A text where the model could have called: its choice not to is a token."""
SCHEMA_NAME = 2
"""Beside the schema's name, at the beginning of a text under a schema where the model could have called."""

LISTS_OF_TOKENS = ("content", "refusal", "tokens")
"""Of `logprobs`: those of chat answers, and that of the older API."""


def count_chat_completion(exchange: Exchange, response: JsonObject) -> Count:
    """Return the tokens of all choices; unknown where none shows what it holds. Raises RecursionError as `written`."""
    listed = [as_object(choice) for choice in as_list(response.get("choices"))]
    choices = [choice for choice in listed if isinstance(choice.get("message"), dict) or "text" in choice]
    if not choices:
        return unseen(cut=exchange.response_cut)
    model = model_of(exchange)
    counter = Counter(model.family.encoding)
    counter.doubt(*model.notes, *_doubts(exchange, model, len(choices)))
    offer = _offer_of(counter, exchange)
    for choice in choices:
        _Choice(counter, choice, exchange, model, offer).add()
    return counter.result()


@dataclass(frozen=True, slots=True)
class _Offer:
    """What the model could have called, looked up once for all choices."""

    seen: bool
    """The request is in the record."""
    tools: bool
    choice: Json
    schema_name: int
    """Tokens at the beginning of a text under a schema; 0 without one."""


def _offer_of(counter: Counter, exchange: Exchange) -> _Offer:
    request = as_object(exchange.request)
    choice, schema = choice_of(request), chat_schema(request)
    tools = chat_tools(request).offered and choice != "none"
    name = SCHEMA_NAME + counter.name(as_text(schema.get("name"))) if tools and schema is not None else 0
    return _Offer(exchange.request is not None, tools, choice, name)


def _doubts(exchange: Exchange, model: Model, shown: int) -> list[Note]:
    """Return why an answer of so many choices may be charged otherwise than by what it shows."""
    request = as_object(exchange.request)
    best_of, wanted = as_whole_number(request.get("best_of")) or 1, as_whole_number(request.get("n")) or 1
    older = exchange.operation is Operation.COMPLETIONS  # whose request may ask for drafts, or for itself in the answer
    told = {
        Note.ABORTED: exchange.aborted,
        Note.CUT: exchange.response_cut or (older and exchange.request_cut),
        Note.LOWER_BOUND: model.family.style is Style.REASONING
        or max(best_of, wanted) > shown
        or bool(request.get("prediction")),  # what was predicted wrongly is charged as well
        Note.UNCONFIRMED_FORMULA: bool(request.get("echo")),
        Note.REQUEST_UNSEEN: older and exchange.request is None,
    }
    return [note for note, holds in told.items() if holds]


class _Choice:
    """Adds one choice up."""

    def __init__(self, counter: Counter, choice: JsonObject, exchange: Exchange, model: Model, offer: _Offer) -> None:
        self._counter = counter
        self._choice = choice
        self._exchange = exchange
        self._offer = offer
        self._message = as_object(choice.get("message"))
        self._finish = as_text(choice.get("finish_reason"))
        self._dialect = model.family.chat
        ended = self._finish not in ("", "length", "content_filter")
        chat = exchange.operation is Operation.CHAT
        self._stop = int(chat and ended and counts_stop_token(exchange.time, azure=exchange.azure))

    def add(self) -> None:
        """Add the choice's tokens, and what is doubtful of them."""
        if self._finish == "content_filter":
            self._counter.doubt(Note.LOWER_BOUND)
        if isinstance(self._message.get("audio"), dict):
            self._counter.doubt(Note.LOWER_BOUND)
        functions = called_functions(self._message)
        text = self._text_tokens()
        self._counter.add(text)
        if functions:
            self._counter.add(self._calls(functions) + self._stop)
            if text:
                self._counter.add(TOOLS_OFFERED + self._stop)
        elif self._exchange.operation is Operation.CHAT:
            self._counter.add(self._beside_text() + self._stop)

    def _text_tokens(self) -> int:
        """Return the tokens of text and refusal: as many as logprobs list, else as many as the tokenizer finds."""
        logprobs = as_object(self._choice.get("logprobs"))
        listed = sum(len(as_list(logprobs.get(name))) for name in LISTS_OF_TOKENS)
        if listed:
            return listed
        texts = (
            as_text(self._choice.get("text")),
            text_of(self._message.get("content")),
            as_text(self._message.get("refusal")),
            as_text(self._message.get("reasoning_content")),
        )
        return sum(self._counter.text(text) for text in texts)

    def _beside_text(self) -> int:
        """Return what a text costs beside itself: more where the model could have called a function instead."""
        if not self._offer.seen:
            self._counter.doubt(Note.REQUEST_UNSEEN)
        if not self._offer.tools or self._dialect.answer_text:
            return self._dialect.answer_text if self._finish not in ("", "length") else 0
        return TOOLS_OFFERED + self._offer.schema_name

    def _calls(self, functions: list[JsonObject]) -> int:
        name, arguments = as_text(functions[0].get("name")), as_text(functions[0].get("arguments"))
        begun = 0
        if self._finish == "stop":  # the request forced a call, so that its beginning is a part of the prompt
            if not self._offer.seen:
                self._counter.doubt(Note.REQUEST_UNSEEN)
            if self._offer.choice != "required":
                return self._counter.text(arguments)
            begun = REQUIRED
        frame = self._dialect.answer_call - begun
        several = len(functions) > 1 or (self._dialect.comments and _was_parallel(functions[0]))
        if several:
            return self._counter.text(PARALLEL) + self._counter.text(parallel_text(self._counter, functions)) + frame
        return self._counter.name(name, RECIPIENT) + self._counter.text(arguments) + frame


def _was_parallel(function: JsonObject) -> bool:
    """Tell a call that the model wrote as several at once, though it was one.

    The service takes such a call apart and writes its arguments anew, with a blank behind every colon and comma, which
    the models themselves do not write: 22 of 22 recorded calls.
    """
    arguments = as_text(function.get("arguments"))
    value = parsed(arguments)
    if value is None or arguments == compact(arguments):
        return False
    return arguments in {json.dumps(value.value), json.dumps(value.value, ensure_ascii=False)}
