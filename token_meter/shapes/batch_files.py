"""The files of the Batch API: one line a request of what came out, and one of what was put in."""

from token_meter.codes import Reason
from token_meter.shapes.fields import Fields
from token_meter.shapes.shape import Draft, Shape

ORIGIN = (
    "OpenAI API reference, The request output object; MicrosoftDocs/azure-ai-docs: "
    "articles/ai-foundry/openai/includes/batch/batch-python.md"
)


def _finish(fields: Fields, draft: Draft) -> Reason | None:
    """Leave out requests that were never run; a line has no time of its own by design, only its answer may have one."""
    draft |= {"time_declared_unknown": True, "is_stream": False}
    return None if fields.body("response") else Reason.NOT_USAGE


SHAPES = (
    Shape(
        name="batch-output",
        family="batch",
        title="Batch output file",
        origin=ORIGIN,
        requires=("custom_id", "response"),
        only=("id", "custom_id", "response", "error"),
        merges=("response",),
        tells={
            "own_id": ("id", "request_id"),
            "status": ("status_code",),
            "response_body": ("body",),
            "custom": ("custom_id",),
        },
        finish=_finish,
        limits="Not on a hub: for `token-meter run`. No caller but the `custom_id` of each request, no deployment, no "
        "prompt text. The time is that of the answer; answers of embeddings have none and are in no period. A batch is "
        "charged at its own price: tell its rows by their shape.",
    ),
    Shape(
        name="batch-input",
        family="batch",
        title="Batch input file",
        origin=ORIGIN,
        requires=("custom_id", "method", "url", "body"),
        only=("custom_id", "method", "url", "body"),
        ignored=Reason.NOT_USAGE,
        limits="What is to be run, not what was; set aside.",
    ),
)
