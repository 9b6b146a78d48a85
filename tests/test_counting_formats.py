"""Schemas that an answer has to follow, in a chat prompt. Each test names the distinct recorded calls behind it."""

from datetime import UTC, datetime
from typing import Any

from tests.counted import GPT_4O, GPT_5, SYSTEM, USER, WEATHER, WEATHER_TYPE, block, chat_prompt, tokens, tool
from token_meter.codes import Source

TEXT = 4 + tokens(USER["content"])
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Name — in English", "default": "Oslo"}},
    "required": ["city"],
    "additionalProperties": False,
}
KEPT = '{"type":"object","properties":{"city":{"type":"string","description":"Name — in English"}}}'
SECTION = f"# Response Formats\n\n## Answer\n\n{KEPT}"
NAME_IN_REPLY = 2 + tokens("Answer")


def wanted(schema: dict[str, Any] = CITY, **more: Any) -> dict[str, Any]:
    """Return a request's field that asks for a schema."""
    return {"type": "json_schema", "json_schema": {"name": "Answer", "strict": True, "schema": schema, **more}}


def test_without_a_system_message_the_schema_is_one_of_its_own() -> None:
    """Confirmed by 40 of 40 distinct recorded calls. What only the sampler needs is left out of it."""
    count = chat_prompt(GPT_4O, USER, response_format=wanted())

    assert count.tokens == 4 + tokens(SECTION) + TEXT + 3 + NAME_IN_REPLY
    assert count.source is Source.COUNTED


def test_the_schema_is_appended_to_the_system_message_that_comes_first() -> None:
    """Confirmed by 93 of 93 distinct recorded calls."""
    count = chat_prompt(GPT_4O, SYSTEM, USER, response_format=wanted())

    assert count.tokens == 4 + tokens(SYSTEM["content"] + "\n\n" + SECTION) + TEXT + 3 + NAME_IN_REPLY


def test_beside_tools_the_schema_comes_second_and_the_reply_does_not_begin_with_its_name() -> None:
    """Confirmed by 13 of 13 distinct recorded calls."""
    count = chat_prompt(GPT_4O, SYSTEM, USER, response_format=wanted(), tools=[tool(WEATHER)])

    system = "\n\n".join([SYSTEM["content"], block(WEATHER_TYPE), SECTION])
    assert count.tokens == 4 + tokens(system) - 1 + TEXT + 3


def test_every_earlier_answer_begins_with_the_name() -> None:
    """Confirmed by 5 of 5 distinct recorded calls."""
    answer = {"role": "assistant", "content": '{"city":"Oslo"}'}

    assert chat_prompt(GPT_4O, USER, answer, USER, response_format=wanted()).tokens == (
        4 + tokens(SECTION) + TEXT + 4 + tokens('{"city":"Oslo"}') + TEXT + 3 + 2 * NAME_IN_REPLY
    )


def test_gpt_5_is_told_where_its_instructions_begin_and_writes_no_name() -> None:
    """Confirmed by 15 of 15 distinct recorded calls without and 3 of 3 with a system message."""
    assert chat_prompt(GPT_5, USER, response_format=wanted()).tokens == 4 + tokens(SECTION) + TEXT + 2

    system = f"# Instructions\n\n{SYSTEM['content']}\n\n{SECTION}"
    assert chat_prompt(GPT_5, SYSTEM, USER, response_format=wanted()).tokens == 4 + tokens(system) + TEXT + 2


def test_a_description_of_the_schema_is_a_comment_over_it() -> None:
    """Confirmed by a handful of recorded calls of one client."""
    section = f"# Response Formats\n\n## Answer\n\n// A city\n{KEPT}"

    count = chat_prompt(GPT_4O, USER, response_format=wanted(description="A city"))

    assert count.tokens == 4 + tokens(section) + TEXT + 3 + NAME_IN_REPLY


def test_the_schema_was_escaped_until_march_2026() -> None:
    """Confirmed by 10 of 10 distinct recorded calls of 2026-02 with a dash beyond ASCII."""
    winter = datetime(2026, 2, 11, tzinfo=UTC)

    count = chat_prompt(GPT_4O, USER, response_format=wanted(), when=winter)

    escaped = SECTION.replace("—", "\\u2014")
    assert count.tokens == 4 + tokens(escaped) + TEXT + 3 + NAME_IN_REPLY


def test_a_property_is_kept_though_it_is_named_like_a_keyword() -> None:
    """`required` and `default` are left out as keywords, not as names."""
    schema = {"type": "object", "properties": {"default": {"type": "string"}, "required": {"type": "string"}}}
    kept = '{"type":"object","properties":{"default":{"type":"string"},"required":{"type":"string"}}}'

    count = chat_prompt(GPT_4O, USER, response_format=wanted(schema))

    assert count.tokens == 4 + tokens(f"# Response Formats\n\n## Answer\n\n{kept}") + TEXT + 3 + NAME_IN_REPLY


def test_other_formats_add_nothing() -> None:
    """Confirmed by all recorded calls with `text` and `json_object`."""
    for kind in ("text", "json_object"):
        assert chat_prompt(GPT_4O, USER, response_format={"type": kind}) == chat_prompt(GPT_4O, USER)


def test_a_keyword_that_no_recorded_call_shows_makes_the_count_an_estimate() -> None:
    """It may be written or left out."""
    schema = {"type": "object", "properties": {"city": {"type": "string", "pattern": "^O"}}}

    assert chat_prompt(GPT_4O, USER, response_format=wanted(schema)).source is Source.ESTIMATED
