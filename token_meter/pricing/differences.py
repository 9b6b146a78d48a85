"""Where the book's prices are not those of genai-prices, and why: a file, and its table in docs/prices.md."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from token_meter.pricing.book import BookUnusable
from token_meter.pricing.tables import read_table

DIFFERENCES_FILE = "differences.csv"
COLUMNS = ("model", "version", "meter", "tier", "prompt_above", "effective_from", "ours", "theirs", "reason")
TABLE_HEAD = "| model | from | ours and theirs, a million tokens | why |\n| --- | --- | --- | --- |\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A price that two books have differently, for a million tokens."""

    model: str
    version: str
    meter: str
    tier: str
    prompt_above: int
    effective_from: date
    ours: Decimal
    theirs: Decimal
    reason: str


def read_differences(path: Path) -> tuple[Difference, ...]:
    """Return the known differences in the order of the file. Raises BookUnusable where it is no such file."""
    table = read_table(path, COLUMNS)
    if table.faults:
        raise BookUnusable("\n".join(map(str, table.faults)))
    return tuple(
        Difference(
            model=line.cells["model"],
            version=line.cells["version"],
            meter=line.cells["meter"],
            tier=line.cells["tier"],
            prompt_above=int(line.cells["prompt_above"]),
            effective_from=date.fromisoformat(line.cells["effective_from"]),
            ours=Decimal(line.cells["ours"]),
            theirs=Decimal(line.cells["theirs"]),
            reason=line.cells["reason"],
        )
        for line in table.lines
    )


def differences_table(differences: Sequence[Difference]) -> str:
    """Return the differences as a table in Markdown, those of a model and day in one row."""
    rows: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for item in differences:
        tier = "" if item.tier == "standard" else f", {item.tier}"
        above = f", prompts above {item.prompt_above:,}" if item.prompt_above else ""
        version = "" if item.version == "*" else f" {item.version}"
        key = f"{item.model}{version}{tier}{above}", item.effective_from.isoformat(), item.reason
        rows[key].append(f"{item.meter} {item.ours:f} and {item.theirs:f}")
    lines = [f"| {model} | {day} | {'; '.join(prices)} | {reason} |" for (model, day, reason), prices in rows.items()]
    return TABLE_HEAD + "\n".join(lines) + "\n"
