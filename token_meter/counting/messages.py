"""Messages as the service writes them into the prompt: their texts, names and the media among their parts."""

from datetime import UTC, datetime

from token_meter.counting.counter import Counter
from token_meter.jsontypes import Json, JsonObject, as_list, as_object, as_text

SYSTEM_ROLES = frozenset({"system", "developer"})
RESULT_ROLES = frozenset({"tool", "function"})
TEXT_PARTS = frozenset({"text", "input_text", "output_text", "refusal", ""})
ESCAPED_UNTIL = datetime(2026, 3, 1, tzinfo=UTC)
"""JSON that the service writes anew was escaped beyond ASCII until between 2026-02-11 and 2026-03-12."""


def text_of(content: Json) -> str:
    """Return the text of a message's content: itself, or its text parts joined."""
    if isinstance(content, str):
        return content
    parts = (as_object(part) for part in as_list(content))
    return "".join(as_text(part.get("text")) or as_text(part.get("refusal")) for part in parts)


def media_of(content: Json) -> list[JsonObject]:
    """Return the parts of a message's content that are no text: images, audio, files."""
    parts = [as_object(part) for part in as_list(content)]
    return [part for part in parts if as_text(part.get("type")) not in TEXT_PARTS]


def name_tokens(counter: Counter, message: JsonObject) -> int:
    """Return what a message's `name` adds to its role: a colon and the name are one text to the tokenizer."""
    name = as_text(message.get("name"))
    return counter.name(name, ":") if name else 0


def is_escaped(when: datetime | None) -> bool:
    """Tell whether the service escaped JSON beyond ASCII at a time; without one, as it does today."""
    return when is not None and when < ESCAPED_UNTIL
