"""The answers of the queries about what is special in a cost, as their headers say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tests.independent.cost import hour_of
from tests.independent.functions import HOUR, grouped, ptu, total
from tests.independent.month import Month, between, money, ratio
from tests.independent.parts import nano
from tests.independent.spending import count, is_unbounded, sums

Row = dict[str, Any]


def _charged(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    return [row for row in between(month.costs, start, end) if row["Charged"] != "no"]


def _named(rows: Sequence[Row], names: Sequence[str]) -> dict[tuple[Any, ...], list[Row]]:
    return grouped(rows, lambda row: tuple(row[name] for name in names))


def cached_and_reasoning_share(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """What the cache and hidden reasoning come to."""
    names = ("AppId", "AppName", "Deployment", "Model")
    found = []
    for key, rows in _named(_charged(month, start, end), names).items():
        cached = [row for row in rows if row["CachedTokens"] is not None]
        thought = [row for row in rows if row["ReasoningTokens"] is not None]
        paid = [row for row in rows if row["PriceStatus"] in {"priced", "lower_bound"}]
        saved = sum(
            nano(row["CachedPart"], row["PromptPrice"]) - row["CachedNano"]
            for row in paid
            if row["CachedPart"] and row["PromptPrice"] is not None and row["CachedNano"] is not None
        )
        thinking = sum(
            nano(row["ReasoningTokens"], row["CompletionPrice"])
            for row in paid
            if row["ReasoningTokens"] and row["CompletionPrice"] is not None
        )
        found.append(
            {
                **dict(zip(names, key, strict=True)),
                "Calls": len(rows),
                "PromptTokens": total(rows, "PromptTokens"),
                "CachedTokens": total(rows, "CachedTokens"),
                "CachedShare": ratio(total(cached, "CachedTokens"), total(cached, "PromptTokens")),
                "CachedUntold": len(rows) - len(cached),
                "Saved": money(saved),
                "CompletionTokens": total(rows, "CompletionTokens"),
                "ReasoningTokens": total(rows, "ReasoningTokens"),
                "ReasoningShare": ratio(total(thought, "ReasoningTokens"), total(thought, "CompletionTokens")),
                "ReasoningUntold": len(rows) - len(thought),
                "Reasoning": money(thinking),
                "Cost": money(total(rows, "CostNano")),
                "Unbounded": count(rows, is_unbounded),
                "Currency": month.book.currency,
            }
        )
    return sorted(
        found,
        key=lambda row: (
            -row["CachedTokens"], -row["ReasoningTokens"], row["AppId"], row["Deployment"], row["Model"],
        ),
    )  # fmt: skip


def _outcome(row: Row) -> str:
    status = row["StatusCode"]
    if status is None:
        return "answer not seen"
    if status < 400:
        return "answered after a retry" if row["Attempts"] > 1 else ""
    if status < 500 and row["FinishReason"] == "content_filter" and status != 429:
        return "filtered"
    return {429: "throttled", 401: "not allowed", 403: "not allowed"}.get(
        status, "failed" if status >= 500 else "refused"
    )


def throttled_and_failed(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """What calls cost that did not simply succeed."""
    rows = [row | {"Outcome": _outcome(row)} for row in between(month.costs, start, end)]
    names = ("AppId", "AppName", "Deployment", "Outcome")
    found = [
        {
            **dict(zip(names, key, strict=True)),
            "Calls": len(members),
            "Retries": sum(row["Attempts"] - 1 for row in members),
            "Charged": count(members, lambda row: row["Charged"] == "yes"),
            "PerhapsCharged": count(members, lambda row: row["Charged"] == "unknown"),
            "TotalTokens": total(members, "TotalTokens"),
            **sums(members),
            "Seconds": sum(int(row["DurationMs"] or 0) for row in members) / 1000,
            "SecondsUntold": count(members, lambda row: row["DurationMs"] is None),
            "Currency": month.book.currency,
        }
        for key, members in _named([row for row in rows if row["Outcome"]], names).items()
    ]
    return sorted(found, key=lambda row: (row["Outcome"], -row["Calls"], row["AppId"], row["Deployment"]))


def content_filter_charges(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """What calls cost that the content filter stopped."""
    rows = [
        row | {"Stopped": "prompt" if (row["StatusCode"] or 0) >= 400 else "answer"}
        for row in between(month.costs, start, end)
        if row["FinishReason"] == "content_filter"
    ]
    names = ("AppId", "AppName", "Deployment", "Stopped")
    found = [
        {
            **dict(zip(names, key, strict=True)),
            "Calls": len(members),
            "Charged": count(members, lambda row: row["Charged"] == "yes"),
            "PerhapsCharged": count(members, lambda row: row["Charged"] == "unknown"),
            "PromptTokens": total(members, "PromptTokens"),
            "CompletionTokens": total(members, "CompletionTokens"),
            **sums(members),
            "Estimated": money(total(members, "EstimatedNano")),
            "Currency": month.book.currency,
        }
        for key, members in _named(rows, names).items()
    ]
    return sorted(found, key=lambda row: (-row["Calls"], row["AppId"], row["Deployment"], row["Stopped"]))


def whole_hours(start: datetime | None, end: datetime | None) -> tuple[datetime | None, datetime | None]:
    """Return a period as whole hours: the beginning of its first, the end of its last."""
    until = end if end is None or end == hour_of(end) else hour_of(end) + HOUR
    return (hour_of(start) if start else None), until


def ptu_utilisation(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """How provisioned capacity is used."""
    since, until = whole_hours(start, end)
    costs = between(month.costs, since, until)
    hours = ptu(costs, month.book, month.hour_nano, since, until - HOUR if until else None)
    owned = {item.deployment for item in month.book.deployments if item.ptus > 0}
    if "*" in owned:
        raise NotImplementedError("no backend of the month is provisioned as a whole")
    paid = [row for row in costs if row["Charged"] != "no" and row["DeploymentType"] != "PTU"]
    found = []
    for (capacity,), members in sorted(_named(hours, ("Deployment",)).items()):
        spilled = [row for row in paid if row["Deployment"].lower() == capacity]
        tokens, calls, price = total(members, "Tokens"), total(members, "Calls"), total(members, "HourNano")
        fullest = max(row["Tokens"] for row in members)
        found.append(
            {
                "Capacity": capacity,
                "Hours": len(members),
                "UsedHours": count(members, lambda row: row["Calls"] > 0),
                "Calls": calls,
                "Tokens": tokens,
                "Load": ratio(tokens, len(members) * fullest),
                "Cost": money(price),
                "Allocated": money(total(members, "AllocatedNano")),
                "Idle": money(total(members, "IdleNano")),
                "IdleShare": ratio(total(members, "IdleNano"), price),
                "Unpriced": count(members, lambda row: row["HourNano"] is None),
                "CostPerMillionTokens": price / tokens / 1000 if tokens else None,
                "SpilledCalls": len(spilled),
                "SpilledTokens": total(spilled, "TotalTokens"),
                "SpilledCost": money(total(spilled, "CostNano")),
                "SpilledUnbounded": count(spilled, is_unbounded),
                "SpilledShare": ratio(len(spilled), calls + len(spilled)),
            }
        )
    return found


def estimated_share_by_app(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """How much of each bill rests on estimates."""
    found = []
    for (app_id, name), rows in _named(_charged(month, start, end), ("AppId", "AppName")).items():
        tokens = total(rows, "TotalTokens")
        by_source = {
            source: sum(row["TotalTokens"] or 0 for row in rows if row["TotalSource"] == source.lower())
            for source in ("Reported", "Counted", "Estimated")
        }
        costs = sums(rows)
        found.append(
            {
                "AppId": app_id,
                "AppName": name,
                "Calls": len(rows),
                "TotalTokens": tokens,
                **{f"{source}Tokens": number for source, number in by_source.items()},
                "Unknown": count(rows, lambda row: row["TotalTokens"] is None),
                **{f"{source}Share": ratio(number, tokens) for source, number in by_source.items()},
                **{name: costs[name] for name in ("Cost", "Low", "High", "Unpriced", "Unbounded")},
                "Estimated": money(total(rows, "EstimatedNano")),
                "EstimatedCostShare": ratio(total(rows, "EstimatedNano"), total(rows, "CostNano")),
                "Currency": month.book.currency,
            }
        )
    return sorted(found, key=lambda row: (-row["Estimated"], -row["EstimatedTokens"], row["AppId"]))


REMEDIES = {
    "unpriced": "name the model in prices/deployments.csv, or import a price for it",
    "unknown_tokens": "find in Notes why nothing could be counted",
    "inconsistent": "the numbers contradict each other: look at the calls",
    "total_only": "have the gateway record the split",
    "lower_bound": "a part is unknown or has no price: look at PriceNotes",
}


def unpriced_usage(month: Month, start: datetime | None, end: datetime | None) -> list[Row]:
    """Which usage has no certain price."""
    names = ("PriceStatus", "Model", "Version", "Deployment", "DeploymentType", "PriceRegion", "Tier")
    rows = [row for row in between(month.costs, start, end) if row["PriceStatus"] in REMEDIES]
    found = []
    for key, members in _named(rows, names).items():
        costs = sums(members)
        found.append(
            {
                **dict(zip(names, key, strict=True)),
                "Calls": len(members),
                "Apps": len({row["AppId"] for row in members}),
                "TotalTokens": total(members, "TotalTokens"),
                "UnknownTokens": count(members, lambda row: row["TotalTokens"] is None),
                "FirstCall": min(row["CallTime"] for row in members),
                "LastCall": max(row["CallTime"] for row in members),
                **{name: costs[name] for name in ("Cost", "Low", "High", "Unbounded")},
                "Currency": month.book.currency,
                "Remedy": REMEDIES[key[0]],
            }
        )
    return sorted(found, key=lambda row: (-row["TotalTokens"], -row["Calls"], *(row[name] for name in names)))
