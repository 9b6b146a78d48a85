"""What lies in a store and can be metered again, in batches: dead letters, and what Event Hubs Capture wrote.

Batches are cut the same way each time and never across two names, and each says where it ends, so that a replay that
was stopped goes on there.
"""

import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, TypeAlias, cast

from token_meter.dated_names import MARGIN, CaptureNames, Look, days
from token_meter.events import Event
from token_meter.period import ALWAYS, AT_ONCE, Period
from token_meter.sources.capture import place_of, read_capture
from token_meter.sources.dead_letters import Unreplayable, read_letter
from token_meter.sources.stores import Store, StoreUnreadable, parts_of, walk

MOST_EVENTS = 500
MOST_BYTES = 16 * 1024 * 1024
"""Of a batch; its last event may exceed it."""
CAPTURE_ENDS, LETTER_ENDS = (".avro", ".avro.gz"), (".jsonl",)
NO_PLACE = (
    "its name does not tell hub and partition, without which its records could be counted twice; CAPTURE_NAME_FORMAT "
    "says how Capture names its blobs"
)
Read: TypeAlias = Callable[[IO[bytes]], Iterator[Event | Unreplayable]]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a replay is: in what a name stands for, after the record of this number, from 1; None is its end."""

    name: str = ""
    number: int | None = 0

    def is_behind(self, name: str) -> bool:
        """Tell whether all of what a name stands for was done before."""
        mine, others = parts_of(self.name), parts_of(name)
        return bool(self.name) and (others < mine or (others == mine and self.number is None))


START = Position()


@dataclass(slots=True)
class Batch:
    """Events to meter together, possibly none, and what beside them could not be."""

    ends: Position
    letter: str = ""
    """The dead letter that the events are from; empty where they are from somewhere else."""
    events: list[Event] = field(default_factory=list)
    unreplayable: Counter[Unreplayable] = field(default_factory=Counter)
    problem: str = ""
    """Why the rest of what the name stands for could not be read; one line."""
    size: int = 0

    def add(self, item: Event | Unreplayable) -> None:
        """Take a record in."""
        if isinstance(item, Event):
            self.events.append(item)
            self.size += len(item.body)
        else:
            self.unreplayable[item] += 1

    @property
    def is_full(self) -> bool:
        """Whether the next record belongs into the next batch."""
        return len(self.events) >= MOST_EVENTS or self.size >= MOST_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayable:
    """What of a store is to be metered again: letters by their first record's arrival, captured events by theirs."""

    store: Store
    period: Period = ALWAYS
    names: CaptureNames = field(default_factory=CaptureNames)
    after: Position = START

    def batches(self) -> Iterator[Batch]:
        """Yield the batches in order, at least one a name. Raises StoreUnreadable; what is damaged its batch says."""
        for name in walk(self.store, self._look):
            if self.after.is_behind(name):
                continue
            if name.endswith(CAPTURE_ENDS):
                yield from self._of_capture(name)
            elif name.endswith(LETTER_ENDS):
                yield from self._of_letter(name)

    def _look(self, folder: str) -> Look:
        """Return whether a folder may hold something of the period that comes after where the replay is."""
        parts = parts_of(folder)
        if folder and self.after.name and parts < parts_of(self.after.name)[: len(parts)]:
            return Look.SKIP
        looks = {self.names.look(folder, self.period, MARGIN), days().look(folder, self.period, AT_ONCE)}
        return next((look for look in (Look.OPEN, Look.ALL, Look.SKIP) if look in looks), Look.ALL)

    def _of_capture(self, name: str) -> Iterator[Batch]:
        place = self.names.place(name)
        if place is not None and not self.period.meets(place.began, place.began, MARGIN):
            return
        hub, partition = (place.hub, place.partition) if place is not None else place_of(name)
        if not hub:
            yield Batch(Position(name, None), problem=f"{self.store.shown(name)}: {NO_PLACE}")
            return

        def read(stream: IO[bytes]) -> Iterator[Event]:
            return read_capture(_unpacked(stream, name), name, (hub, partition))

        yield from self._read(name, read, lambda event: self.period.has(event.origin.enqueued_time))

    def _of_letter(self, name: str) -> Iterator[Batch]:
        letter = self.store.letter(name)

        def read(stream: IO[bytes]) -> Iterator[Event | Unreplayable]:
            items = read_letter(stream, letter)
            for item in items:
                if isinstance(item, Event) and not self.period.has(item.origin.enqueued_time):
                    return
                yield item
                if isinstance(item, Event):
                    yield from items

        yield from self._read(name, read, letter=letter)

    def _read(
        self, name: str, read: Read, wanted: Callable[[Event], bool] = lambda _: True, letter: str = ""
    ) -> Iterator[Batch]:
        """Yield the batches of one name; the last, which ends it, also where nothing is in it."""
        done = self.after.number or 0 if name == self.after.name else 0
        number, batch = 0, Batch(Position(name, None), letter)
        try:
            with self.store.open(name) as stream:
                for number, item in enumerate(read(stream), start=1):
                    if number <= done or (isinstance(item, Event) and not wanted(item)):
                        continue
                    batch.add(item)
                    if batch.is_full:
                        batch.ends = Position(name, number)
                        yield batch
                        batch = Batch(Position(name, None), letter)
        except StoreUnreadable:
            raise
        except Exception as fault:  # noqa: BLE001 - damaged Avro raises whatever it leads fastavro into
            batch.problem = f"{self.store.shown(name)}: damaged after record {number} ({type(fault).__name__})"
        yield batch


def _unpacked(stream: IO[bytes], name: str) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile(fileobj=stream)) if name.endswith(".gz") else stream
