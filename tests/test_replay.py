"""Metering again: what was right stays, what was missing comes, and nothing is called recovered before it is."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from tests.ingestion_client import sink_to
from tests.ingestion_peer import Peer, ingestion_peer
from tests.records import bearer, chat_answer, record, without
from tests.replay_cases import BEGAN, HUB, BlobPlace, FolderPlace, capture_name, captured, totals
from token_meter.codes import Reason, Via
from token_meter.events import Event, Origin
from token_meter.kql import run_query
from token_meter.meter import Outcome, meter
from token_meter.options import MeterOptions
from token_meter.pipeline import Pipeline, RowsRefused
from token_meter.rejected_row import RejectedRow
from token_meter.replay import replay
from token_meter.row import UsageRow
from token_meter.sinks.dead_letters import DeadLetterFolder
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.sinks.ingestion_failures import IngestionFailed
from token_meter.sources.replayable import Replayable
from token_meter.sources.stores import FolderStore
from token_meter.tables import Row

BILL = itemgetter("calls", "rejected", "recovered")
BROKEN = MeterOptions(shape="S4")
"""A meter that reads only records of one family: what it rejects is what a release with a defect would."""
MENDED = MeterOptions()


def unnamed(**fields: Any) -> dict[str, Any]:
    """Return a record that nothing but its place identifies."""
    return record(requestId=None, responseBody=chat_answer(id=None, usage={"prompt_tokens": 7}), **fields)


BODIES = [
    json.dumps(record(requestId="a")).encode(),
    json.dumps([unnamed(appId="b"), unnamed(appId="c"), 17]).encode(),
    b"poison \xff",
    json.dumps(record(requestId="d", method="GET")).encode(),
    json.dumps(without(unnamed(requestHeaders={"authorization": bearer(appid="e")}), "appId")).encode(),
    b"",
    "\n".join(json.dumps(unnamed(appId=name)) for name in "fgh").encode() + b"\ngarbage",
    json.dumps(record(requestId="i", responseBody=chat_answer("cut")))[:-40].encode(),
]
EVENTS = [
    Event(body, Origin(hub=HUB, partition="3", sequence_number=40 + place, enqueued_time=arrived))
    for place, body in enumerate(BODIES)
    for arrived in [BEGAN + timedelta(seconds=place, milliseconds=250)]
]


class Memory:
    """A sink in memory that can be told to fail, or to refuse; below, the same through real ones."""

    def __init__(self) -> None:
        """Begin empty."""
        self.kept: list[Row] = []
        self.fails: type[Row] | None = None
        self.refuses: tuple[type[Row], ...] = ()

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Keep rows, or do not."""
        if self.fails is not None and isinstance(rows[0], self.fails):
            raise IngestionFailed("status 503")
        if isinstance(rows[0], self.refuses):
            return rows
        self.kept += rows
        return ()

    def of(self, kind: type[Row]) -> list[Any]:
        """Return the rows of a table."""
        return [row for row in self.kept if isinstance(row, kind)]


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """Return a folder with the dead letter that a broken meter left of all events."""
    folder = tmp_path / "letters"
    Pipeline(sink=Memory(), dead_letters=DeadLetterFolder(folder), options=BROKEN).process(EVENTS, Via.TRIGGER)
    return folder


def replayed(folder: Path, sink: Memory, options: MeterOptions = MENDED) -> list[Outcome]:
    """Replay a folder of letters, with another one for what would be rejected for the first time."""
    pipeline = Pipeline(sink=sink, dead_letters=DeadLetterFolder(folder.parent / "new"), options=options)
    batches = Replayable(store=FolderStore(folder)).batches()
    return [replay(pipeline, batch.events, batch.letter) for batch in batches]


def test_every_record_of_a_letter_is_told_of_once(letters: Path) -> None:
    """Metered, ignored, or rejected again, under the ids that they had."""
    sink = Memory()

    (outcome,) = replayed(letters, sink)

    assert (8, 4, 1) == (len(outcome.rows), len(outcome.rejected), len(outcome.ignored))
    told = {row.event_id: row.outcome.value for row in sink.of(RejectedRow)}
    assert {"metered": 8, "ignored": 1, "rejected": 4} == {
        name: list(told.values()).count(name) for name in ("metered", "ignored", "rejected")
    }
    assert {row.event_id for row in sink.of(RejectedRow)} == {
        json.loads(line)["id"] for path in letters.iterdir() for line in path.read_text().splitlines()
    }


def test_what_is_rejected_again_stays_in_its_letter(letters: Path) -> None:
    """No letter is made of it anew, and its row names the one it has."""
    sink = Memory()

    replayed(letters, sink)

    (name,) = (path.name for path in letters.iterdir())
    assert not (letters.parent / "new").exists()
    assert {name} == {row.dead_letter for row in sink.of(RejectedRow)}


@pytest.mark.parametrize("table", [UsageRow, RejectedRow])
def test_nothing_counts_as_recovered_before_its_row_is_accepted(letters: Path, table: type[Row]) -> None:
    """A replay whose sink fails is to be tried again, and then tells all."""
    sink = Memory()
    sink.fails = table
    with pytest.raises(IngestionFailed):
        replayed(letters, sink)
    too_early = [row for row in sink.of(RejectedRow) if row.outcome.value != "rejected"]
    sink.fails = None

    replayed(letters, sink)

    assert [] == too_early
    assert 9 == len([row for row in sink.of(RejectedRow) if row.outcome.value != "rejected"])


def test_a_record_whose_row_the_store_refuses_is_not_recovered(letters: Path) -> None:
    """It is rejected again, for that reason, in the same letter."""
    sink = Memory()
    sink.refuses = (UsageRow,)

    (outcome,) = replayed(letters, sink)

    assert not outcome.rows
    assert 8 == sum(item.reason is Reason.ROW_REFUSED for item in outcome.rejected)
    assert not [row for row in sink.of(RejectedRow) if row.outcome.value == "metered"]
    assert not (letters.parent / "new").exists()


def test_a_store_that_takes_no_word_of_a_recovery_fails_the_replay(letters: Path) -> None:
    """Nothing says that what is told nowhere was told."""

    class Refusing(Memory):
        def write(self, rows: Sequence[Row]) -> Sequence[Row]:
            first = rows[0]
            if isinstance(first, RejectedRow) and first.outcome.value != "rejected":
                return rows
            return super().write(rows)

    with pytest.raises(RowsRefused):
        replayed(letters, Refusing())


def test_captured_events_that_are_rejected_for_the_first_time_become_letters(tmp_path: Path) -> None:
    """They may never have been met: a gap is replayed from Capture."""
    place, sink = FolderPlace(tmp_path / "capture"), Memory()
    place.put(capture_name(), captured(BODIES))
    pipeline = Pipeline(sink=sink, dead_letters=DeadLetterFolder(tmp_path / "new"))

    for batch in Replayable(store=place.store).batches():
        replay(pipeline, batch.events, batch.letter)

    assert 1 == len(list((tmp_path / "new").iterdir()))
    assert {"rejected"} == {row.outcome.value for row in sink.of(RejectedRow)}


@pytest.mark.sockets
def test_replaying_letters_and_capture_again_and_again_changes_no_total(
    container: ContainerClient, tmp_path: Path
) -> None:
    """Calls, rejected records and the ledger; and a broken meter's bill becomes that of a meter that never was."""
    place = BlobPlace(container)
    with DuckDbStore(":memory:") as store, DuckDbStore(":memory:") as never_broken:
        Pipeline(sink=never_broken, dead_letters=DeadLetterFolder(tmp_path / "right")).process(EVENTS, Via.TRIGGER)
        right = totals(never_broken)
        broken = Pipeline(sink=store, dead_letters=place.letters, options=BROKEN)
        for batch in (EVENTS[:5], EVENTS[:2], EVENTS[2:]):  # the second and third are the first, tried again
            broken.process(batch, Via.TRIGGER)
        of_trigger = totals(store)["ledger"]
        place.put(capture_name(), captured(BODIES))
        seen = []
        for _ in range(3):
            for found in Replayable(store=place.store).batches():
                replay(replace(broken, options=MENDED), found.events, found.letter)
            seen.append(totals(store))

    # what of Capture was rejected is a new letter, which the second round replays as well, and so is in the ledger
    assert seen[1] == seen[2]
    assert BILL(seen[0]) == BILL(seen[1]) == BILL(seen[2])
    assert set(of_trigger) < set(seen[0]["ledger"])
    assert right["calls"] == seen[0]["calls"]
    assert [("ignored", True, 1), ("metered", True, 8), ("rejected", False, 4)] == list(seen[0]["recovered"])


@pytest.mark.parametrize("first", ["letters", "capture"])
def test_either_replay_alone_recovers_what_can_be_metered(tmp_path: Path, first: str) -> None:
    """Out of the letters, and of Capture without any word of the letters'."""
    letters, capture = FolderPlace(tmp_path / "letters"), FolderPlace(tmp_path / "capture")
    capture.put(capture_name(), captured(BODIES))
    with DuckDbStore(":memory:") as store:
        broken = Pipeline(sink=store, dead_letters=letters.letters, options=BROKEN)
        broken.process(EVENTS, Via.TRIGGER)
        for found in Replayable(store=(letters if first == "letters" else capture).store).batches():
            replay(replace(broken, options=MENDED), found.events, found.letter)
        recovered = dict(row[::2] for row in totals(store)["recovered"])

    assert (8, 4) == (recovered["metered"], recovered["rejected"] - (1 if first == "capture" else 0))


def test_a_replay_of_letters_fills_no_gap_in_the_ledger(tmp_path: Path) -> None:
    """They are parts of events: what else was in the batch that never got through is missing until it is metered."""
    letters, capture = FolderPlace(tmp_path / "letters"), FolderPlace(tmp_path / "capture")
    capture.put(capture_name(), captured(BODIES))
    with DuckDbStore(":memory:") as store:

        def gaps() -> list[Any]:
            return [row[2:4] for row in run_query(store, "TokenGaps()").rows]

        broken = Pipeline(sink=store, dead_letters=letters.letters, options=BROKEN)
        for batch in (EVENTS[:1], EVENTS[-1:]):
            broken.process(batch, Via.TRIGGER)
        letters.letters.store(meter(EVENTS[1:-1], BROKEN).rejected)  # and then the worker was killed
        found = [gaps()]
        for place in (letters, capture):
            for batch_found in Replayable(store=place.store).batches():
                replay(replace(broken, options=MENDED), batch_found.events, batch_found.letter)
            found.append(gaps())

    assert [[(41, 46)], [(41, 46)], []] == found


@pytest.mark.sockets
def test_a_replay_through_logs_ingestion_is_the_same(letters: Path) -> None:
    """Over the wire, with a store that fails between: what the table holds is every record once, by its id."""
    with ingestion_peer() as peer:
        pipeline = Pipeline(sink=sink_to(peer), dead_letters=DeadLetterFolder(letters.parent / "new"))
        (batch,) = Replayable(store=FolderStore(letters)).batches()
        peer.answers[:] = [204, 403]
        with pytest.raises(IngestionFailed):
            replay(pipeline, batch.events, batch.letter)
        outcomes_before = outcomes_told(peer)
        replay(pipeline, batch.events, batch.letter)
        after = outcomes_told(peer)

    assert {"rejected"} == outcomes_before
    assert {"rejected", "metered", "ignored"} == after
    assert 8 == len({row["EventId"] for row in peer.rows})


def outcomes_told(peer: Peer) -> set[Any]:
    """Return the outcomes that a peer was told of rejected records."""
    return {row["Outcome"] for row in peer.rows_of("TokenMeterRejected_CL")}
