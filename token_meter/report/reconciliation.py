"""The page's own check: the same total, added up along every way that it is told apart, to the last digit."""

from collections.abc import Sequence
from dataclasses import dataclass

from token_meter.report.breakdown import breakdown
from token_meter.report.certainty import kinds
from token_meter.report.figures import Figures
from token_meter.report.month import Dimension


@dataclass(frozen=True, slots=True)
class Check:
    """A sum of parts, and whether it is the total."""

    by: str
    parts: int
    cost: int
    calls: int
    agrees: bool


def checks(figures: Figures) -> tuple[Check, ...]:
    """Return a check for every way in which the page tells the month apart."""
    made = [_check(figures, "kind of cost", [(kind.sums.cost, kind.sums.calls) for kind in kinds(figures)])]
    for dimension in Dimension:
        groups = breakdown(figures, dimension)
        made.append(_check(figures, dimension.noun, [(group.sums.cost, group.sums.calls) for group in groups]))
    days: dict[int, tuple[int, int]] = {}
    for day in figures.days:
        cost, calls = days.get(day.day.day, (0, 0))
        days[day.day.day] = cost + day.sums.cost, calls + day.sums.calls
    made.append(_check(figures, "day", list(days.values())))
    return tuple(made)


def _check(figures: Figures, by: str, parts: Sequence[tuple[int, int]]) -> Check:
    cost, calls = sum(part[0] for part in parts), sum(part[1] for part in parts)
    return Check(by, len(parts), cost, calls, (cost, calls) == (figures.total.cost, figures.total.calls))
