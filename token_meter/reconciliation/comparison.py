"""The meter's totals beside the service's: a row for every day, account, deployment and measure that either has."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from token_meter.codes import Attribution, Measure, Reconciled
from token_meter.identity import bounded
from token_meter.reconciliation.accounts import Account, Accounts
from token_meter.reconciliation.metered import A_DAY, Missing, Served
from token_meter.reconciliation.metric_names import MetricTotal
from token_meter.reconciliation.reasons import METERED, NOT_REPORTED, UNKNOWN, reasons
from token_meter.reconciliation.sides import Place, Sides, of_meter, of_service
from token_meter.reconciliation_row import ReconciliationRow, reconciliation_event_id
from token_meter.version import VERSION

SETTLING = timedelta(hours=6)
"""How long after its end a day may still change: metrics lag by minutes, events wait on the hub while the meter is
behind, and the halves of a call may be hours apart."""


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
    service = of_service(totals)
    sides = Sides(service, of_meter(accounts, service, metered), missing)
    names = {account.identity: account.name for account in accounts.accounts}
    return [row for day in days for row in _rows_of(day, sides.on(day), names, now)]


def _rows_of(day: date, sides: Sides, names: Mapping[str, str], now: datetime) -> Iterator[ReconciliationRow]:
    for place in sides.places(day):
        yield from _rows(place, names.get(place.account, ""), sides, now)


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
