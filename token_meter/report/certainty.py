"""How sure a month's cost is: the kinds of calls by what is known of their cost, in words."""

from dataclasses import dataclass

from token_meter.pricing.terms import UNCOSTED
from token_meter.report.breakdown import by_status
from token_meter.report.figures import Figures, Sums


@dataclass(frozen=True, slots=True)
class Kind:
    """Calls of whose cost the same is known."""

    label: str
    meaning: str
    sums: Sums
    in_total: bool
    """Whether the month's total has their cost, or nothing of it."""


WORDS = {
    "priced": ("Priced", "All parts of these calls are known and have a price."),
    "allocated": ("Provisioned capacity", "Their share, by tokens, of what the hours of provisioned capacity cost."),
    "not_charged": ("Not charged", "The service does not charge them: refused, throttled or failed."),
    "lower_bound": ("Partly known", "A part is unknown or has no price; the total has what is known."),
    "total_only": (
        "Only a total of tokens",
        "How it splits is not known, so the cost lies between two bounds and is not in the total.",
    ),
    "unpriced": ("No price", "There is no price for the model, place and day. They are not in the total."),
    "unknown_tokens": ("Tokens not known", "Charged, and nobody knows the tokens. They are not in the total."),
    "inconsistent": ("Contradictory", "Their numbers contradict each other. They are not in the total."),
}


def kinds(figures: Figures) -> tuple[Kind, ...]:
    """Return the kinds of calls that the month has, the surest first."""
    sums = by_status(figures.lines)
    order = [*WORDS, *sorted(sums.keys() - WORDS.keys())]
    return tuple(_kind(status, sums[status]) for status in order if status in sums)


def _kind(status: str, sums: Sums) -> Kind:
    label, meaning = WORDS.get(status, (status, ""))
    return Kind(label, meaning, sums, in_total=status not in UNCOSTED)
