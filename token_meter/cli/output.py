"""Consoles: what is printed where, never as markup, as wide as the terminal or as wide as it needs."""

from enum import StrEnum
from typing import Any

from rich.console import Console

WIDE = 1_000
LAYOUT = frozenset("\n\t")


class PlainConsole(Console):
    """A console on which no text moves the cursor, changes colours or sets a title, wherever it came from."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print texts without what a terminal would obey, and anything else as it is."""
        super().print(*(visible(item) if isinstance(item, str) else item for item in objects), **options)


def visible(text: str) -> str:
    """Return a text with a mark in place of each control character: names of files, hubs and blobs may hold any."""
    return "".join(
        character if character.isprintable() or character in LAYOUT else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


class TableOrJson(StrEnum):
    """How something is printed: for people or for programs."""

    TABLE = "table"
    JSON = "json"


def standard_output() -> Console:
    """Return the console of standard output; where that is no terminal, a table is as wide as it needs."""
    console = PlainConsole(highlight=False, markup=False, soft_wrap=False)
    return console if console.is_terminal else PlainConsole(highlight=False, markup=False, width=WIDE)


def standard_error() -> Console:
    """Return the console of standard error, whose lines are never broken."""
    return PlainConsole(stderr=True, highlight=False, markup=False, soft_wrap=True)
