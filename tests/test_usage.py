"""Usage as the service reported it, for every API, in one form."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import USAGE, chat_answer, chunk, row_of, sse
from token_meter.codes import Note, Operation, Source
from token_meter.usage import Usage, read_usage

CHAT_USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 2, "audio_tokens": 3, "image_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 1},
}
FULL = Usage(
    prompt=20, completion=9, total=29, cached=8, cache_write=2, reasoning=5, audio_prompt=3, audio_completion=1, image=4
)


def usage(operation: Operation, **reported: Any) -> Usage:
    """Return what is read from an answer that reports these fields."""
    return read_usage(operation, {"usage": reported})


def test_chat_reports_prompt_completion_total_and_their_parts() -> None:
    """Details are subsets of prompt and completion."""
    assert usage(Operation.CHAT, **CHAT_USAGE) == FULL


def test_responses_reports_the_same_under_other_names() -> None:
    """`input` and `output` stand for prompt and completion."""
    renamed = {
        "input_tokens": 20,
        "output_tokens": 9,
        "total_tokens": 29,
        "input_tokens_details": CHAT_USAGE["prompt_tokens_details"],
        "output_tokens_details": CHAT_USAGE["completion_tokens_details"],
    }

    assert usage(Operation.RESPONSES, **renamed) == FULL


def test_embeddings_have_no_completion() -> None:
    """Their total is their prompt."""
    reported = usage(Operation.EMBEDDINGS, prompt_tokens=8, total_tokens=8)

    assert (8, 0, 8) == (reported.prompt, reported.completion, reported.total)


def test_a_completion_left_out_is_what_the_total_leaves() -> None:
    """Completions of nothing report a prompt and a total only."""
    assert 0 == usage(Operation.COMPLETIONS, prompt_tokens=11, total_tokens=11).completion


def test_anthropic_cache_tokens_are_added_into_the_prompt() -> None:
    """Anthropic counts them beside `input_tokens`; a row counts them inside."""
    reported = usage(
        Operation.MESSAGES,
        input_tokens=3,
        cache_creation_input_tokens=1276,
        cache_read_input_tokens=40,
        output_tokens=7,
        output_tokens_details={"thinking_tokens": 5},
    )

    expected = Usage(prompt=1319, completion=7, total=1326, cached=40, cache_write=1276, reasoning=5)
    assert expected == reported


def test_names_of_both_vendors_may_stand_beside_each_other() -> None:
    """Gateways between APIs write both; OpenAI's prompt has the cached tokens in it already."""
    reported = usage(
        Operation.CHAT,
        prompt_tokens=1319,
        completion_tokens=7,
        total_tokens=1326,
        cache_read_input_tokens=40,
        cache_creation_input_tokens=1276,
    )

    assert Usage(prompt=1319, completion=7, total=1326, cached=40, cache_write=1276) == reported


def test_a_total_beside_anthropics_names_is_kept() -> None:
    """A reported number is never recomputed."""
    names = {"input_tokens": 3, "cache_read_input_tokens": 40, "output_tokens": 7}

    assert (43, 50, ()) == totals(usage(Operation.MESSAGES, **names, total_tokens=50))
    assert (43, 10, (Note.INCONSISTENT_USAGE,)) == totals(usage(Operation.MESSAGES, **names, total_tokens=10))


def totals(reported: Usage) -> tuple[int | None, int | None, tuple[Note, ...]]:
    """Return the prompt and the total of a usage, and what is noted of it."""
    return reported.prompt, reported.total, reported.notes


def test_what_each_cache_lifetime_got_adds_up_where_no_sum_is_said() -> None:
    """Anthropic writes for five minutes or for an hour."""
    lifetimes = {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 20}

    reported = usage(Operation.MESSAGES, input_tokens=3, cache_creation=lifetimes, output_tokens=7)

    assert (123, 120) == (reported.prompt, reported.cache_write)


def test_reasoning_beside_the_completion_is_added_into_it() -> None:
    """Models of xAI count it in the total only; a row counts it as part of the completion."""
    reported = usage(
        Operation.CHAT,
        prompt_tokens=37,
        completion_tokens=530,
        total_tokens=800,
        completion_tokens_details={"reasoning_tokens": 233},
    )

    assert (37, 763, 800, 233, ()) == (
        reported.prompt,
        reported.completion,
        reported.total,
        reported.reasoning,
        reported.notes,
    )


def test_parts_that_do_not_come_to_the_total_are_noted() -> None:
    """All three stay as they are reported."""
    reported = usage(Operation.CHAT, prompt_tokens=10, completion_tokens=3, total_tokens=20)

    assert (10, 3, 20) == (reported.prompt, reported.completion, reported.total)
    assert (Note.INCONSISTENT_USAGE,) == reported.notes


def test_details_may_be_split_over_both_vendors_names() -> None:
    """An empty object takes nothing from the other one."""
    details = {"prompt_tokens_details": {}, "input_tokens_details": {"cached_tokens": 5}}

    assert 5 == usage(Operation.CHAT, prompt_tokens=10, **details).cached


@pytest.mark.parametrize("value", [-1, True, "many", 1.5, None, [], {}, 10**13, "9" * 400])
def test_what_is_no_number_of_tokens_is_unknown(value: object) -> None:
    """A hostile or broken number never becomes tokens."""
    assert usage(Operation.CHAT, prompt_tokens=value).prompt is None


@pytest.mark.parametrize("answer", [None, {}, {"usage": None}, {"usage": []}, {"usage": "10"}, {"usage": {}}])
def test_no_usage_is_no_usage(answer: dict[str, Any] | None) -> None:
    """An absent or broken usage says nothing, not zero."""
    assert not read_usage(Operation.CHAT, answer).reported


def test_numbers_that_contradict_each_other_stay_and_are_noted() -> None:
    """A reported number is never overwritten."""
    row = row_of(responseBody=chat_answer(usage={**USAGE, "prompt_tokens_details": {"cached_tokens": 99}}))

    assert (10, 99) == (row.prompt_tokens, row.cached_tokens)
    assert Note.INCONSISTENT_USAGE in (row.notes or ())


def test_a_reported_number_is_taken_as_it_is() -> None:
    """Whatever the text would count to."""
    row = row_of(responseBody=chat_answer("one two three four five", usage=USAGE))

    assert (10, 3, 13) == (row.prompt_tokens, row.completion_tokens, row.total_tokens)
    assert {Source.REPORTED} == {row.prompt_source, row.completion_source, row.total_source}


def test_a_usage_chunk_of_a_stream_is_reported_usage() -> None:
    """With `include_usage` the last chunk has no choices and the usage."""
    last = {"id": "chatcmpl-1", "model": "gpt-4o-2024-08-06", "choices": [], "usage": USAGE}

    row = row_of(responseBody=sse(chunk("Hello!"), chunk(finish="stop"), last))

    assert (10, 3, Source.REPORTED) == (row.prompt_tokens, row.completion_tokens, row.completion_source)
    assert row.is_stream is True


def test_usage_in_the_request_is_nobodys_word() -> None:
    """Only the service reports usage; a client that sends some is not believed."""
    request = {"messages": [{"role": "user", "content": "Hi"}], "usage": {"prompt_tokens": 0}}

    row = row_of(requestBody=request, responseBody=chat_answer())

    assert Source.REPORTED not in {row.prompt_source, row.completion_source}


@given(
    st.dictionaries(
        st.sampled_from([*CHAT_USAGE, "input_tokens", "output_tokens", "cache_read_input_tokens"]),
        st.integers() | st.text() | st.none() | st.floats() | st.dictionaries(st.text(), st.integers()),
    )
)
def test_every_number_read_is_a_number_of_tokens(reported: dict[str, Any]) -> None:
    """Whole, not negative, never a boolean, or unknown."""
    read = usage(Operation.CHAT, **reported)

    for name in Usage.__slots__:
        if name != "notes":
            number = getattr(read, name)
            assert number is None or (type(number) is int and number >= 0)
