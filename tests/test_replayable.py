"""What lies in a folder or a container, in batches: all of a period, nothing else, and the same batches each time."""

import gzip
import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ContainerClient, StorageStreamDownloader

from tests.replay_cases import BEGAN, HUB, BlobPlace, FolderPlace, Place, capture_name, captured
from token_meter.blob_storage import container_client
from token_meter.codes import Reason
from token_meter.dated_names import CaptureNames
from token_meter.events import Event, Origin
from token_meter.period import Period
from token_meter.record import Rejected
from token_meter.sources import replayable
from token_meter.sources.dead_letters import Unreplayable
from token_meter.sources.replayable import Batch, Position, Replayable
from token_meter.sources.stores import BlobStore, FolderStore, StoreUnreadable, parts_of

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["folder", pytest.param("blobs", marks=pytest.mark.sockets)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Return a folder and a container in turn."""
    if request.param == "folder":
        yield FolderPlace(tmp_path / "replayable")
        return
    client: ContainerClient = request.getfixturevalue("container")
    yield BlobPlace(client)


def events_in(batches: Sequence[Batch]) -> list[Event]:
    """Return the events of batches."""
    return [event for batch in batches for event in batch.events]


def numbers_in(batches: Sequence[Batch]) -> list[int | None]:
    """Return the sequence numbers of batches' events."""
    return [event.origin.sequence_number for event in events_in(batches)]


def store_letters(place: Place, *days: int) -> None:
    """Keep a dead letter a day of October, each with two records of the day."""
    for day in days:
        origins = [
            Origin(hub=HUB, partition="3", sequence_number=10 * day + number, enqueued_time=arrived)
            for number, arrived in enumerate([datetime(2026, 10, day, 23, tzinfo=UTC)] * 2)
        ]
        place.letters.store(
            [Rejected(reason=Reason.NOT_JSON, stage="decode", origin=origin, body=b"poison") for origin in origins]
        )


def test_captured_events_have_the_places_that_their_blobs_names_tell(place: Place) -> None:
    """Wherever the folder lies; the time to the second."""
    place.put(capture_name(), captured([b"one", b"two"]))
    place.put(capture_name("4"), captured([b"three"], first=7))

    events = events_in([*Replayable(store=place.store).batches()])

    assert [(b"one", HUB, "3", 40, BEGAN), (b"two", HUB, "3", 41, BEGAN + timedelta(seconds=1))] == [
        (event.body, event.origin.hub, event.origin.partition, event.origin.sequence_number, event.origin.enqueued_time)
        for event in events[:2]
    ]
    assert [("4", 7)] == [(event.origin.partition, event.origin.sequence_number) for event in events[2:]]


def test_of_capture_a_period_has_the_events_that_arrived_in_it(place: Place) -> None:
    """Out of the windows around its bounds too, and none twice where the next period is replayed."""
    for number in range(60):
        began = BEGAN + number * MINUTE
        place.put(capture_name(began=began), captured([b"x"] * 3, first=number * 3, began=began))
    bounds = [BEGAN, BEGAN + 13 * MINUTE + timedelta(seconds=1), BEGAN + 40 * MINUTE, BEGAN + 60 * MINUTE]

    found = [
        numbers_in([*Replayable(store=place.store, period=Period(start, end)).batches()])
        for start, end in itertools.pairwise(bounds)
    ]

    assert [[*range(40)], [*range(40, 120)], [*range(120, 180)]] == found


def test_of_dead_letters_a_period_has_those_whose_first_record_arrived_in_it(place: Place) -> None:
    """Whole letters, so that adjacent periods divide them."""
    store_letters(place, 1, 2, 3)
    second = Period(datetime(2026, 10, 2, tzinfo=UTC), datetime(2026, 10, 3, tzinfo=UTC))

    assert [20, 21] == numbers_in([*Replayable(store=place.store, period=second).batches()])


def test_letters_without_a_time_are_in_an_open_period_only(place: Place) -> None:
    """They came from no hub."""
    place.letters.store(
        [Rejected(reason=Reason.NOT_JSON, stage="decode", origin=Origin(file="f", line=1), body=b"poison")]
    )

    assert [1, 0] == [
        len(events_in([*Replayable(store=place.store, period=period).batches()]))
        for period in (Period(), Period(start=datetime(2026, 10, 1, tzinfo=UTC)))
    ]


@pytest.mark.sockets
def test_a_container_is_not_listed_beyond_the_period(container: ContainerClient) -> None:
    """A year of Capture is hundreds of thousands of names; a day of it is found by its folders."""
    for day in range(60):
        began = BEGAN + timedelta(days=day)
        container.upload_blob(capture_name(began=began), captured([b"x"], began=began))
    listed: list[str] = []

    class Watched(BlobStore):
        def names(self, folder: str) -> list[str]:
            listed.append(folder)
            return super().names(folder)

    tenth = Period(datetime(2026, 10, 10, 1, tzinfo=UTC), datetime(2026, 10, 11, tzinfo=UTC))
    found = events_in([*Replayable(store=Watched(container), period=tenth).batches()])

    assert 1 == len(found)
    assert [f"{HUB}/3/2026/10/10/", f"{HUB}/3/2026/10/11/"] == listed


def test_capture_of_another_format_is_read_when_that_is_told(place: Place) -> None:
    """And is said to be unusable when it is not: its events could be counted twice."""
    place.put("out/2026/10/05/contoso-ai-usage-3/13-00-00.avro", captured([b"x"]))
    told = CaptureNames("out/{Year}/{Month}/{Day}/{Namespace}-{EventHub}-{PartitionId}/{Hour}-{Minute}-{Second}")

    (untold,) = Replayable(store=place.store).batches()
    (batch,) = Replayable(store=place.store, names=told).batches()

    assert ([], True) == (untold.events, "CAPTURE_NAME_FORMAT" in untold.problem)
    assert [("contoso-ai/usage", "3")] == [(event.origin.hub, event.origin.partition) for event in batch.events]


def test_a_packed_capture_file_is_read(place: Place) -> None:
    """As people keep them."""
    place.put(capture_name() + ".gz", gzip.compress(captured([b"x", b"y"])))

    assert [40, 41] == numbers_in([*Replayable(store=place.store).batches()])


@pytest.mark.parametrize("content", [b"", b"Obj\x01nonsense", captured([b"x" * 99] * 99)[:-30], b"\x1f\x8b"])
def test_damage_costs_the_rest_of_one_file_and_is_said(place: Place, content: bytes) -> None:
    """The others are replayed."""
    place.put(capture_name("1"), captured([b"x"]))
    place.put(capture_name("2"), content)
    place.put(capture_name("3"), captured([b"y"]))

    batches = [*Replayable(store=place.store).batches()]

    assert {b"x", b"y"} <= {event.body for event in events_in(batches)}
    (problem,) = [batch.problem for batch in batches if batch.problem]
    assert f"{capture_name('2')}: damaged after record 0" in problem


def test_other_files_are_left_alone(place: Place) -> None:
    """A folder may hold anything."""
    for name in ("README.md", "x.unfinished", "events.json", "2026/10/05/notes.txt"):
        place.put(name, b"nothing to replay")

    assert [] == [*Replayable(store=place.store).batches()]


def test_what_a_letter_does_not_give_back_is_counted(place: Place) -> None:
    """Beside what it does."""
    store_letters(place, 1)
    place.put("2026/10/01/hub/3/broken.jsonl", b"garbage\n")

    batches = [*Replayable(store=place.store).batches()]

    assert (2, 1) == (len(events_in(batches)), sum(batch.unreplayable[Unreplayable.DAMAGED] for batch in batches))


def test_batches_are_bounded_and_end_where_the_next_begins(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """By number and by size, never across two names; going on after one gives the rest in the same cuts."""
    monkeypatch.setattr(replayable, "MOST_EVENTS", 3)
    monkeypatch.setattr(replayable, "MOST_BYTES", 1_000)
    place.put(capture_name("0"), captured([b"x"] * 7))
    place.put(capture_name("1"), captured([b"y" * 600] * 5, first=90))
    store_letters(place, 3, 1)

    batches = [*Replayable(store=place.store).batches()]

    assert [1, 1, 2, 2, 2, 2, 3, 3] == sorted(len(batch.events) for batch in batches)
    for place_of_batch, batch in enumerate(batches):
        left = [*Replayable(store=place.store, after=batch.ends).batches()]
        rest = [numbers_in([later]) for later in batches[place_of_batch + 1 :] if later.events]
        assert rest == [numbers_in([later]) for later in left if later.events]


@pytest.mark.sockets
def test_going_on_does_not_depend_on_how_a_store_orders_its_names(container: ContainerClient) -> None:
    """Hierarchical accounts order by part, flat ones by character, and `-` comes before `/`."""
    names = ["2026/10/05/a/3/x.jsonl", "2026/10/05/a-b/3/x.jsonl", "2026/10/05/a/4/x.jsonl", "2026/10/05/a.b/x.jsonl"]
    for name in names:
        container.upload_blob(name, b"garbage\n")
    store = BlobStore(container)

    ends = [batch.ends for batch in Replayable(store=store).batches()]

    assert sorted(names, key=parts_of) == [end.name for end in ends]
    for number, end in enumerate(ends):
        rest = [batch.ends for batch in Replayable(store=store, after=end).batches()]
        assert ends[number + 1 :] == rest


@pytest.mark.sockets
def test_a_blob_that_stands_for_a_folder_is_passed_over(container: ContainerClient) -> None:
    """Some tools make one, and every listing of the folder has it."""
    container.upload_blob("2026/", b"")
    container.upload_blob("2026/10/", b"")
    container.upload_blob("2026/10/05/contoso/0/letter.jsonl", b"garbage\n")

    (batch,) = Replayable(store=BlobStore(container)).batches()

    assert "2026/10/05/contoso/0/letter.jsonl" == batch.ends.name


@pytest.mark.sockets
def test_a_container_that_is_not_there_raises_with_the_cure(container: ContainerClient) -> None:
    """Also when a blob is gone while it is read."""
    gone = container_client(f"{container.url}-gone")
    with pytest.raises(StoreUnreadable, match="status 404: check the container's address"):
        [*Replayable(store=BlobStore(gone)).batches()]
    with pytest.raises(StoreUnreadable, match="status 404"), BlobStore(container).open("no such blob"):
        pass


@pytest.mark.sockets
def test_a_download_that_breaks_off_is_no_damage(container: ContainerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may go well next time, so it is not passed over."""
    container.upload_blob(capture_name(), captured([b"x"]))
    store = BlobStore(container)

    def broken(*_: object, **__: object) -> bytes:
        raise HttpResponseError("content of a request")

    monkeypatch.setattr(StorageStreamDownloader, "read", broken)  # Azurite breaks no connection on demand

    with pytest.raises(StoreUnreadable, match="cannot be read to its end") as fault:
        [*Replayable(store=store).batches()]
    assert "content" not in str(fault.value)


def test_a_single_file_is_enough(tmp_path: Path) -> None:
    """Of a letter, as of Capture where its path tells what it is."""
    place = FolderPlace(tmp_path / "all")
    store_letters(place, 5)
    place.put(capture_name(), captured([b"x"]))
    (letter,) = (tmp_path / "all").glob("*.jsonl")

    assert [50, 51] == numbers_in([*Replayable(store=FolderStore(letter)).batches()])
    assert [40] == numbers_in([*Replayable(store=FolderStore(tmp_path / "all" / capture_name())).batches()])
    assert Position(letter.as_posix(), None) == [*Replayable(store=FolderStore(letter)).batches()][-1].ends
