"""Usage as the service reported it, out of an answer's body, in one form for every API.

Cached tokens are a subset of the prompt and reasoning tokens one of the completion for every provider: OpenAI reports
them so, and Anthropic's cache counts, which stand beside `input_tokens`, are added into the prompt
(platform-facts.md section 7).
"""

from dataclasses import dataclass, replace

from token_meter.codes import Note, Operation
from token_meter.jsontypes import Json, JsonObject, as_object, as_token_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Numbers of tokens; None is what the service did not say."""

    prompt: int | None = None
    completion: int | None = None
    total: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    audio_prompt: int | None = None
    audio_completion: int | None = None
    image: int | None = None
    notes: tuple[Note, ...] = ()

    @property
    def reported(self) -> bool:
        """Whether the service said anything of how many."""
        return any(number is not None for number in (self.prompt, self.completion, self.total))


NOTHING = Usage()


def read_usage(operation: Operation, response: JsonObject | None) -> Usage:
    """Return the usage in an answer's body, or an empty one where it holds none.

    The vendors' names may stand beside each other, as gateways between APIs write them: OpenAI's `prompt_tokens` holds
    the cached ones already, whatever stands beside it; Anthropic's `input_tokens` holds none of those that its own
    cache fields count.
    """
    reported = as_object(as_object(response).get("usage"))
    if not reported:
        return NOTHING
    if reported.get("type") == "duration":
        return Usage(notes=(Note.CHARGED_BY_DURATION,))
    inside = _details(reported, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    outside = _details(reported, "completion_tokens_details", "output_tokens_details", "output_token_details")
    read, written = _first(reported, "cache_read_input_tokens"), _written(reported)
    prompt, uncached = _first(reported, "prompt_tokens"), _first(reported, "input_tokens")
    if prompt is None and uncached is not None:
        prompt = uncached + (read or 0) + (written or 0)
    usage = Usage(
        prompt=prompt,
        completion=_first(reported, "completion_tokens", "output_tokens"),
        total=_first(reported, "total_tokens"),
        cached=_first_known(_first(inside, "cached_tokens"), read),
        cache_write=_first_known(_first(inside, "cache_write_tokens"), written),
        reasoning=_first(outside, "reasoning_tokens", "thinking_tokens"),
        audio_prompt=_first(inside, "audio_tokens"),
        audio_completion=_first(outside, "audio_tokens"),
        image=_first(inside, "image_tokens"),
    )
    return completed(usage, operation)


def completed(usage: Usage, operation: Operation) -> Usage:
    """Return usage with the number that follows from the others, and a note where they contradict each other."""
    prompt, completion, total = usage.prompt, usage.completion, usage.total
    if completion is None and prompt is not None and total is not None and total >= prompt:
        completion = total - prompt  # embeddings, and completions of nothing, leave the difference out
    if completion is None and operation is Operation.EMBEDDINGS and prompt is not None:
        completion = 0
    if total is None and prompt is not None and completion is not None:
        total = prompt + completion
    if prompt is not None and completion is not None and total == prompt + completion + (usage.reasoning or 0):
        completion = total - prompt  # xAI's models report their reasoning beside the completion
    return _checked(replace(usage, completion=completion, total=total))


def _checked(usage: Usage) -> Usage:
    """Mark numbers that cannot all be true; they stay as reported."""
    parts = (
        (usage.cached, usage.prompt),
        (usage.audio_prompt, usage.prompt),
        (usage.image, usage.prompt),
        (usage.reasoning, usage.completion),
        (usage.audio_completion, usage.completion),
    )
    exceeded = any(part is not None and whole is not None and part > whole for part, whole in parts)
    if not exceeded and not _disagrees(usage):
        return usage
    return replace(usage, notes=(Note.INCONSISTENT_USAGE,))


def _disagrees(usage: Usage) -> bool:
    """Tell a total that is not what its parts come to, as far as they are known."""
    if usage.total is None:
        return False
    if usage.prompt is not None and usage.completion is not None:
        return usage.prompt + usage.completion != usage.total
    return any(part is not None and part > usage.total for part in (usage.prompt, usage.completion))


def _first(fields: JsonObject, *names: str) -> int | None:
    """Return the first of the named fields that is a number of tokens."""
    return next((count for name in names if (count := as_token_count(fields.get(name))) is not None), None)


def _first_known(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)


def _details(fields: JsonObject, *names: str) -> JsonObject:
    """Return the details of one side, which has one of these names; where it has several, the first one's count."""
    merged: dict[str, Json] = {}
    for name in reversed(names):
        merged |= as_object(fields.get(name))
    return merged


def _written(reported: JsonObject) -> int | None:
    """Return what was written to Anthropic's cache: in all, or else the sum of what each time to live got."""
    written = _first(reported, "cache_creation_input_tokens")
    if written is not None:
        return written
    by_lifetime = as_object(reported.get("cache_creation"))
    counts = [_first(by_lifetime, name) for name in ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
