"""S17 and S18: Microsoft Learn's samples: whole HTTP messages as text, and records without any usage."""

import re

from token_meter.codes import Kind, Reason
from token_meter.jsontypes import JsonObject
from token_meter.shapes.fields import Fields, header_lines
from token_meter.shapes.shape import Draft, Shape

HTTP_MESSAGE = re.compile(
    r"(?P<side>request|response):(?P<id>[^\r\n]{1,512})\r?\n"
    r"(?:(?P<method>[A-Z]{1,16}) (?P<url>[^\r\n ]{1,8192}) HTTP/[\d.]{1,8}"
    r"|HTTP/[\d.]{1,8} (?P<status>\d{3})[^\r\n]*)\r?\n"
    r"(?P<headers>(?:[^\r\n]+\r?\n)*)(?:\r?\n(?P<body>.*))?",
    re.DOTALL,
)
HTTP_TEXT = "HTTP message"
"""The field that stands for the text itself; no JSON policy writes it."""
COMMA_LINE = re.compile(
    r"(?P<time>\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}[ T][^,]{1,40}),(?P<service>[^,]{1,256}),"
    r"(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}),(?P<ip>[0-9a-f.:]{2,64}),(?P<operation>.{0,512})",
    re.IGNORECASE,
)
STANDARD_FIELDS = ("EventTime", "ServiceName", "RequestId", "RequestIp", "OperationName")
ADDED_FIELDS = ("EventProcessedUtcTime", "PartitionId", "EventEnqueuedUtcTime")
"""What Azure Stream Analytics adds on the way."""


def http_message(text: str) -> JsonObject | None:
    """Return an HTTP message that was logged as text, as an object of its parts; None where it is none."""
    found = HTTP_MESSAGE.fullmatch(text)
    if found is None or (found["side"] == "request") != (found["method"] is not None):
        return None
    return {
        HTTP_TEXT: found["side"],
        "message-id": found["id"].strip(),
        "method": found["method"],
        "url": found["url"],
        "status": found["status"],
        "headers": dict(header_lines(found["headers"].splitlines())),
        "body": found["body"],
    }


def comma_line(text: str) -> JsonObject | None:
    """Return a line of the policy reference's example, as an object of its parts; None where it is none."""
    found = COMMA_LINE.fullmatch(text.strip())
    return dict(zip(STANDARD_FIELDS, found.groups(), strict=True)) if found else None


def _drop_blank_body(_fields: Fields, draft: Draft) -> Reason | None:
    """Leave a body out that is nothing but blank."""
    for name in ("request_body", "response_body"):
        if not str(draft.get(name) or "").strip():
            draft[name] = None
    return None


SHAPES = (
    Shape(
        name="S17-request",
        family="S17",
        title="HTTP message as text: request",
        origin="learn.microsoft.com/azure/api-management/api-management-log-to-eventhub-sample",
        kind=Kind.REQUEST,
        requires=(HTTP_TEXT, "message-id"),
        where={HTTP_TEXT: ("request",)},
        any_api=True,
        tells={
            "own_id": ("message-id",),
            "method": ("method",),
            "url": ("url",),
            "request_headers": ("headers",),
            "request_body": ("body",),
        },
        finish=_drop_blank_body,
        limits="Not JSON. The body ends after 1,024 characters. No time but that of arrival, no caller.",
    ),
    Shape(
        name="S17-response",
        family="S17",
        title="HTTP message as text: answer",
        origin="learn.microsoft.com/azure/api-management/api-management-log-to-eventhub-sample",
        kind=Kind.RESPONSE,
        requires=(HTTP_TEXT, "message-id"),
        where={HTTP_TEXT: ("response",)},
        any_api=True,
        tells={
            "own_id": ("message-id",),
            "status": ("status",),
            "response_headers": ("headers",),
            "response_body": ("body",),
        },
        finish=_drop_blank_body,
        limits="As S17-request. Usage is there only if it stands in the first 1,024 characters.",
    ),
    Shape(
        name="S18-no-usage",
        family="S18",
        title="Records without usage",
        origin="learn.microsoft.com/azure/api-management/api-management-howto-log-event-hubs, log-to-eventhub-policy",
        requires=STANDARD_FIELDS,
        only=(*STANDARD_FIELDS, *ADDED_FIELDS),
        ignored=Reason.NOT_USAGE,
        limits="Says that a call was made and nothing of tokens, as JSON or comma-joined; set aside.",
    ),
)
