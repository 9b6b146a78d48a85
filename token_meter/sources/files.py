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

from token_meter.events import Event, Origin
from token_meter.jsontypes import parse_json
from token_meter.sources.capture import MAGIC as AVRO_MAGIC
from token_meter.sources.capture import read_capture

GZIP_MAGIC = b"\x1f\x8b"
STANDARD_INPUT = "-"
LARGEST_WHOLE_FILE = 64 * 1024 * 1024
"""A file up to this size may be one JSON value over several lines; a larger one is read line by line."""
LONGEST_LINE = 64 * 1024 * 1024
"""Far over what a hub carries (1 MB an event); a longer line is no event but some other file."""


class InputUnusable(Exception):  # noqa: N818 - it names a state of the input, as the command line reports it
    """An input that cannot be read. The message is one clear line."""


def read_events(name: str, progress: Callable[[int], None] = lambda _: None) -> Iterator[Event]:
    """Yield the events of one file in order; `-` is standard input.

    Calls `progress` with how many bytes of the file have been read so far. Raises InputUnusable where the file cannot
    be opened, is damaged (what came before has been yielded) or holds nothing.
    """
    if name == STANDARD_INPUT:
        yield from _guarded(sys.stdin.buffer, "standard input")
        return
    try:
        raw = Path(name).open("rb")  # noqa: SIM115 - closed below; opening fails with another message than reading
    except OSError as fault:
        raise InputUnusable(f"{name}: {fault.strerror or 'cannot be opened'}") from fault
    with raw:
        for event in _guarded(raw, name):
            yield event
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


def _events(stream: io.BufferedReader, shown: str) -> Iterator[Event]:
    start = stream.peek(len(AVRO_MAGIC))
    if start.startswith(GZIP_MAGIC):
        yield from _events(io.BufferedReader(gzip.GzipFile(fileobj=stream)), shown)
    elif start.startswith(AVRO_MAGIC):
        yield from _capture_events(stream, shown)
    else:
        yield from _text_events(stream, shown)


def _capture_events(stream: io.BufferedReader, shown: str) -> Iterator[Event]:
    try:
        yield from read_capture(stream, shown)
    except (ValueError, KeyError, TypeError, IndexError) as fault:  # what fastavro raises on damaged data
        raise InputUnusable(f"{shown}: damaged Avro data") from fault


def _text_events(stream: io.BufferedReader, shown: str) -> Iterator[Event]:
    head = stream.read(LARGEST_WHOLE_FILE + 1)
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
    number = 0
    while line := source.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise InputUnusable(f"{shown}: line {number} is longer than {LONGEST_LINE >> 20} MB; not a file of events")
        if line.strip():
            yield Event(line.rstrip(b"\r\n"), Origin(file=shown, line=number))
