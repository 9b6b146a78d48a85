"""Events into records, whatever their bytes are."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import record, without
from token_meter import Event, meter
from token_meter.codes import Reason
from token_meter.decode import decode
from token_meter.record import Record, Rejected


def records_in(body: bytes) -> list[Record]:
    """Return the records of an event that holds nothing else."""
    decoded = list(decode(Event(body)))
    assert all(isinstance(item, Record) for item in decoded)
    return [item for item in decoded if isinstance(item, Record)]


def only_reason(body: bytes) -> Reason:
    """Return why the one record of an event was rejected."""
    (decoded,) = decode(Event(body))
    assert isinstance(decoded, Rejected)
    return decoded.reason


TWO = [record(requestId="a"), record(requestId="b")]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(TWO),
        json.dumps({"records": TWO}),
        "\n".join(json.dumps(item) for item in TWO),
        "\r\n\r\n".join(json.dumps(item) for item in TWO),
        json.dumps(TWO, indent=2),
        "\ufeff" + json.dumps(TWO),
    ],
    ids=["array", "envelope", "lines", "blank lines", "indented", "byte order mark"],
)
def test_an_event_holds_several_records_in_any_of_the_known_ways(body: str) -> None:
    """An array, an envelope and separate lines give the same records in order."""
    assert ["a", "b"] == [item.request_id for item in records_in(body.encode())]


def test_an_envelope_may_stand_on_each_of_several_lines() -> None:
    """Lines and envelopes nest, as when a logger batches batches."""
    body = "\n".join(json.dumps({"records": [item]}) for item in TWO).encode()

    assert ["a", "b"] == [item.request_id for item in records_in(body)]
    assert [0, 1] == [item.index for item in records_in(body)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.EMPTY_EVENT),
        (b" \n ", Reason.EMPTY_EVENT),
        (b"hello", Reason.NOT_JSON),
        (b"\xff\xfe\x00", Reason.NOT_JSON),
        (b'{"version": 1, "kind": "exch', Reason.UNKNOWN_KIND),
        (b"17", Reason.NOT_A_RECORD),
        (b'"text"', Reason.NOT_A_RECORD),
        (b"[]", Reason.NOT_A_RECORD),
        (b'{"records": []}', Reason.NOT_A_RECORD),
        (b"[[]]", Reason.NOT_A_RECORD),
        (b"{}", Reason.UNKNOWN_SHAPE),
        (b'{"version": 2, "kind": "exchange"}', Reason.UNKNOWN_VERSION),
        (b'{"version": 1, "kind": "rumour"}', Reason.UNKNOWN_KIND),
        (b'{"version": 1, "kind": ["exchange"]}', Reason.UNKNOWN_KIND),
        (b'{"a":' * 600 + b"1" + b"}" * 600, Reason.TOO_DEEP),
    ],
)
def test_what_is_no_record_is_rejected_with_its_reason(body: bytes, reason: Reason) -> None:
    """Every way of not being a record has its own code."""
    assert reason == only_reason(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"1," * 100_000 + b"1]",
        b"[" + b"{}," * 70_000 + b"{}]",
        b'{"records": [' + b"null," * 40_000 + b"null]}",
        b"[1]\n" * 50_000,
    ],
    ids=["numbers", "empty objects", "an envelope of nulls", "lines"],
)
def test_very_many_values_too_short_for_records_are_one_rejected_record(body: bytes) -> None:
    """One event is not to become a hundred thousand dead letters; what it holds is kept whole, once."""
    (rejected,) = decode(Event(body))

    assert isinstance(rejected, Rejected)
    assert (Reason.NOT_A_RECORD, body.strip(), True) == (rejected.reason, rejected.body, rejected.whole)


def test_a_few_short_values_are_told_one_by_one() -> None:
    """A thousand are few."""
    assert 1_000 == len(list(decode(Event(json.dumps([1] * 1_000).encode()))))


def test_a_long_list_of_records_is_read_whole() -> None:
    """However many there are: a file may be one list."""
    assert 1_500 == len(records_in(json.dumps([record()] * 1_500).encode()))


def test_a_rejected_line_keeps_its_own_bytes_and_place() -> None:
    """A dead letter holds what stood there, not the neighbours."""
    body = json.dumps(record()).encode() + b"\nnot json\n"

    _, rejected = decode(Event(body))

    assert isinstance(rejected, Rejected)
    assert (b"not json", 1) == (rejected.body, rejected.index)


def test_numbers_may_come_as_text_and_half_a_surrogate_pair_is_mended() -> None:
    """Loggers write numbers as strings, and cuts leave broken characters."""
    body = json.dumps(record(status="429", attempt="2")).replace("Say hello.", "Say \\\\ud83d").encode()

    (read,) = records_in(body)

    assert (429, 2) == (read.status, read.attempt)


def test_headers_are_read_by_lower_case_name_and_repeated_ones_are_joined() -> None:
    """Header names have no case, and a gateway may list the values."""
    (read,) = records_in(json.dumps(record(responseHeaders={"X-MS-Region": ["East", "US"], "n": 5})).encode())

    assert {"x-ms-region": "East, US"} == read.response_headers


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(list(record())), inner),
    max_leaves=20,
)


@given(st.lists(st.binary() | json_values.map(lambda value: json.dumps(value).encode()), max_size=5))
def test_any_bytes_keep_the_counts_and_raise_nothing(bodies: list[bytes]) -> None:
    """Received is metered, rejected and ignored, whatever arrives."""
    outcome = meter([Event(body) for body in bodies])

    assert outcome.balanced
    assert outcome.received >= len(bodies)


@given(st.sampled_from(sorted(without(record(), "version", "kind"))), json_values)
def test_any_value_in_any_field_gives_a_row_or_a_reason(field: str, value: object) -> None:
    """A field of the wrong type is an unknown field, never a fault of the meter."""
    outcome = meter([Event(json.dumps(record(**{field: value})).encode())])

    assert 1 == outcome.received
    assert Reason.METER_FAULT not in [item.reason for item in outcome.rejected]


@given(st.integers(0, 10_000))
def test_a_record_cut_anywhere_is_accounted_for(length: int) -> None:
    """A cut record is a row or a reject."""
    outcome = meter([Event(json.dumps(record()).encode()[:length])])

    assert outcome.balanced
    assert 1 == outcome.received


def test_nulls_in_a_list_keep_no_copies_of_it() -> None:
    """A thousand bad members of an event are a thousand short letters, not a thousand events."""
    outcome = meter([Event(b"[" + b"null," * 999 + b"null]")])

    assert (1_000, {Reason.NOT_A_RECORD}) == (len(outcome.rejected), {item.reason for item in outcome.rejected})
    assert sum(len(item.body) for item in outcome.rejected) < 10_000
