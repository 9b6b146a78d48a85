"""Images in a prompt: what one costs by its size. The size is read from the image's own first bytes.

Sources: OpenAI "Images and vision" (2026-11); multipliers of gpt-5-mini, gpt-5-nano and of gpt-5.2 and later as
recorded calls and two public measurements have them, which is not what that page says.
"""

import math
from dataclasses import dataclass

from token_meter.counting.image_sizes import size_of_data_url, stated_size
from token_meter.jsontypes import JsonObject, as_object, as_text

LARGEST_SIDE, SHORTER_SIDE, TILE, PATCH = 2048, 768, 512, 32
CHAT_PATCH_EXTRA = 1
"""Chat completions count one token more than Responses for an image of patches."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Models that see an image in squares of 512 pixels."""

    base: int
    tile: int


@dataclass(frozen=True, slots=True)
class Patches:
    """Models that see an image in patches of 32 pixels, at most `most` of them."""

    percent: int
    """Tokens to a hundred patches."""
    most: int = 1536


GPT4O = Tiles(85, 170)
GPT4O_MINI = Tiles(2833, 5667)
O_SERIES = Tiles(75, 150)
GPT5 = Tiles(70, 140)
GPT5_2 = Patches(120)
GPT5_4 = Patches(120, most=2500)


def image_tokens(part: JsonObject, seen_as: Tiles | Patches, *, chat: bool) -> int | None:
    """Return the tokens of an image part, or None where its size is not in the record. Nothing is fetched."""
    image = as_object(part.get("image_url"))
    url = as_text(image.get("url")) or as_text(part.get("image_url"))
    detail = as_text(image.get("detail")) or as_text(part.get("detail"))
    if isinstance(seen_as, Tiles) and detail == "low":
        return seen_as.base
    size = size_of_data_url(url) if url else stated_size(image) or stated_size(part)
    if size is None:
        return None
    if isinstance(seen_as, Tiles):
        return seen_as.base + seen_as.tile * _tiles(*size)
    patches = _patches(*size, most=seen_as.most)
    return (patches * seen_as.percent + 99) // 100 + (CHAT_PATCH_EXTRA if chat else 0)


def _tiles(width: int, height: int) -> int:
    """Count the tiles of an image that is first made to fit; it is never made larger."""
    shrink = min(1.0, LARGEST_SIDE / max(width, height))
    shrink = min(shrink, SHORTER_SIDE / min(width, height))
    across, down = (max(1, math.ceil(round(side * shrink) / TILE)) for side in (width, height))
    return across * down


def _patches(width: int, height: int, most: int) -> int:
    """Count the patches of an image; one with too many is shrunk until whole patches fill its sides."""
    patches = math.ceil(width / PATCH) * math.ceil(height / PATCH)
    if patches <= most:
        return patches
    shrink = math.sqrt(PATCH * PATCH * most / (width * height))
    across, down = width * shrink / PATCH, height * shrink / PATCH
    fitting = min(math.floor(across) / across, math.floor(down) / down) if min(across, down) >= 1 else 1.0
    across, down = across * fitting, down * fitting
    return min(most, math.ceil(round(across, 6)) * math.ceil(round(down, 6)))
