"""A hub's stream: partitions that events are appended to and read from at any place, any number of times."""

import bisect
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.event_hubs_peer.messages import Sent, delivered

POSITION = re.compile(r"amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time) (>=?) '([^']*)'")
"""The selector filter that a consumer says its place with."""
END = "@latest"
TOKEN_TAKEN = 202


class Reader(Protocol):
    """One who reads a partition."""

    def wake(self) -> None:
        """Take what is new."""


@dataclass(slots=True)
class Partition:
    """One partition: its events in order, numbered from 0."""

    name: str
    messages: list[bytes] = field(default_factory=list)
    """Each event as a consumer is sent it."""
    offsets: list[int] = field(default_factory=list)
    """Bytes before each event."""
    times: list[int] = field(default_factory=list)
    """Milliseconds since 1970, never falling."""
    size: int = 0
    readers: set[Reader] = field(default_factory=set)

    def append(self, events: Sequence[Sent], now: int) -> None:
        """Take events in."""
        for event in events:
            time = max(now, self.times[-1]) if self.times else now
            self.messages.append(delivered(event, len(self.messages), str(self.size), time))
            self.offsets.append(self.size)
            self.times.append(time)
            self.size += len(self.messages[-1])
        for reader in tuple(self.readers):
            reader.wake()

    def place_of(self, selector: str) -> int:
        """Return the index of the first event that a filter lets through. Raises ValueError where it is no filter."""
        if not selector:
            return 0
        found = POSITION.fullmatch(selector)
        if found is None:
            raise ValueError(f"no filter: {selector}")
        kind, operator, value = found.groups()
        if value == END:
            return len(self.messages)
        columns: dict[str, Sequence[int]] = {
            "offset": self.offsets,
            "enqueued-time": self.times,
            "sequence-number": range(len(self.messages)),
        }
        search = bisect.bisect_left if operator == ">=" else bisect.bisect_right
        return search(columns[kind], int(value))


class EventHub:
    """One hub in memory. Consumer groups need not be declared, unless `groups` names those that there are."""

    def __init__(self, name: str, partitions: int, clock: Callable[[], int]) -> None:
        """Take the hub's name and number of partitions; `clock` gives milliseconds since 1970."""
        self.name = name
        self.clock = clock
        self.created = clock()
        self.partitions = [Partition(str(number)) for number in range(partitions)]
        self.groups: frozenset[str] | None = None
        self.token_status = TOKEN_TAKEN
        """What `$cbs` answers to a token; any other status refuses it."""
        self._turn = 0

    def partition(self, name: str) -> Partition | None:
        """Return a partition by its name."""
        return next((item for item in self.partitions if item.name == name), None)

    def append(self, events: Sequence[Sent], partition: Partition | None = None) -> None:
        """Take events that were sent together: into the given partition, else by their key, else by turns."""
        if partition is None:
            key = events[0].key if events else None
            partition = self._next() if key is None else self._of_key(key)
        partition.append(events, self.clock())

    def _next(self) -> Partition:
        self._turn += 1
        return self.partitions[(self._turn - 1) % len(self.partitions)]

    def _of_key(self, key: str) -> Partition:
        return self.partitions[zlib.crc32(key.encode()) % len(self.partitions)]
