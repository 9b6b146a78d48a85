"""Names that tell when and where: Event Hubs Capture's blobs, and the folders that dead letters lie in.

A format is written as Capture's `archiveNameFormat` is: fields in braces between `/`, in any order. Hub and partition
of a captured event stand in its blob's name and nowhere else.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from itertools import takewhile

from token_meter.period import Period

DEFAULT_FORMAT = "{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}"
"""Capture's own default."""
DAY_FORMAT = "{Year}/{Month}/{Day}"
"""How dead letters are filed."""
LONGEST_WINDOW = timedelta(minutes=15)
"""Of Capture: a blob bears the time at which its window began, and holds what came until the window was closed."""
MARGIN = LONGEST_WINDOW + timedelta(minutes=5)
"""What is listed beyond a period, so that no event in it is missed; events are then held against the period itself."""
FIELDS = {
    "Namespace": r"[A-Za-z][A-Za-z0-9-]{4,49}",
    "EventHub": r"[A-Za-z0-9][\w.-]{0,255}",
    "PartitionId": r"\d{1,4}",
    "Year": r"\d{4}",
    **dict.fromkeys(("Month", "Day", "Hour", "Minute", "Second"), r"\d{1,2}"),
}
UNITS = ("Year", "Month", "Day", "Hour", "Minute", "Second")
UP_TO_DAY, DECEMBER = 3, 12
STEPS = (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1))
FIELD = re.compile(r"\{(\w+)\}")
CAPTURE_SUFFIX = r"\.avro(?:\.gz)?"


class UnusableFormat(ValueError):  # noqa: N818 - it names a state of the format
    """A format that does not tell all that is needed. The message says what is wrong."""


class Look(Enum):
    """What to do with a folder on the way to a period's names."""

    SKIP = auto()
    OPEN = auto()
    """Look at each of its folders in turn."""
    ALL = auto()
    """Take every name below it."""


@dataclass(frozen=True, slots=True)
class CapturedAt:
    """What the name of a Capture blob tells."""

    hub: str
    """`namespace/hub`."""
    partition: str
    began: datetime
    """When its window began."""


class DatedNames:
    """Names of one format."""

    def __init__(self, form: str, suffix: str = "") -> None:
        """Take a format: of folders, or with the pattern of names' ends of whole names. Raises UnusableFormat."""
        known = FIELD.findall(form)
        if len(set(known)) < len(known) or not set(known) <= set(FIELDS):
            raise UnusableFormat(f"{form}: the fields are {', '.join(f'{{{name}}}' for name in FIELDS)}, each once")
        self._fields = frozenset(known)
        self._segments = tuple(map(_pattern, form.strip("/").split("/")))
        self._folders = len(self._segments) - (1 if suffix else 0)
        self._last = re.compile(self._segments[-1].pattern + suffix)

    @property
    def fields(self) -> frozenset[str]:
        """The fields that a name tells."""
        return self._fields

    def tells(self, name: str) -> Mapping[str, str] | None:
        """Return the fields of a name, whatever folders it lies in; None where it is not of this format."""
        parts = name.split("/")[-len(self._segments) :]
        return _matched((*self._segments[:-1], self._last), parts) if len(parts) == len(self._segments) else None

    def look(self, folder: str, period: Period, margin: timedelta) -> Look | None:
        """Return what to do with a folder (empty, or ending in `/`); None where it is not of this format."""
        parts = [part for part in folder.split("/") if part]
        told = _matched(self._segments, parts[: len(self._segments)])
        if told is None:
            return None
        span = _span(told)
        if span is not None and not period.meets(*span, margin):
            return Look.SKIP
        return Look.ALL if len(_numbers(told)) >= UP_TO_DAY or len(parts) >= self._folders else Look.OPEN


def _pattern(segment: str) -> re.Pattern[str]:
    parts = FIELD.split(segment)  # texts and the names of fields in turn
    return re.compile(
        "".join(f"(?P<{part}>{FIELDS[part]})" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    )


def _matched(patterns: Sequence[re.Pattern[str]], parts: Sequence[str]) -> dict[str, str] | None:
    told: dict[str, str] = {}
    for pattern, part in zip(patterns, parts, strict=False):
        found = pattern.fullmatch(part)
        if found is None:
            return None
        told |= found.groupdict()
    return told


def _numbers(told: Mapping[str, str]) -> list[int]:
    """Return year, month, day and so on, as far as all of them are told."""
    return [int(told[unit]) for unit in takewhile(told.__contains__, UNITS)]


def _span(told: Mapping[str, str]) -> tuple[datetime, datetime] | None:
    """Return the first moment that a name's numbers mean and the first after it; None where they mean none."""
    numbers = _numbers(told)
    if not numbers:
        return None
    year, month, day, *clock = [*numbers, 1, 1] if len(numbers) < UP_TO_DAY else numbers
    try:
        if len(numbers) < UP_TO_DAY:
            next_year = len(numbers) == 1 or month == DECEMBER
            after = datetime(year + next_year, 1 if next_year else month + 1, 1, tzinfo=UTC)
            return datetime(year, month, 1, tzinfo=UTC), after
        hour, minute, second = [*clock, 0, 0, 0][: len(STEPS) - 1]
        first = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        return first, first + STEPS[len(clock)]
    except (ValueError, OverflowError):
        return None


class CaptureNames(DatedNames):
    """The names of Capture's blobs."""

    def __init__(self, form: str = DEFAULT_FORMAT) -> None:
        """Take Capture's `archiveNameFormat`. Raises UnusableFormat where it lacks a field."""
        super().__init__(form, CAPTURE_SUFFIX)
        missing = [name for name in FIELDS if name not in self.fields]
        if missing:
            raise UnusableFormat(f"{form}: lacks {', '.join(f'{{{name}}}' for name in missing)}")

    def place(self, name: str) -> CapturedAt | None:
        """Return where a blob's events were; None where its name does not tell."""
        told = self.tells(name)
        span = _span(told) if told is not None else None
        if told is None or span is None:
            return None
        return CapturedAt(f"{told['Namespace']}/{told['EventHub']}", told["PartitionId"], span[0])


@functools.cache
def days() -> DatedNames:
    """Return the names that begin with a day, as dead letters' do."""
    return DatedNames(DAY_FORMAT)
