"""The Responses API: what differs from chat completions. Each test names the distinct recorded calls behind it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.counted import (
    GPT_4O,
    GPT_5,
    GPT_41,
    GPT_54,
    TODAY,
    WEATHER,
    WEATHER_TYPE,
    block,
    exchange,
    responses_completion,
    responses_prompt,
    tokens,
)
from token_meter.codes import Note, Operation, Source
from token_meter.counting import count_completion, count_prompt
from token_meter.exchange import Exchange

NAMES = ("Joe", "Hadley", "Simon", "Tom")
USER = {"role": "user", "content": [{"type": "input_text", "text": "Is it cold in Oslo?"}]}
TEXT = 4 + tokens("Is it cold in Oslo?")
TOOL = {"type": "function", **WEATHER}
BLOCK = tokens(block(WEATHER_TYPE))
CALL = {"type": "function_call", "call_id": "c", "name": "get_weather", "arguments": '{"city":"Oslo"}'}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "-4 °C"}
WRITTEN_CALL = tokens(" to=functions.get_weather") + tokens('{"city":"Oslo"}')
WRITTEN_OUTPUT = 3 + tokens("functions.get_weather") + tokens("-4 °C")
MESSAGE = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes, it is."}]}
ANSWER = tokens("Yes, it is.")
FORMAT = {
    "format": {"type": "json_schema", "name": "Answer", "schema": {"type": "object", "properties": {}, "required": []}}
}
SECTION = tokens('# Response Formats\n\n## Answer\n\n{"type":"object","properties":{}}')


def test_messages_and_instructions_are_counted_as_in_chat_completions() -> None:
    """Confirmed by 288 of 291 distinct recorded calls of all models."""
    count = responses_prompt(GPT_4O, USER, instructions="Answer in one sentence.")

    assert count.tokens == 4 + tokens("Answer in one sentence.") + TEXT + 3
    assert count.source is Source.COUNTED
    assert responses_prompt(GPT_5, USER, MESSAGE, USER).tokens == TEXT + 4 + ANSWER + 2 + TEXT + 2


def test_an_input_that_is_a_text_is_one_message() -> None:
    """Confirmed by 60 distinct recorded calls."""
    call = exchange(Operation.RESPONSES, GPT_4O, request={"input": "Is it cold in Oslo?"})

    assert count_prompt(call).tokens == TEXT + 3


@pytest.mark.parametrize(
    ("model", "beside", "reply"),
    [(GPT_41, -3, 3), (GPT_5, 3, 2), (GPT_54, 3, 2), ("o4-mini-2025-04-16", 0, 2), ("codex-mini-latest", 1, 2)],
)
def test_tools_stand_apart_from_the_instructions(model: str, beside: int, reply: int) -> None:
    """Confirmed by 166 of 167 (gpt-4o, gpt-4.1), 104 (gpt-5 to 5.6), 48 (o-series) and 5 distinct recorded calls."""
    count = responses_prompt(model, USER, instructions="Be brief.", tools=[TOOL])

    assert count.tokens == 4 + tokens("Be brief.") + BLOCK + beside + TEXT + reply
    assert count.source is Source.COUNTED


def test_so_does_a_schema() -> None:
    """Confirmed by 39 of 39 distinct recorded calls of gpt-4o and gpt-4.1 and 39 of 39 of gpt-5 to gpt-5.6."""
    assert responses_prompt(GPT_4O, USER, text=FORMAT).tokens == SECTION + 1 + TEXT + 3
    assert responses_prompt(GPT_5, USER, text=FORMAT).tokens == SECTION + TEXT + 2


def test_forcing_a_function_costs_its_beginning() -> None:
    """Confirmed by 4 of 4 distinct recorded calls; of models that think, by 9, it costs nothing."""
    choice = {"type": "function", "name": "get_weather"}
    forced = responses_prompt(GPT_4O, USER, tools=[TOOL], tool_choice=choice)

    assert forced.tokens == BLOCK - 3 + 4 + tokens(" to=functions.get_weather") + TEXT + 3
    assert responses_prompt(GPT_5, USER, tools=[TOOL], tool_choice=choice) == responses_prompt(
        GPT_5, USER, tools=[TOOL]
    )


@pytest.mark.parametrize(("model", "more", "reply"), [(GPT_41, 0, 3), (GPT_5, 6, 2), (GPT_54, 9, 2)])
def test_calls_and_their_outputs(model: str, more: int, reply: int) -> None:
    """Confirmed by 92 of 93, 21 of 21 and 21 of 23 distinct recorded calls."""
    assert responses_prompt(model, USER, CALL, OUTPUT).tokens == TEXT + 4 + more + WRITTEN_CALL + WRITTEN_OUTPUT + reply


def test_a_call_that_the_service_knows_by_its_id_costs_three_more() -> None:
    """Confirmed by 36 of 37 distinct recorded calls of clients that send back what they were given."""
    stored = {**CALL, "id": "fc_1"}

    assert responses_prompt(GPT_41, USER, stored, OUTPUT).tokens == TEXT + 7 + WRITTEN_CALL + WRITTEN_OUTPUT + 3
    assert responses_prompt(GPT_5, USER, stored, OUTPUT).source is Source.ESTIMATED


def test_several_calls_are_never_written_as_one() -> None:
    """Confirmed by 11 of 11 distinct recorded calls of gpt-4o and gpt-4.1."""
    assert responses_prompt(GPT_41, USER, CALL, CALL, OUTPUT, OUTPUT).tokens == (
        TEXT + 2 * (4 + WRITTEN_CALL + WRITTEN_OUTPUT) + 3
    )


def test_late_in_2025_a_prompt_was_divided_by_the_calls_of_its_answer() -> None:
    """Confirmed by 11 of 11 distinct recorded calls of 2025-10 to 2025-12; in 2026 it is not."""
    request = {"input": [USER], "tools": [TOOL]}
    response = {"status": "completed", "output": [CALL, CALL]}
    call = {"request": request, "response": response}

    autumn = exchange(Operation.RESPONSES, GPT_41, **call, time=datetime(2025, 11, 5, tzinfo=UTC))
    assert count_prompt(autumn).tokens == (BLOCK - 3 + TEXT + 3) // 2
    assert count_prompt(exchange(Operation.RESPONSES, GPT_41, **call)).tokens == BLOCK - 3 + TEXT + 3


@pytest.mark.parametrize(
    ("field", "note"),
    [
        ({"previous_response_id": "resp_1"}, Note.PREVIOUS_RESPONSE_ID),
        ({"conversation": "conv_1"}, Note.PROMPT_ELSEWHERE),
        ({"prompt": {"id": "pmpt_1"}}, Note.PROMPT_ELSEWHERE),
    ],
)
def test_a_prompt_that_lies_with_the_service_is_unknown(field: dict[str, Any], note: Note) -> None:
    """Neither zero nor the part that can be seen."""
    count = responses_prompt(GPT_4O, USER, **field)

    assert (count.tokens, count.source, count.notes) == (None, Source.UNKNOWN, (note,))


@pytest.mark.parametrize(
    ("items", "request_fields", "note"),
    [
        ([USER], {"tools": [{"type": "web_search"}]}, Note.BUILT_IN_TOOL),
        ([USER, {"type": "item_reference", "id": "msg_1"}], {}, Note.PROMPT_ELSEWHERE),
        ([USER, {"type": "reasoning", "id": "rs_1"}], {}, Note.PROMPT_ELSEWHERE),
    ],
)
def test_what_else_the_service_adds_makes_an_estimate(
    items: list[Any], request_fields: dict[str, Any], note: Note
) -> None:
    """Tools of its own, items that are only named, thoughts."""
    count = responses_prompt(GPT_4O, *items, **request_fields)

    assert count.source is Source.ESTIMATED
    assert note in count.notes


def test_the_first_weeks_of_the_api_are_an_estimate() -> None:
    """15 of 26 distinct recorded calls of 2025-03 are exact: 18 tokens more, 216 with tools."""
    count = responses_prompt(GPT_4O, USER, when=datetime(2025, 3, 20, tzinfo=UTC))

    assert (count.tokens, count.source) == (TEXT + 3 + 18, Source.ESTIMATED)


def test_a_text_costs_one_beside_itself_and_one_more_beside_tools() -> None:
    """Confirmed by 158 of 158 and 75 of 75 distinct recorded calls; one that ran into its limit, by 4, no more."""
    with_tools = {"input": "x", "tools": [TOOL]}

    assert responses_completion(GPT_4O, MESSAGE).tokens == ANSWER + 1
    assert responses_completion(GPT_4O, MESSAGE, request=with_tools).tokens == ANSWER + 2
    assert responses_completion(GPT_4O, MESSAGE, status="incomplete").tokens == ANSWER


def test_one_call_costs_five_around_itself() -> None:
    """Confirmed by 82 of 84 distinct recorded calls; a forced one, by 4, only its arguments and its end."""
    request = {"input": "x", "tools": [TOOL]}
    forced = {**request, "tool_choice": {"type": "function", "name": "get_weather"}}

    assert responses_completion(GPT_4O, CALL, request=request).tokens == WRITTEN_CALL + 5
    assert responses_completion(GPT_4O, CALL, request=forced).tokens == tokens('{"city":"Oslo"}') + 1


def test_several_calls_are_generated_as_one() -> None:
    """Confirmed by 15 of 19 distinct recorded calls; two of the others are one off."""
    use = '{"recipient_name":"functions.get_weather","parameters":{"city":"Oslo"}}'
    written = f'{{"tool_uses":[{use},{use}]}}'

    assert responses_completion(GPT_4O, CALL, CALL, request={"input": "x", "tools": [TOOL]}).tokens == (
        tokens(" to=multi_tool_use.parallel") + tokens(written) + 5
    )


def test_a_model_that_did_not_think_shows_all_that_it_generated() -> None:
    """Confirmed by 95 of 98 distinct recorded calls of gpt-5.2 to gpt-5.6 without a `reasoning` item."""
    text = responses_completion(GPT_54, MESSAGE)
    assert (text.tokens, text.source) == (ANSWER + 4, Source.COUNTED)
    assert responses_completion(GPT_54, CALL, request={"input": "x", "tools": [TOOL]}).tokens == WRITTEN_CALL + 8
    under_schema = responses_completion(GPT_54, MESSAGE, request={"input": "x", "text": FORMAT})
    assert under_schema.tokens == ANSWER + 4 + 2 + tokens("Answer")


def test_thoughts_make_an_answer_a_lower_bound() -> None:
    """They are charged, and only the usage says how many they were."""
    count = responses_completion(GPT_54, {"type": "reasoning", "summary": []}, MESSAGE)

    assert count.source is Source.ESTIMATED
    assert Note.LOWER_BOUND in count.notes


def test_an_answer_without_its_request_repeats_the_tools_itself() -> None:
    """The answer's body names the tools that were offered."""
    response = {"status": "completed", "output": [MESSAGE], "tools": [TOOL], "tool_choice": "auto"}
    count = count_completion(exchange(Operation.RESPONSES, GPT_4O, response=response))

    assert (count.tokens, count.source) == (ANSWER + 2, Source.COUNTED)


def several_calls(number: int, when: datetime) -> Exchange:
    """Return a call of gpt-4.1 whose answer calls a function several times at once."""
    calls = [{"type": "function_call", "name": "find", "arguments": f'{{"user":"{name}"}}'} for name in NAMES[:number]]
    response = {"object": "response", "status": "completed", "output": calls}
    return exchange(Operation.RESPONSES, GPT_41, request={"input": "Who?"}, response=response, time=when)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_what_sharing_among_several_calls_left_over_was_lost(number: int) -> None:
    """Until the turn of 2026 the service reported the sum of whole shares: 13 of 13 recorded calls."""
    then = count_completion(several_calls(number, datetime(2025, 12, 1, tzinfo=UTC))).tokens or 0
    now = count_completion(several_calls(number, TODAY)).tokens or 0

    assert now - now % number == then


def test_one_call_of_a_model_that_may_call_several_is_an_estimate() -> None:
    """It may have been written as several are, which the answer does not show: 2 of 110 recorded calls."""
    call = {"type": "function_call", "name": "find", "arguments": "{}"}

    free = responses_completion(GPT_41, call)
    alone = responses_completion(GPT_41, call, request={"input": "x", "parallel_tool_calls": False})

    assert (Source.ESTIMATED, Source.COUNTED, True) == (free.source, alone.source, free.tokens == alone.tokens)
