"""A peer on loopback that counters are sent to: Application Insights' ingestion, or an OTLP receiver over HTTP."""

import json
import select
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ScopeMetrics

from tests import loopback

TRACK = "/v2.1/track"
OTLP = "/v1/metrics"
LONGEST_SILENCE = 30.0
"""Seconds after which even a silent peer lets go."""
KEY = "5f0e3a52-6b0e-4c57-9a59-1f7a1a1f0c11"
Point = tuple[str, frozenset[tuple[str, str]]]
"""A metric's name and its dimensions."""


@dataclass
class MetricsPeer:
    """What it was sent, and what it is told to answer."""

    url: str = ""
    status: int = 200
    silent: bool = False
    """Whether it takes requests and never answers."""
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    """Path and body of each request."""
    authorizations: list[str] = field(default_factory=list)
    """The Authorization header of each request, empty where there is none."""

    @property
    def connection_string(self) -> str:
        """Application Insights' connection string for it."""
        return f"InstrumentationKey={KEY};IngestionEndpoint={self.url}/"

    def envelopes(self) -> list[list[dict[str, Any]]]:
        """Return the telemetry items of each request to Application Insights."""
        return [json.loads(body) for path, body in self.requests if path == TRACK]

    def points(self) -> list[dict[Point, float]]:
        """Return the values that each request to Application Insights has, by metric and dimensions."""
        return [dict(map(_point, items)) for items in self.envelopes()]

    def scopes(self) -> list[ScopeMetrics]:
        """Return what each OTLP request holds; the meter has one resource and one scope."""
        found = []
        for path, body in self.requests:
            assert path == OTLP
            ((scope,),) = (item.scope_metrics for item in ExportMetricsServiceRequest.FromString(body).resource_metrics)
            found.append(scope)
        return found


def _point(item: dict[str, Any]) -> tuple[Point, float]:
    data = item["data"]["baseData"]
    (metric,) = data["metrics"]
    return (metric["name"], frozenset(data["properties"].items())), metric["value"]


def otlp_values(metric: Metric) -> dict[frozenset[tuple[str, str]], float]:
    """Return the values of an OTLP metric by its dimensions: a counter's, or a histogram's sum."""
    points: Any = metric.sum.data_points if metric.HasField("sum") else metric.histogram.data_points
    return {
        frozenset((item.key, item.value.string_value) for item in point.attributes): (
            point.as_int if metric.HasField("sum") else point.sum
        )
        for point in points
    }


@contextmanager
def metrics_peer(tls: tuple[Path, Path] | None = None) -> Iterator[MetricsPeer]:
    """Run a peer for as long as the context is open; `tls` is a certificate for localhost and its key, for HTTPS."""
    peer = MetricsPeer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            peer.authorizations.append(self.headers.get("Authorization", ""))
            peer.requests.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            if peer.silent:
                select.select([self.connection], [], [], LONGEST_SILENCE)
                self.close_connection = True
                return
            answer = b'{"itemsReceived":1,"itemsAccepted":1,"errors":[]}' if self.path == TRACK else b""
            self.send_response(peer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with loopback.serving(Handler, tls) as port:
        peer.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        yield peer
