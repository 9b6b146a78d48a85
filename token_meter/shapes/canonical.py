"""The canonical record, version 1: what this project's own APIM fragments emit (docs/canonical-record.md)."""

from token_meter.codes import Kind, Reason
from token_meter.events import Origin
from token_meter.jsontypes import (
    JsonObject,
    as_object,
    as_real,
    as_text,
    as_whole_number,
    dump_json,
)
from token_meter.record import Record, Rejected
from token_meter.times import parse_time

NAME = "canonical"
VERSION = 1


def recognise(value: JsonObject) -> bool:
    """Tell a canonical record, of this version or another, by the two fields that no other shape has together."""
    return "version" in value and "kind" in value


def read(value: JsonObject, origin: Origin, index: int) -> Record | Rejected:
    """Return the record, or why its version or kind cannot be read."""
    if as_whole_number(value["version"]) != VERSION:
        return _rejected(Reason.UNKNOWN_VERSION, value, origin, index)
    try:
        kind = Kind(as_text(value["kind"]))
    except ValueError:
        return _rejected(Reason.UNKNOWN_KIND, value, origin, index)
    verified = value.get("appIdVerified")
    return Record(
        shape=NAME,
        kind=kind,
        origin=origin,
        index=index,
        value=value,
        request_id=as_text(value.get("requestId")),
        attempt=_attempt(value),
        time=parse_time(as_text(value.get("time"))),
        time_declared_unknown="time" in value and value["time"] is None,
        duration_ms=as_real(value.get("durationMs")),
        method=as_text(value.get("method")),
        url=as_text(value.get("url")),
        api_id=as_text(value.get("apiId")),
        operation_id=as_text(value.get("operationId")),
        product_id=as_text(value.get("productId")),
        subscription_id=as_text(value.get("subscriptionId")),
        region=as_text(value.get("gatewayRegion")),
        app_id=as_text(value.get("appId")),
        app_id_verified=verified if isinstance(verified, bool) else None,
        entra_tenant_id=as_text(value.get("entraTenantId")),
        user_object_id=as_text(value.get("userObjectId")),
        client_ip=as_text(value.get("clientIp")),
        backend_id=as_text(value.get("backendId")),
        backend_url=as_text(value.get("backendUrl")),
        status=as_whole_number(value.get("status")),
        request_headers=_texts(value.get("requestHeaders"), lower=True),
        response_headers=_texts(value.get("responseHeaders"), lower=True),
        request_body=value.get("requestBody"),
        response_body=value.get("responseBody"),
        response_content_type=as_text(value.get("responseContentType")),
        request_bytes=as_whole_number(value.get("requestBytes")),
        response_bytes=as_whole_number(value.get("responseBytes")),
        custom=_texts(value.get("custom"), lower=False),
    )


def _rejected(reason: Reason, value: JsonObject, origin: Origin, index: int) -> Rejected:
    return Rejected(reason=reason, stage="decode", origin=origin, body=dump_json(value), index=index)


def _attempt(value: JsonObject) -> int | None:
    attempt = as_whole_number(value.get("attempt"))
    return attempt if attempt is not None and 0 < attempt < 2**31 else None


def _texts(value: object, *, lower: bool) -> dict[str, str]:
    """Return the texts of an object by name; a list of texts (a repeated header) joined, other values left out."""
    texts: dict[str, str] = {}
    for name, item in as_object(value).items() if isinstance(value, dict) else ():
        joined = ", ".join(as_text(part) for part in item) if isinstance(item, list) else item
        if isinstance(joined, str):
            texts[name.lower() if lower else name] = joined
    return texts
