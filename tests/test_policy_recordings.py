"""Recorded calls through the policy fragments, where the recordings are present (they are not part of the project)."""

import copy
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.calls import LARGEST_RECORD, call, record_of
from tests.gateway.pipeline import Gateway
from tests.test_recordings import reported_by
from token_meter import Event, meter
from token_meter.codes import Note, Source
from token_meter.row import UsageRow

Pair = tuple[UsageRow, UsageRow]
"""The row of a call's raw bodies, and the row of the record that the fragments make of it."""


@pytest.fixture(scope="module")
def records(recordings: Path) -> list[dict[str, Any]]:
    """Return the recorded calls."""
    with gzip.open(recordings) as lines:
        return [json.loads(line) for line in lines]


def is_stream(record: dict[str, Any]) -> bool:
    """Tell whether a recorded answer is a stream."""
    return str(record["responseBody"]).lstrip().startswith(("data:", "event:", ":"))


def sent(record: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded call as it comes to the gateway. Services name their answer's type, some recordings do not."""
    kind = record["responseContentType"] or ("text/event-stream" if is_stream(record) else "application/json")
    return call(
        requestId=record["requestId"],
        url=record["url"],
        backend=record["backendUrl"],
        method=record["method"],
        status=record["status"],
        request=record["requestBody"],
        response=record["responseBody"],
        answer_headers={**record.get("responseHeaders", {}), "Content-Type": kind},
    )


def pairs_of(gateway: Gateway, records: list[dict[str, Any]]) -> Iterator[Pair]:
    """Yield the two rows of each call. The moment is the recorded one in both, since some counting rules go by it."""
    came = zip(gateway.run(map(sent, records)), records, strict=True)
    emitted = [record_of(result) | {"time": record["time"]} for result, record in came]
    rows = [meter([Event(json.dumps(record).encode()) for record in of]).rows for of in (records, emitted)]
    return zip(*rows, strict=True)


def what_counts(row: UsageRow) -> tuple[object, ...]:
    """Return what bills and reports rest on."""
    return (
        row.call_id,
        row.operation_name,
        row.deployment,
        row.served_model,
        row.is_stream,
        row.finish_reason,
        row.charged,
        row.prompt_tokens,
        row.completion_tokens,
        row.total_tokens,
        row.cached_tokens,
        row.reasoning_tokens,
        row.prompt_source,
        row.completion_source,
        row.total_source,
        row.notes,
    )


@pytest.fixture(scope="module")
def withheld(records: list[dict[str, Any]], withhold: Callable[[Any], Any]) -> list[dict[str, Any]]:
    """Return the recorded calls with the reported usage taken out."""
    return [withhold(copy.deepcopy(record)) for record in records]


def test_every_stream_with_usage_is_counted_from_its_compacted_record_as_from_the_raw_one(
    gateway: Gateway, records: list[dict[str, Any]], withheld: list[dict[str, Any]]
) -> None:
    """Usage is taken out of both, so that every number is counted; every record is under 200 KB (`record_of`)."""
    usage = [is_stream(record) and bool(reported_by(json.dumps(record).encode())) for record in records]
    streams = [record for record, has_usage in zip(withheld, usage, strict=True) if has_usage]
    pairs = list(pairs_of(gateway, streams))

    assert len(pairs) > 600
    assert [] == [(raw, compacted) for raw, compacted in pairs if what_counts(raw) != what_counts(compacted)]


def test_every_recorded_call_gives_the_same_row_with_what_the_service_reported(
    gateway: Gateway, records: list[dict[str, Any]]
) -> None:
    """Streams or not, with usage or not; only a body that had to be cut may be estimated."""
    pairs = list(pairs_of(gateway, records))
    different = [pair for pair in pairs if what_counts(pair[0]) != what_counts(pair[1])]

    assert len(records) == len(pairs)
    assert [] == [pair for pair in different if Note.CUT not in (pair[1].notes or ())]
    assert len(different) < 10


def test_a_recorded_prompt_that_must_be_cut_is_estimated_near_what_it_counts(
    gateway: Gateway, withheld: list[dict[str, Any]]
) -> None:
    """Within 5 %, and called an estimate."""
    long = [record for record in withheld if len(record["requestBody"]) > LARGEST_RECORD]
    texts = [record for record in long if "base64" not in record["requestBody"]]
    pairs = [pair for pair in pairs_of(gateway, texts) if pair[0].prompt_source is Source.COUNTED]

    assert pairs
    for raw, cut in pairs:
        assert Source.ESTIMATED is cut.prompt_source
        assert abs((cut.prompt_tokens or 0) - (raw.prompt_tokens or 0)) <= (raw.prompt_tokens or 0) * 5 // 100
