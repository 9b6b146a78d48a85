"""A peer on loopback that answers as Resource Manager's metrics do (Metrics - List, 2024-02-01), over HTTPS.

What it imitates, from the REST reference and learn.microsoft.com/azure/azure-monitor/metrics/migrate-to-batch-api (its
"individual response"): a series for every value of the dimension that is split by, and ten of them where `top` does not
ask for more; points of the interval from the span's beginning on, without `total` where nothing was measured; names of
dimensions in lower case; errors of metrics without an envelope, those of Resource Manager in one.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.azure_peers import Silent, write_certificate
from tests.loopback import serving

SUBSCRIPTION = "0f5c2f5e-8a57-4b1f-9a4e-5d1d9a0c7b11"
API_VERSION = "2024-02-01"
VALID = (
    "AzureOpenAIRequests",
    "TokenTransaction",
    "ProcessedPromptTokens",
    "GeneratedTokens",
    "ModelRequests",
    "TotalTokens",
    "InputTokens",
    "OutputTokens",
)
INTERVALS = {"PT1M": timedelta(minutes=1), "PT1H": timedelta(hours=1), "P1D": timedelta(days=1)}
USUAL_TOP = 10
MOST_METRICS = 20
SPLIT = re.compile(r"ModelDeploymentName eq '\*'", re.IGNORECASE)
PATH = re.compile(
    r"(?P<id>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.CognitiveServices/accounts/[^/]+)"
    r"/providers/Microsoft\.Insights/metrics",
    re.IGNORECASE,
)


def account_id(name: str) -> str:
    """Return the resource id of an account."""
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/ai-team/providers/Microsoft.CognitiveServices/accounts/{name}"


@dataclass(frozen=True)
class Measured:
    """What the service measured at a moment."""

    account: str
    deployment: str
    metric: str
    moment: datetime
    total: float


@dataclass
class MetricsQueryPeer:
    """What it has, what it was asked, and what it is told to answer instead."""

    accounts: tuple[str, ...] = ()
    endpoint: str = ""
    certificate: Path = Path()
    measured: list[Measured] = field(default_factory=list)
    valid: tuple[str, ...] = VALID
    refused: tuple[str, ...] = ()
    """Accounts that the identity has no role on."""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses and headers to answer first, one a request."""
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def measure(self, account: str, deployment: str, moment: datetime, **totals: float) -> None:
        """Take what the service measured then, by metric."""
        self.measured += [Measured(account, deployment, name, moment, total) for name, total in totals.items()]

    def answer(self, path: str) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Return status, content and headers."""
        parts = urlsplit(path)
        question = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(question)
        found = PATH.fullmatch(unquote(parts.path))
        account = found["id"].rpartition("/")[2] if found else ""
        if self.answers:
            status, headers = self.answers.pop(0)
            return status, _envelope("TooManyRequests", "The request is being throttled."), headers
        if account in self.refused:
            return 403, _envelope("AuthorizationFailed", "The client does not have authorization over scope …"), {}
        if found is None or account not in self.accounts:
            return 404, _envelope("ResourceNotFound", f"The Resource '{account}' was not found."), {}
        return *self._metrics(found["id"], account, question), {}

    def _metrics(self, resource: str, account: str, question: dict[str, str]) -> tuple[int, dict[str, Any]]:
        names = question.get("metricnames", "").split(",")
        unknown = [name for name in names if name not in self.valid]
        if question.get("api-version") != API_VERSION or question.get("interval") not in INTERVALS:
            return 400, _bare("Received invalid query parameter")
        if unknown or len(names) > MOST_METRICS:
            return 400, _bare(
                "Failed to find metric configuration for provider: Microsoft.CognitiveServices, "
                f"resource Type: accounts, metric: {','.join(unknown)}, Valid metrics: {','.join(self.valid)}"
            )
        if "$filter" in question and not SPLIT.fullmatch(question["$filter"]):
            return 400, _bare(f"Metric: {names[0]} does not support requested dimension combination")
        begin, end = (datetime.fromisoformat(text) for text in question["timespan"].split("/"))
        value = [
            {
                "id": f"{resource}/providers/Microsoft.Insights/metrics/{name}",
                "type": "Microsoft.Insights/metrics",
                "name": {"value": name, "localizedValue": name},
                "unit": "Count",
                "timeseries": self._series(account, name, question, begin, end),
                "errorCode": "Success",
            }
            for name in names
        ]
        return 200, {
            "cost": 0,
            "timespan": question["timespan"],
            "interval": question["interval"],
            "value": value,
            "namespace": question.get("metricnamespace", ""),
            "resourceregion": "swedencentral",
        }

    def _series(
        self, account: str, name: str, question: dict[str, str], begin: datetime, end: datetime
    ) -> list[dict[str, Any]]:
        step = INTERVALS[question["interval"]]
        found = [
            item
            for item in self.measured
            if (item.account, item.metric) == (account, name) and begin <= item.moment < end
        ]
        if "$filter" not in question:
            return [{"metadatavalues": [], "data": _points(found, begin, end, step)}] if found else []
        deployments = sorted({item.deployment for item in found})[: int(question.get("top", USUAL_TOP))]
        return [
            {
                "metadatavalues": [
                    {
                        "name": {"value": "modeldeploymentname", "localizedValue": "modeldeploymentname"},
                        "value": deployment,
                    }
                ],
                "data": _points([item for item in found if item.deployment == deployment], begin, end, step),
            }
            for deployment in deployments
        ]


@contextmanager
def metrics_query_peer(folder: Path, *accounts: str) -> Iterator[MetricsQueryPeer]:
    """Run a peer that has accounts for as long as the context is open; its certificate is written to the folder."""
    certificate = write_certificate(folder)
    peer = MetricsQueryPeer(accounts, certificate=certificate[0])

    class Metrics(Silent):
        def do_GET(self) -> None:  # noqa: N802 - the library's name
            peer.tokens.append(self.headers.get("Authorization", ""))
            if not self.headers.get("Authorization", "").startswith("Bearer "):
                self.answer(401, _envelope("AuthenticationFailed", "Authentication failed."))
                return
            status, content, headers = peer.answer(self.path)
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": len(body), **headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

    with serving(Metrics, certificate) as port:
        peer.endpoint = f"https://localhost:{port}"
        yield peer


def _points(found: list[Measured], begin: datetime, end: datetime, step: timedelta) -> list[dict[str, Any]]:
    points = []
    while begin < end:
        inside = [item.total for item in found if begin <= item.moment < begin + step]
        stamp = begin.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        points.append({"timeStamp": stamp, **({"total": float(sum(inside))} if inside else {})})
        begin += step
    return points


def _envelope(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _bare(message: str) -> dict[str, Any]:
    return {"code": "BadRequest", "message": message}
