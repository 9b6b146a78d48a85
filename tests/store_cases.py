"""The stores that tests/test_sink_compliance.py runs against: a new one adds a case to TABLE_SINKS or LETTER_STORES."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import duckdb
import pytest
from orjson import JSONEncodeError

from tests.ingestion_client import sink_to
from tests.ingestion_peer import Peer, ingestion_peer
from tests.ingestion_service import StoredRow
from tests.stored_rows import load_stored
from tests.usage_rows import NOON
from token_meter.kql import run_query
from token_meter.sinks import Sink
from token_meter.sinks.dead_letters import DeadLetterFolder, DeadLetters
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.sinks.ingestion_failures import IngestionFailed
from token_meter.tables import TABLES

Fault: TypeAlias = type[Exception] | tuple[type[Exception], ...]
"""What a store raises that cannot keep what it is given."""


class TableCase(Protocol):
    """A sink under test, and a look into its store from behind."""

    sink: Sink
    fault: Fault

    def broken(self) -> AbstractContextManager[None]:
        """Break the store for as long as the context is open."""

    def stored(self, table: str) -> list[StoredRow]:
        """Return a table's rows as JSON has them, in the order in which they were stored."""

    def query(self, kql: str) -> Any:
        """Return the rows of an answer."""


class LogsIngestionCase:
    """The Logs Ingestion sink and a peer."""

    sink: Sink
    fault: Fault = IngestionFailed

    def __init__(self, peer: Peer) -> None:
        """Take the peer."""
        peer.clock = lambda: NOON
        self.peer = peer
        self.sink = sink_to(peer)

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Answer 503."""
        self.peer.always = 503
        yield
        self.peer.always = None

    def stored(self, table: str) -> list[StoredRow]:
        """Return what the peer has stored."""
        return self.peer.stored(table)

    def query(self, kql: str) -> Any:
        """Ask the embedded store, with what the peer has stored in it."""
        with DuckDbStore(":memory:") as store:
            load_stored(store, "TokenUsage_CL", self.stored("TokenUsage_CL"))
            return run_query(store, kql).rows


class DuckDbCase:
    """The embedded store, in a file."""

    sink: Sink
    fault: Fault = (duckdb.Error, JSONEncodeError)

    def __init__(self, path: Path) -> None:
        """Open a store."""
        self.sink = self.store = DuckDbStore(str(path))

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Take the tables away for a while, as a store does that is being replaced."""
        for kind in TABLES:
            self.store.connection.execute(f'ALTER TABLE "{kind.TABLE}" RENAME TO "{kind.TABLE}_away"')
        yield
        for kind in TABLES:
            self.store.connection.execute(f'ALTER TABLE "{kind.TABLE}_away" RENAME TO "{kind.TABLE}"')

    def stored(self, table: str) -> list[StoredRow]:
        """Return the table's rows."""
        result = run_query(self.store, table)
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]

    def query(self, kql: str) -> Any:
        """Ask the store."""
        return run_query(self.store, kql).rows


@contextmanager
def logs_ingestion(_: Path) -> Iterator[TableCase]:
    """Make the case of the Logs Ingestion sink."""
    with ingestion_peer() as peer:
        yield LogsIngestionCase(peer)


@contextmanager
def embedded_store(folder: Path) -> Iterator[TableCase]:
    """Make the case of the embedded store."""
    case = DuckDbCase(folder / "usage.duckdb")
    with case.store:
        yield case


TABLE_SINKS = [
    pytest.param(logs_ingestion, id="logs-ingestion", marks=pytest.mark.sockets),
    pytest.param(embedded_store, id="duckdb"),
]


class LetterCase(Protocol):
    """A store of dead letters under test, and a look into it from behind."""

    letters: DeadLetters
    fault: Fault

    def broken(self) -> AbstractContextManager[None]:
        """Break the store for as long as the context is open."""

    def kept(self) -> dict[str, list[dict[str, Any]]]:
        """Return every letter's records by the letter's name."""


class FolderCase:
    """Dead letters in a folder."""

    letters: DeadLetters
    fault: Fault = OSError

    def __init__(self, folder: Path) -> None:
        """Take the folder."""
        self._folder = folder
        self.letters = DeadLetterFolder(folder)

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Put a file where the folder would be."""
        away = self._folder.with_name("away")
        if self._folder.exists():
            self._folder.rename(away)
        self._folder.touch()
        yield
        self._folder.unlink()
        if away.exists():
            away.rename(self._folder)

    def kept(self) -> dict[str, list[dict[str, Any]]]:
        """Read the files."""
        return {
            path.name: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            for path in (self._folder.iterdir() if self._folder.exists() else ())
        }


@contextmanager
def folder_of_letters(folder: Path) -> Iterator[LetterCase]:
    """Make the case of the folder."""
    yield FolderCase(folder / "letters")


LETTER_STORES = [pytest.param(folder_of_letters, id="folder")]
