"""S8: request and answer in one record, the deployment told by the backend's URL."""

from token_meter.shapes.shape import Shape

SHAPES = (
    Shape(
        name="S8-exchange",
        family="S8",
        title="Buffered exchange",
        origin="radezheng/tkcount: README.md",
        requires=("EventTime", "RequestId", "RequestBody", "ResponseBody"),
        lacks=("Type",),
        tells={
            "request_id": ("RequestId",),
            "time": ("EventTime",),
            "client_ip": ("RequestIp",),
            "operation_name": ("OperationName",),
            "request_body": ("RequestBody",),
            "response_body": ("ResponseBody",),
            "region": ("Region",),
            "backend_url": ("backendUrl",),
        },
        limits="No caller but an address, no status.",
    ),
)
