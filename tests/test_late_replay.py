"""A replay weeks later, through a peer that gives old rows the time of their arrival, as Log Analytics does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ingestion_client import sink_to
from tests.ingestion_faults import RandomFaults
from tests.ingestion_peer import Peer, ingestion_peer
from tests.records import record
from tests.stored_rows import load_stored
from token_meter import Event, Origin
from token_meter.codes import Via
from token_meter.kql import run_query
from token_meter.pipeline import Pipeline
from token_meter.query_result import Value
from token_meter.sinks.dead_letters import DeadLetterFolder
from token_meter.sinks.duckdb_store import DuckDbStore

pytestmark = pytest.mark.sockets

CALLED = datetime(2026, 9, 28, 23, 59, tzinfo=UTC)
"""The first call's time; the calls run over the turn of a month."""
EVERY = timedelta(hours=6)
CALLS = 24
LATER = CALLED + timedelta(days=40)
QUESTIONS = (
    "TokenUsage() | sort by CallId asc",
    "TokenUsage(datetime(2026-09-01), datetime(2026-10-01)) | sort by CallId asc",
    "TokenUsage(datetime(2026-10-01), datetime(2026-11-01)) | sort by CallId asc",
    "TokenUsage(datetime(2026-11-01), datetime(2026-12-01)) | sort by CallId asc",
)


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Run a peer that is at the time of the calls."""
    with ingestion_peer() as running:
        running.clock = lambda: CALLED
        yield running


def events() -> list[Event]:
    """Return the calls' events, each in two halves, and one record that is none."""
    calls = [CALLED + EVERY * number for number in range(CALLS)]
    halves = [
        json.dumps(record(requestId=f"call-{number:02}", time=time.isoformat(), **half)).encode()
        for number, time in enumerate(calls)
        for half in ({"kind": "request", "responseBody": None}, {"kind": "response", "requestBody": None})
    ]
    return [
        Event(body, Origin(hub="contoso-ai/ai-usage", partition="3", sequence_number=number, enqueued_time=CALLED))
        for number, body in enumerate([*halves, b"poison"])
    ]


def meter_at(peer: Peer, folder: Path, now: datetime, via: Via) -> None:
    """Meter all events at some time, delivered to a service that lives at that time."""
    peer.clock = lambda: now
    pipeline = Pipeline(sink=sink_to(peer), dead_letters=DeadLetterFolder(folder), clock=lambda: now)
    pipeline.process(events(), via)


def answers(peer: Peer) -> list[tuple[tuple[Value, ...], ...]]:
    """Return what the shipped KQL says of what the peer has stored."""
    with DuckDbStore(":memory:") as store:
        load_stored(store, "TokenUsage_CL", peer.stored("TokenUsage_CL"))
        return [run_query(store, question).rows for question in QUESTIONS]


def test_a_replay_of_forty_day_old_events_changes_no_answer(peer: Peer, tmp_path: Path) -> None:
    """Its rows carry the time of their arrival, are stored twice now and then, and fold into what was there."""
    meter_at(peer, tmp_path, CALLED, Via.TRIGGER)
    before = answers(peer)
    peer.random = RandomFaults(duplicated=0.5, seed=3)
    for day in range(3):
        meter_at(peer, tmp_path, LATER + timedelta(days=day), Via.REPLAY)

    times = {row["TimeGenerated"] for row in peer.stored("TokenUsage_CL")[2 * CALLS :]}
    assert {(LATER + timedelta(days=day)).isoformat().replace("+00:00", "Z") for day in range(3)} == times
    assert before == answers(peer)


def test_calls_that_arrive_forty_days_late_are_in_the_month_in_which_they_were_made(peer: Peer, tmp_path: Path) -> None:
    """None in the month of arrival; adjacent months divide them exactly."""
    meter_at(peer, tmp_path, LATER, Via.REPLAY)

    everything, september, october, november = answers(peer)
    first_of_october = datetime(2026, 10, 1, tzinfo=UTC)
    in_september = sum(CALLED + EVERY * number < first_of_october for number in range(CALLS))
    assert (CALLS, in_september, CALLS - in_september) == (len(everything), len(september), len(october))
    assert (everything, ()) == ((*september, *october), november)
