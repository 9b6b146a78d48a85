"""Adding up one side of a call: texts are counted as they come, notes and doubts are kept beside the sum."""

from token_meter.codes import Note, Source
from token_meter.counting.count import UNKNOWN, Count
from token_meter.counting.tokenizer import count_tokens


class Counter:
    """A sum of tokens with one encoding, and everything that makes it less than exact."""

    def __init__(self, encoding: str) -> None:
        """Begin at nothing."""
        self.encoding = encoding
        self.tokens = 0
        self.confirmed = True
        self.notes: list[Note] = []

    def text(self, text: str) -> int:
        """Return how many tokens a text is, without adding them. Raises TokenizerUnusable."""
        if not text:
            return 0
        counted = count_tokens(text, self.encoding)
        self.confirmed = self.confirmed and counted.exact
        return counted.count

    def add(self, tokens: int) -> None:
        """Add tokens to the sum."""
        self.tokens += tokens

    def doubt(self, *notes: Note) -> None:
        """Say why the sum is an estimate; nothing said is no doubt."""
        self.confirmed = self.confirmed and not notes
        self.notes += [note for note in notes if note not in self.notes]

    def result(self) -> Count:
        """Return the sum as a count: `counted` where nothing spoke against it, else `estimated`."""
        source = Source.COUNTED if self.confirmed else Source.ESTIMATED
        return Count(max(self.tokens, 0), source, self.encoding, tuple(self.notes))


def unknown(*notes: Note) -> Count:
    """Return a count that is not known, and why."""
    return Count(UNKNOWN.tokens, UNKNOWN.source, "", notes)
