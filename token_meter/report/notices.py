"""What a reader must know before the numbers: sentences about what the total lacks, and whether it can still change."""

from dataclasses import dataclass

from token_meter.report.amounts import NARROW, counted, money, share
from token_meter.report.breakdown import by_status
from token_meter.report.figures import Figures


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence, and whether somebody should act on it."""

    heading: str
    text: str
    serious: bool


def notices(figures: Figures, digits: int) -> tuple[Notice, ...]:
    """Return what stands before the numbers, the gravest first."""
    return tuple(
        notice
        for notice in (
            _nothing(figures),
            _not_metered(figures),
            _unstored(figures),
            _unbalanced(figures),
            _rejected(figures),
            _no_prices(figures),
            _unpriced(figures),
            _not_over(figures),
            _idle(figures, digits),
        )
        if notice is not None
    )


def _nothing(figures: Figures) -> Notice | None:
    if figures.lines:
        return None
    return Notice("No calls", f"No call of {figures.month.name} has been metered.", serious=True)


def _not_metered(figures: Figures) -> Notice | None:
    health = figures.health
    if not health.gaps:
        return None
    text = (
        f"{counted(health.missing_events, 'event')} in {counted(health.gaps, 'gap')} never reached the meter; the total"
    )
    return Notice("Events are missing", f"{text} is too low until they are metered.", serious=True)


def _unstored(figures: Figures) -> Notice | None:
    health = figures.health
    if not health.unstored_batches:
        return None
    lost = counted(health.missing_observations, "row")
    batches = counted(health.unstored_batches, "batch", "batches")
    return Notice(
        "Rows were not stored",
        f"{lost} of {batches} were accepted and are not in the table; the total lacks them.",
        serious=True,
    )


def _unbalanced(figures: Figures) -> Notice | None:
    if not figures.health.unbalanced:
        return None
    batches = counted(figures.health.unbalanced, "batch", "batches")
    return Notice(
        "Counts do not balance", f"The meter's own counts do not add up in {batches}: a defect.", serious=True
    )


def _rejected(figures: Figures) -> Notice | None:
    records = sum(reject.records for reject in figures.rejected)
    if not records:
        return None
    text = f"{counted(records, 'record')} could not be read and may hide calls that the total lacks; they are kept."
    return Notice("Rejected records", text, serious=True)


def _no_prices(figures: Figures) -> Notice | None:
    charged = {status: sums for status, sums in by_status(figures.lines).items() if status != "not_charged"}
    if not charged or set(charged) != {"unpriced"}:
        return None
    return Notice(
        "Nothing has a price",
        "The price book has no price for any call of this month, so there is no cost.",
        serious=True,
    )


def _unpriced(figures: Figures) -> Notice | None:
    by = by_status(figures.lines)
    lacking = sum(by[status].calls for status in ("unpriced", "unknown_tokens", "inconsistent") if status in by)
    if not lacking or _no_prices(figures) is not None:
        return None
    calls = f"{counted(lacking, 'call')} ({share(lacking, figures.total.calls)} of all)"
    text = f"{calls} have a cost that is not known and are in no total; see “How sure is this?”"
    return Notice("Calls without a cost", text, serious=False)


def _not_over(figures: Figures) -> Notice | None:
    month = figures.month
    if month.is_over:
        return None
    over = f"{month.days_over} of {month.days}{NARROW}days"
    compared = f"compared are the same days of {month.name_before}" if month.days_over else "nothing is compared yet"
    return Notice("The month is not over", f"{over} are over, and the total still grows; {compared}.", serious=False)


def _idle(figures: Figures, digits: int) -> Notice | None:
    idle = sum(capacity.idle for capacity in figures.capacity)
    if not idle:
        return None
    cost = f"{figures.currency} {money(idle, digits)}"
    text = f"{cost} of provisioned capacity stood idle. No application bears it, and no total has it."
    return Notice("Idle capacity", text, serious=False)
