"""Bodies that the project's own policies compacted, as docs/canonical-record.md defines them."""

from token_meter.codes import Operation
from token_meter.jsontypes import Json, JsonObject, as_list, as_object, as_text, as_token_count
from token_meter.streams.assembled import Assembled, prompt_side
from token_meter.streams.choices import LOGPROBS

ENDED = frozenset({"completed", "incomplete", "failed", "cancelled"})
"""What a response's `status` is when it is over."""
MOST_LOGPROBS = 2**20
"""Tokens of an answer's choices together; no model writes as many."""


def read_compacted(operation: Operation, body: JsonObject) -> Assembled:
    """Return a compacted answer as the service would have sent it, and whether it was finished."""
    if operation is Operation.RESPONSES:
        return _final(body, finished=as_text(body.get("status")) in ENDED)
    if operation is Operation.MESSAGES:
        return _final(body, finished=bool(body.get("stop_reason")) or body.get("done") is True)
    choices = [as_object(choice) for choice in as_list(body.get("choices"))]
    if not choices:
        return Assembled(body, finished=True)
    finished = all(as_text(choice.get("finish_reason")) for choice in choices)
    listed: list[Json] = [dict(choice) for choice in _with_logprobs(choices)]
    return Assembled({**body, "choices": listed}, finished)


def _final(body: JsonObject, *, finished: bool) -> Assembled:
    """Return an answer with what is final in its usage."""
    usage = as_object(body.get("usage"))
    return Assembled(body if finished or not usage else {**body, "usage": prompt_side(usage)}, finished)


def _with_logprobs(choices: list[JsonObject]) -> list[JsonObject]:
    """Return choices with lists in place of the numbers of tokens that a compacted `logprobs` holds."""
    numbers = [_numbers_of(choice) for choice in choices]
    if sum(number for found in numbers for number in found.values()) > MOST_LOGPROBS:
        return [{**choice, "logprobs": None} for choice in choices]
    return [
        {**choice, "logprobs": {name: [None] * number for name, number in found.items()}} if found else choice
        for choice, found in zip(choices, numbers, strict=True)
    ]


def _numbers_of(choice: JsonObject) -> dict[str, int]:
    logprobs = as_object(choice.get("logprobs"))
    counts = {name: as_token_count(logprobs.get(name)) for name in LOGPROBS}
    return {name: count for name, count in counts.items() if count is not None}
