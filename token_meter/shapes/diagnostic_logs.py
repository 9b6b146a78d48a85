"""S14: what Azure's diagnostic settings send: GatewayLogs, GatewayLlmLogs, and other categories.

Their fields stand at the top or in `properties`, in mixed case; `correlationId` is APIM's `context.RequestId`.
"""

from token_meter.codes import Operation, Reason
from token_meter.operations import operation_of_path
from token_meter.shapes.fields import Fields
from token_meter.shapes.shape import Draft, Shape

DOCUMENTATION = "learn.microsoft.com/azure/api-management/api-management-howto-llm-logs"
SHARED = {
    "request_id": ("correlationId",),
    "time": ("time",),
    "region": ("location", "region"),
    "client_ip": ("callerIpAddress",),
    "subscription_id": ("apimSubscriptionId",),
    "product_id": ("productId",),
    "api_id": ("apiId",),
    "backend_id": ("backendId",),
    "backend_url": ("backendUrl",),
}


def _finish_gateway_log(_fields: Fields, draft: Draft) -> Reason | None:
    """Leave out calls of other APIs: by path, since a gateway's log holds all of them."""
    for url in (draft["url"], draft["backend_url"]):
        if operation_of_path(url) is not Operation.UNKNOWN:
            draft["url"] = url
            return None
    return Reason.NOT_A_MODEL_CALL


def _finish_llm_log(fields: Fields, draft: Draft) -> Reason | None:
    """Take the first entry of a call, which has the numbers; the others are pieces of its messages."""
    is_first = fields.whole("sequenceNumber") in (None, 0)
    tells_of_call = draft["stated"].reported or draft["deployment"]
    return None if is_first and tells_of_call else Reason.NOT_USAGE


SHAPES = (
    Shape(
        name="S14-gateway",
        family="S14",
        title="GatewayLogs",
        origin="elastic/integrations: test-open-ai-gateway.log (diagnostic settings)",
        requires=("category",),
        where={"category": ("gatewaylogs",)},
        merges=("properties",),
        tells={
            **SHARED,
            "duration_ms": ("durationMs",),
            "method": ("method",),
            "url": ("url",),
            "operation_id": ("operationId",),
            "status": ("responseCode", "backendResponseCode"),
            "request_body": ("requestBody", "backendRequestBody"),
            "response_body": ("responseBody", "backendResponseBody"),
        },
        finish=_finish_gateway_log,
        limits="Bodies end after 8,192 bytes, and are there only if the API's diagnostics log them. No application.",
    ),
    Shape(
        name="S14-llm",
        family="S14",
        title="GatewayLlmLogs",
        origin=DOCUMENTATION,
        requires=("category",),
        where={"category": ("gatewayllmlogs",)},
        merges=("properties",),
        tells={
            **SHARED,
            "deployment": ("deploymentName",),
            "served_model": ("modelName",),
            "is_stream": ("isStreamCompletion",),
            "prompt_tokens": ("promptTokens",),
            "completion_tokens": ("completionTokens",),
            "total_tokens": ("totalTokens",),
            "cached_tokens": ("promptCachedTokens",),
        },
        finish=_finish_llm_log,
        limits="No application, no status; the entries with messages are set aside. The request half of another shape "
        "joins it by the same `CallId`.",
    ),
    Shape(
        name="S14-other",
        family="S14",
        title="Other diagnostic records",
        origin="diagnostic settings",
        requires=("resourceId", "time"),
        one_of=("category", "metricName"),
        ignored=Reason.NOT_USAGE,
        limits="Other categories and metrics: nothing of usage; set aside.",
    ),
)
