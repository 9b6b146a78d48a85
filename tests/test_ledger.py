"""The ledger: what is written of every batch, and what KQL finds in it, against an independent look in Python."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records import event, record
from token_meter.batch_row import BatchRow, batch_rows
from token_meter.codes import Via
from token_meter.events import Event, Origin
from token_meter.kql import kql_folder, run_query
from token_meter.meter import meter
from token_meter.pipeline import Pipeline
from token_meter.sinks.dead_letters import DeadLetterFolder
from token_meter.sinks.duckdb_store import DuckDbStore

HUB = "contoso-ai/ai-usage"
START = datetime(2026, 10, 5, 12, 0, 0, tzinfo=UTC)
METERED = START + timedelta(minutes=5)
QUERIES = ("events_never_metered", "rows_never_stored", "lag_by_partition", "rejected_records", "health")


def hub_event(number: int, partition: str = "0", body: bytes | None = None) -> Event:
    """Return the event of a number in its partition: a call of its own, unless a body is given."""
    place = Origin(
        hub=HUB, partition=partition, sequence_number=number, enqueued_time=START + timedelta(seconds=number)
    )
    return Event(event(record(requestId=f"{partition}-{number}")).body if body is None else body, place)


def batch(first: int, last: int, partition: str = "0") -> BatchRow:
    """Return the ledger's row of a batch of these numbers."""
    return row_of([hub_event(number, partition) for number in range(first, last + 1)])


def row_of(events: Sequence[Event], metered: datetime = METERED) -> BatchRow:
    """Return the ledger's row of a batch of one partition."""
    (row,) = batch_rows(events, meter(events), Via.TRIGGER, metered, 12.5)
    return row


@pytest.fixture
def store() -> Iterator[DuckDbStore]:
    """Return an empty store."""
    with DuckDbStore(":memory:") as opened:
        yield opened


def ask(store: DuckDbStore, kql: str) -> list[dict[str, Any]]:
    """Return a query's answer as objects."""
    answer = run_query(store, kql)
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def gaps(store: DuckDbStore) -> list[tuple[Any, ...]]:
    """Return the holes that TokenGaps finds, in order."""
    return sorted((row["Partition"], row["MissingFrom"], row["MissingTo"]) for row in ask(store, "TokenGaps()"))


def test_a_batchs_row_balances_and_says_why() -> None:
    """Received = metered + rejected + ignored, with the reasons of the two."""
    events = [hub_event(1), hub_event(2, body=b"poison"), hub_event(3, body=event(record(method="GET")).body)]

    row = row_of(events)

    assert (3, 3, 1, 1, 1) == (row.events, row.received, row.metered, row.rejected, row.ignored)
    assert {"not_a_model_call": 1, "not_json": 1} == row.reasons
    assert (1, 3, 1) == (row.first_sequence_number, row.last_sequence_number, row.observations)


def test_a_record_that_nothing_became_of_shows_as_a_batch_that_does_not_balance(store: DuckDbStore) -> None:
    """What was received is counted by itself, not as the sum of what became of it."""
    events = [hub_event(number) for number in (1, 2, 3)]
    outcome = meter(events)
    store.write(list(batch_rows(events, replace(outcome, rows=outcome.rows[:2]), Via.TRIGGER, METERED, None)))

    (row,) = ask(store, "TokenBatches()")

    assert (3, 2, False) == (row["Received"], row["Metered"], row["Balanced"])


def test_the_same_batch_has_the_same_identity_whenever_it_is_metered() -> None:
    """And another one has another."""
    again = row_of([hub_event(number) for number in range(1, 11)], METERED + timedelta(days=40))

    assert batch(1, 10).event_id == again.event_id
    assert 4 == len({batch(1, 10).event_id, batch(1, 9).event_id, batch(2, 10).event_id, batch(1, 10, "1").event_id})


def test_a_batch_of_several_partitions_has_a_row_each() -> None:
    """As where one batch is read from files of Capture."""
    events = [hub_event(1, "0"), hub_event(1, "1"), hub_event(2, "0")]

    rows = list(batch_rows(events, meter(events), Via.REPLAY, METERED, None))

    assert [("0", 2, 2), ("1", 1, 1)] == [(row.partition, row.events, row.metered) for row in rows]


def test_a_retried_batch_is_one_batch(store: DuckDbStore) -> None:
    """The latest of the same revision stays."""
    events = [hub_event(number) for number in range(1, 11)]
    for minutes in (5, 9, 7):
        store.write([row_of(events, START + timedelta(minutes=minutes))])

    (row,) = ask(store, "TokenBatches() | project MeteredTime, LagSeconds, Balanced, Dense")

    assert {"MeteredTime": "2026-10-05T12:09:00Z", "LagSeconds": 530, "Balanced": True, "Dense": True} == row


def test_a_batch_that_was_never_metered_is_a_gap(store: DuckDbStore) -> None:
    """With the command that heals it."""
    store.write([batch(1, 10), batch(21, 30), batch(1, 5, "1"), batch(6, 9, "1")])

    (gap,) = ask(store, "TokenGaps()")

    assert ("0", 11, 20, 10) == (gap["Partition"], gap["MissingFrom"], gap["MissingTo"], gap["MissingEvents"])
    assert ("2026-10-05T12:00:10Z", "2026-10-05T12:00:21Z") == (gap["NotBefore"], gap["NotAfter"])
    assert f"token-meter replay --hub {HUB} --partition 0 --from 11 --until 20 --to log-analytics" == gap["Heal"]


def test_batches_that_overlap_or_were_split_otherwise_leave_no_gap(store: DuckDbStore) -> None:
    """A host that restarts cuts its batches anew."""
    store.write([batch(1, 100), batch(1, 40), batch(41, 70), batch(60, 130), batch(131, 140)])

    assert [] == gaps(store)


def test_a_long_batch_covers_all_of_its_numbers(store: DuckDbStore) -> None:
    """Also where they lie in several of the join's ten thousands."""
    two = row_of([hub_event(1), hub_event(2)])
    ended = START + timedelta(seconds=50_000)
    long = replace(two, last_sequence_number=50_000, last_enqueued_time=ended, events=50_000, event_id="b1:long")
    store.write([long, batch(30_001, 30_010), batch(50_001, 50_002), batch(60_000, 60_001)])

    assert [("0", 50_003, 59_999)] == gaps(store)


def test_an_event_that_is_missing_inside_of_a_batch_makes_a_gap(store: DuckDbStore) -> None:
    """The batch cannot say which one it is, so it is named as a whole."""
    sparse = row_of([hub_event(number) for number in (11, 12, 14)])
    store.write([batch(1, 10), sparse, batch(15, 20)])

    assert [("0", 11, 14)] == gaps(store)


def test_a_hole_inside_of_a_batch_shows_without_neighbours_and_until_it_is_healed(store: DuckDbStore) -> None:
    """Its numbers are known by its own ends; once others cover them nothing is missing any more."""
    store.write([row_of([hub_event(number) for number in (11, 12, 14)])])
    assert [("0", 11, 14)] == gaps(store)

    store.write([batch(11, 12)])
    assert [("0", 13, 14)] == gaps(store)

    store.write([batch(13, 14)])
    assert [] == gaps(store)


def test_events_that_come_twice_fill_no_hole(store: DuckDbStore) -> None:
    """As where a Capture file is given twice, and the next one is not."""
    twice = row_of([hub_event(number) for number in (1, 2, 3, 1, 2, 3, 4, 7)])
    store.write([twice])

    assert (5, 8) == (twice.events, twice.received)
    assert [("0", 1, 7)] == gaps(store)


def of_hub(name: str, first: int, last: int, later: timedelta = timedelta()) -> BatchRow:
    """Return the ledger's row of a batch of these numbers on a hub of another name, or of another time."""
    events = [hub_event(number) for number in range(first, last + 1)]
    moved = [
        replace(item, origin=replace(item.origin, hub=name, enqueued_time=item.origin.enqueued_time + later))
        for item in events
        if item.origin.enqueued_time is not None
    ]
    return row_of(moved, METERED + later)


ANEW = timedelta(days=1)


def test_a_hub_that_was_made_anew_does_not_lend_its_numbers(store: DuckDbStore) -> None:
    """They begin at 0 again: what the old one's batches cover was not metered of the new one, nor the reverse."""
    store.write([batch(0, 40), batch(61, 100), of_hub(HUB, 0, 4, ANEW), of_hub(HUB, 10, 20, ANEW)])
    assert [("0", 5, 9), ("0", 41, 60)] == gaps(store)

    store.write([of_hub(HUB, 5, 9, ANEW), of_hub(HUB, 21, 80, ANEW)])
    assert [("0", 41, 60)] == gaps(store)

    store.write([batch(41, 60)])
    assert [] == gaps(store)


def test_the_first_events_of_a_hub_that_was_made_anew_are_missed(store: DuckDbStore) -> None:
    """As where a reader went on from the old one's checkpoint."""
    store.write([batch(0, 100), of_hub(HUB, 50, 60, ANEW)])

    (gap,) = ask(store, "TokenGaps()")

    assert (0, 49) == (gap["MissingFrom"], gap["MissingTo"])
    assert ("2026-10-05T12:01:40Z", "2026-10-06T12:00:50Z") == (gap["NotBefore"], gap["NotAfter"])


def test_a_hub_is_the_same_however_its_name_is_written(store: DuckDbStore) -> None:
    """As where the command that heals a gap is typed by hand."""
    store.write([batch(1, 10), of_hub(HUB.upper(), 11, 20), batch(21, 30)])

    assert [] == gaps(store)


@settings(max_examples=40, deadline=None)
@given(
    ranges=st.lists(
        st.tuples(st.integers(1, 60), st.integers(0, 9)).map(lambda item: (item[0], item[0] + item[1])),
        min_size=1,
        max_size=8,
    )
)
def test_gaps_are_the_numbers_that_no_batch_covers(ranges: list[tuple[int, int]]) -> None:
    """Between the first and the last that any batch has."""
    covered = {number for first, last in ranges for number in range(first, last + 1)}
    missing = set(range(min(covered), max(covered) + 1)) - covered
    with DuckDbStore(":memory:") as store:
        store.write([batch(first, last) for first, last in ranges])
        found = {number for _, first, last in gaps(store) for number in range(first, last + 1)}

    assert missing == found


@pytest.fixture
def metered(store: DuckDbStore, tmp_path: Path) -> DuckDbStore:
    """Return a store with two metered batches, one of which has a poison event and a call that is ignored."""
    pipeline = Pipeline(sink=store, dead_letters=DeadLetterFolder(tmp_path / "letters"), clock=lambda: METERED)
    pipeline.process([hub_event(number) for number in range(1, 6)], Via.TRIGGER)
    others = [hub_event(6), hub_event(7, body=b"poison"), hub_event(8, body=event(record(method="GET")).body)]
    pipeline.process(others, Via.TRIGGER)
    return store


def test_rows_that_were_stored_are_not_missed(metered: DuckDbStore) -> None:
    """Every batch's different observations are found by their numbers."""
    assert [] == ask(metered, "TokenUnstored()")


def test_rows_that_were_accepted_and_are_not_stored_are_missed(metered: DuckDbStore) -> None:
    """As where a daily cap was reached: the batch, how many, and the command that heals it."""
    metered.connection.execute('DELETE FROM "TokenUsage_CL" WHERE "SequenceNumber" IN (2, 4)')

    (row,) = ask(metered, "TokenUnstored()")

    assert (5, 3, 2) == (row["Observations"], row["FoundObservations"], row["MissingObservations"])
    assert row["Heal"].endswith("--partition 0 --from 1 --until 5 --to log-analytics")


def test_rows_that_were_just_accepted_have_time_to_show(metered: DuckDbStore) -> None:
    """A 204 is not yet storage; within the grace nothing is said."""
    metered.connection.execute('DELETE FROM "TokenUsage_CL"')

    assert 2 == len(ask(metered, "TokenUnstored()"))
    assert [] == ask(metered, "TokenUnstored(datetime(null), datetime(null), 100000d)")


def test_a_hub_that_was_made_anew_does_not_lend_its_rows(metered: DuckDbStore) -> None:
    """Its numbers begin at the same place at another time."""
    metered.connection.execute("""UPDATE "TokenUsage_CL" SET "EnqueuedTime" = "EnqueuedTime" - INTERVAL 30 DAY""")

    assert [5, 1] == [row["MissingObservations"] for row in ask(metered, "TokenUnstored() | sort by Observations desc")]


def test_rows_of_an_older_revision_do_not_stand_for_those_that_replace_them(metered: DuckDbStore) -> None:
    """As where a daily cap drops what a newer meter makes of the same events: the old numbers would stay unnoticed."""
    (first, *_) = ask(metered, "TokenMeterBatch_CL | sort by FirstSequenceNumber asc")
    events = [hub_event(number) for number in range(1, 6)]
    newer = replace(row_of(events), meter_revision=first["MeterRevision"] + 1)
    metered.write([newer])

    (row,) = ask(metered, "TokenUnstored()")
    assert (1, 5, 0) == (row["FirstSequenceNumber"], row["Observations"], row["FoundObservations"])

    metered.write([replace(item, meter_revision=newer.meter_revision) for item in meter(events).rows])
    assert [] == ask(metered, "TokenUnstored()")


def test_rows_are_found_however_their_hubs_name_is_written(metered: DuckDbStore) -> None:
    """As where the command that heals a batch is typed by hand."""
    metered.connection.execute("""UPDATE "TokenUsage_CL" SET "EventHub" = upper("EventHub")""")

    assert [] == ask(metered, "TokenUnstored()")


def test_health_says_in_one_row_what_can_be_trusted(metered: DuckDbStore) -> None:
    """Counted by hand: eight events, six calls, one reject."""
    metered.write([batch(21, 30)])
    metered.connection.execute('DELETE FROM "TokenUsage_CL" WHERE "SequenceNumber" = 3')

    (row,) = ask(metered, "TokenHealth()")

    expected = {
        "Batches": 3,
        "Events": 18,
        "Received": 18,
        "Metered": 16,
        "Rejected": 1,
        "Recovered": 0,
        "Ignored": 1,
        "Calls": 5,
        "Charged": 5,
        "EstimatedShare": 0,
        "UnknownShare": 0,
        "Gaps": 1,
        "MissingEvents": 12,
        "Unbalanced": 0,
        "UnstoredBatches": 2,
        "MissingObservations": 11,
        "LagSeconds": 270,
        "MeteredUntil": "2026-10-05T12:00:30Z",
    }
    assert expected == row


def test_health_of_a_period_without_events_is_empty_and_no_error(store: DuckDbStore) -> None:
    """One row all the same."""
    (row,) = ask(store, "TokenHealth(datetime(2026-01-01), datetime(2026-02-01))")

    assert (0, 0, 0, None) == (row["Events"], row["Calls"], row["Gaps"], row["LagSeconds"])


def test_the_queries_of_the_ledger_answer_from_it(metered: DuckDbStore) -> None:
    """Health, holes, what was not stored, lag, rejects: each as its function has it."""
    metered.write([batch(21, 30)])
    folder = kql_folder() / "queries"
    answers = {name: ask(metered, (folder / f"{name}.kql").read_text(encoding="utf-8")) for name in QUERIES}

    assert [9, 20] == [answers["events_never_metered"][0][name] for name in ("MissingFrom", "MissingTo")]
    assert [10] == [row["MissingObservations"] for row in answers["rows_never_stored"]]
    assert [("0", 18, 295)] == [
        (row["Partition"], row["Events"], row["MaxLagSeconds"]) for row in answers["lag_by_partition"]
    ]
    assert [("not_json", 1, 0, 1)] == [
        (row["Reason"], row["Records"], row["Recovered"], row["Open"]) for row in answers["rejected_records"]
    ]
    assert [3] == [row["Batches"] for row in answers["health"]]
