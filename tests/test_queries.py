"""The shipped queries, each answer held against plain Python."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.usage_rows import NOON, observation
from token_meter.kql import kql_folder, run_query
from token_meter.sinks.duckdb_store import DuckDbStore

QUERIES = sorted((kql_folder() / "queries").glob("*.kql"))


@pytest.fixture(scope="module")
def store() -> Iterator[DuckDbStore]:
    """Return a store with calls of three applications."""
    with DuckDbStore(":memory:") as opened:
        opened.write(
            [
                observation("1", "1", app_id="a", deployment="d1", operation_name="chat", **known(10, 5, "reported")),
                observation("2", "2", app_id="a", deployment="d2", operation_name="chat", **known(20, 5, "estimated")),
                observation(
                    "3",
                    "3",
                    app_id="a",
                    deployment="d2",
                    operation_name="chat",
                    prompt_tokens=7,
                    prompt_source="counted",
                ),
                observation(
                    "4", "4", app_id="b", deployment="d1", operation_name="chat", charged="no", status_code=429
                ),
                observation(
                    "5", "5", app_id="b", deployment="d1", operation_name="chat", charged="no", status_code=503
                ),
                observation(
                    "6", "6", app_id="b", deployment="d1", operation_name="chat", charged="no", status_code=400
                ),
                observation(
                    "7",
                    "7",
                    app_id="c",
                    deployment="d1",
                    operation_name="embeddings",
                    attempt=2,
                    **known(4, 0, "counted"),
                ),
            ]
        )
        yield opened


def known(prompt: int, completion: int, source: str) -> dict[str, Any]:
    """Return the numbers of a row, all of one source."""
    return {
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "prompt_source": source, "completion_source": source, "total_source": source,
        "cached_tokens": 1, "status_code": 200,
    }  # fmt: skip


def answer(store: DuckDbStore, name: str) -> list[dict[str, Any]]:
    """Return the rows that a shipped query answers."""
    result = run_query(store, (kql_folder() / "queries" / f"{name}.kql").read_text(encoding="utf-8"))
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def test_chargeback_says_who_used_how_much_and_how_sure_it_is(store: DuckDbStore) -> None:
    """Every total stands beside the number of calls that it lacks; calls that were not charged are not in it."""
    first, second = answer(store, "chargeback")

    expected = {"AppId": "a", "Calls": 3, "PromptTokens": 37, "CompletionTokens": 10, "TotalTokens": 40}
    expected |= {"CachedTokens": 2, "EstimatedTokens": 25, "UnknownPrompts": 0, "UnknownCompletions": 1}
    assert expected == {name: first[name] for name in expected}
    assert ("c", 1, 4) == (second["AppId"], second["Calls"], second["TotalTokens"])


def test_tokens_by_day_have_a_row_a_day_application_and_deployment(store: DuckDbStore) -> None:
    """In order, so that two runs print the same."""
    rows = answer(store, "tokens_by_app_and_deployment_by_day")

    day = NOON.replace(hour=0).isoformat().replace("+00:00", "Z")
    assert [(day, "a", "d1", 15), (day, "a", "d2", 25), (day, "c", "d1", 4)] == [
        (row["Day"], row["AppId"], row["Deployment"], row["TotalTokens"]) for row in rows
    ]


def test_the_share_of_estimates_and_unknowns_is_of_charged_calls(store: DuckDbStore) -> None:
    """By operation and deployment."""
    rows = {(row["OperationName"], row["Deployment"]): row for row in answer(store, "estimated_and_unknown_share")}

    assert {("chat", "d1"), ("chat", "d2"), ("embeddings", "d1")} == set(rows)
    assert (0.5, 0, 0.5, 0.5) == tuple(
        rows["chat", "d2"][name]
        for name in (
            "EstimatedPromptShare", "UnknownPromptShare", "EstimatedCompletionShare", "UnknownCompletionShare",
        )
    )  # fmt: skip


def test_errors_and_throttling_are_counted_by_application(store: DuckDbStore) -> None:
    """The throttled ones first."""
    rows = {row["AppId"]: row for row in answer(store, "errors_and_throttling")}

    assert (3, 1, 1, 1) == tuple(
        rows["b"][name] for name in ("Calls", "Throttled", "OtherClientErrors", "ServerErrors")
    )
    assert 1 == rows["c"]["Retried"]


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_every_query_tells_what_it_answers(path: Path) -> None:
    """A header, and the period under it, where the workbook puts its own."""
    lines = path.read_text(encoding="utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if not line.startswith("//"))

    assert all(any(line.startswith(f"// {name}: ") for line in lines) for name in ("Question", "Parameters", "Output"))
    assert ["let start = datetime(null);", "let end = datetime(null);"] == lines[first : first + 2]


def test_the_index_names_every_query_once_and_no_other() -> None:
    """A file that is not there would be a dead link."""
    index = (QUERIES[0].parent / "INDEX.md").read_text(encoding="utf-8")

    assert [path.name for path in QUERIES] == sorted(re.findall(r"\]\((\w+\.kql)\)", index))


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_every_query_answers_an_empty_store(path: Path) -> None:
    """A new installation shows empty tables, not errors; its health is one row without a number."""
    with DuckDbStore(":memory:") as store:
        rows = run_query(store, path.read_text(encoding="utf-8")).rows

    assert not any(value for row in rows for value in row)
