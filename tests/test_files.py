"""Files of every known form into events."""

import contextlib
import gzip
import io
import json
import os
import tempfile
import threading
from pathlib import Path

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import record
from tests.replay_cases import CAPTURE_SCHEMA
from token_meter import meter
from token_meter.sources import InputUnusable, read_events
from token_meter.sources.capture import place_of

RECORDS = [record(requestId=name) for name in ("a", "b", "c")]
LINES = "\n".join(json.dumps(item) for item in RECORDS).encode()


def captured(*bodies: bytes | None) -> bytes:
    """Return a Capture file with these bodies, as Event Hubs writes it."""
    entries: list[dict[str, object]] = [
        {
            "SequenceNumber": 40 + place,
            "Offset": str(4096 * place),
            "EnqueuedTimeUtc": "10/5/2026 1:02:03 PM",
            "SystemProperties": {},
            "Properties": {},
            "Body": body,
        }
        for place, body in enumerate(bodies)
    ]
    stream = io.BytesIO()
    fastavro.writer(stream, CAPTURE_SCHEMA, entries, codec="deflate")
    return stream.getvalue()


def packed(content: bytes, times: int) -> bytes:
    """Return content packed with gzip so many times."""
    for _ in range(times):
        content = gzip.compress(content, 1)
    return content


def with_codec(content: bytes, codec: bytes) -> bytes:
    """Return a Capture file whose header names another codec of as many letters."""
    assert len(codec) == len(b"deflate")
    return content.replace(b"deflate", codec)


def calls_in(path: Path) -> list[str]:
    """Return the ids of the calls in a file."""
    return [row.call_id for row in meter(read_events(str(path))).rows]


@pytest.mark.parametrize(
    "content",
    [
        LINES,
        LINES + b"\n\n",
        LINES.replace(b"\n", b"\r\n"),
        json.dumps(RECORDS).encode(),
        json.dumps(RECORDS, indent=2).encode(),
        b"\xef\xbb\xbf" + json.dumps(RECORDS, indent=2).encode(),
        b"\xef\xbb\xbf" + LINES,
        json.dumps({"records": RECORDS}, indent=2).encode(),
        captured(*LINES.split(b"\n")),
    ],
    ids=[
        "lines",
        "empty lines",
        "CR LF",
        "array",
        "indented array",
        "BOM, indented",
        "BOM, lines",
        "envelope",
        "capture",
    ],
)
@pytest.mark.parametrize("times", [0, 1, 2], ids=["plain", "gzip", "gzip twice"])
def test_a_file_is_known_by_its_content(tmp_path: Path, content: bytes, times: int) -> None:
    """Whatever it is called, packed or not."""
    path = tmp_path / "events.txt"
    path.write_bytes(packed(content, times))

    assert ["a", "b", "c"] == calls_in(path)


def test_a_line_that_is_no_json_is_one_event_among_the_others(tmp_path: Path) -> None:
    """And its place is known."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"garbage\n" + LINES + b"\n[broken")

    events = list(read_events(str(path)))

    assert [1, 2, 3, 4, 5] == [event.origin.line for event in events]
    assert 3 == len(meter(events).rows)


def test_a_capture_file_tells_sequence_number_time_and_from_its_name_the_place(tmp_path: Path) -> None:
    """Capture's default naming holds namespace, hub and partition."""
    path = tmp_path / "contoso-ai" / "usage" / "3" / "2026" / "10" / "05" / "13" / "02" / "09.avro"
    path.parent.mkdir(parents=True)
    path.write_bytes(captured(LINES.split(b"\n")[0], None))

    first, second = read_events(str(path))

    assert ("contoso-ai/usage", "3", 40) == (first.origin.hub, first.origin.partition, first.origin.sequence_number)
    assert "2026-10-05T13:02:03+00:00" == (first.origin.enqueued_time and first.origin.enqueued_time.isoformat())
    assert b"" == second.body


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("contoso-ai/usage/0/2026/10/05/13/02/09.avro", ("contoso-ai/usage", "0")),
        ("c/contoso-ai/usage/12/2026_10_05_13_02_09.avro", ("contoso-ai/usage", "12")),
        ("export.avro", ("", "")),
        ("../../etc/2026/10/05/13/02/09.avro", ("", "")),
    ],
)
def test_only_a_name_as_capture_gives_it_tells_the_place(name: str, place: tuple[str, str]) -> None:
    """Another name leaves it unknown."""
    assert place == place_of(name)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (gzip.compress(LINES)[:-20], "ends too early"),
        (b"\x1f\x8bnonsense", "damaged gzip data"),
        (captured(LINES)[:-30], "ends too early"),
        (b"Obj\x01nonsense", "damaged Avro data"),
        (captured(LINES).replace(b'"name"', b'"^ame"'), "damaged Avro data"),
        (captured(LINES).replace(b"avro.schema", b"avro.\xffchema"), "damaged Avro data"),
        (with_codec(captured(LINES), b"unknown"), "Avro in a codec that is not read"),
        (packed(LINES, 3), "packed with gzip more than 2 times"),
        (packed(LINES, 1500), "packed with gzip more than 2 times"),
        (packed(b"\n" * 80_000_000, 1), "more than 16 MB of blank lines; not a file of events"),
        (packed(b"{" * 70_000_000, 1), "line 1 is longer than 64 MB; not a file of events"),
        (json.dumps(RECORDS).encode("utf-16"), "UTF-16 text; save it as UTF-8"),
        (b"PK\x03\x04...", "a zip archive; unpack it first"),
    ],
)
def test_a_damaged_file_is_said_to_be_so_in_one_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    """Not a trace, and never silence."""
    path = tmp_path / "events"
    path.write_bytes(content)

    with pytest.raises(InputUnusable) as fault:
        list(read_events(str(path)))

    assert f"{path}: {complaint}" == str(fault.value)


@given(st.lists(st.tuples(st.integers(4, 1_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_capture_file_with_any_bytes_changed_is_read_or_refused(changes: list[tuple[int, int]]) -> None:
    """In one line, whatever the damage leads the Avro library into."""
    damaged = bytearray(captured(*LINES.split(b"\n")))
    for place, value in changes:
        damaged[place % len(damaged)] = value

    with tempfile.NamedTemporaryFile() as file:
        file.write(damaged)
        file.flush()
        with contextlib.suppress(InputUnusable):
            assert meter(read_events(file.name)).balanced


def test_a_pipe_is_read_as_a_file_is(tmp_path: Path) -> None:
    """It has no place to tell of its progress."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(LINES,))
    writer.start()

    assert ["a", "b", "c"] == calls_in(path)

    writer.join()


def test_a_closed_standard_input_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has none then."""
    monkeypatch.setattr("sys.stdin", None)

    with pytest.raises(InputUnusable, match="standard input: closed"):
        list(read_events("-"))


def test_a_file_that_is_not_there_is_said_to_be_so() -> None:
    """With the system's own words."""
    with pytest.raises(InputUnusable, match="No such file"):
        list(read_events("nowhere.jsonl"))
