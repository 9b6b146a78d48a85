"""Time the meter on records that are made to be slow: `python bench/hostile_events.py [--size 1000000] [--only NAME]`.

Every attack is a record (or an event) of about a megabyte, the most that a hub carries, that makes work grow faster
than its size wherever the code lets it. Prints how long each takes to be metered and, where it is rejected, to be made
a dead letter; exits with 1 if a record takes longer than MOST_SECONDS.
"""

import argparse
import base64
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.records import record
from token_meter import Event, Origin, meter
from token_meter.sinks.dead_letters import letter_of

MOST_SECONDS = 2.0
Attack = Callable[[int], bytes]


def _record(**fields: Any) -> bytes:
    return json.dumps(record(**fields)).encode()


def _stream(payloads: list[Any], url: str) -> bytes:
    body = "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads)
    return _record(responseBody=body, url=url)


def _rejected(**fields: Any) -> bytes:
    """Return a record that ends as a dead letter, so that it is scrubbed."""
    return json.dumps({"version": 9, "kind": "exchange", **fields}).encode()


def errors_after_a_large_response(size: int) -> bytes:
    """Responses: many errors after a large object."""
    large = {f"k{number}": "" for number in range(size // 40)}
    errors = [{"type": "error", "message": ""}] * (size // 80)
    return _stream([{"type": "response.created", "response": large}, *errors], "/openai/v1/responses")


def many_responses(size: int) -> bytes:
    """Responses: many whole objects."""
    each = {"type": "response.in_progress", "response": {"output": [{"type": "message"}] * 20}}
    return _stream([each] * (size // 500), "/openai/v1/responses")


def many_output_items(size: int) -> bytes:
    """Responses: every delta another item."""
    items = [{"type": "response.output_text.delta", "output_index": n, "delta": "a"} for n in range(size // 90)]
    return _stream(items, "/openai/v1/responses")


def many_message_starts(size: int) -> bytes:
    """Messages: many large beginnings."""
    start = {"type": "message_start", "message": {f"k{number}": 1 for number in range(50)}}
    return _stream([start] * (size // 600), "/anthropic/v1/messages")


def many_choices(size: int) -> bytes:
    """Chat: every chunk another choice."""
    chunks = [{"choices": [{"index": number, "delta": {"content": "a"}}]} for number in range(size // 70)]
    return _stream(chunks, "/openai/deployments/d/chat/completions")


def many_tool_calls(size: int) -> bytes:
    """Chat: every chunk another call."""
    chunks = [
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": n, "function": {"arguments": "a"}}]}}]}
        for n in range(size // 120)
    ]
    return _stream(chunks, "/openai/deployments/d/chat/completions")


def a_choice_a_byte(size: int) -> bytes:
    """Chat: one chunk with choices that hold nothing."""
    return _stream([{"choices": [{}] * (size // 5)}], "/openai/deployments/d/chat/completions")


def data_lines(size: int) -> bytes:
    """A stream: one event of very many lines."""
    return _record(responseBody="data: x\n" * (size // 10))


def blank_lines(size: int) -> bytes:
    """A stream of nothing."""
    return _record(responseBody="data: {}" + "\n" * (size // 2))


def compacted_logprobs(size: int) -> bytes:
    """A compacted answer that claims very many tokens."""
    choices = [{"finish_reason": "stop", "logprobs": {"content": 10**6}}] * (size // 80)
    return _record(responseBody={"choices": choices}, responseCompacted=True)


def spellings(size: int) -> bytes:
    """One name in very many spellings, one of them with a large value."""
    fields = {"x": "y" * (size // 2)} | {"x" + "-" * number: 1 for number in range(1, round((size // 2) ** 0.5))}
    return json.dumps(fields).encode()


def large_type(size: int) -> bytes:
    """Fields that tell shapes apart, with a large value."""
    large = [[1, "a"]] * (size // 30)
    return json.dumps(dict.fromkeys(("type", "kind", "event-type"), large)).encode()


def empty_records(size: int) -> bytes:
    """As many records as a list can hold."""
    return b"[" + b"{}," * (size // 3) + b"{}]"


def small_lines(size: int) -> bytes:
    """As many lines as there can be, none of them JSON."""
    return b"x\n" * (size // 2)


def open_brackets(size: int) -> bytes:
    """A record that opens and never closes."""
    return b'{"version":1,"requestBody":' + b"[" * (size - 30)


def open_objects(size: int) -> bytes:
    """The same with objects."""
    return b'{"version":1,"requestBody":' + b'{"a":' * (size // 5)


def cut_digits(size: int) -> bytes:
    """A record that was cut inside of very many digits."""
    return b'{"version":1,"requestId":' + b"1" * size


def cut_lists_of_digits(size: int) -> bytes:
    """A record that was cut behind very many numbers."""
    return b'{"version":1,"a":[' + b"1," * (size // 2)


def backslashes(size: int) -> bytes:
    """A body of escapes."""
    return _record(requestBody="\\" * (size // 2))


def half_pairs(size: int) -> bytes:
    """A body of halves of surrogate pairs."""
    return b'{"version":1,"kind":"exchange","requestBody":"' + b"\\ud83d" * (size // 6) + b'"}'


def unbroken_text(size: int) -> bytes:
    """A dead letter without a blank and without an escape."""
    return _rejected(text="a" * size)


def unbroken_bytes(size: int) -> bytes:
    """The same, not even JSON."""
    return b"a" * size


def percent_signs(size: int) -> bytes:
    """A dead letter of what is nearly URL encoding."""
    return _rejected(text="%4" * (size // 2))


def encoded_runs(size: int) -> bytes:
    """A dead letter of base64 within base64."""
    text = base64.b64encode(b"A" * (size * 9 // 16)).decode()
    return _rejected(text=base64.b64encode(text.encode()).decode())


def header_line_breaks(size: int) -> bytes:
    """A dead letter with headers that are nothing but line ends."""
    return _rejected(requestHeaders="\n" * (size // 2))


def semicolons(size: int) -> bytes:
    """A dead letter with headers that are nothing but separators."""
    return _rejected(requestHeaders=";" * size)


def names_of_secrets(size: int) -> bytes:
    """A dead letter of names of headers without values."""
    return _rejected(text="authorization" + " " * 20 + "api-key" * (size // 8))


def spaces_after_a_name(size: int) -> bytes:
    """A dead letter with one such name and blanks."""
    return _rejected(text="authorization" + " " * size)


def beginnings_of_tokens(size: int) -> bytes:
    """A dead letter of what tokens begin with."""
    return _rejected(text="eyJ" * (size // 3))


def many_secrets(size: int) -> bytes:
    """A dead letter with very many different secrets, each of which may stand elsewhere too."""
    return _rejected(items=[{"password": f"{number:09}"} for number in range(size // 40)])


def small_texts(size: int) -> bytes:
    """A dead letter of very many texts."""
    return _rejected(texts=["ab"] * (size // 6))


def http_message(size: int) -> bytes:
    """A text that begins as an HTTP message and has only headers."""
    return b"request:1\nPOST /x HTTP/1.1\r\n" + b"a:b\r\n" * (size // 5) + b"\x00"


def usage_in_a_piece(size: int) -> bytes:
    """A piece of a body full of beginnings of usage."""
    payload = '"usage":{' + '"usage":{}' * (size // 14)
    return json.dumps(
        {"kind": "response-body", "correlationId": "c", "chunkIndex": 0, "chunkTotal": 2, "payload": payload}
    ).encode()


def texts_in_a_piece(size: int) -> bytes:
    """A piece of a body full of beginnings of texts."""
    return json.dumps(
        {
            "kind": "request-body",
            "correlationId": "c",
            "chunkIndex": 0,
            "chunkTotal": 2,
            "payload": '"content":"' * (size // 16),
        }
    ).encode()


def pieces(size: int) -> bytes:
    """Very many pieces of one call."""
    piece = {"kind": "request-body", "correlationId": "c", "chunkTotal": 1024, "payload": "x"}
    return json.dumps([{**piece, "chunkIndex": number % 1023} for number in range(size // 100)]).encode()


def summaries(size: int) -> bytes:
    """Very many summaries of one call with one large body."""
    summary = {"kind": "summary", "correlationId": "c", "url": "/x/chat/completions"}
    text = json.dumps({"messages": [{"role": "user", "content": "a b " * (size // 8)}]})
    body = {"kind": "request-body", "correlationId": "c", "chunkIndex": 0, "chunkTotal": 1, "payload": text}
    return json.dumps([*[summary] * (size // 160), body]).encode()


def long_names(size: int) -> bytes:
    """A long text in every field that has a column."""
    names = ("requestId", "appId", "productId", "apiId", "subscriptionId", "clientIp", "backendId", "gatewayRegion")
    return _record(**dict.fromkeys(names, "é" * (size // 8 // 6)))


def long_token(size: int) -> bytes:
    """A token as long as the record."""
    return _record(appId=None, requestHeaders={"Authorization": "Bearer " + "a." * (size // 2)})


def custom_fields(size: int) -> bytes:
    """Very many dimensions."""
    return _record(custom={str(number): "x" for number in range(size // 14)})


def deep_media(size: int) -> bytes:
    """A request that was cut, of lists within lists."""
    content: Any = [{"type": "text", "text": "a"}]
    for _ in range(100):
        content = [content, {"type": "image_url"}]
    body = {"messages": [{"role": "user", "content": content}] * (size // 4000)}
    return _record(requestBody=body, requestBytes=size * 2, responseBody=None)


ATTACKS: tuple[Attack, ...] = tuple(
    attack
    for name, attack in list(globals().items())
    if callable(attack) and not name.startswith("_") and getattr(attack, "__module__", "") == __name__
)


def timed(attack: Attack, size: int) -> tuple[float, float, int]:
    """Return the seconds of work of metering and of the letters, and how many records there were."""
    event = Event(attack(size), Origin())
    start = time.process_time()
    outcome = meter([event])
    between = time.process_time()
    for item in outcome.rejected:
        letter_of(item)
    return between - start, time.process_time() - between, outcome.received


def results(size: int, only: str) -> Iterator[tuple[str, float, float, int]]:
    """Yield what each attack takes."""
    for attack in ATTACKS:
        if only in attack.__name__:
            yield attack.__name__, *timed(attack, size)


def main() -> int:
    """Run the attacks, print the figures, and return the exit status."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size", type=int, default=1_000_000)
    arguments.add_argument("--only", default="")
    given = arguments.parse_args()
    meter([Event(_record(responseBody={"choices": [{"message": {"content": "x"}}]}))])  # loads the tokenizer
    slow = []
    print(f"{'attack':32} {'metered, s':>10} {'letters, s':>10} {'records':>9}")
    for name, metered, letters, received in results(given.size, given.only):
        print(f"{name:32} {metered:>10.2f} {letters:>10.2f} {received:>9,}", flush=True)
        slow += [name] if (metered + letters) / received > MOST_SECONDS else []
    print("slow: " + ", ".join(slow) if slow else f"no record takes longer than {MOST_SECONDS} s")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
