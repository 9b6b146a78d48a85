"""How long the meter waits for a token: never for as long as an endpoint asks, nor beyond the function's time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import HttpTransport

from tests import loopback
from tests.azure_peers import Silent
from token_meter import credentials
from token_meter.credentials import azure_identity

SCOPE = "https://monitor.azure.com/.default"
LONGEST_WAIT = 20
LONGEST_TOKEN = 20
"""Seconds that a token may take: far less than any step of a batch has."""

pytestmark = pytest.mark.sockets


@contextmanager
def identity(monkeypatch: pytest.MonkeyPatch, handler: type[Silent]) -> Iterator[None]:
    """Let an identity's endpoint on this machine answer as App Service's does."""
    with loopback.serving(handler) as port:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "secret-of-the-host")
        yield


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note the SDK's pauses instead of waiting."""
    noted: list[float] = []
    monkeypatch.setattr(HttpTransport, "sleep", lambda _, seconds: noted.append(seconds))
    return noted


@pytest.mark.parametrize("status", [429, 503])
def test_an_endpoint_that_asks_for_an_hour_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float], status: int
) -> None:
    """The batch fails at once, its partition is held, and the host tries again."""
    asked: list[str] = []

    class Throttled(Silent, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Retry-After", "3600")
            self.send_header("Content-Length", "0")
            self.end_headers()

    with identity(monkeypatch, Throttled), pytest.raises(AzureError):
        azure_identity().get_token(SCOPE)

    assert ([], 1) == (pauses, len(asked))


def test_an_endpoint_that_says_nothing_is_given_up_once(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    """Its time is cut short here; what is set for production is bounded below."""
    monkeypatch.setattr(credentials, "READ_TIMEOUT", 0.2)
    asked: list[str] = []
    over = threading.Event()

    class Mute(Silent, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            over.wait(LONGEST_WAIT)

    with identity(monkeypatch, Mute):
        try:
            with pytest.raises(AzureError):
                azure_identity().get_token(SCOPE)
        finally:
            over.set()

    assert ([], 1) == (pauses, len(asked))


def test_a_token_is_there_or_not_within_seconds() -> None:
    """As it is set."""
    assert credentials.CONNECTION_TIMEOUT + credentials.READ_TIMEOUT < LONGEST_TOKEN
