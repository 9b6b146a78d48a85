"""Event Hubs Capture files: Avro, one entry an event (Microsoft Learn, "Explore captured Avro files").

The hub, its namespace and the partition stand only in the file's name, in Capture's default order
`{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}.avro`, or joined by `_` or `-` in
the last six places. Under another name they stay unknown.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePath
from typing import IO

from token_meter.events import Event, Origin
from token_meter.jsontypes import as_whole_number
from token_meter.times import as_utc, parse_time

MAGIC = b"Obj\x01"
NAME = re.compile(
    r"(?:^|/)(?P<namespace>[A-Za-z][A-Za-z0-9-]{4,49})/(?P<hub>[A-Za-z0-9][\w.-]{0,255})/(?P<partition>\d{1,4})"
    r"(?:[/_-]\d{1,4}){5}[/_-]\d{1,2}\.avro(?:\.gz)?$"
)
CULTURE_TIME = "%m/%d/%Y %I:%M:%S %p"
"""How Capture writes `EnqueuedTimeUtc`."""


def read_capture(stream: IO[bytes], name: str, place: tuple[str, str] | None = None) -> Iterator[Event]:
    """Yield the events of one Capture file in order. Raises what fastavro raises where it is no whole Avro file.

    `place` is its hub and partition, where they are known; by default they are what its name tells.
    """
    import fastavro  # noqa: PLC0415 - only the command line reads Avro; the Function carries no Avro library

    hub, partition = place or place_of(name)
    for number, entry in enumerate(fastavro.reader(stream), start=1):
        if not isinstance(entry, dict):
            raise TypeError("not a Capture file: its entries are no events")
        body = entry.get("Body")
        yield Event(
            body if isinstance(body, bytes) else b"",
            Origin(
                hub=hub,
                partition=partition,
                sequence_number=as_whole_number(entry.get("SequenceNumber")),
                enqueued_time=_enqueued_time(entry.get("EnqueuedTimeUtc")),
                file=name,
                line=number,
            ),
        )


def place_of(name: str) -> tuple[str, str]:
    """Return the hub (`namespace/hub`) and the partition that a Capture file's name tells, or empty strings."""
    found = NAME.search(PurePath(name).as_posix())
    return (f"{found['namespace']}/{found['hub']}", found["partition"]) if found else ("", "")


def _enqueued_time(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return as_utc(value)
    if not isinstance(value, str):
        return None
    try:
        return as_utc(datetime.strptime(value, CULTURE_TIME).replace(tzinfo=UTC))
    except ValueError:
        return parse_time(value)
