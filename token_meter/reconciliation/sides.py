"""Both sides of a comparison by place: what the service's metrics say, what the meter has, what it knows it lacks."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from token_meter.codes import Attribution, Measure
from token_meter.reconciliation.accounts import ELSEWHERE, Account, Accounts
from token_meter.reconciliation.metered import A_DAY, Missing, Served
from token_meter.reconciliation.metric_names import AZURE_OPENAI, MODELS, Family, MetricTotal
from token_meter.reconciliation.reasons import METERED, Evidence


@dataclass(frozen=True, slots=True)
class Place:
    """A deployment of an account on a day; without an account where nothing tells whose it is."""

    day: date
    account: str
    deployment: str


@dataclass(frozen=True, slots=True)
class OfService:
    """What the service's metrics say of a place."""

    family: Family
    totals: Mapping[Measure, int]


@dataclass(slots=True)
class OfMeter:
    """What the meter has of a place, and by what its account is known."""

    counts: Counter[str]
    attribution: Attribution


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of a comparison, and what the meter knows that it lacks."""

    service: Mapping[Place, OfService]
    meter: Mapping[Place, OfMeter]
    missing: Missing

    def on(self, day: date) -> "Sides":
        """Return those of a day, and of the meter's those of the day before, whose calls may end on it."""
        return Sides(
            {place: seen for place, seen in self.service.items() if place.day == day},
            {place: has for place, has in self.meter.items() if place.day in {day, day - A_DAY}},
            self.missing,
        )

    def places(self, day: date) -> list[Place]:
        """Return the places of a day in order."""
        found = {place for place in (*self.service, *self.meter) if place.day == day}
        return sorted(found, key=lambda place: (place.account, place.deployment))

    def counts(self, place: Place) -> Counter[str]:
        """Return what the meter counted at a place; nothing where it has no call."""
        found = self.meter.get(place)
        return found.counts if found else Counter()

    def evidence(self, place: Place) -> Evidence:
        """Return what may explain a difference at a place."""
        seen, counts = self.service.get(place), self.counts(place)
        return Evidence(
            counts=counts,
            calls_beyond=(self._calls(place) if seen else 0) - counts[METERED[Measure.CALLS]],
            repeated_elsewhere=self._repeated_elsewhere(place),
            calls_of_other_names=self._calls_of_other_names(place),
            missing_events=self.missing.events[place.day],
            unstored_rows=self.missing.rows[place.day],
            rejected_records=self.missing.records[place.day],
            calls_of_no_account=self.counts(Place(place.day, "", place.deployment))["Calls"],
            overnight_before=self.counts(Place(place.day - A_DAY, place.account, place.deployment))["OvernightCalls"],
            cached_apart=seen is not None and seen.family.counts_cached_apart,
        )

    def _repeated_elsewhere(self, place: Place) -> int:
        """Return the attempts of calls that another backend served in the end, and that may have been made here."""
        return sum(
            item.counts[METERED[Measure.CALLS]] - item.counts["Calls"]
            for other, item in self.meter.items()
            if (other.day, other.deployment) == (place.day, place.deployment) and other != place
        )

    def _calls_of_other_names(self, place: Place) -> int:
        """Return the calls of what the other side alone knows of an account, where one side alone knows this place."""
        mine, theirs = set(self.service), set(self.meter)
        if place in self.meter:
            mine, theirs = theirs, mine
        if place in theirs:
            return 0
        others = [other for other in theirs - mine if other.day == place.day and other.account in {place.account, ""}]
        return sum(self._calls(other) for other in others)

    def _calls(self, place: Place) -> int:
        seen = self.service.get(place)
        return seen.totals.get(Measure.CALLS, 0) if seen else self.counts(place)[METERED[Measure.CALLS]]


def of_service(totals: Mapping[Account, Sequence[MetricTotal]]) -> dict[Place, OfService]:
    """Return what the metrics say of each place, by the family that stands where both know it; zeros say nothing."""
    found: dict[tuple[Place, bool], dict[Measure, int]] = defaultdict(dict)
    for account, items in totals.items():
        for item in items:
            place = Place(item.day, account.identity, item.deployment)
            sums = found[place, item.family is MODELS]
            sums[item.measure] = sums.get(item.measure, 0) + item.value
    known: dict[Place, OfService] = {}
    for (place, is_models), sums in sorted(found.items(), key=lambda item: _standing(*item)):
        if any(sums.values()):
            known.setdefault(place, OfService(MODELS if is_models else AZURE_OPENAI, sums))
    return known


def _standing(place_and_family: tuple[Place, bool], sums: Mapping[Measure, int]) -> tuple[bool, bool]:
    """Order the families that know a deployment: one with tokens before one with calls alone, Azure OpenAI's first."""
    has_tokens = any(sums.get(measure) for measure in METERED if measure is not Measure.CALLS)
    return not has_tokens, place_and_family[1]


def of_meter(accounts: Accounts, service: Mapping[Place, OfService], metered: Iterable[Served]) -> dict[Place, OfMeter]:
    """Return what the meter has of each place, given what the metrics know; other accounts are left out."""
    owners: dict[tuple[date, str], set[str]] = defaultdict(set)
    for place in service:
        owners[place.day, place.deployment].add(place.account)
    found: dict[Place, OfMeter] = {}
    for item in metered:
        account, attribution = accounts.identity_of(item.backend), Attribution.BACKEND
        if account == ELSEWHERE:
            continue
        if not account:
            candidates = owners[item.day, item.deployment]
            account, attribution = "", Attribution.NONE
            if len(candidates) == 1:
                account, attribution = next(iter(candidates)), Attribution.DEPLOYMENT
        place = Place(item.day, account, item.deployment)
        known = found.setdefault(place, OfMeter(Counter(), attribution))
        known.counts.update(item.counts)
        if attribution is not Attribution.BACKEND:
            known.attribution = attribution  # as sure as the least sure of its calls
    return found
