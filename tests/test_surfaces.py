"""Every surface of the model APIs: which operation a path is, what runs no model, where usage stands."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.records import USAGE, chat_answer, metered, record, row_of, sse, without
from token_meter import meter
from token_meter.codes import Charged, Note, Operation, Reason, Source
from token_meter.sources import read_events

DEPLOYMENT = "/openai/deployments/my-model"
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "model": "my-model", "output": []}
OUTPUT_USAGE = {"input_tokens": 20, "output_tokens": 9, "total_tokens": 29}


@pytest.mark.parametrize(
    ("path", "operation", "deployment"),
    [
        (f"{DEPLOYMENT}/chat/completions", Operation.CHAT, "my-model"),
        ("/openai/v1/chat/completions", Operation.CHAT, "named"),
        ("/models/chat/completions", Operation.CHAT, "named"),
        ("/my-gateway/team-a/openai/v1/chat/completions/", Operation.CHAT, "named"),
        (f"{DEPLOYMENT}/completions", Operation.COMPLETIONS, "my-model"),
        (f"{DEPLOYMENT}/embeddings", Operation.EMBEDDINGS, "my-model"),
        ("/openai/v1/embeddings", Operation.EMBEDDINGS, "named"),
        ("/models/embeddings", Operation.EMBEDDINGS, "named"),
        ("/openai/responses", Operation.RESPONSES, "named"),
        ("/openai/v1/responses", Operation.RESPONSES, "named"),
        ("/openai/v1/responses/compact", Operation.RESPONSES, "named"),
        (f"{DEPLOYMENT}/images/generations", Operation.IMAGES, "my-model"),
        (f"{DEPLOYMENT}/images/edits", Operation.IMAGES, "my-model"),
        (f"{DEPLOYMENT}/audio/transcriptions", Operation.TRANSCRIPTION, "my-model"),
        (f"{DEPLOYMENT}/audio/translations", Operation.TRANSCRIPTION, "my-model"),
        (f"{DEPLOYMENT}/audio/speech", Operation.SPEECH, "my-model"),
        ("/anthropic/v1/messages", Operation.MESSAGES, "named"),
        ("/responses/openai/v1/chat/completions", Operation.CHAT, "named"),
    ],
)
@pytest.mark.parametrize("query", ["", "?api-version=2025-04-01-preview"])
def test_a_path_is_known_by_its_end(path: str, operation: Operation, deployment: str, query: str) -> None:
    """Whatever stands before it; the deployment is that of the path, else the request's `model`."""
    row = row_of(url=path + query, requestBody={"model": "named", "messages": []}, responseBody={"usage": USAGE})

    assert (operation, deployment, 10) == (row.operation_name, row.deployment, row.prompt_tokens)


@pytest.mark.parametrize("named", ["url", "backendUrl"])
@pytest.mark.parametrize(
    "path",
    [
        "/openai/v1/responses/resp_68f1/cancel",
        "/openai/responses/resp_68f1?api-version=2025-04-01-preview",
        "/openai/v1/responses/input_tokens",
        "/openai/v1/responses/resp_68f1/input_items",
        "/openai/v1/chat/completions/chatcmpl-68f1",
        "/anthropic/v1/messages/count_tokens",
        "/messages/count_tokens",
        "/anthropic/v1/messages/batches",
        "/anthropic/v1/messages/batches/msgbatch_1/cancel",
        "/openai/files?api-version=2024-10-21",
        "/openai/v1/files/file-1/content",
        "/openai/v1/uploads/upload_1/complete",
        "/openai/batches",
        "/openai/v1/batches/batch_1/cancel",
        "/openai/v1/vector_stores/vs_1/search",
        "/openai/v1/conversations",
        "/openai/fine_tuning/jobs",
        "/openai/assistants",
        "/openai/threads",
        "/openai/threads/thread_1/messages",
        "/openai/v1/threads/thread_1/runs/run_1/cancel",
    ],
)
def test_a_post_that_runs_no_model_is_ignored(path: str, named: str) -> None:
    """Also where its answer repeats the usage of the call that did."""
    urls = {"url": None, named: f"https://contoso.example{path}"}

    outcome = metered(record(**urls, responseBody={**RESPONSE, "usage": OUTPUT_USAGE}))

    assert [Reason.NOT_A_MODEL_CALL] == [item.reason for item in outcome.ignored]
    assert () == outcome.rows


@pytest.mark.parametrize("path", ["/openai/threads/thread_1/runs", "/openai/threads/runs"])
def test_a_streamed_run_of_an_assistant_reports_its_usage(path: str) -> None:
    """The run's own, in its last event, not the sum of its steps'."""
    step = {"object": "thread.run.step", "usage": {"prompt_tokens": 4, "completion_tokens": 1, "total_tokens": 5}}
    run = {"id": "run_1", "object": "thread.run", "model": "gpt-4o", "usage": USAGE}

    row = row_of(url=path, responseBody=sse(step, run))

    assert (10, 3, Source.REPORTED) == (row.prompt_tokens, row.completion_tokens, row.completion_source)


def test_a_get_of_a_stored_response_is_not_metered_again() -> None:
    """It gives the same object as the POST that made it."""
    answer = {**RESPONSE, "usage": OUTPUT_USAGE}
    post = record(url="/openai/v1/responses", requestBody={"model": "my-model", "input": "Hi"}, responseBody=answer)
    get = record(url="/openai/v1/responses/resp_1", method="GET", requestBody=None, responseBody=answer)

    outcome = metered(post, get, without(get, "method"))

    assert [29] == [row.total_tokens for row in outcome.rows]
    assert 2 == len(outcome.ignored)


def test_the_backends_path_tells_the_operation_where_the_gateways_own_does_not() -> None:
    """An API may be published under any name."""
    backend = f"https://contoso.openai.azure.com{DEPLOYMENT}/chat/completions"

    row = row_of(url="/assistant/ask", backendUrl=backend)

    assert (Operation.CHAT, "my-model") == (row.operation_name, row.deployment)


@pytest.mark.parametrize(
    ("path", "answer", "numbers"),
    [
        ("/openai/v1/responses", {**RESPONSE, "usage": OUTPUT_USAGE}, (20, 9, 29)),
        (
            "/openai/v1/responses/compact",
            {"id": "resp_2", "object": "response.compaction", "output": [], "usage": OUTPUT_USAGE},
            (20, 9, 29),
        ),
        (
            "/models/embeddings",
            {"object": "list", "data": [], "usage": {"prompt_tokens": 8, "completion_tokens": 0, "total_tokens": 8}},
            (8, 0, 8),
        ),
        (
            f"{DEPLOYMENT}/images/generations",
            {"data": [{"b64_json": ""}], "usage": {**OUTPUT_USAGE, "input_tokens_details": {"text_tokens": 20}}},
            (20, 9, 29),
        ),
        (
            f"{DEPLOYMENT}/audio/transcriptions",
            {"text": "Hi", "usage": {"type": "tokens", **OUTPUT_USAGE, "input_token_details": {"audio_tokens": 14}}},
            (20, 9, 29),
        ),
        (
            f"{DEPLOYMENT}/audio/transcriptions",
            {"text": "Hi", "usage": {"type": "duration", "seconds": 3}},
            (None, None, None),
        ),
        (f"{DEPLOYMENT}/images/generations", {"created": 1, "data": [{"url": "https://x"}]}, (None, None, None)),
        (
            "/models/chat/completions",
            {**chat_answer(model="grok-3-mini"), "usage": {**USAGE, "total_tokens": 73}},
            (10, 3, 73),
        ),
    ],
)
def test_usage_is_read_where_each_surface_puts_it(
    path: str, answer: dict[str, Any], numbers: tuple[int | None, ...]
) -> None:
    """And what is not reported in tokens is unknown, never zero."""
    row = row_of(url=path, requestBody=None, responseBody=answer)

    assert numbers == (row.prompt_tokens, row.completion_tokens, row.total_tokens)
    assert Charged.YES == row.charged


def test_a_transcription_that_is_charged_by_its_length_says_so() -> None:
    """Nobody need look for its tokens."""
    answer = {"text": "Hi", "usage": {"type": "duration", "seconds": 3}}

    row = row_of(url=f"{DEPLOYMENT}/audio/transcriptions", responseBody=answer)

    assert Note.CHARGED_BY_DURATION in (row.notes or ())


def test_the_details_of_a_transcription_are_parts_of_its_prompt() -> None:
    """Sound and text, as the service tells them apart."""
    usage = {"type": "tokens", **OUTPUT_USAGE, "input_token_details": {"audio_tokens": 14, "text_tokens": 6}}

    row = row_of(url=f"{DEPLOYMENT}/audio/transcriptions", responseBody={"text": "Hi", "usage": usage})

    assert (20, 14) == (row.prompt_tokens, row.audio_prompt_tokens)


STREAMS = {
    "/audio/transcriptions": [
        {"type": "transcript.text.delta", "delta": "Hi"},
        {"type": "transcript.text.done", "text": "Hi", "usage": {"type": "tokens", **OUTPUT_USAGE}},
    ],
    "/images/generations": [
        {"type": "image_generation.partial_image", "b64_json": "aaaa", "partial_image_index": 0},
        {"type": "image_generation.completed", "b64_json": "aaaa", "usage": OUTPUT_USAGE},
    ],
    "/audio/speech": [
        {"type": "speech.audio.delta", "audio": "aaaa"},
        {"type": "speech.audio.done", "usage": OUTPUT_USAGE},
    ],
}


@pytest.mark.parametrize("path", STREAMS)
@pytest.mark.parametrize("known", [True, False], ids=["by path", "by its events"])
def test_a_stream_of_typed_events_reports_in_its_last_one(path: str, known: bool) -> None:
    """Transcriptions, images and speech; by their path or, without one, by their events."""
    fields = {"url": DEPLOYMENT + path} if known else {"url": None}

    row = row_of(**fields, responseBody=sse(*STREAMS[path], done=False))

    assert (20, 9, Source.REPORTED, True) == (
        row.prompt_tokens,
        row.completion_tokens,
        row.completion_source,
        row.is_stream,
    )
    assert Note.ABORTED not in (row.notes or ())


def test_a_transcription_that_was_cut_off_reports_nothing() -> None:
    """What was heard so far is no total."""
    row = row_of(
        url=f"{DEPLOYMENT}/audio/transcriptions", responseBody=sse(STREAMS["/audio/transcriptions"][0], done=False)
    )

    assert Source.REPORTED not in {row.prompt_source, row.completion_source, row.total_source}


def test_a_response_in_the_background_has_no_completion_yet() -> None:
    """Its POST ends before it began; what its polling shows is not metered."""
    answer = {**RESPONSE, "status": "queued", "usage": None}

    row = row_of(url="/openai/v1/responses", requestBody={"model": "gpt-4.1", "input": "Hi"}, responseBody=answer)

    assert (None, Source.UNKNOWN, None) == (row.completion_tokens, row.completion_source, row.total_tokens)


def test_the_services_headers_tell_model_deployment_and_region() -> None:
    """Their names are the services', whatever the record's case."""
    headers = {
        "X-MS-Served-Model": "gpt-4.1-2025-04-14",
        "x-ms-deployment-name": "the-deployment",
        "x-ms-region": "East US 2",
        "x-ms-is-spilled-over": "true",
    }

    row = row_of(url="/openai/v1/responses", responseBody={**RESPONSE, "model": None}, responseHeaders=headers)

    assert ("gpt-4.1-2025-04-14", "the-deployment", "East US 2") == (row.served_model, row.deployment, row.region)
    assert Note.SPILLED_OVER in (row.notes or ())


@pytest.mark.parametrize("value", ["false", "", "maybe"])
def test_an_answer_of_the_deployment_that_was_asked_did_not_spill_over(value: str) -> None:
    """Only `true` says so."""
    assert Note.SPILLED_OVER not in (row_of(responseHeaders={"x-ms-is-spilled-over": value}).notes or ())


def test_fields_that_nobody_knows_yet_change_nothing() -> None:
    """The services add some at any time."""
    new = {"latency_checkpoint": {"a": [1]}, "prompt_tokens_details": {"moon_tokens": 3}, "cost": "0.01", "x": None}
    answer = {**chat_answer(usage={**USAGE, **new}), "processed_by": "default", "new_object": {"usage": {"a": 1}}}

    assert row_of(responseBody=chat_answer(usage=USAGE)) == row_of(responseBody=answer)


def test_a_batch_file_is_metered_line_by_line(tmp_path: Path) -> None:
    """Each request is a call of its own, at the time of its answer."""
    body = chat_answer(usage=USAGE, created=1_791_200_000)
    lines = [
        {
            "id": f"batch_req_{number}",
            "custom_id": f"task-{number}",
            "response": {"status_code": 200, "request_id": f"r{number}", "body": {**body, "id": f"chatcmpl-{number}"}},
            "error": None,
        }
        for number in range(3)
    ]
    path = tmp_path / "output.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))

    outcome = meter(read_events(str(path)))

    assert ["batch_req_0", "batch_req_1", "batch_req_2"] == [row.call_id for row in outcome.rows]
    assert {("batch-output", 13, "2026-10-05")} == {
        (row.record_shape, row.total_tokens, row.call_time.date().isoformat()) for row in outcome.rows
    }
