"""What `$cbs` and `$management` answer."""

from typing import Any

from tests.event_hubs_peer.amqp_values import Array, Int, Long, Timestamp
from tests.event_hubs_peer.stream import EventHub, Partition

NEVER = Timestamp(-62_135_596_800_000)
"""The year 1, which stands for no time at all."""
FOUND, NOT_FOUND = 200, 404


def answer(hub: EventHub, node: str, asked: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return the application properties and the body of an answer."""
    if node == "$cbs":
        return _status(hub.token_status, "as the hub was told"), None
    partition = hub.partition(str(asked.get("partition")))
    if asked.get("operation") != "READ" or asked.get("name") != hub.name:
        return _status(NOT_FOUND, "there is no such hub"), None
    if asked.get("type") == "com.microsoft:eventhub":
        return _status(FOUND, "OK"), _of_hub(hub)
    if asked.get("type") == "com.microsoft:partition" and partition is not None:
        return _status(FOUND, "OK"), _of_partition(hub, partition)
    return _status(NOT_FOUND, "there is no such partition"), None


def _status(code: int, description: str) -> dict[str, Any]:
    return {"status-code": Int(code), "status-description": description}


def _of_hub(hub: EventHub) -> dict[str, Any]:
    return {
        "name": hub.name,
        "type": "com.microsoft:eventhub",
        "created_at": Timestamp(hub.created),
        "partition_count": Int(len(hub.partitions)),
        "partition_ids": Array([item.name for item in hub.partitions]),
    }


def _of_partition(hub: EventHub, partition: Partition) -> dict[str, Any]:
    last = len(partition.messages) - 1
    return {
        "name": hub.name,
        "type": "com.microsoft:partition",
        "partition": partition.name,
        "begin_sequence_number": Long(0),
        "last_enqueued_sequence_number": Long(last),
        "last_enqueued_offset": str(partition.offsets[last]) if last >= 0 else "-1",
        "last_enqueued_time_utc": Timestamp(partition.times[last]) if last >= 0 else NEVER,
        "is_partition_empty": last < 0,
    }
