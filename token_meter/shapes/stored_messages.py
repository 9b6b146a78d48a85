"""S10: one record an answer with its request, its choices and its tokens."""

from token_meter.shapes.shape import Shape

SHAPES = (
    Shape(
        name="S10-message",
        family="S10",
        title="Stored messages",
        origin="Azure-Samples/AI-Gateway: labs/message-storing",
        requires=("id", "timestamp", "apimRequestId", "promptTokens", "totalTokens"),
        tells={
            "own_id": ("apimRequestId",),
            "service_response_id": ("id",),
            "time": ("timestamp",),
            "served_model": ("model",),
            "region": ("modelRegion",),
            "client_ip": ("clientIp",),
            "operation_name": ("operationName",),
            "request_body": ("request",),
            "choices": ("response",),
            "prompt_tokens": ("promptTokens",),
            "completion_tokens": ("responseTokens",),
            "total_tokens": ("totalTokens",),
        },
        limits="`apimRequestId` is the service's own header, not the id in APIM's logs. No caller but an address, no "
        "deployment. Only whole answers; zeroes mean that the answer had no usage.",
    ),
)
