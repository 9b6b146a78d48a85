"""Adding up one side of a call: texts are counted as they come, notes and doubts are kept beside the sum."""

from token_meter.codes import Note, Source
from token_meter.counting.count import UNKNOWN, Count
from token_meter.counting.tokenizer import count_tokens

MOST_CHARACTERS = 10_000_000
"""That are tokenized for one side of a call: half a second's work, and ten times what an event can hold. A record that
repeats its own parts more often is made to keep the meter busy."""
CHARACTERS_A_TOKEN = 4
"""What is beyond the bound is estimated by its length (OpenAI, "What are tokens": about four characters of English)."""


class Counter:
    """A sum of tokens with one encoding, and everything that makes it less than exact."""

    def __init__(self, encoding: str) -> None:
        """Begin at nothing."""
        self.encoding = encoding
        self.tokens = 0
        self.confirmed = True
        self.notes: list[Note] = []
        self.characters = 0
        """Tokenized so far."""
        self._known: dict[tuple[str, str], int] = {}

    def text(self, text: str, before: str = "") -> int:
        """Return how many tokens a text is, together with a word before it, without adding them.

        The same text is tokenized once, however often it stands in the call. Raises TokenizerUnusable.
        """
        if not text and not before:
            return 0
        known = self._known.get((before, text))
        if known is None:
            known = self._known[before, text] = self._tokenized(text, before)
        return known

    def _tokenized(self, text: str, before: str) -> int:
        length = len(before) + len(text)
        if self.characters + length > MOST_CHARACTERS:
            self.doubt(Note.TEXT_TOO_LARGE)
            return length // CHARACTERS_A_TOKEN
        self.characters += length
        counted = count_tokens(before + text, self.encoding)
        if not counted.exact:
            self.doubt(Note.INEXACT_FORMULA)
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
