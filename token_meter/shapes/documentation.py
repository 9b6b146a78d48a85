"""The page that says what each shape of record can and cannot tell, written from the registry."""

from token_meter.codes import Reason
from token_meter.shapes import SHAPES
from token_meter.shapes.shape import PARTS_OF_A_CALL, Shape

COLUMNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("call id", ("request_id", "own_id", "service_response_id")),
    ("caller", ("app_id", "key", "request_headers", "subscription_id")),
    ("deployment", ("deployment", "url", "backend_url")),
    ("served model", ("served_model", "response_headers", "response_body", "response_base64")),
    ("tokens", ("prompt_tokens", "completion_tokens", "total_tokens", "usage")),
    ("prompt text", ("request_body", "request_base64", "messages", "prompt")),
    ("answer text", ("response_body", "response_base64", "choices", "completion")),
    ("status", ("status",)),
    ("time", ("time",)),
)
"""What a reader asks of a shape, and the facts of it that answer."""


def record_shapes_markdown() -> str:
    """Return docs/record-shapes.md."""
    lines = [
        "<!-- generated from token_meter/shapes by `make generate`; edit those -->",
        "",
        "# Shapes of records",
        "",
        "A shape is recognised by the content of a record, whatever the case and the spelling of its fields; nothing",
        "has to be configured. `RecordShape` in a row names the shape. `--shape` (or `RECORD_SHAPE`) asks for one",
        "family or shape only. A record that no shape explains is rejected as `unknown_shape` and kept.",
        "",
        "A filled cell names the fields that tell it. Answers mostly hold their own id, model and usage. Where",
        "the tokens are not told they are counted from the texts, as far as those are there; what neither is told nor",
        "can be counted is null, and its source `unknown`.",
        "",
        f"| shape | {' | '.join(title for title, _ in COLUMNS)} |",
        f"| --- | {' | '.join('---' for _ in COLUMNS)} |",
        *(_line(shape) for shape in SHAPES if shape.ignored is None),
        "",
        "Halves of a call and its other observations have the same `CallId` and are put together by `TokenUsage()`.",
        "",
        "## What to know of each",
        "",
        *(line for shape in SHAPES for line in _about(shape)),
        "## Attempts",
        "",
        PARTS_OF_A_CALL,
        "",
    ]
    return "\n".join(lines)


def _line(shape: Shape) -> str:
    cells = (_cell(shape, facts) for _, facts in COLUMNS)
    return f"| `{shape.name}` | {' | '.join(cells)} |"


def _cell(shape: Shape, facts: tuple[str, ...]) -> str:
    names = dict.fromkeys(name for fact in facts for name in shape.tells.get(fact, ()))
    return ", ".join(f"`{name}`" for name in names)


def _about(shape: Shape) -> list[str]:
    reason = f" Ignored as `{shape.ignored.value}`." if isinstance(shape.ignored, Reason) else ""
    return [
        f"**`{shape.name}`** {shape.title} ({shape.kind.value}).{reason} {shape.limits}",
        f"Read from {shape.origin}.",
        "",
    ]
