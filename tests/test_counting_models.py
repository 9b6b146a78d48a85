"""Which model a call ran, and what other operations cost."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.counted import GPT_4O, SYSTEM, TODAY, USER, WEATHER, exchange, tokens, tool
from token_meter.codes import Kind, Note, Operation, Source
from token_meter.counting import count_completion, count_prompt
from token_meter.counting.families import FAMILIES, Style, family_of
from token_meter.counting.models import model_of
from token_meter.exchange import Exchange

REQUEST: dict[str, Any] = {"messages": [USER]}


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("gpt-35-turbo-16k", "gpt-3.5-turbo-16k"),
        ("GPT-4.1", "gpt-4.1"),
        ("ft:gpt-4o-2024-08-06:acme::1", "gpt-4o"),
        ("openai/gpt-5-nano", "gpt-5-nano"),
        ("gpt-5.7", "gpt-5."),
        ("gpt-4-turbo-2024-04-09", "gpt-4-turbo"),
        ("o3-mini", "o3"),
        ("text-embedding-3-large", "text-embedding-3-large"),
    ],
)
def test_the_longest_prefix_names_the_family(name: str, prefix: str) -> None:
    """In any case, with Azure's spelling, a vendor before it or a fine-tune around it."""
    family = family_of(name)

    assert family is not None
    assert family.prefix == prefix


@pytest.mark.parametrize("name", ["", "my-model", "gpt-40", "o", "adaptive", "gpt"])
def test_a_name_that_only_begins_alike_is_unknown(name: str) -> None:
    """`gpt-40` is no `gpt-4`."""
    assert family_of(name) is None


def test_every_family_states_where_it_comes_from() -> None:
    """And no two have the same prefix."""
    assert all(family.source for family in FAMILIES)
    assert len({family.prefix for family in FAMILIES}) == len(FAMILIES)


@pytest.mark.parametrize(
    ("fields", "encoding", "notes"),
    [
        ({"served_model": "gpt-4-0613", "requested_model": "gpt-4o"}, "cl100k_base", ()),
        ({"requested_model": "gpt-4o", "azure": False}, "o200k_base", ()),
        ({"requested_model": "gpt-4o", "azure": True}, "o200k_base", (Note.MODEL_FROM_DEPLOYMENT,)),
        (
            {"deployment": "team-a-gpt-35-turbo"},
            "cl100k_base",
            (Note.MODEL_FROM_DEPLOYMENT, Note.MODEL_UNKNOWN),
        ),
        (
            {"requested_model": "gpt-4o", "mapped_model": "gpt-4-turbo", "azure": True},
            "cl100k_base",
            (Note.MODEL_FROM_SETTINGS,),
        ),
        ({"requested_model": "gpt-4o", "mapped_model": "gpt-4-turbo", "azure": False}, "o200k_base", ()),
        ({"deployment": "blue", "mapped_model": "gpt-4-turbo"}, "cl100k_base", (Note.MODEL_FROM_SETTINGS,)),
        ({"served_model": "gpt-4o", "mapped_model": "gpt-4-turbo"}, "o200k_base", ()),
        ({"deployment": "blue"}, "o200k_base", (Note.DEFAULT_ENCODING, Note.MODEL_UNKNOWN)),
        ({"served_model": "DeepSeek-V3.1"}, "o200k_base", (Note.FOREIGN_TOKENIZER,)),
        ({"served_model": "claude-sonnet-4-5"}, "o200k_base", (Note.FOREIGN_TOKENIZER,)),
        ({"served_model": "gpt-5.9"}, "o200k_base", (Note.UNCONFIRMED_FORMULA,)),
    ],
)
def test_the_served_model_speaks_first_and_a_deployments_name_only_hints(
    fields: dict[str, Any], encoding: str, notes: tuple[Note, ...]
) -> None:
    """A count that rests on less than a known model's own name is an estimate and says why."""
    model = model_of(Exchange(operation=Operation.CHAT, **fields))
    count = count_prompt(Exchange(operation=Operation.CHAT, request=REQUEST, time=TODAY, **fields))

    assert (model.family.encoding, model.notes) == (encoding, notes)
    assert count.source is (Source.ESTIMATED if notes else Source.COUNTED)


def test_azures_name_without_a_date_was_several_snapshots() -> None:
    """43 of 44 distinct recorded calls of `gpt-35-turbo` to 2024-07 were the one of 2023-03; tools are younger."""
    then = datetime(2024, 7, 1, tzinfo=UTC)
    call = exchange(Operation.CHAT, "gpt-35-turbo", request=REQUEST, azure=True, time=then)

    count = count_prompt(call)

    assert count.tokens == 5 + tokens(USER["content"], "cl100k_base") + 3
    assert count.source is Source.ESTIMATED


def test_azures_embedding_model_is_called_ada() -> None:
    """It is text-embedding-ada-002, and not the older ada with the older tokenizer; 7 of 7 recorded calls."""
    call = exchange(Operation.EMBEDDINGS, "ada", request={"input": "opentelemetry"}, azure=True)

    assert count_prompt(call).tokens == tokens("opentelemetry", "cl100k_base")


def test_an_unseen_side_is_unknown() -> None:
    """Never zero."""
    request_half = exchange(Operation.CHAT, GPT_4O, request=REQUEST, kind=Kind.REQUEST)
    response_half = exchange(Operation.CHAT, GPT_4O, response={"choices": []}, kind=Kind.RESPONSE)
    cut = exchange(Operation.CHAT, GPT_4O, request_cut=True, response_cut=True)

    assert count_completion(request_half).tokens is None
    assert count_prompt(response_half).tokens is None
    assert count_prompt(cut).notes == count_completion(cut).notes == (Note.CUT,)
    assert count_completion(exchange(Operation.EMBEDDINGS, "ada", kind=Kind.REQUEST)).tokens is None


@pytest.mark.parametrize(
    ("operation", "model", "request_", "response"),
    [
        (Operation.IMAGES, "gpt-image-1", {"prompt": "a fox"}, {"data": [{"b64_json": "AAAA"}]}),
        (Operation.SPEECH, "gpt-4o-mini-tts", {"input": "hello there"}, None),
        (Operation.MESSAGES, "claude-sonnet-4-5", {"messages": [USER]}, {"content": [{"type": "text", "text": "Yes"}]}),
        (Operation.TRANSCRIPTION, "gpt-4o-transcribe", None, {"text": "hello there"}),
    ],
)
def test_operations_without_a_formula_are_never_called_counted(
    operation: Operation, model: str, request_: Any, response: Any
) -> None:
    """What text there is gives an estimate; what there is none of is unknown."""
    call = exchange(operation, model, request=request_, response=response)

    for count, text in ((count_prompt(call), request_), (count_completion(call), response)):
        assert count.source in (Source.ESTIMATED, Source.UNKNOWN)
        assert count.tokens != 0
        assert text is not None or count.tokens is None


def test_anthropics_messages_are_estimated_with_their_calls_results_and_tools() -> None:
    """By a share more than another tokenizer finds, and what stands around messages and tools."""
    call = {"type": "tool_use", "id": "t", "name": "get_weather", "input": {"city": "Oslo"}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "-4 °C"}]}
    messages = [USER, {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    request = {"system": "Be brief.", "messages": messages, "tools": [{"name": "get_weather"}]}
    texts = ("Be brief.", USER["content"], "get_weather", '{"city":"Oslo"}', "-4 °C", '{"name":"get_weather"}')

    count = count_prompt(exchange(Operation.MESSAGES, "claude-sonnet-4-5", request=request))

    assert count.tokens == sum(tokens(text) for text in texts) * 115 // 100 + 4 * 4 + 346
    assert (count.source, count.notes) == (Source.ESTIMATED, (Note.FOREIGN_TOKENIZER,))


@pytest.mark.parametrize(
    ("model", "request_"),
    [
        ("o3-mini-2025-01-31", {"messages": [SYSTEM, USER], "tools": [tool(WEATHER)]}),
        ("gpt-5-chat-2025-10-03", {"messages": [USER], "tools": [tool(WEATHER)]}),
        (GPT_4O, {"messages": [USER], "data_sources": [{"type": "azure_search"}]}),
        (GPT_4O, {"messages": [USER], "tools": [tool(WEATHER)], "web_search_options": {}}),
    ],
)
def test_a_form_that_recorded_calls_do_not_show_of_a_model_is_estimated(model: str, request_: dict[str, Any]) -> None:
    """Though its plain prompts are counted."""
    plain = count_prompt(exchange(Operation.CHAT, model, request=REQUEST))
    other = count_prompt(exchange(Operation.CHAT, model, request=request_))

    assert (plain.source, other.source) == (Source.COUNTED, Source.ESTIMATED)


def test_an_operation_that_nothing_tells_is_unknown() -> None:
    """There is no default formula."""
    call = exchange(Operation.UNKNOWN, GPT_4O, request=REQUEST, response={"choices": [{"text": "a"}]})

    assert count_prompt(call).tokens is None
    assert count_completion(call).tokens is None


def test_foreign_models_are_a_style_of_their_own() -> None:
    """Their vendors have tokenizers of their own."""
    family = family_of("Mistral-large-2411")

    assert family is not None
    assert family.style is Style.FOREIGN


def test_a_deployment_that_the_settings_name_a_model_of_is_counted_as_that_model_and_estimated() -> None:
    """Azure may have upgraded it since; what the answer says comes first."""
    call = {"request": REQUEST, "deployment": "house-model", "mapped_model": GPT_4O}
    named = count_prompt(exchange(Operation.CHAT, GPT_4O, request=REQUEST))
    mapped = count_prompt(exchange(Operation.CHAT, "", **call))
    served = count_prompt(exchange(Operation.CHAT, "gpt-4-0613", **call))

    assert (named.tokens, Source.ESTIMATED) == (mapped.tokens, mapped.source)
    assert (Note.MODEL_FROM_SETTINGS,) == mapped.notes
    assert Note.MODEL_FROM_SETTINGS not in served.notes
