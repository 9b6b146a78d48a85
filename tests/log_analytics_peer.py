"""A peer on loopback that answers as Log Analytics' query API does, over HTTPS.

The embedded store works the answers out, so what a client reads here is what the shipped KQL really gives, in the
service's form: a table of typed columns, times with a `Z`, dynamic values as JSON text.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.core.credentials import AccessToken

from tests.azure_peers import Silent, write_certificate
from tests.loopback import serving
from token_meter.kql import run_query
from token_meter.query_result import QueryError, Result
from token_meter.sinks.duckdb_store import DuckDbStore

WORKSPACE = "0f5c2f5e-8a57-4b1f-9a4e-5d1d9a0c7b11"
FAR_FUTURE = 4_000_000_000
"""Seconds since 1970."""


class Signed:
    """A credential that always has a token."""

    def get_token(self, *_scopes: str, **_: Any) -> AccessToken:
        """Return the token."""
        return AccessToken("token", FAR_FUTURE)


@dataclass
class LogAnalyticsPeer:
    """What it was asked, and what it is told to answer instead."""

    store: DuckDbStore
    endpoint: str = ""
    certificate: Path = Path()
    failure: tuple[int, dict[str, Any]] | None = None
    partial: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def log_analytics_peer(store: DuckDbStore, folder: Path) -> Iterator[LogAnalyticsPeer]:
    """Run a peer over a store for as long as the context is open; its certificate is written to the folder."""
    certificate = write_certificate(folder)
    peer = LogAnalyticsPeer(store, certificate=certificate[0])

    class Queries(Silent):
        def do_POST(self) -> None:  # noqa: N802 - the library's name
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            peer.asked.append(body)
            if self.path != f"/v1/workspaces/{WORKSPACE}/query":
                self.answer(404, _error("WorkspaceNotFoundError", "The workspace could not be found"))
            elif peer.failure is not None:
                self.answer(*peer.failure)
            else:
                self.answer(*_answer(peer, body["query"]))

    with serving(Queries, certificate) as port:
        peer.endpoint = f"https://localhost:{port}"
        yield peer


def _answer(peer: LogAnalyticsPeer, query: str) -> tuple[int, dict[str, Any]]:
    try:
        result = run_query(peer.store, query)
    except QueryError as fault:
        return 400, _error("BadArgumentError", "The request had some invalid properties", str(fault))
    content: dict[str, Any] = {"tables": [_table(result)]}
    if peer.partial:
        content |= _error("PartialError", "There were some errors.", "the answer is too large")
    return 200, content


def _error(code: str, message: str, innermost: str = "") -> dict[str, Any]:
    inner = {"innererror": {"code": "SemanticError", "message": innermost}} if innermost else {}
    return {"error": {"code": code, "message": message, **inner}}


def _table(result: Result) -> dict[str, Any]:
    columns = [{"name": name, "type": kind} for name, kind in zip(result.columns, result.types, strict=True)]
    rows = [
        [json.dumps(value) if kind == "dynamic" and value is not None else value for value, kind in pairs]
        for pairs in (zip(row, result.types, strict=True) for row in result.rows)
    ]
    return {"name": "PrimaryResult", "columns": columns, "rows": rows}
