"""A call as it was said: both bodies parsed, streams put back together, the models that were named."""

from dataclasses import dataclass
from datetime import datetime

from token_meter.codes import Kind, Note, Operation
from token_meter.extents import Extent
from token_meter.jsontypes import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What usage and counting look at; made once per record by `read_exchange`."""

    operation: Operation
    kind: Kind = Kind.EXCHANGE
    request: JsonObject | None = None
    """The request's JSON body, None where it is unseen or no JSON object."""
    response: JsonObject | None = None
    """The answer as one body; a stream's events are put together into what the service would have sent whole."""
    is_stream: bool | None = None
    request_cut: bool = False
    """Part of the request's body did not reach the meter."""
    response_cut: bool = False
    """Part of the answer did not reach the meter (which is not `aborted`: the caller may have got it whole)."""
    request_extent: Extent | None = None
    response_extent: Extent | None = None
    """How much of a cut body there is, where its size is known and its tokens go with its bytes."""
    aborted: bool = False
    """The stream ended without a finish reason."""
    status: int | None = None
    charged: bool | None = None
    served_model: str = ""
    """The model that the service says it ran (never the name of an Azure deployment)."""
    requested_model: str = ""
    """The request's `model`; on Azure this may be a deployment's name."""
    deployment: str = ""
    mapped_model: str = ""
    """The model that the customer's settings say the deployment has."""
    azure: bool = True
    """Served by Azure rather than by api.openai.com: the two count a few things differently."""
    time: datetime | None = None
    """When the call was made; some counting rules changed on a date."""
    notes: tuple[Note, ...] = ()
    """What reading the record found out that a row should say."""
