"""The counter's work is bounded by the record's size, whatever the record repeats; and `counted` is claimed by list."""

from typing import Any

import pytest

from tests.counted import GPT_4O, SYSTEM, TODAY, USER, declared, exchange, tokens
from token_meter.codes import Kind, Note, Operation, Source
from token_meter.counting import count_completion, count_prompt
from token_meter.counting.budget import LEAST_CHARACTERS, LEAST_WORK, MOST_WORK, Budget, SchemaTooLarge
from token_meter.counting.counter import CHARACTERS_A_TOKEN, LONGEST_NAME, MOST_CHARACTERS, Counter


def count_chat(**request: Any) -> tuple[Source, tuple[Note, ...]]:
    """Return the source and the notes of a chat prompt."""
    count = count_prompt(exchange(Operation.CHAT, GPT_4O, request={"messages": [SYSTEM, USER], **request}))
    return count.source, count.notes


def test_a_text_is_tokenized_once_however_often_it_stands_in_a_call() -> None:
    """Every further time costs a look-up."""
    counter = Counter("o200k_base")

    assert [counter.text("the same text")] * 1_000 == [counter.text("the same text") for _ in range(1_000)]
    assert len("the same text") == counter.characters


def test_a_word_before_a_name_is_tokenized_with_it() -> None:
    """As one text, which may be fewer tokens than two."""
    counter = Counter("o200k_base")

    assert tokens(" to=functions.get_weather") == counter.name("get_weather", " to=functions.")


def test_a_name_longer_than_any_that_the_service_takes_is_estimated() -> None:
    """The service would write it in more places than the record does."""
    counter = Counter("o200k_base")

    assert LONGEST_NAME // CHARACTERS_A_TOKEN == counter.name("n" * (LONGEST_NAME + 1))
    assert (0, (Note.TEXT_TOO_LARGE,)) == (counter.characters, counter.result().notes)


def test_beyond_the_bound_a_texts_length_stands_in() -> None:
    """And the note says so."""
    counter = Counter("o200k_base")
    counter.characters = MOST_CHARACTERS

    assert 400 // CHARACTERS_A_TOKEN == counter.text("x" * 400)
    assert (Source.ESTIMATED, (Note.TEXT_TOO_LARGE,)) == (counter.result().source, counter.result().notes)


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"] * 150_000},
        {"type": "string", "description": " " * 700_000},
        {"type": "string", "description": "a\n" + " " * 700_000},
        {"enum": [0] * 150_000},
        {"type": "string", "default": [0] * 150_000},
        {"type": "s" * 500_000},
        {"title": "t" * 500_000, "type": "object", "properties": {"a": {"type": "string"}}},
    ],
)
def test_references_to_something_large_are_paid_for_by_what_they_read(definition: dict[str, Any]) -> None:
    """Each of a thousand would be read again: lists, texts of blanks, values and names."""
    properties = {f"p{number}": {"$ref": "#/$defs/large"} for number in range(1_000)}
    tools = [declared(properties, **{"$defs": {"large": definition}})]

    source, notes = count_chat(tools=tools)

    assert (Source.ESTIMATED, True) == (source, Note.SCHEMA_TOO_LARGE in notes)


def test_a_reference_longer_than_any_name_is_not_followed() -> None:
    """Half a million steps, for every property that has it."""
    properties = {f"p{number}": {"$ref": "#/$defs/far"} for number in range(100)}
    far = {"$ref": "#" + "/" * 500_000}

    assert (Source.ESTIMATED, (Note.UNCONFIRMED_FORMULA,)) == count_chat(
        tools=[declared(properties, **{"$defs": {"far": far}})]
    )


def test_a_small_request_may_not_unfold_into_a_large_one() -> None:
    """What may be spent is in keeping with its size."""
    budget = Budget(700)

    with pytest.raises(SchemaTooLarge):
        budget.spend(LEAST_WORK + 701)
    with pytest.raises(SchemaTooLarge):
        Budget(700).spend(0, LEAST_CHARACTERS + 2 * 700 + 1)
    with pytest.raises(SchemaTooLarge):
        Budget(10**9).spend(MOST_WORK + 1)


@pytest.mark.parametrize(
    "field",
    [
        {"data_sources": [{"type": "azure_search"}]},
        {"prediction": {"type": "content", "content": "x"}},
        {"verbosity": "low"},
        {"something_of_next_year": 1},
        {"messages": [{"role": "critic", "content": "Hi"}]},
        {"messages": [{"role": "user", "content": {"text": "Hi"}}]},
        {"messages": [{"role": "user", "content": ["Hi"]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", "cached": {"a": 1}}]}]},
        {"messages": [{"role": "assistant", "content": "Hi", "reasoning_content": "Hm"}]},
        {"tools": [{"type": "custom", "custom": {"name": "x"}}]},
        {"tools": [declared({"a": {"type": "string"}}, **{"x-new": 1})]},
        {"tools": [{"type": "function", "function": {"name": "f", "examples": ["x"]}}]},
        {"tools": [{"type": "function", "function": {}}]},
        {"tools": [declared({"a": {"type": "string"}})], "tool_choice": {"type": "allowed_tools"}},
        {"response_format": {"type": "grammar", "grammar": "x"}},
        {"messages": [{"role": "user", "content": [{}]}]},
        {"messages": [{"role": "system", "content": "Hi", "name": "x"}]},
        {"messages": [{"role": "assistant", "content": "Hi", "annotations": [{"type": "url_citation"}]}]},
        {
            "messages": [
                {"role": "assistant", "tool_calls": [{"type": "custom", "custom": {"name": "f", "input": "x"}}]}
            ]
        },
    ],
)
def test_what_no_rule_knows_makes_an_estimate(field: dict[str, Any]) -> None:
    """A field, a role, a part or a keyword: it may add tokens."""
    source, notes = count_chat(**field)

    assert Source.ESTIMATED is source
    assert notes


@pytest.mark.parametrize(
    "field",
    [
        {"temperature": 0.2, "max_tokens": 5, "seed": 1, "user": "u", "stop": ["x"], "n": 1},
        {"metadata": {"team": "a"}},
        {"data_sources": []},
        {"verbosity": None},
        {"modalities": ["text"]},
    ],
)
def test_what_is_known_to_add_nothing_leaves_a_count_counted(field: dict[str, Any]) -> None:
    """And so do fields that are empty."""
    assert (Source.COUNTED, ()) == count_chat(**field)


def test_a_completion_under_an_unknown_field_is_an_estimate_too() -> None:
    """Predicted outputs, for one, are charged beyond what is shown."""
    request = {"messages": [USER], "prediction": {"type": "content", "content": "x"}}
    answer = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}

    count = count_completion(exchange(Operation.CHAT, GPT_4O, request=request, response=answer, time=TODAY))

    assert Source.ESTIMATED is count.source


@pytest.mark.parametrize(
    "answer",
    [
        {"message": {"content": "Hi", "reasoning_content": "Hm"}, "finish_reason": "stop"},
        {"message": {"content": "Hi", "annotations": [{"type": "url_citation"}]}, "finish_reason": "stop"},
        {"message": {"content": "Hi"}, "finish_reason": "eos"},
        {"message": {"content": "Hi"}, "finish_reason": "stop", "something_of_next_year": 1},
        {
            "message": {"content": "Hi", "tool_calls": [{"type": "custom", "custom": {"name": "f"}}]},
            "finish_reason": "stop",
        },
    ],
)
def test_an_answer_with_what_no_rule_knows_is_an_estimate(answer: dict[str, Any]) -> None:
    """It may be charged otherwise than by its text."""
    call = exchange(Operation.CHAT, GPT_4O, request={"messages": [USER]}, response={"choices": [answer]})

    assert Source.ESTIMATED is count_completion(call).source


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        (Operation.CHAT, {"model": GPT_4O}),
        (Operation.CHAT, {"messages": [0, None]}),
        (Operation.RESPONSES, {"instructions": "Be brief."}),
        (Operation.EMBEDDINGS, {"input": []}),
        (Operation.EMBEDDINGS, {"input": [[]]}),
        (Operation.COMPLETIONS, {"prompt": []}),
        (Operation.MESSAGES, {"system": "Be brief."}),
    ],
)
def test_a_prompt_of_which_nothing_is_seen_is_unknown(operation: Operation, request_: dict[str, Any]) -> None:
    """What stands around every prompt is no prompt."""
    count = count_prompt(exchange(operation, GPT_4O, request=request_))

    assert (None, Source.UNKNOWN) == (count.tokens, count.source)


def test_choices_that_show_nothing_are_unknown() -> None:
    """Never zero."""
    call = exchange(Operation.CHAT, GPT_4O, request={"messages": [USER]}, response={"choices": [{}, 0, None]})

    assert count_completion(call).tokens is None


@pytest.mark.parametrize(
    ("request_", "note"),
    [({"n": 2}, Note.LOWER_BOUND), ({"prediction": {"type": "content", "content": "x"}}, Note.LOWER_BOUND)],
)
def test_an_answer_that_shows_less_than_is_charged_is_a_lower_bound(request_: dict[str, Any], note: Note) -> None:
    """Choices that are not there, predictions that were wrong."""
    answer = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    call = exchange(Operation.CHAT, GPT_4O, request={"messages": [USER], **request_}, response=answer)

    assert note in count_completion(call).notes


def test_a_completion_whose_request_is_unseen_or_cut_is_an_estimate() -> None:
    """The request may have asked for drafts, or for several answers."""
    answer = {"choices": [{"text": "Hi", "finish_reason": "stop"}]}
    unseen = exchange(Operation.COMPLETIONS, "gpt-3.5-turbo-instruct", response=answer, kind=Kind.RESPONSE)
    cut = exchange(
        Operation.COMPLETIONS, "gpt-3.5-turbo-instruct", request={"prompt": "a"}, response=answer, request_cut=True
    )

    assert (Source.ESTIMATED, (Note.REQUEST_UNSEEN,)) == (
        count_completion(unseen).source,
        count_completion(unseen).notes,
    )
    assert (Source.ESTIMATED, (Note.CUT,)) == (count_completion(cut).source, count_completion(cut).notes)


@pytest.mark.parametrize(
    ("model", "source"),
    [
        ("gpt-4o-mini-audio-preview", Source.ESTIMATED),
        ("gpt-5-search-api", Source.ESTIMATED),
        ("gpt-4.1-2025-04-14", Source.COUNTED),
        ("gpt-5.4-mini-2026-03-17", Source.COUNTED),
        ("ft:gpt-4o-mini-2024-07-18:acme::1", Source.COUNTED),
    ],
)
def test_another_product_of_a_family_is_an_estimate(model: str, source: Source) -> None:
    """A size, a snapshot or a fine-tune is none."""
    assert source is count_prompt(exchange(Operation.CHAT, model, request={"messages": [USER]})).source
