"""Two days of a made-up company, reconciled: every difference found is one that was planted, and the reverse.

What the service's metrics say is worked out here from the truth of every call, without the meter's code: each attempt
where it was made, the tokens of what was charged.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from azure.mgmt.monitor import MonitorManagementClient

from tests.log_analytics_peer import Signed
from tests.metrics_query_peer import SUBSCRIPTION, MetricsQueryPeer, account_id, metrics_query_peer
from token_meter.codes import Charged, Measure
from token_meter.events import Event, Origin
from token_meter.kql import run_query
from token_meter.meter import meter
from token_meter.reconciliation.accounts import accounts_of
from token_meter.reconciliation.azure_metrics import AzureMetrics
from token_meter.reconciliation.days import reconcile
from token_meter.reconciliation_row import ReconciliationRow
from token_meter.simulation import DEPLOYMENTS, Call, events_of, simulated_calls
from token_meter.sinks.duckdb_store import DuckDbStore

pytestmark = pytest.mark.sockets

BEGIN = datetime(2026, 10, 5, tzinfo=UTC)
DAYS = (date(2026, 10, 5), date(2026, 10, 6))
NEXT_WEEK = BEGIN + timedelta(days=7)
CALLS, SEED = 400, 5
ACCOUNTS = sorted({item.backend for item in DEPLOYMENTS} | {item.spills_to for item in DEPLOYMENTS if item.spills_to})
OF_OPENAI = ("ProcessedPromptTokens", "GeneratedTokens", "TokenTransaction", "AzureOpenAIRequests")
OF_OTHERS = ("InputTokens", "OutputTokens", "TotalTokens", "ModelRequests")
NEVER_SEEN = 40
"""Tokens of each answer that was lost on its way to the hub."""
Key = tuple[date, str, str, str]
"""Day, account, deployment, measure."""


def as_the_service_counts(peer: MetricsQueryPeer, call: Call) -> None:
    """Have the service measure a call."""
    names = OF_OTHERS if call.deployment.name == "claude" else OF_OPENAI
    where, when = call.deployment.name, call.time
    for _ in range(call.attempts - 1):
        peer.measure(call.deployment.backend, where, when, **{names[3]: 1})
    peer.measure(call.backend, where, when, **{names[3]: 1})
    if call.charged is not Charged.NO:
        prompt, completion = call.prompt or 0, call.completion or (NEVER_SEEN if call.answer_lost else 0)
        totals = {names[0]: prompt, names[1]: completion, names[2]: prompt + completion}
        peer.measure(call.backend, where, when, **{name: total for name, total in totals.items() if total})


def planted(calls: list[Call]) -> Counter[Key]:
    """Return the differences that the company's calls have by themselves: lost answers, attempts elsewhere."""
    expected: Counter[Key] = Counter()
    for call in calls:
        here = call.time.date(), call.backend, call.deployment.name
        if call.answer_lost:
            expected[*here, "completion_tokens"] += NEVER_SEEN
            expected[*here, "total_tokens"] += NEVER_SEEN + (call.prompt or 0)
        if call.backend != call.deployment.backend:
            expected[*here, "calls"] -= call.attempts - 1
            expected[here[0], call.deployment.backend, here[2], "calls"] += call.attempts - 1
    return expected


def different(found: list[ReconciliationRow]) -> dict[Key, int]:
    """Return the differences that were found."""
    return {
        (row.day.date(), row.account, row.deployment, row.measure.value): row.difference or 0
        for row in found
        if row.difference
    }


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    """Return the company's calls of two days."""
    return list(simulated_calls(BEGIN, BEGIN + timedelta(days=2), CALLS, SEED))


@pytest.fixture(scope="module")
def store(calls: list[Call]) -> Iterator[DuckDbStore]:
    """Return a store with the calls, metered."""
    bodies = [body for call in calls for body in events_of(call)]
    outcome = meter([Event(body, Origin(file="events.jsonl", line=line)) for line, body in enumerate(bodies, start=1)])
    with DuckDbStore(":memory:") as opened:
        opened.write(outcome.rows)
        yield opened


@pytest.fixture
def peer(tmp_path: Path, calls: list[Call]) -> Iterator[MetricsQueryPeer]:
    """Return the accounts, which have measured every call."""
    with metrics_query_peer(tmp_path, *ACCOUNTS) as running:
        for call in calls:
            as_the_service_counts(running, call)
        yield running


def reconciled(peer: MetricsQueryPeer, store: DuckDbStore) -> list[ReconciliationRow]:
    """Return the comparison of both days, a week later."""
    client = MonitorManagementClient(
        Signed(),
        SUBSCRIPTION,
        base_url=peer.endpoint,
        credential_scopes=["scope"],
        connection_verify=str(peer.certificate),
    )
    accounts = accounts_of(map(account_id, ACCOUNTS))
    metrics = AzureMetrics(client, 60.0, clock=lambda: 0.0)
    return reconcile(partial(run_query, store), metrics.totals, accounts, DAYS, NEXT_WEEK)


def test_every_difference_is_a_planted_one_and_is_explained(
    peer: MetricsQueryPeer, store: DuckDbStore, calls: list[Call]
) -> None:
    """To the last token: lost answers, attempts that another member of a pool took over, somebody's direct calls."""
    expected = planted(calls)
    assert {"completion_tokens", "total_tokens", "calls"} == {measure for *_, measure in +expected}
    peer.measure("aoai-west", "chat-41", BEGIN, TokenTransaction=700, AzureOpenAIRequests=2)
    expected[DAYS[0], "aoai-west", "chat-41", "total_tokens"] += 700
    expected[DAYS[0], "aoai-west", "chat-41", "calls"] += 2

    found = reconciled(peer, store)

    assert {key: value for key, value in expected.items() if value} == different(found)
    bypassed = [row for row in found if (row.day.date(), row.deployment) == (DAYS[0], "chat-41") and row.difference]
    assert all("outside_the_gateway" in (row.reasons or ()) for row in bypassed)
    assert [] == [row for row in found if row.difference and not row.reasons]


def test_each_call_and_token_is_on_both_sides(peer: MetricsQueryPeer, store: DuckDbStore, calls: list[Call]) -> None:
    """What is compared is everything, and each thing once."""
    found = reconciled(peer, store)

    prompts = [row for row in found if row.measure is Measure.PROMPT_TOKENS]
    attempts = [row for row in found if row.measure is Measure.CALLS]
    spent = sum(call.prompt or 0 for call in calls)
    made = sum(call.attempts for call in calls)
    assert (spent, spent) == _both(prompts)
    assert (made, made) == _both(attempts)
    assert len(found) == len({row.event_id for row in found})


def _both(found: list[ReconciliationRow]) -> tuple[int, int]:
    return sum(row.service_value or 0 for row in found), sum(row.metered_value or 0 for row in found)
