"""Dead letters read back: each record is what it was, and metered it is the call that it would have been at once."""

import base64
import importlib
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import CHAT_URL, bearer, chat_answer, record, without
from token_meter import Event, Origin, Outcome, meter
from token_meter.codes import Note, Reason, Source
from token_meter.options import MeterOptions
from token_meter.record import Rejected
from token_meter.rejected_row import rejected_event_id
from token_meter.secrets import KeyHasher
from token_meter.sinks.dead_letters import content_of
from token_meter.sources.dead_letters import Unreplayable, read_letter

NARROW = MeterOptions(shape="S4")
"""A meter that reads none of the records of these tests: what it rejects, a mended one is to meter."""
ORIGIN = Origin(hub="contoso/usage", partition="3", sequence_number=41, enqueued_time=datetime(2026, 10, 5, tzinfo=UTC))
KEY = "0123456789abcdef0123456789abcdef"


def kept(rejected: Sequence[Rejected]) -> list[Event]:
    """Return what lies in the dead letter of rejected records."""
    items = list(read_letter(io.BytesIO(content_of(rejected)), "letter"))
    assert all(isinstance(item, Event) for item in items)
    return [item for item in items if isinstance(item, Event)]


def by_way_of_letters(events: Sequence[Event], options: MeterOptions = NARROW) -> Outcome:
    """Return what a whole meter makes of what a lesser one rejected."""
    return meter(kept(meter(events, options).rejected))


def unnamed(**fields: Any) -> dict[str, Any]:
    """Return a record that nothing but its place identifies."""
    return record(requestId=None, responseBody=chat_answer(id=None, usage={"prompt_tokens": 7}), **fields)


WHOLE_LIST = json.dumps([unnamed(appId=name) for name in "abc"])
EVENTS = {
    "one": json.dumps(unnamed()),
    "named": json.dumps(record()),
    "list": WHOLE_LIST,
    "envelope": json.dumps({"records": [unnamed(appId="a"), unnamed(appId="b")]}),
    "lines": "\n".join(json.dumps(unnamed(appId=name)) for name in "abc"),
    "lines and garbage": "\n".join([json.dumps(unnamed()), "garbage", json.dumps(unnamed(appId="b"))]),
    "cut": json.dumps(unnamed())[:-9],
    "cut list": WHOLE_LIST[:-9],
    "lines, the last a cut list": json.dumps(unnamed()) + "\n" + WHOLE_LIST[:-9],
    "members that are none": json.dumps([17, unnamed(), None, "text", [unnamed()], {"records": [unnamed()]}]),
    "an envelope in a list": json.dumps([unnamed(), {"records": [unnamed(), unnamed(appId="b")]}, unnamed()]),
    "deep": "[" + json.dumps(unnamed()) + "," + "[" * 400 + "]" * 400 + "," + json.dumps(unnamed(appId="b")) + "]",
    "empty": "",
    "blank": " \n ",
    "garbage": "garbage\nand more",
}


@pytest.mark.parametrize("body", EVENTS.values(), ids=EVENTS.keys())
@pytest.mark.parametrize("origin", [ORIGIN, Origin(file="events.jsonl", line=3)], ids=["hub", "file"])
def test_a_record_out_of_a_letter_gives_the_row_that_it_would_have_given_at_once(body: str, origin: Origin) -> None:
    """The same identity, whatever stood beside it in its event; and never another record's."""
    at_once = meter([Event(body.encode(), origin)])

    again = by_way_of_letters([Event(body.encode(), origin)])

    assert at_once.rows == again.rows
    assert {*map(rejected_event_id, at_once.rejected)} == {*map(rejected_event_id, again.rejected)}


@pytest.mark.parametrize("body", EVENTS.values(), ids=EVENTS.keys())
def test_a_letter_read_by_the_same_meter_is_rejected_as_it_was(body: str) -> None:
    """The same records for the same reasons, so that a replay adds nothing."""
    rejected = meter([Event(body.encode(), ORIGIN)], NARROW).rejected

    again = meter(kept(rejected), NARROW)

    assert [(rejected_event_id(item), item.reason, item.index) for item in rejected] == [
        (rejected_event_id(item), item.reason, item.index) for item in again.rejected
    ]
    assert not again.rows
    assert content_of(rejected) == content_of(again.rejected)


MEMBERS = st.sampled_from(
    [json.dumps(unnamed()), json.dumps(record()), "17", "null", "[]", '{"records": [{}, {}]}', '"text"', "{}"]
)


@given(
    st.lists(st.lists(MEMBERS, max_size=4), max_size=4),
    st.sampled_from(["[%s]", '{"records": [%s]}', "%s"]),
    st.integers(0, 40),
)
def test_every_record_of_every_event_keeps_its_identity(events: list[list[str]], form: str, cut: int) -> None:
    """Lists, envelopes and lines of anything, also cut: the law of the examples above."""
    joined = [form % ("," if "[" in form else "\n").join(members) for members in events]
    batch = [
        Event(text[: max(len(text) - cut, 0)].encode(), replace(ORIGIN, sequence_number=number))
        for number, text in enumerate(joined)
    ]
    at_once = meter(batch)

    again = by_way_of_letters(batch)

    assert {row.event_id: row for row in at_once.rows} == {row.event_id: row for row in again.rows}
    assert {*map(rejected_event_id, at_once.rejected)} == {*map(rejected_event_id, again.rejected)}
    assert again.received == len(meter(batch, NARROW).rejected)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_come_back(body: bytes) -> None:
    """As long as they hold no secret, and are no record of that kind that hides one."""
    rejected = meter([Event(body, ORIGIN)]).rejected

    items = list(read_letter(io.BytesIO(content_of(rejected)), "letter"))

    assert len(rejected) == len(items)
    for item, found in zip(rejected, items, strict=True):
        if isinstance(found, Event) and found.origin.letter and not found.origin.letter.scrubbed:
            assert item.body == found.body


def secretive(**fields: Any) -> dict[str, Any]:
    """Return a record whose caller is known by a logged token."""
    return without(record(requestHeaders={"authorization": bearer(appid="app-7")}, **fields), "appId", "appIdVerified")


def test_a_record_whose_secrets_were_removed_is_the_same_call() -> None:
    """Its numbers are what they were; who called is no longer in it, and a note says so."""
    (at_once,) = meter([Event(json.dumps(secretive()).encode(), ORIGIN)]).rows
    (again,) = by_way_of_letters([Event(json.dumps(secretive()).encode(), ORIGIN)]).rows

    assert (at_once.event_id, at_once.call_id) == (again.event_id, again.call_id)
    assert (at_once.prompt_tokens, Source.REPORTED) == (again.prompt_tokens, again.prompt_source)
    assert ("app-7", "") == (at_once.app_id, again.app_id)
    assert Note.CALLER_REMOVED in (again.notes or ())


def test_what_stands_for_a_removed_key_is_never_hashed_as_a_caller() -> None:
    """All callers would be one."""
    fields = {"requestHeaders": {"api-key": KEY}}
    body = json.dumps(without(record(**fields), "appId", "appIdVerified")).encode()
    hashing = MeterOptions(hasher=KeyHasher(b"s" * 32))
    (at_once,) = meter([Event(body, ORIGIN)], hashing).rows

    (again,) = meter(kept(meter([Event(body, ORIGIN)], NARROW).rejected), hashing).rows

    assert at_once.app_id.startswith("k1:")
    assert "" == again.app_id


def test_a_prompt_that_lost_a_secret_is_counted_as_an_estimate() -> None:
    """Part of it is missing: what is left is no fact."""
    messages = {"messages": [{"role": "user", "content": f"my key is {KEY}, is it safe?"}]}
    body = json.dumps(record(requestBody=messages, responseBody=chat_answer("No."))).encode()
    (at_once,) = meter([Event(body, ORIGIN)]).rows

    (again,) = by_way_of_letters([Event(body, ORIGIN)]).rows

    assert (Source.COUNTED, Source.ESTIMATED) == (at_once.prompt_source, again.prompt_source)
    assert Note.CUT in (again.notes or ())


def test_a_call_that_only_its_bytes_identify_is_not_metered_out_of_other_bytes() -> None:
    """It would be a second call beside the one that the file gives when it is read again."""
    origin = Origin(file="events.jsonl", line=1)
    body = json.dumps(secretive(requestId=None, responseBody=chat_answer(id=None))).encode()
    (before,) = meter([Event(body, origin)], NARROW).rejected

    again = by_way_of_letters([Event(body, origin)])

    assert [Reason.IDENTITY_REMOVED] == [item.reason for item in again.rejected]
    assert [rejected_event_id(before)] == [rejected_event_id(item) for item in again.rejected]


def test_an_events_bytes_are_kept_once_however_many_of_its_records_need_them() -> None:
    """Records too deep to be written one by one would make a letter of gigabytes of one event."""
    deep = "[" * 300 + "]" * 300
    event = Event(f"[{','.join([deep] * 50)}]".encode(), ORIGIN)
    rejected = meter([event]).rejected

    assert ({Reason.TOO_DEEP}, 50) == ({item.reason for item in rejected}, len(rejected))
    assert len(content_of(rejected)) < 2 * len(event.body) + 50 * 1_000
    assert [event.body] * 50 == [item.body for item in kept(rejected)]


def test_an_event_that_the_meter_failed_on_is_read_as_an_event_once_that_is_mended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All of its records, each in its place. No event is known to be such, so the fault is made here."""
    event = Event(WHOLE_LIST.encode(), ORIGIN)
    at_once = meter([event])

    def faulty(*_: object) -> object:
        raise RecursionError

    with monkeypatch.context() as broken:
        broken.setattr(importlib.import_module("token_meter.meter"), "decode", faulty)
        rejected = meter([event]).rejected
        still = meter(kept(rejected)).rejected

    assert [Reason.METER_FAULT] == [item.reason for item in rejected]
    assert content_of(rejected) == content_of(still)
    assert at_once.rows == meter(kept(rejected)).rows


def test_a_record_in_doubt_is_said_to_be_so() -> None:
    """Its bytes were not kept, so there is nothing to meter."""
    hidden = json.dumps({"reqURL": CHAT_URL, "Application-Name": "x", "subscriptionld": KEY}).encode()
    good = Rejected(reason=Reason.NOT_JSON, stage="decode", origin=ORIGIN, body=b"poison")

    items = list(read_letter(io.BytesIO(content_of([replace(good, body=hidden), good])), "letter"))

    assert Unreplayable.IN_DOUBT is items[0]
    assert isinstance(items[1], Event)


GOOD = json.loads(content_of([Rejected(reason=Reason.NOT_JSON, stage="decode", origin=ORIGIN, body=b"poison")]))


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"{}",
        b"[]",
        json.dumps(record()).encode(),
        *(
            json.dumps({**GOOD, **change}).encode()
            for change in (
                {"id": "r1:short"},
                {"id": 7},
                {"reason": "no such reason"},
                {"index": -1},
                {"index": 2**31},
                {"index": None},
                {"sequenceNumber": 2**63},
                {"body": "no base64!"},
                {"body": 7},
            )
        ),
    ],
)
def test_a_line_that_is_no_record_of_a_letter_is_damaged(line: bytes) -> None:
    """And harms none beside it."""
    good = json.dumps(GOOD).encode()

    items = list(read_letter(io.BytesIO(b"\n".join([good, line, good])), "letter"))

    assert [True, False, True] == [isinstance(item, Event) for item in items]
    assert Unreplayable.DAMAGED is items[1]


def test_an_event_that_looks_like_a_letter_is_none() -> None:
    """Whoever sends it could otherwise say which call it was."""
    forged = json.dumps({**GOOD, "body": base64.b64encode(json.dumps(record()).encode()).decode()}).encode()

    outcome = meter([Event(forged, ORIGIN)])

    assert ((), ["unknown_shape"]) == (outcome.rows, [item.reason.value for item in outcome.rejected])


def test_very_many_short_values_are_the_same_one_reject_again() -> None:
    """A replay of what is no better than before adds nothing."""
    (first,) = meter([Event(b"[" + b"1," * 5_000 + b"1]", ORIGIN)]).rejected
    (again,) = meter(kept([first])).rejected

    assert rejected_event_id(first) == rejected_event_id(again)
    assert (first.reason, first.body) == (again.reason, again.body)
