"""Checkpoints: how far each partition was metered, and who reads it. In blobs, or in a file of one machine.

A checkpoint is written after the sinks took everything before it. So whoever writes one, and however late, no event
before it is lost; an older checkpoint over a newer one only has events metered again.
"""

import asyncio
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from azure.eventhub import CheckpointStore
from azure.eventhub.aio import CheckpointStore as AsyncCheckpointStore

from token_meter.blob_storage import container_client
from token_meter.container_address import UnusableAddress, container_address
from token_meter.credentials import azure_identity
from token_meter.sources.files import InputUnusable

PLACE = ("fully_qualified_namespace", "eventhub_name", "consumer_group", "partition_id")
TABLES = f"""
CREATE TABLE IF NOT EXISTS ownership ({" TEXT, ".join(PLACE)} TEXT,
    owner_id TEXT, etag TEXT, last_modified_time REAL, PRIMARY KEY ({", ".join(PLACE)}));
CREATE TABLE IF NOT EXISTS checkpoint ({" TEXT, ".join(PLACE)} TEXT,
    offset TEXT, sequence_number INTEGER, PRIMARY KEY ({", ".join(PLACE)}));
"""
LONGEST_WAIT = 30
"""Seconds that one process waits for another to leave the file alone."""

Record = dict[str, Any]
"""A checkpoint or an ownership as azure-eventhub has it."""


class FileCheckpoints(CheckpointStore):
    """Checkpoints in a SQLite file, for consumers on one machine; any number of processes may share it."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises InputUnusable where it cannot be one."""
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._connection() as connection:
                connection.executescript(TABLES)
        except (OSError, sqlite3.Error) as fault:
            raise InputUnusable(f"{path}: no file for checkpoints ({type(fault).__name__})") from fault

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction, which is kept unless something raises."""
        with closing(sqlite3.connect(self._path, timeout=LONGEST_WAIT, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def list_ownership(
        self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str, **_: Any
    ) -> list[Record]:
        """Return who reads which partition."""
        return self._of_group("ownership", fully_qualified_namespace, eventhub_name, consumer_group)

    def list_checkpoints(
        self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str, **_: Any
    ) -> list[Record]:
        """Return how far each partition was metered."""
        return self._of_group("checkpoint", fully_qualified_namespace, eventhub_name, consumer_group)

    def claim_ownership(self, ownership_list: Iterable[Record], **_: Any) -> list[Record]:
        """Take partitions, and return those that nobody took meanwhile."""
        with self._connection() as connection:
            return [claimed for wanted in ownership_list if (claimed := _claim(connection, wanted)) is not None]

    def update_checkpoint(self, checkpoint: Record, **_: Any) -> None:
        """Keep how far a partition was metered."""
        with self._connection() as connection:
            _put(connection, "checkpoint", checkpoint)

    def _of_group(self, table: str, *group: str) -> list[Record]:
        where = " AND ".join(f"{name} = ?" for name in PLACE[:-1])
        with self._connection() as connection:
            return [dict(row) for row in connection.execute(f"SELECT * FROM {table} WHERE {where}", group)]  # noqa: S608


def _claim(connection: sqlite3.Connection, wanted: Record) -> Record | None:
    where = " AND ".join(f"{name} = ?" for name in PLACE)
    place = [wanted[name] for name in PLACE]
    kept = connection.execute(f"SELECT etag FROM ownership WHERE {where}", place).fetchone()  # noqa: S608
    if kept is not None and kept["etag"] != wanted.get("etag"):
        return None
    claimed = {**wanted, "etag": str(uuid.uuid4()), "last_modified_time": time.time()}
    _put(connection, "ownership", claimed)
    return claimed


def _put(connection: sqlite3.Connection, table: str, record: Record) -> None:
    columns = ", ".join(record)
    places = ", ".join("?" for _ in record)
    statement = f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 - the SDK's own names
    connection.execute(statement, list(record.values()))


class CheckpointsInThread(AsyncCheckpointStore):
    """A checkpoint store of azure-eventhub's blocking kind, for its asynchronous client."""

    def __init__(self, store: CheckpointStore) -> None:
        """Take the store."""
        self._store = store

    async def list_ownership(
        self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str, **options: Any
    ) -> Iterable[Record]:
        """Return who reads which partition."""
        place = (fully_qualified_namespace, eventhub_name, consumer_group)
        return await asyncio.to_thread(self._store.list_ownership, *place, **options)

    async def list_checkpoints(
        self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str, **options: Any
    ) -> Iterable[Record]:
        """Return how far each partition was metered."""
        place = (fully_qualified_namespace, eventhub_name, consumer_group)
        return await asyncio.to_thread(self._store.list_checkpoints, *place, **options)

    async def claim_ownership(self, ownership_list: Iterable[Record], **options: Any) -> Iterable[Record]:
        """Take partitions, and return those that nobody took meanwhile."""
        return await asyncio.to_thread(self._store.claim_ownership, ownership_list, **options)

    async def update_checkpoint(self, checkpoint: Record, **options: Any) -> None:
        """Keep how far a partition was metered."""
        await asyncio.to_thread(self._store.update_checkpoint, checkpoint, **options)


def checkpoint_store(where: str, managed_identity_client_id: str = "") -> CheckpointStore:
    """Return the checkpoints in a container, given by its address, or in a file. Raises InputUnusable."""
    if "://" not in where:
        return FileCheckpoints(Path(where))
    from azure.eventhub.extensions.checkpointstoreblob import BlobCheckpointStore  # noqa: PLC0415 - part of `local`

    try:
        address = container_address(where)
    except UnusableAddress as fault:
        raise InputUnusable(f"--checkpoints {fault}") from None
    if address.path:
        raise InputUnusable("--checkpoints must be a container's address, without a folder in it")
    client = container_client(where, azure_identity(managed_identity_client_id))
    return BlobCheckpointStore(where, "", container_client=client)
