"""How the report writes money, shares and names: laws over any amount, held against Decimal."""

import unicodedata
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_meter.harmless_texts import inert, shown
from token_meter.report.amounts import (
    change,
    count,
    counted,
    exact,
    growth,
    money,
    plain_decimal,
    rounded,
    rounding_gap,
    share,
)

LARGEST = 2**63
NANO = Decimal(10**9)
AMOUNTS = st.integers(-LARGEST, LARGEST)


def read(text: str) -> Decimal:
    """Return the number that people read."""
    return Decimal(text.replace(",", "").replace("\u2212", "-"))


@given(AMOUNTS)
def test_an_exact_amount_is_the_amount(nano: int) -> None:
    """For people and for programs, to the last digit."""
    assert Decimal(nano) / NANO == read(exact(nano)) == Decimal(plain_decimal(nano))


@given(AMOUNTS, st.sampled_from([0, 2, 3]))
def test_a_rounded_amount_is_rounded_half_away_from_zero(nano: int, digits: int) -> None:
    """As Decimal rounds it; only what rounds to nothing is written as what it is less than."""
    expected = (Decimal(nano) / NANO).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)

    assert int(expected.scaleb(digits)) == rounded(nano, digits)
    assert expected == read(money(nano, digits)) if expected or not nano else money(nano, digits)[0] in "<>"


@given(st.lists(st.integers(0, 10**15), max_size=20))
def test_the_gap_is_what_a_reader_who_adds_up_finds(parts: list[int]) -> None:
    """In the currency's smallest unit."""
    added = sum(rounded(part, 2) for part in parts)

    assert added == rounded(sum(parts), 2) + rounding_gap(parts, sum(parts), 2)


@given(st.integers(0, LARGEST), st.integers(1, LARGEST))
def test_a_share_neither_hides_a_little_nor_calls_most_all(part: int, whole: int) -> None:
    """Only nothing is 0.0 %, and only all is 100.0 %."""
    text = share(min(part, whole), whole)

    assert (part == 0) == text.startswith("0.0")
    assert (part >= whole) == text.startswith("100.0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (money(1_234_567_890_000_000, 2), "1,234,567.89"),
        (money(1_500_000_000, 0), "2"),
        (money(-1_005_000_000, 2), "\u22121.01"),
        (money(4_999_999, 2), "< 0.01"),
        (change(5_000_000, 2), "+0.01"),
        (change(0, 2), "0.00"),
        (growth(110, 100), "+10.0\u202f%"),
        (growth(0, 100), "\u2212100.0\u202f%"),
        (growth(5, 0), "new"),
        (growth(100_001, 100_000), "+< 0.1\u202f%"),
        (count(None), "\u2013"),
        (count(1_000_000), "1,000,000"),
        (counted(1, "batch", "batches"), "1 batch"),
        (counted(2_000, "call"), "2,000 calls"),
    ],
)
def test_amounts_read_as_people_write_them(text: str, expected: str) -> None:
    """Thousands apart, a true minus, a sign on differences."""
    assert expected == text


@given(st.text(max_size=50))
def test_no_text_is_a_formula(text: str) -> None:
    """Not after blanks either, nor in the full-width forms."""
    assert not inert(text).lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))


@given(st.text(max_size=300))
def test_what_is_shown_can_be_seen(text: str) -> None:
    """No control character, no mark of direction, no half of a character, no end of line."""
    letters = set(shown(text)) - set("\u200c\u200d")
    assert not {letter for letter in letters if unicodedata.category(letter)[0] == "C"}
    assert "\n" not in shown(text)
    assert len(shown(text)) <= 121
    shown(text).encode()
