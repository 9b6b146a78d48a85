"""Rows that the store refuses: found one by one, set aside as what could not be metered; and rules that refuse all."""

import base64
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.ingestion_client import sink_to
from tests.ingestion_faults import RESET, STORED_AND_FAILED, throttled
from tests.ingestion_peer import Peer, ingestion_peer
from tests.ingestion_service import STREAMS
from tests.records import record
from tests.usage_rows import NOON, observation
from token_meter import Event, Origin
from token_meter.codes import Reason, Via
from token_meter.pipeline import Pipeline, RowsRefused
from token_meter.row import UsageRow
from token_meter.sinks.dead_letters import DeadLetterFolder
from token_meter.sinks.ingestion_failures import IngestionFailed
from token_meter.sinks.refusals import MOST_REFUSED, RECENT_ROWS, Refusals
from token_meter.tables import Row

STREAM = "Custom-TokenUsage_CL"
BAD = 1.5
"""A duration that a rule with whole milliseconds refuses, and this version's own takes."""


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Run a peer whose rule takes whole milliseconds only, in usage rows."""
    with ingestion_peer() as running:
        running.streams = {**STREAMS, STREAM: {**STREAMS[STREAM], "DurationMs": "long"}}
        yield running


def rows(count: int, *bad: int) -> list[UsageRow]:
    """Return so many rows, those at the given places bad."""
    return [observation(f"e{place}", duration_ms=BAD if place in bad else None) for place in range(count)]


def places(found: Sequence[Row]) -> list[int]:
    """Return the places of rows among those that `rows` made."""
    return [int(row.event_id.removeprefix("e")) for row in found]


@pytest.mark.sockets
@pytest.mark.parametrize("bad", [(), (0,), (36,), (99,), (3, 4), (0, 50, 99), tuple(range(20))])
def test_bad_rows_are_found_and_the_rest_is_saved(peer: Peer, bad: tuple[int, ...]) -> None:
    """Every other row once, in order."""
    refused = sink_to(peer).write(rows(100, *bad))

    assert list(bad) == places(refused)
    assert [f"e{place}" for place in range(100) if place not in bad] == [row["EventId"] for row in peer.rows]


@pytest.mark.sockets
def test_one_bad_row_costs_few_requests(peer: Peer) -> None:
    """Halving: one request, and two for each halving."""
    sink_to(peer).write(rows(512, 300))

    assert 1 + 2 * 9 == len(peer.paths)


@pytest.mark.sockets
def test_bad_rows_are_found_among_other_faults(peer: Peer) -> None:
    """Throttling, a reset, a failure after storing: each is tried again, and none makes a good row a bad one."""
    peer.answers = [204, throttled(), RESET, 204, STORED_AND_FAILED, 503]

    assert [2] == places(sink_to(peer).write(rows(8, 2)))
    assert set(range(8)) - {2} == {int(row["EventId"][1:]) for row in peer.stored("TokenUsage_CL")}


@pytest.mark.sockets
@pytest.mark.parametrize("count", [1, 2, 3, 1_000])
def test_a_rule_that_refuses_all_rows_is_said_to_be_the_cause(peer: Peer, count: int) -> None:
    """Nothing is set aside: the deployment is mended, and the batch is tried again."""
    with pytest.raises(IngestionFailed, match="deploy the infrastructure of this version") as failed:
        sink_to(peer).write(rows(count, *range(count)))

    assert "\n" not in str(failed.value)
    assert len(peer.paths) < 10 * MOST_REFUSED


@pytest.mark.sockets
def test_more_bad_rows_than_an_accident_has_are_the_rules_fault(peer: Peer) -> None:
    """However many good ones there are beside them."""
    with pytest.raises(IngestionFailed, match="deploy the infrastructure"):
        sink_to(peer).write(rows(1_000, *range(0, 10 * (MOST_REFUSED + 1), 10)))


@pytest.mark.sockets
def test_a_lone_bad_row_is_set_aside_where_the_rule_took_others(peer: Peer) -> None:
    """Quiet hubs have batches of one event; it must not hold its partition for ever."""
    sink = sink_to(peer)
    sink.write(rows(3))

    assert [0] == places(sink.write(rows(1, 0)))


@pytest.mark.sockets
def test_a_rule_that_changes_under_way_is_noticed(peer: Peer) -> None:
    """After half as many dead letters as rows are remembered, at the worst."""
    sink = sink_to(peer)
    for _ in range(RECENT_ROWS):
        sink.write(rows(1))

    set_aside = [len(sink.write(rows(1, 0))) for _ in range(RECENT_ROWS // 2)]

    assert RECENT_ROWS // 2 == sum(set_aside)
    with pytest.raises(IngestionFailed, match="deploy the infrastructure"):
        sink.write(rows(1, 0))


@pytest.mark.sockets
def test_a_rule_that_was_mended_is_trusted_again(peer: Peer) -> None:
    """The next write that it takes shows it."""
    sink = sink_to(peer)
    with pytest.raises(IngestionFailed):
        sink.write(rows(5, *range(5)))
    peer.streams = STREAMS

    assert () == sink.write(rows(5, *range(5)))


def test_streams_are_judged_apart() -> None:
    """Ledger rows that are accepted say nothing of usage rows."""
    refusals = Refusals()
    refusals.are_of_rows("Custom-TokenMeterBatch_CL", accepted=RECENT_ROWS, refused=0)

    assert not refusals.are_of_rows(STREAM, accepted=0, refused=1)


def event(number: int, *records: dict[str, Any]) -> Event:
    """Return an event of a hub with a record a line."""
    origin = Origin(hub="contoso-ai/ai-usage", partition="3", sequence_number=number, enqueued_time=NOON)
    return Event(b"\n".join(json.dumps(item).encode() for item in records), origin)


def letters_in(folder: Path) -> list[dict[str, Any]]:
    """Return the dead letters in a folder, file by file."""
    files = sorted(folder.glob("*.jsonl"), key=lambda path: path.name)
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


BATCH = [
    event(41, record(requestId="a"), record(requestId="bad", durationMs=BAD), record(requestId="b")),
    Event(b"poison", Origin(hub="contoso-ai/ai-usage", partition="3", sequence_number=42, enqueued_time=NOON)),
    event(43, record(requestId="c"), record(requestId="d", method="GET")),
]


def pipeline_to(peer: Peer, folder: Path) -> Pipeline:
    """Return the pipeline to a peer, dead letters in a folder."""
    return Pipeline(sink=sink_to(peer), dead_letters=DeadLetterFolder(folder), clock=lambda: NOON)


@pytest.mark.sockets
def test_a_refused_row_is_a_record_that_could_not_be_metered(peer: Peer, tmp_path: Path) -> None:
    """Out of the middle of an event: a dead letter with the record's own bytes, a rejected row, and promise 1 holds."""
    outcome = pipeline_to(peer, tmp_path).process(BATCH, Via.TRIGGER)

    assert (6, 3, 2, 1) == (outcome.received, len(outcome.rows), len(outcome.rejected), len(outcome.ignored))
    assert ["a", "b", "c"] == [row["CallId"] for row in peer.rows]
    letters = {letter["reason"]: letter for letter in letters_in(tmp_path)}
    assert {"not_json", "row_refused"} == set(letters)
    refused = letters["row_refused"]
    assert ("sink", 41, 1) == (refused["stage"], refused["sequenceNumber"], refused["index"])
    assert record(requestId="bad", durationMs=BAD) == json.loads(base64.b64decode(refused["body"]))
    rejected = peer.rows_of("TokenMeterRejected_CL")
    assert {(letter["id"], letter["reason"]) for letter in letters.values()} == {
        (row["EventId"], row["Reason"]) for row in rejected
    }
    assert {row["DeadLetter"] for row in rejected} == {path.name for path in tmp_path.iterdir()}
    (ledger,) = peer.rows_of("TokenMeterBatch_CL")
    assert (6, 3, 2, 1, 3) == tuple(
        ledger[name] for name in ("Received", "Metered", "Rejected", "Ignored", "Observations")
    )
    assert {"not_json": 1, "row_refused": 1, "not_a_model_call": 1} == ledger["Reasons"]


@pytest.mark.sockets
def test_a_batch_with_a_refused_row_that_is_retried_changes_nothing(peer: Peer, tmp_path: Path) -> None:
    """The same letters, the same identities."""
    pipeline = pipeline_to(peer, tmp_path)
    first = pipeline.process(BATCH, Via.TRIGGER)
    letters = letters_in(tmp_path)
    identities = {row["EventId"] for table in ("TokenUsage_CL", "TokenMeterRejected_CL", "TokenMeterBatch_CL")
                  for row in peer.rows_of(table)}  # fmt: skip

    assert first == pipeline.process(BATCH, Via.TRIGGER)
    assert letters == letters_in(tmp_path)
    assert identities == {row["EventId"] for stream, sent in peer.accepted for row in sent}


@pytest.mark.sockets
def test_a_row_refused_by_its_file_is_found_as_well(peer: Peer, tmp_path: Path) -> None:
    """Events of a file have no place on a hub."""
    batch = [
        Event(json.dumps(record(requestId=name, durationMs=duration)).encode(), Origin(file="a.jsonl", line=line))
        for line, (name, duration) in enumerate([("a", None), ("bad", BAD), ("b", None)], start=1)
    ]

    outcome = pipeline_to(peer, tmp_path).process(batch, Via.FILES)

    assert [(Reason.ROW_REFUSED, 2)] == [(item.reason, item.origin.line) for item in outcome.rejected]


class RefusesItsBooks:
    """A sink in memory that refuses what it is told to; no real store refuses these rows."""

    def __init__(self, table: str) -> None:
        """Take the table whose rows are refused."""
        self.table = table
        self.written: list[Row] = []

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Keep or refuse rows."""
        self.written += rows
        return rows if rows[0].TABLE == self.table else ()


@pytest.mark.parametrize("table", ["TokenMeterRejected_CL", "TokenMeterBatch_CL"])
def test_a_refused_row_of_the_meters_own_books_fails_the_batch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, table: str
) -> None:
    """With one line; it is not set aside, since that would make another such row."""
    sink = RefusesItsBooks(table)

    with pytest.raises(RowsRefused, match=table):
        Pipeline(sink=sink, dead_letters=DeadLetterFolder(tmp_path)).process(BATCH, Via.TRIGGER)

    assert [f"the store refused 1 row(s) of {table}: a defect to report"] == [
        item.getMessage() for item in caplog.records if item.levelno == logging.ERROR
    ]
    assert 1 == len(letters_in(tmp_path))
    assert table == sink.written[-1].TABLE


@pytest.mark.sockets
def test_a_time_that_names_no_zone_is_never_sent() -> None:
    """The service would read it in a zone of its own choice."""
    naive = replace(observation("bad"), call_time=datetime(2026, 10, 5, 12))  # noqa: DTZ001 - what this is about
    with ingestion_peer() as peer:
        assert [naive] == list(sink_to(peer).write([observation(), naive]))
