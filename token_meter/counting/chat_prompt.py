"""The prompt of a chat completion: messages, tools, history, schema and media as the service writes them.

    3 + Σ messages        a message: 4 + T(content) + T(":" + name)

Tools and schema are appended to the first message where it is a system message, else they are one by themselves.
"""

from datetime import datetime

from token_meter.codes import Note
from token_meter.counting.count import Count
from token_meter.counting.counter import Counter, unseen
from token_meter.counting.families import Family, Style
from token_meter.counting.media import add_media
from token_meter.counting.messages import RESULT_ROLES, SYSTEM_ROLES, is_escaped, media_of, name_tokens, text_of
from token_meter.counting.models import Model, model_of
from token_meter.counting.response_formats import chat_schema, is_confirmed, schema_section
from token_meter.counting.tool_choice import add_tool_choice
from token_meter.counting.tool_history import add_calls, add_results, called_functions
from token_meter.counting.tools import chat_tools, tools_block
from token_meter.exchange import Exchange
from token_meter.jsontypes import JsonObject, as_list, as_object, as_text

ELSEWHERE = ("data_sources", "dataSources")
"""Azure's "on your data": what it finds becomes a part of the prompt, and is not in the record."""
SCHEMA_IN_REPLY = 2
"""Beside the schema's name, at the beginning of an answer that follows it."""


def count_chat_prompt(exchange: Exchange, request: JsonObject) -> Count:
    """Return the tokens of a chat request's prompt; unknown where it has no messages. Raises RecursionError."""
    messages = [item for item in as_list(request.get("messages")) if isinstance(item, dict)]
    if not messages:
        return unseen(cut=exchange.request_cut)
    model = model_of(exchange)
    counter = Counter(model.family.encoding)
    counter.doubt(*model.notes)
    if exchange.request_cut:
        counter.doubt(Note.CUT)
    sections = _sections(counter, request, model, exchange.time)
    if any(request.get(name) for name in ELSEWHERE):
        counter.doubt(Note.PROMPT_ELSEWHERE)
    conversation = _Conversation(counter, model, exchange.time, sections)
    for item in messages:
        conversation.add(item)
    conversation.end()
    counter.add(model.family.chat.reply)
    _add_schema_name(counter, request, model, conversation.answers)
    add_tool_choice(counter, request, model.family.chat, exchange.time)
    return counter.result()


def _sections(counter: Counter, request: JsonObject, model: Model, when: datetime | None) -> list[str]:
    """Return what is appended to the system message, and add what it costs beside its text."""
    dialect = model.family.chat
    sections = []
    tools = chat_tools(request)
    if tools.others:
        counter.doubt(Note.BUILT_IN_TOOL)
    if tools.functions:
        block = tools_block(tools.functions, when, comments=dialect.comments)
        sections.append(block.text)
        counter.add(dialect.tools)
        counter.doubt(*block.doubts)
    schema = chat_schema(request)
    if schema is not None:
        sections.append(schema_section(schema, escaped=is_escaped(when)))
        if not is_confirmed(schema.get("schema")) or (tools.functions and model.family.style is Style.REASONING):
            counter.doubt(Note.UNCONFIRMED_FORMULA)
    if sections and not _are_sections_confirmed(request, model.family):
        counter.doubt(Note.UNCONFIRMED_FORMULA)
    return sections


def _are_sections_confirmed(request: JsonObject, family: Family) -> bool:
    """Tell whether recorded calls show a family's tools and schema where a request's stand."""
    if not family.tools_confirmed:
        return False
    first = next((as_object(item) for item in as_list(request.get("messages"))), {})
    appended = as_text(first.get("role")) in SYSTEM_ROLES
    return family.chat.appended_confirmed or not (appended or chat_schema(request) is not None)


class _Conversation:
    """Adds a request's messages up, one after the other; results of calls wait until all of them are there."""

    def __init__(self, counter: Counter, model: Model, when: datetime | None, sections: list[str]) -> None:
        self.answers = 0
        self._counter = counter
        self._model = model
        self._dialect = model.family.chat
        self._when = when
        self._sections = sections
        self._called: list[str] = []
        self._results: list[JsonObject] = []

    def add(self, message: JsonObject) -> None:
        """Add the next message."""
        role = as_text(message.get("role"))
        if self._sections and role not in SYSTEM_ROLES:
            self._add_sections("")
        if role in RESULT_ROLES:
            self._results.append(message)
            add_media(self._counter, message.get("content"), self._model.family, chat=True)
            return
        self._add_waiting_results()
        functions = called_functions(message)
        self._called = [as_text(function.get("name")) for function in functions]
        if functions:
            add_calls(self._counter, message, functions, self._dialect)
        else:
            self._add_text(message, role)

    def end(self) -> None:
        """Add what still waits."""
        self._add_waiting_results()
        if self._sections:
            self._add_sections("")

    def _add_text(self, message: JsonObject, role: str) -> None:
        content = message.get("content")
        text = text_of(content) or as_text(message.get("refusal"))
        name = name_tokens(self._counter, message)
        if self._sections:
            self._add_sections(text, name)
        else:
            self._counter.add(self._dialect.message + name + self._counter.text(text))
        if role == "assistant":
            self.answers += 1
            self._counter.add(self._dialect.answered)
        if media_of(content):
            add_media(self._counter, content, self._model.family, chat=True)
        if isinstance(message.get("audio"), dict):
            self._counter.doubt(Note.MEDIA_NOT_COUNTED)

    def _add_sections(self, system_text: str, name: int = 0) -> None:
        """Add tools and schema, with the system message that they are appended to where it comes first."""
        parts = [self._dialect.heading + system_text] if system_text else []
        text = "\n\n".join([*parts, *self._sections])
        self._counter.add(self._dialect.message + name + self._counter.text(text))
        self._sections = []

    def _add_waiting_results(self) -> None:
        if self._results:
            add_results(self._counter, self._called, self._results, self._when)
            self._results = []


def _add_schema_name(counter: Counter, request: JsonObject, model: Model, answers: int) -> None:
    """Add the schema's name at the beginning of every answer, and of the one to come where no tool can be called."""
    schema = chat_schema(request)
    if schema is None or not model.family.chat.schema_name_in_reply:
        return
    replies = answers + (0 if chat_tools(request).functions else 1)
    counter.add(replies * (SCHEMA_IN_REPLY + counter.name(as_text(schema.get("name")))))
