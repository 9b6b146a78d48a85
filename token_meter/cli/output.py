"""Consoles: what is printed where, never as markup, as wide as the terminal or as wide as it needs."""

from rich.console import Console

WIDE = 1_000


def standard_output() -> Console:
    """Return the console of standard output; where that is no terminal, a table is as wide as it needs."""
    console = Console(highlight=False, markup=False, soft_wrap=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=WIDE)


def standard_error() -> Console:
    """Return the console of standard error, whose lines are never broken."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
