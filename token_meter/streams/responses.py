"""Streams of the Responses API: the final response object, or the output items that its deltas built so far."""

from collections.abc import Iterable

from token_meter.jsontypes import Json, JsonObject, as_list, as_object, as_text, as_whole_number
from token_meter.streams.assembled import MOST_PARTS, Assembled, prompt_side

TERMINAL_EVENTS = frozenset({"response.completed", "response.incomplete", "response.failed"})


def assemble_responses(payloads: Iterable[JsonObject]) -> Assembled:
    """Return the response object; finished where the stream's last event said so."""
    latest: JsonObject = {}
    error: JsonObject = {}
    finished = False
    items: dict[int, _OutputItem] = {}
    for payload in payloads:
        kind = as_text(payload.get("type"))
        if isinstance(payload.get("response"), dict):
            latest = as_object(payload["response"])
            finished = finished or kind in TERMINAL_EVENTS
        elif kind == "error":
            error = payload
        else:
            index = as_whole_number(payload.get("output_index"))
            if index is not None and (index in items or len(items) < MOST_PARTS):
                items.setdefault(index, _OutputItem()).add(kind, payload)
    body = dict(latest)
    if error:
        body["error"] = dict(error)
    if not finished and isinstance(body.get("usage"), dict):
        body["usage"] = prompt_side(as_object(body["usage"]))
    if not finished or not as_list(body.get("output")):
        body["output"] = [dict(item.body()) for _, item in sorted(items.items())]
    return Assembled(body, finished)


class _OutputItem:
    """One output item of a Responses stream while its deltas arrive; the item's own `done` event replaces them."""

    def __init__(self) -> None:
        self.item: JsonObject = {}
        self.done = False
        self.texts: dict[str, list[str]] = {"output_text": [], "refusal": [], "arguments": [], "summary": []}

    def add(self, kind: str, payload: JsonObject) -> None:
        """Take in one event of the item."""
        if isinstance(payload.get("item"), dict):
            self.item = as_object(payload["item"])
            self.done = self.done or kind.endswith(".done")
        delta = as_text(payload.get("delta"))
        if kind == "response.output_text.delta":
            self.texts["output_text"].append(delta)
        elif kind == "response.refusal.delta":
            self.texts["refusal"].append(delta)
        elif kind == "response.function_call_arguments.delta":
            self.texts["arguments"].append(delta)
        elif kind == "response.reasoning_summary_text.delta":
            self.texts["summary"].append(delta)

    def body(self) -> JsonObject:
        """Return the item as it stands in a whole body."""
        if self.done:
            return self.item
        text, refusal, arguments, summary = ("".join(parts) for parts in self.texts.values())
        body = dict(self.item)
        if arguments:
            body["arguments"] = arguments
        elif summary:
            body["summary"] = [{"type": "summary_text", "text": summary}]
        elif text or refusal:
            parts: list[Json] = [{"type": "output_text", "text": text}] if text else []
            parts += [{"type": "refusal", "refusal": refusal}] if refusal else []
            body = {"type": "message", "role": "assistant", **body, "content": parts}
        return body
