"""Prices side by side: a row for each span of time in which none of a model's prices changes.

A call then needs one row and not one for each of its parts. Regions that always have the same prices share a row.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from token_meter.pricing.price_rows import PriceRow
from token_meter.pricing.terms import ANY, TOKEN_METERS, Basis, Meter

METERS = (*TOKEN_METERS, Meter.PTU_HOUR)
"""What a usage row can be priced by; the other meters are listed only."""
Scope = tuple[Basis, str, str, str, str, int]
Prices = tuple[int | None, ...]
Timeline = tuple[tuple[date, date | None, Prices], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The prices of a model in a scope between two days, in the order of METERS; None where there is none."""

    basis: Basis
    model: str
    version: str
    deployment_type: str
    regions: tuple[str, ...]
    tier: str
    prompt_above: int
    effective_from: date
    effective_to: date | None
    prices: Prices


def periods_of(rows: Sequence[PriceRow]) -> tuple[Period, ...]:
    """Return the periods of a checked book, ordered by what they are for, then by time."""
    scopes: dict[Scope, list[PriceRow]] = defaultdict(list)
    for row in rows:
        if row.meter in METERS:
            scope = (row.basis, row.model, row.version, row.deployment_type, row.tier, row.prompt_above)
            scopes[scope].append(row)
    periods = [period for scope, prices in scopes.items() for period in _periods(scope, prices)]
    return tuple(sorted(periods, key=_order))


def _order(period: Period) -> tuple[str, str, str, str, str, str, int, date]:
    return (
        period.model, period.version, period.basis, period.deployment_type, period.tier, " ".join(period.regions),
        period.prompt_above, period.effective_from,
    )  # fmt: skip


def _periods(scope: Scope, rows: Sequence[PriceRow]) -> Iterable[Period]:
    regions = sorted({region for row in rows for region in row.regions})
    alike: dict[Timeline, list[str]] = defaultdict(list)
    for region in regions:
        alike[_timeline(_by_meter(rows, region))].append(region)
    basis, model, version, deployment_type, tier, prompt_above = scope
    for timeline, same in alike.items():
        for effective_from, effective_to, prices in timeline:
            yield Period(
                basis=basis,
                model=model,
                version=version,
                deployment_type=deployment_type,
                regions=tuple(same),
                tier=tier,
                prompt_above=prompt_above,
                effective_from=effective_from,
                effective_to=effective_to,
                prices=prices,
            )


def _by_meter(rows: Sequence[PriceRow], region: str) -> Mapping[Meter, list[PriceRow]]:
    """Return a region's prices by meter; where it has none of its own, those for any region."""
    found: dict[Meter, list[PriceRow]] = {}
    for meter in METERS:
        own = [row for row in rows if row.meter is meter and region in row.regions]
        anywhere = [row for row in rows if row.meter is meter and ANY in row.regions]
        if own or anywhere:
            found[meter] = sorted(own or anywhere, key=lambda row: row.effective_from)
    return found


def _timeline(by_meter: Mapping[Meter, list[PriceRow]]) -> Timeline:
    days = {row.effective_from for rows in by_meter.values() for row in rows}
    days |= {row.effective_to for rows in by_meter.values() for row in rows if row.effective_to}
    ordered = sorted(days)
    spans = zip(ordered, [*ordered[1:], None], strict=True)
    timeline = [
        (day, until, tuple(_in_force(by_meter.get(meter, []), day) for meter in METERS)) for day, until in spans
    ]
    return tuple(span for span in timeline if any(price is not None for price in span[2]))


def _in_force(rows: Sequence[PriceRow], day: date) -> int | None:
    """Return the price in force on a day: the latest that has begun, if it has not ended."""
    begun = [row for row in rows if row.effective_from <= day]
    if not begun or (begun[-1].effective_to is not None and begun[-1].effective_to <= day):
        return None
    return begun[-1].micro
