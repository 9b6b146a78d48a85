"""How many events a second `consume` meters: `python bench/consume.py [--events 10000] [--batch-size 100]`.

Ordinary records through the local hub of four partitions, into a sink that keeps nothing and into the embedded store;
beside them the same records through the pipeline without a hub. From the first batch to the last, starting and stopping
aside; one process, so one core at most.
"""

import argparse
import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.event_hubs_peer import peer_process
from tests.hub_clients import send
from token_meter.codes import Via
from token_meter.events import Event, Origin
from token_meter.meter import Outcome
from token_meter.pipeline import Pipeline
from token_meter.simulation import events_of, simulated_calls
from token_meter.sinks import Sink
from token_meter.sinks.dead_letters import DeadLetterFolder
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.sources.checkpoints import FileCheckpoints
from token_meter.sources.hub import Consumption, HubConsumer
from token_meter.sources.hub_address import hub_address
from token_meter.tables import Row

MONTH = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
PARTITIONS = 4


class Nowhere:
    """A sink that keeps nothing."""

    def write(self, _: Sequence[Row]) -> Sequence[Row]:
        """Accept all rows."""
        return ()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Events a second.")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--batch-size", type=int, default=100)
    chosen = parser.parse_args()
    calls = simulated_calls(*MONTH, chosen.events, 1)
    events = list(itertools.islice((event for call in calls for event in events_of(call)), chosen.events))
    with (
        tempfile.TemporaryDirectory() as folder,
        DuckDbStore(str(Path(folder) / "usage.duckdb")) as store,
        peer_process("--partitions", str(PARTITIONS)) as connection,
    ):
        alone = pipeline_rate(events, chosen.batch_size, Path(folder))
        print(f"the pipeline alone, keeping nothing: {alone:,.0f} events/s")
        send(connection, *((events[place::PARTITIONS], {"partition_id": str(place)}) for place in range(PARTITIONS)))
        rates = [
            consume_rate(connection, sink, Consumption(batch_size=chosen.batch_size, until_idle=0), Path(folder) / name)
            for name, sink in (("nothing", Nowhere()), ("store", store))
        ]
    print(f"consume, keeping nothing: {rates[0]:,.0f} events/s, {rates[0] / alone:.2f} of that")
    print(f"consume into the embedded store: {rates[1]:,.0f} events/s, {rates[1] / rates[0]:.2f} of consume alone")


def pipeline_rate(bodies: Sequence[bytes], batch_size: int, folder: Path) -> float:
    """Return how many events a second the pipeline meters, without a hub."""
    pipeline = Pipeline(sink=Nowhere(), dead_letters=DeadLetterFolder(folder / "letters"))
    events = [
        Event(body, Origin(hub="a/b", partition="0", sequence_number=number, enqueued_time=MONTH[0]))
        for number, body in enumerate(bodies)
    ]
    pipeline.process(events[:batch_size], Via.CONSUME)  # tokenizers are loaded once
    started = time.monotonic()
    for start in range(0, len(events), batch_size):
        pipeline.process(events[start : start + batch_size], Via.CONSUME)
    return len(events) / (time.monotonic() - started)


def consume_rate(connection: str, sink: Sink, how: Consumption, folder: Path) -> float:
    """Return how many events a second a consumer meters, from its first batch to its last."""
    done: list[tuple[float, int]] = []

    def note(outcome: Outcome) -> None:
        done.append((time.monotonic(), outcome.received))

    async def consume() -> None:
        pipeline = Pipeline(sink=sink, dead_letters=DeadLetterFolder(folder / "letters"))
        address = hub_address("", {"EVENTHUB_CONNECTION": connection})
        await HubConsumer(address, FileCheckpoints(folder / "checkpoints"), pipeline, how, note).run()

    asyncio.run(consume())
    return sum(count for _, count in done[1:]) / (done[-1][0] - done[0][0])


if __name__ == "__main__":
    main()
