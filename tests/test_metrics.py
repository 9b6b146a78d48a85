"""What goes over the wire when a batch is counted: real exporters to a peer on loopback."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from tests.metrics_peer import MetricsPeer, Point, metrics_peer, otlp_values
from tests.records import metered, record
from tests.usage_rows import observation
from token_meter.codes import Via
from token_meter.events import Event, Origin
from token_meter.meter import Outcome, meter
from token_meter.metrics import metrics_of
from token_meter.metrics.options import Exporter, MetricsOptions
from token_meter.pipeline import NO_METRICS

pytestmark = pytest.mark.sockets

REPOSITORY = Path(__file__).parent.parent
CALL = {"backendId": "pool-1", "gatewayRegion": "Sweden Central", "clientIp": "203.0.113.7"}
DIMENSIONS = {
    "appId": "app-1",
    "model": "gpt-4o-2024-08-06",
    "deployment": "gpt-4o-prod",
    "backend": "pool-1",
    "region": "Sweden Central",
}
PLACE = Origin(hub="contoso/usage", partition="3", sequence_number=41)
LAG = {"hub": "contoso/usage", "partition": "3"}
DELTA, CUMULATIVE = (
    AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA,
    AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE,
)


@pytest.fixture
def peer() -> Iterator[MetricsPeer]:
    """Return a peer that takes what it is sent."""
    with metrics_peer() as running:
        yield running


def azure(peer: MetricsPeer, **choices: object) -> MetricsOptions:
    """Return the choices of an installation that counts into Application Insights."""
    return MetricsOptions(exporter=Exporter.AZURE_MONITOR, connection_string=peer.connection_string, **choices)  # type: ignore[arg-type]


def otlp(peer: MetricsPeer, **choices: object) -> MetricsOptions:
    """Return the choices of an installation that counts into an OTLP receiver."""
    return MetricsOptions(exporter=Exporter.OTLP, otlp_endpoint=peer.url, **choices)  # type: ignore[arg-type]


def point(name: str, dimensions: Mapping[str, str] = DIMENSIONS) -> Point:
    """Return a metric's name with dimensions."""
    return name, frozenset(dimensions.items())


def test_application_insights_is_sent_each_batch_under_the_names_that_are_known(peer: MetricsPeer) -> None:
    """And at once: two calls and a reject in one request, with the values of this batch."""
    batch = [
        Event(json.dumps(record(**CALL)).encode(), PLACE),
        Event(json.dumps(record(**CALL, requestId="b", status=429, responseBody=None)).encode(), PLACE),
        Event(b"poison", PLACE),
    ]

    metrics_of(azure(peer)).record(meter(batch), Via.TRIGGER, 1.5)

    throttled = {name: value for name, value in DIMENSIONS.items() if name != "model"}
    assert [
        {
            point("Prompt Tokens"): 10,
            point("Completion Tokens"): 3,
            point("Total Tokens"): 13,
            point("Requests"): 1,
            point("Requests", throttled): 1,
            point("Throttled Requests", throttled): 1,
            point("Rejected Events", {"reason": "not_json"}): 1,
            point("Metering Lag", LAG): 1.5,
        }
    ] == peer.points()


def test_application_insights_is_told_the_namespace_and_nothing_of_who_called(peer: MetricsPeer) -> None:
    """Each point has the namespace, and no dimension but those that were chosen."""
    metrics_of(azure(peer, namespace="my-namespace")).record(metered(record(**CALL), origin=PLACE), Via.TRIGGER, 1.5)

    (items,) = peer.envelopes()
    data = [item["data"]["baseData"] for item in items]
    assert {"my-namespace"} == {metric["ns"] for item in data for metric in item["metrics"]}
    assert {*DIMENSIONS, *LAG} == {name for item in data for name in item["properties"]}
    assert "203.0.113.7" not in json.dumps(items)


def test_a_batch_is_sent_as_the_difference_to_the_one_before(peer: MetricsPeer) -> None:
    """Whoever adds the points up has the total; what was counted once is not sent again."""
    counters = metrics_of(azure(peer))
    for call in ("a", "b", "c"):
        counters.record(metered(record(**CALL, requestId=call)), Via.TRIGGER, None)

    assert [13, 13, 13] == [points[point("Total Tokens")] for points in peer.points()]


def test_an_otlp_receiver_is_sent_the_same(peer: MetricsPeer) -> None:
    """The namespace is the scope; names, units, dimensions and values as in Application Insights."""
    counters = metrics_of(otlp(peer, namespace="my-namespace"))
    for call in ("a", "b"):
        counters.record(metered(record(**CALL, requestId=call), origin=PLACE), Via.TRIGGER, 1.5)

    first, second = peer.scopes()
    assert "my-namespace" == first.scope.name == second.scope.name
    for scope in (first, second):
        sent = {metric.name: metric for metric in scope.metrics}
        assert {"Prompt Tokens", "Completion Tokens", "Total Tokens", "Requests", "Metering Lag"} == set(sent)
        assert [("{token}", {frozenset(DIMENSIONS.items()): 13})] == [
            (sent["Total Tokens"].unit, otlp_values(sent["Total Tokens"]))
        ]
        assert {frozenset(LAG.items()): 1.5} == otlp_values(sent["Metering Lag"])
        assert (DELTA, True) == (sent["Requests"].sum.aggregation_temporality, sent["Requests"].sum.is_monotonic)
        assert DELTA == sent["Metering Lag"].histogram.aggregation_temporality


def test_a_receiver_that_knows_no_differences_is_sent_sums(peer: MetricsPeer) -> None:
    """As Prometheus by itself."""
    counters = metrics_of(otlp(peer, cumulative=True))
    for call in ("a", "b"):
        counters.record(metered(record(**CALL, requestId=call)), Via.TRIGGER, None)

    sent = [next(metric for metric in scope.metrics if metric.name == "Total Tokens") for scope in peer.scopes()]
    assert [(CUMULATIVE, [13]), (CUMULATIVE, [26])] == [
        (metric.sum.aggregation_temporality, list(otlp_values(metric).values())) for metric in sent
    ]


def test_the_genai_convention_is_sent_where_it_is_switched_on(peer: MetricsPeer) -> None:
    """As a histogram with the convention's attributes and buckets, beside the other counters."""
    outcome = metered(record(**CALL))
    metrics_of(otlp(peer, dimensions=("appId",), gen_ai=True)).record(outcome, Via.TRIGGER, None)
    metrics_of(otlp(peer, dimensions=("appId",))).record(outcome, Via.TRIGGER, None)

    switched_on, switched_off = peer.scopes()
    (usage,) = (metric for metric in switched_on.metrics if metric.name == "gen_ai.client.token.usage")
    attributes = {
        "appId": "app-1",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "azure.ai.openai",
        "gen_ai.request.model": "gpt-4o-prod",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
    }
    expected = {"input": 10, "output": 3}
    assert {
        frozenset({**attributes, "gen_ai.token.type": kind}.items()): tokens for kind, tokens in expected.items()
    } == otlp_values(usage)
    assert (1, 67_108_864) == tuple(usage.histogram.data_points[0].explicit_bounds[place] for place in (0, -1))
    assert "gen_ai.client.token.usage" not in {metric.name for metric in switched_off.metrics}


def test_dimensions_that_are_chosen_go_out_and_no_other(peer: MetricsPeer) -> None:
    """The caller's address too, where somebody wants it."""
    options = azure(peer, dimensions=("client_ip", "source"))
    metrics_of(options).record(metered(record(**CALL)), Via.TRIGGER, None)

    (sent,) = peer.points()
    assert {frozenset({("client_ip", "203.0.113.7"), ("source", "reported")})} == {name[1] for name in sent}


def test_beyond_the_cap_combinations_are_counted_as_other(peer: MetricsPeer, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is lost but who it was; those that are known stay; it is said once."""
    counters = metrics_of(azure(peer, dimensions=("appId", "deployment"), most_series=2))
    outcome = metered(*(record(requestId=f"{app}{turn}", appId=app) for turn in range(2) for app in "abcd"))
    counters.record(outcome, Via.TRIGGER, None)
    counters.record(metered(record(requestId="late", appId="e")), Via.TRIGGER, None)

    first, second = ({dict(name[1])["appId"]: value for name, value in sent.items()} for sent in _totals(peer))
    assert ({"a": 26, "b": 26, "other": 52}, {"other": 13}) == (first, second)
    assert {"deployment": "other", "appId": "other"} == dict(next(iter(_totals(peer)[1]))[1])
    assert 1 == sum("combinations of dimensions" in item.getMessage() for item in caplog.records)


def _totals(peer: MetricsPeer) -> list[dict[Point, float]]:
    return [{name: value for name, value in sent.items() if name[0] == "Total Tokens"} for sent in peer.points()]


def test_a_value_is_no_longer_than_the_store_takes(peer: MetricsPeer) -> None:
    """Azure Monitor takes 256 characters; what is longer would be dropped with its whole series."""
    row = observation(record_shape="canonical", status_code=200, app_id="a" * 300)
    metrics_of(azure(peer)).record(Outcome((row,), (), (), 1), Via.TRIGGER, None)

    (sent,) = peer.points()
    assert {256} == {len(dict(name[1])["appId"]) for name in sent}


def test_a_replay_sends_nothing(peer: MetricsPeer) -> None:
    """What it meters was counted before, or is of another time."""
    counters = metrics_of(azure(peer))
    counters.record(metered(record(**CALL), "no record"), Via.REPLAY, 1.5)

    assert [] == peer.requests


def test_with_counters_off_nothing_is_counted_and_no_library_is_loaded() -> None:
    """Not even by the function's own module, whose cold start counts."""
    asked = "import sys, functions.meter_events; print([name for name in sys.modules if 'opentelemetry.sdk' in name])"
    printed = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True, cwd=REPOSITORY)

    assert NO_METRICS is metrics_of(MetricsOptions())
    assert "[]" == printed.stdout.strip()
