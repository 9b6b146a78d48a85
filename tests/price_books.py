"""Price books that tests make, and the shipped KQL with such a book in place of the shipped one."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from token_meter import kql
from token_meter.pricing import usable_book, write_functions
from token_meter.pricing.book import CONTRACT_FILE, DEPLOYMENTS_FILE
from token_meter.pricing.price_rows import COLUMNS

GOOD = {
    "meter": "prompt", "model": "gpt-x", "version": "*", "deployment_type": "Global", "region": "*", "tier": "standard",
    "prompt_above": "0", "unit": "1M tokens", "price": "2.50", "currency": "USD", "effective_from": "2026-01-01",
    "effective_to": "", "basis": "contract", "source": "our agreement", "checked_on": "2026-01-01",
}  # fmt: skip
DEPLOYMENT_COLUMNS = ("deployment", "backend", "deployment_type", "region", "model", "tier", "ptus", "effective_from")


def write_prices(path: Path, *rows: Mapping[str, str]) -> Path:
    """Write a price file; each row states what differs from a good one."""
    lines = [",".join({**GOOD, **row}[name] for name in COLUMNS) for row in rows]
    path.write_text("\n".join([",".join(COLUMNS), *lines, ""]), encoding="utf-8")
    return path


def write_deployments(path: Path, *rows: Mapping[str, str]) -> Path:
    """Write a file of deployments; what a row does not state is empty."""
    lines = [",".join(row.get(name, "") for name in DEPLOYMENT_COLUMNS) for row in rows]
    path.write_text("\n".join([",".join(DEPLOYMENT_COLUMNS), *lines, ""]), encoding="utf-8")
    return path


@contextmanager
def priced_by(
    folder: Path, prices: Iterable[Mapping[str, str]], deployments: Iterable[Mapping[str, str]] = ()
) -> Iterator[None]:
    """Answer queries by the shipped KQL and a book of these prices, which is made in an empty folder."""
    write_prices(folder / CONTRACT_FILE, *prices)
    write_deployments(folder / DEPLOYMENTS_FILE, *deployments)
    shutil.copytree(kql.kql_folder() / "functions", folder / "functions")
    write_functions(usable_book(folder), folder / "functions")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kql, "kql_folder", lambda: folder)
            kql.shipped_functions.cache_clear()
            yield
    finally:
        kql.shipped_functions.cache_clear()
