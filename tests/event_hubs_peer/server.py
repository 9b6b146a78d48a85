"""The peer as a server on loopback, in a thread of a test or as a process of its own."""

import asyncio
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from tests.event_hubs_peer.connection import Connection
from tests.event_hubs_peer.messages import Sent, data_of
from tests.event_hubs_peer.stream import EventHub

HOST = "127.0.0.1"
HUB = "ai-usage"
REPOSITORY = Path(__file__).parent.parent.parent
T = TypeVar("T")


def now_in_milliseconds() -> int:
    """Return the present moment."""
    return time.time_ns() // 1_000_000


def ticking(first: datetime) -> Callable[[], int]:
    """Return a clock that goes on by a second whenever it is looked at: the same events then have the same times."""
    return itertools.count(int(first.timestamp()) * 1_000, 1_000).__next__


@dataclass(slots=True)
class Server:
    """A hub being served."""

    hub: EventHub
    port: int = 0
    connections: set[Connection] = field(default_factory=set)

    async def start(self, port: int = 0) -> asyncio.Server:
        """Listen, at any free port where none is given."""
        server = await asyncio.start_server(self._serve, HOST, port)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self.hub, reader, writer)
        self.connections.add(connection)
        try:
            await connection.serve()
        finally:
            self.connections.discard(connection)

    @property
    def connection_string(self) -> str:
        """What a client connects with. The SDK speaks without TLS to what says that it is the emulator."""
        return connection_string_of(self.port, self.hub.name)


def connection_string_of(port: int, hub: str) -> str:
    """Return what a client connects with to a peer at a port."""
    key = "SharedAccessKeyName=peer;SharedAccessKey=none"
    return f"Endpoint=sb://{HOST}:{port};{key};EntityPath={hub};UseDevelopmentEmulator=true"


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer in a thread of this process."""

    server: Server
    loop: asyncio.AbstractEventLoop

    @property
    def connection_string(self) -> str:
        """What a client connects with."""
        return self.server.connection_string

    @property
    def hub(self) -> EventHub:
        """The hub, to look at."""
        return self.server.hub

    def put(self, partition: str, bodies: Sequence[bytes]) -> None:
        """Append events to a partition without the way over the wire."""
        self._run(self._put(partition, bodies))

    async def _put(self, partition: str, bodies: Sequence[bytes]) -> None:
        self.hub.append([Sent(None, data_of(body)) for body in bodies], self.hub.partition(partition))

    def break_connections(self) -> None:
        """Break every client's connection, as a network does."""
        self._run(self._break())

    async def _break(self) -> None:
        for connection in tuple(self.server.connections):
            connection.abort()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        done: Future[T] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return done.result(timeout=30)


@contextmanager
def event_hubs_peer(partitions: int = 1, *, clock: Callable[[], int] = now_in_milliseconds) -> Iterator[Peer]:
    """Run a peer in a thread for as long as the context is open."""
    started: Future[Peer] = Future()
    stopping = threading.Event()

    async def serve() -> None:
        server = Server(EventHub(HUB, partitions, clock))
        listening = await server.start()
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        watch = threading.Thread(target=lambda: (stopping.wait(), loop.call_soon_threadsafe(stop.set)))
        watch.start()
        started.set_result(Peer(server, loop))
        await stop.wait()
        listening.close()
        for connection in tuple(server.connections):
            connection.abort()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield started.result(timeout=30)
    finally:
        stopping.set()
        thread.join()


@contextmanager
def peer_process(*options: str) -> Iterator[str]:
    """Run a peer as a process of its own and yield its connection string."""
    command = [sys.executable, "-m", "tests.event_hubs_peer", "--parent", str(os.getpid()), *options]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
