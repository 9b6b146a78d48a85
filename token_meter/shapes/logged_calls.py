"""S9: request and answer as two events that share APIM's request id; the request with all its headers."""

from token_meter.codes import Kind
from token_meter.shapes.shape import Shape

SHAPES = (
    Shape(
        name="S9-request",
        family="S9",
        title="Logged calls: request",
        origin="microsoft/aoai-logging-with-apim: policies/inbound-logging.xml",
        kind=Kind.REQUEST,
        requires=("type", "timestamp", "requestId", "request"),
        lacks=("EventTime",),
        where={"type": ("request",)},
        tells={
            "request_id": ("requestId",),
            "time": ("timestamp",),
            "subscription_id": ("subscriptionId",),
            "operation_id": ("operationId",),
            "operation_name": ("operationId", "operationName"),
            "request_body": ("request",),
            "client_ip": ("requestIp",),
            "url": ("url",),
            "region": ("region",),
            "api_id": ("apiName",),
            "method": ("method",),
            "request_headers": ("headers",),
        },
        limits="The application is read out of the logged token, unverified; the token goes no further.",
    ),
    Shape(
        name="S9-response",
        family="S9",
        title="Logged calls: answer",
        origin="microsoft/aoai-logging-with-apim: policies/outbound-logging.xml",
        kind=Kind.RESPONSE,
        requires=("type", "timestamp", "requestId", "statusCode"),
        lacks=("EventTime",),
        where={"type": ("response",)},
        tells={
            "request_id": ("requestId",),
            "time": ("timestamp",),
            "duration_ms": ("elapsed",),
            "response_body": ("response",),
            "status": ("statusCode",),
        },
        limits="No caller and no deployment: both are in the request.",
    ),
)
