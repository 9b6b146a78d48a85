"""What a failure of the Logs Ingestion API means: whether it passes, when to try again, and what cures it.

Nothing that the service says is passed on but its status and its error's code: a message may quote what was sent.
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

BAD_REQUEST, TOO_LARGE = HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE
PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
"""Statuses below 500 that pass by themselves."""
CODE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
MISMATCH = (
    "the data collection rule refuses these rows: deploy the infrastructure of this version, so that the rule's "
    "streams have the columns of docs/schema.md"
)
CURES: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: MISMATCH,
    HTTPStatus.FORBIDDEN: "grant the Function's identity the role Monitoring Metrics Publisher on the data collection "
    "rule; it takes up to 30 minutes until that is in effect",
    HTTPStatus.NOT_FOUND: "check LOGS_INGESTION_ENDPOINT and LOGS_INGESTION_RULE_ID against the rule, and that it has "
    "the stream",
    HTTPStatus.TOO_MANY_REQUESTS: "the data collection rule is at its rate limit; the batch is tried again",
    HTTPStatus.SERVICE_UNAVAILABLE: "the service is not available, or the identity's role not yet in effect; the batch "
    "is tried again",
}
NOT_SIGNED_IN = "the identity got no token that the service takes; check AZURE_CLIENT_ID and the Function's identity"


class IngestionFailed(Exception):  # noqa: N818 - it says what happened
    """Some rows were not accepted, so the batch must be tried again. The message names the cause and the cure."""


class OutOfTime(AzureError):  # noqa: N818 - it says what happened
    """A chunk was not tried (again), since the write's time was over."""


def passes(failure: Exception) -> bool:
    """Return whether a failure is one that may be over when the request is sent again."""
    if isinstance(failure, HttpResponseError):
        status = failure.status_code
        return status is not None and (status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR)
    return isinstance(failure, ServiceRequestError | ServiceResponseError)


def asked_pause(failure: Exception) -> float | None:
    """Return the seconds that the service asks to wait before the next try, None where it does not ask."""
    headers: Mapping[str, str] = getattr(getattr(failure, "response", None), "headers", {})
    for name, unit in (("Retry-After", 1.0), ("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001)):
        asked = seconds_until(headers[name], datetime.now(UTC)) if name in headers else None
        if asked is not None:
            return asked * unit
    return None


def seconds_until(text: str, now: datetime) -> float | None:
    """Return a `Retry-After` (RFC 9110 10.2.3: seconds or a date) in seconds, None where it is no time to come."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - now).total_seconds()
        except (ValueError, TypeError):  # no date, or one that names no zone
            return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def named(failure: Exception) -> str:
    """Return what failed, in a few words and without anything that was sent."""
    status = failure.status_code if isinstance(failure, HttpResponseError) else None
    if status is None:
        return type(failure).__name__
    code = getattr(getattr(failure, "error", None), "code", None)
    return f"status {status} {code}" if isinstance(code, str) and CODE.fullmatch(code) else f"status {status}"


def told(failures: Sequence[AzureError]) -> str:
    """Return one sentence on the chunks that failed: how many, how the first one did, and what cures it."""
    first = failures[0]
    status = first.status_code if isinstance(first, HttpResponseError) else None
    cure = NOT_SIGNED_IN if isinstance(first, ClientAuthenticationError) else CURES.get(status) if status else None
    what = f"Logs Ingestion did not accept {len(failures)} chunk(s), the first with {named(first)}"
    return f"{what}: {cure}" if cure else what
