"""S6: the landing zone accelerator's usage tracking, which knows a total and no split."""

from token_meter.shapes.shape import Shape

SHAPES = (
    Shape(
        name="S6-total",
        family="S6",
        title="Usage tracking",
        origin="Azure/apim-landing-zone-accelerator: "
        "scenarios/workload-genai/policies/fragments/usage-tracking/usage-tracking-with-eventhub.xml",
        requires=("Type", "EventTime", "RequestId", "TotalTokens"),
        where={"Type": ("message",)},
        tells={
            "request_id": ("RequestId",),
            "time": ("EventTime",),
            "client_ip": ("RequestIp",),
            "operation_name": ("OperationName",),
            "subscription_id": ("SubscriptionId",),
            "total_tokens": ("TotalTokens",),
        },
        limits="A total without its parts; no application, deployment or model. Its cost cannot be told exactly.",
    ),
)
