"""The one record type that every shape on a hub is decoded into, and the two other ways in which decoding can end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from token_meter.codes import Kind, Note, Reason
from token_meter.events import Origin
from token_meter.jsontypes import Json, JsonObject


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
    attempt: int | None = None
    time: datetime | None = None
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
    request_bytes: int | None = None
    response_bytes: int | None = None
    custom: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    value: JsonObject = field(default_factory=dict, repr=False)
    """The record as it stood on the wire: the identity of last resort, and what a dead letter keeps."""


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


class Rejected(SetAside):
    """A record that could not be metered; it goes to the dead letters."""

    __slots__ = ()


class Ignored(SetAside):
    """A record that is understood and is no usage."""

    __slots__ = ()
