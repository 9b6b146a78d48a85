"""Who called, and which call it was.

The application comes from the gateway's word, else from a logged token; the call's identity from the gateway, else
from what nobody outside chooses. A client never chooses either: an id that a client could set names no call.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from token_meter.codes import AppIdSource, Note
from token_meter.events import Origin
from token_meter.jsontypes import JsonObject, as_object, as_text, parse_json
from token_meter.options import DEFAULTS, MeterOptions
from token_meter.record import Record
from token_meter.secrets import REMOVED, SIGN_OF_A_SECRET
from token_meter.shapes.fields import normalised_fields

LONGEST_TOKEN = 32_768
"""Gateways refuse longer headers long before (Azure's front ends allow 32 KB of them together)."""
LONGEST_IDENTIFIER = 512
EVENT_ID_VERSION = "v1"
KEY_HEADERS = ("ocp-apim-subscription-key", "api-key", "x-api-key", "subscription-key")
"""Headers that carry a caller's key, by lower-case name."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The calling application and what vouches for it."""

    app_id: str = ""
    source: AppIdSource = AppIdSource.NONE
    entra_tenant_id: str = ""
    user_object_id: str = ""
    notes: tuple[Note, ...] = ()


def read_caller(record: Record, options: MeterOptions = DEFAULTS) -> Caller:
    """Return who called: the record's application id, else a logged token's claims, else the hash of a logged key."""
    if record.app_id:
        source = {
            True: AppIdSource.VALIDATED,
            False: AppIdSource.UNVERIFIED_TOKEN,
            None: AppIdSource.DECLARED,
        }[record.app_id_verified]
        return Caller(record.app_id, source, record.entra_tenant_id, record.user_object_id)
    header = record.request_headers.get("authorization", "")
    claims = _claims(header) if header else {}
    app_id = as_text(claims.get("appid")) or as_text(claims.get("azp"))
    source = AppIdSource.UNVERIFIED_TOKEN if app_id else AppIdSource.NONE
    notes = (Note.UNVERIFIABLE_TOKEN,) if header and not app_id else ()
    key = record.key or next(
        (record.request_headers[name] for name in KEY_HEADERS if name in record.request_headers), ""
    )
    if not app_id and (key == REMOVED or REMOVED in header):
        notes = (Note.CALLER_REMOVED,)
    elif not app_id and key:
        if options.hasher is None:
            notes = (*notes, Note.KEY_DROPPED)
        else:
            app_id, source = options.hasher.hashed("key", key), AppIdSource.KEY_HASH
    return Caller(
        app_id,
        source,
        record.entra_tenant_id or as_text(claims.get("tid")),
        record.user_object_id or as_text(claims.get("oid")),
        notes,
    )


def _claims(header: str) -> JsonObject:
    """Return the payload of a bearer token, unverified: the meter has no keys to verify it with."""
    scheme, _, token = header[:LONGEST_TOKEN].strip().partition(" ")
    parts = token.strip().split(".")
    if scheme.lower() != "bearer" or len(parts) < 2:  # noqa: PLR2004 - header.payload[.signature], RFC 7519
        return {}
    payload = parts[1]
    try:
        decoded = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return {}
    return as_object(parse_json(decoded))


def call_id_of(record: Record, service_response_id: str) -> tuple[str, tuple[Note, ...]]:
    """Return the identity of the call, and a note where nothing but the record's content identifies it.

    The gateway's request id, else the record's own id, else the service's id of its answer, else what the shape says
    identifies it, else the event's place on its hub, else a hash of the record. It depends on no setting, key or
    version, so a replay years later finds the same call.
    """
    named = record.request_id or record.own_id or service_response_id
    if named:
        return bounded(named), ()
    place = "" if record.identity else _place(record.origin, record.index)
    if place:
        return place, ()
    return "content:" + _digest(record.identity or record.raw or _content(record)), (Note.IDENTITY_BY_CONTENT,)


def _content(record: Record) -> bytes:
    """Return a record's content in one writing, whatever the order and the case of its fields."""
    fields = normalised_fields(record.value)
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def event_id_of(record: Record, call_id: str, service_response_id: str) -> str:
    """Return the deterministic identity of this observation: of the call, its attempt, and what was observed of it.

    Where the record knows no attempt, the answer's id and status tell the attempts of a retry apart: a 429 and the 200
    after it are two observations, and the same event delivered twice is one.
    """
    attempt = f"{service_response_id}/{record.status}" if record.attempt is None else record.attempt
    parts = [call_id, attempt, record.shape, record.kind.value, record.part]
    return f"{EVENT_ID_VERSION}:{_digest(json.dumps(parts, separators=(',', ':')).encode())}"


def _place(origin: Origin, index: int) -> str:
    """Return an event's place on its hub, or the empty string where part of it is unknown.

    To the second: Event Hubs Capture writes the enqueued time without the fraction that the trigger has.
    """
    enqueued: datetime | None = origin.enqueued_time
    if not origin.hub or not origin.partition or origin.sequence_number is None or enqueued is None:
        return ""
    second = enqueued.strftime("%Y%m%dT%H%M%SZ")
    return bounded(f"hub:{origin.hub.lower()}/{origin.partition}/{origin.sequence_number}/{second}/{index}")


def bounded(text: str) -> str:
    """Return a text as it may stand in a row: no control characters, no secret, no longer than an identifier may be.

    What is longer keeps its beginning and ends in a hash of the whole, so that two long names never become one. What
    shows a token or a key, as no identifier does and a damaged record may, keeps the hash alone.
    """
    if SIGN_OF_A_SECRET.search(text):
        return f"{REMOVED}#{_digest(text.encode('utf-8', 'surrogatepass'))}"
    clean = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    if len(clean) <= LONGEST_IDENTIFIER:
        return clean
    tail = _digest(text.encode("utf-8", "surrogatepass"))
    return f"{clean[: LONGEST_IDENTIFIER - len(tail) - 1]}#{tail}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
