"""`consume`: a hub read by azure-eventhub's real client; sinks first, checkpoints after, and nothing passed over."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.eventhub.aio import EventHubConsumerClient
from azure.storage.blob import ContainerClient

from tests.event_hubs_peer import HUB, Peer, event_hubs_peer, ticking
from tests.event_hubs_peer.stream import Partition
from tests.hub_clients import GROUP, read
from tests.records import record
from token_meter.pipeline import Pipeline
from token_meter.row import UsageRow
from token_meter.sinks.dead_letters import DeadLetterFolder
from token_meter.sources import InputUnusable
from token_meter.sources.checkpoints import CheckpointsInThread, FileCheckpoints, checkpoint_store
from token_meter.sources.hub import Consumption, HubConsumer
from token_meter.sources.hub_address import HubAddress, hub_address
from token_meter.sources.hub_progress import END, START, HubProgress
from token_meter.tables import Row

pytestmark = [
    pytest.mark.sockets,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # azure-eventhub leaves broken connections open
    pytest.mark.usefixtures("garbage_collected"),
]
LONGEST_WAIT = 30
FIRST = datetime(2026, 10, 5, 10, 0, 0, tzinfo=UTC)
BRISK: dict[str, Any] = {"share_every": 0.2, "first_pause": 0.01}


def bodies(count: int, first: int = 0) -> list[bytes]:
    """Return the events of so many calls."""
    return [json.dumps(record(requestId=f"call-{number}")).encode() for number in range(first, first + count)]


@dataclass
class Watched:
    """A sink that keeps usage rows in memory, and does to a write what a test tells it to."""

    before: Callable[[Sequence[UsageRow]], object] = lambda _: None
    """Called with a batch's rows before they are kept; raises where the sink is to fail."""
    rows: list[UsageRow] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Keep rows."""
        usage = [row for row in rows if isinstance(row, UsageRow)]
        if usage:
            self.before(usage)
            self.rows += usage
        self.steps += [type(row).__name__ for row in rows[:1]]
        return ()

    @property
    def calls(self) -> list[str]:
        """The calls that are kept, each once."""
        return sorted({row.call_id for row in self.rows})


@dataclass
class Place:
    """A hub, and where its consumers keep things."""

    peer: Peer
    folder: Path

    @property
    def address(self) -> HubAddress:
        """The hub's address."""
        return hub_address("", {"EVENTHUB_CONNECTION": self.peer.connection_string})

    @property
    def checkpoints(self) -> FileCheckpoints:
        """The checkpoints."""
        return FileCheckpoints(self.folder / "checkpoints")

    @property
    def metered(self) -> dict[str, int]:
        """The last sequence number of each partition that has a checkpoint."""
        kept = self.checkpoints.list_checkpoints(self.address.host, HUB, GROUP)
        return {item["partition_id"]: item["sequence_number"] for item in kept}

    def consumer(self, sink: Watched, **how: Any) -> HubConsumer:
        """Return a consumer. Made within the event loop that runs it."""
        pipeline = Pipeline(sink=sink, dead_letters=DeadLetterFolder(self.folder / "letters"))
        return HubConsumer(self.address, self.checkpoints, pipeline, Consumption(**{**BRISK, **how}))

    def consume(self, sink: Watched, **how: Any) -> None:
        """Consume until everything is metered."""

        async def run() -> None:
            await self.consumer(sink, **{"until_idle": 0, **how}).run()

        asyncio.run(asyncio.wait_for(run(), LONGEST_WAIT))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Run a hub of two partitions."""
    with event_hubs_peer(2, clock=ticking(FIRST)) as peer:
        yield Place(peer, tmp_path)


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds. Raises TimeoutError where it takes too long."""
    async with asyncio.timeout(LONGEST_WAIT):
        while not condition():  # noqa: ASYNC110 - other threads bring it about, and none of them tells
            await asyncio.sleep(0.01)


def test_events_become_rows_that_know_where_they_came_from(place: Place) -> None:
    """Hub, partition, number and time, as the Function has them."""
    place.peer.put("1", bodies(3))
    sink = Watched()

    place.consume(sink)

    assert ["call-0", "call-1", "call-2"] == [row.call_id for row in sink.rows]
    last = sink.rows[-1]
    assert (f"127.0.0.1/{HUB}", "1", 2) == (last.event_hub, last.partition, last.sequence_number)
    assert FIRST + timedelta(seconds=1) == last.enqueued_time


def test_a_checkpoint_comes_after_the_rows_and_the_ledger(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order that loses nothing."""
    place.peer.put("0", bodies(1))
    sink = Watched()
    update = FileCheckpoints.update_checkpoint

    def watched(self: FileCheckpoints, checkpoint: dict[str, Any], **options: Any) -> None:
        sink.steps.append("checkpoint")
        update(self, checkpoint, **options)

    monkeypatch.setattr(FileCheckpoints, "update_checkpoint", watched)

    place.consume(sink)

    assert ["UsageRow", "BatchRow", "checkpoint"] == sink.steps


def test_what_is_metered_is_not_read_again(place: Place) -> None:
    """A second run goes on where the first one was."""
    place.peer.put("0", bodies(5))
    place.consume(Watched())
    place.peer.put("0", bodies(2, first=5))
    again = Watched()

    place.consume(again)

    assert ["call-5", "call-6"] == again.calls
    assert {"0": 6} == place.metered


def test_a_batch_that_the_sink_does_not_take_is_tried_until_it_does(place: Place) -> None:
    """The next batch waits: the SDK is not let past it."""
    place.peer.put("0", bodies(30))
    failures = 3
    tried: list[str] = []

    def fail(rows: Sequence[UsageRow]) -> None:
        tried.append(rows[0].call_id)
        if len(tried) <= failures:
            raise OSError("the disk is full")

    sink = Watched(before=fail)
    place.consume(sink, batch_size=10)

    assert ["call-0"] * 4 == tried[:4]
    assert sorted(f"call-{number}" for number in range(30)) == sink.calls
    assert {"0": 29} == place.metered


def test_a_partition_whose_batch_fails_holds_no_other(place: Place) -> None:
    """It waits alone, without a checkpoint; once the sink takes its batch, it goes on."""
    place.peer.put("0", bodies(1))
    place.peer.put("1", bodies(5, first=1))
    mended = threading.Event()

    def fail(rows: Sequence[UsageRow]) -> None:
        if rows[0].partition == "0" and not mended.is_set():
            raise OSError("not this one")

    sink = Watched(before=fail)

    async def run() -> dict[str, int]:
        consumer = place.consumer(sink, until_idle=0)
        running = asyncio.create_task(consumer.run())
        await until(lambda: place.metered.get("1") == 4)
        meanwhile = place.metered
        mended.set()
        await asyncio.wait_for(running, LONGEST_WAIT)
        return meanwhile

    assert {"1": 4} == asyncio.run(run())
    assert {"0": 0, "1": 4} == place.metered


def test_told_to_stop_it_finishes_the_batch_in_hand_and_begins_no_other(place: Place) -> None:
    """What is in hand is kept and checkpointed; what waits is read by the next one."""
    place.peer.put("0", bodies(20))
    release = threading.Event()
    entered: list[int] = []

    def hold(rows: Sequence[UsageRow]) -> None:
        entered.append(len(rows))
        release.wait(LONGEST_WAIT)

    sink = Watched(before=hold)

    async def run() -> None:
        consumer = place.consumer(sink, batch_size=10)
        try:
            running = asyncio.create_task(consumer.run())
            await until(lambda: entered)
            consumer.stop()
        finally:
            release.set()
        await asyncio.wait_for(running, LONGEST_WAIT)

    asyncio.run(run())

    assert [10] == entered
    assert ({"0": 9}, 10) == (place.metered, len(sink.rows))


def test_told_to_stop_while_a_sink_fails_it_leaves_the_batch_to_the_next_one(place: Place) -> None:
    """Without a checkpoint, and without waiting for the sink."""
    place.peer.put("0", bodies(3))
    failed = threading.Event()

    def fail(_: Sequence[UsageRow]) -> None:
        failed.set()
        raise OSError("never")

    async def run() -> None:
        consumer = place.consumer(Watched(before=fail), first_pause=LONGEST_WAIT)
        running = asyncio.create_task(consumer.run())
        await until(failed.is_set)
        consumer.stop()
        await asyncio.wait_for(running, LONGEST_WAIT / 2)

    asyncio.run(run())
    unkept = place.metered
    sink = Watched()
    place.consume(sink)

    assert {} == unkept
    assert ["call-0", "call-1", "call-2"] == sink.calls


def test_what_is_no_record_is_set_aside_and_its_neighbours_are_metered(place: Place) -> None:
    """A poison event holds nothing."""
    place.peer.put("0", [*bodies(1), b"\x00not json", b"", *bodies(1, first=1)])
    sink = Watched()

    place.consume(sink)

    (letter,) = (place.folder / "letters").iterdir()
    letters = [json.loads(line) for line in letter.read_text().splitlines()]
    assert ["call-0", "call-1"] == sink.calls
    assert [("not_json", 1), ("empty_event", 2)] == [(item["reason"], item["sequenceNumber"]) for item in letters]
    assert {"0": 3} == place.metered


def test_a_checkpoint_that_cannot_be_written_holds_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is metered; the next checkpoint that is written stands for it too."""
    place.peer.put("0", bodies(20))
    update = FileCheckpoints.update_checkpoint

    def fail_at_first(self: FileCheckpoints, checkpoint: dict[str, Any], **options: Any) -> None:
        if checkpoint["sequence_number"] == 9:
            raise OSError("not now")
        update(self, checkpoint, **options)

    monkeypatch.setattr(FileCheckpoints, "update_checkpoint", fail_at_first)
    sink = Watched()

    place.consume(sink, batch_size=10)

    assert (20, {"0": 19}) == (len(sink.rows), place.metered)


def test_checkpoints_in_blobs_are_found_again(place: Place, container: ContainerClient) -> None:
    """By the next consumer, wherever it runs."""
    calls = []
    for first in (0, 3):
        place.peer.put("0", bodies(3, first))
        sink = Watched()
        pipeline = Pipeline(sink=sink, dead_letters=DeadLetterFolder(place.folder / "letters"))

        async def run(pipeline: Pipeline = pipeline) -> None:
            how = Consumption(**BRISK, until_idle=0)
            await HubConsumer(place.address, checkpoint_store(container.url), pipeline, how).run()

        asyncio.run(asyncio.wait_for(run(), LONGEST_WAIT))
        calls.append(sink.calls)

    assert [["call-0", "call-1", "call-2"], ["call-3", "call-4", "call-5"]] == calls


def test_two_consumers_share_the_partitions_and_one_takes_over_from_the_other(tmp_path: Path) -> None:
    """Every event is metered, whoever reads which partition; who leaves takes none with him."""
    sinks = Watched(), Watched()

    async def run(place: Place) -> None:
        consumers = [place.consumer(sink) for sink in sinks]
        running = [asyncio.create_task(consumer.run()) for consumer in consumers]

        def sharing() -> bool:
            for name in "0123":
                place.peer.put(name, bodies(1, first=next(numbers)))
            return all(sink.rows for sink in sinks)

        numbers = iter(range(1_000_000))
        await until(sharing)
        consumers[0].stop()
        await running[0]
        for name in "0123":
            place.peer.put(name, bodies(1, first=next(numbers)))
        events = {item.name: len(item.messages) - 1 for item in place.peer.hub.partitions}
        await until(lambda: place.metered == events)
        consumers[1].stop()
        await running[1]

    with event_hubs_peer(4) as peer:
        asyncio.run(run(Place(peer, tmp_path)))
        sent = sum(len(item.messages) for item in peer.hub.partitions)

    assert sent == len({*sinks[0].calls, *sinks[1].calls})


def test_a_connection_that_breaks_loses_nothing(place: Place) -> None:
    """Not even while a batch is in hand."""
    place.peer.put("0", bodies(20))
    broken = threading.Event()

    def break_once(_: Sequence[UsageRow]) -> None:
        if not broken.is_set():
            broken.set()
            place.peer.break_connections()

    sink = Watched(before=break_once)
    place.consume(sink, batch_size=10)

    assert sorted(f"call-{number}" for number in range(20)) == sink.calls
    assert {"0": 19} == place.metered


def test_a_batch_that_was_begun_anew_is_in_one_hand_only(place: Place) -> None:
    """Where the partition was lost and taken again while a sink failed, the old try ends and the new one goes on."""
    place.peer.put("0", bodies(1))
    mended = threading.Event()

    def fail(_: Sequence[UsageRow]) -> None:
        if not mended.is_set():
            raise OSError("not yet")

    sink = Watched(before=fail)

    async def run() -> None:
        consumer = place.consumer(sink, until_idle=0)
        running = asyncio.create_task(consumer.run())
        in_hand = consumer._in_hand  # noqa: SLF001 - no one else tells who has a batch
        await until(lambda: in_hand)
        first = in_hand["0"]
        await asyncio.to_thread(read, place.peer.connection_string, 1, partition_id="0", owner_level=1)
        await until(lambda: in_hand.get("0", first) is not first)
        await until(first.done)
        mended.set()
        await asyncio.wait_for(running, LONGEST_WAIT)

    asyncio.run(run())

    assert (["call-0"], {"0": 0}) == ([row.call_id for row in sink.rows], place.metered)


STARTS = [
    (END, []),
    (FIRST + timedelta(seconds=2), ["call-1", "call-2"]),
    (FIRST + timedelta(seconds=9), []),
]


@pytest.mark.parametrize(("start", "expected"), STARTS)
def test_without_a_checkpoint_it_begins_where_it_is_told(
    place: Place, start: str | datetime, expected: list[str]
) -> None:
    """At the end, or at the first event of a time."""
    for body in bodies(3):
        place.peer.put("0", [body])
    sink = Watched()

    place.consume(sink, start=start)

    assert expected == sink.calls


def test_it_stops_after_so_many_events(place: Place) -> None:
    """The batch that reaches the number is finished."""
    place.peer.put("0", bodies(100))
    sink = Watched()

    place.consume(sink, most_events=15, batch_size=10, until_idle=None)

    assert 20 == len(sink.rows)
    assert {"0": 19} == place.metered


def test_a_hub_that_was_made_anew_is_not_taken_for_metered(place: Place) -> None:
    """Its numbers begin at 0 again, so that the old one's checkpoints would pass over all that it has."""
    place.peer.put("0", bodies(20))
    place.consume(Watched())
    place.peer.hub.partitions[0] = Partition("0")
    place.peer.put("0", bodies(5, first=20))
    sink = Watched()

    with pytest.raises(InputUnusable, match=r"up to event 19, and the hub's last is 4: .* anew"):
        place.consume(sink)

    assert [] == sink.rows


def test_a_hub_that_is_made_anew_meanwhile_is_never_wholly_metered(place: Place) -> None:
    """A run that ends when everything is metered does not end by the old one's checkpoints."""
    place.peer.put("0", bodies(20))
    place.consume(Watched())

    async def all_metered() -> bool:
        client = EventHubConsumerClient.from_connection_string(place.peer.connection_string, GROUP)
        async with client:
            progress = HubProgress(client, CheckpointsInThread(place.checkpoints), place.address.host, GROUP)
            place.peer.hub.partitions[0] = Partition("0")
            return await progress.all_metered(START)

    assert not asyncio.run(all_metered())


class Impatient(HubAddress):
    """A hub that is asked once: the SDK would try for 14 seconds."""

    def client_options(self, managed_identity_client_id: str = "") -> dict[str, Any]:
        """Return the options with no retry."""
        return {**HubAddress.client_options(self, managed_identity_client_id), "retry_total": 0}


def test_a_hub_that_cannot_be_read_is_said_to_be_so(place: Place) -> None:
    """At the start, in one line, instead of trying for ever."""
    elsewhere = place.peer.connection_string.replace(HUB, "another")
    address = Impatient(**asdict(hub_address("", {"EVENTHUB_CONNECTION": elsewhere})))

    async def run() -> None:
        pipeline = Pipeline(sink=Watched(), dead_letters=DeadLetterFolder(place.folder / "letters"))
        await HubConsumer(address, place.checkpoints, pipeline, Consumption()).run()

    with pytest.raises(InputUnusable, match="another: cannot be read") as fault:
        asyncio.run(run())

    assert "\n" not in str(fault.value)
