"""S5: what the AI hub gateway accelerator keeps of masking personal data: content, and no usage."""

from token_meter.codes import Reason
from token_meter.shapes.shape import Shape

SHAPES = (
    Shape(
        name="S5-pii",
        family="S5",
        title="PII processing state",
        origin="Azure-Samples/ai-hub-gateway-solution-accelerator: frag-pii-state-saving.xml",
        requires=("type", "timestamp"),
        where={"type": ("pii_processing",)},
        ignored=Reason.NOT_USAGE,
        limits="Nothing of usage; set aside.",
    ),
)
