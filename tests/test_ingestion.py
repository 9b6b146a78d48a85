"""The Logs Ingestion sink: the SDK's real client against a peer on loopback, over a real socket."""

import gzip
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import IO, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingestion_client import SHORT, sink_to
from tests.ingestion_faults import (
    HALF_STORED_AND_FAILED,
    RESET,
    RESET_AFTER_STORING,
    SILENCE,
    SILENCE_AFTER_STORING,
    STORED_AND_FAILED,
    Answer,
    RandomFaults,
    throttled,
)
from tests.ingestion_peer import RULE, Peer, ingestion_peer
from tests.ingestion_service import LARGEST_REQUEST, StoredRow
from tests.usage_rows import observation
from token_meter.row import UsageRow
from token_meter.sinks.chunks import (
    BRACKETS,
    LARGEST_CHUNK,
    LARGEST_FIELD,
    SEPARATOR,
    SentRow,
    body_of,
    chunks,
    sendable,
)
from token_meter.sinks.ingestion_failures import IngestionFailed
from token_meter.sinks.logs_ingestion import LogsIngestionSink
from token_meter.sinks.uploads import MOST_IN_FLIGHT, PATIENT

STREAM = "Custom-TokenUsage_CL"
TABLE = "TokenUsage_CL"


@pytest.fixture(scope="module")
def server() -> Iterator[Peer]:
    """Run one peer for the module."""
    with ingestion_peer() as peer:
        yield peer


@pytest.fixture
def peer(server: Peer) -> Peer:
    """Return the peer with nothing received."""
    server.reset()
    return server


def observations(count: int, size: int = 0) -> list[UsageRow]:
    """Return observations of so many calls, each with a text of some size."""
    return [observation(f"e{number}", deployment="ä" * size) for number in range(count)]


def ids(rows: Sequence[StoredRow] | Sequence[UsageRow]) -> list[str]:
    """Return the identities of rows, in order."""
    return [row.event_id if isinstance(row, UsageRow) else row["EventId"] for row in rows]


@pytest.mark.sockets
def test_rows_arrive_as_the_table_takes_them(peer: Peer) -> None:
    """Names of columns, ISO times, nulls for what is unknown."""
    sink_to(peer).write([observation(custom={"team": "ä"}, notes=("cut",), prompt_tokens=3, prompt_source="counted")])

    (row,) = peer.rows
    assert ("2026-10-05T12:00:00Z", "e1", 3, None) == (
        row["TimeGenerated"], row["EventId"], row["PromptTokens"], row["CompletionTokens"],
    )  # fmt: skip
    assert ({"team": "ä"}, ["cut"], "counted") == (row["Custom"], row["Notes"], row["PromptSource"])
    assert f"/dataCollectionRules/{RULE}/streams/{STREAM}?api-version=2023-01-01" == peer.paths[0]


@pytest.mark.sockets
def test_many_rows_go_in_requests_that_the_service_takes(peer: Peer) -> None:
    """Each under the limit as it is sent, every row once, in order within each request."""
    rows = observations(2_000, 400)

    assert () == sink_to(peer).write(rows)

    in_order = sorted(peer.requests, key=lambda request: ids(rows).index(request[0]["EventId"]))
    assert ids(rows) == ids(list(chain.from_iterable(in_order)))
    assert len(peer.sizes) > 1
    assert max(peer.sizes) <= LARGEST_REQUEST


@pytest.mark.sockets
def test_what_is_measured_is_what_is_sent(peer: Peer) -> None:
    """To the byte; neither the SDK nor the transport divides, joins or wraps it, and it goes as gzip."""
    rows = observations(100, 40)
    sink_to(peer).write(rows)

    (chunk,) = chunks(sent for row in rows if (sent := sendable(row)))
    assert [len(body_of(chunk))] == peer.sizes
    assert peer.packed_sizes[0] < peer.sizes[0] / 5


@pytest.mark.sockets
def test_several_chunks_are_under_way_at_once_and_no_more_than_that(peer: Peer) -> None:
    """The peer answers none before as many are there as may be; with fewer this test would not end."""
    peer.gate = threading.Barrier(MOST_IN_FLIGHT, timeout=10).wait
    row = observation(deployment="ä" * 400)
    sent = sendable(row)
    assert sent is not None
    a_chunk = (LARGEST_CHUNK - BRACKETS + SEPARATOR) // (len(sent.json) + SEPARATOR)

    sink_to(peer).write([row] * a_chunk * MOST_IN_FLIGHT * 2)

    assert 1 < MOST_IN_FLIGHT == peer.most_at_once
    assert MOST_IN_FLIGHT * 2 == len(peer.sizes)


@pytest.mark.sockets
def test_a_chunk_that_fails_fails_the_write_and_the_others_are_still_sent(peer: Peer) -> None:
    """The caller tries all again; what arrives twice has the same `EventId`."""
    peer.answers = [403]

    with pytest.raises(IngestionFailed, match="1 chunk"):
        sink_to(peer).write(observations(2_000, 500))

    assert len(peer.requests) == len(peer.sizes) - 1 > 0


PASSING = [
    pytest.param(throttled(), 0, id="429"),
    pytest.param(throttled("0"), 0, id="429 with Retry-After"),
    pytest.param(Answer(408), 0, id="408"),
    pytest.param(Answer(500), 0, id="500"),
    pytest.param(Answer(502), 0, id="502"),
    pytest.param(Answer(503), 0, id="503"),
    pytest.param(Answer(504), 0, id="504"),
    pytest.param(RESET, 0, id="reset"),
    pytest.param(RESET_AFTER_STORING, 2, id="reset after storing"),
    pytest.param(SILENCE, 0, id="time-out"),
    pytest.param(SILENCE_AFTER_STORING, 2, id="time-out after storing"),
    pytest.param(STORED_AND_FAILED, 2, id="500 after storing"),
    pytest.param(HALF_STORED_AND_FAILED, 1, id="500 after storing half"),
]


@pytest.mark.sockets
@pytest.mark.parametrize(("fault", "stored_before"), PASSING)
def test_what_passes_is_tried_again(peer: Peer, fault: Answer, stored_before: int) -> None:
    """The write succeeds; what had been stored all the same is there twice, for the fold to see once."""
    peer.answers = [fault]

    assert () == sink_to(peer, read_timeout=SHORT).write(observations(2))

    assert [*["e0", "e1"][:stored_before], "e0", "e1"] == ids(peer.stored(TABLE))
    assert 2 == len(peer.sizes)


@pytest.mark.sockets
@pytest.mark.parametrize("fault", [429, 500, 503, RESET])
def test_what_does_not_pass_in_time_fails_the_write(peer: Peer, fault: int | Answer) -> None:
    """After as many tries as patience has; none is left to the SDK, whose waits know no deadline."""
    peer.always = fault

    with pytest.raises(IngestionFailed):
        sink_to(peer).write(observations(1))

    assert PATIENT.attempts == len(peer.sizes)


@pytest.mark.sockets
def test_a_service_that_is_not_there_fails_the_write(peer: Peer) -> None:
    """Nothing listens at the port."""
    with ingestion_peer() as gone:
        sink = sink_to(gone)

    with pytest.raises(IngestionFailed, match="ServiceRequestError"):
        sink.write(observations(1))

    assert [] == peer.sizes


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("status", "cure"),
    [
        (401, "AZURE_CLIENT_ID"),
        (403, "role Monitoring Metrics Publisher on the data collection rule"),
        (404, "LOGS_INGESTION_RULE_ID"),
    ],
)
def test_what_somebody_must_mend_fails_at_once_and_names_the_cure(peer: Peer, status: int, cure: str) -> None:
    """One request, one sentence, and nothing of what was sent."""
    peer.always = status

    with pytest.raises(IngestionFailed, match=cure) as failed:
        sink_to(peer).write([observation(app_id="secret-app")])

    assert 1 == len(peer.sizes)
    assert "\n" not in str(failed.value)
    assert "secret-app" not in str(failed.value)
    assert (None, None) == (failed.value.__cause__, failed.value.__context__)


@pytest.mark.sockets
@pytest.mark.parametrize(("status", "cure"), [(429, "rate limit"), (500, "status 500"), (503, "not yet in effect")])
def test_a_failure_that_lasted_names_itself(peer: Peer, status: int, cure: str) -> None:
    """With the error's code, which is from the service's own list."""
    peer.always = Answer(status, code="SomeCode")

    with pytest.raises(IngestionFailed, match=f"status {status} SomeCode") as failed:
        sink_to(peer).write(observations(1))

    assert cure in str(failed.value)


@pytest.mark.sockets
def test_no_rows_are_no_request(peer: Peer) -> None:
    """Nothing to send, nothing sent."""
    assert () == sink_to(peer).write([])
    assert [] == peer.sizes


@pytest.mark.sockets
def test_a_chunk_that_the_service_finds_too_large_goes_in_halves(peer: Peer) -> None:
    """Down to what it takes; every row once, in order."""
    peer.largest_request = 10_000
    rows = observations(50)

    assert () == sink_to(peer).write(rows)

    assert ids(rows) == ids(peer.rows)
    assert len(peer.requests) > 4


@pytest.mark.sockets
def test_every_row_arrives_through_any_faults(peer: Peer) -> None:
    """A third of all requests fails in one way or another; a write that gives up is written again."""
    peer.random = RandomFaults(share=0.33, duplicated=0.1, seed=11)
    sink = sink_to(peer, read_timeout=SHORT)
    for start in range(0, 300, 10):
        rows = [observation(f"e{number}") for number in range(start, start + 10)]
        while True:
            with suppress(IngestionFailed):
                assert () == sink.write(rows)
                break

    assert {f"e{number}" for number in range(300)} == set(ids(peer.stored(TABLE)))


class Recorded:
    """Stands for the SDK's client where every byte is looked at: it takes the stream as the SDK sends it, as it is."""

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self.bodies: list[bytes] = []

    def upload(self, _rule: str, _stream: str, logs: IO[bytes], /) -> None:
        """Keep a body."""
        self.bodies.append(logs.read())


hostile_texts = st.text(st.characters(codec=None), max_size=40)
rows_of_any_size = st.lists(
    st.builds(
        lambda size, text, custom: observation(deployment="é" * size, app_id=text, custom={"k": "€" * custom}),
        st.integers(0, 512),
        hostile_texts,
        st.sampled_from([0, 1, 2_000, 20_000, 30_000]),
    ),
    max_size=20,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(rows_of_any_size, st.integers(0, 60))
def test_every_row_is_in_exactly_one_request_in_order_and_none_is_too_large(rows: list[UsageRow], copies: int) -> None:
    """The chunking law, measured on what is sent. What no column holds whole is in none, and is said to be refused."""
    written = [replace(row, event_id=str(number)) for number, row in enumerate(rows * copies)]
    client = Recorded()

    refused = LogsIngestionSink(client, RULE).write(written)

    bodies = sorted((gzip.decompress(body) for body in client.bodies), key=_first_number)
    requests = [json.loads(body) for body in bodies]
    assert ids([row for row in written if row not in refused]) == ids(list(chain.from_iterable(requests)))
    assert all(requests)
    assert all(len(body) <= LARGEST_CHUNK for body in (*bodies, *client.bodies))
    assert all(_bytes_of(value) <= LARGEST_FIELD for row in chain.from_iterable(requests) for value in row.values())


@given(st.lists(st.integers(2, 3_000), min_size=1, max_size=40), st.integers(1, 100))
def test_chunks_are_full_and_never_fuller(sizes: list[int], copies: int) -> None:
    """Brackets and separators count: with small rows they are a good part of what is sent."""
    row = observation()
    rows = [SentRow(row, b"0" * size) for size in sizes * copies * (1 + LARGEST_CHUNK // (sum(sizes) * copies))]

    divided = list(chunks(rows))

    assert rows == [row for chunk in divided for row in chunk]
    assert all(len(body_of(chunk)) <= LARGEST_CHUNK for chunk in divided)
    assert all(len(body_of(chunk)) > LARGEST_CHUNK - max(sizes) - 2 * SEPARATOR for chunk in divided[:-1])


@pytest.mark.parametrize(("too_many", "divided"), [(0, [2, 2]), (1, [1, 1, 1, 1])])
def test_a_chunk_is_full_to_the_byte(too_many: int, divided: list[int]) -> None:
    """Two rows that fill it go together, and apart where they are a byte more."""
    row = observation()
    small = 10
    large = LARGEST_CHUNK - BRACKETS - SEPARATOR - small
    rows = [SentRow(row, b"0" * size) for size in (large, small + too_many) * 2]

    assert divided == [len(chunk) for chunk in chunks(rows)]


def _first_number(body: bytes) -> int:
    return int(json.loads(body)[0]["EventId"])


def _bytes_of(field: object) -> int:
    """Return a field's size; dynamic ones are measured as JSON."""
    return len((field if isinstance(field, str) else json.dumps(field, ensure_ascii=False)).encode())


@pytest.mark.parametrize(
    "misfit",
    [
        {"deployment": "x" * (LARGEST_FIELD + 1)},
        {"custom": {"k": "ä" * LARGEST_FIELD}},
        {"deployment": "\ud800"},
        {"meter_revision": 2**31},
        {"prompt_tokens": 2**63},
        {"prompt_tokens": 2**70},
        {"duration_ms": float("nan")},
        {"duration_ms": float("inf")},
    ],
)
def test_a_row_that_no_column_holds_whole_is_never_sent(misfit: dict[str, Any]) -> None:
    """It is returned as refused; its neighbours go."""
    client = Recorded()
    bad = observation("bad", **misfit)

    refused = LogsIngestionSink(client, RULE).write([observation("a"), bad, observation("b")])

    assert [bad] == list(refused)
    (body,) = client.bodies
    assert ["a", "b"] == ids(json.loads(gzip.decompress(body)))


def test_a_field_of_64_kilobytes_is_sent_whole() -> None:
    """The bound is the service's own."""
    row = observation(deployment="x" * LARGEST_FIELD)
    sent = sendable(row)

    assert sent is not None
    assert row.deployment == json.loads(sent.json)["Deployment"]
