"""What may be spent on writing out the schemas of one request: in keeping with its size, and bounded.

`$ref`s repeat what they point at: a few hundred characters can unfold into more than any memory holds. The largest of
2,000 recorded requests spends 451 of work and 3,380 characters, and none more than an eighth of its size in work and
its size in characters.
"""

LEAST_WORK, MOST_WORK = 5_000, 200_000
"""Keywords, values and names looked at."""
WORK_A_CHARACTER = 0.5
LEAST_CHARACTERS, MOST_CHARACTERS = 50_000, 1_000_000
"""Read and written; an event holds a million."""
CHARACTERS_A_CHARACTER = 2


class SchemaTooLarge(Exception):  # noqa: N818 - it names a property of the schema
    """The tools' schemas unfold into more than the meter writes out."""


class Budget:
    """What may still be spent on the schemas of one request."""

    def __init__(self, size: int) -> None:
        """Begin with what a request's functions may cost that are so many characters of JSON."""
        self._work = min(LEAST_WORK + int(WORK_A_CHARACTER * size), MOST_WORK)
        self._characters = min(LEAST_CHARACTERS + CHARACTERS_A_CHARACTER * size, MOST_CHARACTERS)

    def spend(self, work: int, characters: int = 0) -> None:
        """Take some away. Raises SchemaTooLarge where there is not enough."""
        self._work -= work
        self._characters -= characters
        if self._work < 0 or self._characters < 0:
            raise SchemaTooLarge
