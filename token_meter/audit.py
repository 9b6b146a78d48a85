"""How far the counter is off: calls whose usage the service reported are counted again, and the two are compared.

The same difference goes into a sample of the rows (`AuditPromptError`, `AuditCompletionError`), so that a customer sees
on their own traffic what an estimate is worth, and a model that counts differently shows up the day it ships.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from token_meter.codes import Operation, Source
from token_meter.counting import Count, count_completion, count_prompt
from token_meter.exchange import Exchange
from token_meter.jsontypes import JsonObject, as_list, as_object, as_text
from token_meter.usage import Usage

WORST_KEPT = 10
MEDIA = frozenset({"image_url", "input_audio", "file", "input_image", "input_file", "image", "document"})
TOOL_CALLS = frozenset({"function_call", "function_call_output", "custom_tool_call", "tool_use", "tool_result"})
"""Types of parts and items: Chat Completions', Responses', Messages'."""
SAMPLE_SCALE = 10_000
"""Shares of calls are chosen in steps of a hundredth of a percent."""


@dataclass(frozen=True, slots=True)
class Audited:
    """One side of a call: what the service reported, what was counted, and how sure the count claims to be."""

    side: str
    reported: int
    counted: int | None
    source: Source

    @property
    def error(self) -> int | None:
        """Counted less reported; None where nothing could be counted."""
        return None if self.counted is None else self.counted - self.reported


def audit(exchange: Exchange, usage: Usage) -> tuple[Audited, ...]:
    """Return the sides of a call that the service reported, each counted again."""
    sides = (("prompt", usage.prompt, count_prompt), ("completion", usage.completion, count_completion))
    return tuple(
        _audit_side(side, reported, count, exchange) for side, reported, count in sides if reported is not None
    )


def _audit_side(side: str, reported: int, count: Callable[[Exchange], Count], exchange: Exchange) -> Audited:
    try:
        counted = count(exchange)
    except Exception:  # noqa: BLE001 - a counter that fails on a call is unknown for it, as in a row
        return Audited(side, reported, None, Source.UNKNOWN)
    return Audited(side, reported, counted.tokens, counted.source)


def is_sampled(event_id: str, share: float) -> bool:
    """Tell whether an observation belongs to the audited share (0 to 1); the same one always does or never does."""
    digits = event_id.rpartition(":")[2][:8]
    try:
        place = int(digits, 16) % SAMPLE_SCALE
    except ValueError:
        return False
    return place < share * SAMPLE_SCALE


def features_of(exchange: Exchange, usage: Usage) -> tuple[str, ...]:
    """Return what is special about a call, for the table: `plain` where nothing is."""
    request, response = exchange.request or {}, exchange.response or {}
    items = [as_object(item) for name in ("messages", "input") for item in as_list(request.get(name))]
    parts = [part for item in items for part in map(as_object, as_list(item.get("content")))]
    answers = [as_object(as_object(choice).get("message")) for choice in as_list(response.get("choices"))]
    blocks = [as_object(item) for name in ("output", "content") for item in as_list(response.get(name))]
    told = {
        "stream": exchange.is_stream is True,
        "tools": bool(as_list(request.get("tools")) or as_list(request.get("functions"))),
        "tool history": any(_calls_tools(item) for item in (*items, *parts)),
        "tool call": any(_calls_tools(item) for item in (*answers, *blocks)),
        "json schema": "json_schema" in _formats(request),
        "media": any(as_text(item.get("type")) in MEDIA for item in (*items, *parts)),
        "several choices": len(as_list(response.get("choices"))) > 1,
        "reasoning": bool(usage.reasoning),
    }
    return tuple(name for name, present in told.items() if present) or ("plain",)


def _calls_tools(item: JsonObject) -> bool:
    """Tell a message of Chat Completions with calls in it, an item of Responses, a block of Messages that is one."""
    return bool(item.get("tool_calls") or item.get("function_call")) or as_text(item.get("type")) in TOOL_CALLS


def _formats(request: JsonObject) -> tuple[str, str]:
    """Return the format that Chat Completions and that Responses are asked for."""
    of_text = as_object(as_object(request.get("text")).get("format"))
    return as_text(as_object(request.get("response_format")).get("type")), as_text(of_text.get("type"))


@dataclass(slots=True)
class Accuracy:
    """How one kind of calls was counted: a running summary."""

    calls: int = 0
    exact: int = 0
    within_one: int = 0
    unknown: int = 0
    """Sides of calls of which the record shows nothing to count."""
    claimed: int = 0
    """Counts that say `counted`."""
    claimed_within_one: int = 0
    absolute_error: int = 0
    worst: int = 0
    reported: int = 0

    @property
    def countable(self) -> int:
        """The calls that could be counted at all; shares are of these."""
        return self.calls - self.unknown

    @property
    def mean_error(self) -> float | None:
        """Tokens by which a count is off on average, whichever way; None where nothing could be counted."""
        return self.absolute_error / self.countable if self.countable else None

    def add(self, audited: Audited) -> None:
        """Take in one side of a call."""
        self.calls += 1
        self.reported += audited.reported
        error = audited.error
        if error is None:
            self.unknown += 1
            return
        self.exact += error == 0
        self.within_one += abs(error) <= 1
        self.claimed += audited.source is Source.COUNTED
        self.claimed_within_one += audited.source is Source.COUNTED and abs(error) <= 1
        self.absolute_error += abs(error)
        self.worst = max(self.worst, abs(error))


@dataclass(slots=True)
class Worst:
    """A call that was counted far off: where it is, and by how much; never what it said."""

    call_id: str
    model: str
    operation: Operation
    audited: Audited


@dataclass(slots=True)
class Audit:
    """All calls audited so far, by side and model, operation and feature."""

    kinds: dict[tuple[str, str, str], Accuracy] = field(default_factory=dict)
    """(side, `model` | `operation` | `feature` | `all`, its name) → accuracy."""
    worst: list[Worst] = field(default_factory=list)

    def add(self, call_id: str, exchange: Exchange, usage: Usage) -> None:
        """Take in a call and what the service reported of it."""
        model = exchange.served_model or exchange.requested_model
        groups = [("all", ""), ("operation", exchange.operation.value), ("model", model)]
        groups += [("feature", name) for name in features_of(exchange, usage)]
        for audited in audit(exchange, usage):
            for kind, name in groups:
                self.kinds.setdefault((audited.side, kind, name), Accuracy()).add(audited)
            self._keep_if_worst(Worst(call_id, model, exchange.operation, audited))

    def _keep_if_worst(self, worst: Worst) -> None:
        if worst.audited.error:
            self.worst.append(worst)
            self.worst.sort(key=lambda item: -abs(item.audited.error or 0))
            del self.worst[WORST_KEPT:]
