"""What the Logs Ingestion service does with a request, as far as that is known; the peer answers by it.

Known from Microsoft's documentation (Azure Monitor service limits, "Logs Ingestion API"; standard columns; the
tutorial's troubleshooting), 2026-08: 1 MB a call whether it is compressed or not, fields cut at 64 KB, `TimeGenerated`
replaced when it is older than 2 days or over a day ahead, columns that the stream does not declare dropped, a body that
is no array answered 204 and kept nowhere. Not known to the letter: what becomes of a value of another type than the
stream declares. The stricter of the two readings is taken here: 400 for the whole request (the other stores a null).
"""

import json
import math
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from token_meter.columns import columns
from token_meter.tables import TABLES

LARGEST_REQUEST = 1_048_576
LARGEST_FIELD = 65_536
OLDEST = timedelta(days=2)
FURTHEST_AHEAD = timedelta(days=1)

StoredRow = dict[str, Any]
"""A row as JSON has it: column name and value."""
Stream = Mapping[str, str]
"""A stream's columns and their types, as the data collection rule declares them."""


def declared(row_type: type) -> Stream:
    """Return the stream for a row type, as a rule of this version declares it."""
    return {item.name: item.kusto_type for item in columns(row_type)}


STREAMS: Mapping[str, Stream] = {f"Custom-{row_type.TABLE}": declared(row_type) for row_type in TABLES}


class Refused(Exception):  # noqa: N818 - it says what became of the request
    """The service's refusal of a request: the status and the error's code."""

    def __init__(self, status: int, code: str) -> None:
        """Take what the answer says."""
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


def unpacked(body: bytes, encoding: str, largest: int) -> bytes:
    """Return a request's body unpacked. Raises Refused where it is over the limit, before or after."""
    if len(body) > largest:
        raise Refused(413, "ContentLengthLimitExceeded")
    if encoding != "gzip":
        return body
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS + 16)
    try:
        whole = unpacking.decompress(body, largest + 1)
    except zlib.error:
        raise Refused(400, "InvalidContentEncoding") from None
    if len(whole) > largest:
        raise Refused(413, "ContentLengthLimitExceeded")
    return whole


def rows_in(body: bytes, stream: Stream) -> list[StoredRow]:
    """Return a request's rows. Raises Refused where one does not fit the stream; none where the body is no array."""
    try:
        rows = json.loads(body.decode(), parse_constant=_no_json)
    except ValueError:
        raise Refused(400, "InvalidPayload") from None
    if not isinstance(rows, list):
        return []
    for row in rows:
        if not isinstance(row, dict) or not all(_fits(row.get(name), kind) for name, kind in stream.items()):
            raise Refused(400, "InvalidPayload")
    return rows


def as_stored(row: StoredRow, stream: Stream, arrival: datetime) -> StoredRow:
    """Return a row as the table keeps it: declared columns only, no null texts, fields cut, `TimeGenerated` bounded."""
    kept = {
        name: "" if kind == "string" and row.get(name) is None else _cut(row.get(name)) for name, kind in stream.items()
    }
    sent = row.get("TimeGenerated")
    time = datetime.fromisoformat(sent) if sent else arrival
    if not arrival - OLDEST <= time <= arrival + FURTHEST_AHEAD:
        time = arrival
    kept["TimeGenerated"] = time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return kept


def _cut(value: Any) -> Any:
    """Return a field no longer than 64 KB; what is cut of a dynamic value is no JSON any more, and so a text."""
    text = value if isinstance(value, str) else json.dumps(value) if isinstance(value, list | dict) else ""
    packed = text.encode()
    return packed[:LARGEST_FIELD].decode("utf-8", "ignore") if len(packed) > LARGEST_FIELD else value


def _fits(value: Any, kind: str) -> bool:
    return value is None or FITTING[kind](value)


def _is_whole(value: Any, bits: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


FITTING: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "int": lambda value: _is_whole(value, 32),
    "long": lambda value: _is_whole(value, 64),
    "real": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "datetime": _is_time,
    "dynamic": lambda _: True,
}


def _no_json(constant: str) -> Any:
    raise ValueError(constant)
