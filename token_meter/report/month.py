"""The month of a report, the one before it, and what it is told apart by."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ONE_DAY = timedelta(days=1)


class Dimension(StrEnum):
    """By what a report or a budget is told apart, as the command line has it."""

    COST_CENTRE = "cost-centre"
    APP = "app"
    DEPLOYMENT = "deployment"
    MODEL = "model"
    PRODUCT = "product"

    @property
    def noun(self) -> str:
        """Return how a page calls it."""
        return {"cost-centre": "cost centre", "app": "application"}.get(self.value, self.value)


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC, seen from a moment: from `start` on and before `end`."""

    start: datetime
    end: datetime
    made: datetime
    """When the report is made; a month that is not over then is told so."""

    @property
    def before(self) -> datetime:
        """Return the first moment of the month before."""
        return (self.start - ONE_DAY).replace(day=1)

    @property
    def name(self) -> str:
        """Return such as `October 2026`."""
        return f"{self.start:%B %Y}"

    @property
    def name_before(self) -> str:
        """Return the name of the month before."""
        return f"{self.before:%B %Y}"

    @property
    def days(self) -> int:
        """Return how many days the month has."""
        return (self.end - self.start).days

    @property
    def days_over(self) -> int:
        """Return how many of its days are over."""
        return min(max((self.made - self.start) // ONE_DAY, 0), self.days)

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be called in it."""
        return self.made >= self.end

    @property
    def compared_until(self) -> datetime:
        """Return the end of the days of this month that are compared: all of them, or those that are over."""
        return self.start + ONE_DAY * self.days_over

    @property
    def compared_before_until(self) -> datetime:
        """Return the end of the days of the month before that are compared: all, or as many as are over of this one."""
        return self.start if self.is_over else min(self.before + ONE_DAY * self.days_over, self.start)
