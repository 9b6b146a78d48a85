"""`TokenRejected()`: one row a rejected record, and whether it was metered since, in whatever order and how often."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.usage_rows import observation
from token_meter.codes import Reason, RejectedOutcome
from token_meter.events import FromLetter, Origin
from token_meter.kql import run_query
from token_meter.record import Rejected
from token_meter.rejected_row import RejectedRow, recovered_row, rejected_event_id, rejected_row
from token_meter.row import UsageRow
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.tables import TABLES, Row

ARRIVED = datetime(2026, 10, 5, 10, 0, 1, 250_000, tzinfo=UTC)
MET = datetime(2026, 10, 5, 10, 0, 9, tzinfo=UTC)
ORIGIN = Origin(hub="Contoso/usage", partition="3", sequence_number=41, enqueued_time=ARRIVED)
AGAIN = timedelta(days=30)
BELIEVED, NOT_BELIEVED = "datetime(null), datetime(null), 100000d", "datetime(null), datetime(null), -100000d"
"""The grace in which a replay's word is believed, far beyond what this test's times can be from now."""


@pytest.fixture(scope="module")
def store() -> Iterator[DuckDbStore]:
    """Return a store in memory that the tests of this module empty before each use."""
    with DuckDbStore(":memory:") as opened:
        yield opened


def rejected(origin: Origin = ORIGIN, index: int = 0, body: bytes = b"poison") -> Rejected:
    """Return a rejected record."""
    return Rejected(reason=Reason.NOT_JSON, stage="decode", origin=origin, body=body, index=index)


def recovered(item: Rejected, outcome: RejectedOutcome, observed: datetime = MET + AGAIN) -> RejectedRow:
    """Return the row of a record that was read out of its dead letter."""
    letter = FromLetter(
        record_id=rejected_event_id(item), letter="letter", reason=item.reason, stage=item.stage, index=item.index
    )
    return recovered_row(item.origin, letter, outcome, observed)


def answer(store: DuckDbStore, rows: Sequence[Row], arguments: str = BELIEVED) -> list[dict[str, Any]]:
    """Return what `TokenRejected()` answers over these rows."""
    for row_type in TABLES:
        store.connection.execute(f'TRUNCATE "{row_type.TABLE}"')
    for row in rows:
        store.write([row])
    result = run_query(store, f"TokenRejected({arguments}) | sort by SequenceNumber asc, RecordIndex asc")
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def test_a_rejected_record_is_one_row_however_often_it_was_met(store: DuckDbStore) -> None:
    """A retried batch writes it again, from another letter where the batch was split otherwise."""
    rows = [
        rejected_row(rejected(), letter, MET + timedelta(minutes=place)) for place, letter in enumerate(["one", "two"])
    ]

    (row,) = answer(store, rows)

    assert ("rejected", False, "not_json", "one", 41) == tuple(
        row[name] for name in ("Outcome", "Recovered", "Reason", "DeadLetter", "SequenceNumber")
    )


@pytest.mark.parametrize("outcome", [RejectedOutcome.METERED, RejectedOutcome.IGNORED])
def test_a_record_that_a_replay_read_counts_as_recovered(store: DuckDbStore, outcome: RejectedOutcome) -> None:
    """And tells since when."""
    (row,) = answer(store, [rejected_row(rejected(), "letter", MET), recovered(rejected(), outcome)])

    assert (outcome.value, True, "2026-11-04T10:00:09Z") == (row["Outcome"], row["Recovered"], row["ReadTime"])


def usage_of(item: Rejected) -> UsageRow:
    """Return the usage of a record that was metered after all."""
    origin = item.origin
    return observation(
        event_hub=origin.hub,
        partition=origin.partition,
        sequence_number=origin.sequence_number,
        record_index=item.index,
        enqueued_time=origin.enqueued_time,
    )


def test_a_record_whose_usage_never_came_is_not_recovered(store: DuckDbStore) -> None:
    """A daily cap may have dropped the row that a replay had accepted: once it had time to show it must be there."""
    rows = [rejected_row(rejected(), "letter", MET), recovered(rejected(), RejectedOutcome.METERED)]

    (lost,) = answer(store, rows, NOT_BELIEVED)
    (stored,) = answer(store, [*rows, usage_of(rejected())], NOT_BELIEVED)

    assert [("rejected", False), ("metered", True)] == [(row["Outcome"], row["Recovered"]) for row in (lost, stored)]


def test_of_a_record_from_no_hub_the_replays_word_is_believed(store: DuckDbStore) -> None:
    """There is no place by which its usage could be looked for."""
    item = rejected(Origin(file="events.jsonl", line=3))

    (row,) = answer(store, [rejected_row(item, "letter", MET), recovered(item, RejectedOutcome.METERED)], NOT_BELIEVED)

    assert row["Recovered"]


def test_what_was_metered_stays_recovered_when_it_is_rejected_once_more(store: DuckDbStore) -> None:
    """An older meter may see the event again; its usage is in the table all the same."""
    late = rejected_row(rejected(), "letter", MET + 2 * AGAIN)

    (row,) = answer(store, [late, recovered(rejected(), RejectedOutcome.METERED)])

    assert row["Recovered"]


@pytest.mark.parametrize("fraction", [0, 250_000])
def test_a_record_that_was_metered_out_of_capture_counts_as_recovered(store: DuckDbStore, fraction: int) -> None:
    """By its place: Capture writes the time without its fraction, and may write the hub's name otherwise."""
    usage = observation(
        event_hub="contoso/usage",
        partition="3",
        sequence_number=41,
        record_index=1,
        enqueued_time=ARRIVED.replace(microsecond=fraction),
    )

    rows = answer(store, [*(rejected_row(rejected(index=place), "letter", MET) for place in (0, 1)), usage])

    assert [(0, False), (1, True)] == [(row["RecordIndex"], row["Recovered"]) for row in rows]


@pytest.mark.parametrize(
    "elsewhere",
    [{"partition": "4"}, {"sequence_number": 42}, {"event_hub": "contoso/other"}, {"enqueued_time": ARRIVED + AGAIN}],
)
def test_usage_of_another_place_recovers_nothing(store: DuckDbStore, elsewhere: dict[str, Any]) -> None:
    """Also that of a hub which was made anew, whose numbers began again."""
    place = {"event_hub": "Contoso/usage", "partition": "3", "sequence_number": 41, "enqueued_time": ARRIVED}
    usage = observation(record_index=0, **{**place, **elsewhere})

    (row,) = answer(store, [rejected_row(rejected(), "letter", MET), usage])

    assert not row["Recovered"]


def test_adjacent_periods_divide_the_records_by_their_arrival(store: DuckDbStore) -> None:
    """Whenever they were met or recovered."""
    first, second = (
        rejected(replace(ORIGIN, sequence_number=number, enqueued_time=datetime(2026, 10, day, tzinfo=UTC)))
        for number, day in ((41, 5), (42, 6))
    )
    rows = [rejected_row(item, "letter", MET + AGAIN) for item in (first, second)]
    rows.append(recovered(second, RejectedOutcome.METERED, MET + 2 * AGAIN))

    periods = ["datetime(null), datetime(2026-10-06), 100000d", "datetime(2026-10-06), datetime(2026-10-07), 100000d"]

    assert [[(41, False)], [(42, True)]] == [
        [(row["SequenceNumber"], row["Recovered"]) for row in answer(store, rows, period)] for period in periods
    ]


def test_records_of_files_are_dated_by_when_they_were_met(store: DuckDbStore) -> None:
    """They have no arrival."""
    item = rejected(Origin(file="events.jsonl", line=3))

    (row,) = answer(store, [rejected_row(item, "letter", MET), rejected_row(item, "letter", MET + AGAIN)])

    assert ("2026-10-05T10:00:09Z", None) == (row["RejectedTime"], row["SequenceNumber"])


@settings(max_examples=15)
@given(order=st.permutations(range(6)), again=st.lists(st.integers(0, 5), max_size=6))
def test_no_order_and_no_repetition_changes_the_answer(store: DuckDbStore, order: list[int], again: list[int]) -> None:
    """The law of every fold."""
    items = [rejected(replace(ORIGIN, sequence_number=number)) for number in (41, 42)]
    rows: list[Row] = [
        *(rejected_row(item, letter, MET + timedelta(seconds=len(letter))) for item in items for letter in ("a", "bb")),
        recovered(items[0], RejectedOutcome.IGNORED),
        recovered(items[0], RejectedOutcome.METERED, MET + 2 * AGAIN),
    ]
    assert answer(store, rows) == answer(store, [rows[place] for place in [*order, *again]])
