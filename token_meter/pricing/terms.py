"""The words that a price file may use: closed lists, since a word that nobody knows prices nothing."""

from enum import StrEnum

ANY = "*"
"""In a price: every version, region, tier or type of deployment, unless another price names it."""

UNCOSTED = frozenset({"total_only", "unpriced", "unknown_tokens", "inconsistent"})
"""Where a call's `PriceStatus` is one of these, its cost is not known: null, not zero (docs/prices.md)."""


class Unit(StrEnum):
    """What a price is for."""

    THOUSAND_TOKENS = "1K tokens"
    MILLION_TOKENS = "1M tokens"
    PTU_HOUR = "1 PTU hour"
    IMAGE = "1 image"
    HUNDRED_IMAGES = "100 images"
    SECOND = "1 second"
    MINUTE = "1 minute"
    HOUR = "1 hour"
    MILLION_CHARACTERS = "1M characters"


TOKEN_UNITS = frozenset({Unit.THOUSAND_TOKENS, Unit.MILLION_TOKENS})


class Meter(StrEnum):
    """What is measured. The token meters are parts of a call that never overlap; `docs/prices.md` tells each."""

    PROMPT = "prompt"
    CACHED_PROMPT = "cached_prompt"
    CACHE_WRITE = "cache_write"
    COMPLETION = "completion"
    AUDIO_PROMPT = "audio_prompt"
    AUDIO_COMPLETION = "audio_completion"
    IMAGE_PROMPT = "image_prompt"
    PTU_HOUR = "ptu_hour"
    IMAGE = "image"
    DURATION = "duration"
    CHARACTERS = "characters"


TOKEN_METERS = (
    Meter.PROMPT,
    Meter.CACHED_PROMPT,
    Meter.CACHE_WRITE,
    Meter.COMPLETION,
    Meter.AUDIO_PROMPT,
    Meter.AUDIO_COMPLETION,
    Meter.IMAGE_PROMPT,
)
UNITS_OF: dict[Meter, frozenset[Unit]] = {
    **dict.fromkeys(TOKEN_METERS, TOKEN_UNITS),
    Meter.PTU_HOUR: frozenset({Unit.PTU_HOUR}),
    Meter.IMAGE: frozenset({Unit.IMAGE, Unit.HUNDRED_IMAGES}),
    Meter.DURATION: frozenset({Unit.SECOND, Unit.MINUTE, Unit.HOUR}),
    Meter.CHARACTERS: frozenset({Unit.MILLION_CHARACTERS}),
}
"""Pictures, time and characters may be listed; a usage row does not count them, so such calls stay unpriced."""


class DeploymentType(StrEnum):
    """How far from its resource a deployment may process; provisioned ones are of the same three types."""

    GLOBAL = "Global"
    DATA_ZONE = "DataZone"
    REGIONAL = "Regional"


class Tier(StrEnum):
    """How soon the service answers. A call of another tier is unpriced."""

    STANDARD = "standard"
    BATCH = "batch"
    PRIORITY = "priority"
    FLEX = "flex"


class Basis(StrEnum):
    """Whose price it is; the first that has one for a part of a call prices it."""

    CONTRACT = "contract"
    """What the customer agreed on."""
    LIST = "list"
    """Azure's own public price."""
    STAND_IN = "stand_in"
    """The public price of the model's vendor, where Azure publishes none."""


CURRENCIES = frozenset(
    {
        "AUD", "BRL", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "INR",
        "JPY", "KRW", "NOK", "NZD", "RUB", "SEK", "TWD", "USD",
    }
)  # fmt: skip
"""In which Azure publishes prices (Azure Retail Prices API, "Supported currencies")."""
