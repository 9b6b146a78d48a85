"""Reading times off the wire, always into aware UTC datetimes."""

from datetime import UTC, datetime, timedelta

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
