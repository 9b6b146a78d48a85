"""Function tools in a prompt: the block that they become. Each test names the distinct recorded calls behind it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.counted import (
    GPT_4_0613,
    GPT_4O,
    GPT_5,
    O3_MINI,
    SYSTEM,
    TODAY,
    USER,
    WEATHER,
    WEATHER_TYPE,
    block,
    chat_prompt,
    declared,
    tokens,
    tool,
)
from token_meter.codes import Note, Source
from token_meter.counting.tools import tools_block

TEXT = 4 + tokens(USER["content"])
BEFORE_LISTS_CHANGED = datetime(2026, 1, 1, tzinfo=UTC)


def written(properties: dict[str, Any], when: datetime = TODAY, **more: Any) -> str:
    """Return how the parameters of a function are written."""
    text = tools_block([declared(properties, **more)["function"]], when).text
    return text.removeprefix(block().removesuffix("} // namespace functions")).removesuffix("} // namespace functions")


def test_without_a_system_message_the_block_is_one_of_its_own() -> None:
    """Confirmed by 511 of 512 distinct recorded calls."""
    count = chat_prompt(GPT_4O, USER, tools=[tool(WEATHER)])

    assert count.tokens == 4 + tokens(block(WEATHER_TYPE)) - 1 + TEXT + 3
    assert count.source is Source.COUNTED


def test_the_block_is_appended_to_the_system_message_that_comes_first() -> None:
    """Confirmed by 640 of 654 distinct recorded calls."""
    count = chat_prompt(GPT_4O, SYSTEM, USER, tools=[tool(WEATHER)])

    assert count.tokens == 4 + tokens(SYSTEM["content"] + "\n\n" + block(WEATHER_TYPE)) - 1 + TEXT + 3


def test_a_system_message_further_back_stays_by_itself() -> None:
    """Confirmed by 30 of 30 distinct recorded calls."""
    count = chat_prompt(GPT_4O, USER, SYSTEM, tools=[tool(WEATHER)])

    assert count.tokens == 4 + tokens(block(WEATHER_TYPE)) - 1 + TEXT + 4 + tokens(SYSTEM["content"]) + 3


def test_gpt_5_is_told_more_about_tools_and_where_its_instructions_begin() -> None:
    """Confirmed by 111 of 111 distinct recorded calls with a system message and 90 of 90 without."""
    headed = "# Instructions\n\n" + SYSTEM["content"] + "\n\n" + block(WEATHER_TYPE)

    with_system = chat_prompt(GPT_5, SYSTEM, USER, tools=[tool(WEATHER)])
    assert with_system.tokens == 4 + tokens(headed) + 81 + TEXT + 2
    without = chat_prompt(GPT_5, USER, tools=[tool(WEATHER)])
    assert without.tokens == 4 + tokens(block(WEATHER_TYPE)) + 81 + TEXT + 2


def test_the_o_series_takes_the_block_as_it_is() -> None:
    """Confirmed by 10 of 10 distinct recorded calls of o1 and o3-mini."""
    assert chat_prompt(O3_MINI, USER, tools=[tool(WEATHER)]).tokens == 4 + tokens(block(WEATHER_TYPE)) + TEXT + 2


def test_the_older_functions_are_written_as_tools_are() -> None:
    """Confirmed by 20 of 20 distinct recorded calls."""
    assert chat_prompt(GPT_4O, USER, functions=[WEATHER]) == chat_prompt(GPT_4O, USER, tools=[tool(WEATHER)])


def test_a_function_without_parameters_takes_nothing() -> None:
    """Confirmed by 261 of 261 distinct recorded calls."""
    functions: list[dict[str, Any]] = [
        {"name": "now"},
        {"name": "then", "parameters": {"type": "object", "properties": {}}},
    ]

    assert tools_block(functions, TODAY).text == block("type now = () => any;\n\n", "type then = () => any;\n\n")


def test_a_description_is_stripped_and_commented_line_by_line() -> None:
    """Confirmed by 8 of 8 distinct recorded calls with blanks around a description, and by hundreds without."""
    text = tools_block([{"name": "f", "description": "\n  One.\n\n    Two.  \n  "}], TODAY).text

    assert text == block("// One.\n//\n// Two.\ntype f = () => any;\n\n")


def test_an_object_of_which_nothing_is_said_stands_on_one_line() -> None:
    """Confirmed by 47 distinct recorded functions; integers are numbers, enums their values."""
    properties = {"a": {"type": "integer"}, "b": {"enum": ["x", "y"], "type": "string"}, "c": {"type": "boolean"}}

    assert written(properties, required=["a"]) == (
        'type f = (_: { a: number, b?: "x" | "y", c?: boolean }) => any;\n\n'
    )


def test_an_object_with_comments_takes_a_line_a_property() -> None:
    """Confirmed by 216 distinct recorded functions."""
    properties = {"a": {"type": "string", "description": "First\nsecond"}, "b": {"type": "number", "title": "B"}}

    assert written(properties, required=["b"]) == (
        "type f = (_: {\n// First\n// second\na?: string,\n// B\nb: number,\n}) => any;\n\n"
    )


def test_title_and_description_have_a_blank_comment_between_them() -> None:
    """Confirmed by some 60 distinct recorded functions."""
    assert written({"a": {"type": "string", "title": "A", "description": "First"}}) == (
        "type f = (_: {\n// A\n//\n// First\na: string,\n}) => any;\n\n"
    )


def test_an_empty_description_says_nothing() -> None:
    """Confirmed by 2 distinct recorded functions of a client that always sends one."""
    assert written({"a": {"type": "string", "description": ""}}) == "type f = (_: { a: string }) => any;\n\n"


def test_title_and_description_of_all_parameters_come_before_the_bracket() -> None:
    """Confirmed by 28 of 28 distinct recorded calls."""
    assert written({"a": {"type": "string"}}, title="Args", description="All of them") == (
        "type f = (_: // Args\n//\n// All of them\n{ a: string }) => any;\n\n"
    )


def test_a_default_and_a_minimum_are_comments_behind_the_property() -> None:
    """Confirmed by 75 distinct recorded calls with a default and 26 of 26 with a minimum."""
    properties = {"a": {"type": "string", "default": "x"}, "b": {"type": "integer", "minimum": 1, "description": "B"}}

    assert written(properties) == (
        'type f = (_: {\na: string, // default: "x"\n// B\nb: number, // minimum: 1\n}) => any;\n\n'
    )


def test_alternatives_without_comments_stand_on_one_line() -> None:
    """Confirmed by 16 distinct recorded functions, most of them with `null` as the second alternative."""
    property_ = {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None, "description": "A"}

    assert written({"a": property_}, required=[]) == (
        "type f = (_: {\n// A\na?: number | null, // default: null\n}) => any;\n\n"
    )


def test_alternatives_with_comments_take_a_line_each() -> None:
    """Confirmed by 2 distinct recorded functions; the title of an alternative is written too."""
    one = {"type": "object", "title": "One", "description": "The one", "properties": {"x": {"type": "string"}}}
    property_ = {"anyOf": [one, {"type": "null"}], "description": "A"}

    assert written({"a": property_}) == (
        "type f = (_: {\n// A\na:\n// One\n// The one\n | { x?: string }\n | null\n,\n}) => any;\n\n"
    )


def test_a_list_of_types_repeated_the_comment_for_every_alternative_until_2026() -> None:
    """Confirmed by 35 of 35 distinct recorded calls before 2026-03-15; a call of 2026-08 has them on one line."""
    properties = {"a": {"type": ["string", "null"], "description": "A"}}

    assert written(properties, BEFORE_LISTS_CHANGED) == (
        "type f = (_: {\n// A\na:\n// A\n | string\n// A\n | null\n,\n}) => any;\n\n"
    )
    assert written(properties) == "type f = (_: {\n// A\na: string | null,\n}) => any;\n\n"


def test_an_array_of_objects_with_comments_is_written_long() -> None:
    """Confirmed by 23 distinct recorded calls; other arrays, 26 functions, are `string[]`."""
    items = {"type": "object", "title": "Item", "properties": {"x": {"type": "string", "description": "X"}}}
    properties = {
        "a": {"type": "array", "description": "A", "items": items},
        "b": {"type": "array", "items": {"type": "string"}},
    }

    assert written(properties) == (
        "type f = (_: {\n// A\na: Array<\n// Item\n{\n// X\nx?: string,\n}\n>,\nb: string[],\n}) => any;\n\n"
    )


def test_objects_without_properties_are_left_out_with_their_comments() -> None:
    """Confirmed by 19 of 19 distinct recorded calls, as properties and as alternatives."""
    free = {"type": "object", "description": "Anything", "additionalProperties": {"type": "string"}}
    properties = {"a": {"type": "string"}, "b": free, "c": {"anyOf": [{"type": "object"}, {"type": "null"}]}}

    assert written(properties) == "type f = (_: { a: string, c: null }) => any;\n\n"


def test_references_are_resolved_in_place() -> None:
    """Confirmed by 32 of 32 recorded calls."""
    point = {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}
    properties = {"a": {"$ref": "#/$defs/Point"}, "b": {"type": "array", "items": {"$ref": "#/$defs/Point"}}}

    definitions: dict[str, Any] = {"$defs": {"Point": point}}

    assert written(properties, **definitions) == ("type f = (_: { a: { x: number }, b: { x: number }[] }) => any;\n\n")


def test_the_older_snapshots_write_every_object_long_and_no_titles_or_limits() -> None:
    """Confirmed by 34 of 34 distinct recorded calls of the snapshots of 2023-06."""
    properties = {"a": {"type": "string", "title": "A"}, "b": {"type": "integer", "minimum": 1}}
    text = block("type f = (_: {\na: string,\nb: number,\n}) => any;\n\n")

    count = chat_prompt(GPT_4_0613, USER, tools=[declared(properties)])

    cl100k = tokens(text, "cl100k_base") + tokens(USER["content"], "cl100k_base")
    assert count.tokens == 4 + cl100k - 1 + 4 + 3


@pytest.mark.parametrize(
    ("model", "beside"), [(GPT_4O, 4 + tokens(" to=functions.get_weather")), (GPT_5, 0), (O3_MINI, 0)]
)
def test_forcing_a_function_adds_its_beginning_to_the_prompt(model: str, beside: int) -> None:
    """Confirmed by 187 distinct recorded calls of gpt-4o's generation, 9 of gpt-5, 2 of the o-series."""
    choice = {"type": "function", "function": {"name": "get_weather"}}
    free = chat_prompt(model, USER, tools=[tool(WEATHER)]).tokens

    assert free is not None
    assert chat_prompt(model, USER, tools=[tool(WEATHER)], tool_choice=choice).tokens == free + beside


def test_forcing_a_function_by_the_older_field_costs_the_same() -> None:
    """Confirmed by 14 distinct recorded calls."""
    newer: dict[str, Any] = {
        "tools": [tool(WEATHER)],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
    }
    older: dict[str, Any] = {"functions": [WEATHER], "function_call": {"name": "get_weather"}}

    assert chat_prompt(GPT_4O, USER, **newer) == chat_prompt(GPT_4O, USER, **older)


def test_forbidding_calls_costs_one_and_requiring_one_costs_nothing() -> None:
    """Confirmed by 17 distinct recorded calls with `required`; with `none` by 2."""
    free = chat_prompt(GPT_4O, USER, tools=[tool(WEATHER)]).tokens

    assert free is not None
    assert chat_prompt(GPT_4O, USER, tools=[tool(WEATHER)], tool_choice="none").tokens == free + 1
    assert chat_prompt(GPT_4O, USER, tools=[tool(WEATHER)], tool_choice="required").tokens == free
    assert chat_prompt(GPT_5, USER, tools=[tool(WEATHER)], tool_choice="none").tokens == (
        chat_prompt(GPT_5, USER, tools=[tool(WEATHER)]).tokens
    )


def test_a_choice_that_names_no_function_is_an_estimate() -> None:
    """As one that only allows some of the tools."""
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}
    free = chat_prompt(GPT_4O, USER, tools=[tool(WEATHER)])

    count = chat_prompt(GPT_4O, USER, tools=[tool(WEATHER)], tool_choice=allowed)

    assert (count.tokens, count.source) == (free.tokens, Source.ESTIMATED)


def test_requiring_a_call_cost_two_in_2024() -> None:
    """Confirmed by 4 of 4 distinct recorded calls of 2024-09, whose answers have 2 less."""
    autumn = datetime(2024, 9, 20, tzinfo=UTC)
    free = chat_prompt(GPT_4O, USER, when=autumn, tools=[tool(WEATHER)]).tokens

    assert free is not None
    required = chat_prompt(GPT_4O, USER, when=autumn, tools=[tool(WEATHER)], tool_choice="required")
    assert required.tokens == free + 2


@pytest.mark.parametrize(
    "property_",
    [
        {"type": "string", "description": "A", "pattern": "^a"},
        {"type": "string", "format": "date"},
        {"allOf": [{"type": "string"}]},
        {"type": "array"},
        {"enum": [1, 2]},
        {"description": "anything"},
        {"type": "array", "items": {"enum": ["a", "b"]}},
    ],
)
def test_what_no_recorded_call_shows_makes_the_count_an_estimate(property_: dict[str, Any]) -> None:
    """The count stands; it is only not called `counted`."""
    count = chat_prompt(GPT_4O, USER, tools=[declared({"a": property_})])

    assert count.source is Source.ESTIMATED
    assert count.notes == (Note.UNCONFIRMED_FORMULA,)


def test_a_tool_of_the_services_own_makes_the_count_an_estimate() -> None:
    """What it adds is not in the record."""
    count = chat_prompt(GPT_4O, USER, tools=[tool(WEATHER), {"type": "custom", "custom": {"name": "c"}}])

    assert count.source is Source.ESTIMATED
    assert Note.BUILT_IN_TOOL in count.notes
