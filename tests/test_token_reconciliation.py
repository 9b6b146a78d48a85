"""What the meter has of a day, against plain Python, and what `TokenReconciliation()` answers of comparisons."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records import event, record
from tests.usage_rows import NOON, observation
from token_meter.batch_row import BatchRow, batch_rows
from token_meter.codes import Measure, Reason, Reconciled, Via
from token_meter.events import Event, Origin
from token_meter.kql import run_query
from token_meter.meter import meter
from token_meter.query_result import Result
from token_meter.reconciliation.metered import missing, served
from token_meter.reconciliation_row import ReconciliationRow, reconciliation_event_id
from token_meter.record import Rejected
from token_meter.rejected_row import rejected_row
from token_meter.row import UsageRow
from token_meter.sinks.duckdb_store import DuckDbStore

MONDAY, TUESDAY = date(2026, 10, 5), date(2026, 10, 6)
BEGIN = datetime(2026, 10, 5, tzinfo=UTC)
DRIFT: dict[str, Any] = {"status": Reconciled.DRIFT}
REPOSITORY = Path(__file__).parent.parent


@pytest.fixture
def store() -> Iterator[DuckDbStore]:
    """Return an empty store."""
    with DuckDbStore(":memory:") as opened:
        yield opened


# what the meter has


@dataclass(frozen=True)
class Call:
    """A call as a property test draws it."""

    hours: int
    backend: str
    deployment: str
    prompt: int | None
    completion: int | None
    source: str
    charged: str
    attempts: int
    lasts: timedelta

    @property
    def time(self) -> datetime:
        """When it was made."""
        return BEGIN + timedelta(hours=self.hours)

    def row(self, number: int) -> UsageRow:
        """Return its observation."""
        return observation(
            f"e{number}",
            f"c{number}",
            call_time=self.time,
            backend=self.backend,
            deployment=self.deployment,
            charged=self.charged,
            attempt=self.attempts,
            duration_ms=self.lasts / timedelta(milliseconds=1),
            prompt_tokens=self.prompt,
            completion_tokens=self.completion,
            prompt_source="unknown" if self.prompt is None else self.source,
            completion_source="unknown" if self.completion is None else self.source,
        )

    def counts(self) -> Counter[str]:
        """Return what it adds to its day, backend and deployment."""
        known = {"Prompt": self.prompt, "Completion": self.completion, "Total": None}
        if self.prompt is not None and self.completion is not None:
            known["Total"] = self.prompt + self.completion
        if self.charged == "no":
            known = dict.fromkeys(known)
        counts = Counter(
            Calls=1,
            Attempts=self.attempts,
            UnchargedCalls=self.charged == "no",
            RepeatedCalls=self.attempts > 1,
            OvernightCalls=(self.time + self.lasts).date() > self.time.date(),
        )
        for name, tokens in known.items():
            counts[f"{name}Tokens"] = tokens or 0
            counts[f"NotReported{name}"] = 0 if self.source == "reported" else tokens or 0
            counts[f"Unknown{name}s"] = tokens is None and self.charged != "no"
        return counts


CALLS = st.builds(
    Call,
    st.integers(0, 47),
    st.sampled_from(["", "aoai", "AOAI", "pool"]),
    st.sampled_from(["chat", "Chat", "embed"]),
    st.none() | st.integers(0, 99),
    st.none() | st.integers(0, 99),
    st.sampled_from(["reported", "counted", "estimated"]),
    st.sampled_from(["yes", "no", "unknown"]),
    st.integers(1, 3),
    st.sampled_from([timedelta(seconds=1), timedelta(hours=9)]),
)


@settings(max_examples=5, deadline=None)
@given(st.lists(CALLS, max_size=40))
def test_served_adds_up_as_plain_python_does(calls: Sequence[Call]) -> None:
    """By day, backend and deployment, whatever their capitals."""
    expected: dict[tuple[date, str, str], Counter[str]] = {}
    for call in calls:
        key = call.time.date(), call.backend.lower(), call.deployment.lower()
        expected.setdefault(key, Counter()).update(call.counts())
    with DuckDbStore(":memory:") as store:
        store.write([call.row(number) for number, call in enumerate(calls)])
        found = served(partial(run_query, store), MONDAY, date(2026, 10, 7))

    assert {key: +counts for key, counts in expected.items()} == {
        (item.day, item.backend, item.deployment): +item.counts for item in found
    }


def batch(first: int, last: int, at: datetime = NOON) -> BatchRow:
    """Return the ledger's row of a batch of these events, all of one moment."""
    places = [
        Origin(hub="hub", partition="0", sequence_number=number, enqueued_time=at) for number in range(first, last + 1)
    ]
    events = [Event(event(record(requestId=str(place.sequence_number))).body, place) for place in places]
    (row,) = batch_rows(events, meter(events), Via.TRIGGER, at + timedelta(minutes=5), 12.5)
    return row


def test_what_the_meter_misses_is_told_by_day(store: DuckDbStore) -> None:
    """Holes in the ledger, rows that were accepted and never stored, records that no replay has read."""
    store.write([batch(1, 10), batch(14, 20)])
    place = Origin(hub="hub", partition="0", sequence_number=41, enqueued_time=NOON)
    item = Rejected(reason=Reason.NOT_JSON, stage="decode", origin=place, body=b"poison", index=0)
    store.write([rejected_row(item, "letter", NOON)])

    found = missing(partial(run_query, store), MONDAY, TUESDAY)

    assert ({MONDAY: 3}, {MONDAY: 17}, {MONDAY: 1}) == (found.events, found.rows, found.records)


def test_a_hole_between_two_days_may_be_of_either(store: DuckDbStore) -> None:
    """Nobody knows when the missing events were sent."""
    store.write([batch(1, 2), batch(14, 14, NOON + timedelta(days=1))])

    found = missing(partial(run_query, store), MONDAY, TUESDAY)

    assert {MONDAY: 11, TUESDAY: 11} == found.events


# what TokenReconciliation() answers


def compared(
    deployment: str = "chat", *, run: int = 0, account: str = "a", day: date = MONDAY, **fields: Any
) -> ReconciliationRow:
    """Return a row of a run, so many hours after noon."""
    time = NOON + timedelta(days=1, hours=run)
    values: dict[str, Any] = {
        "service_value": 10,
        "metered_value": 10,
        "difference": 0,
        "status": Reconciled.MATCHED,
        **fields,
    }
    return ReconciliationRow(
        time_generated=time,
        event_id=reconciliation_event_id(day, account, deployment, Measure.TOTAL_TOKENS),
        reconciled_time=time,
        day=datetime(day.year, day.month, day.day, tzinfo=UTC),
        account_id=account,
        account=account,
        deployment=deployment,
        measure=Measure.TOTAL_TOKENS,
        **values,
    )


def answer(store: DuckDbStore, arguments: str = "") -> list[tuple[object, ...]]:
    """Return deployments and differences that TokenReconciliation() answers."""
    rows = run_query(store, f"TokenReconciliation({arguments}) | project Account, Deployment, Difference").rows
    return sorted(rows, key=str)


def test_the_last_run_of_a_day_stands(store: DuckDbStore) -> None:
    """In whatever order and however often its rows were stored."""
    last = compared(run=2, difference=1)
    store.write([last, compared(difference=5), last])

    assert [("a", "chat", 1)] == answer(store)


def test_what_the_last_run_no_longer_has_is_gone(store: DuckDbStore) -> None:
    """Calls that were nobody's may have found their account since."""
    store.write([compared("chat"), compared("embed", difference=7), compared("chat", run=1)])

    assert [("a", "chat", 0)] == answer(store)


def test_runs_of_other_accounts_and_days_stand_beside_it(store: DuckDbStore) -> None:
    """Each account and day has its own last run."""
    store.write([compared(), compared(account="b", run=3), compared(day=TUESDAY, run=4, difference=2)])

    assert [("a", "chat", 0), ("a", "chat", 2), ("b", "chat", 0)] == answer(store)


def test_adjacent_periods_divide_the_days(store: DuckDbStore) -> None:
    """The start belongs to the period, the end does not."""
    store.write([compared(), compared(day=TUESDAY, run=20, difference=2)])

    assert [("a", "chat", 0)] == answer(store, "datetime(2026-10-05), datetime(2026-10-06)")
    assert [("a", "chat", 2)] == answer(store, "datetime(2026-10-06), datetime(2026-10-07)")


def test_the_shipped_query_tells_what_differs_the_largest_first(store: DuckDbStore) -> None:
    """What matches is not listed."""
    store.write([compared("a"), compared("b", difference=-3, **DRIFT), compared("c", difference=2, **DRIFT)])

    result = run_query(store, (REPOSITORY / "kql/queries/reconciliation.kql").read_text(encoding="utf-8"))

    assert ["b", "c"] == [row["Deployment"] for row in result.records()]


def alert(store: DuckDbStore, percent: int) -> Result:
    """Return what the deployed alert's query answers with a threshold, as of the day after the comparison."""
    text = (REPOSITORY / "infra/modules/alerts.bicep").read_text(encoding="utf-8")
    found = re.search(r"name: 'drift'.*?query: '([^\n]*)'\n", text, re.DOTALL)
    assert found is not None
    query = found[1].replace("${driftPercent}", str(percent))
    return run_query(store, query.replace("ago(4d), now()", "datetime(2026-10-03), datetime(2026-10-07)"))


@pytest.mark.parametrize(("percent", "alerts"), [(19, 1), (20, 0)])
def test_the_alert_fires_above_its_threshold_alone(store: DuckDbStore, percent: int, alerts: int) -> None:
    """Differences of deployments do not cancel each other out."""
    store.write(
        [compared("a", difference=2, metered_value=8, **DRIFT), compared("b", difference=-2, metered_value=12, **DRIFT)]
    )

    assert alerts == len(alert(store, percent).rows)


@pytest.mark.parametrize("fields", [{"status": Reconciled.TOO_EARLY}, {"account": ""}])
def test_what_is_not_sure_yet_alerts_nobody(store: DuckDbStore, fields: dict[str, Any]) -> None:
    """A day that may still change, calls that could be an account's that is not compared."""
    store.write([compared(**{"difference": 10, "metered_value": 0, "status": Reconciled.DRIFT, **fields})])

    assert [] == list(alert(store, 5).rows)
