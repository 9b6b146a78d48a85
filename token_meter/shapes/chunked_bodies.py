"""S15: a summary of the call, and its bodies in pieces of 80,000 characters, each an event of its own."""

from token_meter.codes import Kind, Reason
from token_meter.shapes.fields import Fields
from token_meter.shapes.shape import Draft, Shape

ORIGIN = "neallee2012/AI-Gateway: labs/request-response-logging/policies/combined-llm-and-eventhub-policy.xml"
FIRST_PIECES_PART = 2
"""Parts of a call's identity: 0 stands alone, 1 holds joined bodies, from 2 on each is a piece."""
MOST_PIECES = 1024
"""The policy writes 8; a larger number is no number of pieces."""


def _finish_piece(fields: Fields, draft: Draft) -> Reason | None:
    """Number the pieces of a body that has several; one that has one piece is whole."""
    piece, pieces = fields.whole("chunkIndex"), fields.whole("chunkTotal")
    if piece is not None and pieces is not None and 0 <= piece < pieces <= MOST_PIECES and pieces > 1:
        draft["piece"], draft["pieces"] = piece, pieces
        draft["part"] = FIRST_PIECES_PART + piece
    return None


SHAPES = (
    Shape(
        name="S15-summary",
        family="S15",
        title="Chunked bodies: summary",
        origin=ORIGIN,
        requires=("kind", "correlationId"),
        where={"kind": ("summary",)},
        any_api=True,
        tells={
            "own_id": ("correlationId",),
            "time": ("timestamp",),
            "api_id": ("apiId",),
            "operation_name": ("operation",),
            "method": ("method",),
            "url": ("url",),
            "status": ("status",),
            "duration_ms": ("durationMs",),
            "subscription_id": ("subscriptionId",),
            "client_ip": ("clientIp",),
        },
        limits="The policy takes `correlationId` from the client's header `X-Run-Id` where there is one, so that a "
        "client can make two calls look like one; change that line of the policy.",
    ),
    Shape(
        name="S15-request",
        family="S15",
        title="Chunked bodies: request",
        origin=ORIGIN,
        kind=Kind.REQUEST,
        requires=("kind", "correlationId", "payload"),
        where={"kind": ("request-body",)},
        tells={"own_id": ("correlationId",), "request_body": ("payload",)},
        finish=_finish_piece,
        limits="Joined where all pieces are in one batch; else each is counted apart and the fold adds up: estimated.",
    ),
    Shape(
        name="S15-response",
        family="S15",
        title="Chunked bodies: answer",
        origin=ORIGIN,
        kind=Kind.RESPONSE,
        requires=("kind", "correlationId", "payload"),
        where={"kind": ("response-body",)},
        tells={"own_id": ("correlationId",), "response_body": ("payload",)},
        finish=_finish_piece,
        limits="As S15-request. No time but that of arrival.",
    ),
    Shape(
        name="S15-skip",
        family="S15",
        title="Chunked bodies: no piece",
        origin=ORIGIN,
        requires=("kind",),
        where={"kind": ("skip",)},
        ignored=Reason.NOT_USAGE,
        limits="Stands for a piece that a body did not need; set aside.",
    ),
)
