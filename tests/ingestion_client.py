"""The Logs Ingestion sink with the SDK's real client for a peer on loopback."""

import time
from collections.abc import Callable
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.monitor.ingestion import LogsIngestionClient

from tests.ingestion_peer import RULE, Peer
from token_meter.sinks.logs_ingestion import LogsIngestionSink
from token_meter.sinks.uploads import Patience

AT_ONCE = Patience(first_pause=0, longest_pause=0, jitter=0)
"""Tries again as often as in production, without a pause."""
SHORT = 0.2
"""Seconds until the client gives up on an answer; for tests that let it."""


class NoCredential:
    """A credential that is never asked."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Refuse: without TLS the SDK sends no token, so the policy that would ask is replaced."""
        raise AssertionError(scopes)


def sink_to(
    peer: Peer,
    patience: Patience = AT_ONCE,
    *,
    read_timeout: float = 30,
    clock: Callable[[], float] = time.monotonic,
) -> LogsIngestionSink:
    """Return the sink with the SDK's client for a peer."""
    no_token = SansIOHTTPPolicy[HttpRequest, HttpResponse]()
    client = LogsIngestionClient(
        peer.url, NoCredential(), authentication_policy=no_token, retry_total=0, read_timeout=read_timeout
    )
    return LogsIngestionSink(client, RULE, patience, clock)
