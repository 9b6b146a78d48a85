"""The hub: that it is there, that its consumer group can be read, and how far the partitions are metered."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient
from azure.eventhub.exceptions import AuthenticationError, EventHubError

from token_meter.doctor.check import Check, failed, ok, skipped
from token_meter.doctor.cures import TAKES, failures, grant, hub_scope
from token_meter.sources.checkpoints import checkpoint_store
from token_meter.sources.files import InputUnusable
from token_meter.sources.hub_address import HubAddress

HUB, GROUP, PARTITIONS = "hub", "consumer group", "partitions"
RECEIVER = "Azure Event Hubs Data Receiver"
LONGEST_WAIT = 60
"""Seconds for the hub's answers; the SDK asks for its partitions, 32 at most, one by one."""
QUIET = 5
"""Seconds after which a group that says nothing has let a reader in: a refusal comes in the first."""
LATE = timedelta(minutes=15)
"""Events that wait longer are more than a batch's delay; the alert's default as well (infra/main.bicep)."""
CHECKPOINTS = "azure-webjobs-eventhub"
"""The container in which the Functions host keeps them (platform's own name)."""
NOT_THERE = re.compile(r"not[-_ ]?found", re.IGNORECASE)
READ_BY_ANOTHER = re.compile(r"stolen|epoch", re.IGNORECASE)

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HubLook:
    """The hub that is looked at, and as whom."""

    address: HubAddress
    group: str
    client_id: str
    assignee: str
    checkpoints: str
    """Address of the container with checkpoints; empty where it is not told."""

    @property
    def namespace(self) -> str:
        """The namespace's name, as az takes it."""
        return self.address.host.partition(".")[0]

    def checks(self) -> Iterator[Check]:
        """Yield the checks of the hub."""
        yield from asyncio.run(self._look())

    async def _look(self) -> list[Check]:
        options = self.address.client_options(self.client_id)
        make = EventHubConsumerClient.from_connection_string if "conn_str" in options else EventHubConsumerClient
        client = make(consumer_group=self.group, retry_total=0, **options)
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                partitions = await _partitions(client)
        except (EventHubError, OSError) as fault:
            return [self._no_hub(fault), *(skipped(name, "the hub is not read") for name in (GROUP, PARTITIONS))]
        else:
            there = ok(HUB, f"{self.address.name} has {len(partitions)} partitions")
            return [there, await self._group(client, partitions), self._metered(partitions)]
        finally:
            await client.close()

    def _no_hub(self, fault: Exception) -> Check:
        if isinstance(fault, AuthenticationError):
            return failed(HUB, f"{self.address.name} refuses the identity", self._role_cure())
        if NOT_THERE.search(str(fault)):
            listed = f"az eventhubs eventhub list --resource-group GROUP --namespace-name {self.namespace}"
            return failed(HUB, f"there is no {self.address.name}", f"set EVENT_HUB_NAME to one that is: `{listed}`")
        return failed(
            HUB,
            f"{self.address.name} gives no answer ({type(fault).__name__})",
            f"let this network out to {self.address.host} on port 5671, or run where its private endpoint is seen",
        )

    async def _group(self, client: EventHubConsumerClient, partitions: list[Properties]) -> Check:
        """Read one event as any reader may, without a checkpoint: it takes nothing from the Function."""
        fault = await _read_one(client, partitions)
        if fault is None:
            return ok(GROUP, f"{self.group} can be read")
        said = str(fault)
        if READ_BY_ANOTHER.search(said):
            return ok(GROUP, f"{self.group} is there, and its owner reads it now")
        if NOT_THERE.search(said):
            made = (
                f"az eventhubs eventhub consumer-group create --resource-group GROUP --namespace-name {self.namespace} "
                f"--eventhub-name {self.address.hub} --name {self.group}"
            )
            return failed(GROUP, f"there is no {self.group}", f"make it, or set EVENT_HUB_CONSUMER_GROUP: `{made}`")
        return failed(GROUP, f"{self.group} does not let the identity read ({type(fault).__name__})", self._role_cure())

    def _role_cure(self) -> str:
        role = grant(RECEIVER, self.assignee, hub_scope(self.namespace, self.address.hub))
        return f"grant the role: {role} {TAKES}"

    def _metered(self, partitions: list[Properties]) -> Check:
        """Hold the last events against the checkpoints of whoever meters them."""
        if not self.checkpoints:
            return skipped(PARTITIONS, "AzureWebJobsStorage__blobServiceUri does not say where the checkpoints are")
        try:
            store = checkpoint_store(self.checkpoints, self.client_id)
            kept = store.list_checkpoints(self.address.host, self.address.hub, self.group)
            metered = {str(item["partition_id"]): int(item["sequence_number"] or 0) for item in kept}
        except InputUnusable as fault:
            return skipped(PARTITIONS, f"the checkpoints cannot be read: {fault}")
        except Exception as fault:  # noqa: BLE001 - whatever it is: the lag is not known, and nothing else is wrong
            role = "Storage Blob Data Reader on the host's storage"
            return skipped(PARTITIONS, f"the checkpoints cannot be read ({type(fault).__name__}); it takes {role}")
        return _lag(partitions, metered)


async def _partitions(client: EventHubConsumerClient) -> list[Properties]:
    ids = await client.get_partition_ids()
    return list(await asyncio.gather(*(client.get_partition_properties(item) for item in ids)))


async def _read_one(client: EventHubConsumerClient, partitions: list[Properties]) -> Exception | None:
    """Return why a partition cannot be read; None where it can."""
    filled = next((item for item in partitions if not item["is_empty"]), None)
    place = (
        {"starting_position": "@latest"}
        if filled is None
        else {"starting_position": str(filled["last_enqueued_offset"]), "starting_position_inclusive": True}
    )
    partition = (filled or partitions[0])["id"]
    seen: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    async def note(_context: object, event: EventData | Exception | None) -> None:
        if not seen.done():
            seen.set_result(event if isinstance(event, Exception) else None)

    reading = asyncio.create_task(
        client.receive(note, partition_id=partition, max_wait_time=QUIET, prefetch=1, on_error=note, **place)
    )
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            return await seen
    except TimeoutError as fault:
        return fault
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


def _lag(partitions: list[Properties], metered: Mapping[str, int]) -> Check:
    behind = {
        item["id"]: int(item["last_enqueued_sequence_number"]) - metered.get(item["id"], _before_first(item))
        for item in partitions
        if not item["is_empty"]
    }
    late = [
        item["id"]
        for item in partitions
        if behind.get(item["id"], 0) > 0 and datetime.now(UTC) - item["last_enqueued_time_utc"] > LATE
    ]
    told = ", ".join(f"{name} by {count}" for name, count in behind.items() if count > 0)
    seen = f"behind in events: {told}" if told else "all events are metered"
    if not late:
        return ok(PARTITIONS, seen)
    return failed(
        PARTITIONS,
        f"{seen}; for over {LATE.seconds // 60} minutes in {', '.join(late)}",
        f"see why the Function fails (docs/runbook.md, `lag`): {failures()}",
    )


def _before_first(partition: Properties) -> int:
    return int(partition["beginning_sequence_number"]) - 1
