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
from token_meter.record import Record

LONGEST_TOKEN = 32_768
"""Gateways refuse longer headers long before (Azure's front ends allow 32 KB of them together)."""
LONGEST_IDENTIFIER = 512
EVENT_ID_VERSION = "v1"


@dataclass(frozen=True, slots=True)
class Caller:
    """The calling application and what vouches for it."""

    app_id: str = ""
    source: AppIdSource = AppIdSource.NONE
    entra_tenant_id: str = ""
    user_object_id: str = ""
    notes: tuple[Note, ...] = ()


def read_caller(record: Record) -> Caller:
    """Return who called: the record's application id, else the claims of a token in its Authorization header."""
    if record.app_id:
        source = {
            True: AppIdSource.VALIDATED,
            False: AppIdSource.UNVERIFIED_TOKEN,
            None: AppIdSource.DECLARED,
        }[record.app_id_verified]
        return Caller(record.app_id, source, record.entra_tenant_id, record.user_object_id)
    header = record.request_headers.get("authorization", "")
    if not header:
        return Caller("", AppIdSource.NONE, record.entra_tenant_id, record.user_object_id)
    claims = _claims(header)
    app_id = as_text(claims.get("appid")) or as_text(claims.get("azp"))
    return Caller(
        app_id,
        AppIdSource.UNVERIFIED_TOKEN if app_id else AppIdSource.NONE,
        record.entra_tenant_id or as_text(claims.get("tid")),
        record.user_object_id or as_text(claims.get("oid")),
        () if app_id else (Note.UNVERIFIABLE_TOKEN,),
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

    The gateway's request id, else the service's id of its answer, else the event's place on its hub, else a hash of
    the record. It depends on no setting, key or version, so a replay years later finds the same call.
    """
    if record.request_id:
        return bounded(record.request_id), ()
    if service_response_id:
        return bounded(service_response_id), ()
    place = _place(record.origin, record.index)
    if place:
        return place, ()
    text = json.dumps(record.value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "content:" + _digest(text), (Note.IDENTITY_BY_CONTENT,)


def event_id_of(record: Record, call_id: str) -> str:
    """Return the deterministic identity of this observation: of the call, its attempt, and what was observed of it."""
    parts = [call_id, record.attempt, record.shape, record.kind.value, record.part]
    return f"{EVENT_ID_VERSION}:{_digest(json.dumps(parts, separators=(',', ':')))}"


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
    """Return a text as it may stand in a row: no control characters, and no longer than an identifier may be.

    What is longer keeps its beginning and ends in a hash of the whole, so that two long names never become one.
    """
    clean = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    if len(clean) <= LONGEST_IDENTIFIER:
        return clean
    tail = _digest(text)
    return f"{clean[: LONGEST_IDENTIFIER - len(tail) - 1]}#{tail}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
