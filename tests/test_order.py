"""The order in which a batch is kept, and what a failure at each step leaves: real stores behind doors."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.records import event, record
from token_meter import Event
from token_meter.codes import Via
from token_meter.kql import run_query
from token_meter.meter import meter
from token_meter.pipeline import Pipeline
from token_meter.record import Rejected
from token_meter.sinks.dead_letters import DeadLetterFolder
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.tables import Row

LETTERS, REJECTED, USAGE, LEDGER, METRICS = (
    "letters", "TokenMeterRejected_CL", "TokenUsage_CL", "TokenMeterBatch_CL", "metrics",
)  # fmt: skip
STEPS = (LETTERS, REJECTED, USAGE, LEDGER, METRICS)
BATCH = [event(record(requestId="a")), Event(b"poison"), event(record(requestId="b"))]


class Shut(Exception):  # noqa: N818 - it says what happened
    """The step that was told to fail."""


@dataclass
class Doors:
    """Notes each step that a batch takes, and shuts at the one that is to fail."""

    steps: list[str] = field(default_factory=list)
    shut: str = ""

    def enter(self, step: str) -> None:
        """Let a step happen. Raises Shut where it is to fail."""
        if step == self.shut:
            raise Shut(step)
        self.steps.append(step)


@dataclass(frozen=True)
class Kept:
    """The embedded store behind the doors."""

    doors: Doors
    store: DuckDbStore

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Keep rows."""
        self.doors.enter(rows[0].TABLE)
        return self.store.write(rows)

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        ((count,),) = run_query(self.store, f"{table} | count").rows
        assert isinstance(count, int)
        return count


@dataclass(frozen=True)
class Letters:
    """A folder of dead letters behind the doors."""

    doors: Doors
    folder: DeadLetterFolder

    def store(self, rejected: Sequence[Rejected]) -> str:
        """Keep rejected records."""
        self.doors.enter(LETTERS)
        return self.folder.store(rejected)


@dataclass(frozen=True)
class Counters:
    """Metrics behind the doors; they count nothing."""

    doors: Doors

    def record(self, *_: object) -> None:
        """Note that a batch would be counted."""
        self.doors.enter(METRICS)


@pytest.fixture
def kept() -> Iterator[Kept]:
    """Return a store with nothing in it, its doors open."""
    with DuckDbStore(":memory:") as store:
        yield Kept(Doors(), store)


def process(kept: Kept, folder: Path, events: Sequence[Event] = BATCH) -> None:
    """Send a batch through the pipeline."""
    letters = Letters(kept.doors, DeadLetterFolder(folder))
    Pipeline(sink=kept, dead_letters=letters, metrics=Counters(kept.doors)).process(events, Via.TRIGGER)


def test_letters_then_rows_then_the_ledger_then_metrics(kept: Kept, tmp_path: Path) -> None:
    """What could not be metered is safe first; the ledger tells of rows that were accepted; counters come last."""
    process(kept, tmp_path)

    assert list(STEPS) == kept.doors.steps


@pytest.mark.parametrize("shut", STEPS[:-1])
def test_a_step_that_fails_fails_the_batch_and_nothing_later_happens(kept: Kept, tmp_path: Path, shut: str) -> None:
    """So whoever called does not move on, and no step says what is not so."""
    kept.doors.shut = shut

    with pytest.raises(Shut, match=shut):
        process(kept, tmp_path)

    assert list(STEPS[: STEPS.index(shut)]) == kept.doors.steps


@pytest.mark.parametrize("shut", STEPS[:-1])
def test_a_batch_that_failed_at_any_step_is_complete_after_its_retry(kept: Kept, tmp_path: Path, shut: str) -> None:
    """Rows may be there twice, which the fold sees once; letters are replaced."""
    kept.doors.shut = shut
    with pytest.raises(Shut):
        process(kept, tmp_path)
    kept.doors.shut = ""
    process(kept, tmp_path)

    calls = run_query(kept.store, "TokenUsage() | project CallId | sort by CallId asc").rows
    assert (("a",), ("b",)) == calls
    assert 1 == len(list(tmp_path.iterdir()))
    assert kept.count(LEDGER) == 1


def test_a_batch_of_good_records_only_writes_no_letter(kept: Kept, tmp_path: Path) -> None:
    """And no row about one."""
    process(kept, tmp_path, [event(record())])

    assert ([], 0, 1) == (list(tmp_path.iterdir()), kept.count(REJECTED), kept.count(USAGE))


def test_an_empty_batch_writes_nothing(kept: Kept, tmp_path: Path) -> None:
    """Not even a row in the ledger: no events, no batch."""
    process(kept, tmp_path, [])

    assert ([], [0, 0, 0]) == (list(tmp_path.iterdir()), [kept.count(table) for table in (REJECTED, USAGE, LEDGER)])


def test_an_outcome_that_does_not_balance_is_not_kept(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect that loses a record is noticed before anything is stored. None is known, so one stands in for it."""
    lossy = meter([event(record()), event(record(requestId="lost"))])
    monkeypatch.setattr(sys.modules["token_meter.pipeline"], "meter", lambda *_: replace(lossy, rows=lossy.rows[:1]))

    with pytest.raises(RuntimeError, match="defect"):
        process(kept, tmp_path)

    assert [] == kept.doors.steps
