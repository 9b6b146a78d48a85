"""docs/guarantees.md: every promise names tests, and they are there."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "guarantees.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\| (MUST|SHOULD) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
DEFINED = {
    name
    for path in TESTS.glob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}


def test_the_page_is_a_table_of_must_and_should() -> None:
    """No line of it is passed over."""
    assert len(LINES) == sum(line.startswith(("| MUST", "| SHOULD")) for line in PAGE.splitlines()) > 20


@pytest.mark.parametrize(("promise", "shown_by"), [line[1:] for line in LINES])
def test_every_promise_names_tests_that_exist(promise: str, shown_by: str) -> None:
    """A promise that nothing shows is none."""
    named = re.findall(r"`(test_\w+)`", shown_by)

    assert named, promise
    assert set() == set(named) - DEFINED
