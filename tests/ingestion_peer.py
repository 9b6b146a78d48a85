"""A peer on loopback that answers as the Logs Ingestion API does, over a real socket.

Inside a test: `with ingestion_peer() as peer`. As a process of its own, which a test that kills its client needs:
`python -m tests.ingestion_peer --folder DIR --fault-share 0.05 --seed 7` prints its port and appends what it stores to
`DIR/<table>.jsonl`; it ends with its parent, or after `--longest` seconds.
"""

import argparse
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests import loopback
from tests.ingestion_faults import ACCEPTED, LONGEST_SILENCE, Answer, RandomFaults
from tests.ingestion_service import LARGEST_REQUEST, STREAMS, Refused, StoredRow, Stream, as_stored, rows_in, unpacked
from token_meter.pipeline import utc_now

RULE = "dcr-0123456789abcdef0123456789abcdef"
"""The only data collection rule that the peer has."""
REPOSITORY = Path(__file__).parent.parent
LINGER_NOT = struct.pack("ii", 1, 0)
"""Closing a socket then resets the connection (socket(7), SO_LINGER)."""
TOO_LARGE = 413
ANSWERS = "answers.txt"
"""What a peer's process answered, a request a line."""
ENDS_AFTER = 900.0
PARENT_LOOKED_FOR = 0.2


@dataclass(frozen=True, slots=True)
class _Stored:
    visible: datetime
    row: StoredRow


@dataclass
class Peer:
    """What the peer was sent and has stored, and what it is told to answer next."""

    url: str = ""
    accepted: list[tuple[str, list[StoredRow]]] = field(default_factory=list)
    """The stream and the rows, as they were sent, of each request that was answered 204."""
    sizes: list[int] = field(default_factory=list)
    """Bytes of each request that was not over the limit, unpacked."""
    packed_sizes: list[int] = field(default_factory=list)
    """Bytes of each request on the wire."""
    paths: list[str] = field(default_factory=list)
    answers: list[int | Answer] = field(default_factory=list)
    """What to answer, first to last; then `always`."""
    always: int | Answer | None = None
    """What to answer every further request; None for what the service would say."""
    random: RandomFaults = field(default_factory=RandomFaults)
    streams: Mapping[str, Stream] = field(default_factory=lambda: STREAMS)
    """The rule's streams; a test of an older rule declares others."""
    largest_request: int = LARGEST_REQUEST
    loses_what_it_accepts: bool = False
    """A 204 is not yet storage: the workspace is at its daily cap, or the rule's transformation drops the rows."""
    delay: timedelta = timedelta()
    """How long it takes until stored rows are seen by a query."""
    clock: Callable[[], datetime] = utc_now
    gate: Callable[[], object] = lambda: None
    """Called in every request before it is answered: a test holds requests here."""
    folder: Path | None = None
    """Stored rows are appended to files here instead of being kept in memory; nothing else is kept then."""
    most_at_once: int = 0
    _stored: dict[str, list[_Stored]] = field(default_factory=lambda: defaultdict(list))
    _under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def rows(self) -> list[StoredRow]:
        """All accepted usage rows in order, as they were sent."""
        return self.rows_of("TokenUsage_CL")

    def rows_of(self, table: str) -> list[StoredRow]:
        """Return the accepted rows of a table in order, as they were sent."""
        return [row for stream, rows in self.accepted if stream == f"Custom-{table}" for row in rows]

    @property
    def requests(self) -> list[list[StoredRow]]:
        """The rows of each accepted request."""
        return [rows for _, rows in self.accepted]

    def stored(self, table: str) -> list[StoredRow]:
        """Return what a query sees of a table by now, in the order in which it was stored."""
        with self._lock:
            return [item.row for item in self._stored[table] if item.visible <= self.clock()]

    def reset(self) -> None:
        """Forget what was received, and what to answer."""
        fresh = Peer(url=self.url)
        for item in fields(Peer):
            setattr(self, item.name, getattr(fresh, item.name))

    def receive(self, path: str, body: bytes, encoding: str) -> Answer:
        """Take a request and return its answer, having stored what of it is stored."""
        with self._lock:
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            self.gate()
            with self._lock:
                return self._answer(path, body, encoding)
        finally:
            with self._lock:
                self._under_way -= 1

    def _answer(self, path: str, body: bytes, encoding: str) -> Answer:
        told = self.answers.pop(0) if self.answers else self.always
        answer = Answer(told) if isinstance(told, int) else told or self.random.next()
        try:
            self._note(path, body)
            whole = unpacked(body, encoding, self.largest_request)
            self._note_size(whole)
            stream_name, stream = self._stream(path)
            rows = rows_in(whole, stream)
        except Refused as refusal:
            return Answer(refusal.status, code=refusal.code) if answer.accepts else answer
        if told is None and answer.status == TOO_LARGE and len(rows) == 1:
            answer = ACCEPTED  # no single row is too large for the service, and a client rightly takes it for refused
        self._note_answer(answer)
        if answer.accepts and self.folder is None:
            self.accepted.append((stream_name, rows))
        if not self.loses_what_it_accepts:
            self._store(stream_name, stream, rows[: round(len(rows) * answer.share_stored)])
        return answer

    def _note(self, path: str, body: bytes) -> None:
        if self.folder is None:
            self.paths.append(path)
            self.packed_sizes.append(len(body))

    def _note_answer(self, answer: Answer) -> None:
        if self.folder is not None:
            with (self.folder / ANSWERS).open("a", encoding="utf-8") as file:
                file.write(answer.kind + "\n")

    def _note_size(self, whole: bytes) -> None:
        if self.folder is None:
            self.sizes.append(len(whole))

    def _stream(self, path: str) -> tuple[str, Stream]:
        parts = path.partition("?")[0].split("/")
        if len(parts) != 5 or parts[1::2] != ["dataCollectionRules", "streams"] or parts[2] != RULE:
            raise Refused(404, "NotFound")
        if parts[4] not in self.streams:
            raise Refused(404, "NotFound")
        return parts[4], self.streams[parts[4]]

    def _store(self, stream_name: str, stream: Stream, rows: list[StoredRow]) -> None:
        arrival = self.clock()
        table = stream_name.removeprefix("Custom-")
        kept = [as_stored(row, stream, arrival) for row in rows] * self.random.copies()
        if self.folder is None:
            self._stored[table] += [_Stored(arrival + self.delay, row) for row in kept]
            return
        with (self.folder / f"{table}.jsonl").open("a", encoding="utf-8") as file:
            file.write("".join(json.dumps(row) + "\n" for row in kept))


def _handler_of(peer: Peer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with suppress(ConnectionError):  # a client may be killed at any moment
                self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = peer.receive(self.path, body, self.headers.get("Content-Encoding", ""))
            if answer.silent:
                select.select([self.connection], [], [], LONGEST_SILENCE)
            if answer.silent or answer.reset:
                self._break()
                return
            error = json.dumps({"error": {"code": answer.code, "message": "as the peer was told"}}).encode()
            error = b"" if answer.status == ACCEPTED.status else error
            self.send_response(answer.status)
            for name, value in (*answer.headers, ("Content-Length", str(len(error)))):
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(error)

        def _break(self) -> None:
            """Reset the connection: at once, since closing it in an orderly way would be an empty answer."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            os.close(self.connection.detach())

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    return Handler


@contextmanager
def serving(peer: Peer) -> Iterator[Peer]:
    """Serve a peer for as long as the context is open."""
    with loopback.serving(_handler_of(peer)) as port:
        peer.url = f"http://127.0.0.1:{port}"
        yield peer


@contextmanager
def ingestion_peer() -> Iterator[Peer]:
    """Run a peer for as long as the context is open."""
    with serving(Peer()) as peer:
        yield peer


@contextmanager
def peer_process(folder: Path, *options: str) -> Iterator[str]:
    """Run a peer as a process of its own that stores into a folder, and yield its URL."""
    command = [sys.executable, "-m", "tests.ingestion_peer", "--folder", str(folder), "--parent", str(os.getpid())]
    with subprocess.Popen([*command, *options], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def rows_in_folder(folder: Path, table: str) -> list[StoredRow]:
    """Return what a peer's process has stored of a table."""
    path = folder / f"{table}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def answers_in_folder(folder: Path) -> Counter[str]:
    """Return what a peer's process answered, and how often."""
    path = folder / ANSWERS
    return Counter(path.read_text(encoding="utf-8").splitlines()) if path.exists() else Counter()


def main() -> None:
    """Serve until the parent is gone or the time is up."""
    parser = argparse.ArgumentParser(description="A peer that answers as the Logs Ingestion API does.")
    parser.add_argument("--folder", type=Path, required=True, help="where stored rows are appended")
    parser.add_argument("--fault-share", type=float, default=0.0, help="of the requests that meet a fault")
    parser.add_argument("--duplicate-share", type=float, default=0.0, help="of the requests that are stored twice")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parent", type=int, default=os.getppid(), help="process with which it ends")
    parser.add_argument("--longest", type=float, default=ENDS_AFTER, help="seconds after which it ends")
    chosen = parser.parse_args()
    end = time.monotonic() + chosen.longest
    chosen.folder.mkdir(parents=True, exist_ok=True)
    faults = RandomFaults(chosen.fault_share, chosen.duplicate_share, chosen.seed)
    with serving(Peer(folder=chosen.folder, random=faults)) as peer:
        sys.stdout.write(peer.url.rpartition(":")[2] + "\n")
        sys.stdout.flush()
        while os.getppid() == chosen.parent and time.monotonic() < end:
            time.sleep(PARENT_LOOKED_FOR)


if __name__ == "__main__":
    main()
