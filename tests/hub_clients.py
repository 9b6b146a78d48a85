"""azure-eventhub's own clients, as tests use them: events sent, events read, both over a real socket."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any, cast

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient

GROUP = "$Default"
LONGEST_WAIT = 20
"""Seconds until a read that never gets what it waits for ends, with what it has."""


def send(connection_string: str, *sendings: tuple[Sequence[bytes], dict[str, Any]]) -> None:
    """Send events; each sending says where to: nothing, a `partition_id` or a `partition_key`."""
    with EventHubProducerClient.from_connection_string(connection_string) as producer:
        for bodies, where in sendings:
            for batch in _batches(producer, bodies, where):
                producer.send_batch(batch)


def _batches(producer: EventHubProducerClient, bodies: Sequence[bytes], where: dict[str, Any]) -> Iterator[Any]:
    batch = producer.create_batch(**where)
    for body in bodies:
        try:
            batch.add(EventData(body))
        except ValueError:  # it is full
            yield batch
            batch = producer.create_batch(**where)
            batch.add(EventData(body))
    yield batch


def read(connection_string: str, count: int, **how: Any) -> list[tuple[str, EventData]]:
    """Return the first events that a consumer gets, each with its partition; `how` is for the SDK's `receive_batch`."""
    events: list[tuple[str, EventData]] = []
    client = EventHubConsumerClient.from_connection_string(connection_string, GROUP)
    enough = threading.Event()

    def take(partition: Any, batch: list[EventData]) -> None:
        events.extend((partition.partition_id, event) for event in batch)
        if len(events) >= count:
            enough.set()

    options = {"starting_position": "-1", **how}
    thread = threading.Thread(target=lambda: client.receive_batch(take, **options))
    thread.start()
    enough.wait(LONGEST_WAIT)
    client.close()
    thread.join()
    return events


def body_of(event: EventData) -> bytes:
    """Return an event's bytes."""
    return b"".join(cast("Iterator[bytes]", event.body))
