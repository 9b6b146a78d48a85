"""Prices looked up as docs/prices.md says: what a call is by model, place and tier, and what that costs on its day."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tests.independent.price_files import Book, Listed, Price, as_day, model_and_version, region_id

Row = dict[str, Any]
Scope = tuple[str, str, str, str, str, int]
BASES = {"contract": 2, "list": 1}


@dataclass(frozen=True)
class Kind:
    """What a price depends on, but for the size of the prompt."""

    day: date
    model: str
    version: str
    source: str
    deployment_type: str
    region: str
    tier: str
    provisioned: bool
    listed: Listed | None


@dataclass(frozen=True)
class Found:
    """The prices of a call: by meter, those of the list alone, where the best is from and when it began."""

    by_meter: dict[str, int]
    listed: dict[str, int]
    basis: str = ""
    since: date | None = None
    above: int | None = None
    up_to: int | None = None
    """The prompts for which the prices are, in tokens."""


def micro(price: Decimal) -> int:
    """Return a price in micro-units. Raises ValueError where it has a smaller fraction."""
    scaled = price * 10**6
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{price} is no whole number of micro-units")
    return int(scaled)


class Pricing:
    """A book, and what has been looked up in it."""

    def __init__(self, book: Book) -> None:
        """Look up in a book."""
        self.book = book
        self._kinds: dict[tuple[Any, ...], Kind] = {}
        self._found: dict[tuple[Any, ...], Found] = {}
        self._bounds: dict[tuple[Any, ...], list[int]] = {}

    def kind(self, call: Row) -> Kind:
        """Return what a call's price depends on."""
        names = ("ServedModel", "RequestedModel", "Deployment", "Backend", "Region", "ServiceTier", "IsSpilledOver")
        key = (as_day(call["CallTime"]), *(call[name] for name in names))
        if key not in self._kinds:
            self._kinds[key] = self._kind(key[0], call)
        return self._kinds[key]

    def _kind(self, day: date, call: Row) -> Kind:
        listed = self.listed(day, call["Deployment"].lower(), call["Backend"].lower())
        told = {
            "served": call["ServedModel"],
            "listed": listed.model if listed else "",
            "requested": call["RequestedModel"],
            "deployment": call["Deployment"],
        }
        source = next((name for name, text in told.items() if text), "")
        model, version = model_and_version(told[source]) if source else ("", "")
        if source == "listed" and listed is not None and listed.version:
            version = listed.version
        return Kind(
            day=day,
            model=model,
            version=version,
            source=source,
            deployment_type=listed.deployment_type if listed else "Global",
            region=(listed.region if listed else "") or region_id(call["Region"]),
            tier=(listed.tier if listed else "") or call["ServiceTier"] or "standard",
            provisioned=listed is not None and listed.ptus > 0 and not call["IsSpilledOver"],
            listed=listed,
        )

    def listed(self, day: date, deployment: str, backend: str) -> Listed | None:
        """Return the line about a deployment: that which names both, else the deployment, else the backend."""
        wanted = ((deployment, backend), (deployment, "*"), ("*", backend))
        for place in wanted:
            begun = [
                item
                for item in self.book.deployments
                if (item.deployment, item.backend) == place and item.effective_from <= day
            ]
            if begun:
                return max(begun, key=lambda item: item.effective_from)
        return None

    def prices(self, kind: Kind, prompt: int) -> Found:
        """Return the prices of a call whose prompt has so many tokens."""
        key = (kind.day, kind.model, kind.version, kind.deployment_type, kind.region, kind.tier)
        if key not in self._bounds:
            scopes = self._scopes(kind)
            self._bounds[key] = sorted({0} | {scope[5] for scope, _ in scopes}) if scopes else []
        if not self._bounds[key]:
            return Found({}, {})
        above = max((bound for bound in self._bounds[key] if prompt > bound), default=0)
        if (*key, above) not in self._found:
            over = [bound for bound in self._bounds[key] if bound > above]
            self._found[*key, above] = self._find(kind, above, min(over, default=None))
        return self._found[*key, above]

    def _scopes(self, kind: Kind) -> list[tuple[Scope, str]]:
        """Return what in the book is about a kind of call that day, and whether by its region or for any."""
        fits = {
            price.scope
            for price in self.book.by_model.get(kind.model, ())
            if price.version in {"*", kind.version}
            and price.deployment_type in {"*", kind.deployment_type}
            and price.tier in {"*", kind.tier}
        }
        return [
            (scope, region) for scope in fits for region in (kind.region, "*") if self._in_force(kind, scope, region)
        ]

    def _in_force(self, kind: Kind, scope: Scope, region: str) -> dict[str, int]:
        """Return the prices of a scope and region that day, by meter; none where nothing is about the region."""
        rows = [price for price in self.book.by_model.get(kind.model, ()) if price.scope == scope]
        if not region or not any(region in price.regions for price in rows):
            return {}
        found: dict[str, int] = {}
        for meter in sorted({price.meter for price in rows}):
            own = [price for price in rows if price.meter == meter and region in price.regions]
            anywhere = [price for price in rows if price.meter == meter and "*" in price.regions]
            begun = [price for price in own or anywhere if price.effective_from <= kind.day]
            latest = max(begun, key=lambda price: price.effective_from, default=None)
            if latest and (latest.effective_to is None or kind.day < latest.effective_to):
                found[meter] = micro(latest.price)
        return found

    def _find(self, kind: Kind, above: int, up_to: int | None) -> Found:
        by_meter: dict[str, int] = {}
        listed: dict[str, int] = {}
        ranked = sorted(
            ((_fit(scope, region), scope, region) for scope, region in self._scopes(kind) if scope[5] <= above),
            reverse=True,
        )
        for _, scope, region in ranked:
            for meter, price in self._in_force(kind, scope, region).items():
                by_meter.setdefault(meter, price)
                if scope[0] != "contract":
                    listed.setdefault(meter, price)
        if not ranked:
            return Found({}, {}, above=above, up_to=up_to)
        _, best, region = ranked[0]
        return Found(by_meter, listed, best[0], self._since(kind, best, region), above, up_to)

    def _since(self, kind: Kind, scope: Scope, region: str) -> date:
        """Return since when none of a scope's prices has changed."""
        rows = [price for price in self.book.by_model[kind.model] if price.scope == scope]
        meters = {price.meter for price in rows}
        own = {meter: [p for p in rows if p.meter == meter and region in p.regions] for meter in meters}
        days = {
            day
            for meter in meters
            for price in own[meter] or [p for p in rows if p.meter == meter and "*" in p.regions]
            for day in (price.effective_from, price.effective_to)
            if day is not None and day <= kind.day
        }
        return max(days)

    def hour_price(self, day: date, listed: Listed, *, public: bool = False) -> tuple[int, Price] | None:
        """Return what an hour of a listed deployment costs on a day, in nano-units, and the line that says so."""
        begun: dict[tuple[str, bool, bool], Price] = {}
        for price in self.book.by_model.get("*", ()):
            named = listed.region in price.regions and listed.region != ""
            if (
                price.meter != "ptu_hour"
                or not (named or "*" in price.regions)
                or (public and price.basis == "contract")
            ):
                continue
            if price.deployment_type not in {"*", listed.deployment_type} or price.effective_from > day:
                continue
            place = (price.basis, named, price.deployment_type != "*")
            if place not in begun or begun[place].effective_from < price.effective_from:
                begun[place] = price
        valid = {place: p for place, p in begun.items() if p.effective_to is None or day < p.effective_to}
        if not valid:
            return None
        best = max(valid, key=lambda place: (BASES.get(place[0], 0), place[1], place[2]))
        return listed.ptus * micro(valid[best].price) * 1000, valid[best]


def _fit(scope: Scope, region: str) -> tuple[int, bool, bool, bool, bool, int]:
    basis, _, version, deployment_type, tier, prompt_above = scope
    return BASES.get(basis, 0), version != "*", region != "*", deployment_type != "*", tier != "*", prompt_above
