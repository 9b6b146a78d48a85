"""Chat messages as the service writes them into the prompt (formulas P1 and P2)."""

from token_meter.jsontypes import Json, JsonObject, as_list, as_object, as_text

MESSAGE_FRAME = 3
"""Tokens around every message."""
ROLE = 1
"""Every role is one token."""
REPLY_PRIMING = 3
"""The answer's beginning, which the service appends to the prompt."""


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


TEXT_PARTS = frozenset({"text", "input_text", "output_text", "refusal", ""})
