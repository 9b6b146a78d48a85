"""Price files: what a book takes, and the one line that it says about what it does not."""

import contextlib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.price_books import write_prices
from token_meter.pricing import BookUnusable, addition, append_prices, functions_of, read_book, usable_book
from token_meter.pricing.book import CONTRACT_FILE
from token_meter.pricing.money import LARGEST_TOKEN_PRICE, NotMoney, decimal_of, micro_price
from token_meter.pricing.terms import Unit

SHIPPED = Path(__file__).parent.parent / "prices"


def faults(folder: Path, *rows: dict[str, str]) -> list[str]:
    """Return what a book of these rows is told, without the places."""
    write_prices(folder / CONTRACT_FILE, *rows)
    return [fault.text for fault in read_book(folder).faults]


def test_the_shipped_book_has_no_fault_and_is_what_the_functions_say() -> None:
    """In one currency."""
    book = usable_book(SHIPPED)

    assert "USD" == book.currency
    functions = SHIPPED.parent / "kql" / "functions"
    assert functions_of(book) == {
        name: (functions / f"{name}.kql").read_text(encoding="utf-8") for name in functions_of(book)
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"price": "-1"}, "negative"),
        ({"price": "1e3"}, "is no amount"),
        ({"price": "0.0000001"}, "finer than a millionth"),
        ({"price": "99999999"}, "larger than any price"),
        ({"unit": "1 token"}, "unit '1 token' is none of"),
        ({"unit": "1 image"}, "does not fit prompt"),
        ({"currency": "XXX"}, "currency 'XXX' is not one of"),
        ({"effective_from": "2026-02-30"}, "is no date"),
        ({"effective_to": "2025-12-31"}, "is not after effective_from"),
        ({"model": "gpt-4o-2024-08-06"}, "write model gpt-4o, version 2024-08-06"),
        ({"model": "*"}, "prices every model alike"),
        ({"meter": "prompts"}, "meter 'prompts' is none of"),
        ({"region": "westeurope westeurope"}, "names one twice"),
    ],
)
def test_a_fault_is_one_clear_line(tmp_path: Path, change: dict[str, str], told: str) -> None:
    """That says what is wrong."""
    (fault,) = faults(tmp_path, change)

    assert told in fault


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{}, {}], "prices the same as"),
        ([{}, {"region": "westeurope"}, {"region": "eastus westeurope"}], "in westeurope, from the same day"),
        ([{"effective_to": "2026-06-01"}, {"effective_from": "2026-05-01"}], "overlaps"),
        ([{"effective_to": "2026-06-01"}, {"effective_from": "2026-07-01"}], "leaves a gap"),
        ([{}, {"model": "gpt-y", "currency": "EUR"}], "a book has one currency"),
    ],
)
def test_prices_of_a_book_agree_with_each_other(tmp_path: Path, rows: list[dict[str, str]], told: str) -> None:
    """None twice, none at once with another, no hole between two."""
    (fault,) = faults(tmp_path, *rows)

    assert told in fault


def test_a_book_only_grows(tmp_path: Path) -> None:
    """A known row is skipped, a later price is added, an earlier or changed one is refused."""
    write_prices(tmp_path / CONTRACT_FILE, {})
    book = usable_book(tmp_path)
    later = write_prices(tmp_path / "later.csv", {}, {"effective_from": "2026-02-01", "price": "3"})
    changed = write_prices(tmp_path / "changed.csv", {"price": "3"})

    added = addition(book, later)
    append_prices(tmp_path / CONTRACT_FILE, added.rows)

    assert (1, 1, ()) == (len(added.rows), added.known, added.faults)
    assert ["2.50", "3"] == [str(row.price) for row in usable_book(tmp_path).prices]
    assert "a book only grows" in addition(book, changed).faults[0].text
    assert "before 2026-03-01" in addition(book, later, date(2026, 3, 1)).faults[0].text


def test_a_folder_without_prices_is_no_book(tmp_path: Path) -> None:
    """And says what it lacks."""
    with pytest.raises(BookUnusable, match=r"holds no azure_openai\.csv"):
        usable_book(tmp_path)


@given(st.integers(0, LARGEST_TOKEN_PRICE))
def test_a_price_survives_as_a_whole_number(micro: int) -> None:
    """In either unit of tokens."""
    million = Decimal(micro).scaleb(-6)

    assert micro == micro_price(decimal_of(format(million, "f")), Unit.MILLION_TOKENS)
    assert micro == micro_price(million / 1000, Unit.THOUSAND_TOKENS)


@given(st.text(max_size=20))
def test_no_text_makes_the_reader_of_money_fail_otherwise(text: str) -> None:
    """It is an amount of zero or more, or none."""
    with contextlib.suppress(NotMoney):
        assert decimal_of(text) >= 0
