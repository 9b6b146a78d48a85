"""`token-meter consume` as a process: its signals, its exit statuses, what it prints."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.event_hubs_peer import Peer, event_hubs_peer
from tests.hub_clients import GROUP
from tests.ingestion_peer import RULE, ingestion_peer
from tests.test_consume import bodies
from token_meter.cli import main
from token_meter.kql import run_query
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.sources.checkpoints import FileCheckpoints
from token_meter.sources.hub_address import hub_address

LONGEST_WAIT = 60
REPOSITORY = Path(__file__).parent.parent
COMMAND = (sys.executable, "-m", "token_meter", "consume", "--share-every", "0.2")
TO_STORE = ("--store", "usage.duckdb", "--until-idle", "0")


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Run a hub of one partition."""
    with event_hubs_peer(1) as running:
        yield running


@contextmanager
def consuming(folder: Path, *options: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command in a folder."""
    path = os.pathsep.join(part for part in (str(REPOSITORY), os.environ.get("PYTHONPATH")) if part)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOGS_INGESTION")}
    env: Mapping[str, str] = {**inherited, "PYTHONPATH": path, **environment}
    with subprocess.Popen(
        [*COMMAND, *options], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def calls_in(store: Path) -> int:
    """Return how many calls a store has."""
    with DuckDbStore(str(store)) as opened:
        return len(run_query(opened, "TokenUsage()").rows)


@pytest.mark.sockets
def test_it_prints_the_counts_and_tells_of_rejected_records(peer: Peer, tmp_path: Path) -> None:
    """A line of counts a batch in its log, and at its end the counts of all; 1 where something was rejected."""
    peer.put("0", [*bodies(2), b"no record"])

    with consuming(tmp_path, *TO_STORE, EVENTHUB_CONNECTION=peer.connection_string) as process:
        out, log = process.communicate(timeout=LONGEST_WAIT)

    assert 1 == process.returncode, log
    assert "received 3 = metered 2 + rejected 1 + ignored 0" in out
    assert "not_json 1 (first at 127.0.0.1/ai-usage partition 0 event 2)" in out
    assert 1 == log.count("\n")
    assert "partition 0, events 0 to 2: received 3, metered 2, rejected 1, ignored 0" in log
    assert 2 == calls_in(tmp_path / "usage.duckdb")


@pytest.mark.sockets
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_when_the_batch_in_hand_is_kept(peer: Peer, tmp_path: Path, number: int) -> None:
    """It exits with 0; its checkpoint and its store agree."""
    peer.put("0", bodies(300))

    options = ("--store", "usage.duckdb", "--batch-size", "10")
    with consuming(tmp_path, *options, EVENTHUB_CONNECTION=peer.connection_string) as process:
        assert process.stderr is not None
        assert "metered 10" in process.stderr.readline()
        process.send_signal(number)
        _, log = process.communicate(timeout=LONGEST_WAIT)

    address = hub_address("", {"EVENTHUB_CONNECTION": peer.connection_string})
    kept = FileCheckpoints(tmp_path / "usage.duckdb.checkpoints").list_checkpoints(address.host, address.hub, GROUP)
    assert 0 == process.returncode, log
    assert [calls_in(tmp_path / "usage.duckdb") - 1] == [item["sequence_number"] for item in kept]


@pytest.mark.sockets
def test_rows_go_to_log_analytics_where_no_store_is_named(peer: Peer, tmp_path: Path) -> None:
    """By the Function's own settings; the checkpoints are where they are told to be."""
    peer.put("0", bodies(2))
    options = ("--until-idle", "0", "--checkpoints", "checkpoints", "--dead-letters", "letters")

    with ingestion_peer() as ingestion:
        settings = {"LOGS_INGESTION_ENDPOINT": ingestion.url, "LOGS_INGESTION_RULE_ID": RULE}
        with consuming(tmp_path, *options, **settings, EVENTHUB_CONNECTION=peer.connection_string) as process:
            out, log = process.communicate(timeout=LONGEST_WAIT)

    assert 0 == process.returncode, log
    assert "rows are in Log Analytics" in out
    assert ["call-0", "call-1"] == [row["CallId"] for row in ingestion.rows]
    assert ["consume"] == [row["Via"] for row in ingestion.rows_of("TokenMeterBatch_CL")]


UNUSABLE = [
    ((), "--hub must be namespace/hub"),
    (("--hub", "contoso-ai/ai-usage"), "--checkpoints must say where"),
    (("--hub", "contoso-ai/ai-usage", "--store", "s", "--from", "yesterday"), "--from must be"),
    (("--hub", "contoso-ai/ai-usage", "--checkpoints", "checkpoints"), "LOGS_INGESTION_ENDPOINT"),
    (("--hub", "contoso-ai/ai-usage", "--store", "gone.duckdb"), "would skip what it held"),
]


@pytest.mark.parametrize(("options", "message"), UNUSABLE)
def test_what_cannot_work_ends_it_at_once(
    tmp_path: Path,
    options: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With status 2 and one line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVENTHUB_CONNECTION", raising=False)
    monkeypatch.delenv("LOGS_INGESTION_ENDPOINT", raising=False)
    monkeypatch.setattr(sys, "argv", ["token-meter", "consume", *options])
    Path("gone.duckdb.checkpoints").touch()

    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr().err
    assert (2, 1) == (ended.value.code, said.count("\n"))
    assert message in said
