"""The events of the crash test: what a gateway puts on a hub in a bad month, the same ones for the same seed.

Calls in one piece and in two halves, which go to different partitions as they come; retried and throttled ones; events
delivered twice; records of every shape that the meter reads; and what is no record at all.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.golden_samples import SAMPLES
from token_meter.simulation import events_of, simulated_calls

MONTH = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
JOINED_BODIES = "S15"
"""Pieces, which are joined where one batch holds them all, else estimated apart (docs/folding.md); and no two runs have
the same batches."""
OTHER_SHAPES = [
    event.body for sample in SAMPLES if not sample.name.startswith(JOINED_BODIES) for event in sample.events
]
DELIVERED_TWICE, OF_OTHER_SHAPE, POISON = 0.02, 0.02, 0.005
BROUGHT_AGAIN = 1_000
"""An event is delivered a second time within so many others."""


def crash_events(count: int, partitions: int, seed: int) -> list[list[bytes]]:
    """Return so many events, by partition and in order."""
    draw = random.Random(seed)  # noqa: S311 - a repeatable month, no secret
    divided: list[list[bytes]] = [[] for _ in range(partitions)]
    recent: list[bytes] = []
    source = _events(count, seed, draw)
    for _ in range(count):
        body = draw.choice(recent) if recent and draw.random() < DELIVERED_TWICE else next(source)
        recent = [*recent[-BROUGHT_AGAIN:], body] if draw.random() < DELIVERED_TWICE else recent
        draw.choice(divided).append(body)
    return divided


def _events(calls: int, seed: int, draw: random.Random) -> Iterator[bytes]:
    """Yield events without end enough for `calls` of them: simulated calls, and between them what else turns up."""
    for call in simulated_calls(*MONTH, calls, seed):
        for event in events_of(call):
            kind = draw.random()
            if kind < POISON:
                yield poison(event, draw)
            elif kind < POISON + OF_OTHER_SHAPE:
                yield draw.choice(OTHER_SHAPES)
            yield event


def poison(event: bytes, draw: random.Random) -> bytes:
    """Return an event that is none: nothing, noise, a part of a record, JSON that says nothing, or too deep."""
    return draw.choice(
        [
            b"",
            draw.randbytes(200),
            event[draw.randrange(1, 40) :],
            b'"a text"',
            b'{"some":"object","n":%d}' % draw.randrange(1_000),
            b"[" * 5_000,
        ]
    )
