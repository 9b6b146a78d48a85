"""S4: one usage record an answer, written by the AI hub gateway accelerator, with placeholders for what it lacks."""

import re

from token_meter.codes import Note, Reason
from token_meter.shapes.fields import Fields
from token_meter.shapes.shape import Draft, Shape
from token_meter.usage import NOTHING, Usage

DEFAULT_TOKENS = ({"prompt": 1, "completion": 0, "total": 1}, {"prompt": 0, "completion": 0, "total": 1})
"""What the policy writes where the answer has no usage: 1, 0, 1, and in its first version 0, 0, 1."""
EMBEDDINGS = "list"
"""The `object` of an answer of embeddings: the only call that can cost one token for its prompt and none else."""
SERVICE_ID = re.compile(r"(?:chatcmpl|cmpl|resp|msg)[-_].+", re.IGNORECASE)
OTHER_SERVICE_ID = re.compile(r"[a-z][\w-]*-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""`<prefix>-<guid>`: the fragment for search, document intelligence and translation."""


def _finish(fields: Fields, draft: Draft) -> Reason | None:
    """Take default tokens as none, and the id as the service's where it is one."""
    own_id = draft["own_id"]
    if SERVICE_ID.fullmatch(own_id):
        draft["service_response_id"] = own_id
    if _is_default(draft["stated"], fields):
        draft["stated"] = NOTHING
        draft["notes"] = {Note.PLACEHOLDER}
    named = draft["served_model"] or draft["deployment"]
    if not draft["stated"].reported and not named and OTHER_SERVICE_ID.fullmatch(own_id):
        return Reason.NOT_USAGE
    return None


def _is_default(stated: Usage, fields: Fields) -> bool:
    """Tell the policy's default numbers from an embedding of one token, which the service reports the same."""
    defaults = any(all(getattr(stated, part) == count for part, count in item.items()) for item in DEFAULT_TOKENS)
    one_token = stated.prompt == 1 and fields.text("targetService").lower() == EMBEDDINGS
    return defaults and not (one_token and fields.text("model"))


SHAPES = (
    Shape(
        name="S4-usage",
        family="S4",
        title="AI hub gateway usage",
        origin="Azure-Samples/ai-hub-gateway-solution-accelerator: infra/modules/apim/policies/frag-openai-usage.xml "
        "(and its first, archived and citadel versions)",
        requires=("id", "timestamp", "promptTokens", "responseTokens", "totalTokens"),
        one_of=("targetService", "gatewayName", "aiGatewayId"),
        tells={
            "own_id": ("id",),
            "time": ("timestamp",),
            "app_id": ("appId",),
            "subscription_id": ("subscriptionId",),
            "product_id": ("productName",),
            "answer_object": ("targetService",),
            "operation_name": ("operationName",),
            "served_model": ("model",),
            "region": ("routeLocation", "gatewayRegion"),
            "client_ip": ("RequestIp",),
            "backend_id": ("backendId", "routeName"),
            "backend_url": ("routeUrl",),
            "deployment": ("deploymentName",),
            "prompt_tokens": ("promptTokens",),
            "completion_tokens": ("responseTokens",),
            "total_tokens": ("totalTokens",),
            "cached_tokens": ("cachedTokens",),
            "audio_prompt_tokens": ("audioTokens",),
        },
        finish=_finish,
        limits="Only whole answers with status 200; no streams, no text. Tokens 1/0/1 (0/0/1) are the policy's word "
        "for «no usage», and are believed only of an embedding.",
    ),
)
