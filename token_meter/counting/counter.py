"""Adding up one side of a call: texts are counted as they come, notes and doubts are kept beside the sum."""

from token_meter.codes import Note, Source
from token_meter.counting.count import UNKNOWN, Count
from token_meter.counting.tokenizer import count_tokens

MOST_CHARACTERS = 5_000_000
"""That are tokenized for one side of a call: what a context of a million tokens holds, and five times what an event can
hold. A record that repeats its own parts more often is made to keep the meter busy."""
LONGEST_NAME = 1_000
"""Characters; OpenAI takes 64 for functions, schemas and speakers (API reference)."""
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
        self._known: dict[str, int] = {}

    def text(self, text: str) -> int:
        """Return how many tokens a text is, without adding them.

        The same text is tokenized once, however often it stands in the call. Raises TokenizerUnusable.
        """
        if not text:
            return 0
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._tokenized(text)
        return known

    def name(self, name: str, before: str = "") -> int:
        """Return how many tokens a name is, together with what the service writes before it: both are one text to it.

        The service repeats a name in more places than the record does; one that is longer than any that it takes is not
        tokenized. Raises TokenizerUnusable.
        """
        if len(name) > LONGEST_NAME:
            return self._by_length(name)
        return self.text(before + name)

    def _tokenized(self, text: str) -> int:
        if self.characters + len(text) > MOST_CHARACTERS:
            return self._by_length(text)
        self.characters += len(text)
        counted = count_tokens(text, self.encoding)
        if not counted.exact:
            self.doubt(Note.INEXACT_FORMULA)
        return counted.count

    def _by_length(self, text: str) -> int:
        self.doubt(Note.TEXT_TOO_LARGE)
        return len(text) // CHARACTERS_A_TOKEN

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


def unseen(*, cut: bool) -> Count:
    """Return the count of a side of which the record holds nothing; `cut` says that it was cut away."""
    return unknown(Note.CUT) if cut else unknown()
