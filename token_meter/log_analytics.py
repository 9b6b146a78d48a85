"""KQL in Log Analytics: a workspace's answer, with the functions that are deployed there."""

import json
from dataclasses import dataclass
from datetime import datetime

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.monitor.query import LogsQueryClient, LogsQueryPartialResult, LogsTable

from token_meter.azure_faults import first_line, meaning
from token_meter.credentials import azure_identity
from token_meter.query_result import QueryError, Result, Value, as_text
from token_meter.settings import Settings

LONGEST_QUERY = 600
"""Seconds that the service takes at most (learn.microsoft.com/azure/azure-monitor/fundamentals/service-limits)."""
CURES = {
    401: "the identity's token is not taken; is it of the workspace's tenant?",
    403: "the identity needs the role Log Analytics Data Reader on the workspace",
    404: "there is no such workspace; the id is the workspace's `customerId`, not its name",
}


@dataclass(frozen=True, slots=True)
class LogAnalytics:
    """A workspace that answers KQL."""

    client: LogsQueryClient
    workspace_id: str
    longest: int = LONGEST_QUERY
    """Seconds after which a query is given up."""

    def ask(self, kql: str) -> Result:
        """Answer a query. Raises QueryError where there is no answer, or only part of one.

        No time span goes with it: the service would hold that against `TimeGenerated`, and calls are cut by `CallTime`.
        """
        try:
            answer = self.client.query_workspace(
                self.workspace_id, kql, timespan=None, server_timeout=self.longest, read_timeout=self.longest
            )
        except HttpResponseError as fault:
            raise QueryError(f"Log Analytics: {meaning(fault, CURES)}") from fault
        except AzureError as fault:
            raise QueryError(f"Log Analytics cannot be reached: {first_line(str(fault))}") from fault
        if isinstance(answer, LogsQueryPartialResult):
            why = answer.partial_error.message if answer.partial_error else ""
            raise QueryError(f"Log Analytics gave part of an answer only: {first_line(why)}")
        return _result(answer.tables[0]) if answer.tables else Result((), (), ())


def log_analytics(
    credential: TokenCredential, workspace_id: str, endpoint: str, longest: int = LONGEST_QUERY
) -> LogAnalytics:
    """Return a workspace by its id (`customerId`); other clouds than the public one have an endpoint of their own."""
    return LogAnalytics(LogsQueryClient(credential, endpoint=endpoint), workspace_id, longest)


def workspace_of(settings: Settings, longest: int) -> LogAnalytics:
    """Return the workspace that settings name, asked as the Function's identity, so many seconds a question at most."""
    identity = azure_identity(settings.managed_identity_client_id)
    return log_analytics(identity, settings.workspace_id, settings.query_endpoint, longest)


def _result(table: LogsTable) -> Result:
    types = tuple(table.columns_types)
    rows = tuple(tuple(_value(value, kind) for value, kind in zip(row, types, strict=True)) for row in table.rows)
    return Result(tuple(table.columns), types, rows)


def _value(value: object, kind: str) -> Value:
    if isinstance(value, datetime):
        return as_text(value)
    if kind == "dynamic" and isinstance(value, str):
        try:
            parsed: Value = json.loads(value)
        except ValueError:
            return value  # a dynamic text comes without quotes
        return parsed
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
