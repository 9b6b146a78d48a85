"""Images, audio and files among a message's parts: added where their size is in the record, else noted."""

from token_meter.codes import Note
from token_meter.counting.audio import audio_tokens
from token_meter.counting.counter import Counter
from token_meter.counting.families import Family
from token_meter.counting.images import image_tokens
from token_meter.counting.messages import media_of
from token_meter.jsontypes import Json, JsonObject, as_object, as_text

IMAGES = frozenset({"image_url", "input_image"})
FILES = frozenset({"file", "input_file"})
REMOTE = ("http://", "https://")


def add_media(counter: Counter, content: Json, family: Family, *, chat: bool) -> None:
    """Add the parts of a message's content that are no text."""
    for part in media_of(content):
        kind = as_text(part.get("type"))
        if kind in IMAGES:
            _add_image(counter, part, family, chat=chat)
        elif kind == "input_audio":
            _add(counter, audio_tokens(part))
        else:
            counter.doubt(Note.PDF if kind in FILES else Note.MEDIA_NOT_COUNTED)


def _add_image(counter: Counter, part: JsonObject, family: Family, *, chat: bool) -> None:
    url = as_text(as_object(part.get("image_url")).get("url")) or as_text(part.get("image_url"))
    tokens = None if family.images is None else image_tokens(part, family.images, chat=chat)
    if tokens is None and url.lower().startswith(REMOTE):
        counter.doubt(Note.REMOTE_IMAGE)
        return
    _add(counter, tokens)
    if not family.images_confirmed:
        counter.doubt(Note.UNCONFIRMED_FORMULA)


def _add(counter: Counter, tokens: int | None) -> None:
    if tokens is None:
        counter.doubt(Note.MEDIA_NOT_COUNTED)
    else:
        counter.add(tokens)
