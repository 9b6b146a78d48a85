"""`token-meter consume`: a hub's events through the same pipeline as in the Function, wherever Python runs."""

import asyncio
import logging
import os
import signal
from datetime import datetime
from pathlib import Path

from token_meter.cli.metering import Tally, print_counts
from token_meter.cli.sinks import sinks
from token_meter.options import MeterOptions
from token_meter.sources.checkpoints import checkpoint_store
from token_meter.sources.files import InputUnusable
from token_meter.sources.hub import Consumption, HubConsumer
from token_meter.sources.hub_address import hub_address
from token_meter.sources.hub_progress import END, START
from token_meter.times import parse_time

BESIDE_STORE = ".checkpoints"


def start_of(text: str) -> str | datetime:
    """Return where reading begins without a checkpoint. Raises InputUnusable where it is neither word nor time."""
    if text in {"start", "end"}:
        return START if text == "start" else END
    moment = parse_time(text)
    if moment is None:
        raise InputUnusable("--from must be start, end or a time such as 2026-10-01T00:00:00Z")
    return moment


def checkpoints_of(where: str, store: str) -> str:
    """Return where checkpoints are: as told, else beside the store. Raises InputUnusable where neither will do."""
    if where:
        return where
    if not store:
        raise InputUnusable("--checkpoints must say where: a container's URL, or a file on a disk that stays")
    beside = Path(store + BESIDE_STORE)
    if beside.exists() and not Path(store).exists():
        raise InputUnusable(f"{store} is gone and {beside} would skip what it held: remove that too to read it again")
    return str(beside)


def consume_hub(  # noqa: PLR0913, PLR0917 - one argument an option
    hub: str, how: Consumption, checkpoints: str, store: str, dead_letters: str, options: MeterOptions
) -> bool:
    """Meter a hub's events until told to stop and print the counts; return whether anything was rejected."""
    address = hub_address(hub, os.environ)
    identity = os.environ.get("AZURE_CLIENT_ID", "")
    where = checkpoints_of(checkpoints, store)
    _log_to_standard_error()
    tally = Tally()
    with sinks(store, dead_letters, options) as opened:
        kept = checkpoint_store(where, identity)
        try:
            asyncio.run(_until_told(HubConsumer(address, kept, opened.pipeline, how, tally.add), identity))
        finally:
            if tally.received:
                print_counts(tally, opened.rows, opened.letters)
    return bool(tally.rejected)


async def _until_told(consumer: HubConsumer, managed_identity_client_id: str) -> None:
    """Run a consumer until it ends, or the process is told to: then the batches in hand are finished first."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(consumer.stop))
    await consumer.run(managed_identity_client_id)


def _log_to_standard_error() -> None:
    """Log the meter's line a batch, and of the libraries what is an error."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.ERROR)
    logging.getLogger("token_meter").setLevel(logging.INFO)
