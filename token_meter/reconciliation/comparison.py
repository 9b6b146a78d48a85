"""The meter's totals beside the service's: a row for every day, account, deployment and measure that either has."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from token_meter.codes import Attribution, Measure, Reconciled
from token_meter.identity import bounded
from token_meter.reconciliation.accounts import ELSEWHERE, Account, Accounts
from token_meter.reconciliation.metered import A_DAY, Missing, Served
from token_meter.reconciliation.metric_names import AZURE_OPENAI, MODELS, Family, MetricTotal
from token_meter.reconciliation.reasons import METERED, NOT_REPORTED, UNKNOWN, Evidence, reasons
from token_meter.reconciliation_row import ReconciliationRow, reconciliation_event_id
from token_meter.version import VERSION

SETTLING = timedelta(hours=6)
"""How long after its end a day may still change: metrics lag by minutes, events wait on the hub while the meter is
behind, and the halves of a call may be hours apart."""


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


def compare(  # noqa: PLR0913 - everything that a comparison rests on
    accounts: Accounts,
    totals: Mapping[Account, Sequence[MetricTotal]],
    metered: Iterable[Served],
    missing: Missing,
    days: Sequence[date],
    *,
    now: datetime,
) -> list[ReconciliationRow]:
    """Return the rows of the days, which `metered` may reach beyond: calls of the day before may end on the first."""
    service = _of_service(totals)
    sides = Sides(service, _of_meter(accounts, service, metered), missing)
    names = {account.identity: account.name for account in accounts.accounts}
    places = sorted({*sides.service, *sides.meter}, key=lambda place: (place.day, place.account, place.deployment))
    return [
        row for place in places if place.day in days for row in _rows(place, names.get(place.account, ""), sides, now)
    ]


def _of_service(totals: Mapping[Account, Sequence[MetricTotal]]) -> dict[Place, OfService]:
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


def _of_meter(
    accounts: Accounts, service: Mapping[Place, OfService], metered: Iterable[Served]
) -> dict[Place, OfMeter]:
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


def _rows(place: Place, account: str, sides: Sides, now: datetime) -> Iterator[ReconciliationRow]:
    seen, has = sides.service.get(place), sides.meter.get(place)
    counts, known = sides.counts(place), sides.evidence(place)
    for measure in Measure:
        of_service = seen.totals.get(measure, 0) if seen else None
        of_meter = counts[METERED[measure]] if has else None
        difference = (of_service or 0) - (of_meter or 0)
        if not (of_service or of_meter):
            continue
        yield ReconciliationRow(
            time_generated=now,
            event_id=reconciliation_event_id(place.day, place.account, place.deployment, measure),
            reconciled_time=now,
            day=_midnight(place.day),
            account_id=place.account,
            account=account,
            deployment=bounded(place.deployment),
            measure=measure,
            metric=seen.family.metrics[measure] if seen else "",
            status=_status(place, of_service, of_meter, now),
            service_value=of_service,
            metered_value=of_meter,
            difference=difference,
            not_reported_value=counts[NOT_REPORTED[measure]] if measure in NOT_REPORTED else 0,
            attribution=has.attribution if has else Attribution.NONE,
            reasons=reasons(measure, difference, known) or None,
            unknown_calls=counts[UNKNOWN[measure]] if measure in UNKNOWN else 0,
            missing_events=known.missing_events,
            unstored_rows=known.unstored_rows,
            rejected_records=known.rejected_records,
            meter_version=VERSION,
        )


def _status(place: Place, of_service: int | None, of_meter: int | None, now: datetime) -> Reconciled:
    if now < _midnight(place.day) + A_DAY + SETTLING:
        return Reconciled.TOO_EARLY
    if of_meter is None:
        return Reconciled.ONLY_SERVICE
    if of_service is None:
        return Reconciled.ONLY_METER
    return Reconciled.MATCHED if of_service == of_meter else Reconciled.DRIFT


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
