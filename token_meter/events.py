"""What arrives: events, each some bytes and where they came from."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from token_meter.codes import Reason

AZURES_DOMAIN = re.compile(r"\.servicebus\.", re.IGNORECASE)
"""How the domain of any of Azure's clouds begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromLetter:
    """Which record of a dead letter an event was read from: what it was called then, so that it is the same now."""

    record_id: str
    """Its `EventId` in the table of rejected records."""
    letter: str
    """The dead letter's name."""
    reason: Reason
    stage: str
    detail: str = ""
    index: int = 0
    """The record's place in the event that it came in, from 0."""
    whole: bool = False
    """Whether the letter keeps the bytes of the whole event, since the record's own could not be told or written."""
    scrubbed: bool = False
    """Whether secrets were taken out of the bytes, which are then not those that arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an event was found: on a hub, or in a file."""

    hub: str = ""
    """`namespace/hub`."""
    partition: str = ""
    sequence_number: int | None = None
    enqueued_time: datetime | None = None
    file: str = ""
    line: int | None = None
    """Line of a text file, or place in a Capture file, from 1."""
    letter: FromLetter | None = None
    """Set where the bytes were read from a dead letter; the rest is then where they were found first."""

    @property
    def file_name(self) -> str:
        """The file's name without its folder, less what is no UTF-8 in it, which JSON could not hold."""
        return PurePath(self.file).name.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its bytes as they arrived, of any content whatever, and its origin."""

    body: bytes
    origin: Origin = Origin()


def hub_name(host: str, hub: str) -> str:
    """Return `namespace/hub`, the same from every source: the namespace less Azure's domain and any port.

    Where no namespace is told it is the hub's name alone.
    """
    namespace = AZURES_DOMAIN.split(host.partition(":")[0])[0]
    return f"{namespace}/{hub}" if namespace and hub else hub
