"""The canary: one made-up call that goes the whole way and is on nobody's bill.

Its application and deployment have a name that is kept for it; the gateway answered 404, so that it is not charged and
has no tokens; and its time lies in the year 2000, before every period that anybody bills or looks at.
"""

import json
import time
from datetime import UTC, datetime

from token_meter.codes import Charged
from token_meter.events import Event
from token_meter.meter import meter
from token_meter.options import MeterOptions
from token_meter.query_result import Ask
from token_meter.row import UsageRow

CANARY = "token-meter-canary"
CALL_TIME = datetime(2000, 1, 1, tzinfo=UTC)
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
"""Seconds between two looks into the table; rows show after 2 to 5 minutes."""


def canary_event(call_id: str) -> Event:
    """Return the gateway's record of a canary call; `call_id` tells it from all others."""
    record = {
        "version": 1,
        "kind": "exchange",
        "requestId": call_id,
        "attempt": 1,
        "time": CALL_TIME.isoformat(),
        "method": "POST",
        "url": f"/openai/deployments/{CANARY}/chat/completions?api-version=2024-10-21",
        "appId": CANARY,
        "appIdVerified": False,
        "status": 404,
        "requestBody": None,
        "responseBody": json.dumps({"error": {"code": "DeploymentNotFound", "message": CANARY}}),
        "responseContentType": "application/json",
    }
    return Event(json.dumps(record).encode())


def canary_row(call_id: str, options: MeterOptions) -> UsageRow:
    """Return what the meter makes of a canary. Raises ValueError where that could be billed: it must not be sent."""
    outcome = meter([canary_event(call_id)], options)
    outcome.check()
    (row,) = outcome.rows
    if row.charged is not Charged.NO or row.total_tokens is not None or row.app_id != CANARY:
        raise ValueError("the canary could be billed")
    return row


def arrival(ask: Ask, call_id: str, longest_wait: float) -> tuple[bool, float]:
    """Wait for a canary's row, for so many seconds at most; return whether it came, and the seconds that it took.

    Raises QueryError where the table cannot be asked.
    """
    # the table's own time is that of the row's arrival, since the call's lies too far back
    seen = f"{UsageRow.TABLE} | where TimeGenerated > ago(1d) and CallId == '{call_id}' | count"
    started, pause = time.monotonic(), FIRST_PAUSE
    while True:
        found = bool(ask(seen).rows[0][0])
        waited = time.monotonic() - started
        if found or waited + pause > longest_wait:
            return found, waited
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
