"""The answers of the queries about whether the numbers can be trusted, as their headers say."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.independent import ledger
from tests.independent.functions import day_of, grouped, total
from tests.independent.month import Month, between

Row = dict[str, Any]
QUARTER = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times have no zone


def _batches(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    return between(month.batches, start, end, "BatchTime")


def health(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """The state of the period."""
    calls, rejects = between(month.calls, start, end), between(month.rejects, start, end, "RejectedTime")
    return [ledger.health(_batches(month, start, end), calls, rejects, month.observations, month.now)]


def events_never_metered(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """The holes in the ledger."""
    return sorted(
        ledger.gaps(_batches(month, start, end)),
        key=lambda row: (-row["MissingEvents"], row["EventHub"], row["Partition"], row["MissingFrom"]),
    )


def rows_never_stored(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """The rows that were accepted and are not there."""
    return sorted(
        ledger.unstored(_batches(month, start, end), month.observations, month.now),
        key=lambda row: (-row["MissingObservations"], row["EventHub"], row["Partition"], row["FirstSequenceNumber"]),
    )


def served(calls: Sequence[Row]) -> list[Row]:
    """Return what `TokenServed()` says of calls: each day's totals at each backend and deployment."""
    groups = grouped(calls, lambda row: (day_of(row["CallTime"]), row["Backend"].lower(), row["Deployment"].lower()))
    names = ("PromptTokens", "CompletionTokens", "TotalTokens", "CachedTokens", "CacheWriteTokens")
    parts = {"Prompt": "Prompts", "Completion": "Completions", "Total": "Totals"}
    return [
        {
            **dict(zip(("Day", "Backend", "Deployment"), key, strict=True)),
            "Calls": len(rows),
            "Attempts": total(rows, "Attempts"),
            "UnchargedCalls": sum(row["Charged"] == "no" for row in rows),
            "RepeatedCalls": sum(row["Attempts"] > 1 for row in rows),
            "SpilledCalls": sum(row["IsSpilledOver"] is True for row in rows),
            "OvernightCalls": sum(_ended(row) > day_of(row["CallTime"]) for row in rows),
            **{name: total(rows, name) for name in names},
            **{
                f"NotReported{part}": sum(
                    row[f"{part}Tokens"] or 0 for row in rows if row[f"{part}Source"] != "reported"
                )
                for part in parts
            },
            **{
                f"Unknown{several}": sum(row["Charged"] != "no" and row[f"{part}Tokens"] is None for row in rows)
                for part, several in parts.items()
            },
            "AudioTokens": total(rows, "AudioPromptTokens") + total(rows, "AudioCompletionTokens"),
        }
        for key, rows in sorted(groups.items())
    ]


def _ended(row: Row) -> datetime:
    """Return the day on which a call ended; it is the day of the call where nobody knows how long it took."""
    return day_of(row["CallTime"] + timedelta(milliseconds=row["DurationMs"] or 0))


def lag_by_partition(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """How far behind the meter is."""
    live = [row for row in _batches(month, start, end) if row["Via"] in ledger.LIVE]
    groups = grouped(
        live,
        lambda row: (
            EPOCH + (row["MeteredTime"] - EPOCH) // QUARTER * QUARTER, row["EventHub"], row["Partition"],
        ),
    )  # fmt: skip
    return [
        {
            **dict(zip(("Quarter", "EventHub", "Partition"), key, strict=True)),
            "Batches": len(rows),
            "Events": total(rows, "Events"),
            "MeanLagSeconds": _to_one(total(rows, "LagSeconds"), len(rows)),
            "MaxLagSeconds": max(row["LagSeconds"] for row in rows),
        }
        for key, rows in sorted(groups.items())
    ]


def _to_one(sum_of: int, number: int) -> float:
    """Return a mean, rounded half up to one digit."""
    return (sum_of * 20 + number) // (2 * number) / 10


def rejected_records(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """What could not be metered, by reason."""
    groups = grouped(between(month.rejects, start, end, "RejectedTime"), lambda row: (row["Reason"], row["EventHub"]))
    found = []
    for (reason, hub), rows in groups.items():
        recovered = sum(row["Recovered"] for row in rows)
        found.append(
            {
                "Reason": reason,
                "EventHub": hub,
                "Records": len(rows),
                "Recovered": recovered,
                "First": min(row["RejectedTime"] for row in rows),
                "Last": max(row["RejectedTime"] for row in rows),
                "DeadLetter": max(row["DeadLetter"] for row in rows),
                "Open": len(rows) - recovered,
            }
        )
    return sorted(found, key=lambda row: (-row["Open"], row["Reason"], row["EventHub"]))
