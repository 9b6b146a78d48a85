"""Server-sent events into payloads, and payloads into one body."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import chunk, row_of, sse
from token_meter.codes import Note, Operation, Source
from token_meter.sse import looks_like_sse, parse_sse
from token_meter.streams import assemble

ANSWER = [chunk("Hel"), chunk("lo"), chunk(finish="stop")]


def assembled(*payloads: Any, operation: Operation = Operation.CHAT) -> Any:
    """Return the body that payloads amount to."""
    return assemble(operation, payloads).body


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_line_end_of_the_standard_is_read(line_end: str) -> None:
    """LF, CR LF and CR end lines alike."""
    stream = parse_sse(sse(*ANSWER).replace("\n", line_end))

    assert (ANSWER, True, False) == (list(stream.payloads), stream.done, stream.damaged)


def test_comments_event_names_and_ids_are_no_data() -> None:
    """Only `data:` lines carry payloads."""
    stream = parse_sse(': ping\nevent: message\nid: 7\nretry: 5\ndata: {"a": 1}\n\n')

    assert [{"a": 1}] == list(stream.payloads)


def test_data_needs_no_blank_after_the_colon_and_no_blank_line_at_the_end() -> None:
    """The blank and the last empty line are optional."""
    assert [{"a": 1}] == list(parse_sse('data:{"a":1}').payloads)


def test_data_over_several_lines_is_one_payload() -> None:
    """The standard joins the data lines of an event."""
    assert [{"a": 1}] == list(parse_sse('data: {"a":\ndata: 1}\n\n').payloads)


def test_events_without_blank_lines_between_them_are_told_apart() -> None:
    """A logger that drops blank lines loses nothing."""
    stream = parse_sse('data: {"a": 1}\ndata: {"b": 2}\ndata: [DONE]\n')

    assert ([{"a": 1}, {"b": 2}], True, False) == (list(stream.payloads), stream.done, stream.damaged)


def test_a_last_line_cut_in_the_middle_is_left_out_and_marked() -> None:
    """What came before the cut still counts."""
    stream = parse_sse(sse(*ANSWER)[:-60])

    assert stream.damaged
    assert ANSWER[: len(stream.payloads)] == list(stream.payloads)


@given(
    st.lists(st.dictionaries(st.text(), st.integers(0, 2**53) | st.text()), max_size=6), st.sampled_from(["\n", "\r\n"])
)
def test_what_was_sent_is_what_is_read(payloads: list[dict[str, object]], line_end: str) -> None:
    """Any payloads survive the way through a stream."""
    text = sse(*payloads).replace("\n", line_end)

    assert payloads == list(parse_sse(text).payloads)


@pytest.mark.parametrize("text", ["data: {}", "event: x\ndata: {}", ": ping\n\n", "\n\ndata:{}"])
def test_a_stream_is_known_by_its_first_line(text: str) -> None:
    """No content type is needed."""
    assert looks_like_sse(text)
    assert not looks_like_sse('{"data": 1}')


def test_deltas_are_joined_by_choice() -> None:
    """N choices arrive interleaved and come out whole, in order."""
    body = assembled(chunk("b", index=1), chunk("a"), chunk("B", "stop", index=1), chunk("A", "length"))

    assert ["aA", "bB"] == [choice["message"]["content"] for choice in body["choices"]]
    assert ["length", "stop"] == [choice["finish_reason"] for choice in body["choices"]]


def test_a_tool_call_is_put_together_from_its_pieces() -> None:
    """The name comes first, the arguments follow in pieces, told apart by index."""

    def piece(index: int, **function: str) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, "function": function}]}}]}

    body = assembled(
        piece(0, name="find", arguments=""),
        piece(1, name="list", arguments="{}"),
        piece(0, arguments='{"a":'),
        piece(0, arguments="1}"),
    )

    calls = [call["function"] for call in body["choices"][0]["message"]["tool_calls"]]
    assert [{"name": "find", "arguments": '{"a":1}'}, {"name": "list", "arguments": "{}"}] == calls


def test_the_first_chunk_of_azure_names_no_model_and_a_later_one_does() -> None:
    """Azure opens with an empty id and model beside the prompt's filter results."""
    first = {"id": "", "model": "", "choices": [], "prompt_filter_results": []}

    body = assembled(first, *ANSWER)

    assert ("chatcmpl-1", "gpt-4o-2024-08-06") == (body["id"], body["model"])


def test_usage_is_the_last_one_said_and_never_added_up() -> None:
    """A service may repeat its usage in every chunk."""
    body = assembled(chunk("a", usage={"prompt_tokens": 1}), chunk("b", usage={"prompt_tokens": 2}), chunk(usage=None))

    assert {"prompt_tokens": 2} == body["usage"]


def test_a_chat_stream_is_finished_when_every_choice_has_its_reason() -> None:
    """An aborted stream lacks the reason."""
    assert assemble(Operation.CHAT, ANSWER).finished
    assert not assemble(Operation.CHAT, ANSWER[:2]).finished
    assert not assemble(Operation.CHAT, []).finished


def test_the_final_response_object_is_the_body_of_a_responses_stream() -> None:
    """The last event holds the whole answer and its usage."""
    final = {"id": "resp_1", "output": [{"type": "message"}], "usage": {"input_tokens": 4}}
    payloads = [
        {"type": "response.created", "response": {"id": "resp_1", "output": []}},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "Hi"},
        {"type": "response.completed", "response": final},
    ]

    assert final == assembled(*payloads, operation=Operation.RESPONSES)


def test_an_aborted_responses_stream_gives_what_its_deltas_built() -> None:
    """Text and arguments that were sent are there to be counted."""
    call = {"type": "function_call", "name": "find", "arguments": ""}
    payloads: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"id": "resp_1", "model": "gpt-4o"}},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "Hel"},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "lo"},
        {"type": "response.output_item.added", "output_index": 1, "item": call},
        {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": '{"a"'},
    ]

    result = assemble(Operation.RESPONSES, payloads)

    output: Any = result.body["output"]
    message, function_call = output
    assert {"type": "output_text", "text": "Hello"} == message["content"][0]
    assert {**call, "arguments": '{"a"'} == function_call
    assert not result.finished


def test_messages_usage_comes_from_the_start_and_the_last_delta() -> None:
    """Anthropic's usage is cumulative: the last of each field counts, a null takes nothing back."""
    payloads = [
        {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 9, "output_tokens": 1}}},
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 5, "input_tokens": None},
        },
        {"type": "message_stop"},
    ]

    body = assembled(*payloads, operation=Operation.MESSAGES)

    assert {"input_tokens": 9, "output_tokens": 5} == body["usage"]
    assert [{"type": "text", "text": "Hi"}] == body["content"]


START = {"id": "msg_1", "usage": {"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 1}}
ABORTED: list[dict[str, Any]] = [
    {"type": "message_start", "message": START},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Once upon a time there"}},
]


@pytest.mark.parametrize(
    "more", [[], [{"type": "error", "error": {"type": "overloaded_error"}}], [{"type": "message_stop"}]]
)
def test_an_unfinished_message_reports_its_prompt_and_no_completion(more: list[dict[str, Any]]) -> None:
    """The one output token of its start is no count of what came after it."""
    row = row_of(url="/anthropic/v1/messages", responseBody=sse(*ABORTED, *more, done=False))

    assert (13, Source.REPORTED) == (row.prompt_tokens, row.prompt_source)
    assert (Source.ESTIMATED, Source.ESTIMATED) == (row.completion_source, row.total_source)
    assert (row.completion_tokens or 0) > 1


def test_a_running_usage_reports_a_completion_only_once_the_stream_has_ended() -> None:
    """Some servers state usage in every chunk: so far, until the last."""
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "total_tokens": 11,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    running, ended = chunk("Once upon", usage=usage), chunk(finish="stop", usage=usage)

    aborted, whole = (row_of(responseBody=sse(*events, done=False)) for events in ([running], [running, ended]))

    assert (9, 4, Source.REPORTED) == (aborted.prompt_tokens, aborted.cached_tokens, aborted.prompt_source)
    assert Source.REPORTED not in {aborted.completion_source, aborted.total_source}
    assert (2, Source.REPORTED, Source.REPORTED) == (
        whole.completion_tokens,
        whole.completion_source,
        whole.total_source,
    )


def test_a_usage_chunk_is_final_though_a_finish_reason_was_lost() -> None:
    """It stands behind all choices, in a chunk without any."""
    usage = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}}

    row = row_of(responseBody=sse(chunk("Hi"), usage))

    assert (2, Source.REPORTED) == (row.completion_tokens, row.completion_source)


def test_a_stream_that_an_error_ended_is_an_aborted_one() -> None:
    """What was sent is no whole answer."""
    row = row_of(responseBody=sse(chunk("Hel"), {"error": {"code": "server_error"}}, done=False))

    assert (Source.ESTIMATED, True) == (row.completion_source, Note.ABORTED in (row.notes or ()))


def test_the_last_of_many_errors_is_the_responses_error() -> None:
    """Beside what was answered before."""
    created = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}}
    errors = [{"type": "error", "code": code} for code in ("first", "last")]

    body = assembled(created, *errors, operation=Operation.RESPONSES)

    assert ("resp_1", "last") == (body["id"], body["error"]["code"])


def test_logprobs_of_every_kind_are_joined() -> None:
    """Of texts, of refusals, and of the older completions."""
    chunks = [
        {"choices": [{"index": 0, "text": "a", "logprobs": {"tokens": ["a"]}}]},
        {"choices": [{"index": 0, "text": "b", "logprobs": {"tokens": ["b"], "content": None}}]},
        {"choices": [{"index": 1, "delta": {"refusal": "No"}, "logprobs": {"refusal": [{"token": "No"}]}}]},
    ]

    body = assembled(*chunks)

    assert [{"tokens": ["a", "b"]}, {"refusal": [{"token": "No"}]}] == [item["logprobs"] for item in body["choices"]]


def test_thoughts_that_a_model_shows_are_joined_too() -> None:
    """DeepSeek's models send them beside their answer."""
    body = assembled(*({"choices": [{"index": 0, "delta": {"reasoning_content": text}}]} for text in ("Hm", ".")))

    assert "Hm." == body["choices"][0]["message"]["reasoning_content"]


@given(st.data())
def test_how_a_text_is_split_into_deltas_changes_nothing(data: st.DataObject) -> None:
    """The same text in other pieces is the same answer."""
    text = data.draw(st.text(max_size=30))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    body = assembled(*(chunk(piece) for piece in pieces))

    assert (text or None) == body["choices"][0]["message"]["content"]
    assert json.dumps(body)
