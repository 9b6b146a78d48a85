"""The policy fragments as files: what API Management refuses is not in them; every way of reading finds the same."""

import re
from collections.abc import Iterator

import pytest

from tests.gateway.fragments import (
    FOLDER,
    LARGEST_FRAGMENT,
    NAMES,
    Element,
    end_of_expression,
    read_fragment,
    size_of,
    source_of,
)

POLICIES = {"fragment", "choose", "when", "otherwise", "set-variable", "set-body", "log-to-eventhub"}
"""No section, no `include-fragment`, no `retry` or other loop; all of these may stand in `on-error`, but `set-body`."""
NAMED_VALUES = {"{{token-meter-include-usage}}", "{{token-meter-stream-mode}}"}
NAMED_VALUE = re.compile(r"\{\{.*?\}\}")


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Return each fragment's name."""
    return str(request.param)


@pytest.fixture
def fragment(name: str) -> Element:
    """Return each fragment."""
    return read_fragment(name)


def test_no_fragment_is_larger_than_api_management_takes(name: str) -> None:
    """The report's header prints the sizes, so that one sees how much room is left."""
    assert size_of(name) <= LARGEST_FRAGMENT


def test_a_fragment_holds_only_policies_that_may_stand_in_one(fragment: Element) -> None:
    """No section, no other fragment, no loop."""
    assert {element.name for element in fragment.walk()} <= POLICIES
    assert fragment.name == "fragment"


def test_only_the_request_is_changed_and_only_on_its_way_in() -> None:
    """`set-body` is not allowed in `on-error`, and no answer is touched."""
    changing = {name for name in NAMES for element in read_fragment(name).walk() if element.name == "set-body"}

    assert {"meter-inbound"} == changing


def test_only_the_two_named_values_are_asked_for_and_none_inside_an_expression(fragment: Element) -> None:
    """`{{` means a named value wherever it stands, in C# too."""
    plain = [value for element in fragment.walk() for value in element.attributes.values()]

    assert {value for value in plain if NAMED_VALUE.search(value)} <= NAMED_VALUES
    assert [] == [text for text in fragment.expressions() if "{{" in text]


def test_every_record_goes_to_the_logger_by_its_request_id() -> None:
    """`logger-id` takes no expression; one partition key keeps a call's records together."""
    logs = [element for name in NAMES for element in read_fragment(name).walk() if element.name == "log-to-eventhub"]

    expected = {"logger-id": "token-meter", "partition-key": "@(context.RequestId.ToString())"}
    assert [expected] * 2 == [element.attributes for element in logs]


def expressions() -> Iterator[str]:
    """Yield all expressions as they stand in the files."""
    for name in NAMES:
        text = source_of(name)
        for found in re.finditer(r'(?<=["> ])@[({]', text):
            yield text[found.start() : end_of_expression(text, found.start())]


def test_an_expression_ends_at_the_same_place_for_a_reader_that_knows_no_c_sharp() -> None:
    """Brackets are even, in texts too, as tools that count them expect."""
    for expression in expressions():
        assert len(expression) == end_of_expression(expression, 0, literals=False), expression[:200]


def test_an_expression_means_the_same_in_one_line() -> None:
    """XML makes blanks of an attribute's line ends: no comment to the end of a line, no text over several lines."""
    for expression in expressions():
        assert "//" not in expression.replace("://", "")
        assert '@"' not in expression


def test_the_variables_that_a_fragment_takes_are_on_its_page(name: str) -> None:
    """They are what an owner of a gateway may set."""
    taken = set(re.findall(r'TryGetValue\("([a-z-]+)"', source_of(name)))
    page = (FOLDER / f"{name}.md").read_text(encoding="utf-8")

    assert [] == [variable for variable in sorted(taken) if f"`{variable}`" not in page]
