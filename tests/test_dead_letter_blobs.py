"""Dead letters in Blob Storage: where they lie, and what a store that fails does to a batch."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from azure.core.pipeline.transport import HttpTransport
from azure.storage.blob import ContainerClient

from tests import loopback
from token_meter.blob_storage import ATTEMPTS, CONNECTION_TIMEOUT, READ_TIMEOUT, container_client
from token_meter.codes import Reason
from token_meter.container_address import ContainerAddress, UnusableAddress, container_address
from token_meter.events import Origin
from token_meter.record import Rejected
from token_meter.settings import Settings, SettingsUnusable
from token_meter.sinks.dead_letter_blobs import DeadLetterBlobs, DeadLettersNotKept, dead_letters, path_of
from token_meter.sinks.dead_letters import DeadLetterFolder, DeadLetters

ORIGIN = Origin(
    hub="contoso/usage", partition="3", sequence_number=41, enqueued_time=datetime(2026, 10, 5, 23, 59, 59, tzinfo=UTC)
)
LONGEST_LETTER = 100
"""Seconds that a letter may take; test_in_time.py has all steps of a batch."""
CREATED = 201
SETTINGS = {"LOGS_INGESTION_ENDPOINT": "https://dce.example", "LOGS_INGESTION_RULE_ID": "dcr-0"}


def rejected(origin: Origin = ORIGIN, body: bytes = b"poison") -> Rejected:
    """Return a rejected record."""
    return Rejected(reason=Reason.NOT_JSON, stage="decode", origin=origin, body=body)


def test_letters_lie_by_day_hub_and_partition() -> None:
    """The day on which the first record reached its hub: a batch over midnight is one letter."""
    next_day = replace(ORIGIN, sequence_number=43, enqueued_time=datetime(2026, 10, 6, tzinfo=UTC))

    day, name = path_of([rejected(), rejected(next_day)]).rsplit("/", 1)

    assert "2026/10/05/contoso-usage/3" == day
    assert name.startswith("contoso-usage_3_41-43_")


@pytest.mark.parametrize("origin", [Origin(file="/home/alice/alice@contoso.com.jsonl", line=3), Origin()])
def test_the_name_of_a_file_does_not_become_part_of_a_blobs(origin: Origin) -> None:
    """It may tell of a person; the hash tells letters apart."""
    folder, name = path_of([rejected(origin)]).split("/")

    assert ("undated", 16) == (folder, len(name.removesuffix(".jsonl")))


@pytest.mark.sockets
def test_a_letter_in_azurite_is_what_was_rejected(container: ContainerClient) -> None:
    """As lines of JSON, and told to be that."""
    name = DeadLetterBlobs(container).store([rejected(), rejected(replace(ORIGIN, sequence_number=42))])

    blob = container.download_blob(name)
    lines = [json.loads(line) for line in blob.readall().splitlines()]
    assert [(41, "not_json"), (42, "not_json")] == [(line["sequenceNumber"], line["reason"]) for line in lines]
    assert "application/x-ndjson" == blob.properties.content_settings.content_type


@pytest.mark.sockets
def test_a_batch_that_is_split_on_retry_leaves_its_records_under_the_same_ids(container: ContainerClient) -> None:
    """In more letters, each of which can be replayed: the id makes that harmless."""
    items = [rejected(replace(ORIGIN, sequence_number=number)) for number in (41, 42, 43)]
    letters = DeadLetterBlobs(container)

    for batch in (items, items[:1], items[1:], items):
        letters.store(batch)

    records = [
        json.loads(line)["id"]
        for name in container.list_blob_names()
        for line in container.download_blob(name).readall().splitlines()
    ]
    assert (6, 3) == (len(records), len(set(records)))


@dataclass
class FailingStore:
    """A blob store that answers as it is told, then accepts."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    has_one: bool = False


@contextmanager
def failing_store(*answers: int) -> Iterator[FailingStore]:
    """Run a store for as long as the context is open."""
    store = FailingStore(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            store.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            status = store.answers.pop(0) if store.answers else CREATED
            store.has_one = store.has_one or status == CREATED
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.send_response(200 if store.has_one else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with loopback.serving(Handler) as port:
        store.url = f"http://127.0.0.1:{port}/devstoreaccount1/dead-letters"
        yield store


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note the SDK's pauses instead of waiting."""
    noted: list[float] = []
    monkeypatch.setattr(HttpTransport, "sleep", lambda _, seconds: noted.append(seconds))
    return noted


@pytest.mark.sockets
@pytest.mark.parametrize("status", [500, 503, 408])
def test_a_failure_that_passes_costs_no_letter(pauses: list[float], status: int) -> None:
    """The SDK tries again with what it was given."""
    with failing_store(status, status) as store, container_client(store.url) as client:
        DeadLetterBlobs(client).store([rejected()])

    assert (3, 1, 2) == (len(store.bodies), len(set(store.bodies)), len(pauses))


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("status", "attempts", "told"),
    [
        (503, 3, "status 503"),
        (403, 1, "status 403: grant the identity the role Storage Blob Data Contributor"),
        (404, 1, "status 404: check the container's address"),
    ],
)
def test_a_failure_that_lasts_raises_in_a_sentence(pauses: list[float], status: int, attempts: int, told: str) -> None:
    """With the cure and without what was to be kept; what cannot pass is not tried again."""
    with (
        failing_store(*[status] * 9) as store,
        container_client(store.url) as client,
        pytest.raises(DeadLettersNotKept, match=told) as fault,
    ):
        DeadLetterBlobs(client).store([rejected()])

    assert (attempts, attempts - 1) == (len(store.bodies), len(pauses))
    assert "poison" not in str(fault.value)


def test_a_letter_is_over_within_its_share_of_the_functions_time() -> None:
    """Its attempts, each as long as it may be, and the pauses between them."""
    with container_client("http://127.0.0.1:9/devstoreaccount1/dead-letters") as client:
        policy: Any = client._config.retry_policy  # noqa: SLF001 - the SDK shows its policy nowhere else
        longest = sum(
            policy.get_backoff_time({"count": count}) + 2 * policy.random_jitter_range for count in range(ATTEMPTS - 1)
        )

    assert ATTEMPTS == policy.total_retries + 1
    assert ATTEMPTS * (CONNECTION_TIMEOUT + READ_TIMEOUT) + longest < LONGEST_LETTER


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://a.blob.core.windows.net/c", ("https://a.blob.core.windows.net/c", "")),
        ("https://a.blob.core.windows.net/c/x/y%20z/", ("https://a.blob.core.windows.net/c", "x/y z")),
        ("http://127.0.0.1:10000/devstoreaccount1/c/x", ("http://127.0.0.1:10000/devstoreaccount1/c", "x")),
    ],
)
def test_an_address_is_a_container_and_a_path(url: str, address: tuple[str, str]) -> None:
    """Azurite has the account in the path."""
    assert ContainerAddress(*address) == container_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "c",
        "https://a.blob.core.windows.net",
        "http://a.blob.core.windows.net/c",
        "http://127.0.0.1:10000/devstoreaccount1",
        "http://127.0.0.1:port/devstoreaccount1/c",
        "https://a.blob.core.windows.net/c?sv=2026&sig=secret",
        "https://user:secret@a.blob.core.windows.net/c",
        "file:///c",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    """It may hold a signature."""
    with pytest.raises(UnusableAddress) as fault:
        container_address(url)

    assert "secret" not in str(fault.value)


def stored_by(**environment: str) -> DeadLetters:
    """Return the store that settings describe."""
    return dead_letters(Settings.read({**SETTINGS, **environment}))


def test_settings_name_a_container_or_a_folder() -> None:
    """The one for Azure, the other for one machine."""
    assert isinstance(stored_by(DEAD_LETTER_CONTAINER_URL="https://a.blob.core.windows.net/letters"), DeadLetterBlobs)
    assert isinstance(stored_by(DEAD_LETTER_FOLDER="letters"), DeadLetterFolder)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "DEAD_LETTER_CONTAINER_URL, or"),
        (
            {"DEAD_LETTER_FOLDER": "x", "DEAD_LETTER_CONTAINER_URL": "https://a.blob.core.windows.net/c"},
            "not both",
        ),
        ({"DEAD_LETTER_CONTAINER_URL": "https://a.blob.core.windows.net"}, "DEAD_LETTER_CONTAINER_URL must"),
        ({"DEAD_LETTER_CONTAINER_URL": "https://a.blob.core.windows.net/c?sig=x"}, "without a shared access signature"),
        ({"DEAD_LETTER_FOLDER": "x", "CAPTURE_CONTAINER_URL": "capture"}, "CAPTURE_CONTAINER_URL must"),
        ({"DEAD_LETTER_FOLDER": "x", "CAPTURE_NAME_FORMAT": "{Year}"}, "CAPTURE_NAME_FORMAT"),
    ],
)
def test_settings_that_would_lose_a_letter_are_refused(environment: dict[str, str], named: str) -> None:
    """By the name of the variable, when the first batch comes."""
    with pytest.raises(SettingsUnusable, match=named):
        stored_by(**environment)


@pytest.mark.sockets
@pytest.mark.parametrize("status", [409, 412])
def test_a_letter_that_may_not_be_replaced_is_kept_already(status: int) -> None:
    """Under a policy against changes a retried batch would hold its partition for as long as that lasts."""
    with failing_store(CREATED, status) as store, container_client(store.url) as client:
        names = {DeadLetterBlobs(client).store([rejected()]) for _ in range(2)}

    assert (1, 2) == (len(names), len(store.bodies))


@pytest.mark.sockets
def test_a_letter_under_a_lease_is_kept_already(container: ContainerClient) -> None:
    """As Azurite has it."""
    letters = DeadLetterBlobs(container)
    name = letters.store([rejected()])
    container.get_blob_client(name).acquire_lease()

    assert name == letters.store([rejected()])


@pytest.mark.sockets
@pytest.mark.parametrize("status", [409, 412])
def test_a_letter_that_is_refused_and_not_there_is_not_kept(pauses: list[float], status: int) -> None:
    """As in a container that is being deleted."""
    with (
        failing_store(*[status] * 9) as store,
        container_client(store.url) as client,
        pytest.raises(DeadLettersNotKept, match=f"status {status}"),
    ):
        DeadLetterBlobs(client).store([rejected()])
    assert [] == pauses
