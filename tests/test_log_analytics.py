"""Answers of Log Analytics, read over HTTPS from a peer that works them out with the shipped KQL."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.monitor.query import LogsQueryClient

from tests.azure_peers import identity_endpoint, identity_variables
from tests.log_analytics_peer import WORKSPACE, LogAnalyticsPeer, Signed, log_analytics_peer
from tests.loopback import serving
from tests.usage_rows import observation
from token_meter.kql import run_query
from token_meter.log_analytics import LogAnalytics
from token_meter.query_result import QueryError
from token_meter.sinks.duckdb_store import DuckDbStore

pytestmark = pytest.mark.sockets


class Unsigned:
    """A credential that has no token."""

    def get_token(self, *_scopes: str, **_: Any) -> AccessToken:
        """Fail as azure-identity does."""
        raise ClientAuthenticationError("nobody has signed in")


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[LogAnalyticsPeer]:
    """Return a peer over a store with one call in it."""
    with DuckDbStore(":memory:") as store:
        store.write([observation(app_id="app", custom={"team": "blue"}, total_tokens=7, total_source="reported")])
        with log_analytics_peer(store, tmp_path) as running:
            yield running


def workspace(peer: LogAnalyticsPeer, workspace_id: str = WORKSPACE, port: str = "") -> LogAnalytics:
    """Return the client of a peer."""
    client = LogsQueryClient(
        Signed(), endpoint=port or peer.endpoint, connection_verify=str(peer.certificate), retry_total=0
    )
    return LogAnalytics(client, workspace_id)


def test_an_answer_is_the_embedded_stores(peer: LogAnalyticsPeer) -> None:
    """Times, dynamic values, numbers and nulls arrive as they are on a laptop, so a report needs no second reader."""
    expected = run_query(peer.store, "TokenUsage()")

    assert expected == workspace(peer).ask("TokenUsage()")


def test_no_time_span_goes_with_a_query(peer: LogAnalyticsPeer) -> None:
    """The service would hold it against the time of arrival."""
    workspace(peer).ask("TokenUsage() | count")

    assert [""] == [request["timespan"] or "" for request in peer.asked]


def test_a_query_that_is_none_is_told_in_the_services_innermost_words(peer: LogAnalyticsPeer) -> None:
    """Its outermost words are the same for every fault."""
    with pytest.raises(QueryError, match=r"^Log Analytics: .*Nowhere"):
        workspace(peer).ask("Nowhere | count")


def test_part_of_an_answer_is_none(peer: LogAnalyticsPeer) -> None:
    """A bill from part of the rows would be a wrong one."""
    peer.partial = True

    with pytest.raises(QueryError, match="part of an answer only: the answer is too large"):
        workspace(peer).ask("TokenUsage()")


def test_an_unknown_workspace_is_named(peer: LogAnalyticsPeer) -> None:
    """People take the name for the id."""
    with pytest.raises(QueryError, match="customerId"):
        workspace(peer, "another").ask("TokenUsage()")


def test_a_missing_role_is_named(peer: LogAnalyticsPeer) -> None:
    """The cure is in the message."""
    peer.failure = 403, {"error": {"code": "InsufficientAccessError", "message": "no access"}}

    with pytest.raises(QueryError, match="Log Analytics Data Reader"):
        workspace(peer).ask("TokenUsage()")


def test_a_refused_token_is_told(peer: LogAnalyticsPeer) -> None:
    """In one line."""
    peer.failure = 401, {"error": {"code": "AuthorizationRequiredError", "message": "valid authentication required"}}

    with pytest.raises(QueryError, match="401"):
        workspace(peer).ask("TokenUsage()")


def test_a_workspace_that_is_not_there_is_told(peer: LogAnalyticsPeer) -> None:
    """Whatever the network says."""
    with pytest.raises(QueryError, match="cannot be reached"):
        workspace(peer, port="https://localhost:1").ask("TokenUsage()")


def test_an_identity_without_a_token_is_told(peer: LogAnalyticsPeer) -> None:
    """As on a laptop where nobody has signed in."""
    client = LogsQueryClient(Unsigned(), endpoint=peer.endpoint, connection_verify=str(peer.certificate))

    with pytest.raises(QueryError, match="nobody has signed in"):
        LogAnalytics(client, WORKSPACE).ask("TokenUsage()")


def test_the_command_line_asks_a_workspace_with_the_identity_that_is_there(
    peer: LogAnalyticsPeer, tmp_path: Path
) -> None:
    """Nothing is replaced: the managed identity's endpoint and the service are peers over sockets."""
    command = Path(sys.executable).with_name("token-meter")
    question = "TokenUsage() | project AppId, TotalTokens"
    with serving(identity_endpoint()) as identity:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(tmp_path),
            "REQUESTS_CA_BUNDLE": str(peer.certificate),
            **identity_variables(identity),
            "LOG_ANALYTICS_ENDPOINT": peer.endpoint,
        }
        asked = [str(command), "query", question, "--workspace", WORKSPACE, "--format", "json"]
        answer = subprocess.run(asked, env=environment, check=True, capture_output=True, text=True).stdout

    assert [{"AppId": "app", "TotalTokens": 7}] == json.loads(answer)
