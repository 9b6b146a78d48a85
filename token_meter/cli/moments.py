"""Times and months that options name."""

from datetime import UTC, datetime

from token_meter.sources import InputUnusable
from token_meter.times import parse_time


class MonthUnusable(Exception):  # noqa: N818 - it says what is wrong with an argument
    """The month is none. The message is one clear line."""


def month_of(text: str) -> tuple[datetime, datetime]:
    """Return a month's first moment and the next one's. Raises MonthUnusable where the text is not like `2026-10`."""
    try:
        start = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        following = start.month % 12 + 1
        return start, start.replace(year=start.year + start.month // 12, month=following)
    except ValueError as fault:
        raise MonthUnusable(f"{text!r} is no month such as 2026-10") from fault


def moment_of(text: str, option: str) -> datetime:
    """Return the time that an option names; now, to the second, where it names none. Raises InputUnusable."""
    if not text:
        return datetime.now(UTC).replace(microsecond=0)
    moment = parse_time(text)
    if moment is None:
        raise InputUnusable(f"{option} must be a time such as 2026-11-02T08:00:00Z")
    return moment
