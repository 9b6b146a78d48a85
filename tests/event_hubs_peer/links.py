"""The links that a client attaches: to send to the hub, to read a partition, and to ask `$cbs` and `$management`."""

import re
from dataclasses import dataclass, field
from typing import Any

from tests.event_hubs_peer.amqp_values import Described, Symbol, UInt, ULong
from tests.event_hubs_peer.frames import ATTACH, DETACH, DISPOSITION
from tests.event_hubs_peer.messages import Request, events_in, request_in, response_to
from tests.event_hubs_peer.nodes import answer
from tests.event_hubs_peer.session import Session
from tests.event_hubs_peer.stream import EventHub, Partition

CREDIT = 1_000
LARGEST_MESSAGE = ULong(1_048_576)
"""Bytes of one transfer (Event Hubs quotas, standard tier)."""
SELECTOR = Symbol("apache.org:selector-filter:string")
EPOCH = Symbol("com.microsoft:epoch")
ACCEPTED = Described(ULong(0x24), [])
REJECTED, ERROR = ULong(0x25), ULong(0x1D)
STOLEN, NOT_FOUND = Symbol("amqp:link:stolen"), Symbol("amqp:not-found")
SENDER_SETTLES = 1
ASKED = frozenset({"$cbs", "$management"})
ADDRESS = re.compile(
    r"(?:amqps?://[^/]+/)?(?P<hub>[^/]+)(?:/consumergroups/(?P<group>[^/]+))?(?:/partitions/(?P<partition>[^/]+))?",
    re.IGNORECASE,
)


def attach(hub: EventHub, session: Session, fields: list[Any]) -> None:
    """Attach the link that a client asks for, or refuse it with the reason."""
    handle, client_receives = int(fields[1]), bool(fields[2])
    terminus = fields[5] if client_receives else fields[6]
    address = terminus.value[0] if terminus is not None else ""
    node = ADDRESS.fullmatch(address)
    _accept(session, fields)
    if address in ASKED:
        link = Answering(session, hub, handle, address, client_receives=client_receives)
        session.links[handle] = link
        link.begin()
        return
    partition = hub.partition(node["partition"]) if node and node["partition"] else None
    if node is None or node["hub"] != hub.name or (partition is None and (client_receives or node["partition"])):
        refuse(session, handle, NOT_FOUND, "there is no such hub or partition")
    elif not client_receives:
        taking = Taking(session, hub, handle, partition)
        session.links[handle] = taking
        taking.begin()
    elif hub.groups is not None and node["group"] not in hub.groups:
        refuse(session, handle, NOT_FOUND, "there is no such consumer group")
    elif partition is not None:
        _read(session, fields, partition, (node["group"] or "").lower())


def _accept(session: Session, fields: list[Any]) -> None:
    name, handle, client_receives, snd, rcv, source, target = fields[:7]
    count = UInt(0) if client_receives else None
    said = [name, UInt(handle), not client_receives, snd, rcv, source, target, None, None, count]
    session.send(ATTACH, [*said, LARGEST_MESSAGE, None, None, {}])


def refuse(session: Session, handle: int, condition: Symbol, why: str) -> None:
    """End a link for a reason."""
    session.links.pop(handle, None)
    session.send(DETACH, [UInt(handle), True, Described(ERROR, [condition, why, None])])


def _read(session: Session, fields: list[Any], partition: Partition, group: str) -> None:
    """Attach a reader, unless one with a higher epoch reads already; readers with no higher one have to go."""
    handle = int(fields[1])
    selector = (fields[5].value[7] or {}).get(SELECTOR)
    epoch = (fields[13] or {}).get(EPOCH)
    reader = Reading(session, handle, partition, group, epoch, settled=fields[3] == SENDER_SETTLES)
    rivals = [rival for rival in partition.readers if isinstance(rival, Reading) and rival.group == group]
    if any(rival.outranks(reader) for rival in rivals):
        refuse(session, handle, STOLEN, "a reader with a higher epoch has the partition")
        return
    if epoch is not None:
        for rival in rivals:
            rival.on_detach()
            refuse(rival.session, rival.handle, STOLEN, "a reader with a higher or the same epoch has come")
    reader.begin("" if selector is None else selector.value)


@dataclass(eq=False, slots=True)
class Reading:
    """A link on which the client reads a partition."""

    session: Session
    handle: int
    partition: Partition
    group: str
    epoch: int | None
    settled: bool
    _place: int = 0
    _credit: int = 0
    _count: int = 0

    def outranks(self, other: "Reading") -> bool:
        """Whether the other may not read beside this one."""
        return self.epoch is not None and (other.epoch is None or other.epoch < self.epoch)

    def begin(self, selector: str) -> None:
        """Read from the place that a filter names."""
        self._place = self.partition.place_of(selector)
        self.session.links[self.handle] = self
        self.partition.readers.add(self)

    def on_flow(self, fields: list[Any]) -> None:
        """Send as much as the client's credit allows."""
        if fields[6] is not None:
            self._credit = (fields[5] or 0) + fields[6] - self._count
        self.wake()

    def on_transfer(self, _fields: list[Any], _payload: bytes) -> None:
        """Refuse: the client is the receiver here."""
        raise ValueError("a transfer on a receiver's link")

    def on_detach(self) -> None:
        """Stop reading."""
        self.partition.readers.discard(self)

    def wake(self) -> None:
        """Send what there is, as far as the client lets it in."""
        while self._credit > 0 and self._place < len(self.partition.messages) and self.session.open:
            message = self.partition.messages[self._place]
            self.session.transfer(self.handle, message, settled=self.settled)
            self._place += 1
            self._credit -= 1
            self._count += 1


@dataclass(slots=True)
class _Arriving:
    """A client's messages on a link, put together out of their pieces."""

    session: Session
    handle: int
    count: int = 0
    _left: int = CREDIT
    _pieces: list[bytes] = field(default_factory=list)
    _first: list[Any] = field(default_factory=list)

    def grant(self) -> None:
        self.session.flow(self.handle, self.count, CREDIT)
        self._left = CREDIT

    def add(self, fields: list[Any], payload: bytes) -> tuple[int, int, bytes] | None:
        """Return the delivery, the message format and the whole message once it is there."""
        self._first = self._first or fields
        self._pieces.append(payload)
        if fields[5]:
            return None
        message, first = b"".join(self._pieces), self._first
        self._pieces, self._first = [], []
        self.count += 1
        self._left -= 1
        if self._left < CREDIT // 2:
            self.grant()
        return int(first[1]), int(first[3] or 0), message

    def settle(self, delivery: int, state: Described) -> None:
        self.session.send(DISPOSITION, [True, UInt(delivery), UInt(delivery), True, state, False])


class Taking:
    """A link on which the client sends events."""

    def __init__(self, session: Session, hub: EventHub, handle: int, partition: Partition | None) -> None:
        """Take the partition that the client sends to; None where the hub chooses."""
        self._hub = hub
        self._partition = partition
        self._arriving = _Arriving(session, handle)

    def begin(self) -> None:
        """Let the client send."""
        self._arriving.grant()

    def on_flow(self, _fields: list[Any]) -> None:
        """Nothing to do: the client's own credit is not used."""

    def on_transfer(self, fields: list[Any], payload: bytes) -> None:
        """Take the events of a message in; all of them or none."""
        arrived = self._arriving.add(fields, payload)
        if arrived is None:
            return
        delivery, message_format, message = arrived
        if len(message) > LARGEST_MESSAGE:
            error = Described(ERROR, [Symbol("amqp:link:message-size-exceeded"), "too large", None])
            self._arriving.settle(delivery, Described(REJECTED, [error]))
            return
        self._hub.append(events_in(message, message_format), self._partition)
        self._arriving.settle(delivery, ACCEPTED)

    def on_detach(self) -> None:
        """Nothing is held."""


class Answering:
    """Either half of a pair of links: on one the client asks, on the other it is answered."""

    def __init__(self, session: Session, hub: EventHub, handle: int, node: str, *, client_receives: bool) -> None:
        """Take the node's name, and which half it is."""
        self._session = session
        self._hub = hub
        self._handle = handle
        self._node = node
        self._client_receives = client_receives
        self._arriving = _Arriving(session, handle)

    def begin(self) -> None:
        """Let the client ask."""
        if not self._client_receives:
            self._arriving.grant()

    def on_flow(self, _fields: list[Any]) -> None:
        """Nothing to do: a client that asks waits for each answer."""

    def on_transfer(self, fields: list[Any], payload: bytes) -> None:
        """Answer a request on the session's other link to the same node."""
        arrived = self._arriving.add(fields, payload)
        if arrived is None:
            return
        delivery, _, message = arrived
        self._arriving.settle(delivery, ACCEPTED)
        request = request_in(message)
        for link in tuple(self._session.links.values()):
            if isinstance(link, Answering) and link.answers(self._node):
                link.reply(request)

    def answers(self, node: str) -> bool:
        """Whether answers of a node go this way."""
        return self._client_receives and self._node == node

    def reply(self, request: Request) -> None:
        """Send the answer to a request."""
        application, value = answer(self._hub, self._node, request.application)
        message = response_to(request, application, value)
        self._session.transfer(self._handle, message, settled=True)

    def on_detach(self) -> None:
        """Nothing is held."""
