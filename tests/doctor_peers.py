"""An installation on loopback for `token-meter doctor`: services are peers over real sockets, the command a process.

Log Analytics answers from what Logs Ingestion has accepted, so that a canary is waited for as it is in Azure.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from azure.eventhub import EventHubConsumerClient

from tests.azure_peers import Silent, identity_endpoint, identity_variables, post_endpoint
from tests.event_hubs_peer import HUB, event_hubs_peer
from tests.event_hubs_peer import Peer as HubPeer
from tests.event_hubs_peer.server import now_in_milliseconds
from tests.hub_clients import LONGEST_WAIT
from tests.ingestion_faults import ACCEPTED
from tests.ingestion_peer import RULE
from tests.ingestion_peer import Peer as Ingestion
from tests.log_analytics_peer import LogAnalyticsPeer, log_analytics_peer
from tests.loopback import serving
from tests.metrics_peer import MetricsPeer, metrics_peer
from tests.records import bearer
from tests.stored_rows import load_stored
from token_meter.pipeline import utc_now
from token_meter.sinks.duckdb_store import DuckDbStore

GROUP = "token-meter"
CLIENT_ID = "1c9f0f2e-3b5d-4a51-9d0e-0a8c2f6b7d11"
OBJECT_ID = "7e1d2c3b-4a59-4687-9a1b-2c3d4e5f6a7b"
TOKEN = bearer(oid=OBJECT_ID, appid=CLIENT_ID).removeprefix("Bearer ")
REPOSITORY = Path(__file__).parent.parent
LONGEST_RUN = 120
"""Seconds of the command."""


@dataclass
class Installation:
    """The peers, and the settings that lead to them."""

    folder: Path
    hub: HubPeer
    ingestion: Ingestion
    counters: MetricsPeer
    workspace: LogAnalyticsPeer
    settings: dict[str, str]
    machine: dict[str, str]
    """Variables of the process that are no settings of the meter."""
    authorizations: list[str] = field(default_factory=list)
    ahead: timedelta = timedelta()
    """How far the clock of Logs Ingestion is ahead."""
    loses_rows: bool = False
    """Whether accepted rows never reach the table."""

    def doctor(self, *options: str, **changed: str) -> "Examined":
        """Run the command with the settings in a file; `changed` replaces some, and removes those that are empty."""
        values = {name: value for name, value in {**self.settings, **changed}.items() if value}
        file = self.folder / "settings.json"
        file.write_text(json.dumps({"IsEncrypted": False, "Values": values}), encoding="utf-8")
        return run_doctor(self.folder, self.machine, "--settings", str(file), "--format", "json", *options)


@dataclass(frozen=True)
class Examined:
    """What the command said."""

    status: int
    output: str
    errors: str

    @property
    def checks(self) -> dict[str, dict[str, str]]:
        """The checks by name."""
        return {check["name"]: check for check in json.loads(self.output)}

    @property
    def failed(self) -> dict[str, tuple[str, str]]:
        """What was seen and the cure, of the checks that failed."""
        return {
            name: (check["seen"], check["cure"]) for name, check in self.checks.items() if check["state"] == "failed"
        }


def environment(folder: Path, machine: Mapping[str, str]) -> dict[str, str]:
    """Return a process's variables: those of the machine, and of this process only where Python is."""
    inherited = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    path = os.pathsep.join(filter(None, (str(REPOSITORY), inherited.get("PYTHONPATH", ""))))
    return {**inherited, "PYTHONPATH": path, "HOME": str(folder), **machine}


def run_doctor(folder: Path, machine: Mapping[str, str], *options: str, text: str | None = None) -> Examined:
    """Run the command in a folder, on a machine with these variables."""
    done = subprocess.run(
        [sys.executable, "-m", "token_meter", "doctor", *options],
        cwd=folder,
        env=environment(folder, machine),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_RUN,
    )
    return Examined(done.returncode, done.stdout, done.stderr)


@contextmanager
def installation(
    folder: Path,
    container_url: str = "",
    *,
    identity: str = CLIENT_ID,
    hub_clock: Callable[[], int] = now_in_milliseconds,
) -> Iterator[Installation]:
    """Run all peers for as long as the context is open; `identity` is the client id that the machine has."""
    with ExitStack() as stack:
        store = stack.enter_context(DuckDbStore(":memory:"))
        workspace = stack.enter_context(log_analytics_peer(store, folder))
        hub = stack.enter_context(event_hubs_peer(2, clock=hub_clock))
        hub.put("0", [b"{}"])
        counters = stack.enter_context(metrics_peer())
        signing = stack.enter_context(serving(identity_endpoint(token=TOKEN, client_id=identity)))
        running = Installation(folder, hub, Ingestion(), counters, workspace, {}, {})
        port = stack.enter_context(serving(_logs_ingestion(running), (workspace.certificate, folder / "peer.key")))
        running.machine |= {
            "REQUESTS_CA_BUNDLE": str(workspace.certificate),
            **identity_variables(signing),
        }
        running.settings |= {
            "EventHubConnection": hub.connection_string,
            "EVENT_HUB_NAME": HUB,
            "EVENT_HUB_CONSUMER_GROUP": GROUP,
            "LOGS_INGESTION_ENDPOINT": f"https://localhost:{port}",
            "LOGS_INGESTION_RULE_ID": RULE,
            "LOG_ANALYTICS_ENDPOINT": workspace.endpoint,
            "APPLICATIONINSIGHTS_CONNECTION_STRING": counters.connection_string,
            "AZURE_CLIENT_ID": CLIENT_ID,
            **({"DEAD_LETTER_CONTAINER_URL": container_url} if container_url else {"DEAD_LETTER_FOLDER": "letters"}),
        }
        yield running


def _logs_ingestion(running: Installation) -> type[BaseHTTPRequestHandler]:
    """Return Logs Ingestion over HTTPS, which hands what it stores over to the workspace."""
    codes: list[str] = []

    def take(path: str, authorization: str, encoding: str, body: bytes) -> int:
        running.authorizations.append(authorization)
        before = len(running.ingestion.stored("TokenUsage_CL"))
        answer = running.ingestion.receive(path, body, encoding)
        if not running.loses_rows:
            rows = running.ingestion.stored("TokenUsage_CL")[before:]
            load_stored(running.workspace.store, "TokenUsage_CL", rows)
        codes.append(answer.code)
        return answer.status

    class Dated(post_endpoint(take)):  # type: ignore[misc]
        def answer(self, status: int, content: dict[str, Any]) -> None:
            """Tell the error's code where it is one."""
            super().answer(status, content if status == ACCEPTED.status else {"error": {"code": codes[-1]}})

        def date_time_string(self, _timestamp: float | None = None) -> str:
            """Say what time it is there."""
            return format_datetime(utc_now() + running.ahead, usegmt=True)

    return Dated


def refusing_storage(status: int, code: str) -> type[BaseHTTPRequestHandler]:
    """Return a handler that refuses as Blob Storage does: the code stands in a header."""

    class Storage(Silent):
        def do_PUT(self) -> None:  # noqa: N802 - the library's name
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("x-ms-error-code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Storage


@contextmanager
def read_by_its_owner(hub: HubPeer) -> Iterator[None]:
    """Read a hub's first partition as the Functions host does, which shares it with nobody."""
    client = EventHubConsumerClient.from_connection_string(hub.connection_string, GROUP)
    begun = threading.Event()
    thread = threading.Thread(
        target=lambda: client.receive_batch(
            lambda *_: begun.set(), partition_id="0", owner_level=0, starting_position="-1"
        )
    )
    thread.start()
    begun.wait(LONGEST_WAIT)
    try:
        yield
    finally:
        client.close()
        thread.join()


@contextmanager
def metering(running: Installation) -> Iterator[None]:
    """Meter the hub's one event and the next one as the identity does, by the installation's settings."""
    connection = {"EVENTHUB_CONNECTION": running.hub.connection_string}
    options = ("--group", GROUP, "--checkpoints", "checkpoints", "--share-every", "0.2", "--max-events", "2")
    with subprocess.Popen(
        [sys.executable, "-m", "token_meter", "consume", *options],
        cwd=running.folder,
        env=environment(running.folder, {**running.machine, **running.settings, **connection}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def secrets_of(values: Mapping[str, Any]) -> list[str]:
    """Return what of the settings and the machine must appear in no output."""
    return [TOKEN, TOKEN.split(".")[1], values["APPLICATIONINSIGHTS_CONNECTION_STRING"], values["EventHubConnection"]]
