"""Counters that reach Application Insights as the managed identity: a real token, real TLS, nothing replaced."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.azure_peers import TOKEN, identity_endpoint, identity_variables, write_certificate
from tests.loopback import serving
from tests.metrics_peer import MetricsPeer, metrics_peer
from tests.records import record
from token_meter.codes import Via
from token_meter.events import Event
from token_meter.meter import meter
from token_meter.metrics import metrics_of
from token_meter.metrics.options import Exporter, MetricsOptions

pytestmark = pytest.mark.sockets


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return what the managed identity's endpoint is asked for; the environment names it as App Service does."""
    paths: list[str] = []
    with serving(identity_endpoint(paths)) as port:
        for name, value in identity_variables(port).items():
            monkeypatch.setenv(name, value)
        yield paths


@pytest.fixture
def insights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MetricsPeer]:
    """Return Application Insights over HTTPS, whose certificate this process trusts."""
    certificate = write_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    with metrics_peer(certificate) as running:
        yield running


def queried(path: str) -> dict[str, list[str]]:
    """Return what a path's query says."""
    return parse_qs(urlsplit(path).query)


def count_a_call(insights: MetricsPeer, client_id: str = "") -> None:
    """Count one call into a peer."""
    options = MetricsOptions(
        exporter=Exporter.AZURE_MONITOR, connection_string=insights.connection_string, identity_client_id=client_id
    )
    metrics_of(options).record(meter([Event(json.dumps(record()).encode())]), Via.TRIGGER, 0.1)


def test_counters_are_sent_with_the_identitys_token(asked: list[str], insights: MetricsPeer) -> None:
    """For the audience that Application Insights takes tokens of."""
    count_a_call(insights)

    assert [f"Bearer {TOKEN}"] == insights.authorizations
    assert [["https://monitor.azure.com/"]] == [queried(path)["resource"] for path in asked]


def test_what_is_sent_is_the_batch(asked: list[str], insights: MetricsPeer) -> None:
    """Not an empty request that a token came with."""
    count_a_call(insights)

    (points,) = insights.points()
    assert {"Prompt Tokens", "Completion Tokens", "Total Tokens", "Requests"} <= {name for name, _ in points}
    assert [f"Bearer {TOKEN}"] == insights.authorizations
    assert asked


def test_a_user_assigned_identity_is_asked_for_by_its_client_id(asked: list[str], insights: MetricsPeer) -> None:
    """Of several identities that a Function has, the one that the settings name."""
    count_a_call(insights, "1c8f6a0e-7f0f-4a44-9f0b-6f6f2f1b7a10")

    assert ["1c8f6a0e-7f0f-4a44-9f0b-6f6f2f1b7a10"] == queried(asked[0])["client_id"]


def test_a_peer_that_the_process_does_not_trust_is_sent_nothing(
    asked: list[str], insights: MetricsPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate is checked, and the batch is not failed for it."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    count_a_call(insights)

    assert ([], []) == (insights.requests, insights.authorizations)
    assert asked
