"""The crash test: a consumer that is killed again and again, on a store that fails, meters what a clean run meters.

Real processes throughout: the hub's peer, the Logs Ingestion peer, `token-meter consume`. `bench/crash.py` runs the
long form and tests/test_crash.py the short one.
"""

import base64
import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash_events import crash_events
from tests.event_hubs_peer import peer_process
from tests.hub_clients import GROUP, send
from tests.ingestion_peer import RULE, answers_in_folder, rows_in_folder
from tests.ingestion_peer import peer_process as ingestion_process
from tests.stored_rows import load_stored
from token_meter.kql import run_query
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.sources.checkpoints import FileCheckpoints
from token_meter.sources.hub_address import CONNECTION_VARIABLE, hub_address
from token_meter.tables import TABLES

CONSUME = (
    *(sys.executable, "-m", "token_meter", "consume", "--until-idle", "0", "--dead-letters", "letters"),
    *("--share-every", "0.25", "--retry-after", "0.2"),
)
FIRST_EVENT = "2026-10-05T00:00:00+00:00"
LATEST_DELAY = 0.4
"""Seconds after its moment at which a kill comes at the latest: it may meet any step of a batch."""
LAST_KILL = 0.95
"""Of all events; after that a consumer may be done before it is killed."""
LOOKED_AGAIN = 0.02
LONGEST_RUN = 3_600.0
REJECTED = "TokenMeterRejected_CL | distinct EventId, Outcome, Reason, Stage, SizeBytes, Partition, SequenceNumber"
OBSERVED = "TokenUsage_CL | distinct EventId"
LEDGER = (
    "TokenMeterBatch_CL | distinct Partition, FirstSequenceNumber, LastSequenceNumber, Events, Received, Metered, "
    "Rejected, Ignored"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done to whom."""

    events: int
    kills: int
    seed: int = 1
    partitions: int = 4
    fault_share: float = 0.05
    duplicate_share: float = 0.02


@dataclass(frozen=True, slots=True)
class Answers:
    """What a store says, and the dead letters beside it."""

    digest: str
    """Of every call that `TokenUsage()` answers, with all its columns."""
    calls: int
    rows: int
    """Usage rows, duplicates included."""
    observations: frozenset[str]
    rejected: frozenset[str]
    letters: Mapping[str, str]
    """What became of each record that could not be metered, by its identity."""
    unmetered: Mapping[str, int]
    """Events that no row of the ledger tells of, by partition."""
    unbalanced: int
    """Rows of the ledger that do not add up."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came out."""

    clean: Answers
    crashed: Answers
    kills: int
    answers: Counter[str]
    seconds: Mapping[str, float]

    @property
    def lost(self) -> int:
        """Observations that only the clean run has."""
        return len(self.clean.observations - self.crashed.observations)

    @property
    def doubled(self) -> int:
        """Observations and calls that only the crashed run has."""
        more = len(self.crashed.observations - self.clean.observations)
        return more + max(0, self.crashed.calls - self.clean.calls)


def run(plan: Plan, folder: Path) -> Report:
    """Meter the same hub twice, once without and once with everything that can go wrong."""
    events = crash_events(plan.events, plan.partitions, plan.seed)
    counts = {str(place): len(bodies) for place, bodies in enumerate(events)}
    seconds: dict[str, float] = {}
    with _hub(plan) as connection:
        with _timed(seconds, "sending"):
            send(connection, *((bodies, {"partition_id": str(place)}) for place, bodies in enumerate(events)))
        clean_run = _clean_run(connection, folder / "clean")
        faults = ("--fault-share", str(plan.fault_share), "--duplicate-share", str(plan.duplicate_share))
        options = (*faults, "--seed", str(plan.seed), "--longest", str(LONGEST_RUN))
        with _timed(seconds, "crashed run"), ingestion_process(folder / "peer", *options) as ingestion:
            kills = _run_crashing(connection, ingestion, folder / "crashed", plan)
        with _timed(seconds, "clean run, beyond that"):
            _expect_done(clean_run)
    with _timed(seconds, "comparing"):
        with DuckDbStore(str(folder / "clean" / "usage.duckdb")) as store:
            clean = _answers(store, folder / "clean", counts)
        with DuckDbStore(":memory:") as store:
            for row_type in TABLES:
                load_stored(store, row_type.TABLE, rows_in_folder(folder / "peer", row_type.TABLE))
            crashed = _answers(store, folder / "crashed", counts)
    return Report(clean, crashed, kills, answers_in_folder(folder / "peer"), seconds)


@contextmanager
def _hub(plan: Plan) -> Iterator[str]:
    """Give a hub's connection string: a peer's, or the emulator's where there is one, which must be new."""
    emulator = os.environ.get(CONNECTION_VARIABLE)
    if emulator:
        yield emulator
        return
    with peer_process("--partitions", str(plan.partitions), "--time", FIRST_EVENT) as connection:
        yield connection


@contextmanager
def _timed(seconds: dict[str, float], what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[what] = time.monotonic() - started


def _clean_run(connection: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start the run that nothing happens to: into the embedded store, in batches of another size."""
    folder.mkdir()
    command = (*CONSUME, "--group", "clean", "--batch-size", "500", "--store", "usage.duckdb")
    return _started(command, folder, {CONNECTION_VARIABLE: connection})


def _run_crashing(connection: str, ingestion: str, folder: Path, plan: Plan) -> int:
    """Kill the consumer at random moments, as often as planned, then let it finish; return how often it was killed."""
    folder.mkdir()
    draw = random.Random(plan.seed)  # noqa: S311 - repeatable moments
    moments = sorted(draw.randrange(round(plan.events * LAST_KILL)) for _ in range(plan.kills))
    progress = _Progress(connection, folder / "checkpoints")
    command = (*CONSUME, "--checkpoints", "checkpoints")
    environment = {
        CONNECTION_VARIABLE: connection,
        "LOGS_INGESTION_ENDPOINT": ingestion,
        "LOGS_INGESTION_RULE_ID": RULE,
    }
    kills = 0
    for moment in moments:
        process = _started(command, folder, environment)
        while process.poll() is None and progress.events() < moment:
            time.sleep(LOOKED_AGAIN)
        time.sleep(draw.uniform(0, LATEST_DELAY))
        kills += process.poll() is None
        process.kill()
        process.wait()
    _expect_done(_started(command, folder, environment))
    return kills


class _Progress:
    """How many events are metered by the checkpoints."""

    def __init__(self, connection: str, path: Path) -> None:
        self._address = hub_address("", {CONNECTION_VARIABLE: connection})
        self._checkpoints = FileCheckpoints(path)

    def events(self) -> int:
        kept = self._checkpoints.list_checkpoints(self._address.host, self._address.hub, GROUP)
        return sum(int(item["sequence_number"]) + 1 for item in kept)


def _started(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(part for part in (str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH")) if part)
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": path, **environment}, stdout=log, stderr=log
        )


def _expect_done(process: subprocess.Popen[bytes]) -> None:
    """Wait for a consumer's own end: done, with or without records that it rejected."""
    try:
        assert process.wait(LONGEST_RUN) in {0, 1}
    finally:
        process.kill()


def _answers(store: DuckDbStore, folder: Path, counts: Mapping[str, int]) -> Answers:
    usage = run_query(store, "TokenUsage()")
    lines = sorted(json.dumps(row) for row in usage.rows)
    ledger = run_query(store, LEDGER).rows
    return Answers(
        digest=hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16],
        calls=len(usage.rows),
        rows=int(str(run_query(store, "TokenUsage_CL | count").rows[0][0])),
        observations=frozenset(str(row[0]) for row in run_query(store, OBSERVED).rows),
        rejected=frozenset(json.dumps(row) for row in run_query(store, REJECTED).rows),
        letters=_letters(folder / "letters"),
        unmetered={name: _unmetered(name, count, ledger) for name, count in counts.items()},
        unbalanced=sum(row[4] != sum(int(str(part)) for part in row[5:]) for row in ledger),
    )


def _letters(folder: Path) -> dict[str, str]:
    """Return why each record was set aside and its bytes' digest; what stands above it is written once."""
    records: dict[str, str] = {}
    for path in folder.glob("*.jsonl"):
        above = None
        for line in path.read_bytes().splitlines():
            record = json.loads(line)
            body = above if record["bodyAbove"] else record["body"]
            above = body if record["whole"] else above
            records[record["id"]] = f"{record['reason']} {_digest_of(body)}"
    return records


def _digest_of(body: str | None) -> str:
    return "" if body is None else hashlib.sha256(base64.b64decode(body)).hexdigest()


def _unmetered(partition: str, count: int, ledger: Sequence[Sequence[Any]]) -> int:
    """Return how many of a partition's events are in none of the ledger's whole ranges, or are there and should not."""
    told: set[int] = set()
    for name, first, last, events, *_ in ledger:
        if name == partition and events == last - first + 1:
            told.update(range(first, last + 1))
    return len(told ^ set(range(count)))
