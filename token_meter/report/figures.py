"""What the questions of a report answer, as values."""

from dataclasses import dataclass, field
from datetime import date, datetime

from token_meter.report.month import Dimension, Month


@dataclass(frozen=True, slots=True)
class Sums:
    """Calls, tokens and money (nano-units of the currency) of some lines together."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    estimated_tokens: int = 0
    cost: int = 0
    low: int = 0
    high: int = 0
    unbounded: int = 0
    """Calls whose cost has no upper bound; `high` is without them."""
    estimated: int = 0
    """The part of the cost that rests on estimated numbers of tokens."""
    compared: int = 0
    """The cost of the days that are compared with the other month's."""

    def __add__(self, other: "Sums") -> "Sums":
        """Return both together."""
        return Sums(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.total_tokens + other.total_tokens,
            self.estimated_tokens + other.estimated_tokens,
            self.cost + other.cost,
            self.low + other.low,
            self.high + other.high,
            self.unbounded + other.unbounded,
            self.estimated + other.estimated,
            self.compared + other.compared,
        )


NOTHING = Sums()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is told apart in a month, with its sums."""

    cost_centre: str
    app_id: str
    app_name: str
    product: str
    deployment: str
    model: str
    deployment_type: str
    status: str
    """TokenCost's PriceStatus."""
    sums: Sums

    def key(self, dimension: Dimension) -> str:
        """Return by what two lines are the same in a dimension."""
        return {
            Dimension.COST_CENTRE: self.cost_centre,
            Dimension.APP: self.app_id,
            Dimension.DEPLOYMENT: self.deployment,
            Dimension.MODEL: self.model,
            Dimension.PRODUCT: self.product,
        }[dimension]

    def name(self, dimension: Dimension) -> str:
        """Return how people call it there."""
        return self.app_name if dimension is Dimension.APP else self.key(dimension)


@dataclass(frozen=True, slots=True)
class Day:
    """A day's sums by how its calls are paid."""

    day: date
    deployment_type: str
    status: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class Rejects:
    """Records that could not be read for a reason, and how many of it a replay has read since."""

    reason: str
    records: int
    recovered: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a provisioned deployment's hours cost; nano-units."""

    deployment: str
    backend: str
    hours: int
    idle_hours: int
    cost: int
    allocated: int
    idle: int
    unpriced: int
    """Hours without a price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How far the numbers can be trusted, as TokenHealth answers."""

    batches: int
    calls: int
    gaps: int
    missing_events: int
    unbalanced: int
    unstored_batches: int
    missing_observations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything that a report says."""

    month: Month
    lines: tuple[Line, ...]
    lines_before: tuple[Line, ...]
    days: tuple[Day, ...]
    rejected: tuple[Rejects, ...]
    capacity: tuple[Capacity, ...]
    health: Health
    currency: str
    price_book: str
    revisions: tuple[int, ...]
    """The lowest and the highest revision of the meter that counted a row; none where there is no row."""
    last_call: datetime | None
    total: Sums = field(init=False)
    before: Sums = field(init=False)

    def __post_init__(self) -> None:
        """Add up."""
        object.__setattr__(self, "total", sum((line.sums for line in self.lines), NOTHING))
        object.__setattr__(self, "before", sum((line.sums for line in self.lines_before), NOTHING))
