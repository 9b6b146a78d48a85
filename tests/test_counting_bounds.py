"""The counter's work is bounded by the record's size, whatever the record repeats; and `counted` is claimed by list."""

from typing import Any

import pytest

from tests.counted import GPT_4O, SYSTEM, TODAY, USER, declared, exchange, tokens
from token_meter.codes import Note, Operation, Source
from token_meter.counting import count_completion, count_prompt
from token_meter.counting.counter import CHARACTERS_A_TOKEN, MOST_CHARACTERS, Counter

LONG_NAME = "n" * 50_000


def count_chat(**request: Any) -> tuple[Source, tuple[Note, ...]]:
    """Return the source and the notes of a chat prompt."""
    count = count_prompt(exchange(Operation.CHAT, GPT_4O, request={"messages": [SYSTEM, USER], **request}))
    return count.source, count.notes


def test_a_text_is_tokenized_once_however_often_it_stands_in_a_call() -> None:
    """Every further time costs a look-up."""
    counter = Counter("o200k_base")

    assert [counter.text("the same text")] * 1_000 == [counter.text("the same text") for _ in range(1_000)]
    assert len("the same text") == counter.characters


def test_a_word_before_a_text_is_tokenized_with_it() -> None:
    """As one text, which may be fewer tokens than two."""
    counter = Counter("o200k_base")

    assert tokens(" to=functions.get_weather") == counter.text("get_weather", " to=functions.")


def test_beyond_the_bound_a_texts_length_stands_in() -> None:
    """And the note says so."""
    counter = Counter("o200k_base")
    counter.characters = MOST_CHARACTERS

    assert 400 // CHARACTERS_A_TOKEN == counter.text("x" * 400)
    assert (Source.ESTIMATED, (Note.TEXT_TOO_LARGE,)) == (counter.result().source, counter.result().notes)


def test_a_thousand_results_of_a_function_with_a_long_name_are_counted_by_one_look_at_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fifty million characters would be tokenized otherwise."""
    seen: list[int] = []
    tokenize = Counter._tokenized  # noqa: SLF001 - what is looked at is how often it is called

    def watched(self: Counter, text: str, before: str) -> int:
        seen.append(len(text))
        return tokenize(self, text, before)

    monkeypatch.setattr(Counter, "_tokenized", watched)
    call = {"id": "c", "type": "function", "function": {"name": LONG_NAME, "arguments": "{}"}}
    results = [{"role": "tool", "tool_call_id": "c", "content": "done"}] * 1_000
    messages = [USER, {"role": "assistant", "content": None, "tool_calls": [call]}, *results]

    count = count_prompt(exchange(Operation.CHAT, GPT_4O, request={"messages": messages}))

    assert Source.COUNTED is count.source
    assert sum(seen) < 3 * len(LONG_NAME)


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
