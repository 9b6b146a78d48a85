"""Dead letters: what could not be metered, kept with its reason so that it can be metered once the cause is mended."""

import base64
import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from token_meter.jsontypes import dump_json
from token_meter.record import Rejected
from token_meter.rejected_row import rejected_event_id
from token_meter.sinks.scrubbing import scrub
from token_meter.version import VERSION

UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")
LONGEST_PART = 80
ONLY_OWNERS_FOLDER = 0o700


class DeadLetters(Protocol):
    """A place that keeps what could not be metered."""

    def store(self, rejected: Sequence[Rejected]) -> str:
        """Keep the rejected records of a batch and return the letter's name, empty where there were none.

        Raises where it could not; storing them again replaces, never adds.
        """


class AlreadyKept:
    """Nothing is kept anew: the records were read from a dead letter, and those that are rejected again lie there."""

    def __init__(self, letter: str) -> None:
        """Name the letter that the records were read from."""
        self._letter = letter

    def store(self, rejected: Sequence[Rejected]) -> str:
        """Return the letter's name."""
        return self._letter if rejected else ""


class DeadLetterFolder:
    """Dead letters in a folder: one file of JSON lines a batch, readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made with the first letter."""
        self._folder = folder

    def store(self, rejected: Sequence[Rejected]) -> str:
        """Keep the rejected records of a batch. Raises OSError where the disk does not take them."""
        if not rejected:
            return ""
        content = content_of(rejected)
        self._folder.mkdir(mode=ONLY_OWNERS_FOLDER, parents=True, exist_ok=True)
        # `mkstemp` makes a new file for its owner only, so nothing that already lies there lends its mode or its target
        handle, unfinished = tempfile.mkstemp(suffix=".unfinished", dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(unfinished).replace(self._folder / name_of(rejected))
        except OSError:
            Path(unfinished).unlink(missing_ok=True)
            raise
        return name_of(rejected)


def content_of(rejected: Sequence[Rejected]) -> bytes:
    """Return a dead letter: a line of JSON a record, in order.

    An event whose bytes stand for several of its records is written once, so that no letter is many times its events.
    """
    lines: list[bytes] = []
    above: bytes | None = None
    for item in rejected:
        lines.append(dump_json(letter_of(item, is_above=item.whole and item.body == above)) + b"\n")
        above = item.body if item.whole else above
    return b"".join(lines)


def letter_of(item: Rejected, *, is_above: bool = False) -> dict[str, Any]:
    """Return a rejected record as it is kept: why, where it came from, and its bytes less the secrets in them.

    `body` is null where it is in doubt that all secrets were found: then only the rest is kept. It is null too, and
    `bodyAbove` true, where the last whole event above has it.
    """
    body = None if is_above else scrub(item.body)
    return {
        "id": rejected_event_id(item),
        "reason": item.reason,
        "stage": item.stage,
        "detail": item.detail,
        "hub": item.origin.hub,
        "partition": item.origin.partition,
        "sequenceNumber": item.origin.sequence_number,
        "enqueuedTime": item.origin.enqueued_time,
        "file": item.origin.file_name,
        "line": item.origin.line,
        "index": item.index,
        "meterVersion": VERSION,
        "whole": item.whole,
        "scrubbed": body != item.body,
        "bodyAbove": is_above,
        "body": None if body is None else base64.b64encode(body).decode(),
    }


def name_of(rejected: Sequence[Rejected]) -> str:
    """Return the file's name: where the records come from, and a hash that a retried batch has again and no other has.

    The readable part alone would not do: numbers begin anew on a hub that was made anew, and different hubs can read
    alike once what no file name may hold is replaced. Whatever a hub or file is called, the name is one plain path
    segment.
    """
    first, last = rejected[0].origin, rejected[-1].origin
    if first.hub and first.sequence_number is not None:
        parts = [first.hub, first.partition, f"{first.sequence_number}-{last.sequence_number}"]
    else:
        parts = [first.file_name or "events"]
    digest = hashlib.sha256(dump_json([rejected_event_id(item) for item in rejected])).hexdigest()[:16]
    return "_".join([*map(segment, parts), digest]) + ".jsonl"


def segment(text: str) -> str:
    """Return a text as it may stand in a path: without what leads elsewhere or no store takes, and bounded."""
    return UNSAFE.sub("-", text)[:LONGEST_PART].strip(".-")
