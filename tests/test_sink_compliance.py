"""What every sink owes: one suite for each store of tables, and one for each store of dead letters.

A table sink keeps all rows it is given but those it says it refuses, or raises; a store of dead letters keeps all
records, or raises. The stores are in tests/store_cases.py.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.ingestion_service import StoredRow
from tests.store_cases import LETTER_STORES, TABLE_SINKS, LetterCase, TableCase
from tests.usage_rows import NOON, observation
from token_meter.batch_row import batch_rows
from token_meter.codes import Reason, Via
from token_meter.columns import as_columns
from token_meter.events import Event, Origin
from token_meter.meter import meter
from token_meter.record import Rejected
from token_meter.rejected_row import rejected_event_id, rejected_row
from token_meter.tables import Row

HOSTILE_TEXTS = [
    "", "'", '"', "\\", "'; DROP TABLE TokenUsage_CL; --", "| take 0", "${jndi:ldap://x}", "\N{REPLACEMENT CHARACTER}",
    "\N{GRINNING FACE}", "e\N{COMBINING ACUTE ACCENT}", "\N{RIGHT-TO-LEFT OVERRIDE}abc", "null", "NaN", "1e999", "[]",
    "<script>", "=cmd()", "x" * 512,
]  # fmt: skip


@pytest.fixture(params=TABLE_SINKS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TableCase]:
    """Return each table sink in turn."""
    make: Callable[[Path], AbstractContextManager[TableCase]] = request.param
    with make(tmp_path) as made:
        yield made


def as_sent(rows: Sequence[Row]) -> list[StoredRow]:
    """Return rows as JSON has them, written without the code under test."""
    return [{name: _plain(value) for name, value in as_columns(row).items()} for row in rows]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return list(value) if isinstance(value, tuple) else value


def rows_of_every_table() -> list[list[Row]]:
    """Return some rows of each table, their columns filled as the meter fills them."""
    origin = Origin(hub="contoso-ai/ai-usage", partition="3", sequence_number=41, enqueued_time=NOON)
    events = [Event(b"poison", origin)]
    outcome = meter(events)
    usage = observation(attempt=2, custom={"team": "a"}, notes=("cut",), is_stream=True, duration_ms=1.5)
    return [
        [usage, observation("e2")],
        [rejected_row(item, "letter.jsonl", NOON) for item in outcome.rejected],
        list(batch_rows(events, outcome, Via.TRIGGER, NOON, 2.5)),
    ]


@pytest.mark.parametrize("table", range(3))
def test_rows_of_every_table_are_kept_as_they_are(case: TableCase, table: int) -> None:
    """Every column."""
    rows = rows_of_every_table()[table]

    assert () == tuple(case.sink.write(rows))
    assert as_sent(rows) == case.stored(rows[0].TABLE)


def test_no_rows_are_no_work(case: TableCase) -> None:
    """Not even where the store is broken."""
    with case.broken():
        assert () == tuple(case.sink.write([]))


def test_order_is_kept(case: TableCase) -> None:
    """Of the rows of one write, as far as they go in one request."""
    rows = [observation(f"e{number:03}") for number in range(500)]

    case.sink.write(rows)

    assert [row.event_id for row in rows] == [row["EventId"] for row in case.stored("TokenUsage_CL")]


def test_a_write_keeps_all_rows_or_raises(case: TableCase) -> None:
    """And says nothing of rows it did not keep."""
    rows = [observation(f"e{number}") for number in range(10)]
    with case.broken(), pytest.raises(case.fault):
        case.sink.write(rows)

    assert [] == case.stored("TokenUsage_CL")
    case.sink.write(rows)
    assert as_sent(rows) == case.stored("TokenUsage_CL")


@pytest.mark.parametrize("misfit", [{"meter_revision": 2**40}, {"prompt_tokens": 2**64}])
def test_what_no_column_holds_is_said_to_be_refused_or_fails_the_write(case: TableCase, misfit: dict[str, Any]) -> None:
    """It is never bent into shape, and never passed over."""
    rows = [observation("a"), replace(observation("bad"), **misfit), observation("b")]
    try:
        refused = list(case.sink.write(rows))
    except case.fault:
        assert [] == case.stored("TokenUsage_CL")
    else:
        assert [rows[1]] == refused
        assert as_sent([rows[0], rows[2]]) == case.stored("TokenUsage_CL")


def test_a_write_that_is_repeated_changes_no_answer(case: TableCase) -> None:
    """The rows are there twice, and the fold sees them once."""
    rows = [observation(f"e{number}", f"c{number}", prompt_tokens=3, prompt_source="reported") for number in range(20)]
    question = "TokenUsage() | summarize Calls = count(), Tokens = sum(PromptTokens)"
    case.sink.write(rows)
    once = case.query(question)
    case.sink.write(rows)

    assert ((20, 60),) == once == case.query(question)
    assert 40 == len(case.stored("TokenUsage_CL"))


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_texts_are_kept_to_the_letter(case: TableCase, text: str) -> None:
    """Whatever some language would make of them."""
    row = observation(app_id=text, deployment=text, custom={text: text}, notes=(text,))

    case.sink.write([row])

    assert as_sent([row]) == case.stored("TokenUsage_CL")


def test_many_threads_may_write_at_once(case: TableCase) -> None:
    """Partitions come in turn to one worker's threads; every row of each is kept once."""
    batches = [[observation(f"e{thread}-{number}") for number in range(50)] for thread in range(8)]

    with ThreadPoolExecutor(8) as pool:
        assert [()] * 8 == [tuple(refused) for refused in pool.map(case.sink.write, batches)]

    assert sorted(row.event_id for rows in batches for row in rows) == sorted(
        row["EventId"] for row in case.stored("TokenUsage_CL")
    )


@pytest.fixture(params=LETTER_STORES)
def letter_case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LetterCase]:
    """Return each store of dead letters in turn."""
    make: Callable[[Path], AbstractContextManager[LetterCase]] = request.param
    with make(tmp_path) as made:
        yield made


def rejected(number: int, body: bytes = b"poison", **options: Any) -> Rejected:
    """Return a rejected record of an event with this number."""
    origin = Origin(hub="contoso-ai/ai-usage", partition="3", sequence_number=number, enqueued_time=NOON)
    values: dict[str, Any] = {"reason": Reason.NOT_JSON, "stage": "decode", "origin": origin, "body": body, **options}
    return Rejected(**values)


def identities(letters: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return the identities of all records in letters."""
    return sorted(record["id"] for records in letters.values() for record in records)


def test_a_letter_holds_the_records_of_its_batch_in_order(letter_case: LetterCase) -> None:
    """Under the name that is returned."""
    items = [rejected(number) for number in (41, 43, 44)]

    name = letter_case.letters.store(items)

    assert {name: [41, 43, 44]} == {
        key: [record["sequenceNumber"] for record in records] for key, records in letter_case.kept().items()
    }


def test_no_records_are_no_letter(letter_case: LetterCase) -> None:
    """And no work where the store is broken."""
    with letter_case.broken():
        assert "" == letter_case.letters.store([])
    assert {} == letter_case.kept()


def test_a_letter_that_is_stored_again_replaces_itself(letter_case: LetterCase) -> None:
    """A retried batch adds nothing."""
    items = [rejected(41), rejected(42)]
    name = letter_case.letters.store(items)
    once = letter_case.kept()

    assert (name, once) == (letter_case.letters.store(items), letter_case.kept())


def test_other_records_of_the_same_events_are_another_letter(letter_case: LetterCase) -> None:
    """A batch may have two: what could not be metered, and what the table then refused. Neither replaces the other."""
    undecoded = [rejected(41, b"poison"), rejected(42, b"poison")]
    refused = [
        rejected(41, b'{"a":1}', reason=Reason.ROW_REFUSED, stage="sink", index=1),
        rejected(42, b'{"b":1}', reason=Reason.ROW_REFUSED, stage="sink", index=1),
    ]

    names = {letter_case.letters.store(undecoded), letter_case.letters.store(refused)}

    assert names == set(letter_case.kept())
    assert sorted(map(rejected_event_id, [*undecoded, *refused])) == identities(letter_case.kept())


def test_a_letter_is_whole_or_the_store_raises(letter_case: LetterCase) -> None:
    """What was kept before stays."""
    letter_case.letters.store([rejected(41)])
    before = letter_case.kept()
    with letter_case.broken(), pytest.raises(letter_case.fault):
        letter_case.letters.store([rejected(42)])

    assert before == letter_case.kept()


@pytest.mark.parametrize(
    "text", ["..", "../../etc/passwd", "a/b\\c", "\x00", "ä" * 300, "\N{GRINNING FACE}", "", "?&#%"]
)
def test_a_name_from_the_wire_leads_nowhere_else(letter_case: LetterCase, text: str) -> None:
    """Whatever a hub, a partition or a file is called."""
    items = [
        rejected(41, origin=Origin(hub=text, partition=text, sequence_number=41)),
        rejected(42, origin=Origin(file=text, line=1)),
    ]

    names = {letter_case.letters.store([item]) for item in items}

    assert names == set(letter_case.kept())
    assert sorted(map(rejected_event_id, items)) == identities(letter_case.kept())


def test_many_threads_may_store_at_once(letter_case: LetterCase) -> None:
    """The same letter, and others."""
    items = [[rejected(number % 4)] for number in range(32)]

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(letter_case.letters.store, items))

    assert (set(names), 4) == (set(letter_case.kept()), len(letter_case.kept()))
