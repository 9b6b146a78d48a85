"""The way of a row: the rule's streams, a canary through the real sink, the table."""

import io
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import cast
from uuid import uuid4

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from token_meter.columns import columns
from token_meter.doctor.canary import arrival, canary_row
from token_meter.doctor.check import Check, failed, ok
from token_meter.doctor.cures import RULES, TAKES, grant, rule_scope, workspace_scope
from token_meter.query_result import Ask, QueryError
from token_meter.settings import Settings
from token_meter.sinks.chunks import packed
from token_meter.sinks.ingestion_failures import MISMATCH, NOT_SIGNED_IN, IngestionFailed, named
from token_meter.sinks.logs_ingestion import LogsIngestionSink, ingestion_client, stream_of_table
from token_meter.sinks.uploads import Patience
from token_meter.tables import TABLES, Row

CANARY, TABLE = "canary row", "end to end"
NO_ROWS = packed(b"[]")
"""A request that nothing is stored of. Whether the service answers 204 or 400 is not documented; either tells that the
rule and the stream are there, and let the identity in."""
NOT_DECLARED = "InvalidStream"
"""The service's code, with status 400, for a stream that the rule does not declare; others answer 404."""
BRIEF = Patience(seconds=30, attempts=3)
PUBLISHER, READER = "Monitoring Metrics Publisher", "Log Analytics Data Reader"
OLDER = "what is deployed is older than the meter: deploy the infrastructure of this version (docs/upgrade.md)"


def stream_checks(settings: Settings, assignee: str) -> Iterator[Check]:
    """Yield a check a stream: whether the rule takes rows for it from this identity. Nothing is stored."""
    client = ingestion_client(settings)
    answers = {table: _answer(client.upload, settings, stream_of_table(table)) for table in _tables()}
    known = any(answer is None or _status(answer) == HTTPStatus.BAD_REQUEST for answer in answers.values())
    for table, answer in answers.items():
        name = f"rule: {stream_of_table(table)}"
        if answer is None:
            yield ok(name, "takes rows")
        elif _status(answer) == HTTPStatus.BAD_REQUEST and _code(answer) != NOT_DECLARED:
            yield ok(name, f"is there; a request without rows is no row to it ({named(answer)})")
        else:
            yield failed(name, named(answer), _cure(answer, settings, assignee, rule_is_known=known))


def _tables() -> list[str]:
    return [row_type.TABLE for row_type in TABLES]


def _answer(upload: Callable[..., None], settings: Settings, stream: str) -> AzureError | None:
    try:
        upload(settings.ingestion_rule_id, stream, io.BytesIO(NO_ROWS))
    except AzureError as fault:
        return fault
    return None


def _status(answer: AzureError) -> int | None:
    return answer.status_code if isinstance(answer, HttpResponseError) else None


def _code(answer: AzureError) -> str:
    return str(getattr(getattr(answer, "error", None), "code", ""))


def _cure(answer: AzureError, settings: Settings, assignee: str, *, rule_is_known: bool) -> str:
    status = _status(answer)
    if status == HTTPStatus.FORBIDDEN:
        return f"grant the role: {grant(PUBLISHER, assignee, rule_scope(settings.ingestion_rule_id))} {TAKES}"
    if status == HTTPStatus.UNAUTHORIZED or isinstance(answer, ClientAuthenticationError):
        return f"{NOT_SIGNED_IN}; it must be of the rule's tenant: `az account show --query tenantId`"
    if rule_is_known and status in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:
        return OLDER
    if status == HTTPStatus.NOT_FOUND:
        return f"set LOGS_INGESTION_RULE_ID and LOGS_INGESTION_ENDPOINT to a rule that is there: `{RULES}`"
    if status is None:
        return "see the check of the network to Azure Monitor"
    return "wait and look again; where it lasts, see the service's health"


def canary_check(settings: Settings, sink: LogsIngestionSink) -> tuple[Check, str]:
    """Meter a canary and send its row; return the check, and the call's id where the row was accepted."""
    call_id = str(uuid4())
    try:
        refused = sink.write([canary_row(call_id, settings.meter_options)])
    except IngestionFailed as fault:
        what, _, cure = str(fault).partition(": ")
        return failed(CANARY, what, cure or "see the checks of the rule"), ""
    if refused:
        return failed(CANARY, "the row was refused", MISMATCH), ""
    return ok(CANARY, f"metered and accepted, CallId {call_id}, never charged"), call_id


def workspace_checks(ask: Ask, call_id: str, workspace: str, assignee: str, longest_wait: float) -> Iterator[Check]:
    """Yield what the workspace says: each table's columns, and the canary, waited for so many seconds at most."""
    try:
        for row_type in TABLES:
            yield _columns_check(ask, row_type)
        yield _arrival_check(ask, call_id, workspace, longest_wait)
    except QueryError as fault:
        role = grant(READER, assignee, workspace_scope(workspace))
        yield failed(TABLE, str(fault), f"check --workspace, and grant the role: {role} {TAKES}")


def _columns_check(ask: Ask, row_type: type[Row]) -> Check:
    """Hold a table's columns against the row's. Raises QueryError where there is no such table, or no access."""
    name, kind = f"columns: {row_type.TABLE}", cast("type", row_type)
    there = {row[0] for row in ask(f"{row_type.TABLE} | getschema | project ColumnName").rows}
    lacking = [item.name for item in columns(kind) if item.name not in there]
    if not lacking:
        return ok(name, f"all {len(columns(kind))} are there")
    return failed(name, f"{', '.join(lacking)} missing", OLDER)


def _arrival_check(ask: Ask, call_id: str, workspace: str, longest_wait: float) -> Check:
    arrived, seconds = arrival(ask, call_id, longest_wait)
    if arrived:
        return ok(TABLE, f"the canary is in TokenUsage_CL, {seconds:.0f} s after it was accepted")
    return failed(
        TABLE,
        f"the canary was accepted and is not in TokenUsage_CL after {seconds:.0f} s",
        "look again with --wait 900, since a new table's first rows take up to 15 minutes; then see "
        f'`token-meter query "DCRLogErrors | take 5" --workspace {workspace}`',
    )
