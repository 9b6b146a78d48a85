"""A period of time, open at either end where that is left out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

AT_ONCE = timedelta()


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` on and before `end`; a bound that is None is open."""

    start: datetime | None = None
    end: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether every moment is in it."""
        return self.start is None and self.end is None

    def has(self, moment: datetime | None) -> bool:
        """Tell whether a moment is in the period; one that is not known is in an open period only."""
        if moment is None:
            return self.is_open
        return (self.start is None or moment >= self.start) and (self.end is None or moment < self.end)

    def meets(self, first: datetime, after: datetime, margin: timedelta = AT_ONCE) -> bool:
        """Tell whether some moment from `first` on and before `after` is in the period, or within a margin of it."""
        return (self.start is None or after > self.start - margin) and (self.end is None or first < self.end + margin)


ALWAYS = Period()
