"""Observations that tests of the store and the fold are written with, and the fold again in plain Python."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from token_meter.row import UsageRow

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
RANKS = {"unknown": 0, "estimated": 1, "counted": 2, "reported": 3}
NAMES = {rank: name for name, rank in RANKS.items()}
APP_RANKS = {"none": 1, "key_hash": 1, "declared": 2, "unverified_token": 3, "validated": 4}
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
PROMPT_DETAILS = ("cached_tokens", "cache_write_tokens", "audio_prompt_tokens", "image_tokens")
PRICED_BY = ("deployment", "backend", "served_model", "service_tier")
COMPLETION_DETAILS = ("reasoning_tokens", "audio_completion_tokens")


def observation(event_id: str = "e1", call_id: str = "c1", **fields: Any) -> UsageRow:
    """Return a charged observation of a call; `fields` set what matters to a test."""
    time = fields.pop("call_time", NOON)
    values = {"charged": "yes", "meter_revision": 1, "time_generated": time, **fields}
    return UsageRow(call_time=time, event_id=event_id, call_id=call_id, **values)


@dataclass(frozen=True)
class Number:
    """A number of tokens, how good its source is, and the details that belong to it."""

    tokens: int | None
    rank: int
    details: tuple[int | None, ...] = ()


def folded(rows: Iterable[UsageRow], start: datetime | None = None, end: datetime | None = None) -> dict[str, Any]:
    """Return the billing rows by call, as docs/folding.md describes them; written without the KQL in view."""
    by_event: dict[str, UsageRow] = {}
    for row in rows:
        known = by_event.get(row.event_id)
        if known is None or _precedes(row, known):
            by_event[row.event_id] = row
    by_call: dict[str, list[UsageRow]] = defaultdict(list)
    for row in by_event.values():
        by_call[row.call_id].append(row)
    calls = {call_id: _call(observations) for call_id, observations in by_call.items()}
    return {
        call_id: call
        for call_id, call in calls.items()
        if (start is None or call["CallTime"] >= start) and (end is None or call["CallTime"] < end)
    }


def _precedes(row: UsageRow, other: UsageRow) -> bool:
    return (-(row.meter_revision or 0), row.call_time) < (-(other.meter_revision or 0), other.call_time)


def _call(observations: Sequence[UsageRow]) -> dict[str, Any]:
    last = max((row.attempt for row in observations if row.attempt is not None), default=1)
    attempts: dict[int, list[UsageRow]] = defaultdict(list)
    answers = _answers(observations)
    for row in observations:
        number = answers.get(row.service_response_id, len(answers) or last)
        attempts[number if row.attempt is None else row.attempt].append(row)
    states = {number: _charged(rows) for number, rows in attempts.items()}
    charged = "yes" if "yes" in states.values() else "unknown" if "unknown" in states.values() else "no"
    counted = [attempts[number] for number in sorted(attempts) if states[number] == charged != "no"]
    prompts = [_best(rows, "prompt", PROMPT_DETAILS) for rows in counted]
    completions = [_best(rows, "completion", COMPLETION_DETAILS) for rows in counted]
    totals = [
        _total(prompt, completion, _best(rows, "total", ()))
        for rows, prompt, completion in zip(counted, prompts, completions, strict=True)
    ]
    apps = {row.app_id for row in observations if row.app_id}
    notes = {note for row in observations for note in row.notes or ()}
    notes |= {"app_id_conflict"} if len(apps) > 1 else set()
    notes |= {"part_unknown"} if any(_is_partial(numbers) for numbers in (prompts, completions, totals)) else set()
    notes |= {"attempts_differ"} if any(_differ(counted, name) for name in PRICED_BY) else set()
    parts = zip(prompts, completions, totals, strict=True)
    notes |= {"inconsistent_usage"} if any(_disagree(*numbers) for numbers in parts) else set()
    times = [row.call_time for row in observations if row.call_time > NO_TIME]
    answer: dict[str, Any] = {
        "CallTime": min(times, default=NO_TIME),
        "Attempts": max(attempts),
        "Observations": len(observations),
        "Charged": charged,
        "Notes": notes,
        "AppId": max(observations, key=lambda row: (_app_rank(row), row.event_id)).app_id,
    }
    for name, numbers in (("Prompt", prompts), ("Completion", completions), ("Total", totals)):
        answer[f"{name}Tokens"], answer[f"{name}Source"] = _sum(numbers)
    for place, name in enumerate(PROMPT_DETAILS):
        answer[name] = _plain_sum(number.details[place] for number in prompts)
    for place, name in enumerate(COMPLETION_DETAILS):
        answer[name] = _plain_sum(number.details[place] for number in completions)
    return answer


def _answers(observations: Sequence[UsageRow]) -> dict[str, int]:
    """Return the number of each answer, by its id, in a call of which no observation knows its attempt."""
    if any(row.attempt is not None for row in observations):
        return {}
    first: dict[str, datetime] = {}
    for row in observations:
        if row.service_response_id:
            first[row.service_response_id] = min(row.call_time, first.get(row.service_response_id, row.call_time))
    ordered = sorted(first, key=lambda answer: (first[answer], answer))
    return {answer: number for number, answer in enumerate(ordered, start=1)}


def _app_rank(row: UsageRow) -> int:
    return APP_RANKS[row.app_id_source] if row.app_id else 0


def _charged(rows: Sequence[UsageRow]) -> str:
    states = {str(row.charged) for row in rows}
    return next(state for state in ("yes", "no", "unknown") if state in states)


def _best(rows: Sequence[UsageRow], name: str, details: tuple[str, ...]) -> Number:
    def goodness(row: UsageRow) -> tuple[int, bool, str]:
        return RANKS[getattr(row, f"{name}_source")], "cut" not in (row.notes or ()), row.event_id

    pieces = [row for row in rows if "piece" in (row.notes or ())]
    row = max((row for row in rows if row not in pieces), key=goodness, default=None)
    added = _plain_sum(getattr(piece, f"{name}_tokens") for piece in pieces) if name != "total" else None
    if added is not None and (row is None or goodness(row)[:2] < (RANKS["estimated"], True)):
        return Number(added, RANKS["estimated"], (None,) * len(details))
    if row is None:
        return Number(None, 0, (None,) * len(details))
    return Number(
        getattr(row, f"{name}_tokens"),
        RANKS[getattr(row, f"{name}_source")],
        tuple(getattr(row, detail) for detail in details),
    )


def _total(prompt: Number, completion: Number, total: Number) -> Number:
    if prompt.tokens is None or completion.tokens is None or total.rank == RANKS["reported"]:
        return total
    return Number(prompt.tokens + completion.tokens, min(prompt.rank, completion.rank))


def _disagree(prompt: Number, completion: Number, total: Number) -> bool:
    """Tell a total that the service reported and that is not what the parts that it reported come to."""
    if {prompt.rank, completion.rank, total.rank} != {RANKS["reported"]}:
        return False
    return (prompt.tokens or 0) + (completion.tokens or 0) != total.tokens


def _differ(attempts: Sequence[Sequence[UsageRow]], name: str) -> bool:
    """Tell whether the attempts that count do not all say the same, where they say it."""
    said = [max(getattr(row, name) for row in rows) for rows in attempts]
    return len(set(said) - {""}) > 1


def _is_partial(numbers: Sequence[Number]) -> bool:
    known = sum(number.tokens is not None for number in numbers)
    return 0 < known < len(numbers)


def _sum(numbers: Sequence[Number]) -> tuple[int | None, str]:
    total = _plain_sum(number.tokens for number in numbers)
    if total is None:
        return None, "unknown"
    return total, "estimated" if _is_partial(numbers) else NAMES[min(number.rank for number in numbers)]


def _plain_sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
