"""Files into events, whatever they are: JSON, JSON lines or Capture's Avro, plain or gzip, or standard input.

A file is recognised by its first bytes, never by its name. A line of a text file is an event; a file that is one JSON
value over several lines is one event. Long files are read as they come and are never whole in memory.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from token_meter.decode import BYTE_ORDER_MARK
from token_meter.events import Event, Origin
from token_meter.jsontypes import parse_json
from token_meter.sources.capture import MAGIC as AVRO_MAGIC
from token_meter.sources.capture import read_capture

GZIP_MAGIC = b"\x1f\x8b"
MOST_LAYERS = 2
"""Of gzip around each other: a file that was packed twice is read, one that unpacks for ever is not."""
NOT_TEXT = {
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"\x28\xb5\x2f\xfd": "packed with zstd; unpack it first",
    b"BZh": "packed with bzip2; unpack it first",
    b"\xfd7zXZ": "packed with xz; unpack it first",
    b"PAR1": "a Parquet file; Capture must write Avro",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}
"""What a file begins with that some people keep events in and that is not read, and what to do about it."""
LONGEST_MAGIC = 8
STANDARD_INPUT = "-"
LARGEST_WHOLE_FILE = 64 * 1024 * 1024
"""A file up to this size may be one JSON value over several lines; a larger one is read line by line."""
LONGEST_LINE = 64 * 1024 * 1024
"""Far over what a hub carries (1 MB an event); a longer line is no event but some other file."""
MOST_BLANK = 16 * 1024 * 1024
"""Bytes of blank lines in a row; more are a packed file that was made to unpack into nothing for hours."""


class InputUnusable(Exception):  # noqa: N818 - it names a state of the input, as the command line reports it
    """An input that cannot be read. The message is one clear line."""


def read_events(name: str, progress: Callable[[int], None] = lambda _: None) -> Iterator[Event]:
    """Yield the events of one file in order; `-` is standard input.

    Calls `progress` with how many bytes of the file have been read so far. Raises InputUnusable where the file cannot
    be opened, is damaged (what came before has been yielded) or holds nothing.
    """
    if name == STANDARD_INPUT:
        if sys.stdin is None:  # closed by whoever started the command
            raise InputUnusable("standard input: closed")
        yield from _guarded(sys.stdin.buffer, "standard input")
        return
    try:
        raw = Path(name).open("rb")  # noqa: SIM115 - closed below; opening fails with another message than reading
    except OSError as fault:
        raise InputUnusable(f"{name}: {fault.strerror or 'cannot be opened'}") from fault
    with raw:
        for event in _guarded(raw, name):
            yield event
            if raw.seekable():  # a pipe has no place
                progress(raw.tell())


def _guarded(raw: IO[bytes], shown: str) -> Iterator[Event]:
    """Yield a stream's events, with every way of being unreadable told in one line."""
    try:
        yield from _events(cast("io.BufferedReader", raw), shown)
    except (gzip.BadGzipFile, zlib.error) as fault:
        raise InputUnusable(f"{shown}: damaged gzip data") from fault
    except EOFError as fault:
        raise InputUnusable(f"{shown}: ends too early") from fault
    except OSError as fault:
        raise InputUnusable(f"{shown}: {fault.strerror or 'cannot be read'}") from fault


def _events(stream: io.BufferedReader, shown: str, layers: int = 0) -> Iterator[Event]:
    start = stream.peek(LONGEST_MAGIC)
    if start.startswith(GZIP_MAGIC):
        if layers == MOST_LAYERS:
            raise InputUnusable(f"{shown}: packed with gzip more than {MOST_LAYERS} times")
        yield from _events(io.BufferedReader(gzip.GzipFile(filename="", mode="rb", fileobj=stream)), shown, layers + 1)
        return
    if start.startswith(AVRO_MAGIC):
        yield from _capture_events(stream, shown)
        return
    for magic, what in NOT_TEXT.items():
        if start.startswith(magic):
            raise InputUnusable(f"{shown}: {what}")
    yield from _text_events(stream, shown)


def _capture_events(stream: io.BufferedReader, shown: str) -> Iterator[Event]:
    try:
        yield from read_capture(stream, shown)
    except (EOFError, OSError):
        raise
    except Exception as fault:
        # fastavro raises whatever damaged data leads it into: its own errors, Python's, those of its codecs
        unread = isinstance(fault, ValueError) and not isinstance(fault, UnicodeError) and "codec" in str(fault)
        what = "Avro in a codec that is not read" if unread else "damaged Avro data"
        raise InputUnusable(f"{shown}: {what}") from fault


def _text_events(stream: io.BufferedReader, shown: str) -> Iterator[Event]:
    head = stream.read(LARGEST_WHOLE_FILE + 1).removeprefix(BYTE_ORDER_MARK)
    if not head.strip():
        if len(head) <= LARGEST_WHOLE_FILE:
            raise InputUnusable(f"{shown}: empty")
    elif len(head) <= LARGEST_WHOLE_FILE and _is_one_value(head):
        yield Event(head, Origin(file=shown, line=1))
        return
    yield from _lines(_Rest(head, stream), shown)


def _is_one_value(text: bytes) -> bool:
    """Tell one JSON value over several lines from JSON lines, whose first line is a value by itself."""
    first, _, rest = text.strip().partition(b"\n")
    return bool(rest) and parse_json(first) is None and parse_json(text) is not None


class _Rest:
    """The lines of a stream whose head was already read."""

    def __init__(self, head: bytes, stream: io.BufferedReader) -> None:
        self._head = io.BytesIO(head)
        self._stream = stream

    def readline(self, limit: int) -> bytes:
        """Return the next line, at most `limit` bytes of it."""
        line = self._head.readline(limit)
        if line.endswith(b"\n") or len(line) == limit:
            return line
        return line + self._stream.readline(limit - len(line))


def _lines(source: _Rest, shown: str) -> Iterator[Event]:
    number = blank = 0
    while line := source.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise InputUnusable(f"{shown}: line {number} is longer than {LONGEST_LINE >> 20} MB; not a file of events")
        if line.strip():
            blank = 0
            yield Event(line.rstrip(b"\r\n"), Origin(file=shown, line=number))
            continue
        blank += len(line)
        if blank > MOST_BLANK:
            raise InputUnusable(f"{shown}: more than {MOST_BLANK >> 20} MB of blank lines; not a file of events")
