"""Bodies in pieces: joined in one batch, else counted apart."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden_samples import BY_NAME
from tests.records import USAGE, chat_answer, chunk, sse
from token_meter import Event, Outcome, meter
from token_meter.codes import Note, Reason, Source
from token_meter.row import UsageRow

CALL = BY_NAME["S15-call"]
PROMPT = "The gateway keeps every body in pieces of eighty thousand characters, each in an event of its own. " * 40
REQUEST = json.dumps({"messages": [{"role": "user", "content": PROMPT}]})


def pieces(kind: str, body: str, size: int, call: str = "call-1") -> list[Event]:
    """Return a body in pieces of a size, as the policy writes them."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    origin = CALL.events[0].origin
    return [
        Event(
            json.dumps(
                {
                    "kind": kind,
                    "correlationId": call,
                    "chunkIndex": place,
                    "chunkTotal": len(parts),
                    "payload": part,
                }
            ).encode(),
            replace(origin, sequence_number=place),
        )
        for place, part in enumerate(parts)
    ]


def apart(events: list[Event]) -> list[UsageRow]:
    """Return the rows of events that each came in a batch of its own."""
    return [row for event in events for row in meter([event]).rows]


def test_pieces_in_one_batch_are_joined_whatever_their_order() -> None:
    """One row for the body, in the place of its first piece; the other records are accounted for."""
    events = pieces("request-body", REQUEST, 1_000)
    whole = meter(pieces("request-body", REQUEST, 100_000)).rows[0]

    outcome = meter(events[::-1])

    assert outcome.balanced
    assert [whole.prompt_tokens] == [row.prompt_tokens for row in outcome.rows]
    assert [Reason.JOINED] * (len(events) - 1) == [item.reason for item in outcome.ignored]


def test_a_piece_that_is_missing_leaves_the_others_apart() -> None:
    """Each is an estimate with its own identity."""
    events = pieces("request-body", REQUEST, 1_000)

    rows = meter(events[:-1]).rows

    assert len(events) - 1 == len({row.event_id for row in rows})
    assert {Source.ESTIMATED} == {row.prompt_source for row in rows}
    assert all(Note.PIECE in (row.notes or ()) for row in rows)


@pytest.mark.parametrize("size", [100, 777, 2_500])
def test_pieces_counted_apart_add_up_to_about_the_whole(size: int) -> None:
    """A token or two at each seam, and the frame of the chat, are what an estimate may be off."""
    (whole,) = meter(pieces("request-body", REQUEST, 100_000)).rows
    rows = apart(pieces("request-body", REQUEST, size))

    total = sum(row.prompt_tokens or 0 for row in rows)
    assert abs(total - (whole.prompt_tokens or 0)) <= 3 * len(rows) + 7


def test_pieces_of_a_stream_are_counted_event_by_event() -> None:
    """The events that a seam cuts in two are missing."""
    words = [f"word{number} " for number in range(200)]
    stream = sse(*(chunk(word) for word in words), chunk(finish="stop"))
    (whole,) = meter(pieces("response-body", stream, 1_000_000)).rows

    rows = apart(pieces("response-body", stream, 5_000))

    assert len(rows) > 3
    total = sum(row.completion_tokens or 0 for row in rows)
    assert 0.9 * (whole.completion_tokens or 0) <= total <= (whole.completion_tokens or 0)


def test_usage_that_stands_whole_in_a_piece_is_the_services_own() -> None:
    """It is at an answer's end, so in its last piece, and no estimate."""
    rows = apart(pieces("response-body", json.dumps(chat_answer(PROMPT, usage=USAGE)), 2_000))

    assert [(10, 3, Source.REPORTED)] == [
        (row.prompt_tokens, row.completion_tokens, row.prompt_source) for row in rows if row.prompt_tokens
    ]
    assert Note.PIECE not in (rows[-1].notes or ())


def test_the_piece_with_a_messages_beginning_reports_its_prompt_alone() -> None:
    """The one output token there is no completion; the last piece has that."""
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    texts = [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word "}}] * 30
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 31}}
    stream = sse(start, block, *texts, end, {"type": "message_stop"}, done=False)

    rows = apart(pieces("response-body", stream, 1_500))

    assert (9, Source.REPORTED) == (rows[0].prompt_tokens, rows[0].prompt_source)
    assert Source.REPORTED != rows[0].completion_source
    assert (31, Source.REPORTED) == (rows[-1].completion_tokens, rows[-1].completion_source)


def test_a_model_that_speaks_of_usage_reports_none() -> None:
    """Inside a text its quotes are escaped."""
    said = 'Here: {"usage": {"prompt_tokens": 1, "completion_tokens": 999999}} and more. ' * 20
    rows = apart(pieces("response-body", json.dumps(chat_answer(said)), 500))

    assert {Source.UNKNOWN} == {row.prompt_source for row in rows}
    assert {Source.ESTIMATED} == {row.completion_source for row in rows}


def test_the_pieces_of_different_calls_are_never_joined() -> None:
    """Their correlation ids tell them apart."""
    mixed = pieces("request-body", REQUEST, 3_000, "one")[:1] + pieces("request-body", REQUEST, 3_000, "two")[1:]

    assert not [item for item in meter(mixed).ignored if item.reason is Reason.JOINED]


@given(st.lists(st.sampled_from(CALL.events), max_size=8))
def test_any_of_the_events_any_number_of_times_are_accounted_for(events: list[Event]) -> None:
    """A redelivery in the same batch joins once."""
    outcome: Outcome = meter(events)

    assert outcome.balanced
    assert len(events) == outcome.received
    assert Reason.METER_FAULT not in {item.reason for item in outcome.rejected}


numbers: Any = st.one_of(st.none(), st.integers(-2, 3), st.text(max_size=2), st.booleans())


@given(numbers, numbers)
def test_any_numbers_of_pieces_are_accounted_for(place: Any, total: Any) -> None:
    """Numbers that make no sense make the payload a body by itself."""
    record = {
        "kind": "request-body",
        "correlationId": "c",
        "chunkIndex": place,
        "chunkTotal": total,
        "payload": REQUEST,
    }

    outcome = meter([Event(json.dumps(record).encode(), CALL.events[0].origin)] * 2)

    assert outcome.balanced
    assert 2 == outcome.received
