"""`token-meter replay` as a user runs it: after a fix, after a loss, and once too often."""

import gzip
import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from tests.event_hubs_peer import HUB, Peer, event_hubs_peer, ticking
from tests.ingestion_peer import RULE, ingestion_peer
from tests.records import record
from tests.replay_cases import BEGAN, FolderPlace, capture_name, captured
from tests.test_command_line import token_meter, write
from token_meter.cli import main
from token_meter.sources.stores import BlobStore

TOTAL = "TokenUsage() | summarize Calls = count(), Tokens = sum(TotalTokens)"
RECOVERED = "TokenRejected() | summarize Records = count() by Outcome | sort by Outcome asc"
BODIES = [json.dumps(record(requestId=name)).encode() for name in ("a", "b", "c")]


def answer(folder: Path, kql: str) -> list[dict[str, object]]:
    """Return what the store of a folder answers."""
    found: list[dict[str, object]] = json.loads(token_meter("query", kql, "--format", "json", folder=folder).stdout)
    return found


def settings_for(ingestion: str, container: ContainerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what a replay into Log Analytics needs, as the Function has it."""
    monkeypatch.setenv("LOGS_INGESTION_ENDPOINT", ingestion)
    monkeypatch.setenv("LOGS_INGESTION_RULE_ID", RULE)
    monkeypatch.setenv("DEAD_LETTER_CONTAINER_URL", container.url)


def reject(folder: Path) -> None:
    """Meter three calls and a line of garbage with a meter that reads none of them."""
    name = write(folder / "events.jsonl", *(json.loads(body) for body in BODIES), "garbage")
    done = token_meter("run", name, "--shape", "S4", folder=folder)
    assert 1 == done.returncode, done.stderr


def test_letters_replayed_after_a_fix_are_metered_and_counted(tmp_path: Path) -> None:
    """What still is no record stays where it lies, and the exit status says so; again, it changes nothing."""
    reject(tmp_path)

    done = [token_meter("replay", "dead-letters", folder=tmp_path) for _ in range(3)]
    answers = answer(tmp_path, TOTAL), answer(tmp_path, RECOVERED)

    assert [1, 1, 1] == [item.returncode for item in done]
    assert "received 4 = metered 3 + rejected 1 + ignored 0" in done[0].stdout
    assert "They are in the dead letters that they came from" in done[0].stdout
    assert done[0].stdout == done[1].stdout == done[2].stdout
    assert [{"Calls": 3, "Tokens": 39}] == answers[0]
    assert [{"Outcome": "metered", "Records": 3}, {"Outcome": "rejected", "Records": 1}] == answers[1]
    assert 1 == len(list((tmp_path / "dead-letters").iterdir()))


def test_the_file_that_the_letters_are_of_gives_the_same_calls(tmp_path: Path) -> None:
    """Whichever is metered again, or both."""
    reject(tmp_path)
    token_meter("replay", "dead-letters", folder=tmp_path)

    token_meter("run", "events.jsonl", folder=tmp_path)

    assert [{"Calls": 3, "Tokens": 39}] == answer(tmp_path, TOTAL)


def test_captured_events_are_replayed_by_period(tmp_path: Path) -> None:
    """Status 0 where all was metered; a packed file is read too."""
    place = FolderPlace(tmp_path / "capture")
    place.put(capture_name(), captured(BODIES))
    place.put(capture_name("4") + ".gz", gzip.compress(captured(BODIES)))

    done = token_meter(
        "replay", "capture", "--start", BEGAN.isoformat(), "--end", (BEGAN + timedelta(seconds=2)).isoformat(),
        folder=tmp_path,
    )  # fmt: skip

    assert 0 == done.returncode, done.stderr
    assert "received 4 = metered 4 + rejected 0 + ignored 0" in done.stdout
    assert [{"Calls": 2, "Tokens": 26}] == answer(tmp_path, TOTAL)


@pytest.mark.sockets
def test_a_container_is_replayed_as_a_folder_is(tmp_path: Path, container: ContainerClient) -> None:
    """Dead letters and captured events, of all of it or of a folder in it."""
    container.upload_blob(capture_name(), captured(BODIES))
    for name in ("one", "two"):
        container.upload_blob(f"x/{name}.jsonl", b"garbage\n")

    everything = token_meter("replay", container.url, folder=tmp_path)
    capture = token_meter("replay", f"{container.url}/contoso-ai", folder=tmp_path)
    one = token_meter("replay", f"{container.url}/{capture_name()}", folder=tmp_path)

    assert (1, 0, 0) == (everything.returncode, capture.returncode, one.returncode), everything.stderr + one.stderr
    assert "2 cannot be replayed: lines that are no record of a dead letter" in everything.stdout
    assert ["received 3 = metered 3 + rejected 0 + ignored 0"] * 3 == [
        done.stdout.splitlines()[0] for done in (everything, capture, one)
    ]


@pytest.mark.sockets
def test_rows_go_to_log_analytics_where_that_is_asked_for(
    tmp_path: Path, container: ContainerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the settings of the Function; what is rejected for the first time goes to its dead letters."""
    FolderPlace(tmp_path / "capture").put(capture_name(), captured([*BODIES, b"poison"]))
    with ingestion_peer() as peer:
        settings_for(peer.url, container, monkeypatch)
        done = token_meter("replay", "capture", "--to", "log-analytics", folder=tmp_path)

    assert 1 == done.returncode, done.stderr
    assert ["a", "b", "c"] == [row["CallId"] for row in peer.rows]
    assert f"They are in {container.url}" in done.stdout
    (letter,) = BlobStore(container).names("")
    assert letter.startswith("2026/10/05/contoso-ai-usage/3/")
    assert not (tmp_path / "usage.duckdb").exists()


@pytest.mark.sockets
def test_letters_need_no_place_for_new_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is rejected again stays where it lies."""
    reject(tmp_path)
    with ingestion_peer() as peer:
        monkeypatch.setenv("LOGS_INGESTION_ENDPOINT", peer.url)
        monkeypatch.setenv("LOGS_INGESTION_RULE_ID", RULE)
        done = token_meter("replay", "dead-letters", "--to", "log-analytics", folder=tmp_path)

    assert 1 == done.returncode, done.stderr
    assert ["a", "b", "c"] == sorted(row["CallId"] for row in peer.rows)
    assert 1 == len(list((tmp_path / "dead-letters").iterdir()))


@pytest.mark.sockets
def test_a_store_that_refuses_ends_in_a_line(
    tmp_path: Path, container: ContainerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the cure, and without a trace."""
    FolderPlace(tmp_path / "capture").put(capture_name(), captured(BODIES))
    with ingestion_peer() as peer:
        peer.always = 403
        settings_for(peer.url, container, monkeypatch)
        done = token_meter("replay", "capture", "--to", "log-analytics", folder=tmp_path)

    assert 2 == done.returncode
    assert "Monitoring Metrics Publisher" in done.stderr
    assert "Traceback" not in done.stderr
    assert 1 == len(done.stderr.strip().splitlines())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "nowhere: nothing is there"),
        ([], "replay takes paths"),
        (["capture", "--hub", "contoso/usage"], "replay takes paths"),
        (["--hub", "contoso/usage", "--start", "2026-10-01"], "replay takes paths"),
        (["capture", "--start", "yesterday"], "--start must be a time"),
        (["capture", "--start", "2026-10-02", "--end", "2026-10-01"], "--start must be before --end"),
        (["capture", "--capture-format", "{Year}"], "--capture-format {Year}: lacks {Namespace}"),
        (["https://account.blob.core.windows.net/c?sig=secret"], "without a shared access signature"),
        (["--hub", "contoso"], "--hub must be namespace/hub"),
        (["--hub", "contoso/usage", "--from", "noon"], "--from must be a sequence number"),
        (["--hub", "contoso/usage", "--until", "offset:7"], "--until must be a sequence number or a time"),
        (["capture", "--to", "log-analytics"], "LOGS_INGESTION_ENDPOINT"),
        (["empty"], "there is nothing to replay"),
    ],
)
def test_what_cannot_be_replayed_is_said_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    """With status 2, and nothing is metered."""
    FolderPlace(tmp_path / "capture").put(capture_name(), captured(BODIES))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["token-meter", "replay", *arguments])

    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr()
    assert (2, "") == (ended.value.code, said.out)
    assert told in said.err
    assert "secret" not in said.err
    assert 1 == len(said.err.strip().splitlines())


def test_damage_costs_one_file_and_ends_in_status_two(tmp_path: Path) -> None:
    """What could be read is metered and counted first."""
    place = FolderPlace(tmp_path / "capture")
    place.put(capture_name("1"), captured(BODIES)[:-30])
    place.put(capture_name("2"), captured(BODIES))
    place.put("copy.avro", captured(BODIES))

    done = token_meter("replay", "capture", folder=tmp_path)

    assert 2 == done.returncode
    assert "received 3 = metered 3" in done.stdout
    assert "2 could not be read: " in done.stderr
    assert "CAPTURE_NAME_FORMAT" in done.stderr


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    """Run a hub of two partitions whose clock goes on by a second an event."""
    with event_hubs_peer(2, clock=ticking(BEGAN)) as peer:
        monkeypatch.setenv("EVENTHUB_CONNECTION", peer.connection_string)
        yield peer


@pytest.mark.sockets
def test_a_gap_in_the_ledger_is_replayed_from_the_hub(tmp_path: Path, hub: Peer) -> None:
    """By partition and sequence numbers, as the ledger names them."""
    hub.put("0", BODIES)
    hub.put("1", [json.dumps(record(requestId=f"other-{number}")).encode() for number in range(5)])

    done = token_meter("replay", "--hub", HUB, "--partition", "1", "--from", "1", "--until", "3", folder=tmp_path)

    assert 0 == done.returncode, done.stderr
    assert "received 3 = metered 3 + rejected 0 + ignored 0" in done.stdout
    found = answer(tmp_path, "TokenUsage_CL | project CallId, Partition, SequenceNumber | sort by CallId asc")
    assert [(f"other-{number}", "1", number) for number in (1, 2, 3)] == [tuple(row.values()) for row in found]


@pytest.mark.sockets
def test_letters_in_a_container_of_a_hub_are_recovered_by_replaying_the_hub(
    tmp_path: Path, hub: Peer, container: ContainerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `consume` set aside with a broken meter, the hub's own events recover, without their letters."""
    hub.put("0", [*BODIES, b"garbage"])
    with ingestion_peer() as peer:
        settings_for(peer.url, container, monkeypatch)
        checkpoints = str(tmp_path / "checkpoints")
        consumed = token_meter(
            "consume", "--hub", HUB, "--shape", "S4", "--until-idle", "0", "--checkpoints", checkpoints, folder=tmp_path
        )
        replayed = token_meter("replay", "--hub", HUB, "--to", "log-analytics", folder=tmp_path)

    assert (1, 1) == (consumed.returncode, replayed.returncode), consumed.stderr + replayed.stderr
    assert f"They are in {container.url}" in consumed.stdout
    assert ["a", "b", "c"] == [row["CallId"] for row in peer.rows]
    rejected = peer.rows_of("TokenMeterRejected_CL")
    assert (5, 4) == (len(rejected), len({row["EventId"] for row in rejected}))
