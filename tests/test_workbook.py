"""The workbook: valid, made of the shipped queries, and each of them runs with the period that its reader picks."""

import re
from typing import Any

import pytest

from tests.bicep_files import loaded
from token_meter.kql import kql_folder, run_query
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.workbook import BY_CHOICE, DIMENSIONS, TABS, query_of, question_of

PICKED = {"{Period:startISO}": "2026-10-01T00:00:00Z", "{Period:endISO}": "2026-11-01T00:00:00Z"}
PARAMETER = re.compile(r"\{\w+(:\w+)?\}")
QUERY, TEXT, PARAMETERS, LINKS = 3, 1, 9, 11


def queries() -> list[dict[str, Any]]:
    """Return the workbook's queries."""
    return [item for item in loaded("generated/workbook.json")["items"] if item["type"] == QUERY]


def test_every_tab_can_be_reached_and_shows_something() -> None:
    """A link for each, and items that are shown on it."""
    items = loaded("generated/workbook.json")["items"]
    (links,) = (item["content"]["links"] for item in items if item["type"] == LINKS)
    shown = {item["conditionalVisibility"]["value"] for item in queries()}

    assert ["Overview", "Chargeback", "Operations", "Quality"] == [link["subTarget"] for link in links]
    assert {link["subTarget"] for link in links} == shown


def test_its_queries_are_shipped_ones() -> None:
    """Word for word but for the period."""
    shipped = {path.stem for path in (kql_folder() / "queries").glob("*.kql")}
    named = [name for tab in TABS for name in tab.queries]

    assert set(named) <= shipped
    assert [query_of(name) for name in named] == [item["content"]["query"] for item in queries()]


@pytest.mark.parametrize("item", queries(), ids=lambda item: item["name"])
def test_every_query_runs_with_what_its_reader_picks(item: dict[str, Any]) -> None:
    """No parameter is left over, and what is drawn is in the answer."""
    text = item["content"]["query"]
    for parameter, value in PICKED.items():
        assert parameter in text
        text = text.replace(parameter, value)
    drawn = item["content"].get("chartSettings", {})

    with DuckDbStore(":memory:") as store:
        asked = text.replace("{By}", DIMENSIONS[0])
        assert PARAMETER.search(asked) is None
        assert {drawn[name] for name in ("xAxis", "group") if name in drawn} <= set(run_query(store, asked).columns)


def test_every_query_is_headed_by_its_question() -> None:
    """The one that its file begins with."""
    assert [question_of(item["name"]) for item in queries()] == [item["content"]["title"] for item in queries()]


def test_the_choice_of_a_dimension_reaches_every_query_that_has_it() -> None:
    """None of them goes on with its own."""
    choosing = {item["name"] for item in queries() if "{By}" in item["content"]["query"]}

    assert {name for tab in TABS for name in tab.queries} & BY_CHOICE == choosing
