"""`ServiceTier` and `IsSpilledOver`: what a call's price depends on beside its tokens, as a row tells it."""

from typing import Any

import pytest

from tests.records import USAGE, chat_answer, chunk, event, row_of, sse
from token_meter import meter

TIER, SPILLED = "azureai-processed-tier", "x-ms-is-spilled-over"
MESSAGES = "/anthropic/v1/messages"


def answered(**fields: Any) -> str:
    """Return the tier of a call whose answer has these fields."""
    return row_of(responseBody=chat_answer(usage=USAGE, **fields)).service_tier


def message(usage: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of Anthropic's API."""
    whole = {"input_tokens": 5, "output_tokens": 2, **usage}
    return {"type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [], "usage": whole}


@pytest.mark.parametrize(
    ("said", "tier"),
    [
        ("default", "standard"),
        ("auto", "standard"),
        ("scale", "standard"),
        ("standard", "standard"),
        (" Default ", "standard"),
        ("priority", "priority"),
        ("Flex", "flex"),
        ("something-new", "something-new"),
    ],
)
def test_the_answer_says_in_which_tier_it_was_processed(said: str, tier: str) -> None:
    """All names of the standard tier are one; what is not known yet stays itself, and has no price."""
    assert tier == answered(service_tier=said)


@pytest.mark.parametrize("said", [None, "", "  ", 7, ["priority"], {"tier": "priority"}])
def test_what_names_no_tier_leaves_it_open(said: Any) -> None:
    """Which is not to say that it was the standard one."""
    assert "" == answered(service_tier=said)


def test_an_answer_that_does_not_speak_of_tiers_leaves_it_open() -> None:
    """As most do."""
    assert "" == answered()


def test_what_was_asked_for_is_no_tier() -> None:
    """A call for priority may be processed as standard; only the answer knows."""
    asked = {"messages": [{"role": "user", "content": "Hi"}], "service_tier": "priority"}

    assert "" == row_of(requestBody=asked).service_tier
    assert (
        "standard"
        == row_of(requestBody=asked, responseBody=chat_answer(usage=USAGE, service_tier="default")).service_tier
    )


def test_azure_s_header_speaks_before_the_body() -> None:
    """Whatever its case; an empty one says nothing."""
    body = chat_answer(usage=USAGE, service_tier="default")

    assert "priority" == row_of(responseHeaders={TIER: "Priority"}, responseBody=body).service_tier
    assert "standard" == row_of(responseHeaders={TIER: ""}, responseBody=body).service_tier
    assert "standard" == row_of(responseHeaders={TIER: "default"}).service_tier


@pytest.mark.parametrize(("said", "tier"), [("standard", "standard"), ("priority", "priority"), ("batch", "batch")])
def test_anthropic_says_it_inside_the_usage(said: str, tier: str) -> None:
    """Where its other numbers are."""
    assert tier == row_of(url=MESSAGES, responseBody=message({"service_tier": said})).service_tier


def test_a_stream_says_it_in_its_chunks() -> None:
    """Put together, it is an answer as any other."""
    body = sse(chunk("Hi", "stop", service_tier="priority", usage=USAGE))

    assert "priority" == row_of(responseBody=body, responseContentType="text/event-stream").service_tier


def test_a_line_of_a_batch_file_was_processed_in_a_batch() -> None:
    """Whatever its body says of a tier."""
    body = chat_answer(usage=USAGE, service_tier="default", created=1_790_000_000)
    line = {
        "id": "batch_req_1",
        "custom_id": "one",
        "response": {"status_code": 200, "request_id": "r", "body": body},
        "error": None,
    }

    (row,) = meter([event(line)]).rows

    assert "batch" == row.service_tier


@pytest.mark.parametrize(
    ("said", "expected"),
    [("true", True), ("True", True), (" true ", True), ("false", False), ("", None), ("1", None), ("yes", None)],
)
def test_azure_says_whether_another_deployment_stood_in(said: str, expected: bool | None) -> None:
    """By a header; another word than true and false says nothing."""
    assert expected is row_of(responseHeaders={SPILLED: said}).is_spilled_over


def test_without_the_header_it_is_not_known() -> None:
    """Then the backend tells, in prices/deployments.csv."""
    assert row_of().is_spilled_over is None
