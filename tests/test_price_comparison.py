"""The price book against genai-prices, which others keep: every price that both know, and why any two differ."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices.data import providers
from genai_prices.types import ModelInfo, ModelPrice, PriceVariant, StartDateConstraint, TieredPrices

from token_meter.pricing import usable_book
from token_meter.pricing.book import Book
from token_meter.pricing.differences import DIFFERENCES_FILE, Difference, differences_table, read_differences
from token_meter.pricing.money import MICRO
from token_meter.pricing.price_rows import PriceRow
from token_meter.pricing.terms import DeploymentType, Meter, Tier

REPOSITORY = Path(__file__).parent.parent
PRICES = REPOSITORY / "prices"
THEIR_NAMES = {
    Meter.PROMPT: "input_mtok",
    Meter.CACHED_PROMPT: "cache_read_mtok",
    Meter.CACHE_WRITE: "cache_write_mtok",
    Meter.COMPLETION: "output_mtok",
    Meter.AUDIO_PROMPT: "input_audio_mtok",
    Meter.AUDIO_COMPLETION: "output_audio_mtok",
    Meter.IMAGE_PROMPT: "input_image_mtok",
}
THEIR_TIERS = {
    Tier.BATCH: {"processing": "batch"},
    Tier.PRIORITY: {"service_tier": "priority"},
    Tier.FLEX: {"service_tier": "flex"},
}
AZURE, VENDORS = "azure", {"claude": "anthropic"}
MOST_VENDORS = "openai"
"""A Global deployment has its model's vendor's price; genai-prices has few models under `azure` itself."""
FEWEST_COMPARED = 300
"""Of the shipped book; fewer means that the comparison has gone blind."""


Pairs = dict[PriceRow, tuple[Decimal, Decimal]]


@pytest.fixture(scope="module")
def book() -> Book:
    """Return the shipped book."""
    return usable_book(PRICES)


@pytest.fixture(scope="module")
def pairs(book: Book) -> Pairs:
    """Return our price and theirs of each row that both know."""
    return compared(book)


def last_day(row: PriceRow, book: Book) -> date:
    """Return the last day on which a price is in force, or the day the book was last checked."""
    later = [
        other.effective_from
        for other in book.prices
        if other.effective_from > row.effective_from and set(other.keys) & set(row.keys)
    ]
    ends = [*later, *([row.effective_to] if row.effective_to else [])]
    return min(ends) - timedelta(days=1) if ends else max(price.checked_on for price in book.prices)


def their_model(row: PriceRow) -> ModelInfo | None:
    """Return what genai-prices calls the model: as Azure's, else as its vendor's."""
    name = row.model if row.version == "*" else f"{row.model}-{row.version}"
    vendor = next((vendor for family, vendor in VENDORS.items() if name.startswith(family)), MOST_VENDORS)
    by_id = {provider.id: provider for provider in providers}
    for provider in (AZURE, vendor):
        found = by_id[provider].find_model(name)
        if found is not None:
            return found
    return None


def their_price(row: PriceRow, day: date) -> Decimal | None:
    """Return what a million tokens cost on a day; None where genai-prices does not know."""
    model, name = their_model(row), THEIR_NAMES.get(row.meter)
    if model is None or name is None:
        return None
    prices = (
        [model.get_prices(datetime.combine(day, time(), UTC))]
        if row.tier == Tier.STANDARD
        else in_tier(model.price_variants or (), THEIR_TIERS[Tier(row.tier)], day)
    )
    for price in (getattr(price, name) for price in prices):
        if isinstance(price, TieredPrices):
            begun = [tier.price for tier in price.tiers if tier.start <= row.prompt_above]
            return begun[-1] if begun else price.base
        if price is not None and not row.prompt_above:
            assert isinstance(price, Decimal)
            return price
    return None


def in_tier(variants: Iterable[PriceVariant], tier: dict[str, str], day: date) -> list[ModelPrice]:
    """Return the prices of a tier that are in force on a day, the first that has a meter going first."""
    return [
        variant.prices
        for variant in variants
        if variant.when == tier
        and (not isinstance(variant.constraint, StartDateConstraint) or variant.constraint.start_date <= day)
    ]


def compared(book: Book) -> Pairs:
    """Return our price and theirs of each row for global deployments that both know."""
    pairs = {}
    for row in book.prices:
        if row.deployment_type == DeploymentType.GLOBAL:
            theirs = their_price(row, last_day(row, book))
            if theirs is not None:
                pairs[row] = Decimal(row.micro) / MICRO, theirs
    return pairs


def test_prices_that_both_books_know_are_the_same_but_for_known_differences(pairs: Pairs) -> None:
    """A difference that prices/differences.csv lacks fails, and so does one that it has and that is gone."""
    differences = {
        (row.model, row.version, row.meter, row.tier, row.prompt_above, row.effective_from, ours, theirs)
        for row, (ours, theirs) in pairs.items()
        if ours != theirs
    }
    known = read_differences(PRICES / DIFFERENCES_FILE)

    assert len(pairs) >= FEWEST_COMPARED
    assert differences == {
        (
            item.model,
            item.version,
            item.meter,
            item.tier,
            item.prompt_above,
            item.effective_from,
            item.ours,
            item.theirs,
        )
        for item in known
    }
    assert all(item.reason for item in known)


def test_every_tier_and_vendor_that_can_be_is_compared(pairs: Pairs) -> None:
    """So that none falls out unseen."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in pairs:
        found[row.tier].add("claude" if row.model.startswith("claude") else "others")

    assert {"standard": {"claude", "others"}, "batch": {"others"}, "priority": {"others"}} == found


def test_a_price_that_changes_is_a_difference(book: Book, pairs: Pairs) -> None:
    """By a millionth, in every row."""
    dearer = replace(book, prices=tuple(replace(row, micro=row.micro + 1) for row in book.prices))

    assert [(ours + Decimal(1) / MICRO, theirs) for ours, theirs in pairs.values()] == [*compared(dearer).values()]


def test_the_document_tells_every_difference() -> None:
    """In the table that is generated from the file."""
    document = (REPOSITORY / "docs" / "prices.md").read_text(encoding="utf-8")

    assert differences_table(read_differences(PRICES / DIFFERENCES_FILE)) in document


def test_prices_of_a_model_and_day_share_a_row() -> None:
    """With what distinguishes them before, and the reason once."""
    one = Difference(
        model="m", version="v1", meter="prompt", tier="batch", prompt_above=5000, effective_from=date(2026, 1, 2),
        ours=Decimal("1.50"), theirs=Decimal(2), reason="because",
    )  # fmt: skip
    other = replace(one, meter="completion")

    assert differences_table([one, other]).splitlines()[2:] == [
        "| m v1, batch, prompts above 5,000 | 2026-01-02 | prompt 1.50 and 2; completion 1.50 and 2 | because |"
    ]
