"""Times that options name."""

from datetime import UTC, datetime

from token_meter.sources import InputUnusable
from token_meter.times import parse_time


def moment_of(text: str, option: str) -> datetime:
    """Return the time that an option names; now, to the second, where it names none. Raises InputUnusable."""
    if not text:
        return datetime.now(UTC).replace(microsecond=0)
    moment = parse_time(text)
    if moment is None:
        raise InputUnusable(f"{option} must be a time such as 2026-11-01T00:00:00Z")
    return moment
