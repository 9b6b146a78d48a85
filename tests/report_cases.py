"""Two months of calls that a report is made of: every kind of cost, names that mean harm, records that were lost."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.usage_rows import observation
from token_meter.batch_row import BatchRow
from token_meter.codes import Reason, Via
from token_meter.events import Origin
from token_meter.record import Rejected
from token_meter.rejected_row import rejected_row
from token_meter.report.month import Month
from token_meter.row import UsageRow
from token_meter.tables import Row

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
MONTH = Month(OCTOBER, NOVEMBER, datetime(2026, 11, 3, 9, 30, tzinfo=UTC))
SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(2)>'
FORMULA = "=cmd|' /C calc'!A0"
TURNED = "invoice\u202egnp.exe"
LONG = "x" * 10_000
HOSTILE = (
    SCRIPT,
    IMAGE,
    FORMULA,
    TURNED,
    LONG,
    "</style><svg onload=alert(3)>",
    "{{ 7 * 7 }}",
    "@SUM(1)",
    "+1",
    "-1",
    "\t=1",
)
REPORTED = {"prompt_source": "reported", "completion_source": "reported", "total_source": "reported"}
CALL: dict[str, Any] = {
    "served_model": "gpt-4o-2024-11-20",
    "deployment": "chat",
    "product": "standard",
    "status_code": 200,
    **REPORTED,
}


def call(
    name: str, time: datetime, prompt: int | None = 1_237, completion: int | None = 311, **fields: Any
) -> UsageRow:
    """Return the observation of a call; without fields one of gpt-4o that is priced to a tenth of a millionth."""
    numbers = {"prompt_tokens": prompt, "completion_tokens": completion}
    if prompt is not None and completion is not None:
        numbers["total_tokens"] = prompt + completion
    return observation(name, name, call_time=time, **{**CALL, **numbers, **fields})


def calls() -> Iterator[UsageRow]:
    """Yield the calls of October and of September: forty of ordinary applications, and one of each other kind."""
    for number in range(40):
        time = OCTOBER + timedelta(hours=17 * number)
        app = f"app-{number % 4}"
        centre = {"costCentre": f"CC-{number % 3}"}
        yield call(f"now-{number}", time, prompt=1_000 + 37 * number, app_id=app, custom=centre)
        yield call(f"before-{number}", time - timedelta(days=30), prompt=900 + 41 * number, app_id=app, custom=centre)
    middle = OCTOBER + timedelta(days=14)
    for number, name in enumerate(HOSTILE):
        named: dict[str, Any] = {"app_id": name, "product": name, "deployment": name, "custom": {"costCentre": name}}
        yield call(f"hostile-{number}", middle, **named)
        yield call(f"hostile-before-{number}", middle - timedelta(days=30), prompt=10, **named)
    yield call("estimated", middle, app_id="app-1", prompt_source="estimated", total_source="estimated")
    yield call("lost", middle, completion=None, app_id="app-1", completion_source="unknown", total_source="unknown")
    yield call("total", middle, None, None, total_tokens=900, app_id="app-2")
    yield call("unpriced", middle, app_id="app-2", served_model="no-such-model")
    yield call("nothing", middle, None, None, app_id="app-2", prompt_source="unknown", completion_source="unknown")
    yield call("wrong", middle, app_id="app-3", cached_tokens=99_999)
    yield call("refused", middle, None, None, app_id="app-3", charged="no", status_code=429)
    provisioned: dict[str, Any] = {
        "deployment": "chat-provisioned",
        "backend": "aoai-ptu",
        "served_model": "gpt-4o-2024-08-06",
    }
    yield call("hosted", middle, app_id="app-0", **provisioned)
    yield call("shared", middle, 7, 3, app_id="app-1", **provisioned)
    yield call("next", NOVEMBER, app_id="app-0")
    yield call("long ago", OCTOBER - timedelta(days=40), app_id="app-0")


def lost() -> Iterator[Row]:
    """Yield the ledger of a partition with a gap of three events, and a record that could not be read."""
    at = OCTOBER + timedelta(days=2)
    batch = BatchRow(time_generated=at, event_id="", via=Via.TRIGGER, metered_time=at, event_hub="contoso/usage")
    for first, last in ((0, 4), (8, 9)):
        number = last - first + 1
        yield dataclasses.replace(
            batch,
            event_id=f"batch-{first}",
            partition="0",
            first_sequence_number=first,
            last_sequence_number=last,
            first_enqueued_time=at,
            last_enqueued_time=at + timedelta(seconds=last),
            events=number,
            received=number,
            ignored=number,
        )
    origin = Origin(hub="contoso/usage", partition="0", sequence_number=2, enqueued_time=at)
    yield rejected_row(
        Rejected(reason=Reason.NOT_JSON, stage="decode", origin=origin, body=b"x", index=0), "letter", at
    )
