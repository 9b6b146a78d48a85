"""Bodies that a policy made smaller: a compacted one counts as the raw one, a cut one is an estimate of the whole."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compaction import compacted, cut
from tests.records import REQUEST_ID, USAGE, chat_answer, chunk, metered, record, row_of, sse, without
from tests.test_counting_media import data_url, image, png, wav
from token_meter import Event, meter
from token_meter.codes import Note, Source
from token_meter.row import UsageRow

LARGEST_EVENT = 200_000
"""Bytes, where APIM cuts an event (log-to-eventhub)."""
CHAT = "/openai/v1/chat/completions"
RESPONSES = "/openai/v1/responses"
MESSAGES = "/anthropic/v1/messages"
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": ""}}


def row(value: dict[str, Any]) -> UsageRow:
    """Return the one row of a record."""
    (only,) = metered(value).rows
    return only


def arguments(index: int, text: str) -> dict[str, Any]:
    """Return a chunk with a piece of a call's arguments."""
    delta = {"tool_calls": [{"index": index, "function": {"arguments": text}}]}
    return {"choices": [{"index": 0, "delta": delta}]}


def tokens_of(chunk_of_text: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a chunk whose `logprobs` list its tokens."""
    chunk_of_text["choices"][0]["logprobs"] = {"content": [{"token": name} for name in names], "refusal": None}
    return chunk_of_text


def message_events(*, ended: bool) -> list[dict[str, Any]]:
    """Return the events of a message with a text and a call, which may have been aborted."""
    start = {"id": "msg_1", "model": "claude-sonnet-4-5", "usage": {"input_tokens": 20, "output_tokens": 1}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Let me look."}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "name": "find", "input": {}}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"q":1}'}},
    ]
    if ended:
        events.append({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 31}})
        events.append({"type": "message_stop"})
    return events


def response_events(*, ended: bool) -> list[dict[str, Any]]:
    """Return the events of a response with a text and a call, which may have been aborted."""
    response = {"id": "resp_1", "object": "response", "model": "gpt-4.1", "status": "in_progress", "instructions": "Hi"}
    call = {"type": "function_call", "name": "find", "arguments": ""}
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello there"}]}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": {**message, "content": []}},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "Hello "},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "there"},
        {"type": "response.output_item.added", "output_index": 1, "item": call},
        {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": '{"q": 1}'},
    ]
    if ended:
        output = [message, {**call, "arguments": '{"q": 1}'}]
        final = {**response, "status": "completed", "output": output}
        events.append({"type": "response.completed", "response": final})
    return events


STREAMS: dict[str, tuple[str, str]] = {
    "chat": (CHAT, sse(chunk("Hel"), chunk("lo"), chunk(finish="stop"))),
    "first chunk of Azure": (CHAT, sse({"id": "", "model": "", "choices": []}, chunk("Hi"), chunk(finish="stop"))),
    "usage": (CHAT, sse(chunk("Hi"), chunk(finish="stop"), {"choices": [], "usage": USAGE})),
    "running usage, aborted": (CHAT, sse(chunk("Hi", usage=USAGE), done=False)),
    "running usage": (CHAT, sse(chunk("Hi", usage=USAGE), chunk(finish="stop", usage=USAGE))),
    "several choices": (CHAT, sse(chunk("a"), chunk("b", index=1), chunk(finish="stop"), chunk("", "length", index=1))),
    "refusal": (CHAT, sse({"choices": [{"index": 0, "delta": {"refusal": "No."}}]}, chunk(finish="stop"))),
    "reasoning shown": (
        CHAT,
        sse({"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]}, chunk("Yes."), chunk(finish="stop")),
    ),
    "calls": (
        CHAT,
        sse(
            {"choices": [{"index": 0, "delta": {"tool_calls": [CALL, {**CALL, "index": 1, "id": "call_2"}]}}]},
            arguments(0, '{"a":'),
            arguments(1, "{}"),
            arguments(0, "1}"),
            chunk(finish="tool_calls"),
        ),
    ),
    "legacy call": (
        CHAT,
        sse(
            {"choices": [{"index": 0, "delta": {"function_call": {"name": "f", "arguments": "{"}}}]},
            {"choices": [{"index": 0, "delta": {"function_call": {"arguments": "}"}}}]},
            chunk(finish="function_call"),
        ),
    ),
    "logprobs": (CHAT, sse(tokens_of(chunk("Hello"), "Hel", "lo"), tokens_of(chunk("!"), "!"), chunk(finish="stop"))),
    "aborted": (CHAT, sse(chunk("Hel"), chunk("lo"), done=False)),
    "end mark without a reason": (CHAT, sse(chunk("Hel"), chunk("lo"))),
    "filtered": (CHAT, sse(chunk("Hel"), chunk(finish="content_filter"))),
    "damaged": (CHAT, sse(chunk("Hel"), chunk("lo"), done=False)[:-20]),
    "error": (CHAT, sse(chunk("Hel"), {"error": {"code": "server_error"}}, done=False)),
    "nothing but an error": (CHAT, sse({"error": {"code": "server_error"}}, done=False)),
    "completion": (
        "/openai/deployments/d/completions",
        sse(
            {"id": "cmpl-1", "model": "gpt-3.5-turbo-instruct", "choices": [{"text": "Hello", "finish_reason": "stop"}]}
        ),
    ),
    "response": (RESPONSES, sse(*response_events(ended=True), done=False)),
    "response, aborted": (RESPONSES, sse(*response_events(ended=False), done=False)),
    "response with an error": (
        RESPONSES,
        sse(*response_events(ended=False), {"type": "error", "code": "server_error"}, done=False),
    ),
    "message": (MESSAGES, sse(*message_events(ended=True), done=False)),
    "message, aborted": (MESSAGES, sse(*message_events(ended=False), done=False)),
    "transcription": (
        "/openai/deployments/d/audio/transcriptions",
        sse(
            {"type": "transcript.text.delta", "delta": "Hello"},
            {"type": "transcript.text.done", "text": "Hello", "usage": {"input_tokens": 14, "output_tokens": 3}},
            done=False,
        ),
    ),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_compacted_stream_gives_the_row_of_the_raw_one(name: str) -> None:
    """In every column: numbers, sources, notes, ids, models, how it ended."""
    url, text = STREAMS[name]
    raw = record(url=url, requestBody={"model": "gpt-4.1", "messages": [], "stream": True}, responseBody=text)

    small = compacted(raw)

    assert not small["responseBody"].startswith("data:")
    assert row(raw) == row(small)


@given(st.lists(st.tuples(st.integers(0, 2), st.text(max_size=8)), max_size=12), st.booleans(), st.booleans())
def test_any_chat_stream_gives_the_same_compacted(deltas: list[tuple[int, str]], done: bool, ended: bool) -> None:
    """However many choices, however split, ended or not."""
    ends = [chunk(finish="stop", index=index) for index in {index for index, _ in deltas}] if ended else []
    raw = record(responseBody=sse(*(chunk(text, index=index) for index, text in deltas), *ends, done=done))

    assert row(raw) == row(compacted(raw))


def test_every_recorded_call_gives_the_same_row_compacted(
    recordings: Path, withhold: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """With the reported usage taken out, record by record; and every stream then fits into an event."""
    streams = 0
    with gzip.open(recordings) as lines:
        for line in lines:
            raw = withhold(json.loads(line))
            small = compacted(raw)
            assert row(raw) == row(small)
            if "event-stream" in str(small["responseContentType"]):
                streams += 1
                assert len(json.dumps(small, ensure_ascii=False).encode()) < LARGEST_EVENT
    assert streams > 900


def test_a_stream_of_five_megabytes_is_metered_exactly_from_its_compacted_record() -> None:
    """It is whole, and small because of what was left out around its text."""
    words = ["word ", "und ", "слово ", "言葉 "] * 5_000
    noise: dict[str, Any] = {"obfuscation": "x" * 40, "system_fingerprint": "fp_1"}
    raw = record(responseBody=sse(*(chunk(word, **noise) for word in words), chunk(finish="stop")))
    small = compacted(raw)

    assert len(raw["responseBody"]) > 5_000_000 > LARGEST_EVENT > len(json.dumps(small, ensure_ascii=False).encode())
    assert Source.COUNTED == row(small).completion_source
    assert row(raw) == row(small)


def test_of_usage_alone_the_usage_is_reported_and_the_rest_unknown() -> None:
    """A policy may emit nothing else of a stream."""
    only = {"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-2024-08-06"}
    fields: dict[str, Any] = {"responseCompacted": True, "responseContentType": "text/event-stream"}

    told = row_of(**fields, responseBody={**only, "usage": USAGE})
    untold = row_of(**fields, responseBody=only)

    assert (10, 3, Source.REPORTED, True) == (
        told.prompt_tokens,
        told.completion_tokens,
        told.completion_source,
        told.is_stream,
    )
    assert (None, Source.UNKNOWN) == (untold.completion_tokens, untold.completion_source)
    assert Note.ABORTED not in (untold.notes or ())


MEDIA: dict[str, tuple[str, dict[str, Any]]] = {
    "image": (CHAT, {"model": "gpt-4o", "messages": [image(1024, 1024)]}),
    "image, low": (CHAT, {"model": "gpt-4o", "messages": [image(1024, 1024, detail="low")]}),
    "image of patches": (CHAT, {"model": "gpt-4.1-mini", "messages": [image(1024, 700)]}),
    "image elsewhere": (
        CHAT,
        {
            "model": "gpt-4o",
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example/?sig=k"}}]}
            ],
        },
    ),
    "image that is none": (
        CHAT,
        {
            "model": "gpt-4o",
            "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}],
        },
    ),
    "image of Responses": (
        RESPONSES,
        {
            "model": "gpt-4o",
            "input": [
                {"role": "user", "content": [{"type": "input_image", "image_url": data_url(png(800, 600))}]},
            ],
        },
    ),
    "sound": (
        CHAT,
        {
            "model": "gpt-4o-audio-preview",
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is this?"},
                        {"type": "input_audio", "input_audio": {"data": wav(2.345), "format": "wav"}},
                    ],
                }
            ],
        },
    ),
    "file": (
        CHAT,
        {
            "model": "gpt-4o",
            "messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": data_url(b"%PDF")}}]}],
        },
    ),
    "image of Anthropic": (
        MESSAGES,
        {
            "model": "claude-sonnet-4-5",
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image", "source": {"type": "base64", "data": data_url(png(9, 9))[22:]}}],
                }
            ],
        },
    ),
}


@pytest.mark.parametrize("name", MEDIA)
def test_a_compacted_request_counts_as_the_raw_one(name: str) -> None:
    """Its pictures by their size, its sounds by their length; no byte of either is left, and no address."""
    url, body = MEDIA[name]
    raw = record(url=url, requestBody=body, responseBody=chat_answer(model=body["model"]))

    small = compacted(raw)

    assert "base64," not in small["requestBody"]
    assert "sig=" not in small["requestBody"]
    assert row(raw) == row(small)


def test_a_client_cannot_make_its_image_small_by_saying_so() -> None:
    """A size counts only where there is no image to read it from."""
    honest = image(2048, 2048)
    forged = image(2048, 2048)
    forged["content"][0]["image_url"] |= {"width": 1, "height": 1}
    remote = {
        "role": "user",
        "content": [{"type": "image_url", "image_url": {"url": "https://x.example/a.png", "width": 1, "height": 1}}],
    }

    def prompt(message: dict[str, Any]) -> UsageRow:
        return row_of(requestBody={"messages": [message]}, responseBody=chat_answer())

    assert prompt(honest).prompt_tokens == prompt(forged).prompt_tokens
    assert Note.REMOTE_IMAGE in (prompt(remote).notes or ())


def test_an_answers_vectors_are_left_out_and_nothing_is_lost() -> None:
    """An answer of embeddings says its usage, whatever becomes of its numbers."""
    answer = {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "embedding": [0.1]}],
    }
    raw = record(
        url="/openai/deployments/e/embeddings", requestBody={"input": "Hello"}, responseBody={**answer, "usage": USAGE}
    )

    assert "0.1" not in compacted(raw)["responseBody"]
    assert row(raw) == row(compacted(raw))


PROMPT = {
    "messages": [{"role": "user", "content": "Summarise: " + "The quick brown fox jumps over a lazy dog. " * 80_000}]
}
TEXT = json.dumps(PROMPT)


def numbers(of: UsageRow) -> tuple[int | None, Source, bool]:
    """Return a row's prompt, its source, and whether it says that it was cut."""
    return of.prompt_tokens, of.prompt_source, Note.CUT in (of.notes or ())


def within(share: float, expected: int | None, actual: int | None) -> bool:
    """Tell whether a number is off by no more than a share."""
    assert expected is not None
    assert actual is not None
    return abs(actual - expected) <= share * expected


@pytest.mark.parametrize("tidied", [False, True], ids=["cut", "compacted and cut"])
def test_a_prompt_of_three_megabytes_is_one_call_within_five_percent(tidied: bool) -> None:
    """The rest that is missing has as many tokens a byte as what is there."""
    raw = record(requestBody=TEXT, responseBody=chat_answer())
    whole = row(raw)
    begun = (
        cut(compacted(raw), "request", 150_000)
        if tidied
        else record(requestBody=TEXT[:150_000], requestBytes=len(TEXT), responseBody=chat_answer())
    )

    estimated = row(begun)

    assert len(TEXT) > 3_000_000
    assert (Source.ESTIMATED, True) == numbers(estimated)[1:]
    assert within(0.05, whole.prompt_tokens, estimated.prompt_tokens)
    assert whole.completion_tokens == estimated.completion_tokens
    assert Source.COUNTED == estimated.completion_source


@given(st.integers(2_000, 60_000))
def test_wherever_a_prompt_is_cut_the_estimate_is_near(length: int) -> None:
    """The place decides nothing."""
    text = json.dumps({"messages": [{"role": "user", "content": "Ein Wort, zwei Wörter; 三个字. " * 4_000}]})
    raw = record(requestBody=text, responseBody=chat_answer())

    assert within(0.05, row(raw).prompt_tokens, row(cut(raw, "request", length)).prompt_tokens)


def test_a_record_that_was_cut_itself_is_extrapolated_by_the_size_that_it_states() -> None:
    """Its bodies stand last, so all else of it is there."""
    raw = record(requestBody=TEXT, responseBody=None)
    body = json.dumps({**without(raw, "requestBody", "responseBody"), "requestBytes": len(TEXT), "requestBody": TEXT})

    (begun,) = meter([Event(body.encode()[:LARGEST_EVENT])]).rows

    assert (Source.ESTIMATED, True) == numbers(begun)[1:]
    assert within(0.05, row(raw).prompt_tokens, begun.prompt_tokens)
    assert REQUEST_ID == begun.call_id


def test_pictures_before_the_cut_are_counted_once() -> None:
    """They stand for few bytes in a compacted body and for many tokens; only the text goes on behind the cut."""
    body = {"messages": [image(1024, 1024), {"role": "user", "content": "one two three four " * 20_000}]}
    raw = compacted(record(requestBody=body, responseBody=chat_answer()))

    whole, begun = row(raw), row(cut(raw, "request", 20_000))

    assert within(0.01, whole.prompt_tokens, begun.prompt_tokens)


def test_a_cut_body_with_pictures_in_their_own_bytes_is_not_extrapolated() -> None:
    """A megabyte of picture would become a hundred thousand words."""
    body = json.dumps({"messages": [image(64, 64), {"role": "user", "content": "Look."}]})

    known = row_of(requestBody=body, requestBytes=len(body), responseBody=chat_answer())
    begun = row_of(requestBody=body, requestBytes=len(body) + 1_000_000, responseBody=chat_answer())

    assert known.prompt_tokens == begun.prompt_tokens
    assert (Source.ESTIMATED, True) == numbers(begun)[1:]


@pytest.mark.parametrize(
    ("fields", "is_cut"),
    [
        ({}, False),
        ({"requestBytes": 0}, False),
        ({"requestBytes": 4}, False),
        ({"requestBytes": 5}, True),
        ({"requestBytes": 500}, True),
        ({"requestBytes": 500, "requestCompacted": True}, False),
        ({"requestBytes": 500, "requestCompacted": False}, True),
        ({"requestBytes": 500, "requestCompacted": "yes"}, True),
        ({"requestCutFrom": 1}, True),
        ({"requestCutFrom": 1, "requestCompacted": True}, True),
        ({"requestCutFrom": 0}, False),
        ({"requestBytes": 2**50}, False),
    ],
)
def test_a_size_says_whether_a_body_was_cut(fields: dict[str, Any], is_cut: bool) -> None:
    """Larger than what is there by more than line ends, unless the record says that its policy compacted it."""
    body = json.dumps({"messages": [{"role": "user", "content": "Say hello."}]})
    sizes = {
        name: len(body) + value if isinstance(value, int) and value > 1 else value for name, value in fields.items()
    }
    sizes |= {"requestCutFrom": len(body) + 1} if fields.get("requestCutFrom") else {}

    row = row_of(requestBody=body, responseBody=chat_answer(), **sizes)

    assert is_cut == (Note.CUT in (row.notes or ()))
    assert row.prompt_source is (Source.ESTIMATED if is_cut else Source.COUNTED)


def test_a_cut_answer_is_an_estimate_of_the_whole_one() -> None:
    """A raw stream, and its compacted form, each by their own bytes."""
    words = [chunk(f"{word} ") for word in ("alpha", "beta", "gamma", "delta") for _ in range(500)]
    raw = record(responseBody=sse(*words, chunk(finish="stop")))
    whole = row(raw)
    assert Source.COUNTED == whole.completion_source

    for part in (
        {**raw, "responseBody": raw["responseBody"][:100_000], "responseBytes": len(raw["responseBody"])},
        cut(compacted(raw), "response", 6_000),
    ):
        begun = row(part)
        assert (Source.ESTIMATED, True) == (begun.completion_source, Note.CUT in (begun.notes or ()))
        assert within(0.05, whole.completion_tokens, begun.completion_tokens)
        assert whole.prompt_tokens == begun.prompt_tokens


def test_reported_numbers_stay_reported_whatever_was_cut() -> None:
    """A cut body takes nothing from what the service said."""
    row = row_of(requestBytes=10_000, responseBytes=10_000)

    assert (10, 3, Source.REPORTED, Source.REPORTED) == (
        row.prompt_tokens,
        row.completion_tokens,
        row.prompt_source,
        row.completion_source,
    )
    assert Note.CUT not in (row.notes or ())


def test_embeddings_have_no_completion_however_long_their_vectors_were() -> None:
    """A cut answer makes no estimate of the nothing that they write."""
    answer = '{"object": "list", "model": "text-embedding-3-small", "data": [{"embedding": [0.1, 0.2'

    row = row_of(url="/openai/deployments/e/embeddings", requestBody={"input": "Hello"}, responseBody=answer)

    assert (0, Source.COUNTED) == (row.completion_tokens, row.completion_source)
