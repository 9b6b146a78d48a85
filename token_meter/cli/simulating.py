"""`token-meter simulate`: a made-up month of gateway records, and on request the truth about it."""

import gzip
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from token_meter.cli.moments import month_of
from token_meter.simulation import Call, events_of, simulated_calls

STANDARD_OUTPUT = "-"


def simulate_month(month: str, calls: int, seed: int, out: str, truth: str) -> None:
    """Write a month's events as JSON lines (gzip where the name ends so), and the truth a call a line."""
    start, end = month_of(month)
    with _writing(out) as events, _writing(truth) as known:
        for call in simulated_calls(start, end, calls, seed):
            for event in events_of(call):
                events.write(event + b"\n")
            if truth:
                known.write(json.dumps(truth_of(call)).encode() + b"\n")


def truth_of(call: Call) -> dict[str, Any]:
    """Return what is true of a call, in the words of the billing row."""
    known = call.status == 200 and not call.answer_lost  # noqa: PLR2004 - only an answer names the model
    return {
        "CallId": call.call_id,
        "CallTime": call.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "AppId": call.application.app_id,
        "AppName": call.application.name,
        "CostCentre": call.application.cost_centre,
        "Product": call.application.product,
        "Deployment": call.deployment.name,
        "ServedModel": call.deployment.model if known else "",
        "Backend": call.backend,
        "Region": call.deployment.region,
        "StatusCode": None if call.answer_lost else call.status,
        "Attempts": call.attempts,
        "Charged": call.charged,
        "IsStream": call.is_stream,
        "FinishReason": call.finish_reason,
        "DurationMs": None if call.answer_lost else call.duration_ms,
        "PromptTokens": call.prompt,
        "PromptSource": call.prompt_source,
        "CompletionTokens": call.completion,
        "CompletionSource": call.completion_source,
        "CachedTokens": call.cached,
        "ReasoningTokens": call.reasoning,
    }


@contextmanager
def _writing(name: str) -> Iterator[IO[bytes]]:
    """Open a file to write, gzip where its name ends so; `-` is standard output, and no name keeps nothing."""
    if name == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name or os.devnull)
    with path.open("wb") as file:
        if path.suffix != ".gz":
            yield file
            return
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=1, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
