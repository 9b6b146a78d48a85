"""A model's name as the book has it: the family and, apart from it, the version."""

import re

VERSIONED = re.compile(r"(?P<model>.+?)-(?P<version>\d{4}-\d{2}-\d{2}|\d{8}|\d{4}(?:-preview)?)", re.ASCII)
"""The endings by which OpenAI, Azure and Anthropic date their models; `TokenCost.kql` has the same expression."""


def model_and_version(name: str) -> tuple[str, str]:
    """Return a model's name and version, lower case; the version is empty where the name has none.

    What stands before a slash is a provider, `gpt-35` is Azure's spelling of `gpt-3.5`. A fine-tuned model
    (`ft:…`, `….ft-…`) has its own price and keeps its whole name.
    """
    plain = name.strip().lower().rsplit("/", 1)[-1]
    if plain.startswith("gpt-35"):
        plain = "gpt-3.5" + plain.removeprefix("gpt-35")
    if plain.startswith("ft:") or ".ft-" in plain:
        return plain, ""
    match = VERSIONED.fullmatch(plain)
    return (match["model"], match["version"]) if match else (plain, "")


def region_id(name: str) -> str:
    """Return a region as Azure's resource manager writes it: `Sweden Central` is `swedencentral`."""
    return name.lower().replace(" ", "")
