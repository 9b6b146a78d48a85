"""JSON that was cut off: everything before the cut is used, and nothing is made up."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import CHAT_REQUEST, USAGE, chat_answer, record
from token_meter import Event, Origin, meter
from token_meter.codes import Note, Reason, Source
from token_meter.salvage import Cut, salvage
from token_meter.times import parse_culture_time

ARRIVED = Origin(enqueued_time=datetime(2026, 10, 5, 10, tzinfo=UTC))
LARGEST_MESSAGE = 200 * 1024
"""Bytes at which APIM cuts (log-to-eventhub policy)."""
PROMPT = "Every gateway writes its records in its own way. "


@pytest.mark.parametrize(
    ("text", "value", "cut"),
    [
        ('{"a": 1, "b": "xy', {"a": 1, "b": "xy"}, Cut(1, in_text=True)),
        ('{"a": 1, "b": "x\\', {"a": 1, "b": "x"}, Cut(1, in_text=True)),
        ('{"a": 1, "b": "x\\ud83d', {"a": 1, "b": "x\N{REPLACEMENT CHARACTER}"}, Cut(1, in_text=True)),
        ('{"a": 1, "b', {"a": 1}, Cut(1)),
        ('{"a": 1, "b":', {"a": 1}, Cut(1)),
        ('{"a": 1, "b": 12', {"a": 1}, Cut(1)),
        ('{"a": 1, "b": -1.5e', {"a": 1}, Cut(1)),
        ('{"a": 1, "b": tru', {"a": 1}, Cut(1)),
        ('{"a": 1, "b": 12 ', {"a": 1, "b": 12}, Cut(1)),
        ('{"a": {"b": [1, 2, {"c": "d', {"a": {"b": [1, 2, {"c": "d"}]}}, Cut(4, in_text=True)),
        ('[{"a": 1}, {"b": 2', [{"a": 1}, {}], Cut(2)),
    ],
)
def test_what_stands_before_the_cut_is_kept(text: str, value: Any, cut: Cut) -> None:
    """A text keeps its beginning; a number or a name that was cut means another thing and is left out."""
    assert (value, cut) == salvage(text)


@pytest.mark.parametrize(
    "text", ["", "hello", '{"a": 1}', '{"a": 1}x', '{"a": 1 x, "b": 2}', '{"a": nul, "b": 2}', "}{", '"text', "[1 2]"]
)
def test_what_is_damaged_elsewhere_is_not_salvaged(text: str) -> None:
    """It is not JSON, and what stands in it is not to be trusted."""
    assert salvage(text) is None


def test_a_long_text_full_of_quotes_is_salvaged_in_time_that_grows_with_it() -> None:
    """A stream in a JSON text is nothing but escaped quotes."""
    text = '{"a": 1, "b": "' + '\\"data\\": ' * 200_000

    salvaged = salvage(text)

    assert salvaged is not None
    assert Cut(1, in_text=True) == salvaged[1]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values), st.integers(0, 2_000), st.booleans())
def test_a_cut_anywhere_gives_nothing_that_was_not_there(value: dict[str, Any], length: int, ascii_only: bool) -> None:
    """What is kept is a part of what was whole, but for a text's own end."""
    text = json.dumps(value, ensure_ascii=ascii_only)[:length]
    salvaged = salvage(text)

    if salvaged is None:
        return
    kept = salvaged[0]
    assert isinstance(kept, dict)
    for name in list(kept)[:-1]:
        assert value[name] == kept[name]


def cut_record(body: str, length: int, **fields: Any) -> Any:
    """Return what becomes of a canonical record whose text ends after a number of characters of `body`."""
    text = json.dumps(record(**fields))
    return meter([Event(text[: text.index(body) + length].encode(), ARRIVED)])


def test_a_record_cut_in_its_answer_keeps_its_prompt_as_sure_as_it_was() -> None:
    """Only the number whose text was cut becomes an estimate."""
    answer = chat_answer("Word after word. " * 50)
    outcome = cut_record("Word after", 300, responseBody=answer)

    (row,) = outcome.rows
    assert (Source.COUNTED, Source.ESTIMATED) == (row.prompt_source, row.completion_source)
    assert 0 < (row.completion_tokens or 0) < 100
    assert Note.CUT in (row.notes or ())


def test_a_record_cut_after_its_usage_is_still_reported() -> None:
    """The numbers came whole."""
    text = json.dumps(record(responseBody=json.dumps({"usage": USAGE, **chat_answer("Word after word. " * 50)})))

    (row,) = meter([Event(text[: text.index("Word after") + 50].encode(), ARRIVED)]).rows

    assert (13, Source.REPORTED) == (row.total_tokens, row.total_source)
    assert Note.CUT in (row.notes or ())


def test_a_record_cut_in_its_request_estimates_the_prompt() -> None:
    """From its beginning."""
    request = {**CHAT_REQUEST, "messages": [{"role": "user", "content": PROMPT * 50}]}
    fields = {"requestBody": request}
    whole = meter([Event(json.dumps(record(**fields, responseBody=chat_answer())).encode())]).rows[0]

    (row,) = cut_record(PROMPT, 1_000, **fields).rows

    assert Source.ESTIMATED == row.prompt_source
    assert 0 < (row.prompt_tokens or 0) < (whole.prompt_tokens or 0)


def test_a_record_of_200_kilobytes_is_salvaged() -> None:
    """As APIM cuts it: in the middle of a text, or of a character."""
    text = json.dumps(record(requestBody={"messages": [{"role": "user", "content": "grüße " * 90_000}]}))
    whole = json.dumps(json.loads(text), ensure_ascii=False).encode()

    for length in range(LARGEST_MESSAGE, LARGEST_MESSAGE + 4):
        (row,) = meter([Event(whole[:length], ARRIVED)]).rows
        assert (Source.ESTIMATED, "gpt-4o-prod") == (row.prompt_source, row.deployment)


def test_of_a_cut_envelope_only_the_last_record_is_cut() -> None:
    """Those before it are as they were."""
    whole, last = record(requestId="a"), record(requestId="b", responseBody=chat_answer("x" * 500))
    text = json.dumps({"records": [whole, last]})

    first, second = meter([Event(text[:-300].encode(), ARRIVED)]).rows

    assert meter([Event(json.dumps(whole).encode(), ARRIVED)]).rows[0] == first
    assert ("b", True) == (second.call_id, Note.CUT in (second.notes or ()))


def test_an_indented_record_is_salvaged_as_one() -> None:
    """Policies write their JSON over many lines; a cut does not make records of the lines."""
    text = json.dumps(record(custom={"a": "b"}, zz={}), indent=2)

    outcome = meter([Event(text[:-20].encode(), ARRIVED)])

    assert (1, 1) == (outcome.received, len(outcome.rows))


def test_an_id_that_was_cut_names_no_call() -> None:
    """Its beginning might be another call's."""
    text = '{"version": 1, "kind": "request", "time": "2026-10-05T10:00:00Z", "requestId": "0b0e5f4e-0f86'

    (row,) = meter([Event(text.encode(), ARRIVED)]).rows

    assert row.call_id.startswith("content:")


def test_what_was_cut_before_anything_could_be_recognised_is_rejected() -> None:
    """With its bytes, for a person to look at."""
    (rejected,) = meter([Event(b'{"version": 1, "requestId": "a', ARRIVED)]).rejected

    assert (Reason.NOT_JSON, b'{"version": 1, "requestId": "a') == (rejected.reason, rejected.body)


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("5/24/2024 2:45:56 PM", ["2024-05-24T14:45:56"]),
        ("24/05/2024 14:45:56", ["2024-05-24T14:45:56"]),
        ("24.05.2024 14:45:56", ["2024-05-24T14:45:56"]),
        ("5/4/2024 2:45:56 PM", ["2024-05-04T14:45:56", "2024-04-05T14:45:56"]),
        ("5/24/2024 2:45:56\N{NARROW NO-BREAK SPACE}PM", ["2024-05-24T14:45:56"]),
        ("2024/05/24 14:45:56", ["2024-05-24T14:45:56"]),
        ("45/45/2024 1:00:00 PM", []),
        ("yesterday", []),
        ("1/1/0001 12:00:00 AM", []),
        ("", []),
    ],
)
def test_a_cultures_time_is_read_in_every_way_that_it_may_mean(text: str, moments: list[str]) -> None:
    """The likeliest first; .NET's own «no time» is none."""
    assert moments == [f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in parse_culture_time(text)]


TOKENS = {
    "event-time": "5/4/2024 2:45:56 PM",
    "message-id": "m-1",
    "operation": "chat.completion",
    "completion_tokens": "3",
    "prompt_tokens": "10",
    "total_tokens": "13",
}


@pytest.mark.parametrize(
    ("arrived", "time", "notes"),
    [
        ("2024-05-04T14:46:10", "2024-05-04T14:46:10", None),
        ("2024-04-05T14:46:10", "2024-04-05T14:46:10", None),
        ("2024-05-04T16:46:10", "2024-05-04T16:46:10", ("record_time=2024-05-04T14:45:56", "time_differs")),
        (None, "2024-05-04T14:45:56", ("zone_assumed",)),
    ],
)
def test_a_time_without_a_zone_gives_way_to_that_of_arrival(
    arrived: str | None, time: str, notes: tuple[str, ...] | None
) -> None:
    """And is noted where the two disagree; without an arrival it is taken for UTC."""
    origin = Origin(enqueued_time=datetime.fromisoformat(arrived).replace(tzinfo=UTC) if arrived else None)

    (row,) = meter([Event(json.dumps(TOKENS).encode(), origin)]).rows

    assert (time, notes) == (f"{row.call_time:%Y-%m-%dT%H:%M:%S}", row.notes)
