"""Checkpoints and who reads what, in a file of one machine and in blobs: the SDK's contract for both."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from azure.eventhub import CheckpointStore

from token_meter.sources import InputUnusable
from token_meter.sources.checkpoints import FileCheckpoints, checkpoint_store

GROUP = ("contoso-ai.servicebus.windows.net", "ai-usage", "token-meter")
Make = Callable[[], CheckpointStore]


def place(partition: str = "0", **more: Any) -> dict[str, Any]:
    """Return a record of a partition."""
    namespace, hub, group = GROUP
    names = {"fully_qualified_namespace": namespace, "eventhub_name": hub, "consumer_group": group}
    return {**names, "partition_id": partition, **more}


@pytest.fixture(params=["file", pytest.param("blobs", marks=pytest.mark.sockets)])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Return how one consumer after another opens the same checkpoints."""
    where = str(tmp_path / "new" / "checkpoints")
    if request.param == "blobs":
        where = request.getfixturevalue("container").url
    return lambda: checkpoint_store(where)


def test_a_new_store_knows_nothing(make: Make) -> None:
    """Every partition is begun, and free."""
    assert ([], []) == (list(make().list_checkpoints(*GROUP)), list(make().list_ownership(*GROUP)))


def test_the_last_checkpoint_of_each_partition_is_kept(make: Make) -> None:
    """For whoever opens the store next, and for this group alone."""
    store = make()
    store.update_checkpoint(place("0", offset="4096", sequence_number=1))
    store.update_checkpoint(place("1", offset="-1", sequence_number=0))
    store.update_checkpoint(place("0", offset="8192", sequence_number=2))

    kept = sorted(make().list_checkpoints(*GROUP), key=lambda item: item["partition_id"])

    assert [place("0", offset="8192", sequence_number=2), place("1", offset="-1", sequence_number=0)] == kept
    assert [] == list(make().list_checkpoints(GROUP[0], GROUP[1], "another group"))


def test_a_partition_is_taken_over_only_by_who_knows_its_present_owner(make: Make) -> None:
    """Of two who saw the same owner, the first one has it."""
    (first,) = make().claim_ownership([place(owner_id="a")])
    (seen,) = make().list_ownership(*GROUP)

    (taken,) = make().claim_ownership([{**seen, "owner_id": "b"}])
    too_late = make().claim_ownership([{**seen, "owner_id": "c"}])
    renewed_too_late = make().claim_ownership([first])

    assert ("a", "b") == (seen["owner_id"], taken["owner_id"])
    assert ([], []) == (list(too_late), list(renewed_too_late))
    assert taken["last_modified_time"] >= first["last_modified_time"]
    assert ["b"] == [item["owner_id"] for item in make().list_ownership(*GROUP)]


def test_of_many_who_want_a_free_partition_one_gets_it(tmp_path: Path) -> None:
    """In a file: Azurite does not refuse the second one, as the service does."""
    path = tmp_path / "checkpoints"
    FileCheckpoints(path)
    with ThreadPoolExecutor(8) as pool:
        claims = pool.map(lambda name: FileCheckpoints(path).claim_ownership([place(owner_id=str(name))]), range(16))

    assert 1 == sum(len(claimed) for claimed in claims)


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """All claims of a call, or none."""
    store = FileCheckpoints(tmp_path / "checkpoints")

    with pytest.raises(sqlite3.Error):
        store.claim_ownership([place("0", owner_id="a"), place("1", owner_id=object())])

    assert [] == store.list_ownership(*GROUP)


@pytest.mark.parametrize(
    "where",
    [
        "https://account.blob.core.windows.net",
        "https://account.blob.core.windows.net/container/folder",
        "https://account.blob.core.windows.net/container?sig=secret",
        "http://account.blob.core.windows.net/container",
        "/dev/null/checkpoints",
    ],
)
def test_what_can_hold_no_checkpoints_is_said_to_be_so(where: str) -> None:
    """In one line without the secret."""
    with pytest.raises(InputUnusable) as fault:
        checkpoint_store(where)

    assert "\n" not in str(fault.value)
    assert "secret" not in str(fault.value)


def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    """And said to be no file for checkpoints."""
    path = tmp_path / "usage.csv"
    path.write_text("a,b\n" * 1_000)

    with pytest.raises(InputUnusable, match="no file for checkpoints"):
        checkpoint_store(str(path))

    assert "a,b\n" * 1_000 == path.read_text()
