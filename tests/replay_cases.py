"""What replays are tested with: Capture files, stores that have dead letters and captured events, and the totals."""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import fastavro
from azure.storage.blob import ContainerClient

from token_meter.events import Event
from token_meter.kql import run_query
from token_meter.sinks.dead_letter_blobs import DeadLetterBlobs
from token_meter.sinks.dead_letters import DeadLetterFolder, DeadLetters
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.sources.stores import BlobStore, FolderStore, Store

BEGAN = datetime(2026, 10, 5, 13, 0, 0, tzinfo=UTC)
HUB = "contoso-ai/usage"
CAPTURE_SCHEMA = fastavro.parse_schema(
    {
        "type": "record",
        "name": "EventData",
        "namespace": "Microsoft.ServiceBus.Messaging",
        "fields": [
            {"name": "SequenceNumber", "type": "long"},
            {"name": "Offset", "type": "string"},
            {"name": "EnqueuedTimeUtc", "type": "string"},
            {"name": "SystemProperties", "type": {"type": "map", "values": ["long", "double", "string", "bytes"]}},
            {"name": "Properties", "type": {"type": "map", "values": ["long", "double", "string", "bytes", "null"]}},
            {"name": "Body", "type": ["null", "bytes"]},
        ],
    }
)


def capture_name(partition: str = "3", began: datetime = BEGAN) -> str:
    """Return the name of a blob as Capture gives it."""
    return f"{HUB}/{partition}/{began:%Y/%m/%d/%H/%M/%S}.avro"


def captured(bodies: Sequence[bytes], first: int = 40, began: datetime = BEGAN) -> bytes:
    """Return a Capture file of events that arrived a second after each other, the first when the window began."""
    entries = [
        {
            "SequenceNumber": first + place,
            "Offset": str(4096 * place),
            "EnqueuedTimeUtc": f"{began + timedelta(seconds=place):%m/%d/%Y %I:%M:%S %p}",
            "SystemProperties": {},
            "Properties": {},
            "Body": body,
        }
        for place, body in enumerate(bodies)
    ]
    stream = io.BytesIO()
    fastavro.writer(stream, CAPTURE_SCHEMA, entries, codec="deflate")
    return stream.getvalue()


class Place(Protocol):
    """Where things lie that can be replayed."""

    store: Store
    letters: DeadLetters

    def put(self, name: str, content: bytes) -> None:
        """Put something there."""


class FolderPlace:
    """A folder."""

    def __init__(self, folder: Path) -> None:
        """Make the folder."""
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self.store: Store = FolderStore(folder)
        self.letters: DeadLetters = DeadLetterFolder(folder)

    def put(self, name: str, content: bytes) -> None:
        """Write a file."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class BlobPlace:
    """A container."""

    def __init__(self, container: ContainerClient) -> None:
        """Take the container."""
        self._container = container
        self.store: Store = BlobStore(container)
        self.letters: DeadLetters = DeadLetterBlobs(container)

    def put(self, name: str, content: bytes) -> None:
        """Upload a blob."""
        self._container.upload_blob(name, content, overwrite=True)


def totals(store: DuckDbStore) -> Mapping[str, Any]:
    """Return what everyone reads: every call, every rejected record, and the ledger by what read the events.

    Of the calls not the notes: one says that an observation came out of a letter, which stays true.
    """
    questions = {
        "calls": "TokenUsage() | project-away Observations, Notes | sort by CallId asc",
        "rejected": "TokenRejected() | project-away ReadTime, Outcome, Recovered | sort by EventId asc",
        "recovered": "TokenRejected() | summarize Records = count() by Outcome, Recovered | sort by Outcome asc",
        "ledger": "TokenMeterBatch_CL | summarize arg_max(MeteredTime, *) by EventId, Via"
        " | summarize Batches = count(), Events = sum(Events), Received = sum(Received), Metered = sum(Metered),"
        " Rejected = sum(Rejected), Ignored = sum(Ignored) by Via | sort by Via asc",
    }
    return {name: run_query(store, question).rows for name, question in questions.items()}


def identified(events: Sequence[Event]) -> list[tuple[str, str, int | None, datetime | None]]:
    """Return where events were found first."""
    return [
        (event.origin.hub, event.origin.partition, event.origin.sequence_number, event.origin.enqueued_time)
        for event in events
    ]
