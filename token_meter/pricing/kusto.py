"""A book as KQL functions: `TokenPrices()`, `TokenApps()`, `TokenDeployments()`.

Constants in a saved function are versioned with the code, never expire and cannot be there twice, which rows of a
table could.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from token_meter.pricing.book import Book, BookUnusable
from token_meter.pricing.method import method_function
from token_meter.pricing.periods import Period, periods_of

PRICES = (
    "Prompt", "CachedPrompt", "CacheWrite", "Completion", "AudioPrompt", "AudioCompletion", "ImagePrompt", "PtuHour",
)  # fmt: skip
"""In the order of METERS."""
PRICE_COLUMNS = (
    ("Basis", "string"), ("Model", "string"), ("Version", "string"), ("PriceType", "string"), ("Regions", "string"),
    ("PriceTier", "string"), ("PromptAbove", "long"), ("EffectiveFrom", "datetime"), ("EffectiveTo", "datetime"),
    *((name, "long") for name in PRICES),
)  # fmt: skip
APP_COLUMNS = (
    ("AppId", "string"), ("AppName", "string"), ("Owner", "string"), ("CostCentre", "string"), ("BudgetNano", "long"),
)  # fmt: skip
DEPLOYMENT_COLUMNS = (
    ("ListedDeployment", "string"), ("ListedBackend", "string"), ("ListedType", "string"), ("ListedRegion", "string"),
    ("ListedModel", "string"), ("ListedVersion", "string"), ("ListedTier", "string"), ("Ptus", "long"),
    ("ListedFrom", "datetime"), ("ListedTo", "datetime"),
)  # fmt: skip
Cell = str | int | date | None
NULLS = {"long": "long(null)", "datetime": "datetime(null)"}
NO_PRICE = -1
"""What stands for a price that there is not, in few characters: most periods have two prices of eight."""
LARGEST_FUNCTION = 131_072
"""Characters. No limit is documented for the text of a saved function; this is what Bicep's loadTextContent takes of a
file (Microsoft Learn, "File functions for Bicep"), the smallest documented one on any way to deploy a function."""


def functions_of(book: Book) -> dict[str, str]:
    """Return the text of each generated function by its name. Raises BookUnusable where one would be too large."""
    functions = {
        "TokenPrices": _prices(book),
        "TokenApps": _apps(book),
        "TokenDeployments": _deployments(book),
    }
    too_large = [
        f"{name}: the function would have {len(text)} characters, more than {LARGEST_FUNCTION}; "
        "leave out prices of models, regions or times that you do not use"
        for name, text in functions.items()
        if len(text) > LARGEST_FUNCTION
    ]
    if too_large:
        raise BookUnusable("\n".join(too_large))
    return functions


def write_functions(book: Book, folder: Path) -> list[Path]:
    """Write the functions into a folder, and the digest of all that prices calls; return the files that changed."""
    changed = [path for name, text in functions_of(book).items() if _write(path := folder / f"{name}.kql", text)]
    method = folder / "TokenMethod.kql"
    return [*changed, method] if _write(method, method_function(folder)) else changed


def _write(path: Path, text: str) -> bool:
    """Write a file where it does not say that already; return whether it did not."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


def _prices(book: Book) -> str:
    rows = [_price_cells(period) for period in periods_of(book.prices)]
    nulls = ", ".join(f"{name} = iff({name} < 0, long(null), {name})" for name in PRICES)
    columns = f"extend {nulls}, Currency = {quoted(book.currency)}, PriceBook = {quoted(book.version)}"
    return _function(
        "TokenPrices: the price book, a row for each span of time in which none of a model's prices changes.",
        "micro-units of the currency a million tokens (PtuHour: a PTU and hour); null where there is no price",
        _datatable(PRICE_COLUMNS, rows) + f"\n| {columns}",
    )


def _price_cells(period: Period) -> tuple[Cell, ...]:
    return (
        period.basis, period.model, period.version, period.deployment_type, " ".join(period.regions), period.tier,
        period.prompt_above, period.effective_from, period.effective_to,
        *(NO_PRICE if price is None else price for price in period.prices),
    )  # fmt: skip


def _apps(book: Book) -> str:
    rows = [(app.app_id, app.name, app.owner, app.cost_centre, app.budget_nano) for app in book.apps]
    return _function(
        "TokenApps: the applications that are known by name, a row each.",
        "the budget is a month's, in nano-units of the book's currency; null where there is none",
        _datatable(APP_COLUMNS, rows),
    )


def _deployments(book: Book) -> str:
    rows: list[tuple[Cell, ...]] = [
        (
            row.deployment, row.backend, row.deployment_type, row.region, row.model, row.version, row.tier, row.ptus,
            row.effective_from, row.effective_to,
        )
        for row in book.deployments
    ]  # fmt: skip
    return _function(
        "TokenDeployments: what deployments are where no call says it, a row each and span of time.",
        "names are in lower case, * is any; Ptus is 0 where tokens are paid",
        _datatable(DEPLOYMENT_COLUMNS, rows),
    )


def _function(what: str, output: str, body: str) -> str:
    header = [f"// {what}", "//", f"// Output: {output}.", "// Generated by `make generate` out of prices/*.csv.", "//"]
    return "\n".join([*header, body, ""])


def _datatable(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Cell]]) -> str:
    schema = ", ".join(f"{name}:{kind}" for name, kind in columns)
    lines = [
        "    " + ", ".join(_literal(cell, kind) for cell, (_, kind) in zip(row, columns, strict=True)) for row in rows
    ]
    return f"datatable({schema})\n[\n" + ",\n".join(lines) + "\n]"


def _literal(cell: Cell, kind: str) -> str:
    if cell is None:
        return NULLS[kind]
    if isinstance(cell, date):
        return f"datetime({cell.isoformat()})"
    return quoted(cell) if isinstance(cell, str) else str(cell)


def quoted(text: str) -> str:
    """Return a KQL string literal; control characters, which no file may hold, would not survive it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
