"""A peer on loopback that answers as the Logs Ingestion API does, over a real socket."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGEST_REQUEST = 1_048_576
ACCEPTED, TOO_LARGE, NOT_FOUND = 204, 413, 404


@dataclass
class Peer:
    """What the peer was sent, and what it is told to answer next."""

    url: str = ""
    accepted: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    """The stream and the rows of each accepted request."""
    sizes: list[int] = field(default_factory=list)
    """Bytes of each request, unpacked."""
    paths: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Statuses to answer with, first to last; then it accepts."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All accepted usage rows in order."""
        return self.rows_of("TokenUsage_CL")

    def rows_of(self, table: str) -> list[dict[str, Any]]:
        """Return the accepted rows of a table in order."""
        return [row for stream, rows in self.accepted if stream == f"Custom-{table}" for row in rows]

    @property
    def requests(self) -> list[list[dict[str, Any]]]:
        """The rows of each accepted request."""
        return [rows for _, rows in self.accepted]

    def answer(self, path: str, body: bytes) -> int:
        """Take a request and return the status of its answer."""
        self.paths.append(path)
        self.sizes.append(len(body))
        if len(body) > LARGEST_REQUEST:
            return TOO_LARGE
        status = self.answers.pop(0) if self.answers else ACCEPTED
        if status == ACCEPTED:
            self.accepted.append((path.split("/streams/", 1)[1].split("?", 1)[0], json.loads(body)))
        return status


@contextmanager
def ingestion_peer() -> Iterator[Peer]:
    """Run a peer for as long as the context is open."""
    peer = Peer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            status = peer.answer(self.path, body)
            self.send_response(status)
            error = b"" if status == ACCEPTED else b'{"error":{"code":"Refused","message":"as told"}}'
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(error)))
            self.end_headers()
            self.wfile.write(error)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    peer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
