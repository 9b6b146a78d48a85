"""Records into rows: times, charges, halves, and the promises that hold over all of them."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import (
    CALL_TIME,
    CHAT_REQUEST,
    USAGE,
    chat_answer,
    chunk,
    event,
    metered,
    record,
    row_of,
    sse,
    without,
)
from token_meter import Event, Origin, meter
from token_meter.audit import is_sampled
from token_meter.codes import Charged, Note, Reason, Source
from token_meter.columns import as_columns
from token_meter.decode import decode
from token_meter.observe import observe
from token_meter.options import MeterOptions
from token_meter.record import Ignored, Record, Rejected
from token_meter.row import UsageRow
from token_meter.shapes import Decoded, Shape

ENQUEUED = datetime(2026, 10, 6, 1, tzinfo=UTC)
FILTERED = {"error": {"code": "content_filter", "param": "prompt", "status": 400, "message": "refused"}}
NUMBERS = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")


def numbers(row: Any) -> set[object]:
    """Return the row's numbers of tokens."""
    return {getattr(row, name) for name in NUMBERS}


def test_the_calls_time_is_the_records() -> None:
    """In UTC, whatever zone it was written in; and it is also the row's `TimeGenerated`."""
    row = row_of(time="2026-10-05T12:00:00+02:00")

    assert CALL_TIME == row.call_time == row.time_generated


def test_else_it_is_the_time_of_arrival_else_that_of_the_answer() -> None:
    """And a note says which."""
    timeless = without(record(responseBody=chat_answer(created=1_790_000_000, usage=USAGE)), "time")

    arrived = metered(timeless, origin=Origin(enqueued_time=ENQUEUED)).rows[0]
    unarrived = metered(timeless).rows[0]

    assert (ENQUEUED, (Note.TIME_FROM_ARRIVAL,)) == (arrived.call_time, arrived.notes)
    assert (datetime.fromtimestamp(1_790_000_000, UTC), (Note.TIME_FROM_BODY,)) == (
        unarrived.call_time,
        unarrived.notes,
    )


@pytest.mark.parametrize("time", ["yesterday", "", "0001-01-01T00:00:00Z", "9" * 100, 17, {}])
def test_a_record_whose_time_is_none_is_rejected(time: object) -> None:
    """A row without a time would be in no month."""
    outcome = metered(record(time=time, responseBody=chat_answer()))

    assert [Reason.NO_TIME] == [item.reason for item in outcome.rejected]


def test_a_record_that_declares_it_has_no_time_is_in_no_period() -> None:
    """docs/adr/0001: it is metered, noted, and stands before every month."""
    row = row_of(time=None, responseBody=chat_answer(usage=USAGE))

    assert (1970, (Note.TIME_UNKNOWN,)) == (row.call_time.year, row.notes)
    assert 13 == row.total_tokens


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_an_error_is_not_charged_and_has_no_numbers(status: int) -> None:
    """Null, not zero, and nobody's unknown."""
    row = row_of(status=status, responseBody={"error": {"code": str(status), "message": "no"}})

    assert (Charged.NO, {None}, status) == (row.charged, numbers(row), row.status_code)


def test_a_prompt_that_the_content_filter_refused_is_charged() -> None:
    """The service charges its evaluation; no completion was made."""
    row = row_of(status=400, responseBody=FILTERED, requestBody={**CHAT_REQUEST, "model": "gpt-4o"})

    assert (Charged.YES, "content_filter") == (row.charged, row.finish_reason)
    assert (0, Source.COUNTED) == (row.completion_tokens, row.completion_source)
    assert row.prompt_tokens is not None


def test_another_400_with_the_word_in_it_is_not() -> None:
    """Only the service's own code tells."""
    row = row_of(status=400, responseBody={"error": {"code": "invalid_value", "message": "content_filter"}})

    assert Charged.NO == row.charged


def test_an_answer_that_never_came_is_unknown_and_not_zero() -> None:
    """A stream that the gateway did not look into."""
    row = row_of(responseBody=None, requestBody={**CHAT_REQUEST, "stream": True})

    assert (Charged.YES, None, Source.UNKNOWN, True) == (
        row.charged,
        row.completion_tokens,
        row.completion_source,
        row.is_stream,
    )


def test_an_aborted_stream_is_counted_as_far_as_it_was_sent() -> None:
    """Estimated, and the note says why."""
    row = row_of(responseBody=sse(chunk("Hello"), chunk(" there"), done=False))

    assert (2, Source.ESTIMATED) == (row.completion_tokens, row.completion_source)
    assert Note.ABORTED in (row.notes or ())


def test_a_body_shorter_than_its_true_size_was_cut_and_not_aborted() -> None:
    """The caller may have got the whole answer."""
    row = row_of(responseBody=sse(chunk("Hello"), done=False), responseBytes=90_000)

    assert Source.ESTIMATED == row.completion_source
    assert Note.CUT in (row.notes or ())
    assert Note.ABORTED not in (row.notes or ())


def test_the_request_half_knows_the_prompt_and_the_response_half_the_completion() -> None:
    """Each says nothing of the other's number."""
    request, response = metered(
        without(record(kind="request", requestBody={**CHAT_REQUEST, "model": "gpt-4o"}), "status", "responseBody"),
        without(record(kind="response", responseBody=chat_answer()), "requestBody"),
    ).rows

    assert request.prompt_tokens is not None
    assert (None, Charged.UNKNOWN) == (request.completion_tokens, request.charged)
    assert response.completion_tokens is not None
    assert (None, Charged.YES) == (response.prompt_tokens, response.charged)


def test_reads_of_the_api_that_call_no_model_are_ignored() -> None:
    """A GET fetches what was metered before."""
    outcome = metered(record(method="GET", url="/openai/v1/responses/resp_1"))

    assert [Reason.NOT_A_MODEL_CALL] == [item.reason for item in outcome.ignored]


def test_the_customers_dimensions_travel_whole_or_not_at_all() -> None:
    """Too much of them is dropped and noted, never cut."""
    row = row_of(custom={"costCentre": "CC-1", "n": 5})
    flooded = row_of(custom={str(number): "x" * 500 for number in range(30)})

    assert {"costCentre": "CC-1"} == row.custom
    assert (None, (Note.CUSTOM_DROPPED,)) == (flooded.custom, flooded.notes)


def test_no_content_reaches_a_row() -> None:
    """Neither prompt, nor completion, nor key, nor header (promise 4)."""
    secrets = ["sesame-prompt", "sesame-answer", "sesame-key", "sesame-header", "sesame-tool"]
    outcome = metered(
        record(
            url="/openai/deployments/d/chat/completions?subscription-key=sesame-key",
            requestBody={
                "messages": [{"role": "user", "content": "sesame-prompt"}],
                "tools": [{"type": "sesame-tool"}],
            },
            responseBody=chat_answer("sesame-answer"),
            requestHeaders={"api-key": "sesame-header", "authorization": "Bearer sesame-header"},
        )
    )

    shown = json.dumps(as_columns(outcome.rows[0]), default=str)
    assert not [secret for secret in secrets if secret in shown]


def test_a_bad_record_harms_no_neighbour() -> None:
    """Good records around it are metered as if it were not there (promise 5)."""
    good = event(record())

    alone = meter([good]).rows
    among = meter([Event(b"\x00"), good, Event(b"{}"), good])

    assert alone * 2 == among.rows
    assert 2 == len(among.rejected)


records = st.builds(
    record,
    requestId=st.sampled_from(["a", "b", "c"]),
    kind=st.sampled_from(["exchange", "request", "response", "?"]),
    status=st.sampled_from([200, 400, 429, None]),
    time=st.sampled_from(["2026-10-05T10:00:00Z", "no time"]),
)


@given(st.lists(records, max_size=8), st.integers(1, 4), st.randoms())
def test_how_records_are_batched_changes_no_row(values: list[dict[str, Any]], size: int, random: Any) -> None:
    """One batch or many, in any order: the same rows and the same rejects."""
    events = [event(value) for value in values]
    whole = meter(events)
    shuffled = random.sample(events, len(events))
    parts = [meter(shuffled[start : start + size]) for start in range(0, len(events), size)]

    def seen(rows: Any) -> list[str]:
        return sorted(repr(row) for row in rows)

    assert seen(whole.rows) == seen(row for part in parts for row in part.rows)
    assert seen(whole.rejected) == seen(item for part in parts for item in part.rejected)


@given(records)
def test_metering_again_gives_the_same_row(value: dict[str, Any]) -> None:
    """There is no state and no clock."""
    assert metered(value) == metered(value)


def test_where_an_event_came_from_is_in_its_row() -> None:
    """So that a row leads back to its event."""
    origin = Origin(hub="contoso/usage", partition="1", sequence_number=7, enqueued_time=ENQUEUED)

    row = metered(record(), origin=origin).rows[0]

    assert ("contoso/usage", "1", 7, ENQUEUED) == (row.event_hub, row.partition, row.sequence_number, row.enqueued_time)
    assert (
        replace(row, event_hub="", partition="", sequence_number=None, enqueued_time=None) == metered(record()).rows[0]
    )


def test_a_sample_of_reported_calls_is_counted_as_well() -> None:
    """The difference goes into the row; the reported numbers stay. The same calls are in the sample every time."""
    value = record(requestBody={**CHAT_REQUEST, "model": "gpt-4o"}, responseBody=chat_answer("Hello!", usage=USAGE))
    audited = meter([event(value)], MeterOptions(audit_sample=1)).rows[0]
    unaudited = meter([event(value)], MeterOptions(audit_sample=0)).rows[0]

    assert (10, Source.REPORTED, 0) == (audited.prompt_tokens, audited.prompt_source, audited.audit_prompt_error)
    assert audited.audit_completion_error is not None
    assert (None, None) == (unaudited.audit_prompt_error, unaudited.audit_completion_error)
    assert 0 < sum(is_sampled(row_of(requestId=str(number)).event_id, 0.1) for number in range(200)) < 60


def test_an_event_that_the_decoder_fails_on_is_one_rejected_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its neighbours are metered. No event is known that makes the decoder fail, so a failing one stands in for it."""

    def failing(event: Event, shapes: tuple[Shape, ...]) -> Iterator[Decoded]:
        if event.body == b"bad":
            raise OverflowError("secret")
        yield from decode(event, shapes)

    monkeypatch.setattr(sys.modules["token_meter.meter"], "decode", failing)

    outcome = meter([event(record(requestId="a")), Event(b"bad"), event(record(requestId="b"))])

    assert ["a", "b"] == [row.call_id for row in outcome.rows]
    assert [(Reason.METER_FAULT, "decode", "OverflowError", b"bad")] == [
        (item.reason, item.stage, item.detail, item.body) for item in outcome.rejected
    ]
    assert outcome.balanced


def test_a_record_that_the_meter_fails_on_is_rejected_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No record is known that makes a later stage fail, so a failing one stands in for it."""

    def failing(item: Record, options: MeterOptions) -> UsageRow | Rejected | Ignored:
        if item.request_id == "bad":
            raise OverflowError("secret")
        return observe(item, options)

    monkeypatch.setattr(sys.modules["token_meter.meter"], "observe", failing)

    outcome = metered(*(record(requestId=name) for name in ("a", "bad", "b")))

    assert ["a", "b"] == [row.call_id for row in outcome.rows]
    assert [(Reason.METER_FAULT, "observe", "OverflowError", 1)] == [
        (item.reason, item.stage, item.detail, item.index) for item in outcome.rejected
    ]
