"""Azure Monitor's metrics, read by the SDK's client over HTTPS from a peer that answers as Resource Manager does."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.mgmt.monitor import MonitorManagementClient

from tests.log_analytics_peer import Signed
from tests.metrics_query_peer import SUBSCRIPTION, MetricsQueryPeer, account_id, metrics_query_peer
from token_meter.codes import Measure
from token_meter.reconciliation.accounts import Account, accounts_of
from token_meter.reconciliation.azure_metrics import AzureMetrics, BoundedRetries
from token_meter.reconciliation.faults import MetricsUnreadable
from token_meter.reconciliation.metric_names import AZURE_OPENAI, MODELS

pytestmark = pytest.mark.sockets

MONDAY, TUESDAY, WEDNESDAY = (date(2026, 10, day) for day in (5, 6, 7))
NOON = datetime(2026, 10, 5, 12, 30, tzinfo=UTC)
SWEDEN = accounts_of([account_id("aoai-sweden")]).accounts[0]


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[MetricsQueryPeer]:
    """Return a peer with one account."""
    with metrics_query_peer(tmp_path, "aoai-sweden") as running:
        yield running


def reader(peer: MetricsQueryPeer, *, left: float = 60.0, **options: Any) -> AzureMetrics:
    """Return what reads a peer's metrics, with so many seconds left."""
    client = MonitorManagementClient(
        Signed(),
        SUBSCRIPTION,
        base_url=peer.endpoint,
        credential_scopes=[f"{peer.endpoint}/.default"],
        connection_verify=str(peer.certificate),
        retry_policy=BoundedRetries(retry_backoff_factor=0, **options),
    )
    return AzureMetrics(client, left, clock=lambda: 0.0)


def values(
    peer: MetricsQueryPeer, first: date = MONDAY, after: date = TUESDAY, account: Account = SWEDEN
) -> dict[tuple[date, str, Measure], int]:
    """Return what the reader reads, by day, deployment and measure."""
    return {
        (item.day, item.deployment, item.measure): item.value for item in reader(peer).totals(account, first, after)
    }


def test_a_days_minutes_add_up_by_deployment(peer: MetricsQueryPeer) -> None:
    """Each metric of each deployment is a total of its own."""
    for hour in (0, 12, 23):
        moment = NOON.replace(hour=hour, minute=59)
        peer.measure("aoai-sweden", "chat", moment, ProcessedPromptTokens=100, GeneratedTokens=7, AzureOpenAIRequests=1)
    peer.measure("aoai-sweden", "embed", NOON, ProcessedPromptTokens=5)

    assert {
        (MONDAY, "chat", Measure.PROMPT_TOKENS): 300,
        (MONDAY, "chat", Measure.COMPLETION_TOKENS): 21,
        (MONDAY, "chat", Measure.CALLS): 3,
        (MONDAY, "embed", Measure.PROMPT_TOKENS): 5,
    } == values(peer)


def test_a_day_ends_at_midnight_utc(peer: MetricsQueryPeer) -> None:
    """The first moment of a day belongs to it, that of the next one does not."""
    peer.measure("aoai-sweden", "chat", datetime(2026, 10, 5, tzinfo=UTC), GeneratedTokens=1)
    peer.measure("aoai-sweden", "chat", datetime(2026, 10, 5, 23, 59, tzinfo=UTC), GeneratedTokens=2)
    peer.measure("aoai-sweden", "chat", datetime(2026, 10, 6, tzinfo=UTC), GeneratedTokens=4)

    assert {(MONDAY, "chat", Measure.COMPLETION_TOKENS): 3} == values(peer)
    assert {
        (MONDAY, "chat", Measure.COMPLETION_TOKENS): 3,
        (TUESDAY, "chat", Measure.COMPLETION_TOKENS): 4,
    } == values(peer, after=WEDNESDAY)


def test_a_day_on_which_nothing_was_measured_has_no_total(peer: MetricsQueryPeer) -> None:
    """The service gives a point without a number, which is no 0."""
    peer.measure("aoai-sweden", "chat", NOON, GeneratedTokens=1)

    assert [MONDAY] == [day for day, _, _ in values(peer, after=WEDNESDAY)]


def test_no_deployment_is_left_out(peer: MetricsQueryPeer) -> None:
    """The service gives ten series where it is not asked for more."""
    for number in range(25):
        peer.measure("aoai-sweden", f"deployment-{number}", NOON, GeneratedTokens=1)

    assert 25 == len(values(peer))


def test_capitals_of_deployments_do_not_matter(peer: MetricsQueryPeer) -> None:
    """Dimension values are the same in either spelling."""
    peer.measure("aoai-sweden", "Chat-GPT", NOON, GeneratedTokens=1)

    assert [(MONDAY, "chat-gpt", Measure.COMPLETION_TOKENS)] == list(values(peer))


def test_both_families_of_metrics_are_read(peer: MetricsQueryPeer) -> None:
    """Azure OpenAI's, and those of Foundry's other models."""
    peer.measure("aoai-sweden", "chat", NOON, GeneratedTokens=1)
    peer.measure("aoai-sweden", "claude", NOON, OutputTokens=2)

    read = reader(peer).totals(SWEDEN, MONDAY, TUESDAY)

    assert [(AZURE_OPENAI, "chat", 1), (MODELS, "claude", 2)] == [
        (item.family, item.deployment, item.value) for item in read
    ]


def test_a_cloud_without_the_newer_family_is_read_without_it(peer: MetricsQueryPeer) -> None:
    """It answers 400 to a metric that it does not know."""
    peer.valid = tuple(AZURE_OPENAI.metrics.values())
    peer.measure("aoai-sweden", "chat", NOON, GeneratedTokens=1)

    assert 1 == len(values(peer))


def test_a_cloud_without_azure_openais_metrics_is_told(peer: MetricsQueryPeer) -> None:
    """Nothing would be compared, and nobody would notice."""
    peer.valid = ()

    with pytest.raises(MetricsUnreadable, match="Failed to find metric configuration"):
        values(peer)


def test_a_whole_number_stays_one_to_the_last_digit(peer: MetricsQueryPeer) -> None:
    """Totals come as doubles."""
    peer.measure("aoai-sweden", "chat", NOON, ProcessedPromptTokens=2**53 - 1)

    assert [2**53 - 1] == list(values(peer).values())


@pytest.mark.parametrize("total", [0.5, 2.0**53 + 2, -1.0, float("inf")])
def test_what_is_no_whole_number_is_not_rounded(peer: MetricsQueryPeer, total: float) -> None:
    """Nobody could tell by how much it is off."""
    peer.measure("aoai-sweden", "chat", NOON, ProcessedPromptTokens=total)

    with pytest.raises(MetricsUnreadable, match="no whole number"):
        values(peer)


def test_a_missing_role_is_named(peer: MetricsQueryPeer) -> None:
    """The cure is in the message."""
    peer.refused = ("aoai-sweden",)

    with pytest.raises(MetricsUnreadable, match="aoai-sweden: the identity needs the role Monitoring Reader"):
        values(peer)


def test_an_account_that_is_not_there_is_named(peer: MetricsQueryPeer) -> None:
    """As after it was moved or renamed."""
    with pytest.raises(MetricsUnreadable, match=r"aoai-west: there is no such account \(404\)"):
        values(peer, account=accounts_of([account_id("aoai-west")]).accounts[0])


def test_a_throttled_request_is_tried_again_when_the_service_says(peer: MetricsQueryPeer) -> None:
    """And read whole."""
    peer.answers = [(429, {"Retry-After": "0"}), (503, {})]
    peer.measure("aoai-sweden", "chat", NOON, GeneratedTokens=1)

    assert (1, 4) == (len(values(peer)), len(peer.asked))


def test_a_pause_that_outlasts_the_function_is_not_waited_for(peer: MetricsQueryPeer) -> None:
    """The timer comes again."""
    peer.answers = [(429, {"Retry-After": "3600"})]

    with pytest.raises(MetricsUnreadable, match="at its limit"):
        values(peer)
    assert 1 == len(peer.asked)


def test_reading_ends_when_its_time_is_over(peer: MetricsQueryPeer) -> None:
    """However many accounts are left."""
    with pytest.raises(MetricsUnreadable, match="time for reading metrics was over"):
        reader(peer, left=0.0).totals(SWEDEN, MONDAY, TUESDAY)
    assert [] == peer.asked


def test_a_service_that_is_not_there_is_told(peer: MetricsQueryPeer) -> None:
    """In one line."""
    peer.endpoint = "https://localhost:1"

    with pytest.raises(MetricsUnreadable, match=r"^metrics of aoai-sweden: [^\n]+$"):
        reader(peer, retry_total=0).totals(SWEDEN, MONDAY, TUESDAY)


def test_tokens_go_with_every_request(peer: MetricsQueryPeer) -> None:
    """And nothing else authorises."""
    values(peer)

    assert ["Bearer token", "Bearer token"] == peer.tokens
