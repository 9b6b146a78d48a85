"""Part of a hub, read once through azure-eventhub's real client: what was asked for, whole and once."""

import gc
import json
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from azure.eventhub import EventHubConsumerClient

from tests.event_hubs_peer import HUB, Peer, event_hubs_peer, ticking
from tests.hub_clients import read
from tests.records import record
from tests.replay_cases import BEGAN
from token_meter.meter import meter
from token_meter.sources import InputUnusable
from token_meter.sources.hub_address import HubAddress, hub_address
from token_meter.sources.hub_range import READS, Bound, HubRange, bound_of
from token_meter.sources.replayable import Batch

pytestmark = [
    pytest.mark.sockets,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # azure-eventhub leaves broken ones open
    pytest.mark.usefixtures("garbage_collected"),
]


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Run a hub of two partitions whose clock goes on by a second a put; its making takes the first."""
    with event_hubs_peer(2, clock=ticking(BEGAN - timedelta(seconds=1))) as running:
        yield running


def fill(peer: Peer, partition: str, count: int) -> None:
    """Put events on a partition, one a second."""
    for number in range(count):
        peer.put(partition, [json.dumps(record(requestId=f"{partition}-{number}")).encode()])


def asked(peer: Peer, first: Bound = None, last: Any = None, partitions: Sequence[str] = ()) -> list[Batch]:
    """Return the batches of a range."""
    return [*HubRange(address=at(peer), first=first, last=last, partitions=tuple(partitions)).batches()]


def at(peer: Peer) -> HubAddress:
    """Return the peer's hub."""
    return hub_address(HUB, {"EVENTHUB_CONNECTION": peer.connection_string})


def numbers(batches: Sequence[Batch]) -> list[tuple[str, int | None]]:
    """Return partition and sequence number of every event."""
    return [(event.origin.partition, event.origin.sequence_number) for batch in batches for event in batch.events]


def test_all_of_a_hub_is_read_partition_by_partition_and_then_no_more(peer: Peer) -> None:
    """What comes while it is read is somebody else's."""
    fill(peer, "0", 3)
    fill(peer, "1", 2)

    assert [("0", 0), ("0", 1), ("0", 2), ("1", 0), ("1", 1)] == numbers(asked(peer))


def test_an_empty_hub_is_nothing(peer: Peer) -> None:
    """At once, not after a silence."""
    assert [] == asked(peer)


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        (2, 4, [2, 3, 4]),
        (0, 0, [0]),
        (5, None, [5, 6]),
        (None, 1, [0, 1]),
        (6, 99, [6]),
        (99, None, []),
        (4, 3, []),
        (BEGAN + timedelta(seconds=2), BEGAN + timedelta(seconds=4), [2, 3]),
        (BEGAN + timedelta(seconds=5), None, [5, 6]),
        (None, BEGAN + timedelta(seconds=1), [0]),
        (BEGAN - timedelta(days=1), BEGAN, []),
        (3, BEGAN + timedelta(seconds=5), [3, 4]),
    ],
)
def test_a_range_is_from_a_number_or_a_time_to_another(peer: Peer, first: Bound, last: Any, found: list[int]) -> None:
    """Numbers with their last, as the ledger names them; times without their end, as periods are."""
    fill(peer, "1", 7)

    assert [("1", number) for number in found] == numbers(asked(peer, first, last, ["1"]))


def test_a_range_may_begin_at_an_offset(peer: Peer) -> None:
    """As other tools' checkpoints have it."""
    fill(peer, "0", 4)
    offset = next(event.offset for _, event in read(peer.connection_string, 4) if event.sequence_number == 2)

    assert [("0", 2), ("0", 3)] == numbers(asked(peer, bound_of(f"offset:{offset}", "--from"), None, ["0"]))


def test_an_event_is_the_same_as_the_trigger_gets_it(peer: Peer) -> None:
    """Hub, partition, number and time, so that its identity is the same."""
    fill(peer, "1", 1)

    (batch,) = asked(peer, partitions=["1"])

    (row,) = meter(batch.events).rows
    assert (f"127.0.0.1/{HUB}", "1", 0, BEGAN) == (
        row.event_hub,
        row.partition,
        row.sequence_number,
        row.enqueued_time,
    )


def test_events_that_the_hub_has_no_more_are_said_to_be_missing(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of the range is read all the same. The peer forgets nothing, so its answer is changed here."""
    fill(peer, "0", 5)
    asked_for = EventHubConsumerClient.get_partition_properties

    def after_a_week(client: EventHubConsumerClient, partition: str) -> dict[str, Any]:
        return {**asked_for(client, partition), "beginning_sequence_number": 3}

    monkeypatch.setattr(EventHubConsumerClient, "get_partition_properties", after_a_week)

    missing, *rest = asked(peer, 1, 4, ["0"])

    assert "events 1 to 2 are no longer on the hub" in missing.problem
    assert {("0", 3), ("0", 4)} <= set(numbers(rest))  # the peer has the others still


@pytest.mark.parametrize(
    ("first", "last", "found", "beyond"),
    [
        (3, 9, [3, 4], "events 5 to 9 are not on the hub, whose last is 4"),
        (7, 9, [], "events 7 to 9 are not on the hub"),
    ],
)
def test_events_that_the_hub_never_had_are_said_to_be_missing(
    peer: Peer, first: int, last: int, found: list[int], beyond: str
) -> None:
    """As where it was made anew, and the ledger asks for the old one's. What there is of the range is read."""
    fill(peer, "0", 5)

    missing, *rest = asked(peer, first, last, ["0"])

    assert beyond in missing.problem
    assert [("0", number) for number in found] == numbers(rest)


def test_a_connection_that_breaks_costs_no_event_and_gives_none_twice(peer: Peer) -> None:
    """The SDK begins anew at the range's first event; what was taken is not taken again."""
    fill(peer, "0", 900)
    batches: list[Batch] = []

    for batch in HubRange(address=at(peer), partitions=("0",)).batches():
        batches.append(batch)
        if len(batches) == 1:
            peer.break_connections()

    assert [("0", number) for number in range(900)] == numbers(batches)


def test_a_reader_that_stops_early_leaves_nothing_running(peer: Peer) -> None:
    """A failing sink ends a replay in the middle."""
    fill(peer, "0", 900)
    for batch in HubRange(address=at(peer), partitions=("0",)).batches():
        assert 0 < len(batch.events) < 900
        break

    gc.collect()  # what is left of the loop
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(READS)]


def test_a_hub_that_cannot_be_read_is_said_to_be_so() -> None:
    """In one line: another partition, no hub."""
    with event_hubs_peer(1) as peer, pytest.raises(InputUnusable, match="has no partition 7"):
        asked(peer, partitions=["7"])


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("", None),
        ("41", 41),
        ("offset:4096", "4096"),
        ("2026-10-05T13:00:00Z", BEGAN),
        ("2026-10-05T15:00:00+02:00", BEGAN),
    ],
)
def test_a_bound_is_what_it_looks_like(text: str, bound: Bound) -> None:
    """A number, an offset, a time."""
    assert bound == bound_of(text, "--from")
