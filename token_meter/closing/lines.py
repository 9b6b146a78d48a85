"""The lines of a statement: what they are told apart by, what is added up, and why a later one differs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from typing import TypeAlias

from token_meter.columns import column_name
from token_meter.query_result import Value

SUMS = (
    "Calls", "PromptTokens", "CompletionTokens", "TotalTokens", "CachedTokens", "ReasoningTokens", "ReportedTokens",
    "CountedTokens", "EstimatedTokens", "UnknownCalls", "CostNano", "LowNano", "Unbounded", "EstimatedNano", "ListNano",
)  # fmt: skip
"""What of `TokenDays()` adds up; an upper bound does not, so `Unbounded` counts the calls that have none."""
MONEY = frozenset({"CostNano", "LowNano", "Unbounded", "EstimatedNano", "ListNano"})
Sums: TypeAlias = tuple[int, ...]
"""In the order of SUMS."""
NOTHING: Sums = (0,) * len(SUMS)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What the lines of a month are told apart by."""

    cost_centre: str
    app_id: str
    product: str
    deployment: str
    model: str
    deployment_type: str
    tier: str
    price_status: str


KEYS = tuple(column_name(item.name) for item in fields(Key))
Lines: TypeAlias = Mapping[Key, Sums]


class Reason(StrEnum):
    """Why a line differs from what was stated, as far as sums can tell."""

    LATE_CALLS = "late_calls"
    """Calls were metered later, or turned out to be of another month or the same call."""
    REVISED_RECORDS = "revised_records"
    """A better record of the same calls arrived: their tokens, model or whether they are charged."""
    PRICES = "prices"
    """The price book changed."""
    METHOD = "method"
    """The list of deployments or the arithmetic changed, and the price book did not."""
    SHARED_CAPACITY = "shared_capacity"
    """Others' calls came into an hour of provisioned capacity, whose cost all of its calls share."""
    REASSIGNED = "reassigned"
    """The application's cost centre changed."""


def key_of(record: Mapping[str, Value]) -> Key:
    """Return what a line is told apart by."""
    return Key(*(str(record[name]) for name in KEYS))


def lines_of(records: Iterable[Mapping[str, Value]]) -> Lines:
    """Return lines out of records with the columns of KEYS and SUMS; null is nothing to add."""
    return added((key_of(record), tuple(int(str(record[name] or 0)) for name in SUMS)) for record in records)


def added(items: Iterable[tuple[Key, Sums]]) -> Lines:
    """Return the sums of each key; a line that comes to nothing is none."""
    sums: dict[Key, Sums] = {}
    for key, values in items:
        sums[key] = _plus(sums.get(key, NOTHING), values)
    return {key: sums[key] for key in sorted(sums) if any(sums[key])}


def all_of(many: Iterable[Lines]) -> Lines:
    """Return what several documents come to."""
    return added(item for lines in many for item in lines.items())


def difference(now: Lines, stated: Lines) -> Lines:
    """Return what must be added to what was stated."""
    return all_of([now, {key: tuple(-value for value in values) for key, values in stated.items()}])


def grouped(lines: Lines, name: Callable[[Key], str]) -> dict[str, Sums]:
    """Return the sums by a part of the key."""
    sums: dict[str, Sums] = defaultdict(lambda: NOTHING)
    for key, values in lines.items():
        sums[name(key)] = _plus(sums[name(key)], values)
    return dict(sorted(sums.items()))


def total(lines: Lines) -> Sums:
    """Return the sums of all lines."""
    return grouped(lines, lambda _: "").get("", NOTHING)


def reasons(changes: Lines, changed_method: Reason | None) -> dict[Key, tuple[Reason, ...]]:
    """Return why each line differs. What happened to an application's calls of a deployment is one thing.

    `changed_method` is PRICES or METHOD where calls are priced otherwise than in the document before.
    """
    groups: dict[tuple[str, str, str], dict[Key, Sums]] = defaultdict(dict)
    for key, values in changes.items():
        groups[key.app_id, key.product, key.deployment][key] = values
    return {key: why for group in groups.values() for why in [_reasons(group, changed_method)] for key in group}


def _reasons(group: Lines, changed_method: Reason | None) -> tuple[Reason, ...]:
    if not any(map(any, grouped(group, _but_cost_centre).values())):
        return (Reason.REASSIGNED,)
    changed = dict(zip(SUMS, total(group), strict=True))
    found: list[Reason] = []
    if changed["Calls"]:
        found.append(Reason.LATE_CALLS)
    elif any(value for name, value in changed.items() if name not in MONEY):
        found.append(Reason.REVISED_RECORDS)
    if changed_method is not None:
        found.append(changed_method)
    if not found:
        shared = all(key.deployment_type == "PTU" and not values[0] for key, values in group.items())
        found.append(Reason.SHARED_CAPACITY if shared else Reason.REVISED_RECORDS)
    return tuple(found)


def _but_cost_centre(key: Key) -> str:
    return "\x1f".join(astuple(key)[1:])


def _plus(one: Sums, other: Sums) -> Sums:
    return tuple(a + b for a, b in zip(one, other, strict=True))
