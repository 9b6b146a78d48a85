"""`TokenMethod()`: stored sums of days hold for the fold, the arithmetic and the prices that they were computed by."""

import shutil
from pathlib import Path

import pytest

from token_meter.kql import kql_folder
from token_meter.pricing import append_prices, usable_book, write_functions
from token_meter.pricing.book import CONTRACT_FILE, addition
from token_meter.pricing.method import method_function
from token_meter.pricing.price_rows import COLUMNS

PRICES = Path(__file__).parent.parent / "prices"
NEW_PRICE = "prompt,gpt-4o,*,Global,*,standard,0,1M tokens,2.25,USD,2026-12-01,,contract,our agreement,2026-11-25"


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """Return a copy of the shipped functions."""
    return Path(shutil.copytree(kql_folder() / "functions", tmp_path / "functions"))


def test_the_shipped_method_is_that_of_the_shipped_functions() -> None:
    """As `make generate` writes it."""
    folder = kql_folder() / "functions"

    assert method_function(folder) == (folder / "TokenMethod.kql").read_text(encoding="utf-8")


def test_imported_prices_change_the_method_too(functions: Path, tmp_path: Path) -> None:
    """`prices import` writes the functions; days that were stored before must not hold any more."""
    folder = Path(shutil.copytree(PRICES, tmp_path / "prices"))
    assert [] == write_functions(usable_book(folder), functions)

    file = tmp_path / "new.csv"
    file.write_text("\n".join([",".join(COLUMNS), NEW_PRICE, ""]), encoding="utf-8")
    append_prices(folder / CONTRACT_FILE, addition(usable_book(folder), file).rows)
    changed = write_functions(usable_book(folder), functions)

    assert ["TokenPrices.kql", "TokenMethod.kql"] == [path.name for path in changed]


@pytest.mark.parametrize("name", ["TokenUsage", "TokenCost", "TokenDeployments", "TokenDaySums"])
def test_any_change_of_what_computes_a_day_is_another_method(functions: Path, name: str) -> None:
    """And one of its comments is none."""
    path = functions / f"{name}.kql"
    before, text = method_function(functions), path.read_text(encoding="utf-8")
    path.write_text(f"// told better\n{text}", encoding="utf-8")
    assert before == method_function(functions)

    path.write_text(f"{text}| where true\n", encoding="utf-8")
    assert before != method_function(functions)


def test_the_list_of_applications_is_no_part_of_it(functions: Path) -> None:
    """Their names and cost centres are looked up when days are asked for."""
    before = method_function(functions)
    (functions / "TokenApps.kql").write_text("print AppId = ''\n", encoding="utf-8")

    assert before == method_function(functions)
