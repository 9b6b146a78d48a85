"""The Logs Ingestion sink as settings make it (tests/test_ingestion.py has it at work)."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import TokenCredential
from azure.monitor.ingestion import LogsIngestionClient

from token_meter.settings import Settings, SettingsUnusable
from token_meter.sinks import logs_ingestion
from token_meter.sinks.logs_ingestion import logs_ingestion_sink

WORKING = {
    "LOGS_INGESTION_ENDPOINT": "https://contoso-ai.westeurope-1.ingest.monitor.azure.com",
    "LOGS_INGESTION_RULE_ID": "dcr-0123456789abcdef0123456789abcdef",
    "DEAD_LETTER_FOLDER": "letters",
}
CONNECTION_ATTEMPTS = 4
"""The SDK's: one, and three more (azure.core.pipeline.policies.RetryPolicy, `retry_connect`)."""


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


def test_a_service_that_does_not_answer_is_given_up_before_the_host_ends_the_invocation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the host ends may be lost; what raises is tried again."""
    given: dict[str, Any] = {}

    class Recorded(LogsIngestionClient):
        def __init__(self, endpoint: str, credential: TokenCredential, **options: Any) -> None:
            given.update(options)
            super().__init__(endpoint, credential, **options)

    monkeypatch.setattr(logs_ingestion, "LogsIngestionClient", Recorded)
    logs_ingestion_sink(Settings.read(WORKING))
    host = json.loads((Path(__file__).parent.parent / "host.json").read_text(encoding="utf-8"))
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))

    longest = CONNECTION_ATTEMPTS * given["connection_timeout"] + given["read_timeout"]
    assert longest < timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds() / 4
