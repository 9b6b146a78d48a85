"""The parts of a call that have a price of their own, and what each comes to."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = dict[str, Any]
Parts = dict[str, int | None]
MOST_TOKENS = 10**9
PART_METERS = {
    "TextPart": "prompt", "CachedPart": "cached_prompt", "WritePart": "cache_write", "AudioPart": "audio_prompt",
    "ImagePart": "image_prompt", "CompletionPart": "completion", "AudioOutPart": "audio_completion",
}  # fmt: skip
"""The parts of a call that have a price of their own."""
STAND_INS = {"cached_prompt", "cache_write", "image_prompt"}
"""Priced as the prompt where they have no price of their own."""
PRICE_COLUMNS = {
    "TextPart": "PromptPrice", "CachedPart": "CachedPrice", "WritePart": "WritePrice", "AudioPart": "AudioPromptPrice",
    "ImagePart": "ImagePrice", "CompletionPart": "CompletionPrice", "AudioOutPart": "AudioCompletionPrice",
}  # fmt: skip
LIST_COLUMNS = {
    "TextPart": "ListPrompt", "CachedPart": "ListCached", "WritePart": "ListWrite", "AudioPart": "ListAudioPrompt",
    "ImagePart": "ListImage", "CompletionPart": "ListCompletion", "AudioOutPart": "ListAudioCompletion",
}  # fmt: skip
NANO_COLUMNS = {
    "TextPart": "PromptNano", "CachedPart": "CachedNano", "WritePart": "CacheWriteNano", "AudioPart": "AudioPromptNano",
    "ImagePart": "ImageNano", "CompletionPart": "CompletionNano", "AudioOutPart": "AudioCompletionNano",
}  # fmt: skip
PROMPT_SIDE = ("TextPart", "CachedPart", "WritePart", "AudioPart", "ImagePart")
COMPLETION_SIDE = ("CompletionPart", "AudioOutPart")


def nano(tokens: int, per_million: int) -> int:
    """Return what tokens cost, at a price in micro-units a million, rounded half up."""
    return int((Decimal(tokens) * per_million / 1000).quantize(Decimal(1), ROUND_HALF_UP))


def part_prices(by_meter: dict[str, int]) -> Parts:
    """Return the price of each part; some stand in for others."""
    prompt = by_meter.get("prompt")
    return {part: by_meter.get(meter, prompt if meter in STAND_INS else None) for part, meter in PART_METERS.items()}


def is_consistent(call: Row) -> bool:
    """Tell whether the numbers of a call can be true together."""
    prompt, completion, total = call["PromptTokens"], call["CompletionTokens"], call["TotalTokens"]
    if prompt is not None:
        cached = (call["CachedTokens"] or 0) + (call["CacheWriteTokens"] or 0)
        if max(cached, call["AudioPromptTokens"] or 0, call["ImageTokens"] or 0) > prompt or prompt > MOST_TOKENS:
            return False
    if completion is not None:
        hidden = max(call["AudioCompletionTokens"] or 0, call["ReasoningTokens"] or 0)
        if hidden > completion or completion > MOST_TOKENS:
            return False
    return total is None or total <= 2 * MOST_TOKENS


def weight_of(call: Row) -> int | None:
    """Return the tokens of a call that is charged, as many as are known."""
    if call["Charged"] == "no" or not is_consistent(call):
        return None
    numbers: tuple[int | None, ...] = (call["TotalTokens"], call["PromptTokens"], call["CompletionTokens"])
    return next((number for number in numbers if number is not None), None)


def parts_of(call: Row, *, usable: bool) -> tuple[Parts, bool]:
    """Return the parts of a call, and whether two of them claim the same tokens."""
    found: Parts = dict.fromkeys(PART_METERS)
    overlap = False
    if not usable:
        return found, overlap
    prompt, completion = call["PromptTokens"], call["CompletionTokens"]
    if prompt is not None:
        cached, written = call["CachedTokens"] or 0, call["CacheWriteTokens"] or 0
        rest = prompt - cached - written
        audio = min(call["AudioPromptTokens"] or 0, rest)
        images = min(call["ImageTokens"] or 0, rest - audio)
        overlap = (call["AudioPromptTokens"] or 0) + (call["ImageTokens"] or 0) > rest
        found |= {"CachedPart": cached, "WritePart": written, "AudioPart": audio, "ImagePart": images}
        found["TextPart"] = rest - audio - images
    if completion is not None:
        spoken = call["AudioCompletionTokens"] or 0
        found |= {"CompletionPart": completion - spoken, "AudioOutPart": spoken}
    return found, overlap


def costs_of(parts: Parts, prices: Parts) -> Parts:
    """Return what each part costs."""
    return {part: _part_cost(parts[part], prices[part]) for part in parts}


def _part_cost(tokens: int | None, price: int | None) -> int | None:
    if tokens == 0:
        return 0
    return None if tokens is None or price is None else nano(tokens, price)
