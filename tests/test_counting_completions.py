"""What a chat answer costs beside its text, and the older APIs; each test names the recorded calls behind it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.counted import (
    GPT_4_0613,
    GPT_4O,
    GPT_5,
    GPT_35,
    USER,
    WEATHER,
    called,
    chat_completion,
    exchange,
    tokens,
    tool,
)
from token_meter.codes import Kind, Note, Operation, Source
from token_meter.counting import count_completion, count_prompt

ANSWER = {"content": "Yes, it is -4 °C."}
TEXT = tokens(ANSWER["content"])
CALL = {"content": None, "tool_calls": [called("get_weather", '{"city":"Oslo"}')]}
WRITTEN_CALL = tokens(" to=functions.get_weather") + tokens('{"city":"Oslo"}')
WITH_TOOLS = {"messages": [USER], "tools": [tool(WEATHER)]}
SPRING_2025 = datetime(2025, 4, 10, tzinfo=UTC)


def test_a_text_costs_what_it_is() -> None:
    """Confirmed by 600 of 609 distinct recorded calls; the others are one off."""
    count = chat_completion(GPT_4O, ANSWER)

    assert count.tokens == TEXT
    assert count.source is Source.COUNTED


def test_azure_counts_the_token_that_ends_an_answer() -> None:
    """Confirmed by 131 of 131 distinct recorded calls; not where the answer ran into its limit."""
    assert chat_completion(GPT_4O, ANSWER, azure=True).tokens == TEXT + 1
    assert chat_completion(GPT_4O, ANSWER, "length", azure=True).tokens == TEXT


def test_azure_did_not_count_it_in_2024() -> None:
    """Confirmed by 12 recorded calls of 2024-04 to 2024-12."""
    assert chat_completion(GPT_4O, ANSWER, azure=True, time=datetime(2024, 11, 1, tzinfo=UTC)).tokens == TEXT


def test_openai_counted_it_in_the_first_months_of_2025() -> None:
    """Confirmed by some 400 recorded calls of texts and of tool calls."""
    assert chat_completion(GPT_4O, ANSWER, time=SPRING_2025).tokens == TEXT + 1
    assert chat_completion(GPT_4O, CALL, "tool_calls", request=WITH_TOOLS, time=SPRING_2025).tokens == (
        WRITTEN_CALL + 4 + 1
    )


def test_a_text_where_the_model_could_have_called_costs_one_more() -> None:
    """Confirmed by 397 of 402 distinct recorded calls; not where calls were forbidden."""
    assert chat_completion(GPT_4O, ANSWER, request=WITH_TOOLS).tokens == TEXT + 1
    assert chat_completion(GPT_4O, ANSWER, request={**WITH_TOOLS, "tool_choice": "none"}).tokens == TEXT


def test_under_a_schema_such_a_text_begins_with_the_schemas_name() -> None:
    """Confirmed by 8 of 8 distinct recorded calls; without tools the name is a part of the prompt."""
    schema = {"type": "json_schema", "json_schema": {"name": "Answer", "schema": {"type": "object"}}}

    assert chat_completion(GPT_4O, ANSWER, request={**WITH_TOOLS, "response_format": schema}).tokens == (
        TEXT + 1 + 2 + tokens("Answer")
    )
    assert chat_completion(GPT_4O, ANSWER, request={"response_format": schema}).tokens == TEXT


@pytest.mark.parametrize(("azure", "around"), [(False, 4), (True, 5)])
def test_one_call(azure: bool, around: int) -> None:
    """Confirmed by 376 of 377 distinct recorded calls of OpenAI and 30 of 30 of Azure; it tells what it is."""
    assert chat_completion(GPT_4O, CALL, "tool_calls", azure=azure, request=WITH_TOOLS).tokens == WRITTEN_CALL + around
    unseen = chat_completion(GPT_4O, CALL, "tool_calls", azure=azure, request=None, kind=Kind.RESPONSE)
    assert (unseen.tokens, unseen.source) == (WRITTEN_CALL + around, Source.COUNTED)


def test_one_call_of_the_older_snapshots() -> None:
    """Confirmed by 9 of 9 distinct recorded calls."""
    count = chat_completion(GPT_4_0613, CALL, "tool_calls", request=WITH_TOOLS)

    assert (
        count.tokens
        == tokens(" to=functions.get_weather", "cl100k_base") + tokens('{"city":"Oslo"}', "cl100k_base") + 1
    )


def test_of_a_forced_call_only_the_arguments_are_generated() -> None:
    """Confirmed by 222 of 223 distinct recorded calls."""
    forced = {**WITH_TOOLS, "tool_choice": {"type": "function", "function": {"name": "get_weather"}}}

    assert chat_completion(GPT_4O, CALL, "stop", request=forced).tokens == tokens('{"city":"Oslo"}')


def test_several_calls_are_generated_as_one() -> None:
    """Confirmed by 102 of 103 distinct recorded calls."""
    two = {"tool_calls": [called("get_weather", '{"city": "Oslo"}'), called("get_weather", '{"city": "Rome"}')]}
    written = (
        '{"tool_uses":[{"recipient_name":"functions.get_weather","parameters":{"city":"Oslo"}},'
        '{"recipient_name":"functions.get_weather","parameters":{"city":"Rome"}}]}'
    )

    assert chat_completion(GPT_4O, two, "tool_calls", request=WITH_TOOLS).tokens == (
        tokens(" to=multi_tool_use.parallel") + tokens(written) + 4
    )


def test_one_call_with_blanks_in_its_arguments_was_generated_as_several() -> None:
    """Confirmed by 20 of 20 distinct recorded calls: the service wrote these arguments anew, with blanks."""
    spaced = {"tool_calls": [called("get_weather", '{"city": "Oslo"}')]}
    written = '{"tool_uses":[{"recipient_name":"functions.get_weather","parameters":{"city":"Oslo"}}]}'

    assert chat_completion(GPT_4O, spaced, "tool_calls", request=WITH_TOOLS).tokens == (
        tokens(" to=multi_tool_use.parallel") + tokens(written) + 4
    )


def test_the_older_snapshots_put_blanks_there_themselves() -> None:
    """They cannot call several functions at once; 9 of 9 distinct recorded calls have blanks and line ends."""
    spaced = {"tool_calls": [called("get_weather", '{"city": "Oslo"}')]}
    text = tokens(" to=functions.get_weather", "cl100k_base") + tokens('{"city": "Oslo"}', "cl100k_base")

    assert chat_completion(GPT_4_0613, spaced, "tool_calls", request=WITH_TOOLS).tokens == text + 1


def test_a_text_before_a_call_costs_one_beside_itself() -> None:
    """Confirmed by 13 of 13 distinct recorded calls."""
    both = {**CALL, "content": "Let me look."}

    assert chat_completion(GPT_4O, both, "tool_calls", request=WITH_TOOLS).tokens == (
        tokens("Let me look.") + 1 + WRITTEN_CALL + 4
    )


def test_several_choices_are_added_up() -> None:
    """Confirmed by 21 of 21 distinct recorded calls, each choice with its own end."""
    choices = [{"index": place, "message": ANSWER, "finish_reason": "stop"} for place in (0, 1)]
    call = exchange(Operation.CHAT, GPT_4O, request={"messages": [USER]}, response={"choices": choices}, azure=True)

    assert count_completion(call).tokens == 2 * (TEXT + 1)


def test_a_refusal_is_a_text() -> None:
    """Confirmed by 2 recorded calls."""
    assert chat_completion(GPT_4O, {"content": None, "refusal": "I cannot."}).tokens == tokens("I cannot.")


def test_listed_logprobs_say_how_many_tokens_a_text_was_generated_as() -> None:
    """A model may write a word in more tokens than the tokenizer would; the list has all of them."""
    choice = {
        "message": {"content": "Yes"},
        "finish_reason": "stop",
        "logprobs": {"content": [{"token": "Y"}, {"token": "es"}]},
    }
    call = exchange(Operation.CHAT, GPT_4O, request={"messages": [USER]}, response={"choices": [choice]})

    assert count_completion(call).tokens == 2


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"aborted": True}, Note.ABORTED),
        ({"response_cut": True}, Note.CUT),
        ({"request": {"messages": [USER], "n": 1, "best_of": 3}}, Note.LOWER_BOUND),
        ({"request": None, "kind": Kind.RESPONSE}, Note.REQUEST_UNSEEN),
    ],
)
def test_an_answer_that_is_not_whole_or_not_alone_is_an_estimate(fields: dict[str, Any], note: Note) -> None:
    """What was sent is counted, and the note says what is missing."""
    count = chat_completion(GPT_4O, ANSWER, **fields)

    assert (count.tokens, count.source, count.notes) == (TEXT, Source.ESTIMATED, (note,))


def test_withheld_text_and_hidden_thoughts_make_a_lower_bound() -> None:
    """What the content filter kept back and what the model thought are charged and not shown."""
    assert Note.LOWER_BOUND in chat_completion(GPT_4O, ANSWER, "content_filter").notes
    assert Note.LOWER_BOUND in chat_completion(GPT_5, ANSWER).notes
    assert chat_completion(GPT_5, ANSWER).source is Source.ESTIMATED
    assert chat_completion(GPT_5, ANSWER).tokens == TEXT + 3


def test_the_older_completions_cost_their_text_on_both_sides() -> None:
    """Confirmed by 49 of 49 distinct recorded prompts and 48 of 49 completions."""
    call = exchange(
        Operation.COMPLETIONS,
        "gpt-3.5-turbo-instruct",
        request={"prompt": ["Once upon", "a time"]},
        response={"choices": [{"text": " there was", "finish_reason": "stop"}]},
    )

    assert count_prompt(call).tokens == tokens("Once upon", "cl100k_base") + tokens("a time", "cl100k_base")
    assert count_completion(call).tokens == tokens(" there was", "cl100k_base")


@pytest.mark.parametrize(
    ("model", "encoding"),
    [("text-davinci-003", "p50k_base"), ("curie", "r50k_base"), ("davinci:2023-07-21-v2", "cl100k_base")],
)
def test_older_models_have_older_tokenizers(model: str, encoding: str) -> None:
    """Confirmed by 8, 7 and 4 distinct recorded calls."""
    call = exchange(Operation.COMPLETIONS, model, request={"prompt": "opentelemetry   once"})

    assert count_prompt(call).tokens == tokens("opentelemetry   once", encoding)


def test_embeddings_cost_their_inputs_and_complete_nothing() -> None:
    """Confirmed by 124 of 125 distinct recorded calls; token ids count each, the empty text counts one."""
    call = exchange(Operation.EMBEDDINGS, "text-embedding-3-small", request={"input": ["a b", "", "c"]})
    assert count_prompt(call).tokens == tokens("a b", "cl100k_base") + 1 + 1
    ids = exchange(Operation.EMBEDDINGS, "text-embedding-3-small", request={"input": [[1, 2, 3], [4]]})
    assert count_prompt(ids).tokens == 4
    completion = count_completion(call)
    assert (completion.tokens, completion.source) == (0, Source.COUNTED)


def test_a_custom_tools_call_is_an_estimate() -> None:
    """It is no function, and no recorded call shows what it costs."""
    custom = {"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "x", "input": "abc"}}]}

    assert chat_completion(GPT_35, custom, "tool_calls", request=WITH_TOOLS).source is Source.ESTIMATED
