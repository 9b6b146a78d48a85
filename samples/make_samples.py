"""Write samples/gateway-events.jsonl: a small month of calls as the project's APIM fragments record them.

Deterministic: ids are made from names. Usage, where a sample reports it, is what the counting rules give, so that the
samples agree with the services they imitate. Run `python samples/make_samples.py` after changing a sample.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from token_meter import Event, meter
from token_meter.counting.families import family_of
from token_meter.counting.tokenizer import load_encoding

OUTPUT = Path(__file__).parent / "gateway-events.jsonl"
NAMES = uuid.UUID("7d3c9f52-6f1e-4a39-9a53-0d6a3f1e2b70")
LAST_HOUR = 3
CONTENT_FILTER = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}


def guid(name: str) -> str:
    """Return the made-up but lasting id of a name."""
    return str(uuid.uuid5(NAMES, name))


@dataclass(frozen=True)
class App:
    """An application that calls through the gateway."""

    name: str
    product: str
    cost_centre: str

    def fields(self) -> dict[str, Any]:
        """Return what the gateway knows of the caller out of a validated token."""
        return {
            "appId": guid(self.name),
            "appIdVerified": True,
            "entraTenantId": guid("contoso.example"),
            "subscriptionId": self.name,
            "productId": self.product,
            "custom": {"costCentre": self.cost_centre},
        }


HELPDESK = App("helpdesk-assistant", "ai-standard", "CC-1001")
CONTRACTS = App("contract-search", "ai-standard", "CC-2040")
PLANNER = App("field-planner", "ai-premium", "CC-3300")
NIGHTLY = App("nightly-classifier", "ai-batch", "CC-2040")


@dataclass(frozen=True)
class Deployment:
    """A model as the customer deployed it."""

    name: str
    model: str
    region: str


GPT_4O = Deployment("gpt-4o-prod", "gpt-4o-2024-11-20", "Sweden Central")
GPT_41_MINI = Deployment("gpt-41-mini", "gpt-4.1-mini-2025-04-14", "Sweden Central")
EMBEDDING = Deployment("embed-small", "text-embedding-3-small", "West Europe")
REASONER = Deployment("o4-mini-prod", "o4-mini-2025-04-16", "Sweden Central")


def record(
    app: App, deployment: Deployment, when: datetime, operation: str, request: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """Return a canonical record of a whole call; `more` sets or overrides fields."""
    name = f"{app.name} {deployment.name} {when.isoformat()}"
    path = "/openai/v1/responses" if operation == "responses" else f"/openai/deployments/{deployment.name}/{operation}"
    return {
        "version": 1,
        "kind": "exchange",
        "requestId": guid(name),
        "attempt": 1,
        "time": when.isoformat().replace("+00:00", "Z"),
        "durationMs": 180 + 37 * (when.minute % 11),
        "method": "POST",
        "url": f"{path}?api-version=2024-10-21",
        "apiId": "azure-openai",
        "gatewayRegion": deployment.region,
        **app.fields(),
        "backendId": f"aoai-{deployment.region.lower().replace(' ', '-')}",
        "status": 200,
        "responseHeaders": {"x-ms-region": deployment.region, "x-ms-deployment-name": deployment.name},
        "requestBody": json.dumps(request),
        "responseContentType": "application/json",
        **more,
    }


def with_answer(call: dict[str, Any], deployment: Deployment, body: dict[str, Any], *, usage: bool) -> dict[str, Any]:
    """Return the call with a whole answer, which reports its usage as the service would."""
    answer = {"id": response_id(call), "created": created(call), "model": deployment.model, **body}
    call = {**call, "responseBody": json.dumps(answer)}
    if usage:
        call["responseBody"] = json.dumps({**answer, "usage": usage_of(call)})
    return call


def usage_of(call: dict[str, Any]) -> dict[str, Any]:
    """Return the usage that the service reports for a call, by the rules that the meter counts by."""
    row = meter([Event(json.dumps(call).encode())]).rows[0]
    if row.operation_name == "embeddings":
        return {"prompt_tokens": row.prompt_tokens, "total_tokens": row.total_tokens}
    return {
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "total_tokens": row.total_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def response_id(call: dict[str, Any]) -> str:
    """Return a service's id for the answer of a call."""
    return "chatcmpl-" + guid("answer " + str(call["requestId"])).replace("-", "")[:29]


def created(call: dict[str, Any]) -> int:
    """Return the call's time as the service writes it."""
    return int(datetime.fromisoformat(call["time"]).timestamp())


def chat_answer(text: str | None, **message: Any) -> dict[str, Any]:
    """Return the body of a chat completion with one choice."""
    choice = {
        "index": 0,
        "finish_reason": "tool_calls" if "tool_calls" in message else "stop",
        "message": {"role": "assistant", "content": text, **message},
        "content_filter_results": CONTENT_FILTER if text else {},
    }
    return {"object": "chat.completion", "choices": [choice]}


def with_stream(
    call: dict[str, Any], deployment: Deployment, text: str, *, usage: bool, stop_after: int | None = None
) -> dict[str, Any]:
    """Return the call with a streamed answer as Azure sends it: one token a chunk; `stop_after` hangs up early."""
    family = family_of(deployment.model)
    assert family is not None
    encoding = load_encoding(family.encoding)
    pieces = [encoding.decode([token]) for token in encoding.encode_ordinary(text)]
    envelope = {
        "id": response_id(call),
        "object": "chat.completion.chunk",
        "created": created(call),
        "model": deployment.model,
    }

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "content_filter_results": {}}
        return {**envelope, "choices": [choice], **({"usage": None} if usage else {})}

    first = {
        "id": "",
        "object": "",
        "created": 0,
        "model": "",
        "choices": [],
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": CONTENT_FILTER}],
    }
    chunks = [first, chunk({"role": "assistant", "content": ""})]
    chunks += [chunk({"content": piece}) for piece in pieces[:stop_after]]
    whole = stop_after is None
    chunks += [chunk({}, "stop")] if whole else []
    call = {**call, "responseContentType": "text/event-stream; charset=utf-8", "responseBody": sse(chunks, done=whole)}
    if usage:
        last = {**envelope, "choices": [], "usage": usage_of(call)}
        call["responseBody"] = sse([*chunks, last], done=True)
    return call


def sse(chunks: list[dict[str, Any]], *, done: bool) -> str:
    """Return chunks as server-sent events."""
    lines = [f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n" for chunk in chunks]
    return "".join(lines) + ("data: [DONE]\n\n" if done else "")


ORDER_TOOL = {
    "type": "function",
    "function": {
        "name": "find_order",
        "description": "Find an order by its number.",
        "parameters": {
            "type": "object",
            "properties": {
                "number": {"type": "string", "description": "The order's number, such as SO-1042."},
                "with_items": {"type": "boolean"},
            },
            "required": ["number"],
        },
    },
}
QUESTIONS = (
    ("How do I reset the badge reader at the north gate?", "Hold the reset button for ten seconds, then badge twice."),
    ("The invoice run stopped at page 12. What now?", "Restart the spooler and resume from page 13; nothing is lost."),
    ("Wie melde ich Urlaub an?", "Im Portal unter „Abwesenheit“: Zeitraum wählen und absenden. Fertig."),
    ("Is the VPN down?", "No. Your certificate expired yesterday; renew it in the self-service portal."),
)


def helpdesk() -> Iterator[dict[str, Any]]:
    """Yield whole answers and streams that report their usage."""
    for place, (question, answer) in enumerate(QUESTIONS):
        messages = [
            {"role": "system", "content": "You are the help desk of Contoso. Answer in one sentence."},
            {"role": "user", "content": question},
        ]
        start = datetime(2026, 10, 2 + 7 * place, 8, 15 + place, tzinfo=UTC)
        call = record(HELPDESK, GPT_4O, start, "chat/completions", {"messages": messages})
        yield with_answer(call, GPT_4O, chat_answer(answer), usage=True)
        request = {"messages": messages, "stream": True, "stream_options": {"include_usage": True}}
        call = record(HELPDESK, GPT_41_MINI, start + timedelta(hours=3), "chat/completions", request)
        yield with_stream(call, GPT_41_MINI, answer, usage=True)


def planner() -> Iterator[dict[str, Any]]:
    """Yield streams without usage, a tool call and its answer, and a stream whose caller hung up."""
    start = datetime(2026, 10, 6, 13, 2, tzinfo=UTC)
    ask = {"role": "user", "content": "When does order SO-1042 ship, and can the crew from Malmö take it?"}
    for day in range(3):
        call = record(
            PLANNER, GPT_4O, start + timedelta(days=day), "chat/completions", {"messages": [ask], "stream": True}
        )
        yield with_stream(call, GPT_4O, "It ships on Thursday. The Malmö crew is free from 14:00.", usage=False)
    arguments = '{"number":"SO-1042","with_items":true}'
    called = {"id": "call_1", "type": "function", "function": {"name": "find_order", "arguments": arguments}}
    call = record(
        PLANNER,
        GPT_4O,
        start + timedelta(days=4),
        "chat/completions",
        {"messages": [ask], "tools": [ORDER_TOOL], "tool_choice": "auto"},
    )
    yield with_answer(call, GPT_4O, chat_answer(None, tool_calls=[called]), usage=True)
    history = [
        ask,
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"ships":"2026-10-15"}'},
    ]
    call = record(
        PLANNER,
        GPT_4O,
        start + timedelta(days=4, seconds=2),
        "chat/completions",
        {"messages": history, "tools": [ORDER_TOOL], "stream": True},
    )
    yield with_stream(call, GPT_4O, "It ships on 15 October.", usage=False)
    call = record(PLANNER, GPT_4O, start + timedelta(days=9), "chat/completions", {"messages": [ask], "stream": True})
    yield with_stream(call, GPT_4O, "It ships on Thursday, and the crew from Malmö", usage=False, stop_after=6)


def contracts() -> Iterator[dict[str, Any]]:
    """Yield embeddings with and without usage, and a Responses call with reasoning."""
    start = datetime(2026, 10, 12, 6, 30, tzinfo=UTC)
    clauses = ["The supplier warrants the goods for 24 months.", "Either party may terminate with 90 days' notice."]
    for hour in range(4):
        call = record(
            CONTRACTS, EMBEDDING, start + timedelta(hours=hour), "embeddings", {"input": clauses[: 1 + hour % 2]}
        )
        vectors = [{"object": "embedding", "index": 0, "embedding": [0.0125, -0.0417, 0.0031]}]
        yield with_answer(call, EMBEDDING, {"object": "list", "data": vectors}, usage=hour < LAST_HOUR)
    call = record(
        CONTRACTS,
        REASONER,
        start + timedelta(days=3),
        "responses",
        {"model": REASONER.name, "input": "Which of the two clauses favours the buyer?"},
    )
    output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "The first."}]}]
    usage = {
        "input_tokens": 16,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 139,
        "output_tokens_details": {"reasoning_tokens": 128},
        "total_tokens": 155,
    }
    body = {"id": "resp_" + guid("responses")[:24], "object": "response", "created_at": created(call)}
    body |= {"model": REASONER.name, "status": "completed", "output": output, "usage": usage}
    headers = {"x-ms-region": REASONER.region, "x-ms-served-model": REASONER.model}
    yield {**call, "responseHeaders": headers, "responseBody": json.dumps(body)}


def nightly() -> Iterator[dict[str, Any]]:
    """Yield a throttled call, a prompt that the content filter refused, and a call whose halves lie in two months."""
    ask = {"messages": [{"role": "user", "content": "Classify: 'Package arrived wet, want a refund.'"}]}
    when = datetime(2026, 10, 20, 1, 0, tzinfo=UTC)
    throttled = {"error": {"code": "429", "message": "Rate limit reached. Retry after 6 seconds."}}
    yield record(NIGHTLY, GPT_41_MINI, when, "chat/completions", ask, status=429, responseBody=json.dumps(throttled))
    refused = {
        "error": {
            "message": "The response was filtered due to the prompt triggering content management policy.",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": CONTENT_FILTER},
        }
    }
    yield record(
        NIGHTLY,
        GPT_41_MINI,
        when + timedelta(minutes=1),
        "chat/completions",
        ask,
        status=400,
        responseBody=json.dumps(refused),
    )
    late = record(NIGHTLY, GPT_41_MINI, datetime(2026, 10, 31, 23, 59, 58, tzinfo=UTC), "chat/completions", ask)
    answered = with_answer(late, GPT_41_MINI, chat_answer("refund"), usage=False)
    response_only = (
        "version",
        "requestId",
        "attempt",
        "durationMs",
        "url",
        "status",
        "responseHeaders",
        "responseBody",
    )
    yield {name: late[name] for name in late if name not in ("status", "responseHeaders")} | {"kind": "request"}
    yield {name: answered[name] for name in response_only} | {"kind": "response", "time": "2026-11-01T00:00:03Z"}


def main() -> None:
    """Write the samples in order of time, and one record that no meter can read."""
    records = sorted([*helpdesk(), *planner(), *contracts(), *nightly()], key=lambda item: str(item["time"]))
    lines = [json.dumps(item, ensure_ascii=False) for item in records]
    lines.insert(9, '{"version": 1, "kind": "exchange", "requestId": "' + guid("cut") + '", "requestBody": "{\\"mess')
    OUTPUT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
