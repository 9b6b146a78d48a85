"""The Logs Ingestion peer itself: what the other tests rest on behaves as the service is documented to."""

import gzip
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.ingestion_faults import (
    HALF_STORED_AND_FAILED,
    PASSING_FAULTS,
    RESET,
    RESET_AFTER_STORING,
    SILENCE,
    STORED_AND_FAILED,
    Answer,
    RandomFaults,
    throttled,
)
from tests.ingestion_peer import REPOSITORY, RULE, Peer, ingestion_peer, peer_process, rows_in_folder
from tests.ingestion_service import LARGEST_FIELD, LARGEST_REQUEST, STREAMS

pytestmark = pytest.mark.sockets

TABLE = "TokenUsage_CL"
ARRIVAL = datetime(2026, 11, 20, 12, tzinfo=UTC)
SHORT = 0.2
"""Seconds that a client waits here for an answer."""


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Return a peer whose clock stands at ARRIVAL."""
    with ingestion_peer() as running:
        running.clock = lambda: ARRIVAL
        yield running


def post(
    url: str, body: bytes, *, stream: str = f"Custom-{TABLE}", rule: str = RULE, packed: bool = False
) -> http.client.HTTPResponse:
    """Send a body as it is, and return the answer."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=SHORT)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    try:
        connection.request(
            "POST", f"/dataCollectionRules/{rule}/streams/{stream}?api-version=2023-01-01", body, headers
        )
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def status_of(url: str, value: object, **options: Any) -> int:
    """Send a value as JSON, and return the status of the answer."""
    return post(url, json.dumps(value).encode(), **options).status


def padded(size: int) -> bytes:
    """Return one row that has so many bytes as JSON in its list."""
    empty = json.dumps([{"Padding": ""}])
    return json.dumps([{"Padding": "x" * (size - len(empty))}]).encode()


@pytest.mark.parametrize(("size", "status"), [(LARGEST_REQUEST, 204), (LARGEST_REQUEST + 1, 413)])
@pytest.mark.parametrize("packed", [False, True])
def test_a_request_is_measured_unpacked(peer: Peer, size: int, status: int, *, packed: bool) -> None:
    """However small it is on the wire."""
    body = padded(size)

    assert status == post(peer.url, gzip.compress(body) if packed else body, packed=packed).status


def test_a_request_is_measured_as_it_is_sent(peer: Peer) -> None:
    """Bytes that do not shrink count as well."""
    assert 413 == post(peer.url, gzip.compress(os.urandom(LARGEST_REQUEST)), packed=True).status


@pytest.mark.parametrize(("stream", "rule"), [("Custom-Other_CL", RULE), (f"Custom-{TABLE}", "dcr-other")])
def test_an_unknown_rule_or_stream_is_not_found(peer: Peer, stream: str, rule: str) -> None:
    """404."""
    assert 404 == status_of(peer.url, [], stream=stream, rule=rule)


@pytest.mark.parametrize(
    "misfit",
    [
        {"PromptTokens": "3"},
        {"PromptTokens": 2**63},
        {"PromptTokens": True},
        {"PromptTokens": 1.5},
        {"StatusCode": 2**31},
        {"DurationMs": "long"},
        {"IsStream": 1},
        {"CallTime": "yesterday"},
        {"CallTime": "2026-10-05T12:00:00"},
        {"AppId": 7},
    ],
)
def test_one_value_of_another_type_refuses_the_whole_request(peer: Peer, misfit: dict[str, object]) -> None:
    """400, and nothing of it is stored."""
    assert 400 == status_of(peer.url, [{"EventId": "good"}, misfit])
    assert [] == peer.stored(TABLE)


@pytest.mark.parametrize("body", [b"", b"[", b'[{"DurationMs": NaN}]', b"\xff", b"[1]"])
def test_what_is_no_json_of_rows_is_refused(peer: Peer, body: bytes) -> None:
    """400."""
    assert 400 == post(peer.url, body).status


def test_a_body_that_is_no_list_is_accepted_and_kept_nowhere(peer: Peer) -> None:
    """As the service is known to do (azure-docs#106266)."""
    assert 204 == status_of(peer.url, {"EventId": "e1"})
    assert [] == peer.stored(TABLE)


def test_a_column_that_the_rule_does_not_declare_is_dropped(peer: Peer) -> None:
    """An older rule loses a new column without a word."""
    assert 204 == status_of(peer.url, [{"EventId": "e1", "Newer": 1}])
    (row,) = peer.stored(TABLE)
    assert set(STREAMS[f"Custom-{TABLE}"]) == set(row)


def test_a_field_is_cut_at_64_kilobytes(peer: Peer) -> None:
    """In bytes, between characters."""
    status_of(peer.url, [{"AppId": "x" + "ä" * LARGEST_FIELD}])

    (row,) = peer.stored(TABLE)
    assert "x" + "ä" * ((LARGEST_FIELD - 1) // 2) == row["AppId"]


@pytest.mark.parametrize(
    ("age", "kept"),
    [
        (timedelta(days=2), True),
        (timedelta(days=2, seconds=1), False),
        (timedelta(days=40), False),
        (timedelta(days=-1), True),
        (timedelta(days=-1, seconds=-1), False),
    ],
)
def test_a_time_too_far_from_arrival_becomes_the_time_of_arrival(peer: Peer, age: timedelta, *, kept: bool) -> None:
    """Older than 2 days, or over a day ahead; only in `TimeGenerated`."""
    sent = ARRIVAL - age
    status_of(peer.url, [{"TimeGenerated": sent.isoformat(), "CallTime": sent.isoformat()}])

    (row,) = peer.stored(TABLE)
    assert (sent if kept else ARRIVAL) == datetime.fromisoformat(row["TimeGenerated"])
    assert sent == datetime.fromisoformat(row["CallTime"])


def test_what_was_accepted_is_seen_later(peer: Peer) -> None:
    """A 204 is not yet storage."""
    peer.delay = timedelta(minutes=5)
    status_of(peer.url, [{"EventId": "e1"}])
    seen = [len(peer.stored(TABLE))]
    peer.clock = lambda: ARRIVAL + peer.delay

    assert [0, 1] == [*seen, len(peer.stored(TABLE))]


def test_what_was_accepted_can_be_lost(peer: Peer) -> None:
    """At the workspace's daily cap."""
    peer.loses_what_it_accepts = True

    assert 204 == status_of(peer.url, [{"EventId": "e1"}])
    assert ([], 1) == (peer.stored(TABLE), len(peer.rows))


def test_the_service_may_store_a_request_twice(peer: Peer) -> None:
    """It delivers at least once, too."""
    peer.random = RandomFaults(duplicated=1)
    status_of(peer.url, [{"EventId": "e1"}, {"EventId": "e2"}])

    assert ["e1", "e2", "e1", "e2"] == [row["EventId"] for row in peer.stored(TABLE)]


@pytest.mark.parametrize(("fault", "stored"), [(STORED_AND_FAILED, 2), (HALF_STORED_AND_FAILED, 1), (Answer(500), 0)])
def test_a_failure_may_come_after_storing(peer: Peer, fault: Answer, stored: int) -> None:
    """All, part or none of the rows are there, and the client cannot know."""
    peer.answers = [fault]

    assert 500 == status_of(peer.url, [{"EventId": "e1"}, {"EventId": "e2"}])
    assert (stored, []) == (len(peer.stored(TABLE)), peer.rows)


@pytest.mark.parametrize(("fault", "stored"), [(RESET, 0), (RESET_AFTER_STORING, 1)])
def test_a_connection_can_be_reset(peer: Peer, fault: Answer, stored: int) -> None:
    """Before or after storing."""
    peer.answers = [fault]

    with pytest.raises(ConnectionResetError):
        status_of(peer.url, [{"EventId": "e1"}])

    assert stored == len(peer.stored(TABLE))


def test_an_answer_can_stay_away(peer: Peer) -> None:
    """Until the client has given up."""
    peer.answers = [SILENCE]

    with pytest.raises(TimeoutError):
        status_of(peer.url, [])


def test_an_answer_says_when_to_come_back(peer: Peer) -> None:
    """`Retry-After`, or none."""
    peer.answers = [throttled("7"), throttled()]

    assert ["7", None] == [post(peer.url, b"[]").headers["Retry-After"] for _ in range(2)]


def test_random_faults_come_again_from_their_seed() -> None:
    """In the share that was asked for, and of every kind."""
    first, second = RandomFaults(share=0.05, seed=7), RandomFaults(share=0.05, seed=7)
    drawn = [first.next() for _ in range(20_000)]

    assert drawn == [second.next() for _ in range(20_000)]
    assert set(PASSING_FAULTS) == {answer for answer in drawn if not answer.accepts}
    assert 0.04 < sum(not answer.accepts for answer in drawn) / len(drawn) < 0.06


def test_a_process_of_its_own_stores_into_files(tmp_path: Path) -> None:
    """One a table, a line a row, through as many requests as come."""
    with peer_process(tmp_path, "--duplicate-share", "1") as url:
        statuses = [status_of(url, [{"EventId": f"e{number}"}]) for number in range(2)]

    assert [204, 204] == statuses
    assert ["e0", "e0", "e1", "e1"] == [row["EventId"] for row in rows_in_folder(tmp_path, TABLE)]


def test_a_process_of_its_own_ends_with_its_parent(tmp_path: Path) -> None:
    """Nothing is left behind by a test that was killed: its output, which the peer shares, comes to an end."""
    killed = (
        "import os, subprocess, sys\n"
        "command = [sys.executable, '-m', 'tests.ingestion_peer', '--folder', sys.argv[1]]\n"
        "subprocess.Popen([*command, '--parent', str(os.getpid())])\n"
        "os.kill(os.getpid(), 9)\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", killed, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE, timeout=30, check=False
    )

    assert -9 == ended.returncode
