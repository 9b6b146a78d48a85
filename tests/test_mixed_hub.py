"""A hub that everybody writes to: all shapes at once fold to the same calls as each shape alone."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.golden_samples import SAMPLES
from token_meter import Event, meter
from token_meter.kql import run_query
from token_meter.row import UsageRow
from token_meter.sinks.duckdb_store import DuckDbStore

SHARE_DELIVERED_TWICE = 0.1
JOINED_BODIES = "S15-call"


def folded(rows: list[UsageRow]) -> dict[str, dict[str, Any]]:
    """Return what `TokenUsage()` answers over these rows, by call."""
    with DuckDbStore(":memory:") as store:
        store.write(rows)
        result = run_query(store, "TokenUsage()")
    return {str(call["CallId"]): call for call in (dict(zip(result.columns, row, strict=True)) for row in result.rows)}


def together() -> list[tuple[Event, ...]]:
    """Return what must stay in one batch: the pieces of a body that is joined; all other events by themselves."""
    joined = [sample.events for sample in SAMPLES if sample.name == JOINED_BODIES]
    return joined + [(event,) for sample in SAMPLES if sample.name != JOINED_BODIES for event in sample.events]


def batches(groups: list[tuple[Event, ...]], source: random.Random) -> Iterator[list[Event]]:
    """Yield groups of events in order, in batches of 1 to 20 groups."""
    start = 0
    while start < len(groups):
        size = source.randint(1, 20)
        batch = [event for group in groups[start : start + size] for event in group]
        yield batch
        start += size


@pytest.fixture(scope="module")
def alone() -> dict[str, dict[str, Any]]:
    """Return the calls of all samples, each sample metered by itself, in order and once."""
    return folded([row for sample in SAMPLES for row in sample.metered().rows])


@pytest.mark.parametrize("seed", range(10))
def test_shuffled_in_random_batches_and_partly_twice_they_fold_to_the_same_calls(
    seed: int, alone: dict[str, dict[str, Any]]
) -> None:
    """No order, no neighbour and no redelivery changes an answer."""
    source = random.Random(seed)  # noqa: S311 - a reproducible order, no secret
    groups = together()
    twice = [group for group in groups if source.random() < SHARE_DELIVERED_TWICE]
    delivered = source.sample(groups + twice, len(groups) + len(twice))

    mixed = folded([row for batch in batches(delivered, source) for row in meter(batch).rows])

    assert alone == mixed
