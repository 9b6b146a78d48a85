"""Laws that hold over the golden samples, whatever happens to their bytes."""

import base64
import json
import logging
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden_samples import SAMPLES, Sample
from token_meter import Event, Origin, Outcome, meter
from token_meter.codes import AppIdSource, Note, Reason
from token_meter.columns import as_columns
from token_meter.jsontypes import dump_json
from token_meter.options import MeterOptions, Personal
from token_meter.secrets import KeyHasher
from token_meter.sinks.dead_letters import letter_of

ALL_EVENTS = [event for sample in SAMPLES for event in (*sample.events, sample.twin)]
JSON_SAMPLES = [sample for sample in SAMPLES if all(event.body.startswith(b"{") for event in sample.events)]
WITH_SECRETS = [sample for sample in SAMPLES if sample.secrets]
HASHING = MeterOptions(hasher=KeyHasher(b"a secret of the installation"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def output_of(outcome: Outcome) -> str:
    """Return all that leaves the meter: rows, and dead letters with their bodies readable."""
    letters = [letter_of(item) for item in outcome.rejected]
    bodies = [base64.b64decode(letter["body"] or "").decode("utf-8", "replace") for letter in letters]
    rows = [dump_json(as_columns(row)).decode() for row in outcome.rows]
    return "\n".join([*rows, *bodies, *(dump_json({**letter, "body": ""}).decode() for letter in letters)])


def assert_accounted_for(outcome: Outcome, events: int = 1) -> None:
    """Every event gave at least one row, reject or ignored record, and the meter did not fail."""
    assert outcome.balanced
    assert outcome.received >= events
    assert Reason.METER_FAULT not in {item.reason for item in outcome.rejected}


@given(st.sampled_from(ALL_EVENTS), st.integers(0, 10_000))
def test_a_sample_cut_anywhere_is_accounted_for(event: Event, length: int) -> None:
    """It gives a row or a reason, never an exception."""
    assert_accounted_for(meter([Event(event.body[:length], event.origin)]))


flips = st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), min_size=1, max_size=6)


def flipped(body: bytes, changes: list[tuple[int, int]]) -> bytes:
    """Return bytes with some of them changed."""
    damaged = bytearray(body)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    return bytes(damaged)


@given(st.sampled_from(ALL_EVENTS), flips)
def test_a_sample_with_any_bytes_changed_is_accounted_for(event: Event, changes: list[tuple[int, int]]) -> None:
    """It gives a row or a reason, never an exception."""
    assert_accounted_for(meter([Event(flipped(event.body, changes), event.origin)]))


@given(st.sampled_from(JSON_SAMPLES), st.data())
def test_any_value_in_any_field_of_a_sample_is_accounted_for(sample: Sample, data: st.DataObject) -> None:
    """A field of the wrong type is an unknown field."""
    event = data.draw(st.sampled_from(sample.events))
    value = json.loads(event.body)
    value[data.draw(st.sampled_from(sorted(value)))] = data.draw(json_values)

    assert_accounted_for(meter([Event(json.dumps(value).encode(), event.origin)]))


def respelled(value: Any, random: Any) -> Any:
    """Return a record with its own fields in another case and order; what stands in them stays."""
    if isinstance(value, list):
        return [respelled(item, random) for item in value]
    if not isinstance(value, dict):
        return value
    names = random.sample(list(value), len(value))
    inside = {"records", "properties"}
    return {
        random.choice([str.upper, str.lower, str.title, str])(name): (
            respelled(value[name], random) if name.lower() in inside else value[name]
        )
        for name in names
    }


@given(st.sampled_from(JSON_SAMPLES), st.randoms(), st.booleans())
def test_the_case_and_the_order_of_a_samples_fields_change_no_row(sample: Sample, random: Any, placed: bool) -> None:
    """Also where the record has no identity but its content."""
    origins = [event.origin if placed else Origin(enqueued_time=event.origin.enqueued_time) for event in sample.events]
    as_written = [Event(event.body, origin) for event, origin in zip(sample.events, origins, strict=True)]
    otherwise = [
        Event(json.dumps(respelled(json.loads(event.body), random)).encode(), event.origin) for event in as_written
    ]

    assert meter(as_written).rows == meter(otherwise).rows


@given(st.sampled_from(WITH_SECRETS), st.sampled_from([MeterOptions(), HASHING]), st.integers(0, 10_000), flips)
def test_no_secret_of_a_sample_appears_in_any_output(
    sample: Sample, options: MeterOptions, length: int, changes: list[tuple[int, int]]
) -> None:
    """Neither whole, nor cut, nor damaged does a record give its keys and tokens away."""
    for body in [item for event in sample.events for item in (event.body, event.body[:length])]:
        for damaged in (body, flipped(body or b"x", changes)):
            shown = output_of(meter([Event(damaged)], options))
            for secret in sample.secrets:
                hidden = (secret, base64.b64encode(secret.encode()).decode()[:-4], quote(secret, safe=""))
                assert not [form for form in hidden if form in shown]


HEXADECIMAL = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
OPAQUE = "Zk3vQ9xT2mB7wLr5Yp8sNd4HcJf6GaEu"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJhcHBpZCI6ImEtc2VjcmV0In0.c2lnbmF0dXJlLW9mLWEtdG9rZW4"
SECRETS = {
    f"Bearer {TOKEN}": TOKEN.split(".")[1],
    TOKEN: TOKEN.split(".")[1],
    f"Authorization: Bearer {OPAQUE}": OPAQUE,
    f"authorization=Basic {OPAQUE}": OPAQUE,
    f"api-key: {HEXADECIMAL}": HEXADECIMAL,
    f"https://x.example/chat/completions?api-version=1&subscription-key={HEXADECIMAL}": HEXADECIMAL,
    f"Ocp-Apim-Subscription-Key: {HEXADECIMAL}": HEXADECIMAL,
    f"the key is sk-proj-{OPAQUE}": OPAQUE,
    quote(f"Authorization: Bearer {OPAQUE}", safe=""): OPAQUE,
    base64.b64encode(f"Authorization: Bearer {OPAQUE}; more".encode()).decode(): base64.b64encode(
        f"Bearer {OPAQUE}"[1:].encode()
    ).decode()[2:-4],
}
"""Texts with secrets, and what of each must appear nowhere."""


def texts_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all texts in a value."""
    if isinstance(value, str):
        return [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in texts_in(item, (*path, key))]


def with_text(value: Any, path: tuple[Any, ...], text: str, *, beside: bool) -> Any:
    """Return a value with another text at a path, in place of the old one or behind it."""
    if not path:
        return f"{value} {text}" if beside else text
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = with_text(value[path[0]], path[1:], text, beside=beside)
    return changed


@given(st.sampled_from([sample for sample in JSON_SAMPLES if sample.shape != "S20-usage"]), st.data())
def test_a_secret_in_any_text_of_a_record_appears_in_no_output(sample: Sample, data: st.DataObject) -> None:
    """Whichever field a gateway or a client puts it in; whole or cut; metered, or rejected and kept as a letter."""
    event = data.draw(st.sampled_from(sample.events))
    value = json.loads(event.body)
    text, secret = data.draw(st.sampled_from(list(SECRETS.items())))
    changed = with_text(value, data.draw(st.sampled_from(texts_in(value))), text, beside=data.draw(st.booleans()))
    body = json.dumps(changed).encode()
    body = body[: data.draw(st.sampled_from([len(body)] * 3) | st.integers(0, len(body)))]
    options = data.draw(st.sampled_from([MeterOptions(), HASHING, MeterOptions(shape="S18"), MeterOptions(shape="S6")]))

    shown = output_of(meter([Event(body, event.origin)], options))

    assert secret not in shown


@pytest.mark.parametrize("sample", WITH_SECRETS, ids=lambda sample: sample.name)
def test_a_rejected_sample_keeps_no_secret_in_its_letter(sample: Sample) -> None:
    """Where nothing in it is recognised, its fields are still known by name."""
    outcome = meter(sample.events, MeterOptions(shape="S4"))

    assert outcome.rejected
    shown = output_of(outcome)
    assert not [secret for secret in sample.secrets if secret in shown]


def test_the_meter_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """So no content and no secret either."""
    with caplog.at_level(logging.DEBUG):
        meter(ALL_EVENTS, HASHING)

    assert [] == caplog.records


@pytest.mark.parametrize("name", ["S7-exchange", "S19-request"])
def test_a_key_becomes_a_hash_that_tells_callers_apart(name: str) -> None:
    """The same key gives the same hash, another key another one, and its version says with which secret."""
    sample = next(item for item in SAMPLES if item.name == name)
    body = sample.events[0].body.decode()
    other = body.replace(sample.secrets[0], "0" * 32)

    first, again, another = meter([Event(text.encode()) for text in (body, body, other)], HASHING).rows

    assert AppIdSource.KEY_HASH == first.app_id_source
    assert first.app_id.startswith("k1:")
    assert first.app_id == again.app_id != another.app_id


def test_another_secret_or_version_gives_other_hashes() -> None:
    """And neither can be taken for the other."""
    hashes = {
        KeyHasher(secret, version).hashed("key", "abc") for secret in (b"one", b"two") for version in ("k1", "k2")
    }

    assert 4 == len(hashes)
    assert "one" not in repr(KeyHasher(b"one"))


def test_no_identity_depends_on_an_option() -> None:
    """So a replay with other settings finds the same calls and events."""
    choices = MeterOptions(hasher=HASHING.hasher, client_ip=Personal.DROP, user_object_id=Personal.HASH)

    plain, chosen = meter(ALL_EVENTS).rows, meter(ALL_EVENTS, choices).rows

    assert [(row.call_id, row.event_id) for row in plain] == [(row.call_id, row.event_id) for row in chosen]


@pytest.mark.parametrize(
    ("choice", "options", "shown"),
    [
        (Personal.KEEP, HASHING, True),
        (Personal.HASH, HASHING, False),
        (Personal.HASH, MeterOptions(), False),
        (Personal.DROP, HASHING, False),
    ],
)
def test_personal_columns_are_kept_hashed_or_dropped(choice: Personal, options: MeterOptions, shown: bool) -> None:
    """As a setting says; without a secret to hash with they are dropped."""
    event = next(item for item in SAMPLES if item.name == "canonical").events[0]
    chosen = MeterOptions(hasher=options.hasher, client_ip=choice, user_object_id=choice)

    (row,) = meter([event], chosen).rows

    assert shown == (row.client_ip == "203.0.113.7")
    hashed = choice is Personal.HASH and options.hasher is not None
    assert hashed == row.client_ip.startswith("k1:") == row.user_object_id.startswith("k1:")
    assert row.client_ip != row.user_object_id or not (shown or hashed)


def test_without_a_secret_a_key_is_dropped_and_noted() -> None:
    """Nothing is hashed plainly."""
    sample = next(item for item in SAMPLES if item.name == "S7-exchange")

    (row,) = sample.metered().rows

    assert ("", AppIdSource.NONE) == (row.app_id, row.app_id_source)
    assert Note.KEY_DROPPED in (row.notes or ())


def test_a_key_that_is_logged_as_the_subscriptions_id_is_still_a_key() -> None:
    """It is known by its form; an id has another."""
    sample = next(item for item in SAMPLES if item.name == "S6-total")
    body = sample.events[0].body.decode().replace("hr-assistant", "0123456789abcdef0123456789ABCDEF")

    (row,) = meter([Event(body.encode())], HASHING).rows

    assert ("", AppIdSource.KEY_HASH) == (row.apim_subscription, row.app_id_source)
    assert "0123456789abcdef" not in repr(row)
