"""Tool calls and results in a chat's history. Each test names the distinct recorded calls behind it."""

from datetime import UTC, datetime

from tests.counted import GPT_4_0613, GPT_4O, GPT_5, O3_MINI, USER, called, chat_prompt, tokens
from token_meter.codes import Note, Source

TEXT = 4 + tokens(USER["content"])
CALL = {"role": "assistant", "content": None, "tool_calls": [called("get_weather", '{"city": "Oslo"}')]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "-4 °C"}
TWO_CALLS = {
    "role": "assistant",
    "tool_calls": [called("get_weather", '{"city": "Oslo"}'), called("get_time", "{}")],
}
WRITTEN_CALL = tokens(" to=functions.get_weather") + tokens('{"city":"Oslo"}')
WRITTEN_RESULT = 6 + tokens("get_weather") + tokens("-4 °C")
WRITTEN_TWO = tokens(" to=multi_tool_use.parallel") + tokens(
    '{"tool_uses":[{"recipient_name":"functions.get_weather","parameters":{"city":"Oslo"}},'
    '{"recipient_name":"functions.get_time","parameters":{}}]}'
)


def test_one_call_and_its_result() -> None:
    """Confirmed by 543 of 543 distinct recorded calls; the arguments are written anew, without blanks."""
    count = chat_prompt(GPT_4O, USER, CALL, RESULT)

    assert count.tokens == TEXT + 4 + WRITTEN_CALL + WRITTEN_RESULT + 3
    assert count.source is Source.COUNTED


def test_a_turn_that_calls_costs_gpt_5_six_more() -> None:
    """Confirmed by 142 of 142 distinct recorded calls, of one function or of several."""
    one = chat_prompt(GPT_5, USER, CALL, RESULT)
    assert one.tokens == TEXT + 4 + 6 + WRITTEN_CALL + WRITTEN_RESULT + 2

    two = chat_prompt(GPT_5, USER, TWO_CALLS, RESULT, RESULT)
    assert two.tokens == TEXT + 4 + 6 + WRITTEN_TWO + 10 + tokens('["-4 °C", "-4 °C"]') + 2


def test_a_call_costs_the_older_snapshots_three_less() -> None:
    """Confirmed by 3 of 3 distinct recorded calls, by their answers, and by functions forced by name."""
    text = ("Is it cold in Oslo?", " to=functions.get_weather", '{"city":"Oslo"}', "get_weather", "-4 °C")

    assert chat_prompt(GPT_4_0613, USER, CALL, RESULT).tokens == (
        4 + 1 + 6 + 3 + sum(tokens(part, "cl100k_base") for part in text)
    )


def test_several_calls_are_written_as_one_and_their_results_as_one_list() -> None:
    """Confirmed by 120 of 120 distinct recorded calls; a result that is JSON is embedded, a number too."""
    results = ({**RESULT, "content": '{"celsius": -4.0}'}, {**RESULT, "content": "181.5900"})

    assert chat_prompt(GPT_4O, USER, TWO_CALLS, *results).tokens == (
        TEXT + 4 + WRITTEN_TWO + 10 + tokens('[{"celsius": -4.0}, 181.59]') + 3
    )


def test_results_of_several_calls_were_escaped_until_march_2026() -> None:
    """Confirmed by 106 of 106 distinct recorded calls before and 14 of 14 after."""
    for when, listed in (
        (datetime(2026, 2, 1, tzinfo=UTC), '["-4 \\u00b0C", "-4 \\u00b0C"]'),
        (datetime(2026, 4, 1, tzinfo=UTC), '["-4 °C", "-4 °C"]'),
    ):
        count = chat_prompt(GPT_4O, USER, TWO_CALLS, RESULT, RESULT, when=when)
        assert count.tokens == TEXT + 4 + WRITTEN_TWO + 10 + tokens(listed) + 3


def test_a_text_beside_a_call_is_a_message_of_its_own() -> None:
    """Confirmed by 12 of 12 distinct recorded calls."""
    message = {**CALL, "content": "Let me look."}

    assert chat_prompt(GPT_4O, USER, message, RESULT).tokens == (
        TEXT + 4 + tokens("Let me look.") + 4 + WRITTEN_CALL + WRITTEN_RESULT + 3
    )


def test_the_name_of_the_caller_stands_with_text_and_call() -> None:
    """Confirmed by 63 of 63 distinct recorded calls of agents that name themselves."""
    named = {**CALL, "name": "scout"}
    suffix = tokens(":scout")
    unnamed = chat_prompt(GPT_4O, USER, CALL, RESULT).tokens
    with_text = chat_prompt(GPT_4O, USER, {**CALL, "content": "Wait."}, RESULT).tokens

    assert unnamed is not None
    assert with_text is not None
    assert chat_prompt(GPT_4O, USER, named, RESULT).tokens == unnamed + suffix
    assert chat_prompt(GPT_4O, USER, {**named, "content": "Wait."}, RESULT).tokens == with_text + 2 * suffix


def test_the_older_single_function_call_is_a_call() -> None:
    """As recorded in 2023 and 2024."""
    older = {"role": "assistant", "content": None, "function_call": {"name": "get_weather", "arguments": "{}"}}

    assert chat_prompt(GPT_4O, USER, older).tokens == TEXT + 4 + tokens(" to=functions.get_weather") + tokens("{}") + 3


def test_arguments_that_are_no_json_are_counted_as_they_are() -> None:
    """A model may break off in the middle of them."""
    broken = {"role": "assistant", "tool_calls": [called("f", '{"city": "Os')]}

    assert chat_prompt(GPT_4O, broken).tokens == 4 + tokens(" to=functions.f") + tokens('{"city": "Os') + 3


def test_a_result_that_no_call_precedes_is_an_estimate() -> None:
    """10 distinct recorded calls have such messages; half of them are off by one or two."""
    orphan = {"role": "function", "name": "get_weather", "content": "-4 °C"}

    count = chat_prompt(GPT_4O, USER, orphan)

    assert count.source is Source.ESTIMATED
    assert count.notes == (Note.INEXACT_FORMULA,)


def test_calls_in_the_history_of_the_o_series_are_an_estimate() -> None:
    """Of 5 distinct recorded calls 2 are off, by 3 in both directions."""
    assert chat_prompt(O3_MINI, USER, CALL, RESULT).source is Source.ESTIMATED
