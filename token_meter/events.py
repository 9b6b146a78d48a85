"""What arrives: events, each some bytes and where they came from."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath


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

    @property
    def file_name(self) -> str:
        """The file's name without its folder, less what is no UTF-8 in it, which JSON could not hold."""
        return PurePath(self.file).name.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its bytes as they arrived, of any content whatever, and its origin."""

    body: bytes
    origin: Origin = Origin()
