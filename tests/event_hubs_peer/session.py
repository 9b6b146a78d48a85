"""A session: its links by their handles, and the window of transfers that the client lets in."""

from collections.abc import Callable
from typing import Any, Protocol

from tests.event_hubs_peer.amqp_values import UInt
from tests.event_hubs_peer.frames import ATTACH, DETACH, FLOW, TRANSFER, Frame

WINDOW = UInt(1_000_000)
"""Transfers that the peer lets in: as many as any client sends."""
HIGHEST_HANDLE = UInt(255)
FRAME_OVERHEAD = 512
"""Bytes of a transfer's frame less its payload, at most."""

Send = Callable[..., None]
"""Sends a performative on the session's channel: its code, its fields, and a payload."""


class Link(Protocol):
    """One link as its session sees it."""

    def on_flow(self, fields: list[Any], /) -> None:
        """Take the client's word on credit."""

    def on_transfer(self, fields: list[Any], payload: bytes, /) -> None:
        """Take a piece of a message."""

    def on_detach(self) -> None:
        """Let go of everything."""


Attach = Callable[["Session", list[Any]], None]
"""Attaches the link that a client asks for by an attach's fields."""


class Session:
    """One session of a connection."""

    def __init__(self, send: Send, attach: Attach, largest_frame: int, begun: list[Any]) -> None:
        """Take how to send and how to attach a link, the client's frame limit, and what it began the session with."""
        self.send = send
        self.links: dict[int, Link] = {}
        self._attach = attach
        self._payload = largest_frame - FRAME_OVERHEAD
        self._deliveries = 0
        self._next_outgoing = 0
        self._next_incoming = int(begun[1])
        self._window = int(begun[2])

    def as_begun(self) -> list[Any]:
        """Return what the peer begins the session with, after the channel."""
        return [UInt(self._next_outgoing), WINDOW, WINDOW, HIGHEST_HANDLE, None, None, {}]

    def take(self, arrived: Frame) -> None:
        """Do what a frame says. Dispositions need nothing done: the peer keeps what it has sent anyway."""
        fields = arrived.fields
        if arrived.code == ATTACH:
            self._attach(self, fields)
        elif arrived.code == FLOW:
            self._on_flow(fields)
        elif arrived.code == TRANSFER:
            self._next_incoming += 1
            self.links[fields[0]].on_transfer(fields, arrived.payload)
        elif arrived.code == DETACH:
            self._on_detach(fields)

    def _on_flow(self, fields: list[Any]) -> None:
        self._window = (self._next_outgoing if fields[0] is None else fields[0]) + fields[1] - self._next_outgoing
        if fields[4] in self.links:
            self.links[fields[4]].on_flow(fields)
        elif fields[4] is None:
            for link in self.links.values():
                link.on_flow(fields)

    def _on_detach(self, fields: list[Any]) -> None:
        link = self.links.pop(fields[0], None)
        if link is not None:
            link.on_detach()
            self.send(DETACH, [UInt(fields[0]), True])

    def end(self) -> None:
        """Let go of all links."""
        for link in self.links.values():
            link.on_detach()
        self.links.clear()

    def flow(self, handle: int, delivery_count: int, credit: int) -> None:
        """Give a link's client credit to send."""
        session = [UInt(self._next_incoming), WINDOW, UInt(self._next_outgoing), WINDOW]
        self.send(FLOW, [*session, UInt(handle), UInt(delivery_count), UInt(credit), None, False, False, {}])

    @property
    def open(self) -> bool:
        """Whether the client lets another transfer in."""
        return self._window > 0

    def transfer(self, handle: int, message: bytes, *, settled: bool) -> None:
        """Send a message, in as many frames as it takes."""
        delivery = self._deliveries
        self._deliveries += 1
        pieces = [message[at : at + self._payload] for at in range(0, len(message), self._payload)]
        for number, piece in enumerate(pieces, start=1):
            more = number < len(pieces)
            said = [UInt(handle), UInt(delivery), delivery.to_bytes(4), UInt(0), settled, more, None, None]
            self.send(TRANSFER, [*said, False, False, False], piece)
            self._next_outgoing += 1
            self._window -= 1
