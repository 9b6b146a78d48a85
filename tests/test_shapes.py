"""Every shape of record that is on real hubs: its golden samples, and what only resembles it."""

import json
from datetime import datetime
from typing import Any

import pytest

from tests.golden_samples import SAMPLES, Sample
from tests.records import record
from token_meter import Event, meter
from token_meter.codes import Reason
from token_meter.columns import as_columns
from token_meter.kql import run_query
from token_meter.options import MeterOptions
from token_meter.row import UsageRow
from token_meter.shapes import SHAPES, UnknownShapeName, shapes_named
from token_meter.shapes.fields import Fields, normalised
from token_meter.shapes.shape import READERS
from token_meter.sinks.duckdb_store import DuckDbStore

FOLDED = [sample for sample in SAMPLES if "folded" in sample.about]


def named(sample: Sample) -> str:
    """Return a sample's name, for the test's."""
    return sample.name


def shown(row: UsageRow) -> dict[str, Any]:
    """Return a row by column, its times as the golden samples write them."""
    columns = as_columns(row)
    return {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in columns.items()
    } | {"Notes": None if row.notes is None else list(row.notes)}


def assert_row(expected: dict[str, Any], row: UsageRow) -> None:
    """Compare the columns that a sample states."""
    actual = shown(row)
    if expected.get("CallTime"):
        expected = {**expected, "CallTime": normalised_time(expected["CallTime"])}
        actual["CallTime"] = normalised_time(actual["CallTime"])
    assert expected == {name: actual[name] for name in expected}


def normalised_time(text: Any) -> datetime:
    """Return a time that may be written with more or fewer digits."""
    return datetime.fromisoformat(str(text))


@pytest.mark.parametrize("sample", SAMPLES, ids=named)
def test_a_golden_sample_gives_its_rows(sample: Sample) -> None:
    """Identity, caller, deployment, model, tokens, sources and time are as the sample states."""
    outcome = sample.metered()

    assert outcome.balanced
    assert [] == [item.reason for item in outcome.rejected]
    assert sample.about.get("ignored", []) == [item.reason for item in outcome.ignored]
    assert len(sample.about["rows"]) == len(outcome.rows)
    for expected, row in zip(sample.about["rows"], outcome.rows, strict=True):
        assert_row(expected, row)


@pytest.mark.parametrize("sample", SAMPLES, ids=named)
def test_a_golden_sample_is_told_by_its_shapes_name(sample: Sample) -> None:
    """`RecordShape` says which shape told of the call."""
    outcome = sample.metered()

    assert not outcome.rows or sample.shape in {row.record_shape for row in outcome.rows}


@pytest.mark.parametrize("sample", SAMPLES, ids=named)
def test_its_twin_is_taken_for_something_else(sample: Sample) -> None:
    """A record that only resembles the sample is of another shape, no usage, rejected, or another call."""
    twin = sample.about["twin"]
    outcome = meter([sample.twin])

    if "ignored" in twin or "rejected" in twin:
        found = [item.reason for item in (*outcome.ignored, *outcome.rejected)]
        assert [twin.get("ignored") or twin["rejected"]] == found
    else:
        (row,) = outcome.rows
        assert twin["taken_for"] == row.record_shape
        assert_row(twin.get("row", {}), row)
        same_call = {item.call_id for item in sample.metered().rows} == {row.call_id}
        assert row.record_shape != sample.shape or "row" in twin or not same_call


@pytest.mark.parametrize("sample", FOLDED, ids=named)
def test_the_observations_of_a_call_fold_into_one(sample: Sample) -> None:
    """Halves, duplicates by design and other logs of the same call give one billing row with the best numbers."""
    with DuckDbStore(":memory:") as store:
        store.write(sample.metered().rows)
        result = run_query(store, "TokenUsage() | sort by CallTime asc")
    calls = [dict(zip(result.columns, row, strict=True)) for row in result.rows]

    expected = sample.about["folded"]
    assert len(expected) == len(calls)
    for stated, call in zip(expected, calls, strict=True):
        assert stated == {name: call[name] for name in stated}


def test_every_shape_has_a_golden_sample() -> None:
    """A shape that is registered without one is not finished."""
    assert {shape.name for shape in SHAPES} == {sample.shape for sample in SAMPLES}


def test_every_family_of_record_shapes_is_registered() -> None:
    """S1 to S20, the Batch API's files, and this project's own."""
    assert {"canonical", "batch", *(f"S{number}" for number in range(1, 21))} == {shape.family for shape in SHAPES}


def test_names_of_shapes_are_unique() -> None:
    """`RecordShape` is part of an event's identity."""
    assert len(SHAPES) == len({shape.name for shape in SHAPES})


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_shapes_data_names_only_facts_that_can_be_read(shape: Any) -> None:
    """And the values that it asks for are written as they are compared: in lower case."""
    assert set(shape.tells) <= set(READERS)
    assert all(value == value.lower() for values in shape.where.values() for value in values)
    assert set(shape.where) <= set(shape.requires)


def test_a_family_can_be_asked_for_by_name() -> None:
    """Then other shapes are not recognised."""
    outcome = meter([sample.events[0] for sample in SAMPLES], MeterOptions(shape="s4"))

    assert {"S4-usage"} == {row.record_shape for row in outcome.rows}
    assert {Reason.UNKNOWN_SHAPE, Reason.NOT_JSON} >= {item.reason for item in outcome.rejected}


def test_a_single_shape_that_is_asked_for_reads_what_it_finds() -> None:
    """A copy of a policy that leaves out what tells its shape can still be read."""
    tokens = {"RequestId": "r-1", "TotalTokens": 36, "EventTime": "2026-10-05T10:00:00Z"}

    (row,) = meter([Event(dumped(tokens))], MeterOptions(shape="S6-total")).rows

    assert ("r-1", 36) == (row.call_id, row.total_tokens)


def test_a_shape_that_there_is_none_of_is_refused() -> None:
    """Rather than that every record is rejected."""
    with pytest.raises(UnknownShapeName, match="S99"):
        shapes_named("S99")


def dumped(value: Any) -> bytes:
    """Return a value's JSON."""
    return json.dumps(value).encode()


def test_of_several_spellings_of_a_name_the_fullest_value_counts() -> None:
    """Whatever their order."""
    one = {"operationname": "", "OperationName": "chat"}

    assert "chat" == Fields(one).text("operation-name") == Fields(dict(reversed(one.items()))).text("operation-name")


@pytest.mark.parametrize("name", ["message-id", "MessageId", "message_id", "MESSAGE ID", "messageId"])
def test_a_name_is_one_name_in_every_spelling(name: str) -> None:
    """Kebab, Pascal, snake and camel case."""
    assert "messageid" == normalised(name)


def test_the_canonical_record_is_read_in_any_spelling_too() -> None:
    """A tool on the way may have changed it."""
    spelled = {name.upper(): value for name, value in record().items()}

    (row,) = meter([Event(dumped(spelled))]).rows

    assert meter([Event(dumped(record()))]).rows[0] == row
