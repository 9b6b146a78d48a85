"""The price files as the functions that are generated from them must say them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from tests.independent.price_files import METERS, Book, Price
from tests.independent.price_lookup import micro

Row = dict[str, Any]
PRICE_COLUMNS = (
    "Prompt", "CachedPrompt", "CacheWrite", "Completion", "AudioPrompt", "AudioCompletion", "ImagePrompt", "PtuHour",
)  # fmt: skip
Span = tuple[date, date | None, tuple[int | None, ...]]


def prices(book: Book) -> list[Row]:
    """Return a row for each span of time in which none of the prices of a scope and region changes."""
    scopes: dict[tuple[Any, ...], list[Price]] = defaultdict(list)
    for price in book.prices:
        scopes[price.scope].append(price)
    found = []
    for (basis, model, version, deployment_type, tier, prompt_above), rows in scopes.items():
        alike: dict[tuple[Span, ...], list[str]] = defaultdict(list)
        for region in sorted({region for row in rows for region in row.regions}):
            alike[_spans(rows, region)].append(region)
        found += [
            {
                "Basis": basis,
                "Model": model,
                "Version": version,
                "PriceType": deployment_type,
                "Regions": " ".join(regions),
                "PriceTier": tier,
                "PromptAbove": prompt_above,
                "EffectiveFrom": _midnight(first),
                "EffectiveTo": _midnight(until),
                **dict(zip(PRICE_COLUMNS, in_force, strict=True)),
                "Currency": book.currency,
            }
            for spans, regions in alike.items()
            for first, until, in_force in spans
        ]
    return found


def _spans(rows: Sequence[Price], region: str) -> tuple[Span, ...]:
    by_meter = {}
    for meter in METERS:
        own = [row for row in rows if row.meter == meter and region in row.regions]
        by_meter[meter] = own or [row for row in rows if row.meter == meter and "*" in row.regions]
    changes = {day for own in by_meter.values() for row in own for day in (row.effective_from, row.effective_to) if day}
    days = sorted(changes)
    spans = [
        (day, until, tuple(_on(by_meter[meter], day) for meter in METERS))
        for day, until in zip(days, [*days[1:], None], strict=True)
    ]
    return tuple(span for span in spans if any(price is not None for price in span[2]))


def _on(rows: Sequence[Price], day: date) -> int | None:
    latest = max((row for row in rows if row.effective_from <= day), default=None, key=lambda row: row.effective_from)
    if latest is None or (latest.effective_to is not None and latest.effective_to <= day):
        return None
    return micro(latest.price)


def apps(book: Book) -> list[Row]:
    """Return a row an application."""
    return [
        {
            "AppId": app.app_id,
            "AppName": app.name,
            "Owner": app.owner,
            "CostCentre": app.cost_centre,
            "BudgetNano": app.budget,
        }
        for app in book.apps.values()
    ]


def deployments(book: Book) -> list[Row]:
    """Return a row a deployment and span of time."""
    found = []
    for item in book.deployments:
        later = [
            other.effective_from
            for other in book.deployments
            if (other.deployment, other.backend) == (item.deployment, item.backend)
            and other.effective_from > item.effective_from
        ]
        found.append(
            {
                "ListedDeployment": item.deployment,
                "ListedBackend": item.backend,
                "ListedType": item.deployment_type,
                "ListedRegion": item.region,
                "ListedModel": item.model,
                "ListedVersion": item.version,
                "ListedTier": item.tier,
                "Ptus": item.ptus,
                "ListedFrom": _midnight(item.effective_from),
                "ListedTo": _midnight(min(later, default=None)),
            }
        )
    return found


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time()) if day else None
