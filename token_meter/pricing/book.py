"""The price book: every price file of a folder together, with the applications and deployments beside them."""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from token_meter.pricing.applications import App, read_applications
from token_meter.pricing.deployments import DeploymentRow, read_deployments
from token_meter.pricing.price_checks import check_appended, check_prices
from token_meter.pricing.price_rows import COLUMNS, PriceRow, read_price_file
from token_meter.pricing.tables import Fault

LIST_FILE = "azure_openai.csv"
"""Public prices, shipped with the meter and replaced by its next version."""
CONTRACT_FILE = "contract.csv"
"""The customer's own; `token-meter prices import` appends to it."""
APPLICATIONS_FILE = "applications.csv"
DEPLOYMENTS_FILE = "deployments.csv"
DIGEST_LENGTH = 12


class BookUnusable(Exception):  # noqa: N818 - it names a state of the book, as the command line reports it
    """The book has faults. The message has one clear line a fault."""


@dataclass(frozen=True, slots=True)
class Book:
    """A book and everything that is wrong with it."""

    prices: tuple[PriceRow, ...]
    apps: tuple[App, ...]
    deployments: tuple[DeploymentRow, ...]
    faults: tuple[Fault, ...]

    @property
    def currency(self) -> str:
        """Return the currency of all prices; empty where there are none."""
        return self.prices[0].currency if self.prices else ""

    @property
    def version(self) -> str:
        """Return the newest day on which a price was checked, and a digest of all prices."""
        if not self.prices:
            return "empty"
        newest = max(row.checked_on for row in self.prices)
        lines = sorted("\x1f".join(row.cells) for row in self.prices)
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return f"{newest.isoformat()} {digest[:DIGEST_LENGTH]}"


def read_book(folder: Path) -> Book:
    """Return the book in a folder. Files that a book may lack (contract, applications, deployments) may be missing."""
    files = [read_price_file(folder / name) for name in (LIST_FILE, CONTRACT_FILE) if (folder / name).exists()]
    prices = tuple(row for file in files for row in file.rows)
    faults = [fault for file in files for fault in file.faults]
    if not files:
        faults.append(Fault(str(folder), f"holds no {LIST_FILE} and no {CONTRACT_FILE}"))
    apps: tuple[App, ...] = ()
    deployments: tuple[DeploymentRow, ...] = ()
    if (folder / APPLICATIONS_FILE).exists():
        app_file = read_applications(folder / APPLICATIONS_FILE)
        apps, faults = app_file.apps, [*faults, *app_file.faults]
    if (folder / DEPLOYMENTS_FILE).exists():
        deployment_file = read_deployments(folder / DEPLOYMENTS_FILE)
        deployments, faults = deployment_file.rows, [*faults, *deployment_file.faults]
    return Book(prices, apps, deployments, (*faults, *check_prices(prices)))


def usable_book(folder: Path) -> Book:
    """Return the book in a folder. Raises BookUnusable where it has any fault."""
    book = read_book(folder)
    if book.faults:
        raise BookUnusable("\n".join(map(str, book.faults)))
    return book


@dataclass(frozen=True, slots=True)
class Addition:
    """What a file would add to a book: its rows that are not there yet, and what forbids it."""

    rows: tuple[PriceRow, ...]
    known: int
    """Rows that the book has already, word for word."""
    faults: tuple[Fault, ...]


def addition(book: Book, path: Path, not_before: date | None = None) -> Addition:
    """Return what a price file would add to a book. Nothing is written."""
    file = read_price_file(path)
    there = {row.cells for row in book.prices}
    new = tuple(row for row in file.rows if row.cells not in there)
    faults = [*file.faults, *check_appended(book.prices, new, not_before)]
    if not faults:
        faults += check_prices([*book.prices, *new])
    return Addition(new, len(file.rows) - len(new), tuple(faults))


def append_prices(path: Path, rows: Sequence[PriceRow]) -> None:
    """Append rows to a price file, making it with its header where it is not there."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if not path.exists():
        writer.writerow(COLUMNS)
    elif not path.read_bytes().endswith(b"\n"):
        text.write("\n")
    writer.writerows(row.cells for row in rows)
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())
