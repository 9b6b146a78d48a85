"""Rows into requests of the Logs Ingestion API: each row's JSON as it is sent, and lists of them within the limit.

The SDK's own division counts neither separators nor brackets, so that its requests grow over the service's limit; here
every byte of a request is known before it is sent.
"""

import gzip
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from orjson import JSONEncodeError

from token_meter.columns import Column, as_columns, columns
from token_meter.jsontypes import dump_json
from token_meter.tables import Row

LARGEST_REQUEST = 1_048_576
"""Bytes of one call, compressed or not (Azure Monitor limits, custom logs, 2026-08)."""
LARGEST_CHUNK = 900_000
"""Stays clear of the limit: what the service counts is not documented to the byte."""
LARGEST_FIELD = 65_536
"""Bytes; Log Analytics cuts a longer field without a word (Azure Monitor limits, custom logs, 2026-08)."""
BRACKETS = 2
SEPARATOR = 1
PACKING = 6
"""zlib's own choice between time and size; rows shrink to a tenth by it."""
BITS = {"int": 32, "long": 64}


@dataclass(frozen=True, slots=True)
class SentRow:
    """A row and the JSON that is sent of it."""

    row: Row
    json: bytes


Chunk: TypeAlias = Sequence[SentRow]


def sendable(row: Row) -> SentRow | None:
    """Return a row with its JSON, or None where a column could not hold its value whole, so that it must not be sent.

    Rows are bounded far below these limits where they are made; this holds whatever made them.
    """
    try:
        packed = dump_json(as_columns(row))
    except JSONEncodeError:
        return None
    kind: type = type(row)
    if len(packed) > LARGEST_CHUNK - BRACKETS or not all(_fits(row, item) for item in columns(kind)):
        return None
    return SentRow(row, packed)


def _fits(row: Row, item: Column) -> bool:
    """Return whether a column of this type keeps the row's value as it is."""
    value: Any = getattr(row, item.attribute)
    if value is None:
        return True
    if item.kusto_type in BITS:
        return bool(abs(value) < 2 ** (BITS[item.kusto_type] - 1))
    if item.kusto_type == "real":
        return math.isfinite(value)
    if item.kusto_type == "datetime":
        return isinstance(value, datetime) and value.tzinfo is not None
    if item.kusto_type == "string":
        return len(value.encode()) <= LARGEST_FIELD
    return item.kusto_type != "dynamic" or len(dump_json(value)) <= LARGEST_FIELD


def chunks(rows: Iterable[SentRow]) -> Iterator[Chunk]:
    """Yield rows in order, in lists of at least one, each within LARGEST_CHUNK bytes as it is sent."""
    chunk: list[SentRow] = []
    empty = BRACKETS - SEPARATOR
    size = empty
    for row in rows:
        length = len(row.json) + SEPARATOR
        if chunk and size + length > LARGEST_CHUNK:
            yield chunk
            chunk, size = [], empty
        chunk.append(row)
        size += length
    if chunk:
        yield chunk


def halves(chunk: Chunk) -> tuple[Chunk, Chunk]:
    """Return both halves of a chunk of several rows, in order."""
    middle = len(chunk) // 2
    return chunk[:middle], chunk[middle:]


def body_of(chunk: Chunk) -> bytes:
    """Return the body of a chunk's request, a JSON array."""
    return b"[" + b",".join(row.json for row in chunk) + b"]"


def packed(body: bytes) -> bytes:
    """Return a body as it goes over the wire: gzip, the same bytes for the same rows."""
    return gzip.compress(body, PACKING, mtime=0)
