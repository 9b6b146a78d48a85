"""Streams of Anthropic messages: one message out of its start, its blocks and its last delta."""

from collections.abc import Iterable, Mapping

from token_meter.jsontypes import Json, JsonObject, as_object, as_text, as_whole_number, parse_json
from token_meter.streams.assembled import MOST_PARTS, Assembled, prompt_side


def assemble_messages(payloads: Iterable[JsonObject]) -> Assembled:
    """Return the message; finished where it has a stop reason. Usage is cumulative: the last of each field counts.

    Of its output only the last delta tells how much there was: the start says one token, whatever comes.
    """
    body: dict[str, Json] = {}
    usage: dict[str, Json] = {}
    blocks: dict[int, _Block] = {}
    finished = False
    for payload in payloads:
        kind = as_text(payload.get("type"))
        if kind == "message_start":
            body.update(as_object(payload.get("message")))
            usage.update(prompt_side(_stated(as_object(body.get("usage")))))
        elif kind == "message_delta":
            body.update(_stated(as_object(payload.get("delta"))))
            usage.update(_stated(as_object(payload.get("usage"))))
        elif kind == "error":
            body["error"] = payload.get("error")
        elif kind in ("content_block_start", "content_block_delta"):
            index = as_whole_number(payload.get("index")) or 0
            if index in blocks or len(blocks) < MOST_PARTS:
                blocks.setdefault(index, _Block()).add(kind, payload)
        finished = finished or kind == "message_stop" or bool(body.get("stop_reason"))
    if usage:
        body["usage"] = usage if finished else prompt_side(usage)
    if blocks:
        body["content"] = [block.body() for _, block in sorted(blocks.items())]
    return Assembled(body, finished)


def _stated(fields: JsonObject) -> Mapping[str, Json]:
    """Return the fields that say something; usage in a stream is cumulative, and a null takes nothing back."""
    return {name: value for name, value in fields.items() if value is not None}


class _Block:
    """One content block while its deltas arrive."""

    def __init__(self) -> None:
        self.start: JsonObject = {}
        self.parts: dict[str, list[str]] = {"text": [], "thinking": [], "partial_json": []}

    def add(self, kind: str, payload: JsonObject) -> None:
        """Take in one event of the block."""
        if kind == "content_block_start":
            self.start = as_object(payload.get("content_block"))
            return
        delta = as_object(payload.get("delta"))
        for name, parts in self.parts.items():
            if isinstance(delta.get(name), str):
                parts.append(as_text(delta[name]))

    def body(self) -> dict[str, Json]:
        """Return the block as it stands in a whole body."""
        body = dict(self.start)
        text, thinking, arguments = ("".join(parts) for parts in self.parts.values())
        if text:
            body["text"] = as_text(body.get("text")) + text
        if thinking:
            body["thinking"] = as_text(body.get("thinking")) + thinking
        if arguments:
            value = parse_json(arguments)
            body["input"] = arguments if value is None else value
        return body
