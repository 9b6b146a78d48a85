"""Reading times off the wire, always into aware UTC datetimes."""

from datetime import UTC, datetime, timedelta
from itertools import product

LONGEST_TIME_TEXT = 64
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""No gateway logged a model call before; an earlier time is a defect, not a time."""


def parse_time(text: str) -> datetime | None:
    """Return the moment that an ISO 8601 text names, UTC where it names no zone, or None where it names none."""
    if not text or len(text) > LONGEST_TIME_TEXT:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return as_utc(moment)


DATES = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d")
CLOCKS = ("%I:%M:%S %p", "%H:%M:%S", "%I:%M %p", "%H:%M")
CULTURES = tuple(f"{date} {clock}" for date, clock in product(DATES, CLOCKS))
"""How .NET writes `DateTime.ToString()` in the cultures that gateways run under, the likeliest first."""


def parse_culture_time(text: str) -> tuple[datetime, ...]:
    """Return the moments that a .NET culture's time text may name, the likeliest first; UTC stands for its zone.

    `5/4/2024` is 4 May in one culture and 5 April in another, so there may be several.
    """
    if not text or len(text) > LONGEST_TIME_TEXT:
        return ()
    clean = " ".join(text.replace("\u202f", " ").split())
    moments = (as_utc(_parse(clean, culture)) for culture in CULTURES)
    return tuple(dict.fromkeys(moment for moment in moments if moment is not None))


def _parse(text: str, culture: str) -> datetime | None:
    try:
        return datetime.strptime(text, culture).replace(tzinfo=UTC)
    except ValueError:
        return None


def as_utc(moment: datetime | None) -> datetime | None:
    """Return a datetime in UTC (one without a zone is UTC already), or None where it is no credible time of a call."""
    if moment is None:
        return None
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return moment if moment >= EARLIEST else None


def from_epoch(seconds: float | None) -> datetime | None:
    """Return the moment of a Unix time in seconds (the services' `created`), or None where it is no credible time."""
    if seconds is None:
        return None
    try:
        return as_utc(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
    except OverflowError:
        return None
