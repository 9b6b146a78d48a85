"""The result of counting one side of a call."""

from dataclasses import dataclass

from token_meter.codes import Note, Source


@dataclass(frozen=True, slots=True)
class Count:
    """How many tokens one side of a call holds, how that is known, and with which tokenizer."""

    tokens: int | None
    source: Source
    tokenizer: str = ""
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        """Hold promise 3: unknown and null are the same thing."""
        if (self.tokens is None) != (self.source is Source.UNKNOWN):
            raise ValueError("tokens are None exactly where their source is unknown")


UNKNOWN = Count(None, Source.UNKNOWN)
