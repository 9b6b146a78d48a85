"""How much of a body a record holds, and what its missing rest may be: as many tokens a byte as what is there."""

from dataclasses import dataclass

from token_meter.jsontypes import Json, JsonObject, as_text

TRIMMED = 4
"""Bytes that gateways take from a body without cutting it: a byte order mark, or a stream's last line ends."""
LARGEST_BODY = 2**30
"""Bytes. No API takes or gives more (files go another way); a larger number is no size."""
MEDIA_PARTS = frozenset(
    {"image_url", "input_image", "image", "input_audio", "audio", "file", "input_file", "document", "redacted_thinking"}
)
"""Types of content parts whose tokens do not go with their bytes."""
DEEPEST_PART = 12


@dataclass(frozen=True, slots=True)
class Extent:
    """How many bytes of a body that was cut are in the record, and how many there were, both as UTF-8."""

    kept: int
    whole: int

    def beyond(self, tokens: int) -> int:
        """Return the tokens of the missing rest, where what is there has so many."""
        return (tokens * (self.whole - self.kept) + self.kept // 2) // self.kept


def extent_of(text: str, *, size: int | None, compacted: bool, cut_from: int | None) -> Extent | None:
    """Return the extent of a body that was cut, or None where its size does not tell so.

    `cut_from` is the size that it had before it was cut; `size` the true one of a body, which tells nothing of one that
    was compacted.
    """
    kept = len(text.encode("utf-8", "surrogatepass"))
    whole = cut_from if cut_from is not None else None if compacted or size is None else size - TRIMMED
    if not kept or whole is None or not kept < whole <= LARGEST_BODY:
        return None
    return Extent(kept, whole if cut_from is not None else whole + TRIMMED)


def without_media(request: JsonObject) -> JsonObject:
    """Return a request without the content parts that are no text."""
    return {name: _without_media(item, DEEPEST_PART) for name, item in request.items()}


def _without_media(value: Json, levels: int) -> Json:
    if isinstance(value, list):
        return [_without_media(item, levels - 1) for item in value if not _is_media(item)]
    if isinstance(value, dict):
        return {name: _without_media(item, levels - 1) for name, item in value.items()} if levels else {}
    return value


def _is_media(value: Json) -> bool:
    return isinstance(value, dict) and as_text(value.get("type")) in MEDIA_PARTS
