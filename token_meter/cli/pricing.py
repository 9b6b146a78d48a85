"""`token-meter prices`: check the price book, and append prices to it."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from token_meter.cli.output import standard_output
from token_meter.pricing import (
    Addition,
    BookUnusable,
    addition,
    append_prices,
    functions_of,
    read_book,
    usable_book,
    write_functions,
)
from token_meter.pricing.book import CONTRACT_FILE

prices = typer.Typer(help="Check the price book, and append prices to it.", no_args_is_help=True)
Folder = Annotated[Path, typer.Option("--prices", help="The folder with the price files.")]
Functions = Annotated[Path, typer.Option("--functions", help="The folder with the KQL functions.")]
NotBefore = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Refuse prices that take effect earlier: the first day not yet billed."),
]
IN_CHECKOUT = Path("prices")
FUNCTIONS = Path("kql/functions")


@prices.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="A price file; without one the book itself is checked.")] = None,
    folder: Folder = IN_CHECKOUT,
    functions: Functions = FUNCTIONS,
    not_before: NotBefore = None,
) -> None:
    """Say what is wrong with the book, or with a file that would be added to it: a line a fault, exit status 2."""
    if file is not None:
        added = _added(folder, file, not_before)
        standard_output().print(f"{len(added.rows)} new prices, {added.known} known ones")
        return
    book = read_book(folder)
    faults = [str(fault) for fault in book.faults]
    if not faults:
        faults += [
            f"{functions / name}.kql: is not what the book says; run `make generate`"
            for name in _stale(functions, folder)
        ]
    _refuse(tuple(faults))
    standard_output().print(f"{len(book.prices)} prices in {book.currency}, book {book.version}")


@prices.command("import")
def import_prices(
    file: Annotated[Path, typer.Argument(help="A price file: rows to append to the customer's own prices.")],
    folder: Folder = IN_CHECKOUT,
    functions: Functions = FUNCTIONS,
    not_before: NotBefore = None,
) -> None:
    """Append a file's prices to contract.csv and write the KQL functions anew; nothing where anything is wrong."""
    added = _added(folder, file, not_before)
    if added.rows:
        append_prices(folder / CONTRACT_FILE, added.rows)
    book = usable_book(folder)
    write_functions(book, functions)
    standard_output().print(f"{len(added.rows)} prices appended, {added.known} known ones, book {book.version}")


def _added(folder: Path, file: Path, not_before: datetime | None) -> Addition:
    """Return what a file adds to the book, which it may: raises BookUnusable otherwise."""
    book = usable_book(folder)
    added = addition(book, file, not_before.date() if not_before else None)
    _refuse(tuple(map(str, added.faults)))
    functions_of(replace(book, prices=(*book.prices, *added.rows)))  # raises where the book would be too large for them
    return added


def _stale(functions: Path, folder: Path) -> list[str]:
    expected = functions_of(usable_book(folder))
    return [
        name
        for name, text in expected.items()
        if not (functions / f"{name}.kql").exists() or (functions / f"{name}.kql").read_text(encoding="utf-8") != text
    ]


def _refuse(faults: tuple[str, ...]) -> None:
    if faults:
        raise BookUnusable("\n".join(faults))
