"""The answers of the queries about who uses what, and how well it went, as their headers say."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.independent.functions import day_of, grouped, total
from tests.independent.ledger import to_four
from tests.independent.month import Month, between, ratio
from tests.independent.spending import DAY, WEEK, count

Row = dict[str, Any]
STEPS = ((2_000, 10), (20_000, 100), (200_000, 1_000))
"""Below so many milliseconds, how exact a time is."""
WIDEST_STEP = 10_000


def _charged(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    return [row for row in between(month.calls, start, end) if row["Charged"] != "no"]


def chargeback(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """Each application's tokens."""
    names = ("PromptTokens", "CompletionTokens", "TotalTokens", "CachedTokens", "ReasoningTokens")
    found = [
        {
            "AppId": app_id,
            "Calls": len(rows),
            **{name: total(rows, name) for name in names},
            "EstimatedTokens": total(rows, "TotalTokens", lambda row: row["TotalSource"] == "estimated"),
            "UnknownPrompts": count(rows, lambda row: row["PromptTokens"] is None),
            "UnknownCompletions": count(rows, lambda row: row["CompletionTokens"] is None),
        }
        for app_id, rows in grouped(_charged(month, start, end), lambda row: row["AppId"]).items()
    ]
    return sorted(found, key=lambda row: (-row["TotalTokens"], row["AppId"]))


def tokens_by_app_and_deployment_by_day(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """Each day's tokens."""
    groups = grouped(
        _charged(month, start, end), lambda row: (day_of(row["CallTime"]), row["AppId"], row["Deployment"])
    )
    return [
        {
            **dict(zip(("Day", "AppId", "Deployment"), key, strict=True)),
            "Calls": len(rows),
            **{name: total(rows, name) for name in ("PromptTokens", "CompletionTokens", "TotalTokens")},
            "UnknownPrompts": count(rows, lambda row: row["PromptTokens"] is None),
            "UnknownCompletions": count(rows, lambda row: row["CompletionTokens"] is None),
        }
        for key, rows in sorted(groups.items())
    ]


def errors_and_throttling(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """Each application's calls by how they ended."""
    found = []
    for app_id, rows in grouped(between(month.calls, start, end), lambda row: row["AppId"]).items():
        filtered = [row for row in rows if row["FinishReason"] == "content_filter"]
        refused = [row for row in rows if row not in filtered and 400 <= (row["StatusCode"] or 0) < 500]
        found.append(
            {
                "AppId": app_id,
                "Calls": len(rows),
                "Throttled": count(rows, lambda row: row["StatusCode"] == 429),
                "Refused": count(rows, lambda row: row["StatusCode"] in {401, 403}),
                "Filtered": len(filtered),
                "OtherClientErrors": count(refused, lambda row: row["StatusCode"] not in {401, 403, 429}),
                "ServerErrors": count(rows, lambda row: (row["StatusCode"] or 0) >= 500),
                "Retried": count(rows, lambda row: row["Attempts"] > 1),
            }
        )
    return sorted(found, key=lambda row: (-row["Throttled"], -row["ServerErrors"], row["AppId"]))


def estimated_and_unknown_share(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """How sure the numbers of each operation and deployment are."""
    groups = grouped(_charged(month, start, end), lambda row: (row["OperationName"], row["Deployment"]))
    found = []
    for key, rows in sorted(groups.items()):
        counts = {
            f"{source.capitalize()}{part}": sum(row[f"{part}Source"] == source for row in rows)
            for part in ("Prompt", "Completion")
            for source in ("estimated", "unknown")
        }
        found.append(
            {
                **dict(zip(("OperationName", "Deployment"), key, strict=True)),
                "Calls": len(rows),
                **{f"{name}s": number for name, number in counts.items()},
                "TotalTokens": total(rows, "TotalTokens"),
                "EstimatedTokens": total(rows, "TotalTokens", lambda row: row["TotalSource"] == "estimated"),
                **{f"{name}Share": to_four(number, len(rows)) for name, number in counts.items()},
            }
        )
    return found


def latency_and_speed(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """How long answers take."""
    answered = [row for row in between(month.calls, start, end) if 200 <= (row["StatusCode"] or 0) < 300]
    forms = {None: "unknown", True: "stream", False: "whole"}
    groups = grouped(
        answered, lambda row: (row["Deployment"], row["ServedModel"], row["Region"], forms[row["IsStream"]])
    )
    found = []
    for key, rows in sorted(groups.items()):
        timed = [row for row in rows if row["DurationMs"] is not None]
        times = sorted(int(row["DurationMs"]) for row in timed)
        both = [row for row in timed if row["CompletionTokens"] is not None]
        found.append(
            {
                **dict(zip(("Deployment", "ServedModel", "Region", "Form"), key, strict=True)),
                "Calls": len(rows),
                "Untimed": len(rows) - len(timed),
                "MeanMs": ratio(sum(times), len(times)),
                **{f"P{percent}Ms": _below(times, percent) for percent in (50, 95, 99)},
                "MaxMs": max(times, default=None),
                "TokensPerSecond": ratio(
                    total(both, "CompletionTokens") * 1000, sum(int(row["DurationMs"]) for row in both)
                ),
            }
        )
    return found


def _below(times: Sequence[int], percent: int) -> int | None:
    """Return what so many of a hundred times are less than, to the step that it is told to."""
    if not times:
        return None
    place = -(-len(times) * percent // 100) - 1
    step = next((step for bound, step in STEPS if times[place] < bound), WIDEST_STEP)
    return (times[place] // step + 1) * step


def silent_callers(month: Month, start: datetime | None, end: datetime | None, by: str = "AppId") -> list[Row]:
    """Who called regularly and no more."""
    until = end or month.now
    rows = [row for row in between(month.calls, start or until - 4 * WEEK, until) if row[by] != ""]
    found = []
    for key, members in grouped(rows, lambda row: row[by]).items():
        last, days = max(row["CallTime"] for row in members), len({day_of(row["CallTime"]) for row in members})
        if last >= until - timedelta(days=3) or days < 5:
            continue
        app = month.book.apps.get(key)
        found.append(
            {
                "Key": key,
                "Name": app.name if app else key,
                "Owner": app.owner if app else "",
                "LastCall": last,
                "DaysSilent": (until - last) // DAY,
                "FirstCall": min(row["CallTime"] for row in members),
                "DaysActive": days,
                "Calls": len(members),
                "CallsADay": len(members) / days,
                "TotalTokens": total(members, "TotalTokens"),
                "UnknownTokens": _unknown(members),
            }
        )
    return sorted(found, key=lambda row: (row["LastCall"], row["Key"]))


def new_apps(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """Which applications are new."""
    until = end or month.now
    since = start or until - WEEK
    rows = [row for row in between(month.calls, since - timedelta(days=60), until) if row["AppId"] != ""]
    found = []
    for app_id, members in grouped(rows, lambda row: row["AppId"]).items():
        first = min(row["CallTime"] for row in members)
        if first < since:
            continue
        app = month.book.apps.get(app_id)
        found.append(
            {
                "AppId": app_id,
                "Named": app is not None,
                "AppName": app.name if app else app_id,
                "Owner": app.owner if app else "",
                "CostCentre": app.cost_centre if app else "",
                "FirstCall": first,
                "LastCall": max(row["CallTime"] for row in members),
                "Calls": len(members),
                "Failed": count(members, lambda row: (row["StatusCode"] or 0) >= 400),
                "TotalTokens": total(members, "TotalTokens"),
                "UnknownTokens": _unknown(members),
                "Users": len({row["UserObjectId"] for row in members} - {""}),
                "Deployments": sorted({row["Deployment"] for row in members}),
                "AppIdSources": sorted({row["AppIdSource"] for row in members}),
            }
        )
    found.sort(key=lambda row: row["AppId"])
    return sorted(found, key=lambda row: row["FirstCall"], reverse=True)


def _unknown(rows: Sequence[Row]) -> int:
    return count(rows, lambda row: row["Charged"] != "no" and row["TotalTokens"] is None)
