"""`token-meter replay`: dead letters, captured events, or a hub's own events, metered again."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn

from token_meter.blob_storage import container_client
from token_meter.cli.metering import Tally, print_counts
from token_meter.cli.output import standard_error, standard_output
from token_meter.cli.sinks import Sinks
from token_meter.container_address import UnusableAddress, container_address
from token_meter.credentials import azure_identity
from token_meter.dated_names import CaptureNames, UnusableFormat
from token_meter.period import Period
from token_meter.pipeline import RowsRefused
from token_meter.replay import replay
from token_meter.sinks.dead_letter_blobs import DeadLettersNotKept
from token_meter.sinks.ingestion_failures import IngestionFailed
from token_meter.sources import InputUnusable
from token_meter.sources.dead_letters import Unreplayable
from token_meter.sources.hub_address import hub_address
from token_meter.sources.hub_range import HubRange, bound_of
from token_meter.sources.replayable import CAPTURE_ENDS, LETTER_ENDS, Batch, Replayable
from token_meter.sources.stores import BlobStore, FolderStore, Store, StoreUnreadable
from token_meter.times import parse_time

MOST_PROBLEMS_SHOWN = 5
THEIR_LETTERS = "the dead letters that they came from"
LEFT_OUT = {
    Unreplayable.IN_DOUBT: "kept without their bytes, since secrets might have been left in them",
    Unreplayable.DAMAGED: "lines that are no record of a dead letter",
}


@dataclass(slots=True)
class Replayed:
    """What became of a replay."""

    tally: Tally = field(default_factory=Tally)
    batches: int = 0
    unreplayable: Counter[Unreplayable] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    rejected_in: set[str] = field(default_factory=set)

    @property
    def is_whole(self) -> bool:
        """Whether everything was metered or ignored."""
        return not self.tally.rejected and not self.unreplayable and not self.problems


def period_of(start: str, end: str) -> Period:
    """Return a period of two times, either of which may be empty. Raises InputUnusable."""
    period = Period(_moment(start, "--start"), _moment(end, "--end"))
    if period.start is not None and period.end is not None and period.start >= period.end:
        raise InputUnusable("--start must be before --end")
    return period


def _moment(text: str, option: str) -> datetime | None:
    moment = parse_time(text)
    if text and moment is None:
        raise InputUnusable(f"{option} must be a time such as 2026-10-01T00:00:00Z")
    return moment


def stored_batches(paths: Sequence[str], period: Period, capture_format: str) -> Iterator[Batch]:
    """Yield what lies under paths and container addresses, in order. Raises InputUnusable."""
    try:
        names = CaptureNames(capture_format)
    except UnusableFormat as fault:
        raise InputUnusable(f"--capture-format {fault}") from fault
    for store in [_store(path) for path in paths]:
        yield from Replayable(store=store, period=period, names=names).batches()


def _store(path: str) -> Store:
    try:
        if not path.startswith(("https://", "http://")):
            return FolderStore(Path(path))
        address = container_address(path)
    except OSError as fault:
        raise InputUnusable(f"{path}: {fault.strerror or 'nothing is there'}") from fault
    except UnusableAddress as fault:
        raise InputUnusable(f"a container's address {fault}") from fault
    whole = not address.path or address.path.endswith((*CAPTURE_ENDS, *LETTER_ENDS))
    identity = None if address.is_local else azure_identity(os.environ.get("AZURE_CLIENT_ID", ""))
    return BlobStore(container_client(path, identity), address.path if whole else f"{address.path}/")


def hub_batches(hub: str, partitions: Sequence[str], group: str, first: str, last: str) -> Iterator[Batch]:
    """Yield part of what a hub still holds. Raises InputUnusable."""
    until = bound_of(last, "--until")
    if isinstance(until, str):
        raise InputUnusable("--until must be a sequence number or a time")
    yield from HubRange(
        address=hub_address(hub, os.environ),
        first=bound_of(first, "--from"),
        last=until,
        partitions=tuple(partitions),
        group=group,
        managed_identity_client_id=os.environ.get("AZURE_CLIENT_ID", ""),
    ).batches()


def replay_batches(batches: Iterable[Batch], to: Sinks) -> bool:
    """Meter batches again and print the counts; return whether everything was metered or ignored.

    Raises InputUnusable where something could not be read, once all else is metered.
    """
    replayed = Replayed()
    try:
        with _progress() as bar:
            task = bar.add_task("metering again", total=None)
            for batch in batches:
                _replay(batch, to, replayed)
                bar.update(task, description=f"metered {replayed.tally.received} records again")
    except (StoreUnreadable, IngestionFailed, DeadLettersNotKept, RowsRefused) as fault:
        raise InputUnusable(f"{fault}; replay again, which changes nothing that is done") from fault
    finally:
        if replayed.batches:
            _print(replayed, to)
    if not replayed.batches:
        raise InputUnusable("there is nothing to replay: no dead letter (.jsonl), no Capture file (.avro), no event")
    if replayed.problems:
        raise InputUnusable(f"{len(replayed.problems)} could not be read: {_listed(replayed.problems)}")
    return replayed.is_whole


def _replay(batch: Batch, to: Sinks, replayed: Replayed) -> None:
    replayed.batches += 1
    replayed.unreplayable += batch.unreplayable
    replayed.problems += [batch.problem] if batch.problem else []
    if not batch.events:
        return
    outcome = replay(to.pipeline, batch.events, batch.letter)
    replayed.tally.add(outcome)
    if outcome.rejected:
        replayed.rejected_in.add(THEIR_LETTERS if batch.letter else to.letters)


def _print(replayed: Replayed, to: Sinks) -> None:
    print_counts(replayed.tally, to.rows, " and ".join(sorted(replayed.rejected_in)))
    for kind, count in sorted(replayed.unreplayable.items()):
        standard_output().print(f"{count} cannot be replayed: {LEFT_OUT[kind]}")


def _listed(problems: Sequence[str]) -> str:
    shown = "; ".join(problems[:MOST_PROBLEMS_SHOWN])
    return shown + ("; …" if len(problems) > MOST_PROBLEMS_SHOWN else "")


def _progress() -> Progress:
    console = standard_error()
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
