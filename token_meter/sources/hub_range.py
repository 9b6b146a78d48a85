"""Part of what a hub still holds, read once, partition by partition: from a sequence number, an offset or a time on.

It takes no events away from other readers of the hub and leaves no checkpoint.
"""

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from azure.eventhub import EventData, EventHubConsumerClient, PartitionContext
from azure.eventhub.exceptions import AuthenticationError, EventHubError

from token_meter.credentials import azure_identity
from token_meter.events import Event
from token_meter.period import Period
from token_meter.sources.files import InputUnusable
from token_meter.sources.hub_address import HubAddress
from token_meter.sources.hub_events import to_events
from token_meter.sources.hub_progress import START, told
from token_meter.sources.replayable import MOST_EVENTS, Batch, Position
from token_meter.times import parse_time

AHEAD = 2
"""Batches that wait to be metered: what is read ahead is bounded."""
LONGEST_SILENCE = 60.0
"""Seconds without an event that the partition says it has."""
AGAIN_AFTER = 1.0
"""Seconds after which a broken connection is made anew."""
READS = "reads partition"
"""What the threads are called that read one."""
HEARD = 0.2
"""Seconds between two looks whether reading has ended."""
Bound: TypeAlias = int | str | datetime | None
"""A sequence number, an offset (a text), a time; None for the partition's first or last event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRange:
    """Which events of a hub: `first` and `last` as they are asked for, of all partitions or of some."""

    address: HubAddress
    first: Bound = None
    """The first event's number or offset, or the time from which on."""
    last: int | datetime | None = None
    """The last event's number, or the time before which; whatever it is, events that come later are left."""
    partitions: tuple[str, ...] = ()
    group: str = "$Default"
    managed_identity_client_id: str = ""

    def batches(self) -> Iterator[Batch]:
        """Yield the events in batches of one partition each. Raises InputUnusable where the hub cannot be read."""
        try:
            with self._client() as client:
                known = [str(name) for name in client.get_partition_ids()]
        except AuthenticationError as fault:
            cure = "grant the identity the role Azure Event Hubs Data Receiver on the hub"
            raise InputUnusable(f"{self.address.name}: access denied; {cure}") from fault
        except (EventHubError, OSError) as fault:
            raise InputUnusable(f"{self.address.name}: cannot be read ({told(fault)})") from fault
        unknown = set(self.partitions) - set(known)
        if unknown:
            raise InputUnusable(f"{self.address.name}: has no partition {', '.join(sorted(unknown))}")
        for partition in self.partitions or known:
            try:
                yield from self._of_partition(partition)
            except EventHubError as fault:
                raise InputUnusable(f"{self._shown(partition)}: cannot be read ({told(fault)})") from fault

    def _of_partition(self, partition: str) -> Iterator[Batch]:
        with self._client() as client:
            properties: dict[str, Any] = client.get_partition_properties(partition)
            newest = int(properties["last_enqueued_sequence_number"])
            end = min(newest, self.last) if isinstance(self.last, int) else newest
            begin = int(properties["beginning_sequence_number"])
            lost = isinstance(self.first, int) and self.first < begin
            if lost:
                problem = f"{self._shown(partition)}: events {self.first} to {begin - 1} are no longer on the hub"
                yield Batch(Position(partition), problem=problem)
            if isinstance(self.first, int) and isinstance(self.last, int) and self.last > newest:
                beyond = f"{max(self.first, newest + 1)} to {self.last}"
                problem = f"{self._shown(partition)}: events {beyond} are not on the hub, whose last is {newest}"
                yield Batch(Position(partition), problem=problem)
            first = None if lost else self.first
            if properties["is_empty"] or (isinstance(first, int) and first > end) or begin > end:
                return
            reader = _Reader(client, partition, first)
            try:
                yield from self._up_to(end, partition, reader)
            finally:
                reader.close()

    def _up_to(self, end: int, partition: str, reader: "_Reader") -> Iterator[Batch]:
        """Yield what a reader gives until the last event that is asked for."""
        start = self.first if isinstance(self.first, datetime) else None
        period = Period(start, self.last if isinstance(self.last, datetime) else None)
        taken = -1
        for received in reader.batches():
            events = [event for event in self._events(partition, received) if taken < _number(event) <= end]
            if not events:
                if received and _last(received) >= end:
                    return
                continue
            taken = _number(events[-1])
            batch = Batch(Position(partition, taken))
            for event in events:
                if period.has(event.origin.enqueued_time):
                    batch.add(event)
            yield batch
            moment = events[-1].origin.enqueued_time
            if taken >= end or (period.end is not None and moment is not None and moment >= period.end):
                return
        raise InputUnusable(f"{self._shown(partition)}: no event after {taken} of {end} ({reader.fault or 'silence'})")

    def _events(self, partition: str, received: Sequence[EventData]) -> list[Event]:
        return to_events(self.address.host, self.address.hub, partition, received)

    def _shown(self, partition: str) -> str:
        return f"{self.address.name} partition {partition}"

    def _client(self) -> EventHubConsumerClient:
        options: dict[str, Any] = {"consumer_group": self.group, "load_balancing_interval": AGAIN_AFTER}
        if self.address.connection_string:
            name = self.address.hub
            return EventHubConsumerClient.from_connection_string(
                self.address.connection_string, eventhub_name=name, **options
            )
        credential = azure_identity(self.managed_identity_client_id)
        return EventHubConsumerClient(self.address.host, self.address.hub, credential=credential, **options)


class _Reader:
    """One partition read by the SDK in a thread of its own, a few batches ahead."""

    def __init__(self, client: EventHubConsumerClient, partition: str, first: Bound) -> None:
        self.fault = ""
        self._client = client
        self._received: queue.Queue[list[EventData]] = queue.Queue(AHEAD)
        exact = isinstance(first, int | str)
        self._thread = threading.Thread(
            target=client.receive_batch,
            args=(self._take,),
            kwargs={
                "partition_id": partition,
                "starting_position": _position(first),
                "starting_position_inclusive": exact,
                "max_batch_size": MOST_EVENTS,
                "prefetch": MOST_EVENTS,
                "on_error": self._note,
            },
            name=f"{READS} {partition}",
            daemon=True,
        )
        self._thread.start()

    def _take(self, _: PartitionContext, events: list[EventData]) -> None:
        self._received.put(events)

    def _note(self, _: PartitionContext | None, fault: Exception) -> None:
        self.fault = told(fault)

    def batches(self) -> Iterator[list[EventData]]:
        """Yield what the SDK receives, until it has been silent for too long. After a fault it may begin anew."""
        with suppress(queue.Empty):
            while True:
                yield self._received.get(timeout=LONGEST_SILENCE)

    def close(self) -> None:
        """Stop the SDK, which may be waiting to hand a batch over."""
        closing = threading.Thread(target=self._client.close, daemon=True)
        closing.start()
        while self._thread.is_alive() or closing.is_alive():
            with suppress(queue.Empty):
                self._received.get(timeout=HEARD)


def _position(first: Bound) -> int | str | datetime:
    """Return where the SDK is to begin; it knows "after this time", and times are whole milliseconds."""
    if isinstance(first, datetime):
        return first - timedelta(milliseconds=1)
    return START if first is None else first


def _number(event: Event) -> int:
    return event.origin.sequence_number if event.origin.sequence_number is not None else -1


def _last(received: Sequence[EventData]) -> int:
    return received[-1].sequence_number if received[-1].sequence_number is not None else -1


def bound_of(text: str, option: str) -> Bound:
    """Return a bound: a sequence number, `offset:` and an offset, a time; None for no text. Raises InputUnusable."""
    if not text:
        return None
    if text.isdecimal():
        return int(text)
    if text.startswith("offset:"):
        return text.removeprefix("offset:")
    moment = parse_time(text)
    if moment is None:
        raise InputUnusable(f"{option} must be a sequence number, offset:NUMBER or a time such as 2026-10-01T00:00:00Z")
    return moment
