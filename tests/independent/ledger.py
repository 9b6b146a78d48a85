"""What became of the events, out of the tables of batches and rejected records, as the headers of the functions say."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]
GRACE = timedelta(minutes=30)
SECOND = timedelta(seconds=1)
LIVE = {"trigger", "consume"}


def batches(stored: Sequence[Row]) -> list[Row]:
    """Return what `TokenBatches()` says: of each batch the highest revision's row, of those the latest."""
    latest: dict[str, Row] = {}
    for row in sorted(stored, key=lambda row: (row["MeterRevision"] or 0, row["MeteredTime"])):
        latest[row["EventId"]] = row
    return [_batch(latest[name]) for name in sorted(latest)]


def _batch(row: Row) -> Row:
    first, last, waited = row["FirstSequenceNumber"], row["LastSequenceNumber"], row["LastEnqueuedTime"]
    return {
        **{name: value for name, value in row.items() if name != "TimeGenerated"},
        "BatchTime": waited or row["MeteredTime"],
        "Balanced": row["Received"] == row["Metered"] + row["Rejected"] + row["Ignored"],
        "Dense": first is not None and row["Events"] >= last - first + 1,
        "LagSeconds": _seconds(row["MeteredTime"], waited) if waited else None,
    }


def rejected(stored: Sequence[Row], usage: Sequence[Row], now: datetime) -> list[Row]:
    """Return what `TokenRejected()` says: one row a record, and what became of it."""
    records: dict[str, list[Row]] = defaultdict(list)
    for row in stored:
        records[row["EventId"]].append(row)
    metered = {_place(row) for row in usage if row["SequenceNumber"] is not None}
    return [_rejected(name, records[name], metered, now) for name in sorted(records)]


def _rejected(name: str, rows: Sequence[Row], metered: set[tuple[Any, ...]], now: datetime) -> Row:
    first = min(rows, key=lambda row: row["ObservedTime"])
    best = min(rows, key=lambda row: (-(row["MeterRevision"] or 0), row["ObservedTime"]))
    outcomes = {row["Outcome"] for row in rows}
    said = [row["ObservedTime"] for row in rows if row["Outcome"] == "metered"]
    # a replay's word is believed until its rows had time to show, and where no one can look for them
    believed = bool(said) and (first["SequenceNumber"] is None or max(said) >= now - GRACE)
    is_metered = _place(first) in metered or believed
    outcome = "metered" if is_metered else "ignored" if "ignored" in outcomes else "rejected"
    read = [row["ObservedTime"] for row in rows if row["Outcome"] != "rejected"]
    sizes = [row["SizeBytes"] for row in rows if row["SizeBytes"] is not None]
    return {
        "RejectedTime": first["EnqueuedTime"] or first["ObservedTime"],
        "EventId": name,
        "Outcome": outcome,
        "Recovered": outcome != "rejected",
        **{column: best[column] for column in ("Reason", "Stage", "Detail")},
        "DeadLetter": first["DeadLetter"],
        "SizeBytes": max(sizes, default=None),
        **{
            column: first[column]
            for column in ("EventHub", "Partition", "SequenceNumber", "RecordIndex", "EnqueuedTime")
        },
        "FirstObserved": first["ObservedTime"],
        "ReadTime": min(read, default=None),
    }


def _place(row: Row) -> tuple[Any, ...]:
    second = row["EnqueuedTime"].replace(microsecond=0) if row["EnqueuedTime"] else None
    return row["EventHub"].lower(), row["Partition"], row["SequenceNumber"], row["RecordIndex"], second


def gaps(ledger: Sequence[Row]) -> list[Row]:
    """Return what `TokenGaps()` says: the numbers between two batches that no batch has."""
    if not all(row["Dense"] for row in ledger if row["FirstSequenceNumber"] is not None):
        raise NotImplementedError("the month has no batch with events missing inside")
    partitions: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in ledger:
        if row["FirstSequenceNumber"] is not None:
            partitions[row["EventHub"], row["Partition"]].append(row)
    found = []
    for (hub, partition), members in sorted(partitions.items()):
        members.sort(key=lambda row: row["FirstSequenceNumber"])
        before = members[0]
        for row in members[1:]:
            if row["FirstSequenceNumber"] > before["LastSequenceNumber"] + 1:
                found.append(_gap(hub, partition, before, row))
            before = max(before, row, key=lambda item: item["LastSequenceNumber"])
    return found


def _gap(hub: str, partition: str, before: Row, after: Row) -> Row:
    first, last = before["LastSequenceNumber"] + 1, after["FirstSequenceNumber"] - 1
    return {
        "EventHub": hub,
        "Partition": partition,
        "MissingFrom": first,
        "MissingTo": last,
        "MissingEvents": last - first + 1,
        "NotBefore": before["LastEnqueuedTime"],
        "NotAfter": after["FirstEnqueuedTime"],
        "Heal": _replay(hub, partition, first, last),
    }


def unstored(ledger: Sequence[Row], usage: Sequence[Row], now: datetime) -> list[Row]:
    """Return what `TokenUnstored()` says: batches whose rows were accepted and are not all there."""
    stored: dict[tuple[str, str, int], list[Row]] = defaultdict(list)
    for row in usage:
        stored[row["EventHub"], row["Partition"], row["SequenceNumber"]].append(row)
    found = []
    for batch in ledger:
        first, last = batch["FirstSequenceNumber"], batch["LastSequenceNumber"]
        if first is None or not batch["Dense"] or batch["MeteredTime"] >= now - GRACE:
            continue
        there = {
            row["EventId"]
            for number in range(first, last + 1)
            for row in stored[batch["EventHub"], batch["Partition"], number]
            if (row["MeterRevision"] or 0) >= (batch["MeterRevision"] or 0)
            and batch["FirstEnqueuedTime"] - SECOND <= row["EnqueuedTime"] <= batch["LastEnqueuedTime"] + SECOND
        }
        if len(there) < batch["Observations"]:
            found.append(_unstored(batch, len(there)))
    return found


def _unstored(batch: Row, found: int) -> Row:
    names = ("BatchTime", "MeteredTime", "EventHub", "Partition", "FirstSequenceNumber", "LastSequenceNumber")
    return {
        **{name: batch[name] for name in names},
        "Observations": batch["Observations"],
        "FoundObservations": found,
        "MissingObservations": batch["Observations"] - found,
        "Heal": _replay(
            batch["EventHub"], batch["Partition"], batch["FirstSequenceNumber"], batch["LastSequenceNumber"]
        ),
    }


def health(
    ledger: Sequence[Row], calls: Sequence[Row], rejects: Sequence[Row], usage: Sequence[Row], now: datetime
) -> Row:
    """Return the row of `TokenHealth()`."""
    charged = [call for call in calls if call["Charged"] != "no"]
    sources = [{call["PromptSource"], call["CompletionSource"]} for call in charged]
    estimated = sum("estimated" in pair for pair in sources)
    unknown = sum(
        "unknown" in pair and call["TotalTokens"] is None for pair, call in zip(sources, charged, strict=True)
    )
    holes, missing = gaps(ledger), unstored(ledger, usage, now)
    lags: dict[tuple[str, str], Row] = {}
    for row in sorted((row for row in ledger if row["Via"] in LIVE), key=lambda row: row["LastEnqueuedTime"]):
        lags[row["EventHub"], row["Partition"]] = row
    return {
        "Batches": len(ledger),
        **{name: sum(row[name] for row in ledger) for name in ("Events", "Received", "Metered")},
        "Rejected": len(rejects),
        "Recovered": sum(row["Recovered"] for row in rejects),
        "Ignored": sum(row["Ignored"] for row in ledger),
        "Calls": len(calls),
        "Charged": len(charged),
        "EstimatedShare": to_four(estimated, len(charged)),
        "UnknownShare": to_four(unknown, len(charged)),
        "Gaps": len(holes),
        "MissingEvents": sum(row["MissingEvents"] for row in holes),
        "Unbalanced": sum(not row["Balanced"] for row in ledger),
        "UnstoredBatches": len(missing),
        "MissingObservations": sum(row["MissingObservations"] for row in missing),
        "LagSeconds": max((row["LagSeconds"] for row in lags.values()), default=None),
        "MeteredUntil": max((row["LastEnqueuedTime"] for row in ledger if row["LastEnqueuedTime"]), default=None),
    }


def accuracy(usage: Sequence[Row]) -> list[Row]:
    """Return what `CountingAccuracy()` says of the audited calls."""
    latest: dict[str, Row] = {}
    for row in sorted(usage, key=lambda row: row["MeterRevision"] or 0):
        if row["AuditPromptError"] is not None or row["AuditCompletionError"] is not None:
            latest[row["EventId"]] = row
    errors: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row in latest.values():
        for side in ("Prompt", "Completion"):
            if row[f"Audit{side}Error"] is not None:
                errors[side.lower(), row["OperationName"], row["ServedModel"]].append(row[f"Audit{side}Error"])
    return [
        {
            **dict(zip(("Side", "OperationName", "ServedModel"), key, strict=True)),
            "Calls": len(found),
            "Exact": found.count(0),
            "WithinOne": sum(abs(error) <= 1 for error in found),
            "MeanError": sum(map(abs, found)) / len(found),
            "WorstError": max(map(abs, found)),
            "ExactShare": to_four(found.count(0), len(found)),
            "WithinOneShare": to_four(sum(abs(error) <= 1 for error in found), len(found)),
        }
        for key, found in sorted(errors.items())
    ]


def to_four(part: int, whole: int) -> float:
    """Return a share, rounded half up to four digits; 0 of nothing."""
    return (part * 20_000 + whole) // (2 * whole) / 10_000 if whole else 0.0


def _seconds(later: datetime, earlier: datetime) -> int:
    """Return how many times a second began between two moments, which is how Kusto takes a difference."""
    return round((later.replace(microsecond=0) - earlier.replace(microsecond=0)) / SECOND)


def _replay(hub: str, partition: str, first: int, last: int) -> str:
    return f"token-meter replay --hub {hub} --partition {partition} --from {first} --until {last} --to log-analytics"
