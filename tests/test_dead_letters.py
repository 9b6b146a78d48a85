"""Dead letters in a folder: complete, replaceable, private, and without secrets."""

import base64
import json
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import bearer
from token_meter.codes import Reason
from token_meter.events import Origin
from token_meter.record import Rejected
from token_meter.sinks.dead_letters import DeadLetterFolder, name_of
from token_meter.sinks.scrubbing import scrub

ORIGIN = Origin(hub="contoso/usage", partition="1", sequence_number=7, enqueued_time=datetime(2026, 10, 5, tzinfo=UTC))


def rejected(body: bytes = b"poison", origin: Origin = ORIGIN) -> Rejected:
    """Return a rejected record."""
    return Rejected(reason=Reason.NOT_JSON, stage="decode", origin=origin, body=body)


def test_a_letter_holds_the_bytes_the_reason_and_the_place(tmp_path: Path) -> None:
    """All that a replay needs."""
    DeadLetterFolder(tmp_path / "letters").store([rejected(b"\xff\x00poison")])

    (file,) = (tmp_path / "letters").iterdir()
    letter = json.loads(file.read_text())
    assert ("not_json", "decode", "contoso/usage", "1", 7) == tuple(
        letter[name] for name in ("reason", "stage", "hub", "partition", "sequenceNumber")
    )
    assert b"\xff\x00poison" == base64.b64decode(letter["body"])


def test_a_batch_stored_again_replaces_its_letters(tmp_path: Path) -> None:
    """A retry adds nothing."""
    letters = DeadLetterFolder(tmp_path)

    letters.store([rejected()])
    letters.store([rejected()])

    assert 1 == len(list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    "other",
    [
        replace(ORIGIN, enqueued_time=datetime(2026, 10, 9, tzinfo=UTC)),
        replace(ORIGIN, partition="2"),
        replace(ORIGIN, hub="contoso-usage"),
        replace(ORIGIN, hub="contoso/" + "u" * 256),
        replace(ORIGIN, hub="contoso/" + "u" * 255 + "v"),
        replace(ORIGIN, sequence_number=8),
    ],
)
def test_letters_of_another_place_are_added(tmp_path: Path, other: Origin) -> None:
    """Also of a hub made anew, whose numbers begin again, and of hubs whose names read alike in a file's name."""
    letters = DeadLetterFolder(tmp_path)

    for origin in (ORIGIN, replace(ORIGIN, hub="contoso/" + "u" * 254), other):
        letters.store([rejected(origin=origin)])

    assert 3 == len(list(tmp_path.iterdir()))


def test_a_store_that_fails_raises_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    """Retried for as long as it lasts, it must not fill the disk."""
    letters = DeadLetterFolder(tmp_path)
    (tmp_path / name_of([rejected()])).mkdir()

    with pytest.raises(OSError, match=r"directory"):
        letters.store([rejected()])

    assert [name_of([rejected()])] == [path.name for path in tmp_path.iterdir()]


def test_what_lies_in_the_folder_lends_a_letter_neither_its_mode_nor_its_target(tmp_path: Path) -> None:
    """A file put in the way is replaced, a link is not followed."""
    letters, outside = DeadLetterFolder(tmp_path / "letters"), tmp_path / "outside"
    outside.write_text("precious")
    letters.store([rejected()])
    (letter,) = (tmp_path / "letters").iterdir()
    for path in (letter, letter.with_suffix(".unfinished")):
        path.unlink(missing_ok=True)
        path.symlink_to(outside)

    letters.store([rejected()])

    assert "precious" == outside.read_text()
    assert not letter.is_symlink()
    assert 0o600 == stat.S_IMODE(letter.stat().st_mode)


def test_a_file_whose_name_is_no_utf8_has_its_letters_kept(tmp_path: Path) -> None:
    """Such names exist on Linux; Python has them with lone surrogates, which JSON does not."""
    DeadLetterFolder(tmp_path).store([rejected(origin=Origin(file="odd\udcff.jsonl", line=1))])

    (file,) = tmp_path.iterdir()
    assert "odd?.jsonl" == json.loads(file.read_text())["file"]


def test_letters_are_their_owners_alone(tmp_path: Path) -> None:
    """They may hold prompts."""
    DeadLetterFolder(tmp_path / "letters").store([rejected()])

    (file,) = (tmp_path / "letters").iterdir()
    assert (0o700, 0o600) == tuple(stat.S_IMODE(path.stat().st_mode) for path in (file.parent, file))


def test_nothing_rejected_is_nothing_stored(tmp_path: Path) -> None:
    """Not even a folder."""
    DeadLetterFolder(tmp_path / "letters").store([])

    assert [] == list(tmp_path.iterdir())


@given(st.text(), st.text(), st.text())
def test_no_name_from_outside_leads_out_of_the_folder(hub: str, partition: str, file: str) -> None:
    """Whatever a hub or file is called, the letter's name is one plain segment."""
    for origin in (Origin(hub=hub, partition=partition, sequence_number=1), Origin(file=file)):
        name = name_of([rejected(origin=origin)])

        assert Path(name).name == name
        assert name not in {".", ".."}
        assert len(name.encode()) < 255


TOKEN = bearer(appid="a").removeprefix("Bearer ")
KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("before", "secret"),
    [
        (f'{{"headers": {{"Authorization": "Bearer {TOKEN}"}}}}', TOKEN),
        (f'{{"body": "{{\\"api-key\\": \\"{KEY}\\"}}"}}', KEY),
        (f"POST /x HTTP/1.1\r\nOcp-Apim-Subscription-Key: {KEY}\r\n\r\n{{", KEY),
        (f"https://gw.example/openai?subscription-key={KEY}&x=1", KEY),
        (f'{{"appSubscriptionKey": "{KEY}", "x": 1', KEY),
        (f'"Authorization": "Basic {KEY}="', KEY),
        (f'["Authorization: Bearer {TOKEN}", "Accept: */*"]', TOKEN),
        (f"something {TOKEN[:60]}", TOKEN[:60]),
        (f'{{"Api_Key":"{KEY}"}}', KEY),
        (f'{{"eventTime":"2026-10-05T10:00{KEY}","request":"{{}}"}}', KEY),
        (f'{{",subscriptionId":"{KEY}","model":"gpt-4o"}}', KEY),
    ],
)
def test_secrets_are_taken_out_of_what_is_kept(before: str, secret: str) -> None:
    """By pattern, since what could not be read has no fields."""
    after = (scrub(before.encode()) or b"").decode()

    assert secret not in after
    assert "[removed]" in after


def test_what_is_no_secret_stays() -> None:
    """A dead letter is to be metered again."""
    body = b'{"requestId": "a", "messages": [{"content": "what is an api key?"}], "usage": {"total_tokens": 5}}'

    assert body == scrub(body)
