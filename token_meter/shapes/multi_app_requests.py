"""S19: the request's messages and the caller's own headers, written twice a call and alike both times."""

from token_meter.codes import Kind, Reason
from token_meter.jsontypes import dump_json
from token_meter.shapes.fields import Fields
from token_meter.shapes.shape import Draft, Shape

PERIOD_SECONDS = 15 * 60
"""Two records with the same content in the same quarter of an hour are taken for one call.

The policy writes the record before and after the call, with the time of each, and nothing else that differs. A call of
`d` seconds crosses a quarter's end once in `900 / d` calls, and is then counted twice; two real calls with the very
same messages in one quarter are counted once. A longer period makes the first rarer and the second commoner.
"""


def _finish(fields: Fields, draft: Draft) -> Reason | None:
    """Identify the call by what both of its records share."""
    moments = [draft["time"]] if draft["time"] else [*draft.get("culture_times", ())]
    quarter = int(moments[0].timestamp()) // PERIOD_SECONDS if moments else None
    shared = {name: fields.raw(name) for name in sorted(fields.names - {"timestamp"})}
    draft["identity"] = dump_json([quarter, list(shared.items())])
    return None


SHAPES = (
    Shape(
        name="S19-request",
        family="S19",
        title="Multi-app requests",
        origin="blazekids4/apim-multiapp-logging: apim-policies/fragments/inbound-logger.xml, outbound_logger.xml",
        kind=Kind.REQUEST,
        requires=("reqURL", "timeStamp"),
        one_of=("Application-Name", "Application-Number", "Business-Unit"),
        tells={
            "url": ("reqURL",),
            "time": ("timeStamp",),
            "key": ("subscriptionId",),
            "requested_model": ("model",),
            "messages": ("messages",),
            "custom": ("Application-Name", "Application-Number", "Business-Unit"),
        },
        finish=_finish,
        limits="`subscriptionId` is the subscription's key: hashed or dropped. Written twice a call, without id: same "
        "content in the same quarter of an hour is one call. The answer is not logged.",
    ),
)
