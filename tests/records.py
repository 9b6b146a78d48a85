"""Canonical records and answers that tests are written with; each test states only what matters to it."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

from token_meter import Event, Origin, Outcome, meter
from token_meter.row import UsageRow

TIME = "2026-10-05T10:00:00Z"
CALL_TIME = datetime(2026, 10, 5, 10, tzinfo=UTC)
REQUEST_ID = "0b0e5f4e-0f86-4d0c-8f3e-6a8f7a0c9b11"
CHAT_URL = "/openai/deployments/gpt-4o-prod/chat/completions?api-version=2024-10-21"
CHAT_REQUEST: dict[str, Any] = {"messages": [{"role": "user", "content": "Say hello."}]}
USAGE = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}


def chat_answer(text: str = "Hello!", **more: Any) -> dict[str, Any]:
    """Return a whole chat completion; `usage=` and others are set on the body."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return {"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-2024-08-06", "choices": [choice], **more}


def record(**fields: Any) -> dict[str, Any]:
    """Return a canonical record of a chat call with usage; `fields` set, override or (with None) null fields.

    Bodies may be given as values; they stand as JSON text in the record.
    """
    whole = {
        "version": 1,
        "kind": "exchange",
        "requestId": REQUEST_ID,
        "attempt": 1,
        "time": TIME,
        "method": "POST",
        "url": CHAT_URL,
        "appId": "app-1",
        "appIdVerified": True,
        "status": 200,
        "requestBody": CHAT_REQUEST,
        "responseBody": chat_answer(usage=USAGE),
        "responseContentType": "application/json",
        **fields,
    }
    for name in ("requestBody", "responseBody"):
        if isinstance(whole[name], dict):
            whole[name] = json.dumps(whole[name])
    return whole


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return an object less some of its fields."""
    return {name: item for name, item in value.items() if name not in names}


def event(*values: Any, origin: Origin | None = None) -> Event:
    """Return an event that holds one value, or several one a line."""
    return Event("\n".join(json.dumps(value) for value in values).encode(), origin or Origin())


def metered(*values: Any, origin: Origin | None = None) -> Outcome:
    """Return what became of records that came in one event."""
    return meter([event(*values, origin=origin)])


def row_of(**fields: Any) -> UsageRow:
    """Return the one row of a canonical record with the given fields."""
    outcome = metered(record(**fields))
    assert len(outcome.rows) == 1, outcome
    return outcome.rows[0]


def sse(*payloads: Any, done: bool = True) -> str:
    """Return payloads as a stream's body."""
    lines = [f"data: {json.dumps(payload)}\n\n" for payload in payloads]
    return "".join(lines) + ("data: [DONE]\n\n" if done else "")


def chunk(text: str | None = None, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """Return one chunk of a chat stream."""
    choice = {"index": index, "delta": {} if text is None else {"content": text}, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "model": "gpt-4o-2024-08-06",
        "choices": [choice],
        **more,
    }


def bearer(**claims: Any) -> str:
    """Return an Authorization header with an unsigned token of the given claims."""

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"Bearer {part({'alg': 'none'})}.{part(claims)}.c2lnbmF0dXJl"
