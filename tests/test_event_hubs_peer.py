"""The Event Hubs peer: what azure-eventhub's real clients find there is what the service would show them."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.eventhub import EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.exceptions import EventHubError

from tests.event_hubs_peer import HUB, Peer, event_hubs_peer, peer_process, ticking
from tests.event_hubs_peer.amqp_values import UInt
from tests.event_hubs_peer.frames import TRANSFER
from tests.event_hubs_peer.links import Reading
from tests.event_hubs_peer.messages import Sent, data_of
from tests.event_hubs_peer.session import Session
from tests.event_hubs_peer.stream import Partition
from tests.hub_clients import GROUP, LONGEST_WAIT, body_of, read, send

pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # azure-eventhub leaves broken ones open
    pytest.mark.usefixtures("garbage_collected"),
]
FIRST = datetime(2026, 10, 5, 10, 0, 0, tzinfo=UTC)
REPOSITORY = Path(__file__).parent.parent


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Run a hub of two partitions whose clock goes on by a second an event."""
    with event_hubs_peer(2, clock=ticking(FIRST)) as running:
        yield running


@pytest.mark.sockets
def test_events_come_back_in_order_numbered_and_dated(peer: Peer) -> None:
    """Sequence numbers from 0, offsets that grow, times in UTC, bytes as they were."""
    bodies = [b"\x00\xff", b"", b'{"a":1}']
    send(peer.connection_string, (bodies, {"partition_id": "1"}))

    events = [event for _, event in read(peer.connection_string, 3)]

    assert bodies == [body_of(event) for event in events]
    assert [0, 1, 2] == [event.sequence_number for event in events]
    assert sorted({int(event.offset or "") for event in events}) == [int(event.offset or "") for event in events]
    assert {FIRST + timedelta(seconds=1)} == {event.enqueued_time for event in events}


@pytest.mark.sockets
def test_a_partition_gets_what_is_sent_to_it_and_a_key_stays_on_one(peer: Peer) -> None:
    """What names neither takes turns."""
    keyed, anywhere = ([b"keyed"], {"partition_key": "a key"}), ([b"any"], dict[str, Any]())
    send(peer.connection_string, ([b"to 0"], {"partition_id": "0"}), *[keyed, anywhere] * 2)

    events = read(peer.connection_string, 5)

    assert ["0"] == [partition for partition, event in events if body_of(event) == b"to 0"]
    assert 1 == len({partition for partition, event in events if body_of(event) == b"keyed"})
    assert {b"a key"} == {event.partition_key for _, event in events if body_of(event) == b"keyed"}
    assert ["0", "1"] == sorted(partition for partition, event in events if body_of(event) == b"any")


@pytest.mark.sockets
def test_an_event_of_nearly_a_megabyte_goes_both_ways_whole(peer: Peer) -> None:
    """It takes many frames."""
    body = os.urandom(1_000_000)
    send(peer.connection_string, ([body], {}))

    ((_, event),) = read(peer.connection_string, 1)

    assert body == body_of(event)


START, SECOND = "amqp.annotation.x-opt-", int(FIRST.timestamp() + 1) * 1_000
POSITIONS = [
    ("", 0),
    ("offset > '-1'", 0),
    ("offset > '{offset}'", 2),
    ("offset >= '{offset}'", 1),
    ("offset > '@latest'", 4),
    ("sequence-number > '1'", 2),
    ("sequence-number >= '1'", 1),
    ("sequence-number > '99'", 4),
    (f"enqueued-time > '{SECOND}'", 2),
    (f"enqueued-time >= '{SECOND}'", 1),
    (f"enqueued-time > '{SECOND - 1}'", 1),
]


@pytest.mark.parametrize(("position", "first"), POSITIONS)
def test_a_position_is_the_first_event_that_its_filter_lets_through(position: str, first: int) -> None:
    """By offset, sequence number or time, after it or at it."""
    partition = Partition("0")
    for clock in range(4):
        partition.append([Sent(None, data_of(b"x"))], SECOND + (clock - 1) * 1_000)
    selector = START + position.format(offset=partition.offsets[1]) if position else ""

    assert first == partition.place_of(selector)


def test_what_is_no_position_is_refused() -> None:
    """Not taken for the start."""
    with pytest.raises(ValueError, match="no filter"):
        Partition("0").place_of("1 = 1")


@pytest.mark.sockets
def test_a_consumer_starts_at_the_time_that_it_says(peer: Peer) -> None:
    """The SDK writes the filter out of a time."""
    for number in range(4):
        peer.put("0", [b"%d" % number])

    events = read(
        peer.connection_string, 3, starting_position=FIRST + timedelta(seconds=2), starting_position_inclusive=True
    )

    assert [b"1", b"2", b"3"] == [body_of(event) for _, event in events]


@pytest.mark.sockets
def test_a_consumer_goes_on_after_an_offset(peer: Peer) -> None:
    """As it does from a checkpoint."""
    peer.put("0", [b"a", b"b", b"c"])
    (_, _, *_), (_, second), _ = read(peer.connection_string, 3)

    ((_, event),) = read(peer.connection_string, 1, starting_position=second.offset)

    assert b"c" == body_of(event)


@pytest.mark.sockets
def test_a_waiting_consumer_gets_what_comes_later_and_nothing_before_its_end(peer: Peer) -> None:
    """`@latest` is the end of the stream when the consumer came."""
    peer.put("0", [b"before"])
    started = threading.Event()
    events: list[Any] = []
    client = EventHubConsumerClient.from_connection_string(peer.connection_string, GROUP)

    def take(_: Any, batch: list[Any]) -> None:
        events.extend(body_of(event) for event in batch)
        started.set()
        if events:
            client.close()

    # called with nothing after max_wait_time, the consumer is there
    arguments: dict[str, Any] = {"partition_id": "0", "starting_position": "@latest", "max_wait_time": 1.5}
    thread = threading.Thread(target=lambda: client.receive_batch(take, **arguments))
    thread.start()
    assert started.wait(LONGEST_WAIT)
    peer.put("0", [b"after"])
    thread.join(LONGEST_WAIT)

    assert [b"after"] == events


@pytest.mark.sockets
def test_the_hub_and_its_partitions_are_described(peer: Peer) -> None:
    """As the service does, an empty partition included."""
    peer.put("1", [b"a", b"b"])
    with EventHubProducerClient.from_connection_string(peer.connection_string) as client:
        hub = client.get_eventhub_properties()
        empty, full = (client.get_partition_properties(name) for name in ("0", "1"))

    assert (HUB, ["0", "1"]) == (hub["eventhub_name"], hub["partition_ids"])
    assert (True, -1) == (empty["is_empty"], empty["last_enqueued_sequence_number"])
    assert (False, 1, FIRST + timedelta(seconds=1)) == (
        full["is_empty"],
        full["last_enqueued_sequence_number"],
        full["last_enqueued_time_utc"],
    )


@pytest.mark.sockets
def test_a_hub_that_is_not_there_is_an_error(peer: Peer) -> None:
    """Not an empty one."""
    elsewhere = peer.connection_string.replace(HUB, "another")
    with (
        EventHubProducerClient.from_connection_string(elsewhere, retry_total=0) as client,
        pytest.raises(EventHubError),
    ):
        client.get_eventhub_properties()


@pytest.mark.sockets
def test_a_reader_with_the_same_epoch_takes_the_partition_over(peer: Peer) -> None:
    """The one before is told, and reads no further."""
    errors: list[Exception] = []
    reading, lost = threading.Event(), threading.Event()
    first = EventHubConsumerClient.from_connection_string(peer.connection_string, GROUP, retry_total=0)

    def on_error(_: Any, fault: Exception) -> None:
        errors.append(fault)
        lost.set()
        first.close()

    peer.put("0", [b"a"])
    arguments: dict[str, Any] = {"partition_id": "0", "owner_level": 0, "starting_position": "-1"}
    thread = threading.Thread(
        target=lambda: first.receive_batch(lambda *_: reading.set(), on_error=on_error, **arguments)
    )
    thread.start()
    assert reading.wait(LONGEST_WAIT)

    events = read(peer.connection_string, 1, partition_id="0", owner_level=0)

    assert lost.wait(LONGEST_WAIT)
    thread.join()
    assert 1 == len(events)
    assert "link:stolen" in str(errors[0])


@pytest.mark.sockets
def test_a_client_gets_over_a_broken_connection(peer: Peer) -> None:
    """It comes back and reads on where it was."""
    peer.put("0", [b"a"])
    client = EventHubConsumerClient.from_connection_string(peer.connection_string, GROUP)
    events: list[bytes] = []

    def take(_: Any, batch: list[Any]) -> None:
        events.extend(body_of(event) for event in batch)
        if events == [b"a"]:
            peer.break_connections()
            peer.put("0", [b"b"])
        else:
            client.close()

    client.receive_batch(take, partition_id="0", starting_position="-1")

    assert [b"a", b"b"] == events


def test_no_more_is_sent_than_the_client_gave_credit_for() -> None:
    """Neither by the link's credit nor by the session's window."""
    sent: list[int] = []
    session = Session(lambda code, *_: sent.append(code), lambda *_: None, 65_536, [None, UInt(0), UInt(5)])
    partition = Partition("0")
    partition.append([Sent(None, data_of(b"x"))] * 10, 0)
    reader = Reading(session, 1, partition, "", None, settled=True)
    reader.begin("")

    reader.on_flow([*[None] * 5, UInt(0), UInt(3)])
    by_credit = sent.count(TRANSFER)
    reader.on_flow([*[None] * 5, UInt(3), UInt(100)])

    assert (3, 5) == (by_credit, sent.count(TRANSFER))


@pytest.mark.sockets
def test_a_peer_of_its_own_serves_the_events_of_a_file(tmp_path: Path) -> None:
    """One a line, from the start."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"a\nb\n")
    with peer_process("--events", str(path), "--partitions", "1") as connection_string:
        events = read(connection_string, 2)

    assert [b"a", b"b"] == [body_of(event) for _, event in events]


@pytest.mark.sockets
def test_a_peer_of_its_own_ends_with_its_parent() -> None:
    """Its standard output closes, however the parent went."""
    script = (
        "import os, subprocess, sys; parent = str(os.getpid());"
        "subprocess.Popen([sys.executable, '-m', 'tests.event_hubs_peer', '--parent', parent])"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE) as parent:
        out, _ = parent.communicate(timeout=LONGEST_WAIT)

    assert out.startswith(b"Endpoint=sb://127.0.0.1:")
