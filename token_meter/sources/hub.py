"""A hub read without end: every batch through the pipeline, then its checkpoint. What `token-meter consume` runs.

azure-eventhub shares the partitions among all consumers of a group and hands their batches over, a partition's one by
one and different partitions' side by side. A batch that a sink does not take is tried again until it does: meanwhile
its partition waits, and the others go on. No failure ever moves past a batch.
"""

import asyncio
import functools
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from azure.eventhub import CheckpointStore, EventData
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext
from azure.eventhub.exceptions import AuthenticationError, EventHubError

from token_meter.codes import Via
from token_meter.events import Event
from token_meter.meter import Outcome
from token_meter.pipeline import Pipeline
from token_meter.sources.checkpoints import CheckpointsInThread
from token_meter.sources.files import InputUnusable
from token_meter.sources.hub_address import HubAddress
from token_meter.sources.hub_events import to_events
from token_meter.sources.hub_progress import START, HubProgress, told

MOST_AT_ONCE = 32
"""Batches metered at once: the partitions that a hub of the standard tier can have."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
"""Seconds between the tries of a batch that a sink did not take, as the Function's retry policy has them."""
LOOKED_AGAIN = 0.5
"""Seconds between two looks whether everything on the hub is metered."""
OWNERSHIP_LASTS = 6
"""Of the intervals at which consumers share out the partitions: after that long a consumer that is gone has none."""

log = logging.getLogger("token_meter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumption:
    """How a hub is read."""

    group: str = "$Default"
    batch_size: int = 100
    """Events a batch at most; at the 200 KB where API Management cuts an event, a batch is 20 MB."""
    start: str | datetime = START
    """Where a partition without a checkpoint is begun: `START`, `END`, or a time."""
    share_every: float = 10.0
    """Seconds between two looks at how the partitions are shared."""
    first_pause: float = FIRST_PAUSE
    until_idle: float | None = None
    """Seconds without an event, and with everything on the hub metered, after which reading ends; None for never."""
    most_events: int | None = None
    """Events after which reading ends; None for no end."""


class HubConsumer:
    """One consumer of a hub's consumer group."""

    def __init__(
        self,
        address: HubAddress,
        checkpoints: CheckpointStore,
        pipeline: Pipeline,
        how: Consumption,
        on_outcome: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        """Take the hub, where its checkpoints are, and what batches go through; `on_outcome` hears of each kept one."""
        self._address = address
        self._checkpoints = CheckpointsInThread(checkpoints)
        self._pipeline = pipeline
        self._how = how
        self._on_outcome = on_outcome
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, "meter")
        self._stopping = asyncio.Event()
        self._in_hand: dict[str, asyncio.Task[Any]] = {}
        self._settled = asyncio.Condition()
        self._taken = 0
        self._quiet_since = 0.0

    def stop(self) -> None:
        """Have reading end once the batches in hand are kept. To be called on the event loop."""
        self._stopping.set()

    async def run(self, managed_identity_client_id: str = "") -> None:
        """Read until told to stop. Raises InputUnusable where the hub or the checkpoints cannot be read at all."""
        client = self._client(managed_identity_client_id)
        try:
            progress = HubProgress(client, self._checkpoints, self._address.host, self._how.group)
            await self._look(client, progress)
            await self._read(client, progress)
        finally:
            await client.close()
            self._pool.shutdown()

    def _client(self, managed_identity_client_id: str) -> EventHubConsumerClient:
        options = self._address.client_options(managed_identity_client_id)
        make = EventHubConsumerClient.from_connection_string if "conn_str" in options else EventHubConsumerClient
        return make(
            consumer_group=self._how.group,
            checkpoint_store=self._checkpoints,
            load_balancing_interval=self._how.share_every,
            partition_ownership_expiration_interval=self._how.share_every * OWNERSHIP_LASTS,
            **options,
        )

    async def _look(self, client: EventHubConsumerClient, progress: HubProgress) -> None:
        """Find at the start what would fail for ever."""
        try:
            await client.get_eventhub_properties()
        except AuthenticationError as fault:
            cure = "grant the identity the role Azure Event Hubs Data Receiver on the hub"
            raise InputUnusable(f"{self._address.name}: access denied; {cure}") from fault
        except (EventHubError, OSError) as fault:
            raise InputUnusable(f"{self._address.name}: cannot be read ({told(fault)})") from fault
        try:
            ahead = await progress.ahead()
        except Exception as fault:
            raise InputUnusable(f"the checkpoints cannot be read ({told(fault)})") from fault
        if ahead:
            cure = "the hub was made anew; give it checkpoints of its own, and all that it has is read"
            raise InputUnusable(f"{self._address.name}: {ahead}: {cure}")

    async def _read(self, client: EventHubConsumerClient, progress: HubProgress) -> None:
        start = self._how.start
        self._quiet_since = asyncio.get_running_loop().time()
        reading = asyncio.create_task(
            client.receive_batch(
                self._on_batch,
                max_batch_size=self._how.batch_size,
                # the SDK knows "after this time", and times are whole milliseconds
                starting_position=start - timedelta(milliseconds=1) if isinstance(start, datetime) else start,
                on_error=self._on_error,
            )
        )
        ends: list[asyncio.Task[Any]] = [reading, asyncio.create_task(self._stopping.wait())]
        if self._how.until_idle is not None:
            ends.append(asyncio.create_task(self._idle(progress, self._how.until_idle)))
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        self._stopping.set()
        async with self._settled:
            await self._settled.wait_for(lambda: not self._in_hand)
        await client.close()
        for task in ends:
            task.cancel()
        for task in ends:
            with suppress(asyncio.CancelledError):
                await task

    async def _on_batch(self, partition: PartitionContext, events: list[EventData]) -> None:
        """Keep a batch and checkpoint it. Returns only then, or is cancelled: the SDK moves on when it returns."""
        if not self._stopping.is_set():
            self._take_in_hand(partition.partition_id)
            try:
                if await self._keep(partition, events):
                    return
            finally:
                await self._let_go(partition.partition_id)
        await asyncio.get_running_loop().create_future()  # closing the client cancels it

    def _take_in_hand(self, partition: str) -> None:
        """Note who has a partition's batch. Where the SDK began it anew, an older batch of it is let go unkept."""
        older = self._in_hand.get(partition)
        if older is not None:
            older.cancel()
        self._in_hand[partition] = cast("asyncio.Task[Any]", asyncio.current_task())

    async def _let_go(self, partition: str) -> None:
        if self._in_hand.get(partition) is asyncio.current_task():
            del self._in_hand[partition]
        self._quiet_since = asyncio.get_running_loop().time()
        async with self._settled:
            self._settled.notify_all()

    async def _keep(self, partition: PartitionContext, events: list[EventData]) -> bool:
        """Return whether a batch is kept and checkpointed; it is not where reading ends while a sink fails."""
        place = (partition.fully_qualified_namespace, partition.eventhub_name, partition.partition_id)
        batch = to_events(*place, events)
        work = functools.partial(self._pipeline.process, batch, Via.CONSUME)
        pause = self._how.first_pause
        while True:
            try:
                outcome = await asyncio.get_running_loop().run_in_executor(self._pool, work)
                break
            except Exception as fault:  # noqa: BLE001 - whatever it is, the batch is not kept, and is not passed over
                log.warning("%s waits %.0f s: %s", _place(batch), pause, _named(fault))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
                return False
            pause = min(pause * 2, LONGEST_PAUSE)
        await self._checkpoint(partition, events[-1], batch)
        self._count(batch, outcome)
        return True

    async def _checkpoint(self, partition: PartitionContext, last: EventData, batch: Sequence[Event]) -> None:
        """Write a batch's checkpoint; where that fails, the next batch's one will do."""
        try:
            await partition.update_checkpoint(last)
        except Exception as fault:  # noqa: BLE001 - the batch is kept; without its checkpoint it may be metered again
            log.warning("%s is metered, its checkpoint is not written: %s", _place(batch), told(fault))

    def _count(self, batch: Sequence[Event], outcome: Outcome) -> None:
        rejected, ignored = len(outcome.rejected), len(outcome.ignored)
        counts = (outcome.received, len(outcome.rows), rejected, ignored)
        log.info("%s: received %d, metered %d, rejected %d, ignored %d", _place(batch), *counts)
        self._on_outcome(outcome)
        self._taken += len(batch)
        if self._how.most_events is not None and self._taken >= self._how.most_events:
            self._stopping.set()

    async def _on_error(self, partition: PartitionContext | None, fault: Exception) -> None:
        """Tell what the SDK met: it reads the partition again from its checkpoint, or shares out again."""
        what = f"partition {partition.partition_id} is begun anew" if partition else "sharing out the partitions"
        log.warning("%s: %s", what, told(fault))

    async def _idle(self, progress: HubProgress, seconds: float) -> None:
        """Return once everything on the hub is metered, by whomever, and nothing has come for so many seconds."""
        loop = asyncio.get_running_loop()
        while True:
            quiet = not self._in_hand and loop.time() - self._quiet_since >= seconds
            if quiet and await progress.all_metered(self._how.start):
                return
            await asyncio.sleep(LOOKED_AGAIN)


def _place(batch: Sequence[Event]) -> str:
    first, last = batch[0].origin, batch[-1].origin
    return f"partition {first.partition}, events {first.sequence_number} to {last.sequence_number}"


def _named(fault: Exception) -> str:
    """Return what failed in one line: the meter's own words, else the class alone, since others may quote content."""
    own = type(fault).__module__.startswith("token_meter.")
    return told(fault) if own else type(fault).__name__
