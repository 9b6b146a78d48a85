"""Rows into Log Analytics through the Logs Ingestion API.

The SDK's own chunking lets requests grow over the service's limit and stops at the first failure; here rows are put
into chunks that are measured as the SDK will send them, and every chunk's outcome is known before the batch is.
"""

import json
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from azure.core.exceptions import AzureError, HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.monitor.ingestion import LogsIngestionClient

from token_meter.columns import as_columns
from token_meter.settings import Settings
from token_meter.tables import Row

SentRow = MutableMapping[str, Any]
"""A row as the SDK takes it."""

LARGEST_REQUEST = 1_048_576
"""Bytes of one call, compressed or not (Azure Monitor limits, custom logs, 2026-08)."""
LARGEST_CHUNK = 900_000
"""Stays clear of the limit: what the service counts is not documented to the byte."""
CONNECTION_TIMEOUT = 10
READ_TIMEOUT = 60
"""Seconds. The SDK waits 300 for each and connects four times. That is beyond the host's `functionTimeout` (host.json),
which ends the invocation and may then move past the batch (azure-webjobs-sdk#2539)."""
CURES = {
    403: "grant the Function's identity the role Monitoring Metrics Publisher on the data collection rule, "
    "and allow some minutes for it to take effect",
    404: "check LOGS_INGESTION_ENDPOINT and LOGS_INGESTION_RULE_ID against the rule, and that it has the stream",
    413: "the service's size limit is lower than expected; report it",
    429: "the data collection rule is at its rate limit; the batch is tried again",
}


class IngestionFailed(Exception):  # noqa: N818 - it says what happened
    """Some rows were not accepted, so the batch must be tried again. The message names the cause and the cure."""


class UploadClient(Protocol):
    """The one method of the SDK's client that is used."""

    def upload(self, rule_id: str, stream_name: str, logs: list[SentRow], /) -> None:
        """Send rows of less than a request's size. Raises AzureError."""


class LogsIngestionSink:
    """Rows into the tables of Log Analytics, by way of a data collection rule."""

    def __init__(self, client: UploadClient, rule_id: str) -> None:
        """Take the client and the rule's immutable id."""
        self._client = client
        self._rule_id = rule_id

    def write(self, rows: Sequence[Row]) -> None:
        """Send rows of one table. Every chunk is tried; raises IngestionFailed where any was not accepted."""
        failures: list[AzureError] = []
        for chunk in chunks(sendable(row) for row in rows):
            try:
                self._client.upload(self._rule_id, stream_of_table(rows[0].TABLE), chunk)
            except AzureError as failure:
                failures.append(failure)
        if failures:
            raise IngestionFailed(_told(failures)) from failures[0]


def stream_of_table(table: str) -> str:
    """Return the data collection rule's stream for a table's rows."""
    return f"Custom-{table}"


def sendable(row: Row) -> SentRow:
    """Return a row as the SDK can serialise it: times as ISO 8601 texts."""
    return {name: _plain(value) for name, value in as_columns(row).items()}


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def chunks(rows: Iterable[SentRow]) -> Iterator[list[SentRow]]:
    """Yield rows in order in lists of which each, as the SDK serialises it, stays under LARGEST_CHUNK bytes.

    A row is bounded far below that (its strings to 512 characters, `Custom` to 8 KB), so every chunk has at least one.
    """
    chunk: list[SentRow] = []
    size = 2
    for row in rows:
        length = len(json.dumps(row)) + 2
        if chunk and size + length > LARGEST_CHUNK:
            yield chunk
            chunk, size = [], 2
        chunk.append(row)
        size += length
    if chunk:
        yield chunk


def _told(failures: Sequence[AzureError]) -> str:
    """Return one sentence on what failed, without anything that was sent."""
    first = failures[0]
    status = first.status_code if isinstance(first, HttpResponseError) else None
    what = f"status {status}" if status else type(first).__name__
    cure = f": {CURES[status]}" if status in CURES else ""
    return f"Logs Ingestion did not accept {len(failures)} chunk(s), the first with {what}{cure}"


def logs_ingestion_sink(settings: Settings) -> LogsIngestionSink:
    """Return the sink that settings describe, with the Function's managed identity."""
    identity = settings.managed_identity_client_id
    credential = DefaultAzureCredential(managed_identity_client_id=identity) if identity else DefaultAzureCredential()
    client = LogsIngestionClient(
        settings.ingestion_endpoint, credential, connection_timeout=CONNECTION_TIMEOUT, read_timeout=READ_TIMEOUT
    )
    return LogsIngestionSink(client, settings.ingestion_rule_id)
