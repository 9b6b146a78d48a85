"""How long a batch of the Function may take: every step at its slowest, and the host that ends what takes too long."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from functions import meter_events as edge
from functions.meter_events import LATEST_STEP
from tests.records import event, record
from token_meter import blob_storage, credentials
from token_meter.codes import Via
from token_meter.events import Event
from token_meter.metrics.flush import PATIENCE
from token_meter.pipeline import Pipeline
from token_meter.record import Rejected
from token_meter.row import UsageRow
from token_meter.sinks import logs_ingestion
from token_meter.sinks.in_time import OutOfTime
from token_meter.sinks.uploads import PATIENT
from token_meter.tables import Row

PAUSES_OF_A_LETTER = 10
"""Seconds between its attempts, with jitter (blob_storage)."""
TOKEN = credentials.CONNECTION_TIMEOUT + credentials.READ_TIMEOUT
WRITE = PATIENT.seconds + TOKEN + logs_ingestion.CONNECTION_TIMEOUT + logs_ingestion.READ_TIMEOUT
ASKED_WHETHER_IT_IS_THERE = 1
LETTER = (blob_storage.ATTEMPTS + ASKED_WHETHER_IT_IS_THERE) * (
    TOKEN + blob_storage.CONNECTION_TIMEOUT + blob_storage.READ_TIMEOUT
)
SLOWEST_STEP = max(WRITE, LETTER + PAUSES_OF_A_LETTER)


def function_timeout() -> float:
    """Return what host.json says, in seconds."""
    host = json.loads((Path(__file__).parent.parent / "host.json").read_text(encoding="utf-8"))
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds()


@dataclass
class Slow:
    """Both sinks, each step as slow as it may be by a clock that only they move; refuses the rows of one call."""

    now: float = 0.0
    step: float = SLOWEST_STEP
    steps: list[str] = field(default_factory=list)

    def _pass(self, what: str) -> None:
        self.now += self.step
        self.steps.append(what)

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Keep rows slowly."""
        self._pass(rows[0].TABLE)
        return [row for row in rows if isinstance(row, UsageRow) and row.call_id == "refused"]

    def store(self, rejected: Sequence[Rejected]) -> str:
        """Keep rejected records slowly."""
        if rejected:
            self._pass("letter")
        return "letter" if rejected else ""


BATCH = [event(record(requestId="a")), Event(b"poison"), event(record(requestId="refused"))]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """Put slow sinks and their clock behind the function."""
    sinks = Slow()
    lasting = Pipeline(sink=sinks, dead_letters=sinks)
    monkeypatch.setattr(edge, "pipeline", lambda: lasting)
    monkeypatch.setattr(edge, "time", SimpleNamespace(monotonic=lambda: sinks.now))
    return sinks


def test_a_batch_fails_before_the_host_ends_it_however_slow_its_stores_are(slow: Slow) -> None:
    """Two letters and four writes, each at its slowest, would outlast the function's time; what raises is retried."""
    with pytest.raises(OutOfTime, match="functionTimeout"):
        edge.pipeline_in_time().process(BATCH, Via.TRIGGER)

    assert 6 * SLOWEST_STEP > function_timeout() > slow.now + PATIENCE


def test_what_begins_last_is_over_in_time() -> None:
    """With the counters after it."""
    assert function_timeout() > LATEST_STEP + SLOWEST_STEP + PATIENCE


def test_every_invocation_has_the_time_anew(slow: Slow) -> None:
    """A worker goes on for days."""
    slow.step = 60
    for _ in range(3):
        edge.pipeline_in_time().process(BATCH, Via.TRIGGER)

    assert 3 * 6 == len(slow.steps)
