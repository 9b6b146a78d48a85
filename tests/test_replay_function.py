"""The queue trigger, invoked by Microsoft's worker library: letters and captured events metered again in slices."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import ContainerClient
from hypothesis import given
from hypothesis import strategies as st

from tests.ingestion_peer import RULE, Peer, ingestion_peer
from tests.records import record
from tests.replay_cases import BEGAN, HUB, FolderPlace, capture_name, captured
from token_meter.codes import Via
from token_meter.dated_names import CaptureNames
from token_meter.events import Event, Origin
from token_meter.options import MeterOptions
from token_meter.period import Period
from token_meter.pipeline import Pipeline
from token_meter.replay_requests import (
    MOST_SLICES,
    SLICE_SECONDS,
    Kind,
    ReplayRequest,
    RequestUnusable,
    read_request,
    replay_slice,
)
from token_meter.row import UsageRow
from token_meter.sinks.dead_letter_blobs import DeadLetterBlobs
from token_meter.sinks.dead_letters import DeadLetterFolder
from token_meter.sources.replayable import Position
from token_meter.sources.stores import FolderStore
from token_meter.tables import Row

pytest.importorskip("azure_functions_runtime", reason="azure-functions-runtime is for Python 3.13 and later")

from functions import meter_events as edge
from tests.worker import load

if TYPE_CHECKING:
    from tests.worker import Worker

FUNCTION = "replay_dead_letters"
REPOSITORY = Path(__file__).parent.parent
HOST = json.loads((REPOSITORY / "host.json").read_text(encoding="utf-8"))


class Memory:
    """A sink in memory, for tests of the slices; the Function's has the real one."""

    def __init__(self) -> None:
        """Begin empty."""
        self.kept: list[Row] = []

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Keep rows."""
        self.kept += rows
        return ()

    @property
    def calls(self) -> list[str]:
        """The calls of the usage rows, in order."""
        return [row.call_id for row in self.kept if isinstance(row, UsageRow)]


@pytest.fixture(scope="module")
def worker() -> "Worker":
    """Return the app as the worker has loaded and indexed it."""
    return load(REPOSITORY / "function_app.py")


@pytest.fixture
def peer(container: ContainerClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    """Set the Function up with Azurite and a Logs Ingestion peer, as its settings would."""
    with ingestion_peer() as running:
        for name, value in {
            "LOGS_INGESTION_ENDPOINT": running.url,
            "LOGS_INGESTION_RULE_ID": RULE,
            "DEAD_LETTER_CONTAINER_URL": container.url,
            "CAPTURE_CONTAINER_URL": f"{container.url}/capture",
        }.items():
            monkeypatch.setenv(name, value)
        edge.pipeline.cache_clear()
        yield running
        edge.pipeline.cache_clear()


def events(count: int) -> list[Event]:
    """Return events of as many calls."""
    return [
        Event(
            json.dumps(record(requestId=f"call-{number}")).encode(),
            Origin(hub=HUB, partition="3", sequence_number=number, enqueued_time=BEGAN + timedelta(seconds=number)),
        )
        for number in range(count)
    ]


def test_the_host_is_told_of_one_queue_for_messages_and_for_what_is_left(worker: "Worker") -> None:
    """Reached as an identity; a message that cannot be done ends on the poison queue."""
    bindings = [json.loads(item) for item in worker.functions[FUNCTION].raw_bindings]

    assert [("queue", "OUT"), ("queueTrigger", "IN")] == sorted((item["type"], item["direction"]) for item in bindings)
    assert {("replay", "ReplayQueue")} == {(item["queueName"], item["connection"]) for item in bindings}
    assert worker.functions[FUNCTION].retry_options is None
    queues = HOST["extensions"]["queues"]
    assert (1, 0, "none") == (queues["batchSize"], queues["newBatchThreshold"], queues["messageEncoding"])
    assert queues["maxDequeueCount"] < 10


def test_a_slice_leaves_time_for_a_batch_whose_stores_fail() -> None:
    """Twice its own, before the host ends the invocation."""
    hours, minutes, seconds = map(int, HOST["functionTimeout"].split(":"))

    assert 3 * SLICE_SECONDS <= hours * 3600 + minutes * 60 + seconds


@pytest.mark.sockets
def test_letters_are_metered_again_into_log_analytics(worker: "Worker", peer: Peer, container: ContainerClient) -> None:
    """After a fix; and told to be recovered."""
    broken = Pipeline(sink=Memory(), dead_letters=DeadLetterBlobs(container), options=MeterOptions(shape="S4"))
    broken.process(events(3), Via.TRIGGER)

    invoked = worker.invoke_with_message(FUNCTION, '{"kind": "dead_letters"}')

    assert (True, ()) == (invoked.ok, invoked.outputs), invoked.exception
    assert ["call-0", "call-1", "call-2"] == [row["CallId"] for row in peer.rows]
    assert ["metered"] * 3 == [row["Outcome"] for row in peer.rows_of("TokenMeterRejected_CL")]
    assert ["replay"] == [row["Via"] for row in peer.rows_of("TokenMeterBatch_CL")]


@pytest.mark.sockets
def test_captured_events_of_a_period_are_metered_again(
    worker: "Worker", peer: Peer, container: ContainerClient
) -> None:
    """Out of the folder that the settings name, by the names that Capture gave."""
    bodies = [event.body for event in events(4)]
    container.upload_blob(f"capture/{capture_name()}", captured(bodies))
    message = json.dumps(
        {
            "kind": "capture",
            "prefix": f"{HUB}/3/",
            "start": (BEGAN + timedelta(seconds=1)).isoformat(),
            "end": (BEGAN + timedelta(seconds=3)).isoformat(),
        }
    )

    invoked = worker.invoke_with_message(FUNCTION, message)

    assert invoked.ok, invoked.exception
    assert [("call-1", HUB, "3", 41), ("call-2", HUB, "3", 42)] == [
        (row["CallId"], row["EventHub"], row["Partition"], row["SequenceNumber"]) for row in peer.rows
    ]


@pytest.mark.sockets
def test_a_store_that_fails_fails_the_invocation_and_the_next_is_complete(
    worker: "Worker", peer: Peer, container: ContainerClient
) -> None:
    """So the host tries the message again; what was accepted twice is the same rows."""
    container.upload_blob(f"capture/{capture_name()}", captured([event.body for event in events(2)]))
    peer.answers[:] = [403]
    failed = worker.invoke_with_message(FUNCTION, '{"kind": "capture"}')
    succeeded = worker.invoke_with_message(FUNCTION, '{"kind": "capture"}', dequeue_count=2)

    assert (False, True) == (failed.ok, succeeded.ok)
    assert "IngestionFailed" in failed.exception
    assert 2 == len({row["EventId"] for row in peer.rows})


@pytest.mark.sockets
def test_what_does_not_fit_into_the_time_is_asked_for_again(
    worker: "Worker", peer: Peer, container: ContainerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By messages on the same queue, each of which does some of it, until none is left."""
    for number in range(3):
        began = BEGAN + number * timedelta(minutes=1)
        body = events(number + 1)[number].body
        container.upload_blob(f"capture/{capture_name(began=began)}", captured([body], number, began))
    monkeypatch.setattr("token_meter.replay_requests.SLICE_SECONDS", 0.0)
    messages = ['{"kind": "capture"}']

    while len(messages) < 9:
        invoked = worker.invoke_with_message(FUNCTION, messages[-1])
        assert invoked.ok, invoked.exception
        if not invoked.outputs:
            break
        ((output, message),) = invoked.outputs
        assert "rest" == output
        messages.append(message)

    assert ["call-0", "call-1", "call-2"] == sorted({row["CallId"] for row in peer.rows})
    assert 4 == len(messages)


HOSTILE = [
    "",
    "null",
    "[]",
    "{",
    '"dead_letters"',
    "{}",
    '{"kind": "everything"}',
    '{"kind": ["dead_letters"]}',
    '{"kind": "dead_letters", "command": "rm"}',
    '{"kind": "dead_letters", "start": "yesterday"}',
    '{"kind": "dead_letters", "start": 5}',
    '{"kind": "dead_letters", "start": "2026-10-02", "end": "2026-10-01"}',
    '{"kind": "dead_letters", "prefix": 7}',
    '{"kind": "dead_letters", "prefix": "a\\nb"}',
    '{"kind": "dead_letters", "prefix": "%s"}' % ("x" * 2_000),
    '{"kind": "dead_letters", "after": "x"}',
    '{"kind": "dead_letters", "after": {"name": "x", "number": -1}}',
    '{"kind": "dead_letters", "slice": 1.5}',
    '{"kind": "dead_letters", "slice": 10000}',
    '{"kind": "dead_letters"} ' + " " * 70_000,
    "[" * 5_000,
]


@pytest.mark.sockets
@pytest.mark.parametrize("message", HOSTILE)
def test_a_message_that_asks_for_nothing_is_refused_and_asks_for_no_more(
    worker: "Worker", peer: Peer, caplog: pytest.LogCaptureFixture, message: str
) -> None:
    """It is logged without what it said, fails, and so ends on the poison queue; nothing is metered."""
    invoked = worker.invoke_with_message(FUNCTION, message)

    assert (False, ()) == (invoked.ok, invoked.outputs)
    assert "RequestUnusable" in invoked.exception
    (line,) = [item.getMessage() for item in caplog.records if item.name == "token_meter"]
    assert line.startswith("a replay message is refused: ")
    assert [] == peer.paths


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda content: content.decode("latin-1")))
def test_any_message_is_a_request_or_is_refused(message: str) -> None:
    """And nothing else happens."""
    try:
        request = read_request(message.encode())
    except RequestUnusable:
        return
    assert request.kind in Kind


@given(
    st.sampled_from(Kind),
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), max_size=50),
    st.none() | st.datetimes(datetime(2001, 1, 1), datetime(2020, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.none() | st.datetimes(datetime(2021, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.none() | st.integers(0, 10**9),
    st.integers(0, MOST_SLICES),
)
def test_what_is_left_is_asked_for_as_it_was(  # noqa: PLR0913, PLR0917 - one argument a field
    kind: Kind, name: str, start: datetime | None, end: datetime | None, number: int | None, slice_number: int
) -> None:
    """A request is the same after its way over the queue."""
    request = ReplayRequest(
        kind=kind, prefix=name, period=Period(start, end), after=Position(name, number), slice_number=slice_number
    )

    assert request == read_request(request.to_message().encode())


def test_slices_cut_a_long_file_too_and_do_each_batch_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Capture file may take longer than one invocation has."""
    monkeypatch.setattr("token_meter.sources.replayable.MOST_EVENTS", 4)
    FolderPlace(tmp_path / "capture").put(capture_name(), captured([event.body for event in events(10)]))
    sink = Memory()
    pipeline = Pipeline(sink=sink, dead_letters=DeadLetterFolder(tmp_path / "letters"))
    request: ReplayRequest | None = ReplayRequest(kind=Kind.CAPTURE)
    ticks = iter(range(0, 10_000, int(SLICE_SECONDS)))
    slices: list[int] = []

    while request is not None:
        before = len(sink.calls)
        store = FolderStore(tmp_path / "capture")
        request = replay_slice(request, store, CaptureNames(), pipeline, lambda: float(next(ticks)))
        slices.append(len(sink.calls) - before)

    assert [4, 4, 2, 0] == slices  # the last finds that nothing is left
    assert [f"call-{number}" for number in range(10)] == sink.calls


def test_a_capture_without_a_container_is_refused(
    worker: "Worker", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the setting that names it."""
    settings: dict[str, Any] = {
        "LOGS_INGESTION_ENDPOINT": "https://dce.example", "LOGS_INGESTION_RULE_ID": RULE,
        "DEAD_LETTER_FOLDER": str(tmp_path),
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    invoked = worker.invoke_with_message(FUNCTION, '{"kind": "capture"}')

    assert not invoked.ok
    assert "CAPTURE_CONTAINER_URL" in invoked.exception
