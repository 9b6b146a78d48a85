"""Fuzz the meter with mutated records: `python bench/fuzz_records.py [--records 200000] [--seed 1]`.

Takes the golden samples of every shape, damages them in the ways that hubs and policies do (cut, bytes changed, fields
removed, swapped, respelled, filled with values of another type, events joined), and meters them in batches. Prints
what became of them; exits with 1 if the meter raised, failed on a record, or lost one.
"""

import argparse
import base64
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.golden_samples import SAMPLES
from token_meter import Event, meter
from token_meter.codes import Reason
from token_meter.options import MeterOptions
from token_meter.row import UsageRow
from token_meter.secrets import KeyHasher
from token_meter.sinks.dead_letters import letter_of

Mutation = Callable[[random.Random, bytes], bytes]

SEEDS = [event.body for sample in SAMPLES for event in (*sample.events, sample.twin)]
SECRETS = sorted({secret for sample in SAMPLES for secret in sample.secrets})
VALUES: tuple[Any, ...] = (None, True, -1, 0, 2**63, 1e308, "", "NA", "\x00", "9" * 40, [], {}, [[]], {"a": {"b": []}})
OPTIONS = MeterOptions(hasher=KeyHasher(b"a secret for fuzzing"))
BATCH = 100


def cut(random: random.Random, body: bytes) -> bytes:
    """End the record early."""
    return body[: random.randrange(len(body) + 1)]


def change_bytes(random: random.Random, body: bytes) -> bytes:
    """Change some bytes."""
    damaged = bytearray(body)
    for _ in range(random.randint(1, 8)):
        if damaged:
            damaged[random.randrange(len(damaged))] = random.randrange(256)
    return bytes(damaged)


def insert_bytes(random: random.Random, body: bytes) -> bytes:
    """Put bytes that mean something to a parser where they do not belong."""
    place = random.randrange(len(body) + 1)
    noise = random.choice([b'"', b"\\", b"{", b"}", b"[", b"\\ud83d", b"\xff", b"\n", b",", b":", b"data:", b"\x00"])
    return body[:place] + noise + body[place:]


def cut_twice(random: random.Random, body: bytes) -> bytes:
    """Leave a part out of the middle."""
    start, end = sorted(random.randrange(len(body) + 1) for _ in range(2))
    return body[:start] + body[end:]


def change_field(random: random.Random, body: bytes) -> bytes:
    """Give a field a value of another type, another field's, or part of it; or remove or respell it.

    A secret is not moved into a field that is shown: no gateway writes a key as its model's name.
    """
    try:
        value = json.loads(body)
    except ValueError:
        return body
    target = value["records"][0] if isinstance(value, dict) and isinstance(value.get("records"), list) else value
    if not isinstance(target, dict) or not target:
        return body
    name = random.choice(list(target))
    action = random.randrange(5)
    if action == 0:
        del target[name]
    elif action == 1:
        target[name] = random.choice(VALUES)
    elif action == 2:
        open_fields = [other for other, item in target.items() if not any(secret in str(item) for secret in SECRETS)]
        target[name] = target[random.choice(open_fields)] if open_fields else None
    elif action == 3:
        target[random.choice([name.upper(), name.replace("-", "_"), name + " "])] = target.pop(name)
    else:
        text = target[name]
        target[name] = text[: random.randrange(len(text) + 1)] if isinstance(text, str) else [text]
    return json.dumps(value).encode()


def join_events(random: random.Random, body: bytes) -> bytes:
    """Put a second record on the next line, in the same list or in an envelope."""
    other = random.choice(SEEDS)
    frame = random.choice([b"%b\n%b", b"[%b,%b]", b'{"records":[%b,%b]}', b"%b%b"])
    return frame % (body, other)


MUTATIONS: tuple[Mutation, ...] = (cut, change_bytes, insert_bytes, cut_twice, change_field, change_field, join_events)


def mutated(random: random.Random) -> bytes:
    """Return a golden sample after one to three mutations."""
    body = random.choice(SEEDS)
    for _ in range(random.randint(1, 3)):
        body = random.choice(MUTATIONS)(random, body)
    return body


def readable(letter: dict[str, Any]) -> str:
    """Return a dead letter with its body as text."""
    return f"{letter | {'body': ''}}{base64.b64decode(letter['body'] or '').decode('utf-8', 'replace')}"


def leaks(rows: tuple[UsageRow, ...], letters: str) -> bool:
    """Tell whether a secret of the samples stands in a row or a dead letter."""
    shown = repr(rows) + letters
    return any(secret in shown for secret in SECRETS)


def fuzz(records: int, seed: int) -> Counter[str]:
    """Meter mutated records and return what became of them."""
    source = random.Random(seed)
    counts: Counter[str] = Counter()
    while counts["events"] < records:
        events = [Event(mutated(source), source.choice(SAMPLES).events[0].origin) for _ in range(BATCH)]
        counts["events"] += len(events)
        try:
            outcome = meter(events, OPTIONS)
        except Exception as fault:  # noqa: BLE001 - that is what is looked for
            counts[f"raised {type(fault).__name__}"] += 1
            continue
        letters = "".join(readable(letter_of(item)) for item in outcome.rejected)
        counts["received"] += outcome.received
        counts["metered"] += len(outcome.rows)
        counts["rejected"] += len(outcome.rejected)
        counts["ignored"] += len(outcome.ignored)
        counts["lost"] += not outcome.balanced or outcome.received < len(events)
        counts["leaked"] += leaks(outcome.rows, letters)
        counts["meter_fault"] += sum(item.reason is Reason.METER_FAULT for item in outcome.rejected)
        for row in outcome.rows:
            counts["shape " + row.record_shape] += 1
        for item in (*outcome.rejected, *outcome.ignored):
            counts[f"reason {item.reason}"] += 1
    return counts


def main() -> int:
    """Fuzz, print the figures, and return the exit status."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=200_000)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    start = time.monotonic()
    counts = fuzz(given.records, given.seed)
    for name, count in sorted(counts.items()):
        print(f"{name:28} {count:>10,}")
    print(f"{'seconds':28} {time.monotonic() - start:>10,.0f}")
    bad = [name for name, count in counts.items() if count and (name.startswith("raised") or name in FAILURES)]
    print("failed: " + ", ".join(bad) if bad else "0 exceptions, 0 faults, 0 lost, 0 secrets leaked")
    return 1 if bad else 0


FAILURES = frozenset({"lost", "leaked", "meter_fault"})

if __name__ == "__main__":
    sys.exit(main())
