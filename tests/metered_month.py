"""A simulated month on a hub, metered as the Function would meter it, with what goes wrong there."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.odd_calls import odd_calls
from token_meter.batch_row import BatchRow
from token_meter.codes import RejectedOutcome, Via
from token_meter.events import Event, Origin
from token_meter.options import MeterOptions
from token_meter.pipeline import Pipeline
from token_meter.rejected_row import RejectedRow
from token_meter.sinks.dead_letters import DeadLetterFolder
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.tables import Row

COMMAND = str(Path(sys.executable).with_name("token-meter"))
HUB = "contoso/ai-usage"
PARTITIONS = 4
EVENTS_A_BATCH = 250
BROKEN_EVERY, FOREIGN_EVERY, AGAIN_EVERY, LOST_EVERY = 997, 1499, 10, 7
BROKEN = b"no record "
FOREIGN = {
    "version": 1,
    "kind": "exchange",
    "method": "GET",
    "url": "/openai/models?api-version=2024-10-21",
    "status": 200,
}
LAG = timedelta(seconds=7, milliseconds=250)
END = datetime(2026, 11, 1, tzinfo=UTC)
LOST = datetime(2026, 10, 18, 9, 30, tzinfo=UTC)
"""When the rows of a batch were lost."""
OPTIONS = MeterOptions(audit_sample=0.05)


def simulate(folder: Path, calls: int, seed: int = 1) -> tuple[Path, Path]:
    """Write a month's events and the truth into a folder, by the command; return both files."""
    events, truth = folder / "events.jsonl", folder / "truth.jsonl"
    arguments = ["--month", "2026-10", "--calls", str(calls), "--seed", str(seed)]
    subprocess.run([COMMAND, "simulate", *arguments, "--out", str(events), "--truth", str(truth)], check=True)
    return events, truth


@dataclass
class _Store:
    """The store as a sink that remembers which rows of rejected records it was given."""

    store: DuckDbStore
    rejected: list[RejectedRow] = field(default_factory=list)

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        self.rejected += [row for row in rows if isinstance(row, RejectedRow)]
        return self.store.write(rows)


@dataclass
class _Clock:
    """The moment at which a batch is metered."""

    now: datetime = END

    def __call__(self) -> datetime:
        return self.now


def meter_month(store: DuckDbStore, events: Path, dead_letters: Path) -> None:
    """Meter a file of events as if they came from a hub: batches twice, broken events, lost ones, late rows and all."""
    sink, clock = _Store(store), _Clock()
    pipeline = Pipeline(sink=sink, dead_letters=DeadLetterFolder(dead_letters), options=OPTIONS, clock=clock)
    with events.open("rb") as lines:
        for number, batch in enumerate(_batches(lines)):
            clock.now = _arrival(batch) + LAG
            pipeline.process(batch, Via.TRIGGER)
            if number % AGAIN_EVERY == 0:
                clock.now += timedelta(minutes=1)
                pipeline.process(batch, Via.TRIGGER)
    store.write([_read_again(row) for row in sink.rejected[::2]])
    store.write([_lost_rows(LOST)])
    store.write(list(odd_calls()))


def _arrival(batch: Sequence[Event]) -> datetime:
    return max(event.origin.enqueued_time for event in batch if event.origin.enqueued_time)


def _batches(lines: Iterator[bytes]) -> Iterator[list[Event]]:
    """Yield the events of each partition in batches; between some batches, events that nobody ever reads."""
    waiting: list[list[Event]] = [[] for _ in range(PARTITIONS)]
    sequence = [0] * PARTITIONS
    for number, (body, time) in enumerate(_bodies(lines)):
        partition = number % PARTITIONS
        origin = Origin(
            hub=HUB,
            partition=str(partition),
            sequence_number=sequence[partition],
            enqueued_time=time + timedelta(seconds=1, milliseconds=number % 900),
        )
        sequence[partition] += 1
        waiting[partition].append(Event(body, origin))
        if len(waiting[partition]) == EVENTS_A_BATCH:
            yield waiting[partition]
            waiting[partition] = []
            lost = sequence[partition] // EVENTS_A_BATCH % LOST_EVERY == 0
            sequence[partition] += 3 if lost else 0
    yield from (batch for batch in waiting if batch)


def _bodies(lines: Iterator[bytes]) -> Iterator[tuple[bytes, datetime]]:
    for number, line in enumerate(lines, start=1):
        time = datetime.fromisoformat(json.loads(line)["time"])
        yield line.rstrip(b"\n"), time
        if number % BROKEN_EVERY == 0:
            yield BROKEN + str(number).encode(), time
        if number % FOREIGN_EVERY == 0:
            named = {"requestId": f"00000000-0000-4000-8000-{number:012}", "time": time.isoformat()}
            yield json.dumps(FOREIGN | named).encode(), time


def _read_again(row: RejectedRow) -> RejectedRow:
    """Return what a replay of a dead letter says of a record that turned out to be no usage."""
    later = row.observed_time + timedelta(days=1)
    return replace(row, observed_time=later, time_generated=later, outcome=RejectedOutcome.IGNORED, size_bytes=None)


def _lost_rows(time: datetime) -> BatchRow:
    """Return a batch whose rows were accepted and never stored."""
    return BatchRow(
        time_generated=time + LAG, event_id="b1:lost", via=Via.TRIGGER, metered_time=time + LAG, event_hub=HUB,
        partition="lost", first_sequence_number=1000, last_sequence_number=1039, first_enqueued_time=time,
        last_enqueued_time=time, events=40, received=40, metered=40, observations=40, meter_version="0",
        meter_revision=1,
    )  # fmt: skip
