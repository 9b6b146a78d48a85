"""The functions that add up what calls cost: `TokenDaily()` and `TokenPtu()`, as their headers say."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from tests.independent.cost import hour_of
from tests.independent.price_files import Book, Listed

Row = dict[str, Any]
HOUR = timedelta(hours=1)
DAILY_KEY = (
    "AppId",
    "AppName",
    "Owner",
    "CostCentre",
    "Product",
    "Deployment",
    "Model",
    "DeploymentType",
    "Tier",
    "PriceStatus",
)


def day_of(moment: datetime) -> datetime:
    """Return the beginning of its day."""
    return datetime.combine(moment.date(), time())


def grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    """Return the rows by a key, in the order in which the keys turn up."""
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def total(rows: Iterable[Row], column: str, where: Callable[[Row], bool] = lambda _: True) -> int:
    """Return the sum of what is known of a column, of the rows of which something holds."""
    return sum(row[column] or 0 for row in rows if where(row))


def daily(costs: Sequence[Row]) -> list[Row]:
    """Return what `TokenDaily()` says of the calls."""
    groups = grouped(costs, lambda row: (day_of(row["CallTime"]), *(row[name] for name in DAILY_KEY)))
    return [_day(key, groups[key]) for key in sorted(groups)]


def _day(key: tuple[Any, ...], rows: Sequence[Row]) -> Row:
    unbounded = sum(row["HighNano"] is None for row in rows)
    names = ("PromptTokens", "CompletionTokens", "TotalTokens", "CachedTokens", "ReasoningTokens")
    sources = ("Reported", "Counted", "Estimated")
    return {
        **dict(zip(("Day", *DAILY_KEY), key, strict=True)),
        "Currency": rows[0]["Currency"],
        "Calls": len(rows),
        **{name: total(rows, name) for name in names},
        **{
            f"{source}Tokens": sum(row["TotalTokens"] or 0 for row in rows if row["TotalSource"] == source.lower())
            for source in sources
        },
        "UnknownCalls": sum(row["TotalSource"] == "unknown" and row["Charged"] != "no" for row in rows),
        **{name: total(rows, name) for name in ("CostNano", "LowNano", "EstimatedNano", "ListNano")},
        "Unbounded": unbounded,
        "HighNano": None if unbounded else total(rows, "HighNano"),
    }


def ptu(
    costs: Sequence[Row],
    book: Book,
    hour_nano: Callable[[datetime, Listed], int | None],
    first: datetime | None = None,
    last: datetime | None = None,
) -> list[Row]:
    """Return what `TokenPtu()` says of the hours from `first` to `last`; open is from the first call to the last.

    `hour_nano` says what an hour of a listed deployment costs.
    """
    calls = grouped(
        (row for row in costs if row["DeploymentType"] == "PTU"),
        lambda row: (row["PtuDeployment"], row["PtuBackend"], hour_of(row["CallTime"])),
    )
    hours = [hour for _, _, hour in calls]
    if not hours and (first is None or last is None):
        return []
    hour, until = first or min(hours), last or max(hours)
    found = []
    while hour <= until:
        owned = [item for item in book.deployments if item.ptus > 0 and item.effective_from <= hour.date()]
        found += [
            _hour(hour, item, hour_nano(hour, item), calls[item.deployment, item.backend, hour]) for item in owned
        ]
        hour += HOUR
    return found


def _hour(hour: datetime, listed: Listed, price: int | None, calls: Sequence[Row]) -> Row:
    shared = any(row["PtuNano"] is not None for row in calls)
    allocated = total(calls, "PtuNano")
    left = None if price is None else price - allocated
    return {
        "Hour": hour,
        "Deployment": listed.deployment,
        "Backend": listed.backend,
        "Ptus": listed.ptus,
        "HourNano": price,
        "Calls": len(calls),
        "Tokens": total(calls, "TotalTokens"),
        "AllocatedNano": allocated,
        "IdleNano": 0 if shared else price,
        "RoundingNano": left if shared else 0,
    }
