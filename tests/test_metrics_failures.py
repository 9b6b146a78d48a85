"""What a failure of the counters costs a batch: a bounded wait and a line in the log, and never the batch."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.metrics_peer import MetricsPeer, metrics_peer
from tests.records import event, metered, record
from token_meter import Event
from token_meter.codes import Via
from token_meter.metrics import metrics_of
from token_meter.metrics.counters import BatchCounters, Channel
from token_meter.metrics.exporters import open_meter
from token_meter.metrics.flush import Flush, Told
from token_meter.metrics.names import Instrument
from token_meter.metrics.options import Exporter, MetricsOptions
from token_meter.pipeline import Pipeline
from token_meter.sinks.dead_letters import DeadLetterFolder
from token_meter.sinks.duckdb_store import DuckDbStore

DEAD = "http://127.0.0.1:9"
"""Nothing listens on the port of the discard protocol here."""


@dataclass
class Clock:
    """A clock that is told the time, in seconds."""

    seconds: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


@pytest.fixture
def peer() -> Iterator[MetricsPeer]:
    """Return a peer that takes what it is sent."""
    with metrics_peer() as running:
        yield running


def counters_to(url: str, clock: Clock, patience: float = 20.0) -> BatchCounters:
    """Return counters with the real exporter to an endpoint, and a clock that is told the time."""
    key = "5f0e3a52-6b0e-4c57-9a59-1f7a1a1f0c11"
    options = MetricsOptions(
        exporter=Exporter.AZURE_MONITOR, connection_string=f"InstrumentationKey={key};IngestionEndpoint={url}/"
    )

    def flush(channel: Channel, told: Told) -> Flush:
        return Flush(channel.send, told, patience, pause=60, clock=clock)

    return BatchCounters(options, lambda: open_meter(options), flush=flush)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged about the counters, by whomever."""
    return [item.getMessage() for item in caplog.records if not item.name.startswith("azure.core")]


@pytest.mark.sockets
def test_a_dead_endpoint_costs_no_batch_and_a_line_once(caplog: pytest.LogCaptureFixture) -> None:
    """The exporter's own lines, one a failure, are silenced."""
    clock = Clock()
    counters = counters_to(DEAD, clock)
    for turn in range(3):
        counters.record(metered(record(requestId=str(turn))), Via.TRIGGER, None)
        clock.seconds += 61

    assert ["metrics: not sent (no answer); rows are not affected. It is logged once"] == lines(caplog)


@pytest.mark.sockets
def test_an_endpoint_that_never_answers_is_waited_for_no_longer_than_a_batch_may(
    peer: MetricsPeer, caplog: pytest.LogCaptureFixture
) -> None:
    """Its request is left alone, and batches go on meanwhile without any wait."""
    peer.silent = True
    counters = counters_to(peer.url, Clock(), patience=0.05)
    for turn in range(3):
        counters.record(metered(record(requestId=str(turn))), Via.TRIGGER, None)

    assert (1, True) == (len(peer.requests), "not sent within 0.05 s" in lines(caplog)[0])


@pytest.mark.sockets
@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_a_refusal_is_told_with_its_status(peer: MetricsPeer, caplog: pytest.LogCaptureFixture, status: int) -> None:
    """And asked for once, not in the exporter's minutes of retries."""
    peer.status = status
    counters_to(peer.url, Clock()).record(metered(record()), Via.TRIGGER, None)

    assert 1 == len(peer.requests)
    assert [f"metrics: not sent (status {status}); rows are not affected. It is logged once"] == lines(caplog)


@pytest.mark.sockets
def test_after_a_failure_counting_goes_on_and_sending_after_a_pause(peer: MetricsPeer) -> None:
    """What was counted in the pause goes out with the first sending after it; only what was under way is lost."""
    clock, peer.status = Clock(), 503
    counters = counters_to(peer.url, clock)
    for seconds, status in ((0, 503), (1, 200), (59, 200), (60, 200)):
        clock.seconds, peer.status = seconds, status
        counters.record(metered(record(requestId=str(seconds))), Via.TRIGGER, None)

    sent = [dict(points) for points in peer.points()]
    assert [13, 39] == [value for points in sent for (name, _), value in points.items() if name == "Total Tokens"]


def test_whatever_the_libraries_raise_costs_no_batch(caplog: pytest.LogCaptureFixture) -> None:
    """Where they cannot be opened, cannot count, cannot send: each is logged once, by its class."""

    def refuse() -> Channel:
        raise ImportError("no such library, in a message that quotes a secret")

    class Broken:
        def __init__(self, at: str) -> None:
            self.at = at

        def add(self, *_: object) -> None:
            if self.at == "add":
                raise ValueError("quotes a secret")

        def send(self) -> str:
            raise OSError("quotes a secret")

    for opening in (refuse, lambda: Broken("add"), lambda: Broken("send")):
        counters = BatchCounters(MetricsOptions(), opening)
        for _ in range(2):
            counters.record(metered(record()), Via.TRIGGER, None)

    assert [
        f"metrics: {what}; rows are not affected. It is logged once"
        for what in ("not counted (ImportError)", "not counted (ValueError)", "not sent (OSError)")
    ] == lines(caplog)


@pytest.mark.sockets
def test_a_batch_is_kept_and_over_when_its_counters_fail(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With the real exporter and a dead endpoint, in the pipeline."""
    caplog.set_level(logging.INFO)
    options = MetricsOptions(
        exporter=Exporter.AZURE_MONITOR,
        connection_string=f"InstrumentationKey=5f0e3a52-6b0e-4c57-9a59-1f7a1a1f0c11;IngestionEndpoint={DEAD}/",
    )
    with DuckDbStore(":memory:") as store:
        pipeline = Pipeline(
            sink=store,
            dead_letters=DeadLetterFolder(tmp_path / "letters"),
            metrics=metrics_of(options),
        )
        outcome = pipeline.process([event(record()), Event(b"poison")], Via.TRIGGER)
        ((kept,),) = store.connection.execute('SELECT count(*) FROM "TokenMeterBatch_CL"').fetchall()

    assert (1, 1, 1) == (len(outcome.rows), len(outcome.rejected), kept)
    assert ["metrics: not sent (no answer); rows are not affected. It is logged once"] == lines(caplog)


@dataclass
class Held:
    """A channel whose sending can be held, and that tells how often it sent what."""

    gate: threading.Event = field(default_factory=threading.Event)
    under_way: threading.Event = field(default_factory=threading.Event)
    counted: int = 0
    sent: list[int] = field(default_factory=list)

    def add(self, instrument: Instrument, *_: object) -> None:
        """Count a request; all other things do not matter here."""
        self.counted += instrument.name == "Requests"

    def send(self) -> str:
        """Send what was counted when sending began."""
        counted, self.counted = self.counted, 0
        self.under_way.set()
        self.gate.wait()
        self.sent.append(counted)
        return ""


def test_a_batch_that_comes_while_another_is_sent_waits_and_is_sent_too() -> None:
    """Partitions are metered at the same time; an instance may be gone right after either batch."""
    channel = Held()
    counters = BatchCounters(MetricsOptions(), lambda: channel)
    batches = [metered(record(requestId=name)) for name in "ab"]
    threads = [threading.Thread(target=counters.record, args=(batch, Via.TRIGGER, None)) for batch in batches]
    threads[0].start()
    channel.under_way.wait()
    threads[1].start()
    while not channel.counted:
        threads[1].join(0.001)
    channel.gate.set()
    for thread in threads:
        thread.join()

    assert [1, 1] == channel.sent
