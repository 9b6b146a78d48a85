"""Streams into bodies: the events of an answer put together into the body that the service would have sent whole.

Usage and counting then have one form to look at. Where a stream says a thing several times, the last one wins; usage
is never added up.
"""

from collections.abc import Sequence

from token_meter.codes import Operation
from token_meter.jsontypes import JsonObject, as_text
from token_meter.streams.assembled import Assembled
from token_meter.streams.choices import assemble_choices
from token_meter.streams.events import KINDS, assemble_events
from token_meter.streams.messages import assemble_messages
from token_meter.streams.responses import assemble_responses

__all__ = ["Assembled", "assemble", "operation_of_stream"]


def assemble(operation: Operation, payloads: Sequence[JsonObject]) -> Assembled:
    """Return the one body that a stream's payloads amount to, by the operation's own rules."""
    if operation is Operation.MESSAGES:
        return assemble_messages(payloads)
    if operation is Operation.RESPONSES:
        return assemble_responses(payloads)
    if operation in (Operation.TRANSCRIPTION, Operation.IMAGES, Operation.SPEECH):
        return assemble_events(payloads)
    return assemble_choices(payloads)


def operation_named_by_event(kind: str) -> Operation:
    """Return which of the operations with typed events an event's type belongs to."""
    if kind.startswith("transcript."):
        return Operation.TRANSCRIPTION
    return Operation.SPEECH if kind.startswith("speech.") else Operation.IMAGES


def operation_of_stream(payloads: Sequence[JsonObject]) -> Operation:
    """Tell by its events what a stream is, for records whose path does not."""
    for payload in payloads:
        kind = as_text(payload.get("type"))
        if kind.startswith(KINDS):
            return operation_named_by_event(kind)
        if kind.startswith("response."):
            return Operation.RESPONSES
        if kind.startswith(("message_", "content_block_")):
            return Operation.MESSAGES
        if as_text(payload.get("object")) == "chat.completion.chunk":
            return Operation.CHAT
        if as_text(payload.get("object")) == "text_completion":
            return Operation.COMPLETIONS
    return Operation.UNKNOWN
