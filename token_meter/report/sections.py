"""The parts of the page that are the same for every dimension: a table, its chart, and what rounding does to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from token_meter.pricing.money import NANO
from token_meter.report import charts
from token_meter.report.amounts import MINUS, change, counted, growth, money, rounded, rounding_gap
from token_meter.report.breakdown import Group, breakdown, cut, movers
from token_meter.report.figures import Figures
from token_meter.report.month import Dimension

MOST_BARS = 10
MOST_ROWS = 40
"""Lines of a table on the page; the sheets have all of them."""
MOST_MOVERS = 8
TOKENS, CAPACITY = "By tokens", "Provisioned capacity"


@dataclass(frozen=True, slots=True)
class Section:
    """A dimension's part of the page."""

    dimension: Dimension
    groups: tuple[Group, ...]
    others: Group | None
    chart: charts.Chart | None
    """None where there is nothing to draw."""
    notes: tuple[str, ...]

    @property
    def rows(self) -> tuple[Group, ...]:
        """Return the table's lines."""
        return (*self.groups, self.others) if self.others else self.groups

    @property
    def title(self) -> str:
        """Return its heading."""
        return f"By {self.dimension.noun}"


def section(figures: Figures, dimension: Dimension, digits: int) -> Section:
    """Return the part of the page about a dimension."""
    groups = breakdown(figures, dimension)
    shown, others = cut(groups, MOST_ROWS, dimension.noun)
    rows = (*shown, others) if others else shown
    return Section(dimension, shown, others, _bars(figures, groups, dimension, digits), _notes(figures, rows, digits))


def movement(figures: Figures, digits: int) -> tuple[tuple[Group, ...], charts.Chart | None]:
    """Return the applications whose cost changed most against the month before, and their chart."""
    moved = movers(breakdown(figures, Dimension.APP), MOST_MOVERS)
    if not moved or not figures.lines_before:
        return (), None
    bars = [charts.Bar(group.label, group.change / NANO, change(group.change, digits)) for group in moved]
    told = "; ".join(f"{bar.label} {bar.text}" for bar in bars)
    return moved, charts.moves(
        bars, f"Change of cost against {figures.month.name_before} in {figures.currency}: {told}"
    )


def by_day(figures: Figures, digits: int) -> charts.Chart | None:
    """Return the chart of the month's days; None where nothing has a cost."""
    if not any(day.sums.cost for day in figures.days):
        return None
    series = [TOKENS, CAPACITY] if any(day.status == "allocated" for day in figures.days) else [TOKENS]
    added = {(number, name): 0 for number in range(1, figures.month.days + 1) for name in series}
    for day in figures.days:
        added[day.day.day, CAPACITY if day.status == "allocated" else TOKENS] += day.sums.cost
    costs = day_costs(figures)
    dearest = max(costs, key=lambda number: costs[number])
    told = f"highest on day {dearest}, {money(costs[dearest], digits)} {figures.currency}"
    return charts.daily(
        [(number, nano / NANO, name) for (number, name), nano in added.items()],
        series,
        f"Cost a day in {figures.month.name}, {told}; the table below has every day",
    )


def day_costs(figures: Figures) -> dict[int, int]:
    """Return the cost of each day of the month, days without a call too."""
    costs = dict.fromkeys(range(1, figures.month.days + 1), 0)
    for day in figures.days:
        costs[day.day.day] += day.sums.cost
    return costs


def against(figures: Figures, digits: int) -> str:
    """Return in a sentence by how much the month's cost has changed against the one before."""
    month = figures.month
    now, before = figures.total.compared, figures.before.compared
    whole = month.name_before if month.is_over else f"the same days of {month.name_before}"
    if now == before:
        return f"That is what {whole} cost, too."
    size = f"{figures.currency} {money(abs(now - before), digits)}"
    grown = f" ({growth(now, before).lstrip(f'+{MINUS}')})" if before > 0 else ""
    return f"That is {size}{grown} {'more' if now > before else 'less'} than {whole}."


def rounding_note(parts: Iterable[int], total: int, digits: int, what: str) -> tuple[str, ...]:
    """Return a note where amounts as they are shown do not come to their total as it is shown."""
    gap = rounding_gap(parts, total, digits)
    if not gap:
        return ()
    unit = 10 ** (9 - digits)
    way = "more" if gap > 0 else "less"
    note = (
        f"{what} come to {money(abs(gap) * unit, digits)} {way} than the total shown because each is rounded by itself"
    )
    return (f"{note}; the exact figures add up, see Reconciliation.",)


def _notes(figures: Figures, rows: Sequence[Group], digits: int) -> tuple[str, ...]:
    notes = list(rounding_note([row.sums.cost for row in rows], figures.total.cost, digits, "The rounded costs"))
    if not figures.lines_before:
        return tuple(notes)
    what = f"The rounded costs of {figures.month.name_before}"
    notes += rounding_note([row.before for row in rows], figures.before.compared, digits, what)
    apart = sum(
        rounded(row.change, digits) != rounded(row.sums.compared, digits) - rounded(row.before, digits) for row in rows
    )
    if apart:
        notes.append(
            f"In {counted(apart, 'line')} the change is not the difference of the amounts shown, by the last digit:"
            " it is rounded from the exact difference."
        )
    return tuple(notes)


def _bars(figures: Figures, groups: Sequence[Group], dimension: Dimension, digits: int) -> charts.Chart | None:
    dear = [group for group in groups if group.sums.cost]
    if not dear:
        return None
    first, others = cut(dear, MOST_BARS, dimension.noun)
    drawn = (*first, others) if others else first
    bars = [charts.Bar(group.label, group.sums.cost / NANO, money(group.sums.cost, digits)) for group in drawn]
    told = "; ".join(f"{bar.label} {bar.text}" for bar in bars)
    return charts.bars(bars, f"Cost by {dimension.noun} in {figures.currency}: {told}")
