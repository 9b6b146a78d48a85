"""Events of azure-eventhub as the meter takes them."""

from collections.abc import Sequence
from typing import Any

from azure.eventhub import EventData
from azure.eventhub.amqp import AmqpMessageBodyType

from token_meter.events import Event, Origin, hub_name
from token_meter.times import as_utc


def to_events(host: str, hub: str, partition: str, events: Sequence[EventData]) -> list[Event]:
    """Return events of one partition: bytes and where they came from."""
    name = hub_name(host, hub)
    return [
        Event(
            bytes_of(event),
            Origin(
                hub=name,
                partition=partition,
                sequence_number=event.sequence_number,
                enqueued_time=as_utc(event.enqueued_time),
            ),
        )
        for event in events
    ]


def bytes_of(event: EventData) -> bytes:
    """Return an event's bytes, whatever kind of AMQP body it has; what is no bytes is no record, and shown as it is."""
    body: Any = event.body
    if event.body_type == AmqpMessageBodyType.DATA:
        return b"".join(body)
    if event.body_type == AmqpMessageBodyType.SEQUENCE:
        body = list(body)
    return body if isinstance(body, bytes) else repr(body).encode("utf-8", "backslashreplace")
