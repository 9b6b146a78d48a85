"""What a chat request's `tool_choice`, or the older `function_call`, adds to its prompt."""

from datetime import UTC, datetime

from token_meter.codes import Note
from token_meter.counting.counter import Counter
from token_meter.counting.dialects import ChatDialect
from token_meter.counting.tool_history import RECIPIENT
from token_meter.counting.tools import chat_tools
from token_meter.jsontypes import Json, JsonObject, as_object, as_text

REQUIRED = 2
"""For `required`, which the service then took out of the answer; since about the turn of 2025 it adds nothing."""
REQUIRED_UNTIL = datetime(2024, 12, 1, tzinfo=UTC)
"""Somewhere between 2024-09-26 and 2025-02-04."""


def choice_of(request: JsonObject) -> Json:
    """Return a request's choice: a word, or an object that names a function."""
    return request.get("tool_choice", request.get("function_call"))


def add_tool_choice(counter: Counter, request: JsonObject, dialect: ChatDialect, when: datetime | None) -> None:
    """Add what the choice costs; `auto` and no choice add nothing."""
    if not chat_tools(request).functions:
        return
    choice = choice_of(request)
    if choice == "none":
        counter.add(dialect.no_choice)
    elif choice == "required" and when is not None and when < REQUIRED_UNTIL:
        counter.add(REQUIRED)
    elif isinstance(choice, dict) and dialect.named_choice is not None:
        name = as_text(as_object(choice.get("function")).get("name")) or as_text(choice.get("name"))
        if name:
            counter.add(dialect.named_choice + counter.name(name, RECIPIENT))
        else:
            counter.doubt(Note.UNCONFIRMED_FORMULA)
