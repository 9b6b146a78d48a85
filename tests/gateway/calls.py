"""Calls through the gateway that tests are written with; each states only what matters to it."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.gateway.pipeline import Gateway
from tests.records import CHAT_REQUEST, CHAT_URL, REQUEST_ID, USAGE, chat_answer
from token_meter import Event, meter
from token_meter.row import UsageRow

BACKEND = "https://contoso-sweden.openai.azure.com"
ASKED = {"token-meter-include-usage": "true"}
LARGEST_RECORD = 200_000
"""Bytes; the narrower reading of the 200 KB at which `log-to-eventhub` cuts a message."""


def call(**fields: Any) -> dict[str, Any]:
    """Return a chat call that the backend answered as one body; `fields` set or override.

    `request`, `response` are bodies (values stand as JSON), `url`, `method`, `status`, `headers` (of the request),
    `answer_headers`, `named` values, `mode` of streams, and what Program.cs reads of a call.
    """
    told = {"url": CHAT_URL, "method": "POST", "status": 200, "request": CHAT_REQUEST, **fields}
    told.setdefault("response", chat_answer(usage=USAGE))
    kind = "text/event-stream" if str(told["response"]).startswith(("data:", "event:")) else "application/json"
    named = {"token-meter-stream-mode": told.pop("mode", "buffer"), "token-meter-include-usage": "false"}
    return {
        "requestId": REQUEST_ID,
        "steps": ["meter-inbound", "meter-outbound"],
        "api": "azure-openai",
        **told,
        "namedValues": named | told.pop("named", {}),
        "request": {
            "method": told["method"],
            "ip": "203.0.113.9",
            "url": _url("https://gateway.contoso.example" + told["url"]),
            "backendUrl": _url(told.pop("backend", BACKEND) + told["url"]),
            "headers": {"Content-Type": "application/json", **told.pop("headers", {})},
            "body": _text(told["request"]),
        },
        "response": {
            "status": told["status"],
            "headers": {"Content-Type": kind, **told.pop("answer_headers", {})},
            "body": _text(told["response"]),
        },
    }


def failed(source: str, reason: str, status: int, *, section: str = "inbound", **fields: Any) -> dict[str, Any]:
    """Return a call that a policy ended with an error, before or after the fragment of its section."""
    error = {"Source": source, "Reason": reason, "Section": section, "Message": "a text that may hold anything"}
    steps = ["meter-inbound", "meter-on-error"]
    return call(**{"steps": steps, "error": error, "status": status, "response": None, **fields})


def _url(text: str) -> dict[str, Any]:
    parts = urlsplit(text)
    return {"host": parts.netloc, "path": parts.path, "query": dict(parse_qsl(parts.query, keep_blank_values=True))}


def _text(body: Any) -> str | None:
    return body if body is None or isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def emitted(gateway: Gateway, *calls: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the one record that each call gave, after what holds of every record is checked."""
    return [record_of(came) for came in gateway.run(list(calls))]


def record_of(came: dict[str, Any]) -> dict[str, Any]:
    """Return the record that a call gave: a canonical one, under the limit, on the hub by its request id."""
    assert "failed" not in came, came["failed"]
    (logged,) = came["logged"]
    assert len(logged["record"].encode()) <= LARGEST_RECORD
    record: dict[str, Any] = json.loads(logged["record"])
    assert ("token-meter", record["requestId"]) == (logged["logger"], logged["partitionKey"])
    assert (1, True) == (record["version"], record["kind"] in {"exchange", "request", "response"})
    return record


def row_of(record: dict[str, Any]) -> UsageRow:
    """Return the one row that a record gives."""
    (row,) = meter([Event(json.dumps(record).encode())]).rows
    return row
