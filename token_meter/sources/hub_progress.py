"""How far a hub is metered."""

import asyncio
import logging
from datetime import datetime
from typing import Any

from azure.eventhub.aio import CheckpointStore, EventHubConsumerClient

from token_meter.identity import bounded

START, END = "-1", "@latest"
"""A partition's first event that the hub still has, and the first that comes after the reader."""

log = logging.getLogger("token_meter")


class HubProgress:
    """How far the consumers of a group have metered a hub, by their checkpoints."""

    def __init__(self, client: EventHubConsumerClient, checkpoints: CheckpointStore, host: str, group: str) -> None:
        """Take a client of the hub, and whose checkpoints to look at."""
        self._client = client
        self._checkpoints = checkpoints
        self._place = (host, client.eventhub_name, group)

    async def metered(self) -> dict[str, int]:
        """Return the last sequence number that was metered, by partition. Raises what the store raises."""
        kept = await self._checkpoints.list_checkpoints(*self._place)
        return {str(item["partition_id"]): int(item["sequence_number"] or 0) for item in kept}

    async def all_metered(self, start: str | datetime) -> bool:
        """Tell whether every event is metered that reading from `start` gives; False where it cannot be told now."""
        try:
            metered, told_of = await self.metered(), await self._partitions()
        except Exception as fault:  # noqa: BLE001 - it is looked at again
            log.warning("how far the hub is metered is not known: %s", told(fault))
            return False
        return all(_reached(item, metered.get(item["id"]), start) for item in told_of)

    async def ahead(self) -> str:
        """Return which partition has a checkpoint for an event that the hub never had, in a few words; none is empty.

        Numbers only grow. So the hub was made anew under its name, and its events up to the old one's number would be
        passed over as if they were metered.
        """
        metered = await self.metered()
        for item in await self._partitions():
            last = int(item["last_enqueued_sequence_number"])
            if metered.get(item["id"], -1) > last:
                return (
                    f"partition {item['id']} is metered up to event {metered[item['id']]}, and the hub's last is {last}"
                )
        return ""

    async def _partitions(self) -> list[dict[str, Any]]:
        partitions = await self._client.get_partition_ids()
        return await asyncio.gather(*(self._client.get_partition_properties(name) for name in partitions))


def _reached(properties: dict[str, Any], metered: int | None, start: str | datetime) -> bool:
    """Tell whether a partition's events are metered as far as they are asked for."""
    last = int(properties["last_enqueued_sequence_number"])
    if properties["is_empty"]:
        return metered is None or metered <= last  # what it had is gone
    if metered is not None:
        return metered == last
    return start == END or (isinstance(start, datetime) and properties["last_enqueued_time_utc"] < start)


def told(fault: Exception) -> str:
    """Return what a service said, in one line of bounded length."""
    lines = str(fault).strip().splitlines()
    return bounded(f"{type(fault).__name__}: {lines[0]}" if lines else type(fault).__name__)
