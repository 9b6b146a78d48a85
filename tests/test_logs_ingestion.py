"""The Logs Ingestion sink as settings make it (tests/test_ingestion.py has it at work)."""

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import TokenCredential
from azure.identity import DefaultAzureCredential
from azure.monitor.ingestion import LogsIngestionClient

from tests.ingestion_client import AT_ONCE
from tests.ingestion_faults import Answer
from tests.ingestion_peer import ingestion_peer
from tests.usage_rows import observation
from token_meter.settings import Settings, SettingsUnusable
from token_meter.sinks import logs_ingestion
from token_meter.sinks.chunks import LARGEST_CHUNK, LARGEST_FIELD, LARGEST_REQUEST
from token_meter.sinks.logs_ingestion import LogsIngestionSink, logs_ingestion_sink
from token_meter.sinks.refusals import MOST_REFUSED, RECENT_ROWS
from token_meter.sinks.uploads import MOST_IN_FLIGHT, PATIENT

WORKING = {
    "LOGS_INGESTION_ENDPOINT": "https://contoso-ai.westeurope-1.ingest.monitor.azure.com",
    "LOGS_INGESTION_RULE_ID": "dcr-0123456789abcdef0123456789abcdef",
    "DEAD_LETTER_FOLDER": "letters",
}
WRITES_OF_A_BATCH = 4
"""Rejected rows, usage rows, those that turned out to be refused, the ledger (token_meter/pipeline.py)."""


@pytest.mark.parametrize("endpoint", [WORKING["LOGS_INGESTION_ENDPOINT"], "https://x.example/", "http://127.0.0.1:80"])
def test_an_endpoint_is_a_secure_host_or_this_machine(endpoint: str) -> None:
    """With a slash at its end or without."""
    assert endpoint == Settings.read({**WORKING, "LOGS_INGESTION_ENDPOINT": endpoint}).ingestion_endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "https://",
        "https://[",
        "https://a b",
        "http://x.ingest.monitor.azure.com",
        "http://127.0.0.1:80@elsewhere.example",
        "https://key@x.ingest.monitor.azure.com",
        "https://x.ingest.monitor.azure.com/dataCollectionRules/dcr-1",
        "x.ingest.monitor.azure.com",
    ],
)
def test_what_is_no_endpoint_is_refused_by_name(endpoint: str) -> None:
    """Before rows are sent there, or a token."""
    with pytest.raises(SettingsUnusable, match="LOGS_INGESTION_ENDPOINT"):
        Settings.read({**WORKING, "LOGS_INGESTION_ENDPOINT": endpoint})


def test_a_rules_resource_id_is_refused_by_name() -> None:
    """The portal shows it beside the immutable id, and the service would answer 404 to it."""
    rule = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/dataCollectionRules/usage"

    with pytest.raises(SettingsUnusable, match="immutable id, dcr-"):
        Settings.read({**WORKING, "LOGS_INGESTION_RULE_ID": rule})


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


@pytest.fixture
def client_options(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what the SDK's client will have been made with."""
    given: dict[str, Any] = {}

    class Recorded(LogsIngestionClient):
        def __init__(self, endpoint: str, credential: TokenCredential, **options: Any) -> None:
            given.update(options, credential=credential)
            super().__init__(endpoint, credential, **options)

    monkeypatch.setattr(logs_ingestion, "LogsIngestionClient", Recorded)
    return given


def test_the_sink_is_made_of_settings_without_a_key(client_options: dict[str, Any]) -> None:
    """The identity is the Function's own; nothing is asked of the network until the first row."""
    identity = {"AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000001"}

    sink = logs_ingestion_sink(Settings.read({**WORKING, **identity}))

    assert isinstance(sink, LogsIngestionSink)
    assert isinstance(client_options["credential"], DefaultAzureCredential)


def test_all_writes_of_a_batch_are_over_before_the_host_ends_the_invocation(client_options: dict[str, Any]) -> None:
    """What the host ends may be lost; what raises is tried again. The SDK's own retries, which sleep on, are off."""
    logs_ingestion_sink(Settings.read(WORKING))
    host = json.loads((Path(__file__).parent.parent / "host.json").read_text(encoding="utf-8"))
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))

    a_write = PATIENT.seconds + client_options["connection_timeout"] + client_options["read_timeout"]
    assert WRITES_OF_A_BATCH * a_write < timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds()
    assert 0 == client_options["retry_total"]


@pytest.mark.parametrize(("endpoint", "has_token"), [("https://x.example", True), ("http://127.0.0.1:1", False)])
def test_a_token_goes_over_tls_only(client_options: dict[str, Any], endpoint: str, *, has_token: bool) -> None:
    """A peer on this machine gets none: the SDK's policy that adds it is replaced there, and only there."""
    logs_ingestion_sink(Settings.read({**WORKING, "LOGS_INGESTION_ENDPOINT": endpoint}))

    assert has_token == (client_options["authentication_policy"] is None)


@pytest.mark.sockets
def test_settings_alone_are_enough_to_write_to_a_peer(caplog: pytest.LogCaptureFixture) -> None:
    """With no Azure at all; a retry is one line that says nothing of what was sent or answered."""
    with ingestion_peer() as peer:
        peer.answers = [Answer(503, code="Busy")]
        settings = Settings.read({**WORKING, "LOGS_INGESTION_ENDPOINT": peer.url})
        logs_ingestion_sink(settings, AT_ONCE).write([observation()])

    assert ["e1"] == [row["EventId"] for row in peer.rows]
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert ["Logs Ingestion: trying again in 0.0 s after status 503 Busy"] == lines


def test_the_page_on_delivery_states_the_limits_that_are_kept() -> None:
    """As people read them."""
    page = (Path(__file__).parent.parent / "docs" / "delivery.md").read_text(encoding="utf-8")
    limits = [
        f"at most {LARGEST_CHUNK:,} bytes",
        f"the service takes {LARGEST_REQUEST:,}",
        f"Up to {MOST_IN_FLIGHT} of a batch's",
        f"a text over {LARGEST_FIELD:,} bytes",
        f"up to {PATIENT.attempts} times in {PATIENT.seconds:.0f} seconds",
        f"few ({MOST_REFUSED} of a write at most)",
        f"last {RECENT_ROWS} rows",
    ]

    assert [] == [limit for limit in limits if limit not in " ".join(page.split())]
