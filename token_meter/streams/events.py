"""Streams of transcriptions, images and speech: typed events, of which the last one holds the answer and its usage."""

from collections.abc import Iterable

from token_meter.jsontypes import Json, JsonObject, as_text
from token_meter.streams.assembled import Assembled

KINDS = ("transcript.", "image_generation.", "image_edit.", "speech.audio.")
"""How the types of these events begin (OpenAI API reference, streaming events, 2026-11)."""
LAST = (".done", ".completed")
BULKY = frozenset({"type", "b64_json", "audio"})


def assemble_events(payloads: Iterable[JsonObject]) -> Assembled:
    """Return the last event's fields, without pictures and sounds; of an unfinished transcription the text so far."""
    body: dict[str, Json] = {}
    pieces: list[str] = []
    finished = False
    for payload in payloads:
        kind = as_text(payload.get("type"))
        if kind == "transcript.text.delta":
            pieces.append(as_text(payload.get("delta")))
        elif kind.endswith(LAST) or "usage" in payload:
            body.update({name: value for name, value in payload.items() if name not in BULKY and value is not None})
            finished = finished or kind.endswith(LAST)
        elif "error" in payload:
            body["error"] = payload["error"]
    if pieces and "text" not in body:
        body["text"] = "".join(pieces)
    return Assembled(body, finished)
