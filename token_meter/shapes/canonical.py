"""The canonical record, version 1: what this project's own APIM fragments emit (docs/canonical-record.md)."""

from token_meter.codes import Kind, Reason
from token_meter.shapes.fields import Fields
from token_meter.shapes.shape import Draft, Shape

VERSION = 1
LARGEST_ATTEMPT = 2**31 - 1


def _finish(fields: Fields, draft: Draft) -> Reason | None:
    """Refuse versions and kinds that this meter does not know."""
    if fields.whole("version") != VERSION:
        return Reason.UNKNOWN_VERSION
    try:
        draft["kind"] = Kind(fields.text("kind").lower())
    except ValueError:
        return Reason.UNKNOWN_KIND
    for name in ("request_compacted", "response_compacted"):
        draft[name] = draft[name] is True
    draft["time_declared_unknown"] = "time" in fields.names and fields.raw("time") is None
    attempt = draft["attempt"]
    draft["attempt"] = attempt if attempt is not None and 0 < attempt <= LARGEST_ATTEMPT else None
    return None


SHAPES = (
    Shape(
        name="canonical",
        family="canonical",
        title="Canonical record",
        origin="this project's own policy fragments",
        requires=("version", "kind"),
        keeps_empty=True,
        tells={
            "request_id": ("requestId",),
            "attempt": ("attempt",),
            "time": ("time",),
            "duration_ms": ("durationMs",),
            "method": ("method",),
            "url": ("url",),
            "api_id": ("apiId",),
            "operation_id": ("operationId",),
            "product_id": ("productId",),
            "subscription_id": ("subscriptionId",),
            "region": ("gatewayRegion",),
            "app_id": ("appId",),
            "app_id_verified": ("appIdVerified",),
            "entra_tenant_id": ("entraTenantId",),
            "user_object_id": ("userObjectId",),
            "client_ip": ("clientIp",),
            "backend_id": ("backendId",),
            "backend_url": ("backendUrl",),
            "status": ("status",),
            "request_headers": ("requestHeaders",),
            "response_headers": ("responseHeaders",),
            "request_body": ("requestBody",),
            "response_body": ("responseBody",),
            "response_content_type": ("responseContentType",),
            "request_bytes": ("requestBytes",),
            "response_bytes": ("responseBytes",),
            "request_compacted": ("requestCompacted",),
            "response_compacted": ("responseCompacted",),
            "request_cut_from": ("requestCutFrom",),
            "response_cut_from": ("responseCutFrom",),
            "custom_object": ("custom",),
        },
        finish=_finish,
        limits="Everything, as far as the fragment that wrote it was asked to log bodies.",
    ),
)
