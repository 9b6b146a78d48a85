"""One write to the Logs Ingestion API: its chunks under way, what passes tried again, what is refused found by halving.

Every chunk's outcome is known when the write is over: accepted, its refused rows, or its failure.
"""

import io
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Protocol

import stamina
from azure.core.exceptions import AzureError, HttpResponseError

from token_meter.sinks.chunks import Chunk, body_of, halves, packed
from token_meter.sinks.ingestion_failures import BAD_REQUEST, TOO_LARGE, OutOfTime, asked_pause, passes
from token_meter.sinks.refusals import MOST_REFUSED
from token_meter.tables import Row

MOST_IN_FLIGHT = 4
"""Chunks under way at once: 4 MB of a write at most; a rule takes 12,000 requests a minute."""


class UploadClient(Protocol):
    """The one method of the SDK's client that is used."""

    def upload(self, rule_id: str, stream_name: str, logs: IO[bytes], /) -> None:
        """Send one request's body, gzip, as it is. Raises AzureError."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one write keeps trying: far less than `functionTimeout` (host.json); a batch has four writes at most."""

    seconds: float = 90.0
    """No request begins later; one that is asked to wait longer fails at once."""
    attempts: int = 8
    first_pause: float = 0.5
    """Seconds; pauses double, with up to `jitter` added, to `longest_pause`."""
    longest_pause: float = 15.0
    jitter: float = 1.0


PATIENT = Patience()


@dataclass(slots=True)
class Sent:
    """What became of rows: how many were accepted, which are refused, what failed."""

    accepted: int = 0
    refused: list[Row] = field(default_factory=list)
    failures: list[AzureError] = field(default_factory=list)

    def add(self, other: "Sent") -> None:
        """Take what became of other rows in as well."""
        self.accepted += other.accepted
        self.refused += other.refused
        self.failures += other.failures


class Upload:
    """One write's chunks on their way: until when, and how many rows were found refused so far."""

    def __init__(
        self, client: UploadClient, rule_id: str, stream: str, patience: Patience, clock: Callable[[], float]
    ) -> None:
        """Take where the chunks go and for how long to try; `clock` gives seconds."""
        self._client, self._rule_id, self._stream = client, rule_id, stream
        self._patience, self._clock = patience, clock
        self._deadline = clock() + patience.seconds
        self._refused = 0
        self._lock = threading.Lock()

    def send(self, divided: Sequence[Chunk]) -> Sent:
        """Send chunks, several at once, and return what became of all of them, in their order."""
        outcome = Sent()
        with ThreadPoolExecutor(MOST_IN_FLIGHT, "logs-ingestion") as pool:
            for sent in pool.map(self._send, divided):
                outcome.add(sent)
        return outcome

    def _send(self, chunk: Chunk) -> Sent:
        """Send a chunk; where the service finds it too large or a row of it bad, send its halves."""
        try:
            self._request(chunk)
        except HttpResponseError as failure:
            if failure.status_code not in {BAD_REQUEST, TOO_LARGE} or self._refused > MOST_REFUSED:
                return Sent(failures=[failure])
        except AzureError as failure:
            return Sent(failures=[failure])
        else:
            return Sent(accepted=len(chunk))
        if len(chunk) == 1:
            with self._lock:
                self._refused += 1
            return Sent(refused=[chunk[0].row])
        outcome = Sent()
        for half in halves(chunk):
            outcome.add(self._send(half))
        return outcome

    def _request(self, chunk: Chunk) -> None:
        """Send one request, again while its failures are of the passing kind. Raises AzureError."""
        if self._clock() > self._deadline:
            raise OutOfTime("the write's time was over")
        body = packed(body_of(chunk))
        for attempt in stamina.retry_context(
            on=self._pause_after,
            attempts=self._patience.attempts,
            timeout=None,
            wait_initial=self._patience.first_pause,
            wait_max=self._patience.longest_pause,
            wait_jitter=self._patience.jitter,
        ):
            with attempt:
                self._client.upload(self._rule_id, self._stream, io.BytesIO(body))

    def _pause_after(self, failure: Exception) -> bool | float:
        """Return how long to wait after a failure: as asked, else True for a growing pause; False to give up."""
        if not passes(failure):
            return False
        asked = asked_pause(failure)
        if self._clock() + (self._patience.longest_pause if asked is None else asked) > self._deadline:
            return False
        return True if asked is None else asked
