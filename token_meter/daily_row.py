"""The daily row: the one definition of table `TokenUsageDaily_CL`, which keeps the sums of whole days.

A row is one line of one computation of a day. The KQL function `TokenDayLines()` keeps of each day the newest
computation of which every line is there; `TokenDays()` answers from those lines where nothing of the day came since.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, ClassVar

from token_meter.columns import column, column_name, text
from token_meter.jsontypes import dump_json
from token_meter.names import digest
from token_meter.query_result import Value
from token_meter.times import parse_time
from token_meter.version import VERSION

EVENT_ID_VERSION = "d1"


def amount(meaning: str) -> Any:
    """Declare a sum over the line's calls."""
    return column("long", meaning, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyRow:
    """One line of a day: what the calls that have these properties in common come to."""

    TABLE: ClassVar[str] = "TokenUsageDaily_CL"

    time_generated: datetime = column("datetime", "Sent equal to `ComputedTime`; serves to prune.")
    event_id: str = column("string", "Identity of the line: of its day and its properties, whenever it is computed.")
    day: datetime = column("datetime", "The UTC day, its first moment.")
    computation: str = column("string", "Identity of the day's computation: of all that its lines say.")
    computed_time: datetime = column("datetime", "When the day was computed; of whole computations the newest holds.")
    lines: int = column("long", "Lines of the computation; it holds once all of them are there.")
    call_rows: int = column("long", "Stored observations, then, of the calls that have one on the day.")
    window_rows: int = column("long", "Stored observations, then, within a week of the day.")
    method: str = text("Digest of the KQL and the prices that computed the day (`TokenMethod()`).")

    app_id: str = text("The calling application.")
    declared_cost_centre: str = text("The cost centre that the calls named; the list of applications may say another.")
    product: str = text("APIM's id of the product.")
    operation_name: str = text("What was asked for.")
    deployment: str = text("The deployment that was called.")
    backend: str = text("The backend that served the calls.")
    region: str = text("The region that served the calls.")
    served_model: str = text("The model that the service says it ran.")
    model: str = text("The model by which the calls are priced.")
    version: str = text("Its version.")
    deployment_type: str = text("`Global`, `DataZone`, `Regional`, or `PTU` for provisioned capacity.")
    tier: str = text("The tier by which the calls are priced.")
    charged: str = text("Whether the service charges the calls.")
    price_status: str = text("How sure the cost is (docs/prices.md).")
    price_basis: str = text("Whose price it is.")
    currency: str = text("The currency of the costs.")
    price_book: str = text("The version of the price book.")
    meter_revision: int | None = column("int", "The revision of the meter that counted.", default=None)

    calls: int = amount("Calls; 0 in the only line of a day that has none.")
    prompt_tokens: int = amount("Tokens of the prompts, as far as they are known.")
    completion_tokens: int = amount("Tokens of the completions, as far as they are known.")
    total_tokens: int = amount("Tokens in all, as far as they are known.")
    cached_tokens: int = amount("Prompt tokens read from the cache.")
    cache_write_tokens: int = amount("Prompt tokens written to the cache.")
    reasoning_tokens: int = amount("Hidden reasoning.")
    audio_prompt_tokens: int = amount("Audio in the prompts.")
    audio_completion_tokens: int = amount("Audio in the completions.")
    image_tokens: int = amount("Images in the prompts.")
    reported_tokens: int = amount("Of `TotalTokens`: those of totals that the service reported.")
    counted_tokens: int = amount("Of `TotalTokens`: those of counted totals.")
    estimated_tokens: int = amount("Of `TotalTokens`: those of estimated totals.")
    unknown_calls: int = amount("Calls, charged or perhaps so, whose total nobody knows.")
    cost_nano: int = amount(
        "Cost in nano-units of `Currency`, each call by the price of its day and rounded by itself."
    )
    low_nano: int = amount("The least that it can be.")
    high_nano: int = amount("The most that it can be, over the calls that have an upper bound.")
    unbounded_calls: int = amount("Calls whose cost has no upper bound.")
    estimated_nano: int = amount("Of the cost: what rests on estimated numbers.")
    list_nano: int = amount("The cost at public prices.")
    meter_version: str = text("The version of the meter that sent the line.")


ABOUT_THE_COMPUTATION = (
    "time_generated", "event_id", "day", "computation", "computed_time", "lines", "call_rows", "window_rows", "method",
    "meter_version",
)  # fmt: skip
SAID = tuple(item.name for item in fields(DailyRow) if item.name not in ABOUT_THE_COMPUTATION)
"""What the KQL function `TokenDaySums()` says of a line."""
PROPERTIES = SAID[: SAID.index("calls")]


@dataclass(frozen=True, slots=True)
class DayState:
    """A day as it was before it was computed: what was stored of its calls and around it, and the method at hand."""

    day: datetime
    call_rows: int
    window_rows: int
    method: str


def daily_rows(state: DayState, sums: Sequence[dict[str, Value]], computed: datetime) -> list[DailyRow]:
    """Return a day's computation, at least one line, out of what `TokenDaySums()` says of it."""
    lines = sorted((_line(state, line, computed) for line in sums or [{}]), key=lambda line: line.event_id)
    content = [[line.event_id, *(getattr(line, name) for name in SAID)] for line in lines]
    computation = _digest([state.day.isoformat(), state.call_rows, state.method, content])
    return [replace(line, computation=computation, lines=len(lines)) for line in lines]


def _line(state: DayState, said: dict[str, Value], computed: datetime) -> DailyRow:
    values: dict[str, Any] = {name: said[column_name(name)] for name in SAID if said}
    line = DailyRow(
        time_generated=computed,
        event_id="",
        day=state.day,
        computation="",
        computed_time=computed,
        lines=0,
        call_rows=state.call_rows,
        window_rows=state.window_rows,
        method=state.method,
        meter_version=VERSION,
        **values,
    )
    return replace(line, event_id=_digest([state.day.isoformat(), *(getattr(line, name) for name in PROPERTIES)]))


def _digest(content: list[object]) -> str:
    return f"{EVENT_ID_VERSION}:{digest(dump_json(content))}"


def day_of(text: Value) -> datetime:
    """Return the day that an answer names. Raises ValueError where it names none."""
    moment = parse_time(str(text))
    if moment is None:
        raise ValueError(f"{text!r} is no day")
    return moment
