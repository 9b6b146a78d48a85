"""A worker that is told to stop while a batch is under way: the batch is finished or failed, never half acknowledged.

On Linux the host ends a Python worker by SIGTERM. The worker has no handler for it and no message that cancels an
invocation (azure-functions-python-worker#578; its dispatcher knows neither `invocation_cancel` nor `worker_terminate`),
so the process dies at once, with exit code 143 as the host shows it, and the host, which is stopping, writes no
checkpoint. A worker that exits in an orderly way instead, as has been proposed (#1579), is tried here as well.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ingestion_peer import REPOSITORY, RULE, Peer, ingestion_peer
from tests.stored_rows import load_stored
from token_meter.kql import run_query
from token_meter.sinks.duckdb_store import DuckDbStore

pytestmark = [
    pytest.mark.sockets,
    pytest.mark.skipif(sys.version_info < (3, 13), reason="azure-functions-runtime is for Python 3.13 and later"),
]

CALLS = 20
INVOKING = f"""
import json, signal, sys
from pathlib import Path
from tests.records import record
from tests.worker import load

if sys.argv[1] == "orderly":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
worker = load(Path("function_app.py"))
invoked = worker.invoke("meter_events", [json.dumps(record(requestId=f"call-{{n}}")).encode() for n in range({CALLS})])
print("acknowledged" if invoked.ok else "failed", flush=True)
"""
"""Invokes the function as the host does, with its own pipeline, and says what the host would be told."""
LONGEST = 60


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Run a peer."""
    with ingestion_peer() as running:
        yield running


@contextmanager
def worker_process(peer: Peer, folder: Path, way: str = "at once") -> Iterator[subprocess.Popen[str]]:
    """Run a worker that meters one batch into a peer."""
    environment = {
        **os.environ,
        "LOGS_INGESTION_ENDPOINT": peer.url,
        "LOGS_INGESTION_RULE_ID": RULE,
        "DEAD_LETTER_FOLDER": str(folder),
    }
    with subprocess.Popen(
        [sys.executable, "-c", INVOKING, way], cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def calls_in(peer: Peer) -> int:
    """Return how many calls the fold sees in what the peer has stored."""
    with DuckDbStore(":memory:") as store:
        load_stored(store, "TokenUsage_CL", peer.stored("TokenUsage_CL"))
        ((count,),) = run_query(store, "TokenUsage() | count").rows
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize("way", ["at once", "orderly"])
@pytest.mark.parametrize("held", ["TokenUsage_CL", "TokenMeterBatch_CL"])
def test_a_worker_that_is_stopped_acknowledges_nothing_and_the_retry_is_complete(
    peer: Peer, tmp_path: Path, way: str, held: str
) -> None:
    """Stopped while a request is under way, before the rows or before the ledger; then another worker takes over."""
    arrived, released = threading.Event(), threading.Event()
    seen: list[str] = []

    def hold() -> None:
        seen.append(held)
        if len(seen) == (1 if held == "TokenUsage_CL" else 2):
            arrived.set()
            released.wait(LONGEST)

    peer.gate = hold
    with worker_process(peer, tmp_path, way) as stopped:
        assert arrived.wait(LONGEST)
        stopped.send_signal(signal.SIGTERM)
        if way == "at once":
            stopped.wait(LONGEST)
        released.set()
        said, _ = stopped.communicate(timeout=LONGEST)

    assert (-signal.SIGTERM if way == "at once" else 143, "") == (stopped.returncode, said)
    peer.gate = lambda: None
    with worker_process(peer, tmp_path) as second:
        said, trace = second.communicate(timeout=LONGEST)

    assert "acknowledged\n" == said, trace
    assert CALLS == calls_in(peer)


def test_a_worker_that_is_left_alone_acknowledges_its_batch(peer: Peer, tmp_path: Path) -> None:
    """With its own settings and nothing replaced but the host: every call is stored, and the ledger says so."""
    with worker_process(peer, tmp_path) as worker:
        said, trace = worker.communicate(timeout=LONGEST)

    assert "acknowledged\n" == said, trace
    assert [CALLS] == [row["Observations"] for row in peer.stored("TokenMeterBatch_CL")]
    assert CALLS == calls_in(peer)
