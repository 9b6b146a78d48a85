"""One billing row a call, out of the stored observations, as docs/folding.md says."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

Row = dict[str, Any]
RANKS = {"unknown": 0, "estimated": 1, "counted": 2, "reported": 3}
APP_RANKS = {"validated": 4, "unverified_token": 3, "declared": 2}
PARTS = {
    "Prompt": ("CachedTokens", "CacheWriteTokens", "AudioPromptTokens", "ImageTokens"),
    "Completion": ("ReasoningTokens", "AudioCompletionTokens"),
    "Total": (),
}
ANYONES = (
    "EntraTenantId", "UserObjectId", "ApimSubscription", "Product", "ApiId", "ClientIp", "OperationName", "Deployment",
    "RequestedModel", "Tokenizer",
)  # fmt: skip
SERVED = ("ServiceResponseId", "Deployment", "Backend", "Region", "ServedModel", "ServiceTier", "FinishReason")
NO_TIME = datetime(1970, 1, 2)  # noqa: DTZ001 - the store's times have no zone


def fold(observations: Iterable[Row]) -> list[Row]:
    """Return the billing rows in order of id. The month has no pieces and no calls that know no attempt."""
    calls: dict[str, list[Row]] = defaultdict(list)
    for row in _one_an_event(observations):
        if row["Attempt"] is None or "piece" in (row["Notes"] or ()):
            raise NotImplementedError("the month has no such observation")
        calls[row["CallId"]].append(row)
    return [_call(call_id, calls[call_id]) for call_id in sorted(calls)]


def _one_an_event(observations: Iterable[Row]) -> Iterable[Row]:
    """Return one row an EventId: the highest revision's, of those the earliest."""
    kept: dict[str, Row] = {}
    for row in observations:
        known = kept.get(row["EventId"])
        if known is None or _newer(row, known):
            kept[row["EventId"]] = row
    return kept.values()


def _newer(row: Row, known: Row) -> bool:
    revisions = (row["MeterRevision"] or 0, known["MeterRevision"] or 0)
    return revisions[0] > revisions[1] or (revisions[0] == revisions[1] and row["CallTime"] < known["CallTime"])


def _call(call_id: str, observations: Sequence[Row]) -> Row:
    by_attempt: dict[int, list[Row]] = defaultdict(list)
    for row in observations:
        by_attempt[row["Attempt"]].append(row)
    attempts = [_attempt(number, by_attempt[number]) for number in sorted(by_attempt)]
    charged = _first_of(("yes", "unknown", "no"), {item["Charged"] for item in attempts})
    counted = [item for item in attempts if item["Charged"] == charged != "no"]
    last, serving = attempts[-1], (counted or attempts)[-1]
    apps = {row["AppId"] for row in observations if row["AppId"]}
    best_app = max(observations, key=_app_order)
    call: Row = {
        "CallTime": min(item["CallTime"] for item in attempts),
        "CallId": call_id,
        "Attempts": max(by_attempt),
        "Observations": len(observations),
        "ServiceResponseId": last["ServiceResponseId"],
        "AppId": best_app["AppId"],
        "AppIdSource": best_app["AppIdSource"],
        "AppConflict": len(apps) > 1,
        **{name: max(row[name] for row in observations) for name in ANYONES},
        "Custom": _greatest((row["Custom"] for row in observations), key=json.dumps),
        **{name: serving[name] for name in ("Backend", "Region", "ServedModel", "ServiceTier", "IsSpilledOver")},
        **{name: last[name] for name in ("StatusCode", "FinishReason", "IsStream")},
        "DurationMs": _greatest(row["DurationMs"] for row in observations),
        "Charged": charged,
        "MeterRevision": _greatest(row["MeterRevision"] for row in observations),
    }
    partly = False
    for part, details in PARTS.items():
        tokens = [item[f"{part}Tokens"] for item in counted]
        known = [number for number in tokens if number is not None]
        partly = partly or 0 < len(known) < len(tokens)
        call[f"{part}Tokens"] = sum(known) if known else None
        call[f"{part}Source"] = _source(tokens, [item[f"{part}Source"] for item in counted])
        for name in details:
            call[name] = _sum(item[name] for item in counted)
    call["Notes"] = sorted({note for row in observations for note in row["Notes"] or ()})
    call["Notes"] += ["app_id_conflict"] if len(apps) > 1 else []
    call["Notes"] += ["part_unknown"] if partly else []
    differ = any(
        len({item[name] for item in counted if item[name]}) > 1
        for name in ("Deployment", "Backend", "ServedModel", "ServiceTier")
    )
    call["Notes"] += ["attempts_differ"] if differ else []
    disagree = any(item["Disagrees"] for item in counted) and "inconsistent_usage" not in call["Notes"]
    call["Notes"] += ["inconsistent_usage"] if disagree else []
    return call


def _attempt(number: int, rows: Sequence[Row]) -> Row:
    """Return what the observations of an attempt tell together."""
    told = [row for row in rows if row["StatusCode"] is not None]
    status = max(told, key=lambda row: (_charge_order(row), row["StatusCode"]))["StatusCode"] if told else None
    attempt: Row = {
        "Attempt": number,
        "Charged": _first_of(("yes", "no", "unknown"), {row["Charged"] for row in rows}),
        "StatusCode": status,
        "CallTime": min(row["CallTime"] for row in rows if row["CallTime"] >= NO_TIME),
        **{name: max(row[name] for row in rows) for name in SERVED},
        "IsSpilledOver": _greatest(row["IsSpilledOver"] for row in rows),
        "IsStream": _greatest(row["IsStream"] for row in rows),
    }
    for part, details in PARTS.items():
        best = max(rows, key=lambda row, part=part: _number_order(row, part))  # type: ignore[misc]
        for name in (f"{part}Tokens", f"{part}Source", *details):
            attempt[name] = best[name]
    return _with_total(attempt)


def _with_total(attempt: Row) -> Row:
    """Put the sum of the parts in place of a total that was not reported; say where three reports disagree."""
    prompt, completion, total = (attempt[f"{part}Tokens"] for part in PARTS)
    sources = [attempt[f"{part}Source"] for part in PARTS]
    split = prompt is not None and completion is not None
    attempt["Disagrees"] = split and set(sources) == {"reported"} and prompt + completion != total
    if split and sources[2] != "reported":
        attempt["TotalTokens"] = prompt + completion
        attempt["TotalSource"] = min(sources[:2], key=lambda source: RANKS[source])
    return attempt


def _charge_order(row: Row) -> int:
    return {"yes": 2, "unknown": 1, "no": 0}[row["Charged"]]


def _number_order(row: Row, part: str) -> tuple[int, bool, str]:
    return RANKS[row[f"{part}Source"]], "cut" not in (row["Notes"] or ()), row["EventId"]


def _app_order(row: Row) -> tuple[int, str]:
    return (APP_RANKS.get(row["AppIdSource"], 1) if row["AppId"] else 0), row["EventId"]


def _source(tokens: Sequence[int | None], sources: Sequence[str]) -> str:
    known = sum(number is not None for number in tokens)
    if known == 0:
        return "unknown"
    return "estimated" if known < len(tokens) else min(sources, key=lambda source: RANKS[source])


def _first_of(order: Sequence[str], states: set[str]) -> str:
    return next(state for state in order if state in states)


def _greatest(values: Iterable[Any], key: Callable[[Any], Any] | None = None) -> Any:
    return max((value for value in values if value is not None), default=None, key=key)


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
