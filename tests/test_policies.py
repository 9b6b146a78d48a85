"""The policy fragments at work: their expressions compiled and run as they stand, and what they emit metered."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.allowed import BY_THE_COMPILER, CONTEXT, TYPES
from tests.gateway.calls import ASKED, LARGEST_RECORD, call, emitted, failed, record_of, row_of
from tests.gateway.pipeline import Gateway
from tests.records import CHAT_REQUEST, CHAT_URL, REQUEST_ID, USAGE, bearer, chat_answer, chunk, sse
from tests.test_counting_media import data_url, jpeg, png, wav
from token_meter import Event, meter
from token_meter.codes import AppIdSource, Charged, Note, Source

STREAMED = CHAT_REQUEST | {"stream": True}
ANSWER = [chunk("Hel"), chunk("lo!"), chunk(finish="stop")]
USAGE_CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [], "usage": USAGE}
VALIDATED = {"appid": "app-validated", "tid": "tenant-1", "oid": "user-1"}


def test_expressions_use_only_what_api_management_allows(gateway: Gateway) -> None:
    """Every type and member that the compiled expressions use is on the list of the reference."""
    used = {member: owner_of(member) for member in gateway.members() if member not in BY_THE_COMPILER}
    lists = TYPES | CONTEXT

    assert [] == [member for member, owner in used.items() if not is_allowed(member, owner)]
    assert set(lists) == set(used.values()), "the list holds no type that no expression uses"


def owner_of(member: str) -> str:
    """Return the type of a member's name, or the type that the name is."""
    known = [owner for owner in TYPES | CONTEXT if member == owner or member.startswith(owner + ".")]
    return max(known, key=len, default="")


def is_allowed(member: str, owner: str) -> bool:
    """Tell whether a member of a type may be used."""
    allowed = (TYPES | CONTEXT).get(owner, frozenset())
    return allowed is None or member == owner or member[len(owner) + 1 :] in allowed


def test_a_call_gives_one_record_with_both_bodies_as_they_were(gateway: Gateway) -> None:
    """Whole bodies for what is no stream; the row says what the service reported."""
    (record,) = emitted(gateway, call(operation="chat", product="starter", subscription="team-a"))
    row = row_of(record)

    assert CHAT_REQUEST == json.loads(record["requestBody"])
    assert len(record["requestBody"].encode()) == record["requestBytes"]
    assert ("exchange", 200, "POST", CHAT_URL) == tuple(record[name] for name in ("kind", "status", "method", "url"))
    ids = ("requestId", "apiId", "operationId", "productId", "subscriptionId", "gatewayRegion", "clientIp")
    expected = (REQUEST_ID, "azure-openai", "chat", "starter", "team-a", "Sweden Central", "203.0.113.9")
    assert expected == tuple(record[name] for name in ids)
    assert (10, 3, Source.REPORTED, "gpt-4o-prod", 1234.6) == (
        row.prompt_tokens,
        row.completion_tokens,
        row.total_source,
        row.deployment,
        row.duration_ms,
    )


def test_time_is_when_the_gateway_received_the_call(gateway: Gateway) -> None:
    """In UTC, by ISO 8601, and the meter takes it."""
    (record,) = emitted(gateway, call())

    assert record["time"].endswith("Z")
    assert row_of(record).call_time.isoformat() == record["time"][:26] + "+00:00"


def test_the_application_is_the_one_of_the_validated_token(gateway: Gateway) -> None:
    """The token that a policy validated counts, whatever the header holds by then."""
    headers = {"Authorization": bearer(appid="app-of-the-gateway-itself")}
    (record,) = emitted(gateway, call(validated=VALIDATED, headers=headers))

    names = ("appId", "appIdVerified", "entraTenantId", "userObjectId")
    assert ("app-validated", True, "tenant-1", "user-1") == tuple(record[name] for name in names)
    assert AppIdSource.VALIDATED is row_of(record).app_id_source


def test_version_2_tokens_name_the_application_as_azp(gateway: Gateway) -> None:
    """`appid` first, else `azp`."""
    (record,) = emitted(gateway, call(validated={"azp": "app-v2"}))

    assert "app-v2" == record["appId"]


def test_without_a_validated_token_the_one_in_the_header_is_read_and_marked(gateway: Gateway) -> None:
    """Nobody verified it, and the record says so."""
    (record,) = emitted(gateway, call(headers={"Authorization": bearer(appid="app-claimed", tid="t")}))

    assert ("app-claimed", False) == (record["appId"], record["appIdVerified"])
    assert AppIdSource.UNVERIFIED_TOKEN is row_of(record).app_id_source


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer not-a-token", "Basic dXNlcjpwYXNzd29yZA==", "Bearer a.b.c"])
def test_a_header_without_a_token_names_nobody(gateway: Gateway, header: str) -> None:
    """And breaks nothing."""
    (record,) = emitted(gateway, call(headers={"Authorization": header}))

    assert "appId" not in record


SECRETS = {
    "Authorization": bearer(appid="app-1") + "-c3VwZXItc2VjcmV0",
    "api-key": "0123456789abcdef0123456789abcdef",
    "Ocp-Apim-Subscription-Key": "fedcba9876543210fedcba9876543210",
    "Cookie": "session=c2Vzc2lvbg",
}


def test_no_key_and_no_token_is_ever_in_a_record(gateway: Gateway) -> None:
    """Headers and query go by a list of names; what opens other services is taken out of bodies."""
    request = {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "https://files.example/a.png?sig=picture-secret"}},
                    {"type": "input_file", "file_url": "https://files.example/a.pdf?sig=file-secret"},
                ],
            }
        ],
        "data_sources": [{"type": "azure_search", "parameters": {"authentication": {"key": "search-secret"}}}],
        "tools": [
            {
                "type": "mcp",
                "server_label": "files",
                "headers": {"Authorization": "Bearer mcp-secret"},
                "authorization": "mcp-secret-2",
            }
        ],
    }
    url = CHAT_URL + "&subscription-key=url-secret&sig=url-secret-2"
    answer = {"set-cookie": "cookie-secret", "apim-request-id": "a-1"}
    whole, denied = emitted(
        gateway,
        call(
            url=url, headers=SECRETS, request=request, response=chat_answer(), answer_headers=answer, subscription="a"
        ),
        failed("rate-limit", "RateLimitExceeded", 429, url=url, headers=SECRETS, request=request),
    )

    told = json.dumps([whole, denied])
    assert [] == [name for name, value in SECRETS.items() if value.removeprefix("Bearer ")[:20] in told]
    assert "secret" not in told
    assert {"apim-request-id": "a-1"} == whole["responseHeaders"]
    assert (CHAT_URL, True) == (whole["url"], whole["requestCompacted"])
    assert {Note.PROMPT_ELSEWHERE, Note.REMOTE_IMAGE, Note.PDF} <= set(row_of(whole).notes or ())


@pytest.mark.parametrize("version", ["key value", "a&b", "%00", "x" * 100 + "!"])
def test_an_api_version_that_is_none_is_left_out(gateway: Gateway, version: str) -> None:
    """Only letters, digits, points and dashes are one."""
    path = CHAT_URL.partition("?")[0]
    (record,) = emitted(gateway, call(url=f"{path}?api-version={quote(version)}"))

    assert path == record["url"]


@pytest.mark.parametrize("body", ["{not json", '{"messages": [1', '{"data_sources": [{"key": "search-secret"'])
def test_a_body_that_is_no_json_loses_no_call_and_shows_no_key(gateway: Gateway, body: str) -> None:
    """What may hold a key and cannot be read is left out."""
    (record,) = emitted(gateway, call(request=body, status=400, response={"error": {"code": "invalid"}}))

    assert "search-secret" not in json.dumps(record)
    assert (len(body), Charged.NO) == (record["requestBytes"], row_of(record).charged)


def test_the_customers_own_dimensions_are_strings_as_they_were_given(gateway: Gateway) -> None:
    """A JSON object in a variable; a text that looks like a time stays as it is."""
    custom = {"cost_centre": "4711", "since": "2026-01-01T00:00:00.000Z"}
    (record,) = emitted(gateway, call(variables={"token-meter-custom": json.dumps(custom)}))

    assert custom == record["custom"] == row_of(record).custom


@pytest.mark.parametrize("custom", ["no json", "[1]", '{"a": {"b": "c"}}', json.dumps({"a": "x" * 9_000})])
def test_dimensions_that_are_none_are_left_out(gateway: Gateway, custom: str) -> None:
    """Whole or not at all, and never at the cost of the record."""
    (record,) = emitted(gateway, call(variables={"token-meter-custom": custom}))

    assert not record.get("custom")


def test_the_attempt_and_the_backend_are_what_the_backend_section_says(gateway: Gateway) -> None:
    """Without those variables nothing is claimed."""
    known, unknown = emitted(
        gateway, call(variables={"token-meter-attempt": 2, "token-meter-backend": "ptu-sweden"}), call()
    )

    assert (2, "ptu-sweden") == (known["attempt"], known["backendId"])
    assert {"attempt", "backendId"} & unknown.keys() == set()
    assert "contoso-sweden.openai.azure.com" == row_of(unknown).backend


def test_only_calls_by_post_give_a_record(gateway: Gateway) -> None:
    """Others read what was metered before."""
    (came,) = gateway.run([call(method="GET", request=None)])

    assert [] == came["logged"]


def test_fragments_at_two_scopes_give_one_record(gateway: Gateway) -> None:
    """Global and API policies may both hold them."""
    (came,) = gateway.run([call(steps=["meter-inbound", "meter-inbound", "meter-outbound", "meter-outbound"])])

    assert REQUEST_ID == record_of(came)["requestId"]


# --- streams and their modes


def test_identity_touches_no_stream(gateway: Gateway) -> None:
    """The answer's body is not read; who called is known, and the numbers come from APIM's own logs."""
    (came,) = gateway.run([call(mode="identity", request=STREAMED, response=sse(*ANSWER))])
    record = record_of(came)
    row = row_of(record)

    assert (False, None, None) == (came["responseWasRead"], record.get("responseBody"), record.get("durationMs"))
    assert (Source.ESTIMATED, Source.UNKNOWN, True) == (row.prompt_source, row.completion_source, row.is_stream)


def test_identity_reads_what_is_no_stream(gateway: Gateway) -> None:
    """The mode is about streams alone."""
    (record,) = emitted(gateway, call(mode="identity"))

    assert Source.REPORTED is row_of(record).completion_source


def test_a_mode_that_nobody_knows_touches_no_stream(gateway: Gateway) -> None:
    """A mistake in a named value must not hold up clients."""
    (came,) = gateway.run([call(mode="Buffered", response=sse(*ANSWER))])

    assert not came["responseWasRead"]


def test_buffer_gives_the_stream_as_one_body_and_leaves_the_answer(gateway: Gateway) -> None:
    """The client gets every byte of its stream."""
    stream = sse(*ANSWER, USAGE_CHUNK)
    (came,) = gateway.run([call(request=STREAMED, response=stream)])
    record = record_of(came)

    assert stream == came["responseBody"]
    assert (True, len(stream.encode())) == (record["responseCompacted"], record["responseBytes"])
    body = json.loads(record["responseBody"])
    assert ("Hello!", "stop", USAGE, True) == (
        body["choices"][0]["message"]["content"],
        body["choices"][0]["finish_reason"],
        body["usage"],
        body["done"],
    )


def test_usage_only_shows_no_text_of_the_answer(gateway: Gateway) -> None:
    """The service's numbers and ids, and no word of what it wrote."""
    (record,) = emitted(gateway, call(mode=" Usage-Only", request=STREAMED, response=sse(*ANSWER, USAGE_CHUNK)))
    row = row_of(record)

    assert "Hel" not in record["responseBody"]
    assert (3, Source.REPORTED, "chatcmpl-1") == (row.completion_tokens, row.completion_source, row.service_response_id)


def test_usage_only_without_usage_leaves_the_completion_unknown(gateway: Gateway) -> None:
    """Never 0, never 1."""
    (record,) = emitted(gateway, call(mode="usage-only", request=STREAMED, response=sse(*ANSWER)))
    row = row_of(record)

    assert (None, Source.UNKNOWN, Source.COUNTED) == (row.completion_tokens, row.completion_source, row.prompt_source)


def compared(gateway: Gateway, **fields: Any) -> None:
    """Assert that the meter says the same of a call's raw bodies and of the record that the fragments make of it."""
    sent = call(**fields)
    (record,) = emitted(gateway, sent)
    raw = {name: value for name, value in record.items() if not name.endswith(("Compacted", "CutFrom", "Body"))}
    raw |= {"requestBody": sent["request"]["body"], "responseBody": sent["response"]["body"]}
    assert row_of(raw) == row_of(record)


CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": ""}}
SECOND_CALL = {"index": 1, "id": "call_2", "type": "function", "function": {"name": "find", "arguments": '{"a": 2}'}}


def delta(index: int = 0, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a chunk of a chat stream with any delta."""
    return chunk(index=index) | {"choices": [{"index": index, "delta": fields, "finish_reason": finish}]}


def logged(*pieces: str) -> dict[str, Any]:
    """Return a chunk of a chat stream that lists its tokens."""
    logprobs = {"content": [{"token": piece, "logprob": -0.1} for piece in pieces], "refusal": None}
    return chunk() | {"choices": [{"index": 0, "delta": {"content": "".join(pieces)}, "logprobs": logprobs}]}


CHAT_STREAMS = {
    "text": sse(*ANSWER),
    "aborted": sse(*ANSWER[:2], done=False),
    "several choices": sse(
        chunk("a", index=1), chunk("b"), chunk(" c", index=1), chunk(finish="stop"), chunk(finish="length", index=1)
    ),
    "calls": sse(
        delta(role="assistant", tool_calls=[CALL]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a"'}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}, SECOND_CALL]),
        delta(finish="tool_calls"),
    ),
    "function call": sse(
        delta(function_call={"name": "find", "arguments": "{"}),
        delta(function_call={"arguments": "}"}, finish="function_call"),
    ),
    "reasoning": sse(delta(reasoning_content="I think so, "), delta(reasoning_content="yes."), *ANSWER),
    "refusal": sse(delta(refusal="I "), delta(refusal="cannot."), delta(finish="stop")),
    "times": sse(chunk("2024-01-01T00:00:00.0000Z"), chunk("/Date(1234567890123)/"), chunk(finish="stop")),
    "filtered": sse({"id": "", "choices": [], "prompt_filter_results": []}, chunk("a"), chunk(finish="content_filter")),
    "damaged": sse(*ANSWER).replace("}", "", 1),
    "cr lf": sse(*ANSWER).replace("\n", "\r\n"),
    "logprobs": sse(logged("Hel", "lo"), logged("!"), chunk(finish="stop")),
    "error": sse(chunk("a"), {"error": {"code": "server_error", "message": "sorry"}}),
    "running usage": sse(chunk("a", usage=USAGE), chunk("b", usage=USAGE), done=False),
    "nothing": "data: [DONE]\n\n",
    "no stream at all": "data: hello\n\n: comment\n\nevent: x\n\n",
}


@pytest.mark.parametrize("name", CHAT_STREAMS)
def test_a_chat_streams_row_is_the_one_of_the_raw_stream(gateway: Gateway, name: str) -> None:
    """Texts, calls, refusals, several choices, ends and failures."""
    compared(gateway, request=STREAMED, response=CHAT_STREAMS[name])


TEXTS = st.text(max_size=12) | st.sampled_from(
    ["2024-01-01T00:00:00Z", "\ue000", '{"a": "2024-02-02T10:00:00.50+01:00"}']
)
CALLS = st.builds(
    lambda index, **function: {"index": index, "id": f"call_{index}", "function": function},
    st.integers(0, 2),
    name=TEXTS,
    arguments=TEXTS,
)
DELTAS = st.fixed_dictionaries(
    {}, optional={"content": TEXTS | st.none(), "refusal": TEXTS, "tool_calls": st.lists(CALLS, max_size=2)}
)
CHUNKS = st.builds(
    lambda index, finish, delta: chunk() | {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]},
    st.integers(0, 2),
    st.sampled_from([None, None, "stop", "length", "tool_calls"]),
    DELTAS,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CHUNKS | st.just(USAGE_CHUNK), max_size=8), st.booleans(), st.sampled_from(["\n", "\r\n", "\r"]))
def test_whatever_a_chat_stream_says_its_row_is_the_one_of_the_raw_stream(
    gateway: Gateway, chunks: list[Any], done: bool, line_end: str
) -> None:
    """Any texts in any order, ended or not: compaction changes no number."""
    compared(gateway, request=STREAMED, response="data: {}\n\n".replace("\n", line_end) + sse(*chunks, done=done))


RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "model": "gpt-4o-prod",
    "status": "in_progress",
    "output": [],
    "instructions": "x",
}
DONE_ITEM = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hi.", "annotations": []}],
}
RESPONSE_USAGE = {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}
STARTED = {"type": "response.created", "response": RESPONSE}
TYPED = [{"type": "response.output_text.delta", "output_index": 0, "delta": text} for text in ("Hi", ".")]
COMPLETED = RESPONSE | {"status": "completed", "output": [DONE_ITEM], "usage": RESPONSE_USAGE}
ARGUED = {
    "type": "response.function_call_arguments.delta",
    "output_index": 1,
    "delta": '{"since": "2024-01-01T00:00:00Z"}',
}
RESPONSE_STREAMS = {
    "completed": sse(STARTED, *TYPED, {"type": "response.completed", "response": COMPLETED}, done=False),
    "aborted": sse(STARTED, *TYPED, done=False),
    "aborted in a call": sse(
        STARTED,
        {"type": "response.output_item.done", "output_index": 0, "item": DONE_ITEM},
        {"type": "response.output_item.added", "output_index": 1, "item": {"type": "function_call", "name": "find"}},
        ARGUED,
        done=False,
    ),
    "failed": sse(STARTED, {"type": "error", "code": "server_error"}, done=False),
    "incomplete": sse(
        STARTED, *TYPED, {"type": "response.incomplete", "response": COMPLETED | {"status": "incomplete", "output": []}}
    ),
}


@pytest.mark.parametrize("name", RESPONSE_STREAMS)
def test_a_responses_streams_row_is_the_one_of_the_raw_stream(gateway: Gateway, name: str) -> None:
    """The last event's object, or what the deltas built until it ended."""
    request = {"model": "gpt-4o-prod", "input": "Say hi.", "stream": True}
    compared(gateway, url="/openai/v1/responses", request=request, response=RESPONSE_STREAMS[name])


MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "model": "claude-sonnet-5",
    "content": [],
    "usage": {"input_tokens": 9, "output_tokens": 1},
}
BLOCKS = [
    {"type": "message_start", "message": MESSAGE},
    {"type": "ping"},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " there"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "name": "find", "input": {}}},
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": '{"since": "2024-'},
    },
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": '01-01T00:00:00.00Z"}'},
    },
]
ENDED = [
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use"},
        "usage": {"output_tokens": 25, "cache_read_input_tokens": None},
    },
    {"type": "message_stop"},
]
MESSAGE_STREAMS = {
    "ended": sse(*BLOCKS, *ENDED, done=False),
    "aborted": sse(*BLOCKS, done=False),
    "stopped without a reason": sse(*BLOCKS, {"type": "message_stop"}, done=False),
    "failed": sse(*BLOCKS[:4], {"type": "error", "error": {"type": "overloaded_error"}}, done=False),
}


@pytest.mark.parametrize("name", MESSAGE_STREAMS)
@pytest.mark.parametrize("path", ["/anthropic/v1/messages", "/some/other/path"])
def test_a_message_streams_row_is_the_one_of_the_raw_stream(gateway: Gateway, name: str, path: str) -> None:
    """Known by its path or by its events; usage is cumulative, and a call's input is JSON again."""
    request = {"model": "claude-sonnet-5", "messages": [{"role": "user", "content": "Hello?"}], "stream": True}
    compared(gateway, url=path, request=request, response=MESSAGE_STREAMS[name])


def test_a_transcriptions_stream_keeps_its_last_event(gateway: Gateway) -> None:
    """Its text and usage; an unfinished one keeps the text so far."""
    deltas = [{"type": "transcript.text.delta", "delta": "Good "}, {"type": "transcript.text.delta", "delta": "day."}]
    usage = {"type": "tokens", "input_tokens": 30, "output_tokens": 4, "total_tokens": 34}
    end = {"type": "transcript.text.done", "text": "Good day.", "usage": usage}
    for stream in (sse(*deltas, end), sse(*deltas, done=False)):
        compared(gateway, url="/openai/deployments/hear/audio/transcriptions", request=None, response=stream)


HOSTILE_STREAM = sse(
    STARTED, {"type": "response.output_text.delta", "output_index": "x", "delta": "A secret."}, done=False
)


@pytest.mark.parametrize(("mode", "shown"), [("buffer", True), ("usage-only", False)])
def test_a_stream_that_cannot_be_put_together_goes_raw_or_not_at_all(
    gateway: Gateway, mode: str, *, shown: bool
) -> None:
    """The call has its record, and `usage-only` still shows no text."""
    sent = call(url="/openai/v1/responses", request=STREAMED, response=HOSTILE_STREAM, mode=mode)
    (record,) = emitted(gateway, sent)

    assert shown is ("A secret." in record.get("responseBody", ""))
    assert len(HOSTILE_STREAM) == record["responseBytes"]


# --- bodies that do not fit


def image_call(content: bytes, kind: str = "image/png", **more: Any) -> dict[str, Any]:
    """Return a request with a picture."""
    part = {"type": "image_url", "image_url": {"url": data_url(content, kind), **more}}
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}]}


PICTURES = {
    "png": png(640, 480) + bytes(300_000),
    "jpeg": jpeg(800, 600) + bytes(300_000),
    "jpeg far behind": b"\xff\xd8" + b"\xff\xe1\xff\xff" + bytes(65_533) + jpeg(900, 30)[2:] + bytes(9_000),
    "gif": b"GIF89a" + (30).to_bytes(2, "little") + (20).to_bytes(2, "little") + bytes(40_000),
    "webp extended": b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + bytes([9, 1, 0, 4, 2, 0]) + bytes(40_000),
    "webp lossless": b"RIFF\0\0\0\0WEBPVP8L"
    + bytes(4)
    + b"\x2f"
    + (99 | 49 << 14).to_bytes(4, "little")
    + bytes(40_000),
    "webp": b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + bytes([16, 1, 8, 1]) + bytes(40_000),
    "unknown": b"BM" + bytes(40_000),
    "tiny": png(1, 1),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_becomes_its_size(gateway: Gateway, name: str) -> None:
    """The prompt's count is that of the picture itself."""
    request = image_call(PICTURES[name], detail="high")
    (record,) = emitted(gateway, call(request=request, response=chat_answer()))

    assert "base64" not in record["requestBody"]
    assert record["requestBytes"] == len(json.dumps(request))
    compared(gateway, request=request, response=chat_answer())


NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.sampled_from(["url", "data"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, VALUES, VALUES)
def test_whatever_stands_beside_a_picture_its_row_is_the_one_of_the_raw_request(
    gateway: Gateway, text: str, schema: Any, arguments: Any
) -> None:
    """Texts, schemas and calls are written anew and count as before."""
    function = {"name": "find", "description": text, "parameters": {"type": "object", "properties": {"a": schema}}}
    history = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": json.dumps(arguments)}}
    request = image_call(PICTURES["gif"]) | {"tools": [{"type": "function", "function": function}]}
    request["messages"] += [{"role": "assistant", "content": text, "tool_calls": [history]}]

    compared(gateway, request=request, response=chat_answer())


def test_pictures_and_files_of_all_apis_leave_their_parts(gateway: Gateway) -> None:
    """Chat, Responses, Anthropic: the part stays, its bytes go."""
    picture = base64.b64encode(PICTURES["png"]).decode()
    responses = [
        {"type": "input_image", "image_url": data_url(PICTURES["jpeg"]), "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": data_url(bytes(9_000), "application/pdf")},
    ]
    source = {"type": "base64", "media_type": "image/png", "data": picture}
    request = {"model": "m", "input": [{"role": "user", "content": responses}]}
    messages = {
        "model": "claude-sonnet-5",
        "messages": [{"role": "user", "content": [{"type": "image", "source": source}]}],
    }
    one, other = emitted(
        gateway,
        call(url="/openai/v1/responses", request=request, response={"object": "response", "output": []}),
        call(url="/anthropic/v1/messages", request=messages, response={"type": "message", "content": []}),
    )

    image, file = json.loads(one["requestBody"])["input"][0]["content"]
    assert {"type": "input_image", "detail": "low", "width": 800, "height": 600} == image
    assert {"type": "input_file"} == file
    kept = json.loads(other["requestBody"])["messages"][0]["content"][0]["source"]
    assert (640, 480, None) == (kept["width"], kept["height"], kept.get("data"))
    compared(gateway, url="/openai/v1/responses", request=request, response={"object": "response", "output": []})
    compared(gateway, url="/anthropic/v1/messages", request=messages, response={"type": "message", "content": []})


def test_a_sound_becomes_its_length(gateway: Gateway) -> None:
    """A WAV's seconds, with all their digits."""
    part = {"type": "input_audio", "input_audio": {"format": "wav", "data": wav(3.1234)}}
    request = {"messages": [{"role": "user", "content": [part]}]}
    (record,) = emitted(gateway, call(request=request, response=chat_answer()))

    kept = json.loads(record["requestBody"])["messages"][0]["content"][0]
    assert ("input_audio", "wav") == (kept["type"], kept["input_audio"]["format"])
    assert pytest.approx(3.1234, abs=1e-3) == kept["input_audio"]["seconds"]
    compared(gateway, request=request, response=chat_answer())


def test_vectors_and_generated_pictures_do_not_go_to_the_hub(gateway: Gateway) -> None:
    """An answer's numbers do."""
    vectors: dict[str, Any] = {
        "object": "list",
        "model": "text-embedding-3-large",
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    }
    vectors["data"] = [{"object": "embedding", "index": 0, "embedding": [0.123456789] * 256}]
    picture = {
        "data": [{"b64_json": "A" * 900_000}],
        "usage": {"input_tokens": 9, "output_tokens": 1056, "total_tokens": 1065},
    }
    one, other = emitted(
        gateway,
        call(url="/openai/v1/embeddings", request={"model": "e", "input": "hi"}, response=vectors),
        call(url="/openai/deployments/draw/images/generations", request={"prompt": "a cat"}, response=picture),
    )

    assert (5, 0) == (row_of(one).prompt_tokens, row_of(one).completion_tokens)
    assert (9, 1056) == (row_of(other).prompt_tokens, row_of(other).completion_tokens)
    assert len(one["responseBody"]) + len(other["responseBody"]) < 1_000


WORDS = [
    "The",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "the",
    "lazy",
    "dog,",
    "and",
    "“déjà",
    "vu”",
    "said",
    "the",
    "狐狸",
    "to",
    '"nobody"',
    "at",
    "all.\n",
]


def words(number: int) -> str:
    """Return a text of so many words, some of them beyond ASCII and some that JSON escapes."""
    return " ".join(WORDS[place * 7 % len(WORDS)] for place in range(number))


def test_a_stream_of_5_mb_is_metered_exactly(gateway: Gateway) -> None:
    """Nothing is lost of what its chunks say, and the record fits."""
    pieces = [f" {word}" for word in words(22_000).split(" ")]
    stream = sse(
        *(chunk(piece, logprobs=None, service_tier=None, usage=None) for piece in pieces), chunk(finish="stop")
    )
    assert len(stream.encode()) > 5_000_000

    compared(gateway, request=STREAMED, response=stream)


def test_a_prompt_of_3_mb_is_one_estimated_call_near_the_truth(gateway: Gateway) -> None:
    """Within 5 % of what the whole prompt counts; the answer beside it stays as it was."""
    tools = [{"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {}}}}]
    request = {"messages": [{"role": "user", "content": words(560_000)}], "tools": tools}
    sent = call(request=request, response=chat_answer("Done.", usage=None))
    (record,) = emitted(gateway, sent)
    assert record["requestBytes"] > 3_000_000
    true = row_of(record | {"requestBody": sent["request"]["body"], "requestCutFrom": None, "requestCompacted": False})
    row = row_of(record)

    assert (Source.COUNTED, Source.ESTIMATED, Source.COUNTED) == (
        true.prompt_source,
        row.prompt_source,
        row.completion_source,
    )
    assert Note.CUT in (row.notes or ())
    assert row.prompt_tokens is not None
    assert true.prompt_tokens is not None
    assert abs(row.prompt_tokens - true.prompt_tokens) <= true.prompt_tokens * 5 // 100


@pytest.mark.parametrize("text", ['\\"' * 200_000, "\x01" * 90_000, "😀" * 90_000, "\ud83d" * 90_000, "é" * 150_000])
def test_no_text_makes_a_record_too_large(gateway: Gateway, text: str) -> None:
    """Whatever JSON makes of its characters, and cut between whole ones."""
    request = json.dumps({"messages": [{"role": "user", "content": text}]})
    answer = json.dumps(chat_answer(text, usage=USAGE))
    (came,) = gateway.run([call(request=request, response=answer)])
    record = record_of(came)

    assert LARGEST_RECORD - 1_000 < len(came["logged"][0]["record"].encode()) <= LARGEST_RECORD
    assert (10, 3, Source.REPORTED) == (
        row_of(record).prompt_tokens,
        row_of(record).completion_tokens,
        row_of(record).total_source,
    )


@pytest.mark.parametrize("before", ["", "x"])
def test_a_cut_stands_between_whole_characters(gateway: Gateway, before: str) -> None:
    """Never in the middle of a pair of surrogates."""
    request = {"messages": [{"role": "user", "content": before + "😀" * 90_000}]}
    (record,) = emitted(gateway, call(request=request))

    assert record["requestBody"].endswith("😀")
    assert len(record["requestBody"].encode()) < record["requestCutFrom"]


def test_the_answer_is_cut_last(gateway: Gateway) -> None:
    """A prompt gives way to an answer that fits beside a quarter of it."""
    request = {"messages": [{"role": "user", "content": words(40_000)}]}
    (record,) = emitted(gateway, call(request=request, response=chat_answer(words(15_000))))

    assert "requestCutFrom" in record
    assert Source.COUNTED is row_of(record).completion_source
    assert ["requestBody", "responseBody"] == list(record)[-2:]


# --- asking for usage


def asking(gateway: Gateway, request: Any, **fields: Any) -> Any:
    """Return the body that reaches the backend where the gateway may ask for usage."""
    (came,) = gateway.run([call(request=request, named=ASKED, **fields)])
    body = request if isinstance(request, str) else json.dumps(request)
    assert body == record_of(came)["requestBody"], "the record has the body that the client sent"
    return json.loads(came["requestBody"])


def test_nothing_asks_for_usage_unless_the_owner_wants_it(gateway: Gateway) -> None:
    """Off by default: some clients do not expect the chunk that it adds."""
    (came,) = gateway.run([call(request=STREAMED, response=sse(*ANSWER))])

    assert json.dumps(STREAMED) == came["requestBody"]


def test_a_stream_that_did_not_ask_is_made_to(gateway: Gateway) -> None:
    """All else stays, letter for letter."""
    expected = STREAMED | {"stream_options": {"include_usage": True}}
    assert expected == asking(gateway, STREAMED)
    assert expected == asking(gateway, json.dumps(STREAMED, indent=1) + "\n")


@pytest.mark.parametrize("options", [{"include_obfuscation": False}, {}, None])
def test_the_clients_other_options_stay(gateway: Gateway, options: dict[str, Any] | None) -> None:
    """Only `include_usage` is added."""
    expected = {**(options or {}), "include_usage": True}

    assert expected == asking(gateway, STREAMED | {"stream_options": options})["stream_options"]


@pytest.mark.parametrize(
    ("request_body", "url"),
    [
        (STREAMED | {"stream_options": {"include_usage": False}}, CHAT_URL),
        (STREAMED | {"stream_options": {"include_usage": True}}, CHAT_URL),
        (CHAT_REQUEST, CHAT_URL),
        (CHAT_REQUEST | {"stream": False}, CHAT_URL),
        (STREAMED, CHAT_URL.replace("2024-10-21", "2024-06-01")),
        ({"model": "m", "input": "hi", "stream": True}, "/openai/v1/responses"),
        ({"model": "m", "messages": [], "stream": True}, "/anthropic/v1/messages"),
        ({"messages": [{"role": "user", "content": '"stream": true'}]}, CHAT_URL),
    ],
)
def test_a_request_that_said_no_or_whose_api_cannot_stays_as_it_is(
    gateway: Gateway, request_body: Any, url: str
) -> None:
    """An explicit no, no stream, API versions before 2024-09, Responses and messages, which report by themselves."""
    assert request_body == asking(gateway, request_body, url=url)


def test_on_your_data_is_not_asked(gateway: Gateway) -> None:
    """The service refuses the option there."""
    request = STREAMED | {"data_sources": [{"type": "azure_search"}]}
    (came,) = gateway.run([call(request=request, named=ASKED)])

    assert json.dumps(request) == came["requestBody"]


# --- calls that failed


@pytest.mark.parametrize(
    ("source", "reason", "status"),
    [
        ("rate-limit", "RateLimitExceeded", 429),
        ("llm-token-limit", "TokenLimitExceeded", 429),
        ("quota", "QuotaExceeded", 403),
        ("validate-azure-ad-token", "TokenExpired", 401),
        ("forward-request", "BackendConnectionFailure", 500),
    ],
)
def test_a_call_that_a_policy_refused_gives_a_record_without_charge(
    gateway: Gateway, source: str, reason: str, status: int
) -> None:
    """Who was refused is known, with the status that the client saw."""
    (record,) = emitted(gateway, failed(source, reason, status, validated=VALIDATED))
    row = row_of(record)

    assert (status, "app-validated", "gpt-4o-prod", Charged.NO) == (
        row.status_code,
        row.app_id,
        row.deployment,
        row.charged,
    )
    assert "may hold anything" not in json.dumps(record)


def test_a_refusal_before_the_inbound_fragment_gives_a_record_too(gateway: Gateway) -> None:
    """It has no body, and says who claims to have called."""
    headers = {"Authorization": bearer(appid="app-claimed")}
    refused = failed("validate-jwt", "TokenSignatureInvalid", 401, headers=headers, steps=["meter-on-error"])
    (record,) = emitted(gateway, refused)

    assert ("app-claimed", False, 401, None) == (
        record["appId"],
        record["appIdVerified"],
        record["status"],
        record.get("requestBody"),
    )


@pytest.mark.parametrize(
    ("source", "reason", "status", "section"),
    [
        ("forward-request", "Timeout", 504, "backend"),
        ("forward-request", "ClientConnectionFailure", 0, "backend"),
        ("set-body", "ExpressionValueEvaluationFailure", 500, "outbound"),
    ],
)
def test_where_the_answer_was_lost_the_charge_is_unknown(
    gateway: Gateway, source: str, reason: str, status: int, section: str
) -> None:
    """The service may have worked and charged: neither yes nor no is known."""
    (record,) = emitted(gateway, failed(source, reason, status, section=section))
    row = row_of(record)

    assert ("request", Charged.UNKNOWN, None) == (record["kind"], row.charged, row.completion_tokens)
    assert row.prompt_tokens


def test_errors_of_the_service_give_a_record_on_the_usual_way(gateway: Gateway) -> None:
    """429 and 5xx of a backend are answers like others."""
    busy = {"error": {"code": "429", "message": "busy"}}
    (record,) = emitted(gateway, call(status=429, response=busy, answer_headers={"retry-after": "7"}))

    assert (Charged.NO, "7") == (row_of(record).charged, record["responseHeaders"]["retry-after"])


def test_an_error_after_the_record_gives_no_second_one(gateway: Gateway) -> None:
    """Once a call."""
    steps = ["meter-inbound", "meter-outbound", "meter-on-error"]
    error = {"Source": "set-header", "Reason": "ExpressionValueEvaluationFailure", "Section": "outbound"}
    (came,) = gateway.run([call(steps=steps, error=error)])

    assert Charged.YES is row_of(record_of(came)).charged


@pytest.mark.parametrize("body", ["\x00\x01\x02", "null", "[]", '"text"', "{}", '{"choices": 1, "usage": []}'])
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", "audio/mpeg", ""])
def test_no_answer_ever_breaks_a_call(gateway: Gateway, body: str, kind: str) -> None:
    """Whatever a backend says, the client gets it and the call has its record."""
    (came,) = gateway.run([call(response=body, answer_headers={"Content-Type": kind})])

    assert (body, 200) == (came["responseBody"], record_of(came)["status"])


def test_compressed_bodies_are_not_taken_for_text(gateway: Gateway) -> None:
    """Their true size is all that is known of them."""
    headers = {"Content-Encoding": "gzip", "Content-Length": "123"}
    (record,) = emitted(gateway, call(answer_headers=headers))

    assert (123, None) == (record["responseBytes"], record.get("responseBody"))


def test_all_records_of_a_hub_are_metered(gateway: Gateway) -> None:
    """Every record of these tests is one of the canonical shape."""
    came = gateway.run([call(), call(request=STREAMED, response=sse(*ANSWER)), failed("quota", "QuotaExceeded", 403)])
    outcome = meter([Event(item["logged"][0]["record"].encode()) for item in came])

    assert (3, (), ()) == (len(outcome.rows), tuple(outcome.rejected), tuple(outcome.ignored))
    assert {"canonical"} == {row.record_shape for row in outcome.rows}
