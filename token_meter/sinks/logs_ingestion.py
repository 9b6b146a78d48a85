"""Rows into Log Analytics through the Logs Ingestion API."""

import logging
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.monitor.ingestion import LogsIngestionClient
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from token_meter.credentials import azure_identity
from token_meter.settings import Settings
from token_meter.sinks.chunks import chunks, sendable
from token_meter.sinks.ingestion_failures import MISMATCH, IngestionFailed, named, told
from token_meter.sinks.refusals import Refusals
from token_meter.sinks.uploads import PATIENT, Patience, Upload, UploadClient
from token_meter.tables import Row

CONNECTION_TIMEOUT = 10
READ_TIMEOUT = 30
"""Seconds. The SDK waits 300 for each and connects four times. That is beyond the host's `functionTimeout` (host.json),
which ends the invocation and may then move past the batch (azure-webjobs-sdk#2539)."""

log = logging.getLogger("token_meter")


class LogsIngestionSink:
    """Rows into the tables of Log Analytics, by way of a data collection rule. Safe to use from several threads."""

    def __init__(
        self,
        client: UploadClient,
        rule_id: str,
        patience: Patience = PATIENT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the client and the rule's immutable id; `clock` gives seconds."""
        self._client = client
        self._rule_id = rule_id
        self._patience = patience
        self._clock = clock
        self._refusals = Refusals()

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Send rows of one table and return the refused ones.

        Every chunk is tried. Raises IngestionFailed where any was not accepted, or where so many rows are refused that
        the rule is to blame.
        """
        if not rows:
            return ()
        written = [(row, sendable(row)) for row in rows]
        stream = stream_of_table(rows[0].TABLE)
        upload = Upload(self._client, self._rule_id, stream, self._patience, self._clock)
        outcome = upload.send(list(chunks(sent for _, sent in written if sent is not None)))
        rows_are_to_blame = self._refusals.are_of_rows(stream, outcome.accepted, len(outcome.refused))
        if outcome.failures:
            raise IngestionFailed(told(outcome.failures))
        if outcome.refused and not rows_are_to_blame:
            raise IngestionFailed(f"Logs Ingestion refused {len(outcome.refused)} row(s) for {stream}: {MISMATCH}")
        return (*(row for row, sent in written if sent is None), *outcome.refused)


def stream_of_table(table: str) -> str:
    """Return the data collection rule's stream for a table's rows."""
    return f"Custom-{table}"


def log_retry(details: RetryDetails) -> None:
    """Log a line before a request is sent again; stamina's own would hold all that the service said."""
    log.warning("Logs Ingestion: trying again in %.1f s after %s", details.wait_for, named(details.caused_by))


def ingestion_client(settings: Settings) -> LogsIngestionClient:
    """Return the SDK's client of the endpoint that settings name, with the Function's managed identity.

    A peer on this machine (`http://127.0.0.1`, the only endpoint without TLS that settings take) is sent no token.
    """
    without_tls = urlsplit(settings.ingestion_endpoint).scheme == "http"
    client = LogsIngestionClient(
        settings.ingestion_endpoint,
        azure_identity(settings.managed_identity_client_id),
        authentication_policy=SansIOHTTPPolicy[HttpRequest, HttpResponse]() if without_tls else None,
        retry_total=0,  # the SDK would sleep beyond the write's deadline, and miss 429, 408 and 502
        connection_timeout=CONNECTION_TIMEOUT,
        read_timeout=READ_TIMEOUT,
    )
    client.__enter__()  # opens the transport before threads share it; on first use it would open itself unguarded
    return client


def logs_ingestion_sink(settings: Settings, patience: Patience = PATIENT) -> LogsIngestionSink:
    """Return the sink that settings describe."""
    set_on_retry_hooks([log_retry])
    return LogsIngestionSink(ingestion_client(settings), settings.ingestion_rule_id, patience)
