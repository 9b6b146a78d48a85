"""Usage as the service reported it, out of an answer's body, in one form for every API.

Cached tokens are a subset of the prompt and reasoning tokens one of the completion for every provider: OpenAI reports
them so, and Anthropic's cache counts, which stand beside `input_tokens`, are added into the prompt
(platform-facts.md section 7).
"""

from dataclasses import dataclass, replace

from token_meter.codes import Note, Operation
from token_meter.jsontypes import JsonObject, as_object, as_token_count


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
    """Return the usage in an answer's body, or an empty one where it holds none."""
    reported = as_object(as_object(response).get("usage"))
    if not reported:
        return NOTHING
    if "cache_read_input_tokens" in reported or "cache_creation_input_tokens" in reported:
        return _additive(reported)
    prompt = _first(reported, "prompt_tokens", "input_tokens")
    completion = _first(reported, "completion_tokens", "output_tokens")
    total = _first(reported, "total_tokens")
    inside = _details(reported, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    outside = _details(reported, "completion_tokens_details", "output_tokens_details", "output_token_details")
    usage = Usage(
        prompt=prompt,
        completion=completion,
        total=total,
        cached=_first(inside, "cached_tokens"),
        cache_write=_first(inside, "cache_write_tokens"),
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
    return _checked(replace(usage, completion=completion, total=total))


def _additive(reported: JsonObject) -> Usage:
    """Return Anthropic's usage: what was read from and written to the cache comes on top of `input_tokens`."""
    uncached = _first(reported, "input_tokens")
    cached = _first(reported, "cache_read_input_tokens")
    written = _first(reported, "cache_creation_input_tokens")
    completion = _first(reported, "output_tokens")
    prompt = None if uncached is None else uncached + (cached or 0) + (written or 0)
    total = None if prompt is None or completion is None else prompt + completion
    reasoning = _first(_details(reported, "output_tokens_details"), "thinking_tokens")
    return _checked(
        Usage(
            prompt=prompt,
            completion=completion,
            total=total,
            cached=cached,
            cache_write=written,
            reasoning=reasoning,
        )
    )


def _checked(usage: Usage) -> Usage:
    """Mark numbers that cannot all be true; they stay as reported."""
    parts = (
        (usage.cached, usage.prompt),
        (usage.audio_prompt, usage.prompt),
        (usage.image, usage.prompt),
        (usage.reasoning, usage.completion),
        (usage.audio_completion, usage.completion),
        (usage.prompt, usage.total),
        (usage.completion, usage.total),
    )
    if not any(part is not None and whole is not None and part > whole for part, whole in parts):
        return usage
    return replace(usage, notes=(Note.INCONSISTENT_USAGE,))


def _first(fields: JsonObject, *names: str) -> int | None:
    """Return the first of the named fields that is a number of tokens."""
    return next((count for name in names if (count := as_token_count(fields.get(name))) is not None), None)


def _details(fields: JsonObject, *names: str) -> JsonObject:
    return next((as_object(fields[name]) for name in names if isinstance(fields.get(name), dict)), {})
