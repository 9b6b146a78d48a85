"""What the Logs Ingestion peer can be told to do instead of accepting a request, and faults at random from a seed."""

import random
from dataclasses import dataclass, field

LONGEST_SILENCE = 2.0
"""Seconds that the peer keeps silent at most; it ends sooner when the client gives up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to one request: its status, and what is stored of the rows all the same."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    code: str = "AsTold"
    """The error's code in the body."""
    stored: float | None = None
    """Share of the rows that is stored; None for all where the status is 204, else none."""
    reset: bool = False
    """The connection is reset instead of an answer."""
    silent: bool = False
    """No answer comes until the client gives up, or LONGEST_SILENCE is over."""

    @property
    def accepts(self) -> bool:
        """Whether the client is told that its rows were accepted."""
        return self.status == ACCEPTED.status and not self.reset and not self.silent

    @property
    def share_stored(self) -> float:
        """Return which share of the rows is stored."""
        return float(self.accepts) if self.stored is None else self.stored


ACCEPTED = Answer()
RESET = Answer(reset=True)
RESET_AFTER_STORING = Answer(reset=True, stored=1)
SILENCE = Answer(silent=True)
SILENCE_AFTER_STORING = Answer(silent=True, stored=1)
STORED_AND_FAILED = Answer(500, stored=1)
HALF_STORED_AND_FAILED = Answer(500, stored=0.5)


def throttled(after: str = "") -> Answer:
    """Return a 429, with `Retry-After` where one is given."""
    return Answer(429, (("Retry-After", after),) if after else (), "TooManyRequests")


PASSING_FAULTS = (
    throttled(),
    throttled("0"),
    Answer(408),
    Answer(500),
    Answer(502),
    Answer(503),
    Answer(504),
    Answer(413, code="ContentLengthLimitExceeded"),
    RESET,
    RESET_AFTER_STORING,
    SILENCE,
    SILENCE_AFTER_STORING,
    STORED_AND_FAILED,
    HALF_STORED_AND_FAILED,
)
"""Faults that a client gets over by trying again."""


@dataclass(slots=True)
class RandomFaults:
    """Faults at random, the same ones whenever the requests come in the same order. Not safe to share."""

    share: float = 0.0
    """Of the requests that meet a fault."""
    duplicated: float = 0.0
    """Of the accepted requests whose rows are stored twice: the service, too, delivers at least once."""
    seed: int = 0
    _draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Start the series."""
        self._draw = random.Random(self.seed)  # noqa: S311 - a repeatable series is what is wanted

    def next(self) -> Answer:
        """Return what becomes of the next request."""
        return self._draw.choice(PASSING_FAULTS) if self._draw.random() < self.share else ACCEPTED

    def copies(self) -> int:
        """Return how often the rows of a request are stored."""
        return 2 if self._draw.random() < self.duplicated else 1
