"""Answers as people take them away: CSV."""

import csv
import io

import pytest

from token_meter.query_result import Result


@pytest.mark.parametrize("text", ['=HYPERLINK("https://example.com")', "+1", "-1", "\t=1", " =1", "\uff1d1"])
def test_no_text_of_an_answer_is_a_formula(text: str) -> None:
    """Callers choose what an unverified token says, and analysts open answers in a sheet."""
    written = Result(("AppId",), ("string",), ((text,),)).as_csv()

    assert [["AppId"], [f"'{text}"]] == list(csv.reader(io.StringIO(written)))


def test_numbers_stay_numbers() -> None:
    """Also negative ones."""
    assert "Change,Share\n-5,-0.5\n" == Result(("Change", "Share"), ("long", "real"), ((-5, -0.5),)).as_csv()
