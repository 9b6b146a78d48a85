"""`token-meter audit`: what the counter would have said of calls whose usage the service reported."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.records import CHAT_REQUEST, USAGE, chat_answer, record
from tests.test_command_line import token_meter, write
from tests.test_pieces import pieces

RESPONSES = "/openai/v1/responses"


def audited(tmp_path: Path, *records: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the figures by side, kind and name."""
    done = token_meter("audit", write(tmp_path / "events.jsonl", *records), "--json", folder=tmp_path)
    assert 0 == done.returncode, done.stderr
    return {(item["side"], item["by"], item["name"]): item for item in json.loads(done.stdout)["accuracy"]}


def responses(request: dict[str, Any], output: list[dict[str, Any]], **usage: Any) -> dict[str, Any]:
    """Return a record of the Responses API."""
    answer = {
        "id": "resp_1",
        "object": "response",
        "model": "gpt-4o-2024-08-06",
        "status": "completed",
        "output": output,
        "usage": {"input_tokens": 10, "output_tokens": 3, "total_tokens": 13, **usage},
    }
    return record(url=RESPONSES, requestBody={"model": "gpt-4o", **request}, responseBody=answer)


def test_a_count_is_held_against_what_was_reported(tmp_path: Path) -> None:
    """One call counted exactly, one that reports 20 tokens more than there are."""
    more = {"prompt_tokens": 30, "completion_tokens": 3, "total_tokens": 33}
    calls = record(requestId="a"), record(requestId="b", responseBody=chat_answer(usage=more))

    figures = audited(tmp_path, *calls)["prompt", "all", ""]

    assert (2, 1, 20, 10.0, 20) == tuple(
        figures[name] for name in ("calls", "exact", "absoluteError", "meanError", "worst")
    )


def test_a_side_that_is_not_in_the_record_is_no_miss(tmp_path: Path) -> None:
    """Of a call whose request was not logged, the prompt cannot be counted; that says nothing of the counter."""
    figures = audited(tmp_path, record(requestBody=None))["prompt", "all", ""]

    assert (1, 1, None) == (figures["calls"], figures["unknown"], figures["meanError"])


def test_shares_are_of_the_calls_that_can_be_counted(tmp_path: Path) -> None:
    """One exact, one not in the record: all that could be counted was exact."""
    name = write(tmp_path / "events.jsonl", record(requestId="a"), record(requestId="b", requestBody=None))

    table = token_meter("audit", name, folder=tmp_path).stdout

    (line,) = [line for line in table.splitlines() if "prompt" in line and " all " in line]
    assert ["prompt", "all", "2", "1", "100.0%"] == [cell.strip() for cell in line.strip("│|").split("│")][:5]


@pytest.mark.parametrize(
    ("call", "feature"),
    [
        (record(requestBody={**CHAT_REQUEST, "tools": [{"type": "function", "function": {"name": "f"}}]}), "tools"),
        (record(requestBody={**CHAT_REQUEST, "response_format": {"type": "json_schema"}}), "json schema"),
        (
            record(responseBody=chat_answer(usage={**USAGE, "completion_tokens_details": {"reasoning_tokens": 2}})),
            "reasoning",
        ),
        (record(), "plain"),
        (responses({"input": "hi", "tools": [{"type": "function", "name": "f"}]}, []), "tools"),
        (responses({"input": "hi", "text": {"format": {"type": "json_schema"}}}, []), "json schema"),
        (
            responses({"input": "hi"}, [{"type": "function_call", "name": "f", "arguments": "{}", "call_id": "1"}]),
            "tool call",
        ),
        (
            responses({"input": [{"type": "function_call_output", "call_id": "1", "output": "4"}]}, []),
            "tool history",
        ),
        (
            responses(
                {
                    "input": [
                        {"role": "user", "content": [{"type": "input_image", "image_url": "https://example.com/a"}]}
                    ]
                },
                [],
            ),
            "media",
        ),
        (responses({"input": "hi"}, [], output_tokens_details={"reasoning_tokens": 2}), "reasoning"),
    ],
)
def test_calls_are_told_apart_by_what_is_special_about_them(tmp_path: Path, call: dict[str, Any], feature: str) -> None:
    """Chat Completions and Responses by the same words."""
    assert ("prompt", "feature", feature) in audited(tmp_path, call)


def test_bodies_that_came_in_pieces_are_joined_before_they_are_counted(tmp_path: Path) -> None:
    """As they are where they are metered: an answer is one call, not as many as its pieces."""
    answer = json.dumps(chat_answer(usage=USAGE))
    parts = [json.loads(event.body) for event in pieces("response-body", answer, len(answer) // 2 + 1)]

    figures = audited(tmp_path, *parts)

    assert 1 == figures["completion", "all", ""]["calls"]
