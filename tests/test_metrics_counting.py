"""Which records are counted: a call once, by the observation that bears its answer, and not when it comes again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.records import USAGE, event, metered, record
from tests.usage_rows import observation
from token_meter.codes import Via
from token_meter.events import Event, Origin
from token_meter.meter import Outcome, meter
from token_meter.metrics.counted import LATEST, REQUEST_TOLD_BY, TOKENS_TOLD_BY
from token_meter.metrics.counters import BatchCounters
from token_meter.metrics.names import Instrument
from token_meter.metrics.options import MetricsOptions
from token_meter.row import UsageRow
from token_meter.shapes import SHAPES

NOW = datetime(2026, 10, 5, 10, 0, 30, tzinfo=UTC)
ARRIVED = NOW - timedelta(seconds=2)


@dataclass
class Added:
    """A channel that adds up in memory: what is sent over sockets is tested in test_metrics."""

    values: dict[str, float] = field(default_factory=dict)

    def add(self, instrument: Instrument, amount: float, _: Mapping[str, str]) -> None:
        """Add an amount, whatever its dimensions."""
        self.values[instrument.name] = self.values.get(instrument.name, 0) + amount

    def send(self) -> str:
        """Leave it at that."""
        return ""


def counted(*outcomes: Outcome, via: Via = Via.TRIGGER) -> dict[str, float]:
    """Return what is counted of some batches in turn."""
    added = Added()
    counters = BatchCounters(MetricsOptions(), lambda: added, lambda: NOW)
    for outcome in outcomes:
        counters.record(outcome, via, None)
    return added.values


def at(number: int, time: datetime = ARRIVED, partition: str = "3") -> Origin:
    """Return a place on a hub."""
    return Origin(hub="contoso/usage", partition=partition, sequence_number=number, enqueued_time=time)


def of_rows(*rows: UsageRow) -> Outcome:
    """Return an outcome of rows."""
    return Outcome(rows, (), (), len(rows))


ONE_CALL = {"Requests": 1, "Prompt Tokens": 10, "Completion Tokens": 3, "Total Tokens": 13}


def test_an_exchange_counts() -> None:
    """The call and its tokens."""
    assert ONE_CALL == counted(metered(record()))


def test_of_two_halves_the_answer_counts() -> None:
    """In one batch or in two; the request's prompt is a guess beside the answer's usage."""
    request = record(kind="request", status=None, responseBody=None)
    response = record(kind="response", requestBody=None)

    assert ONE_CALL == counted(metered(request, response))
    assert ONE_CALL == counted(metered(response), metered(request))


def test_a_request_without_an_answer_counts_nothing() -> None:
    """Its answer will."""
    assert {} == counted(metered(record(kind="request", status=None, responseBody=None)))


def test_an_answer_without_usage_counts_what_is_known_of_it() -> None:
    """A call that failed is a request; one whose completion nobody knows is no zero."""
    failed = record(status=500, responseBody='{"error": {"code": "500"}}')
    unknown = record(responseBody=None)

    assert {"Requests": 1} == counted(metered(failed))
    assert {"Requests", "Prompt Tokens"} == set(counted(metered(unknown)))


def test_a_throttled_call_counts_as_one() -> None:
    """And as a request."""
    outcome = metered(record(status=429, responseBody='{"error": {"code": "429"}}'))

    assert {"Requests": 1, "Throttled Requests": 1} == counted(outcome)


def test_a_total_without_its_parts_is_counted_alone() -> None:
    """As S6 tells it."""
    fields = {"Type": "Message", "EventTime": "10/5/2026 10:00:00 AM", "ServiceName": "apim", "GatewayId": "managed"}
    outcome = metered({**fields, "RequestId": "r", "SubscriptionId": "s", "TotalTokens": "13"})

    assert {"Requests": 1, "Total Tokens": 13} == counted(outcome)


S1: Mapping[str, dict[str, Any]] = {
    "chargeback": {"operation": "chat.completion", "model": "gpt-4o", "modeltime": "1", **USAGE},
    "request": {"backend": "b", "operationname": "ChatCompletions_Create", "messages": '[{"role": "user"}]'},
    "response": {"choices": '[{"message": {"content": "Hello!"}}]', "operation": "chat.completion", "model": "gpt-4o"},
}


def test_of_three_records_of_a_call_one_counts_as_call_and_one_for_its_tokens() -> None:
    """S1 writes a request, an answer and a chargeback record, on two partitions: each in another batch."""
    common = {"event-time": "10/5/2026 10:00:00 AM", "message-id": "m-1", "appid": "app-1"}
    batches = [metered({**common, **fields}, origin=at(1, partition=name)) for name, fields in S1.items()]

    assert [f"S1-{name}" for name in S1] == [row.record_shape for batch in batches for row in batch.rows]
    assert ONE_CALL == counted(*batches) == counted(*reversed(batches))


@pytest.mark.parametrize("told_by", [TOKENS_TOLD_BY, REQUEST_TOLD_BY])
def test_whatever_is_told_by_another_shape_is_told_by_one_that_counts(told_by: Mapping[str, str]) -> None:
    """The names are those of shapes, and no shape waits for one that waits itself."""
    assert {*told_by, *told_by.values()} <= {shape.name for shape in SHAPES}
    assert not set(told_by) & set(told_by.values())


def test_an_event_that_is_twice_in_a_batch_counts_once() -> None:
    """By its identity."""
    assert ONE_CALL == counted(metered(record(), record()))


def test_what_is_delivered_to_a_process_again_is_not_counted_again() -> None:
    """However the partition is cut into batches the second time; what is new in such a batch counts."""
    calls = [event(record(requestId=str(number)), origin=at(number)) for number in range(6)]
    batches = [meter(calls[start:end]) for start, end in ((0, 3), (3, 4), (1, 6), (0, 2))]

    assert 6 == counted(*batches)["Requests"]


def test_rejects_that_are_delivered_again_are_not_counted_again() -> None:
    """As calls."""
    batch = meter([Event(b"poison", at(1)), Event(b"poison", at(2))])

    assert {"Rejected Events": 2} == counted(batch, batch)


def test_partitions_and_a_hub_that_was_made_anew_do_not_hide_each_other() -> None:
    """Numbers are a partition's own; on a new hub they begin anew, at later times."""
    places = [at(7), at(3, partition="4"), at(1, ARRIVED + timedelta(seconds=1)), Origin(), Origin()]
    batches = [metered(record(requestId=str(turn)), origin=place) for turn, place in enumerate(places)]

    assert 5 == counted(*batches)["Requests"]


@pytest.mark.parametrize(("age", "requests"), [(LATEST, 1), (LATEST + timedelta(seconds=1), 0)])
def test_what_reached_the_hub_long_ago_is_not_counted_as_of_now(age: timedelta, requests: int) -> None:
    """A hub that is read from its beginning again would look like a flood."""
    outcome = metered(record(), origin=at(1, NOW - age))

    assert requests == counted(outcome).get("Requests", 0)


def test_a_replay_counts_nothing() -> None:
    """Not even its rejects."""
    assert {} == counted(metered(record(), "no record"), via=Via.REPLAY)


@pytest.mark.parametrize("via", [Via.TRIGGER, Via.CONSUME])
def test_whatever_reads_a_hub_counts(via: Via) -> None:
    """The Function and `consume`."""
    assert ONE_CALL == counted(metered(record()), via=via)


def test_a_lag_is_counted_beside_what_came_with_it() -> None:
    """Also of a batch in which nothing was usage."""
    added = Added()
    counters = BatchCounters(MetricsOptions(), lambda: added, lambda: NOW)
    counters.record(metered(record(method="GET"), origin=at(1)), Via.TRIGGER, 2.5)

    assert {"Metering Lag": 2.5} == added.values


def test_tokens_that_are_not_charged_are_not_there_to_be_counted() -> None:
    """A row says null for them."""
    row = observation(record_shape="canonical", status_code=400, charged="no")

    assert {"Requests": 1} == counted(of_rows(row))


def test_an_embedding_counts_its_prompt() -> None:
    """It has no completion."""
    answer = {"object": "list", "data": [], "model": "embed", "usage": {"prompt_tokens": 5, "total_tokens": 5}}
    outcome = metered(
        record(url="/openai/deployments/embed/embeddings", requestBody={"input": "a"}, responseBody=answer)
    )

    assert {"Requests": 1, "Prompt Tokens": 5, "Total Tokens": 5} == {
        name: value for name, value in counted(outcome).items() if value
    }
