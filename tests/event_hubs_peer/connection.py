"""One client's connection: the SASL layer, then sessions with links to the hub, to `$cbs` and to `$management`.

Any token is taken: the peer guards nothing. What Event Hubs' own protocol adds to AMQP is documented in "AMQP 1.0 in
Azure Service Bus and Event Hubs protocol guide" (Microsoft Learn).
"""

import asyncio
import functools
from typing import Any

from tests.event_hubs_peer.amqp_values import Array, Symbol, UByte, UInt, UShort
from tests.event_hubs_peer.frames import (
    AMQP_HEADER,
    BEGIN,
    CLOSE,
    END,
    HEAD,
    LARGEST_FRAME,
    OPEN,
    SASL,
    SASL_HEADER,
    SASL_MECHANISMS,
    SASL_OUTCOME,
    Frame,
    frame,
    read_frame,
)
from tests.event_hubs_peer.links import attach
from tests.event_hubs_peer.session import Session
from tests.event_hubs_peer.stream import EventHub

HIGHEST_CHANNEL = 255


class Connection:
    """What one client has open."""

    def __init__(self, hub: EventHub, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the hub that is served and the socket's two ends."""
        self._hub = hub
        self._reader = reader
        self._writer = writer
        self._sessions: dict[int, Session] = {}
        self._largest_frame = LARGEST_FRAME

    async def serve(self) -> None:
        """Serve until the client closes or breaks the connection."""
        try:
            header = await self._reader.readexactly(len(AMQP_HEADER))
            if header == SASL_HEADER:
                await self._authenticate()
                header = await self._reader.readexactly(len(AMQP_HEADER))
            self._writer.write(AMQP_HEADER)
            while header == AMQP_HEADER and self._take(await self._next_frame()):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            self._end_sessions()
            self._writer.close()

    def abort(self) -> None:
        """Break the connection, as a network does."""
        self._writer.transport.abort()

    async def _authenticate(self) -> None:
        mechanisms = Array([Symbol("ANONYMOUS"), Symbol("MSSBCBS")])
        self._writer.write(SASL_HEADER + frame(0, SASL_MECHANISMS, [mechanisms], kind=SASL))
        await self._next_frame()
        self._writer.write(frame(0, SASL_OUTCOME, [UByte(0)], kind=SASL))

    async def _next_frame(self) -> Frame | None:
        size, offset, _, channel = HEAD.unpack(await self._reader.readexactly(HEAD.size))
        body = await self._reader.readexactly(size - HEAD.size)
        return read_frame(channel, body[offset * 4 - HEAD.size :])

    def _take(self, arrived: Frame | None) -> bool:
        """Do what a frame says; return whether the connection stays open."""
        if arrived is None:
            return True
        if arrived.code == OPEN:
            self._open(arrived.fields)
        elif arrived.code == CLOSE:
            self._send(0, CLOSE, [])
            return False
        elif arrived.code == BEGIN:
            self._begin(arrived.channel, arrived.fields)
        elif arrived.channel in self._sessions:
            self._within_session(arrived)
        return True

    def _open(self, fields: list[Any]) -> None:
        self._largest_frame = min(fields[2] or LARGEST_FRAME, LARGEST_FRAME)
        said = ["event-hubs-peer", None, UInt(LARGEST_FRAME), UShort(HIGHEST_CHANNEL)]
        self._send(0, OPEN, [*said, None, None, None, None, None, {}])

    def _begin(self, channel: int, fields: list[Any]) -> None:
        send, attaching = functools.partial(self._send, channel), functools.partial(attach, self._hub)
        session = Session(send, attaching, self._largest_frame, fields)
        self._sessions[channel] = session
        self._send(channel, BEGIN, [UShort(channel), *session.as_begun()])

    def _within_session(self, arrived: Frame) -> None:
        """Do what a frame says to its session; what comes for one that has ended is past."""
        if arrived.code == END:
            self._sessions.pop(arrived.channel).end()
            self._send(arrived.channel, END, [])
        else:
            self._sessions[arrived.channel].take(arrived)

    def _send(self, channel: int, code: int, fields: list[Any], payload: bytes = b"") -> None:
        if not self._writer.is_closing():
            self._writer.write(frame(channel, code, fields, payload))

    def _end_sessions(self) -> None:
        for session in self._sessions.values():
            session.end()
        self._sessions.clear()
