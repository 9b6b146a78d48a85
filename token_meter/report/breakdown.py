"""A month's lines grouped: by a dimension, against the month before, the dearest first."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from token_meter.harmless_texts import shown
from token_meter.report.figures import NOTHING, Figures, Line, Sums
from token_meter.report.month import Dimension

UNNAMED = {
    Dimension.COST_CENTRE: "No cost centre",
    Dimension.APP: "No application named",
    Dimension.DEPLOYMENT: "No deployment named",
    Dimension.MODEL: "Model not known",
    Dimension.PRODUCT: "No product",
}


@dataclass(frozen=True, slots=True)
class Group:
    """What a dimension tells apart, in this month and in the days of the month before that it is compared with."""

    label: str
    """For the page; no two groups of a breakdown have the same."""
    identity: str
    """The application's id where the label is its name; else empty."""
    sums: Sums
    before: int

    @property
    def change(self) -> int:
        """Return by how much the compared days' cost has changed."""
        return self.sums.compared - self.before

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is known of its cost, which is then no zero."""
        return self.sums.cost == 0 and (self.sums.unbounded > 0 or self.sums.high > 0)


def breakdown(figures: Figures, dimension: Dimension) -> tuple[Group, ...]:
    """Return a month's groups, the dearest first; those of the month before alone are among them."""
    now = _grouped(figures.lines, dimension)
    before = _grouped(figures.lines_before, dimension)
    names = {line.key(dimension): line.name(dimension) for line in (*figures.lines_before, *figures.lines)}
    labels = _labels(names, dimension)
    groups = [
        Group(
            labels[key],
            key if names[key] != key else "",
            now.get(key, NOTHING),
            before[key].compared if key in before else 0,
        )
        for key in names
        if key in now or before[key].compared
    ]
    return tuple(sorted(groups, key=lambda group: (-group.sums.cost, -group.sums.calls, -group.before, group.label)))


def movers(groups: Iterable[Group], most: int) -> tuple[Group, ...]:
    """Return the groups whose cost changed most, up or down."""
    moved = [group for group in groups if group.change]
    return tuple(sorted(moved, key=lambda group: (-abs(group.change), group.label))[:most])


def cut(groups: Sequence[Group], most: int, title: str) -> tuple[tuple[Group, ...], Group | None]:
    """Return the first groups, and all others as one where there are more."""
    if len(groups) <= most:
        return tuple(groups), None
    others = groups[most - 1 :]
    label = f"{len(others):,} other {title}s"
    together = sum((group.sums for group in others), NOTHING)
    return tuple(groups[: most - 1]), Group(label, "", together, sum(group.before for group in others))


def by_status(lines: Iterable[Line]) -> dict[str, Sums]:
    """Return the sums of lines by how sure their cost is."""
    return _add((line.status, line.sums) for line in lines)


def _grouped(lines: Iterable[Line], dimension: Dimension) -> dict[str, Sums]:
    return _add((line.key(dimension), line.sums) for line in lines)


def _add(pairs: Iterable[tuple[str, Sums]]) -> dict[str, Sums]:
    added: dict[str, Sums] = defaultdict(Sums)
    for key, sums in pairs:
        added[key] += sums
    return dict(added)


def _labels(names: dict[str, str], dimension: Dimension) -> dict[str, str]:
    """Return what each key is called: its name, made different where several would look the same."""
    plain = {key: shown(name) or UNNAMED[dimension] for key, name in names.items()}
    times = Counter(plain.values())
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for key in sorted(names):
        label = plain[key] if times[plain[key]] == 1 else f"{plain[key]} ({shown(key) or 'no id'})"
        number = 2
        while label in taken:
            label, number = f"{plain[key]} (no. {number})", number + 1
        taken.add(label)
        labels[key] = label
    return labels
