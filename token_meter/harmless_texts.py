"""Texts out of data, made harmless: what a name holds must change neither the line it stands in nor run in a sheet."""

import unicodedata

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that nobody sees: control characters, marks that turn the direction of writing, halves of one."""
JOINERS = "\u200c\u200d"
"""Part of how Persian, Hindi and emoji are written."""
REPLACEMENT = "\ufffd"
LONGEST_SHOWN = 120
"""Characters of a name on the page; the sheets have it whole."""
LONGEST_CELL = 32_000
"""Excel takes 32,767 (support.microsoft.com: Excel specifications and limits)."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A sheet takes a cell that begins with one of them for a formula (OWASP, CSV injection); the last are full-width."""


def visible(text: str) -> str:
    """Return a text with a mark in place of every character that nobody sees."""
    return "".join(
        REPLACEMENT if unicodedata.category(letter) in UNSEEN and letter not in JOINERS else letter for letter in text
    )


def shown(text: str) -> str:
    """Return a text as a page has it: every character to be seen, and not endless."""
    clean = visible(text[: LONGEST_SHOWN + 1])
    return clean if len(text) <= LONGEST_SHOWN else clean[:LONGEST_SHOWN] + "…"


def disarmed(text: str) -> str:
    """Return a text with an apostrophe before it where a sheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS) else text


def inert(text: str) -> str:
    """Return a text as a sheet has it: no formula, no longer than a cell, every character to be seen."""
    return visible(disarmed(text)[:LONGEST_CELL])
