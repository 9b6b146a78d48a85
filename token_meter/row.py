"""The usage row: the one definition of table `TokenUsage_CL`.

The DuckDB schema, `docs/schema.md` and the infrastructure's columns are generated from the fields below and checked
against them, so a column is added here and nowhere else. One row is one observation of a call; the KQL function
`TokenUsage()` folds observations into one billing row a call.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from token_meter.codes import AppIdSource, Charged, Source
from token_meter.columns import column, text, tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """One observation of a call: who called what, when, and how many tokens it cost."""

    TABLE: ClassVar[str] = "TokenUsage_CL"

    time_generated: datetime = column(
        "datetime",
        "Sent equal to `CallTime`. Log Analytics puts the time of arrival here when it is older than 2 days or over a "
        "day ahead, so it serves to prune and for nothing else.",
    )
    call_time: datetime = column(
        "datetime", "When the call was made, UTC. The only time that functions, prices and reports use."
    )
    event_id: str = column("string", "Identity of the observation; the fold keeps one row of each.")
    call_id: str = column("string", "Identity of the call; the fold joins a call's observations by it.")
    attempt: int | None = column("int", "Which of the gateway's attempts, from 1; null where unknown.", default=None)
    service_response_id: str = text("The service's id of its answer (`chatcmpl-…`, `resp_…`).")
    record_shape: str = text("Which shape of gateway record told of the call.")

    app_id: str = text("The calling application (Entra `appid`).")
    app_id_source: AppIdSource = column("string", "What vouches for `AppId`.", default=AppIdSource.NONE)
    entra_tenant_id: str = text("The caller's Entra tenant (`tid`).")
    user_object_id: str = text("The calling user or service principal (`oid`).")
    apim_subscription: str = text("APIM's id of the subscription; never its key.")
    product: str = text("APIM's id of the product.")
    api_id: str = text("APIM's id of the API.")
    client_ip: str = text("The caller's address.")
    custom: Mapping[str, str] | None = column(
        "dynamic", "The customer's own dimensions (cost centre, team, …).", default=None
    )

    operation_name: str = text(
        "What was asked for: `chat`, `completions`, `embeddings`, `responses`, `messages`, `images` and others."
    )
    deployment: str = text("The deployment that was called.")
    requested_model: str = text("The model that the request names.")
    served_model: str = text("The model that the service says it ran.")
    backend: str = text("The backend that served the call.")
    region: str = text("The region that served the call.")
    service_tier: str = text("The tier that processed the call: `standard`, `priority`, `batch`; empty where unknown.")
    is_spilled_over: bool | None = column(
        "boolean",
        "Whether a standard deployment stood in for a full provisioned one; null where unknown.",
        default=None,
    )
    status_code: int | None = column("int", "HTTP status to the caller.", default=None)
    is_stream: bool | None = column("boolean", "Whether the answer was a stream.", default=None)
    duration_ms: float | None = column("real", "How long the call took, in milliseconds.", default=None)
    finish_reason: str = text("Why the answer ended, as the service said it.")
    charged: Charged = column(
        "string", "Whether the service charges the call; with `no` all numbers are null.", default=Charged.UNKNOWN
    )

    prompt_tokens: int | None = tokens("Tokens of the prompt, cached ones among them.")
    completion_tokens: int | None = tokens("Tokens of the completion, reasoning among them.")
    total_tokens: int | None = tokens("Prompt and completion together.")
    cached_tokens: int | None = tokens("Prompt tokens read from the service's cache; part of `PromptTokens`.")
    cache_write_tokens: int | None = tokens("Prompt tokens written to the service's cache; part of `PromptTokens`.")
    reasoning_tokens: int | None = tokens("Hidden reasoning; part of `CompletionTokens`.")
    audio_prompt_tokens: int | None = tokens("Audio in the prompt; part of `PromptTokens`.")
    audio_completion_tokens: int | None = tokens("Audio in the completion; part of `CompletionTokens`.")
    image_tokens: int | None = tokens("Images in the prompt; part of `PromptTokens`.")
    prompt_source: Source = column("string", "Where `PromptTokens` comes from.", default=Source.UNKNOWN)
    completion_source: Source = column("string", "Where `CompletionTokens` comes from.", default=Source.UNKNOWN)
    total_source: Source = column("string", "Where `TotalTokens` comes from.", default=Source.UNKNOWN)
    tokenizer: str = text("The encoding that counted; empty where nothing was counted.")
    audit_prompt_error: int | None = column(
        "long",
        "In a sample of the calls whose prompt was reported: what the counter would have said, less what was reported.",
        default=None,
    )
    audit_completion_error: int | None = column(
        "long", "The same for the completion; null where the call is not in the sample.", default=None
    )
    notes: tuple[str, ...] | None = column("dynamic", "Codes that say why the row is as it is.", default=None)

    event_hub: str = text("The hub (`namespace/hub`) that the event came from.")
    partition: str = text("The hub's partition.")
    sequence_number: int | None = column("long", "The event's number in its partition.", default=None)
    record_index: int | None = column("int", "The record's place in its event, from 0.", default=None)
    enqueued_time: datetime | None = column("datetime", "When the event reached the hub.", default=None)
    meter_version: str = text("The version of the meter that made the row.")
    meter_revision: int | None = column("int", "Raised when counting changes; the highest wins.", default=None)
