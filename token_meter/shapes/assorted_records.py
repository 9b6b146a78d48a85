"""S20: small records of single projects."""

from token_meter.shapes.shape import Shape

SHAPES = (
    Shape(
        name="S20-feed",
        family="S20",
        title="OpenAI feed",
        origin="Terraform OpenAIFeed",
        requires=("prompt_tokens", "total_tokens", "WorkloadIdentifier"),
        tells={
            "app_id": ("WorkloadIdentifier",),
            "backend_id": ("Backend",),
            "prompt_tokens": ("prompt_tokens",),
            "completion_tokens": ("completion_tokens",),
            "total_tokens": ("total_tokens",),
            "request_body": ("FullRequestBody",),
            "response_body": ("FullResponseBody",),
        },
        limits="No id and no time of its own: the answer's id and the time of arrival are taken.",
    ),
    Shape(
        name="S20-audit",
        family="S20",
        title="LLM audit",
        origin="llm-audit-meta",
        requires=("correlationId", "ts", "promptTokens", "reqSha256"),
        tells={
            "own_id": ("correlationId",),
            "time": ("ts",),
            "app_id": ("appId",),
            "user_object_id": ("userOid",),
            "deployment": ("deployment",),
            "served_model": ("model",),
            "prompt_tokens": ("promptTokens",),
            "completion_tokens": ("completionTokens",),
        },
        limits="Hashes instead of texts: what was not reported stays unknown.",
    ),
    Shape(
        name="S20-body",
        family="S20",
        title="Chargeback service body",
        origin="seiggy/apim-chargeback",
        requires=("tenantId", "clientAppId", "responseBody"),
        tells={
            "entra_tenant_id": ("tenantId",),
            "app_id": ("clientAppId",),
            "deployment": ("deploymentId",),
            "request_body": ("requestBody",),
            "response_body": ("responseBody",),
        },
        limits="No id and no time of its own: the answer's are taken. No status.",
    ),
    Shape(
        name="S20-usage",
        family="S20",
        title="Bare usage",
        origin="Azure-Samples/miyagi",
        requires=("prompt_tokens", "total_tokens"),
        only=(
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "prompt_tokens_details",
            "completion_tokens_details",
            "EventProcessedUtcTime",
            "PartitionId",
            "EventEnqueuedUtcTime",
        ),
        tells={
            "prompt_tokens": ("prompt_tokens",),
            "completion_tokens": ("completion_tokens",),
            "total_tokens": ("total_tokens",),
        },
        limits="Nothing but numbers, of answers that were no streams: no caller, no model, no time, no id.",
    ),
)
