"""The Function, loaded and invoked by Microsoft's worker library with batches as the host sends them."""

import base64
import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ingestion_client import sink_to
from tests.ingestion_faults import RESET, STORED_AND_FAILED, throttled
from tests.ingestion_peer import ingestion_peer
from tests.ingestion_service import STREAMS
from tests.records import record, without
from token_meter.pipeline import Pipeline
from token_meter.row import UsageRow
from token_meter.sinks.dead_letters import DeadLetterFolder
from token_meter.sinks.ingestion_failures import IngestionFailed
from token_meter.tables import Row

pytest.importorskip("azure_functions_runtime", reason="azure-functions-runtime is for Python 3.13 and later")

from functions import meter_events as edge
from tests.worker import FIRST_ENQUEUED, PARTITION_CONTEXT, load

if TYPE_CHECKING:
    from tests.worker import Worker

FUNCTION = "meter_events"


class Memory:
    """A sink in memory that can be told to fail, for tests that need no socket (test_ingestion has the real one)."""

    def __init__(self) -> None:
        """Begin empty."""
        self.kept: list[Row] = []
        self.failing = False

    @property
    def rows(self) -> list[UsageRow]:
        """The usage rows in order."""
        return [row for row in self.kept if isinstance(row, UsageRow)]

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Keep rows, or fail as the Logs Ingestion sink does."""
        if self.failing:
            raise IngestionFailed("status 503")
        self.kept += rows
        return ()


@pytest.fixture(scope="module")
def worker() -> "Worker":
    """Return the app as the worker has loaded and indexed it."""
    return load(Path(__file__).parent.parent / "function_app.py")


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """Put a sink in memory and dead letters in a folder behind the function."""
    memory = Memory()
    pipeline = Pipeline(sink=memory, dead_letters=DeadLetterFolder(tmp_path / "letters"))
    monkeypatch.setattr(edge, "pipeline", lambda: pipeline)
    return memory


def bodies(*values: object) -> list[bytes]:
    """Return records as the events of a batch."""
    return [json.dumps(value).encode() for value in values]


def letters_in(folder: Path) -> list[dict[str, object]]:
    """Return the dead letters in a folder."""
    files = sorted((folder / "letters").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_the_host_is_told_to_hold_the_partition_until_a_batch_is_through(worker: "Worker") -> None:
    """Endless retries with growing pauses."""
    retry = worker.functions[FUNCTION].retry_options

    assert ("exponential_backoff", -1) == (retry.retry_strategy, retry.max_retry_count)
    assert (timedelta(seconds=2), timedelta(minutes=5)) == (retry.minimum_interval, retry.maximum_interval)


def test_the_trigger_takes_batches_of_bytes(worker: "Worker") -> None:
    """As strings the host would spoil what is no JSON; one by one it would be slow."""
    (raw,) = (json.loads(item) for item in worker.functions[FUNCTION].raw_bindings)

    assert ("eventHubTrigger", "MANY", "BINARY") == (
        raw["type"],
        raw["cardinality"].upper(),
        str(raw["dataType"]).upper(),
    )
    assert ("%EVENT_HUB_NAME%", "EventHubConnection") == (raw["eventHubName"], raw["connection"])


def test_a_batch_becomes_rows_that_lead_back_to_their_events(worker: "Worker", sink: Memory) -> None:
    """Hub, partition, sequence number and time of arrival come from the host."""
    invoked = worker.invoke(FUNCTION, bodies(record(requestId="a"), without(record(requestId="b"), "time")))

    assert invoked.ok, invoked.exception
    first, second = sink.rows
    assert ("a", "contoso-ai/ai-usage", "3", 41) == (
        first.call_id,
        first.event_hub,
        first.partition,
        first.sequence_number,
    )
    assert FIRST_ENQUEUED + timedelta(milliseconds=1) == second.call_time == second.enqueued_time


def test_a_poison_event_does_not_fail_its_batch(worker: "Worker", sink: Memory, tmp_path: Path) -> None:
    """It lies in the dead letters with its reason; the others are metered."""
    poison = b"\xff\xfe{not json"

    invoked = worker.invoke(FUNCTION, [*bodies(record(requestId="a")), poison, b"", *bodies(record(requestId="b"))])

    assert invoked.ok, invoked.exception
    assert ["a", "b"] == [row.call_id for row in sink.rows]
    letters = letters_in(tmp_path)
    assert [("not_json", 42), ("empty_event", 43)] == [(item["reason"], item["sequenceNumber"]) for item in letters]
    assert poison == base64.b64decode(str(letters[0]["body"]))


def test_a_sink_that_fails_fails_the_invocation_until_it_recovers(
    worker: "Worker", sink: Memory, tmp_path: Path
) -> None:
    """So the host holds the partition; the retried batch replaces its dead letters and adds its rows."""
    batch = [*bodies(record(requestId="a")), b"poison"]
    sink.failing = True
    failed = worker.invoke(FUNCTION, batch)
    sink.failing = False
    succeeded = worker.invoke(FUNCTION, batch)

    assert (False, True) == (failed.ok, succeeded.ok)
    assert "IngestionFailed" in failed.exception
    assert (["a"], 1) == ([row.call_id for row in sink.rows], len(letters_in(tmp_path)))


@pytest.mark.sockets
@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 502, 503])
def test_a_refusal_of_the_service_fails_the_invocation_and_the_retry_is_complete(
    worker: "Worker", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """The same through the SDK's client and a socket: received = in the table + in the dead letters, each once."""
    batch = [*bodies(record(requestId="a")), b"\xc3\x28", *bodies(record(requestId="b", method="GET"))]
    with ingestion_peer() as peer:
        pipeline = Pipeline(sink=sink_to(peer), dead_letters=DeadLetterFolder(tmp_path / "letters"))
        monkeypatch.setattr(edge, "pipeline", lambda: pipeline)
        peer.always = status
        failed = worker.invoke(FUNCTION, batch)
        rows_before, peer.always = list(peer.rows), None
        succeeded = worker.invoke(FUNCTION, batch)

    assert (False, True) == (failed.ok, succeeded.ok)
    assert f"status {status}" in failed.exception
    assert ([], ["a"]) == (rows_before, [row["CallId"] for row in peer.rows])
    assert [42] == [letter["sequenceNumber"] for letter in letters_in(tmp_path)]


@pytest.mark.sockets
def test_what_passes_or_cannot_be_helped_does_not_fail_the_invocation(
    worker: "Worker", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Throttling, a reset, a failure after storing, and a row that the table refuses: the batch goes on."""
    with ingestion_peer() as peer:
        usage = "Custom-TokenUsage_CL"
        peer.streams = {**STREAMS, usage: {**STREAMS[usage], "DurationMs": "long"}}
        peer.answers = [throttled(), RESET, STORED_AND_FAILED]
        pipeline = Pipeline(sink=sink_to(peer), dead_letters=DeadLetterFolder(tmp_path / "letters"))
        monkeypatch.setattr(edge, "pipeline", lambda: pipeline)
        invoked = worker.invoke(
            FUNCTION, bodies(record(requestId="a"), record(requestId="refused", durationMs=1.5), record(requestId="b"))
        )

    assert invoked.ok, invoked.exception
    assert ["a", "b"] == [row["CallId"] for row in peer.rows]
    assert [("row_refused", 42)] == [(item["reason"], item["sequenceNumber"]) for item in letters_in(tmp_path)]


@pytest.mark.sockets
def test_a_batch_logs_one_line_and_that_has_counts_only(
    worker: "Worker", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither what was said, nor who said it, nor the SDK's lines about every request."""
    caplog.set_level(logging.INFO)
    batch = [*bodies(record(requestId="a", appId="app-of-somebody")), b"poison", *bodies(record(method="GET"))]
    with ingestion_peer() as peer:
        pipeline = Pipeline(sink=sink_to(peer), dead_letters=DeadLetterFolder(tmp_path / "letters"))
        monkeypatch.setattr(edge, "pipeline", lambda: pipeline)
        assert worker.invoke(FUNCTION, batch).ok

    workers_own = ("azure.functions", "azure_functions")
    lines = [item.getMessage() for item in caplog.records if not item.name.startswith(workers_own)]
    assert ["metered a batch: received 3, metered 1, rejected 1, ignored 1"] == lines


def test_each_partition_has_its_own_places_and_dead_letters(worker: "Worker", sink: Memory, tmp_path: Path) -> None:
    """Sequence numbers are the same on every partition; nothing of one replaces another's."""
    unnamed = record(requestId=None, responseBody=None)
    for partition in range(32):
        context = {**PARTITION_CONTEXT, "PartitionId": str(partition)}
        assert worker.invoke(FUNCTION, [*bodies(unnamed), b"poison"], context=context).ok

    assert [str(number) for number in range(32)] == [row.partition for row in sink.rows]
    assert 32 == len({row.call_id for row in sink.rows})
    assert 32 == len({letter["partition"] for letter in letters_in(tmp_path)})


@pytest.mark.parametrize(
    ("context", "place"),
    [
        ({name.lower(): value for name, value in PARTITION_CONTEXT.items()}, ("contoso-ai/ai-usage", "3")),
        ({**PARTITION_CONTEXT, "PartitionId": 3}, ("contoso-ai/ai-usage", "3")),
        ({**PARTITION_CONTEXT, "IsCheckpointingAfterInvocation": True}, ("contoso-ai/ai-usage", "3")),
        ({**PARTITION_CONTEXT, "FullyQualifiedNamespace": None}, ("ai-usage", "3")),
        ({}, ("", "")),
        (None, ("", "")),
    ],
)
def test_a_host_that_says_less_of_the_partition_costs_no_row(
    worker: "Worker", sink: Memory, context: dict[str, object] | None, place: tuple[str, str]
) -> None:
    """The field names were not seen on a live host; another spelling, or none, is met without failing."""
    invoked = worker.invoke(FUNCTION, bodies(record()), context=context)

    assert invoked.ok, invoked.exception
    assert [place] == [(row.event_hub, row.partition) for row in sink.rows]


def test_an_empty_batch_is_no_work(worker: "Worker", sink: Memory) -> None:
    """And no failure."""
    assert worker.invoke(FUNCTION, []).ok
    assert [] == sink.rows


def test_missing_settings_are_named_when_the_first_batch_comes(
    worker: "Worker", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The invocation fails, so nothing is lost while somebody sets them."""
    for name in ("LOGS_INGESTION_ENDPOINT", "LOGS_INGESTION_RULE_ID", "DEAD_LETTER_FOLDER"):
        monkeypatch.delenv(name, raising=False)

    invoked = worker.invoke(FUNCTION, bodies(record()))

    assert not invoked.ok
    assert "LOGS_INGESTION_ENDPOINT" in invoked.exception
