"""Messages of a chat prompt: what each costs beside its text. Each test names the distinct recorded calls behind it."""

from typing import Any

import pytest

from tests.counted import GPT_4_0613, GPT_4O, GPT_5, GPT_35, O3_MINI, SYSTEM, USER, chat_prompt, tokens
from token_meter.codes import Note, Source

TEXT = tokens(USER["content"])
ASSISTANT = {"role": "assistant", "content": "Yes, it is -4 °C."}


def test_every_message_costs_four_beside_its_text_and_the_reply_three() -> None:
    """Confirmed by 597 of 604 distinct recorded calls of gpt-3.5-turbo-0125 to gpt-4.1 without tools."""
    count = chat_prompt(GPT_4O, SYSTEM, USER)

    assert count.tokens == 4 + tokens(SYSTEM["content"]) + 4 + TEXT + 3
    assert count.source is Source.COUNTED
    assert count.tokenizer == "o200k_base"


def test_the_models_before_gpt_4o_have_another_tokenizer() -> None:
    """Confirmed by 58 distinct recorded calls of the snapshots of 2023-06."""
    assert chat_prompt(GPT_4_0613, ASSISTANT).tokens == 4 + tokens(ASSISTANT["content"], "cl100k_base") + 3


def test_the_snapshot_of_march_2023_costs_five_a_message() -> None:
    """Confirmed by 46 distinct recorded calls, 42 of them of Azure."""
    count = chat_prompt("gpt-3.5-turbo-0301", SYSTEM, USER)

    assert count.tokens == 5 + tokens(SYSTEM["content"], "cl100k_base") + 5 + tokens(USER["content"], "cl100k_base") + 3


def test_models_that_think_are_given_two_tokens_to_begin_their_reply() -> None:
    """Confirmed by 107 distinct recorded calls of gpt-5 to gpt-5.6, o1, o3 and o4-mini."""
    assert chat_prompt(GPT_5, USER).tokens == 4 + TEXT + 2
    assert chat_prompt(O3_MINI, USER).tokens == 4 + TEXT + 2


def test_an_earlier_answer_costs_gpt_5_two_more() -> None:
    """Confirmed by 70 distinct recorded calls; o3-mini's 4 cost nothing more."""
    answer = 4 + tokens(ASSISTANT["content"])

    assert chat_prompt(GPT_5, USER, ASSISTANT, USER).tokens == 4 + TEXT + answer + 2 + 4 + TEXT + 2
    assert chat_prompt(O3_MINI, USER, ASSISTANT, USER).tokens == 4 + TEXT + answer + 4 + TEXT + 2


def test_parts_of_a_content_are_joined_before_they_are_counted() -> None:
    """`un` and `believable` are one word to the tokenizer; confirmed by some 250 calls with content in parts."""
    parts = [{"type": "text", "text": "un"}, {"type": "text", "text": "believable"}]

    assert chat_prompt(GPT_4O, {"role": "user", "content": parts}).tokens == 4 + tokens("unbelievable") + 3


@pytest.mark.parametrize("name", ["alice", "web_scraper", "user"])
def test_a_name_is_one_text_with_the_colon_before_it(name: str) -> None:
    """`:web` and `:user` are one token each. Confirmed by 194 of 194 distinct recorded calls with names."""
    assert chat_prompt(GPT_4O, {**USER, "name": name}).tokens == 4 + tokens(f":{name}") + TEXT + 3


def test_a_message_without_content_costs_its_frame() -> None:
    """As recorded for `content: null`."""
    assert chat_prompt(GPT_4O, USER, {"role": "assistant", "content": None}).tokens == 4 + TEXT + 4 + 3


def test_what_looks_like_a_special_token_is_text() -> None:
    """Callers write such texts, and the service reads them as letters."""
    count = chat_prompt(GPT_4O, {"role": "user", "content": "<|endoftext|><|im_end|>"})

    assert count.tokens == 4 + tokens("<|endoftext|><|im_end|>") + 3
    assert count.tokens > 4 + 2 + 3


def test_sampling_settings_and_several_choices_add_nothing_to_the_prompt() -> None:
    """Confirmed by 30 distinct recorded calls with `n` above 1, and by all with temperatures, seeds and stops."""
    settings: dict[str, Any] = {
        "n": 3,
        "temperature": 0.2,
        "seed": 1,
        "stop": ["."],
        "max_tokens": 9,
        "user": "u",
        "logprobs": True,
    }

    assert chat_prompt(GPT_4O, USER, **settings).tokens == chat_prompt(GPT_4O, USER).tokens


def test_a_model_that_no_recorded_call_shows_is_estimated() -> None:
    """The formula is most likely right, and nobody has seen it."""
    count = chat_prompt("gpt-4.5-preview", USER)

    assert count.tokens == 4 + TEXT + 3
    assert count.source is Source.ESTIMATED
    assert count.notes == (Note.UNCONFIRMED_FORMULA,)


def test_the_older_chat_model_counts_as_the_newer_ones_do() -> None:
    """Confirmed by 280 recorded calls of gpt-3.5-turbo-0125."""
    assert chat_prompt(GPT_35, USER).tokens == 4 + tokens(USER["content"], "cl100k_base") + 3
