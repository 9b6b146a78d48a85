"""S13: a policy's own `{"records": […]}` with the answer's stream, which looks like a diagnostic setting's envelope."""

from token_meter.codes import Kind
from token_meter.shapes.shape import Shape

SHAPES = (
    Shape(
        name="S13-response",
        family="S13",
        title="Answer in a policy's envelope",
        origin="MicrosoftDocs/azure-docs#115539 and Azure/aoai-apim#1",
        kind=Kind.RESPONSE,
        requires=("EventTime", "ServiceName", "RequestId", "response"),
        lacks=("Type", "category", "RequestBody"),
        tells={
            "request_id": ("RequestId",),
            "time": ("EventTime",),
            "client_ip": ("RequestIp",),
            "operation_name": ("OperationName",),
            "response_body": ("response",),
        },
        limits="The answer only: no prompt text, no caller but an address, no deployment, no status.",
    ),
)
