"""S7: request and answer in one record, the caller told by the subscription's key."""

from token_meter.shapes.shape import Shape

SHAPES = (
    Shape(
        name="S7-exchange",
        family="S7",
        title="Exchange with subscription key",
        origin="microsoft/private-openai-with-apim-for-chargeback: "
        "infra/modules/apim/policies/api_eventhub_logging_policy.xml",
        requires=("eventTime", "appSubscriptionKey", "request", "response"),
        tells={
            "time": ("eventTime",),
            "operation_name": ("apiOperation",),
            "key": ("appSubscriptionKey",),
            "request_body": ("request",),
            "response_body": ("response",),
        },
        limits="No id of the call: the answer's own is taken. The key becomes a keyed hash. No deployment, no status.",
    ),
)
