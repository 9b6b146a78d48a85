"""`token-meter run` and `token-meter rows`: files through the same `meter()` as the Function."""

import functools
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from token_meter.cli.output import standard_error, standard_output
from token_meter.codes import Via
from token_meter.columns import as_columns
from token_meter.events import Event, Origin
from token_meter.jsontypes import dump_json
from token_meter.meter import Outcome, meter
from token_meter.options import MeterOptions
from token_meter.pipeline import Pipeline
from token_meter.sinks.dead_letters import DeadLetterFolder
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.sources import InputUnusable, read_events

EVENTS_A_BATCH = 500
MOST_PLACES_SHOWN = 3


@dataclass(slots=True)
class Tally:
    """What became of all records so far: the counts of promise 1."""

    received: int = 0
    metered: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    first_rejected: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one batch. Raises RuntimeError where its counts do not balance."""
        outcome.check()
        self.received += outcome.received
        self.metered += len(outcome.rows)
        self.rejected.update(item.reason.value for item in outcome.rejected)
        self.ignored.update(item.reason.value for item in outcome.ignored)
        room = MOST_PLACES_SHOWN - len(self.first_rejected)
        self.first_rejected += [place_of(item.origin) for item in outcome.rejected[:room]]


def place_of(origin: Origin) -> str:
    """Return where an event was found, as a person would look it up."""
    if origin.hub:
        return f"{origin.hub} partition {origin.partition} event {origin.sequence_number}"
    return f"{Path(origin.file).name}:{origin.line}" if origin.line else origin.file


def meter_into_store(files: Sequence[str], store: str, dead_letters: str, options: MeterOptions) -> bool:
    """Meter files into a store, keep what is rejected, print the counts; return whether anything was rejected."""
    tally = Tally()
    try:
        with DuckDbStore(store) as sink, progress(files) as bar:
            pipeline = Pipeline(sink=sink, dead_letters=DeadLetterFolder(Path(dead_letters)), options=options)
            for batch in batches(files, bar):
                tally.add(pipeline.process(batch, Via.FILES))
    finally:
        if tally.received:
            print_counts(tally, store, dead_letters)
    return bool(tally.rejected)


def print_rows(files: Sequence[str], options: MeterOptions) -> bool:
    """Print the rows of files as JSON lines; return whether anything was rejected (said on standard error)."""
    tally = Tally()
    with progress(files) as bar:
        for batch in batches(files, bar):
            outcome = meter(batch, options)
            tally.add(outcome)
            lines = (dump_json(as_columns(row)) + b"\n" for row in outcome.rows)
            sys.stdout.buffer.write(b"".join(lines))
    sys.stdout.buffer.flush()
    if tally.rejected:
        standard_error().print(f"{_rejections(tally)}. `token-meter run --dead-letters DIR` keeps them.")
    return bool(tally.rejected)


def batches(files: Sequence[str], bar: Progress) -> Iterator[list[Event]]:
    """Yield the files' events in batches. What was read before an input turned out to be damaged is a batch too."""
    batch: list[Event] = []
    try:
        for event in _events(files, bar):
            batch.append(event)
            if len(batch) == EVENTS_A_BATCH:
                yield batch
                batch = []
    except InputUnusable:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _events(files: Sequence[str], bar: Progress) -> Iterator[Event]:
    sizes = [_size_of(name) for name in files]
    task = bar.add_task("metering", total=sum(sizes) or None)
    for place, name in enumerate(files):
        yield from read_events(name, functools.partial(_advance, bar, task, sum(sizes[:place])))


def _advance(bar: Progress, task: TaskID, before: int, count: int) -> None:
    bar.update(task, completed=before + count)


def _size_of(name: str) -> int:
    try:
        return Path(name).stat().st_size if name != "-" else 0
    except OSError as fault:
        raise InputUnusable(f"{name}: {fault.strerror or 'cannot be read'}") from fault


@contextmanager
def progress(files: Sequence[str]) -> Iterator[Progress]:
    """Show a bar on a terminal's standard error; on anything else stay silent."""
    console = standard_error()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal or not files) as bar:
        yield bar


def print_counts(tally: Tally, store: str, dead_letters: str) -> None:
    """Print the counts of promise 1, and where rows and dead letters are."""
    out = standard_output()
    rejected, ignored = tally.rejected.total(), tally.ignored.total()
    out.print(f"received {tally.received} = metered {tally.metered} + rejected {rejected} + ignored {ignored}")
    if tally.ignored:
        out.print("ignored: " + _by_reason(tally.ignored))
    if tally.metered:
        out.print(f"rows are in {store}")
    if tally.rejected:
        out.print(f"{_rejections(tally)}. They are in {dead_letters}")


def _rejections(tally: Tally) -> str:
    places = ", ".join(tally.first_rejected) + (", …" if tally.rejected.total() > len(tally.first_rejected) else "")
    counts = f"{tally.rejected.total()} of {tally.received} records rejected: {_by_reason(tally.rejected)}"
    return f"{counts} (first at {places})"


def _by_reason(counts: Counter[str]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items()))
