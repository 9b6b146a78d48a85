"""Real recorded calls through the meter, where the recordings are present (they are not part of the project)."""

import gzip
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from token_meter import Event, meter
from token_meter.codes import Charged, Source
from token_meter.kql import run_query
from token_meter.row import UsageRow
from token_meter.sinks.duckdb_store import DuckDbStore

COLUMNS = (
    "CallId, CallTime, AppId, Deployment, ServedModel, Charged, PromptTokens, CompletionTokens, TotalTokens,"
    " CachedTokens, ReasoningTokens, PromptSource, CompletionSource, TotalSource, Notes"
)


def digest_of(store: DuckDbStore) -> str:
    """Return a digest of what `TokenUsage()` answers."""
    calls = sorted(repr(row) for row in run_query(store, f"TokenUsage() | project {COLUMNS}").rows)
    return hashlib.sha256("\n".join(calls).encode()).hexdigest()


@pytest.fixture(scope="module")
def lines(recordings: Path) -> list[bytes]:
    """Return the recorded records, a line each."""
    with gzip.open(recordings) as stream:
        return stream.read().splitlines()


@pytest.fixture(scope="module")
def rows(lines: list[bytes]) -> tuple[UsageRow, ...]:
    """Return the rows of all recorded records."""
    return meter(map(Event, lines)).rows


def test_every_recorded_call_gives_one_row_in_order(lines: list[bytes], rows: tuple[UsageRow, ...]) -> None:
    """None is lost, none is doubled, none changes places."""
    assert [json.loads(line)["requestId"] for line in lines] == [row.call_id for row in rows]


def reported_by(line: bytes) -> dict[str, Any]:
    """Return the usage in a record's answer, found without the meter: the last one stated, a field at a time.

    What a stream's `message_start` says of the output is no report: it is 1, whatever comes.
    """
    body = json.loads(line)["responseBody"]
    texts = [item[5:] for item in body.splitlines() if item.startswith("data:")] or [body]
    usage: dict[str, Any] = {}
    for text in texts:
        try:
            value = json.loads(text)
        except ValueError:
            continue
        for holder in (value, value.get("response"), value.get("message")) if isinstance(value, dict) else ():
            stated = (holder or {}).get("usage") or {}
            usage.update({name: number for name, number in stated.items() if number is not None})
        if isinstance(value, dict) and value.get("type") == "message_start":
            usage.pop("output_tokens", None)
    return usage


def test_where_the_service_reported_usage_the_row_says_the_same(lines: list[bytes], rows: tuple[UsageRow, ...]) -> None:
    """Prompt, completion, cached and reasoning tokens, all `reported`."""
    compared = unfinished = 0
    for line, row in zip(lines, rows, strict=True):
        usage = reported_by(line)
        if not usage:
            continue
        compared += 1
        prompt: int = usage.get("prompt_tokens", usage.get("input_tokens", 0))
        written, read = usage.get("cache_creation_input_tokens"), usage.get("cache_read_input_tokens")
        inside = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
        outside = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
        total = usage.get("total_tokens")
        completion = usage.get("completion_tokens", usage.get("output_tokens", total and total - prompt))
        if completion is None:
            unfinished += 1
            assert Source.REPORTED not in {row.completion_source, row.total_source}
            completion = row.completion_tokens
        else:
            assert Source.REPORTED == row.completion_source == row.total_source
        expected = (
            prompt + (written or 0) + (read or 0),
            completion,
            inside.get("cached_tokens", read),
            outside.get("reasoning_tokens", outside.get("thinking_tokens")),
        )
        assert expected == (row.prompt_tokens, row.completion_tokens, row.cached_tokens, row.reasoning_tokens)
        assert Source.REPORTED == row.prompt_source
    assert compared > 4_000
    assert unfinished == 1


def batches(lines: list[bytes], size: int) -> Iterator[list[Event]]:
    """Yield the records in batches of a size."""
    for start in range(0, len(lines), size):
        yield [Event(line) for line in lines[start : start + size]]


@pytest.fixture(scope="module")
def digest(rows: tuple[UsageRow, ...]) -> str:
    """Return the digest of the recordings metered once, in order."""
    with DuckDbStore(":memory:") as store:
        store.write(rows)
        return digest_of(store)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_shuffled_split_and_metered_twice_gives_the_same_answer(
    lines: list[bytes], digest: str, size: int, tmp_path: Path
) -> None:
    """The duplicates are in the store, and the fold's answer is the one of a clean run."""
    shuffled = random.Random(size).sample(lines, len(lines))  # noqa: S311 - a reproducible order, no secret
    metered = [row for batch in batches(shuffled, size) for row in meter(batch).rows]

    with DuckDbStore(str(tmp_path / "usage.duckdb")) as store:
        store.write(metered)
        store.write(metered[::-1])

        assert [(2 * len(lines),)] == [tuple(row) for row in run_query(store, "TokenUsage_CL | count").rows]
        assert digest == digest_of(store)


@pytest.fixture(scope="module")
def withheld(lines: list[bytes], withhold: Callable[[dict[str, Any]], dict[str, Any]]) -> tuple[UsageRow, ...]:
    """Return the rows of the recordings with the reported usage taken out."""
    return meter([Event(json.dumps(withhold(json.loads(line))).encode()) for line in lines]).rows


def test_without_reported_usage_almost_every_prompt_is_still_known(withheld: tuple[UsageRow, ...]) -> None:
    """Of chat, completions and embeddings at most 1 % of the charged calls have an unknown prompt."""
    charged = Counter(row.operation_name for row in withheld if row.charged is Charged.YES)
    unknown = Counter(
        row.operation_name for row in withheld if row.charged is Charged.YES and row.prompt_source is Source.UNKNOWN
    )

    shares = {name: unknown[name] / charged[name] for name in ("chat", "completions", "embeddings")}
    assert dict.fromkeys(shares, 0) == {name: int(share > 0.01) for name, share in shares.items()}, shares


def test_without_reported_usage_nothing_is_called_reported(withheld: tuple[UsageRow, ...]) -> None:
    """And nothing unknown becomes a number."""
    for row in withheld:
        assert Source.REPORTED not in {row.prompt_source, row.completion_source, row.total_source}
        assert (row.prompt_tokens is None) == (row.prompt_source is Source.UNKNOWN)
        assert (row.completion_tokens is None) == (row.completion_source is Source.UNKNOWN)
