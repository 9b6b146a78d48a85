"""Calls as the gateway would have recorded them: the canonical record of every attempt, in one piece or two halves."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from token_meter.codes import Operation
from token_meter.jsontypes import dump_json
from token_meter.simulation.calls import FAILED, FILTERED, OK, THROTTLED, Call
from token_meter.simulation.landscape import TENANT, guid

PATHS = {
    Operation.CHAT: "/openai/deployments/{name}/chat/completions?api-version=2024-10-21",
    Operation.EMBEDDINGS: "/openai/deployments/{name}/embeddings?api-version=2024-10-21",
    Operation.RESPONSES: "/openai/v1/responses",
    Operation.MESSAGES: "/anthropic/v1/messages",
}
WORD = " red"
"""One token in every encoding, alone and repeated."""
ERRORS = {
    FILTERED: {"error": {"code": "content_filter", "param": "prompt", "message": "filtered", "status": 400}},
    THROTTLED: {"error": {"code": "429", "message": "Rate limit is exceeded."}},
    FAILED: {"error": {"code": "InternalServerError", "message": "The server had an error."}},
}
RETRY_AFTER = timedelta(milliseconds=400)


def events_of(call: Call) -> Iterator[bytes]:
    """Yield the events that a call leaves on the hub, in order."""
    for attempt in range(1, call.attempts):
        yield dump_json(_record(call, attempt, THROTTLED))
    whole = _record(call, call.attempts, call.status)
    if not call.halves:
        yield dump_json(whole)
        return
    answer = ("responseBody", "responseContentType", "responseHeaders", "status", "durationMs")
    yield dump_json({**{name: item for name, item in whole.items() if name not in answer}, "kind": "request"})
    if not call.answer_lost:
        named = ("version", "requestId", "attempt", "time", "backendId", *answer)
        yield dump_json({**{name: whole[name] for name in named}, "kind": "response"})


def _record(call: Call, attempt: int, status: int) -> dict[str, Any]:
    application, deployment = call.application, call.deployment
    last = attempt == call.attempts
    return {
        "version": 1,
        "kind": "exchange",
        "requestId": call.call_id,
        "attempt": attempt,
        "time": call.time if attempt == 1 else call.time + RETRY_AFTER,
        "durationMs": call.duration_ms if last else 15,
        "method": "POST",
        "url": PATHS[deployment.operation].format(name=deployment.name),
        "apiId": "ai-gateway",
        "productId": application.product,
        "subscriptionId": application.name,
        "gatewayRegion": "Sweden Central",
        "appId": application.app_id,
        "appIdVerified": True,
        "entraTenantId": TENANT,
        "userObjectId": guid(f"identity of {application.name}"),
        "backendId": call.backend if last else deployment.backend,
        "custom": {"costCentre": application.cost_centre},
        "requestBody": dump_json(_request(call)).decode(),
        "status": status,
        "responseHeaders": _response_headers(call, status),
        "responseContentType": "text/event-stream" if call.is_stream and status == OK else "application/json",
        "responseBody": _answer(call) if status == OK else dump_json(ERRORS[status]).decode(),
    }


def _response_headers(call: Call, status: int) -> dict[str, str]:
    """Return the service's own headers; of a Responses answer only they name the model."""
    headers = {"x-ms-region": call.deployment.region}
    if status == OK and call.deployment.operation is Operation.RESPONSES:
        headers["x-ms-served-model"] = call.deployment.model
    return headers


def _request(call: Call) -> dict[str, Any]:
    text = WORD * call.words[0]
    match call.deployment.operation:
        case Operation.EMBEDDINGS:
            return {"input": text}
        case Operation.RESPONSES:
            return {"model": call.deployment.name, "input": text}
    request: dict[str, Any] = {"messages": [{"role": "user", "content": text}]}
    if call.deployment.operation is Operation.MESSAGES:
        return {"model": call.deployment.name, "max_tokens": 4096, **request}
    if call.is_stream:
        request["stream"] = True
        if call.usage_reported:
            request["stream_options"] = {"include_usage": True}
    return request


def _answer(call: Call) -> str:
    match call.deployment.operation:
        case Operation.EMBEDDINGS:
            answer = _embeddings(call)
        case Operation.RESPONSES:
            answer = _response(call)
        case Operation.MESSAGES:
            answer = _message(call)
        case _ if call.is_stream:
            return _stream(call)
        case _:
            answer = _chat(call)
    return dump_json(answer).decode()


def _usage(call: Call) -> dict[str, Any]:
    prompt, completion = call.prompt or 0, call.completion or 0
    usage: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": call.cached or 0},
    }
    if call.reasoning is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": call.reasoning}
    return usage


def _envelope(call: Call, kind: str) -> dict[str, Any]:
    created = int(call.time.timestamp())
    return {"id": f"chatcmpl-{call.call_id}", "object": kind, "created": created, "model": call.deployment.model}


def _chat(call: Call) -> dict[str, Any]:
    message = {"role": "assistant", "content": WORD * call.words[1]}
    choice = {"index": 0, "finish_reason": call.finish_reason, "message": message}
    return {**_envelope(call, "chat.completion"), "choices": [choice], "usage": _usage(call)}


def _stream(call: Call) -> str:
    """Return the stream as Azure sends it: its filter's verdict, deltas, the end, usage where it was asked for."""
    envelope = _envelope(call, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        return {**envelope, "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    half = call.words[1] // 2
    chunks: list[dict[str, Any]] = [
        {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": []},
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": WORD * half}),
        chunk({"content": WORD * (call.words[1] - half)}),
    ]
    if not call.aborted:
        chunks.append(chunk({}, call.finish_reason))
    if call.usage_reported:
        chunks.append({**envelope, "choices": [], "usage": _usage(call)})
    lines = [f"data: {dump_json(item).decode()}\n\n" for item in chunks]
    return "".join(lines) + ("" if call.aborted else "data: [DONE]\n\n")


def _embeddings(call: Call) -> dict[str, Any]:
    usage = {"prompt_tokens": call.prompt, "total_tokens": call.prompt}
    data = [{"object": "embedding", "index": 0, "embedding": [0.01, -0.02]}]
    return {"object": "list", "model": call.deployment.model, "data": data, "usage": usage}


def _response(call: Call) -> dict[str, Any]:
    prompt, completion = call.prompt or 0, call.completion or 0
    part = {"type": "output_text", "text": WORD * call.words[1], "annotations": []}
    return {
        "id": f"resp_{call.call_id}",
        "object": "response",
        "created_at": int(call.time.timestamp()),
        "status": "completed",
        "model": call.deployment.name,
        "output": [{"type": "message", "role": "assistant", "content": [part]}],
        "usage": {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": call.cached or 0},
            "output_tokens": completion,
            "output_tokens_details": {"reasoning_tokens": call.reasoning or 0},
            "total_tokens": prompt + completion,
        },
    }


def _message(call: Call) -> dict[str, Any]:
    """Return Anthropic's answer, whose `input_tokens` leave out what was read from the cache."""
    cached = call.cached or 0
    return {
        "id": f"msg_{call.call_id}",
        "type": "message",
        "role": "assistant",
        "model": call.deployment.model,
        "content": [{"type": "text", "text": WORD * call.words[1]}],
        "stop_reason": call.finish_reason,
        "usage": {
            "input_tokens": (call.prompt or 0) - cached,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0,
            "output_tokens": call.completion,
        },
    }
