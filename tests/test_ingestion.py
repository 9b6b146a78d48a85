"""The Logs Ingestion sink: the SDK's real client against a peer on loopback, over a real socket."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.monitor.ingestion import LogsIngestionClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingestion_peer import RULE, Peer, ingestion_peer
from tests.ingestion_service import LARGEST_REQUEST
from tests.usage_rows import observation
from token_meter.row import UsageRow
from token_meter.settings import Settings, SettingsUnusable
from token_meter.sinks.logs_ingestion import (
    LARGEST_CHUNK,
    IngestionFailed,
    LogsIngestionSink,
    chunks,
    logs_ingestion_sink,
    sendable,
)

STREAM = "Custom-TokenUsage_CL"


class NoAuthentication(SansIOHTTPPolicy[HttpRequest, HttpResponse]):
    """Stands for the token: the SDK refuses to send one without TLS, and the peer has none."""


class NoCredential:
    """A credential that is never asked."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Refuse: the policy above does not ask for one."""
        raise AssertionError(scopes)


@pytest.fixture(scope="module")
def server() -> Iterator[Peer]:
    """Run one peer for the module."""
    with ingestion_peer() as peer:
        yield peer


@pytest.fixture
def peer(server: Peer) -> Peer:
    """Return the peer with nothing received."""
    server.reset()
    return server


def sink_to(peer: Peer) -> LogsIngestionSink:
    """Return the sink with the SDK's client for a peer; the SDK does not retry here, so that tests need not wait."""
    client = LogsIngestionClient(
        peer.url, credential=NoCredential(), authentication_policy=NoAuthentication(), retry_total=0
    )
    return LogsIngestionSink(client, RULE)


@pytest.mark.sockets
def test_rows_arrive_as_the_table_takes_them(peer: Peer) -> None:
    """Names of columns, ISO times, nulls for what is unknown."""
    sink_to(peer).write([observation(custom={"team": "a"}, notes=("cut",), prompt_tokens=3, prompt_source="counted")])

    (row,) = peer.rows
    assert ("2026-10-05T12:00:00Z", "e1", 3, None) == (
        row["TimeGenerated"], row["EventId"], row["PromptTokens"], row["CompletionTokens"],
    )  # fmt: skip
    assert ({"team": "a"}, ["cut"], "counted") == (row["Custom"], row["Notes"], row["PromptSource"])
    assert f"/dataCollectionRules/{RULE}/streams/{STREAM}?api-version=2023-01-01" == peer.paths[0]


@pytest.mark.sockets
def test_many_rows_go_in_requests_that_the_service_takes(peer: Peer) -> None:
    """Each under the limit as it is sent, every row once, in order."""
    rows = [observation(str(number), deployment="ä" * 400) for number in range(2_000)]

    sink_to(peer).write(rows)

    assert [row.event_id for row in rows] == [row["EventId"] for row in peer.rows]
    assert len(peer.sizes) > 1
    assert max(peer.sizes) <= LARGEST_REQUEST


@pytest.mark.sockets
def test_a_chunk_that_fails_fails_the_write_and_the_others_are_still_sent(peer: Peer) -> None:
    """The caller tries all again; what arrives twice has the same `EventId`."""
    rows = [observation(str(number), deployment="x" * 500) for number in range(2_000)]
    peer.answers[:] = [400]

    with pytest.raises(IngestionFailed, match="1 chunk"):
        sink_to(peer).write(rows)

    assert len(peer.requests) == len(peer.sizes) - 1 > 0


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("status", "cure"),
    [(403, "Monitoring Metrics Publisher"), (404, "LOGS_INGESTION_RULE_ID"), (429, "rate limit"), (500, "status 500")],
)
def test_a_failure_names_its_cure_in_one_sentence(peer: Peer, status: int, cure: str) -> None:
    """And nothing of what was sent."""
    peer.answers[:] = [status]

    with pytest.raises(IngestionFailed, match=cure) as failed:
        sink_to(peer).write([observation(app_id="secret-app")])

    assert "\n" not in str(failed.value)
    assert "secret-app" not in str(failed.value)


@pytest.mark.sockets
def test_no_rows_are_no_request(peer: Peer) -> None:
    """Nothing to send, nothing sent."""
    sink_to(peer).write([])

    assert [] == peer.sizes


rows_of_any_size = st.lists(
    st.integers(0, 500).flatmap(lambda size: st.just(observation(deployment="é" * size))), max_size=30
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(rows_of_any_size, st.integers(0, 300))
def test_every_row_is_in_exactly_one_chunk_and_none_is_too_large(rows: list[UsageRow], copies: int) -> None:
    """The chunking law, measured as the SDK serialises."""
    sent = [{**sendable(row), "EventId": str(number)} for number, row in enumerate(rows * copies)]

    divided = list(chunks(sent))

    assert sent == [row for chunk in divided for row in chunk]
    assert all(chunk for chunk in divided)
    assert all(len(json.dumps(chunk)) <= LARGEST_CHUNK for chunk in divided)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LOGS_INGESTION_ENDPOINT": "http://elsewhere.example"},
        {"LOGS_INGESTION_ENDPOINT": "https://x.ingest.monitor.azure.com"},
        {"LOGS_INGESTION_ENDPOINT": "https://x.ingest.monitor.azure.com", "LOGS_INGESTION_RULE_ID": "dcr-1"},
    ],
)
def test_settings_that_cannot_work_name_the_variable(environment: dict[str, str]) -> None:
    """Before anything is lost by them."""
    with pytest.raises(SettingsUnusable, match=r"LOGS_INGESTION_|DEAD_LETTER_FOLDER"):
        Settings.read(environment)


def test_the_sink_is_made_of_settings_without_a_key() -> None:
    """The identity is the Function's own; nothing is asked of the network until the first row."""
    environment: dict[str, Any] = {
        "LOGS_INGESTION_ENDPOINT": "https://x.ingest.monitor.azure.com",
        "LOGS_INGESTION_RULE_ID": "dcr-1",
        "DEAD_LETTER_FOLDER": "letters",
        "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000001",
    }

    assert isinstance(logs_ingestion_sink(Settings.read(environment)), LogsIngestionSink)
