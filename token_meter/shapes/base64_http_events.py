"""S16: Moesif's events: request and answer apart, bodies in base64, headers in one text."""

from token_meter.codes import Kind, Reason
from token_meter.jsontypes import as_text
from token_meter.shapes.fields import Fields
from token_meter.shapes.shape import Draft, Shape

ORIGIN = "Azure/azure-quickstart-templates: api-management-logs-to-moesif-using-eventhub-webapp (README.md)"


def _finish_response(fields: Fields, draft: Draft) -> Reason | None:
    """Compare the body with its true length, which the policy states in characters."""
    length = fields.whole("orig_body_len")
    draft["response_cut"] = draft["response_cut"] or (length or 0) > len(as_text(draft["response_body"]))
    return None


SHAPES = (
    Shape(
        name="S16-request",
        family="S16",
        title="Base64 HTTP events: request",
        origin=ORIGIN,
        kind=Kind.REQUEST,
        requires=("event_type", "message-id"),
        one_of=("uri", "request_body", "request_headers"),
        lacks=("event-time",),
        where={"event_type": ("request",)},
        any_api=True,
        tells={
            "own_id": ("message-id",),
            "method": ("method",),
            "url": ("uri",),
            "client_ip": ("ip_address",),
            "request_headers": ("request_headers",),
            "request_base64": ("request_body",),
            "custom": ("company_id",),
        },
        limits="Bodies end after 145,000 characters. The application is read out of the logged token, unverified. No "
        "time but that of arrival.",
    ),
    Shape(
        name="S16-response",
        family="S16",
        title="Base64 HTTP events: answer",
        origin=ORIGIN,
        kind=Kind.RESPONSE,
        requires=("event_type", "message-id"),
        one_of=("status_code", "response_body", "response_headers"),
        lacks=("event-time",),
        where={"event_type": ("response",)},
        any_api=True,
        tells={
            "own_id": ("message-id",),
            "status": ("status_code",),
            "response_headers": ("response_headers",),
            "response_base64": ("response_body",),
        },
        finish=_finish_response,
        limits="As S16-request; the caller is in the request only.",
    ),
)
