"""The one record type that every shape on a hub is decoded into, and the two other ways in which decoding can end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from token_meter.codes import Kind, Note, Operation, Reason, Source
from token_meter.events import Origin
from token_meter.jsontypes import Json, JsonObject, dump_json
from token_meter.usage import NOTHING, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One observation of a call, as a gateway told it: the whole exchange or one half of it.

    Absent texts are `""`, absent numbers None. Bodies are raw text, or values where the shape carries them parsed.
    """

    shape: str
    kind: Kind
    origin: Origin
    index: int = 0
    """Place of the record in its event."""
    part: int = 0
    """Which piece of its kind the record is, where a call has several of a kind."""
    request_id: str = ""
    """The gateway's own id of the call; never one that a client chose."""
    own_id: str = ""
    """The record's own id for the call, where the policy made one up (`message-id`)."""
    attempt: int | None = None
    time: datetime | None = None
    culture_times: tuple[datetime, ...] = ()
    """What the record's time may mean where it names no zone, the likeliest first; UTC stands for the zone."""
    time_declared_unknown: bool = False
    duration_ms: float | None = None
    method: str = ""
    url: str = ""
    api_id: str = ""
    operation_id: str = ""
    product_id: str = ""
    subscription_id: str = ""
    region: str = ""
    app_id: str = ""
    app_id_verified: bool | None = None
    entra_tenant_id: str = ""
    user_object_id: str = ""
    client_ip: str = ""
    backend_id: str = ""
    backend_url: str = ""
    status: int | None = None
    request_headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    response_headers: Mapping[str, str] = field(default_factory=dict)
    request_body: Json = None
    response_body: Json = None
    response_content_type: str = ""
    request_cut: bool = False
    response_cut: bool = False
    """Part of the body did not reach the meter."""
    request_bytes: int | None = None
    response_bytes: int | None = None
    custom: Mapping[str, str] = field(default_factory=dict)
    operation: Operation = Operation.UNKNOWN
    """What the record states or its operation's name hints at; paths and bodies speak first."""
    requested_model: str = ""
    served_model: str = ""
    deployment: str = ""
    service_response_id: str = ""
    finish_reason: str = ""
    is_stream: bool | None = None
    stated: Usage = NOTHING
    """Numbers that the record states beside or instead of the bodies."""
    stated_source: Source = Source.REPORTED
    """ESTIMATED where the gateway counted them itself."""
    key: str = field(default="", repr=False)
    """A secret that tells the caller; it leaves the meter as a keyed hash or not at all."""
    piece: int | None = None
    pieces: int | None = None
    """Which piece of a body this is, from 0, and of how many."""
    any_api: bool = False
    """Such records are written for every API, so that one without a sign of a model call is none."""
    notes: tuple[Note, ...] = ()
    identity: bytes = field(default=b"", repr=False)
    """What identifies the call where nothing else does; empty for all of the record."""
    value: JsonObject = field(default_factory=dict, repr=False)
    """The record as it stood on the wire: the identity of last resort, and what a dead letter keeps."""
    raw: bytes = field(default=b"", repr=False)
    """Its bytes, where they are not simply the value's JSON: a record that was cut, or none of JSON at all."""

    @property
    def body(self) -> bytes:
        """The record's own bytes, which a replay can read again. Raises orjson.JSONEncodeError where too deep."""
        return self.raw or dump_json(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A record that gives no row: why, and the bytes that a replay needs."""

    reason: Reason
    stage: str
    origin: Origin
    body: bytes
    index: int = 0
    detail: str = ""
    """Never content: at most the name of a field or of an exception's class."""
    whole: bool = False
    """Whether `body` is the whole event's, since the record's own could not be told or written."""


class Rejected(SetAside):
    """A record that could not be metered; it goes to the dead letters."""

    __slots__ = ()


class Ignored(SetAside):
    """A record that is understood and is no usage."""

    __slots__ = ()
